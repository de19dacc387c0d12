"""What was not measured, with the true reason and the setting behind it; and what the settings that follow the lengths came to."""

from collections.abc import Mapping, Sequence

import pandas as pd

from cellfate.base.plot_style import COURSE_LABELS, readable
from cellfate.statistics.courses import MIN_COURSE
from cellfate.trajectories.lengths import AUTO, Lengths

TRUNCATION, LAST_K = "evaluation.truncation", "evaluation.last_k"
WINDOW, MIN_FRAMES = "attention.occlusion_window", "statistics.min_frames"
PERCENTILE, TREATMENT, SPLITS = "statistics.high_percentile", "evaluation.treatment", "statistics.splits"
FOLLOWING = (TRUNCATION, LAST_K, WINDOW, MIN_FRAMES)


def missing_steps(table: pd.DataFrame, setting: str, value: object, names: Sequence[str]) -> list[str]:
    """Why a curve of figure 3, or some of its points, have no value. ``table`` is of all trajectories that are long enough."""
    what = "without the last {} frames" if setting == TRUNCATION else "from the last {} frames"
    if value is None:
        return [f"Not measured: predictions {what.format('n')}; {setting} is null."]
    rows = table[(table["metric"] == "balanced_accuracy") & (table["cohort"] == "all")]
    found = []
    beyond = sorted(set(value) - set(rows["n"])) if value != AUTO else []
    if beyond:
        found.append(f"Left out: the last {_numbers(beyond)} frames ({setting}), as no held-out trajectory is that long.")
    if len(rows) and rows["n_trajectories"].max() == 0:
        return [*found, f"Not measured, no held-out trajectory is of the treatment that {TREATMENT} names: everything {what.format('n')}."]
    recalls = table[(table["metric"] == "recall") & (table["cohort"] == "all")]
    empty = rows[rows["value"].isna()]
    none = empty.loc[empty["n_trajectories"] == 0, "n"]
    if len(none):
        found.append(f"Not measured, no held-out trajectory is that long: balanced accuracy {what.format(_numbers(none))} ({setting}).")
    for name, other in zip(names, reversed(names), strict=True):
        lacking = recalls.loc[(recalls["class"] == name) & (recalls["n_trajectories"] == 0) & ~recalls["n"].isin(none), "n"]
        if len(lacking):
            reason = f"all held-out trajectories that are long enough are “{readable(other)}”"
            found.append(f"Not measured, {reason}: balanced accuracy {what.format(_numbers(lacking))} ({setting}).")
    return found


def missing_effects(effects: pd.DataFrame, steps: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Why an outcome has no feature compared, or none relative to other cells."""
    known = effects[effects["median_delta"].notna()]
    has = {course: set(known.loc[known["course"] == course, "outcome"]) for course in COURSE_LABELS}
    found = [f"Not measured, {_reason(steps, name)}: features of “{readable(name)}”." for name in names if name not in has["kept"]]
    alone = [f"“{readable(name)}”" for name in names if name in has["kept"] - has["removed"]]
    if alone:
        few = f"fewer than {MIN_COURSE} trajectories of an outcome in other recordings reach the same time before the end"
        found.append(f"Not measured, {few}: features of {' and '.join(alone)} {COURSE_LABELS['removed']}.")
    return found


def _reason(steps: pd.DataFrame, name: str) -> str:
    """The first step that no trajectory of the outcome passes, with the settings that decide it."""
    own = steps[steps["outcome"] == name].set_index("step")
    looked, correct, long, measured, _ = (int(n) for n in own["n"])
    if looked == 0:
        return f"no trajectory of it is among those looked at ({TREATMENT}, {SPLITS})"
    if correct == 0:
        return f"none of its {looked} trajectories is classified correctly"
    if long == 0:
        limit = int(own.loc["long enough", "limit"])
        return f"none of its {correct} correctly classified trajectories has {limit} frames ({MIN_FRAMES})"
    if measured == 0:
        return f"in none of its {long} trajectories that are long enough a cell was found (the section segmentation)"
    return f"none of its {measured} trajectories has two frames of either kind in which the cell was found ({PERCENTILE})"


def missing_occlusion(window: object) -> list[str]:
    return [f"Not measured: what the prediction loses without single frames; {WINDOW} is null."] if window is None else []


def lengths_line(trajectories: pd.DataFrame, settings: Mapping[str, object]) -> str | None:
    """What the settings that are auto came to; None where none is. ``settings`` are those of FOLLOWING, and what they depend on."""
    following = [name for name in FOLLOWING if settings[name] == AUTO]
    if not following:
        return None
    lengths = Lengths.of(trajectories, settings[TREATMENT])
    values = {
        TRUNCATION: lambda: _range(lengths.truncation(AUTO)),
        LAST_K: lambda: _range(lengths.last_k(AUTO)),
        WINDOW: lambda: str(lengths.occlusion_window(AUTO)),
        MIN_FRAMES: lambda: str(lengths.statistics_min_frames(AUTO, settings[PERCENTILE])),
    }
    came_to = ", ".join(f"{name} {values[name]()}" for name in following)
    whose = f"the {len(lengths.n_frames)} usable trajectories that are analysed"
    found = f"Three quarters of {whose} have {lengths.common} frames or more, the longest has {lengths.longest}"
    return f"{found}. From their lengths follow: {came_to}."


def _range(numbers: Sequence[int]) -> str:
    if len(numbers) < 3:
        return _numbers(numbers)
    return f"{numbers[0]} to {numbers[-1]} in steps of {numbers[1] - numbers[0]}"


def _numbers(values: Sequence[int] | pd.Series) -> str:
    return ", ".join(str(n) for n in sorted(set(values)))
