"""Which trajectories two runs can be compared on: those that both held out. All others are counted, with why they are left out."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.evaluation.compared.runs import Run
from cellfate.evaluation.scoring import Units

PARTS = {"train": "trained on", "validation": "validated on", "unlabelled": "without a fate in"}  # of another run's split
KEYS = ["trajectory", "condition", "n"]


@dataclass(frozen=True)
class Matched:
    """What two runs said of the same held-out trajectories.

    ``pairs`` has the columns of the predictions of either with the endings _a and _b; ``left_out`` says for each run why trajectories that
    it held out are not compared, {words: how many}; ``notes`` say what else differs.
    """

    pairs: pd.DataFrame
    units: Units
    left_out: tuple[dict[str, int], dict[str, int]]
    notes: list[str]


def match(a: Run, b: Run) -> Matched:
    """Match two runs by the names of their trajectories.

    Raises InputError where these are not of the same data: other outcomes, other labels, or no frames in common; and where no
    trajectory was held out in both.
    """
    if a.outcomes != b.outcomes:
        raise InputError(f"{b.folder}: its outcomes are {_named(b)}, those of {a.folder} are {_named(a)}; the same are needed")
    both = a.trajectories.merge(b.trajectories, on="trajectory", suffixes=("_a", "_b"))
    if both.empty:
        raise InputError(f"{b.folder}: none of its trajectories is in {a.folder}; two runs on the same data set are needed")
    _refuse_other_data(a, b, both)
    kept = ["recording", "fold", "label", "logit", "log_odds", "predicted"]
    pairs = a.predictions[KEYS + kept].merge(b.predictions[KEYS + kept], on=KEYS, suffixes=("_a", "_b"))
    full = pairs[pairs["condition"] == "full"]
    left_out = _left_out(a, b, full), _left_out(b, a, full)
    if full.empty:
        words = "; ".join(f"{run.name} {_counted(reasons)}" for run, reasons in zip((a, b), left_out, strict=True))
        raise InputError(f"{b.folder}: no trajectory was held out in it and in {a.folder}, so nothing can be compared: {words}")
    pairs = pairs.merge(both[["trajectory", "group_a"]].rename(columns={"group_a": "group"}), on="trajectory")
    pairs = pairs.rename(columns={"recording_a": "recording", "label_a": "label"})
    unit = "group" if _holds_out_groups(a) and _holds_out_groups(b) else "recording"
    compared = both[both["trajectory"].isin(full["trajectory"])]
    notes = [*_frames_notes(a, b, compared), *_training_notes(a, full, "a"), *_training_notes(b, full, "b")]
    return Matched(pairs, Units(unit, a.outcomes), left_out, notes)


def _named(run: Run) -> str:
    return f"{run.outcomes[0]} (negative) and {run.outcomes[1]} (positive)"


def _refuse_other_data(a: Run, b: Run, both: pd.DataFrame) -> None:
    fated = both["label_a"].notna() & both["label_b"].notna()
    other = both[fated & (both["outcome_a"] != both["outcome_b"])]
    if len(other):
        row = other.iloc[0]
        raise InputError(
            f"{b.folder}: {len(other)} of {int(fated.sum())} trajectories have another outcome than in {a.folder}, the first is "
            f"{row['trajectory']}, {row['outcome_b']} and not {row['outcome_a']}; runs on the same tracks and outcomes are needed"
        )
    apart = both[(both["first_frame_a"] > both["last_frame_b"]) | (both["first_frame_b"] > both["last_frame_a"])]
    if len(apart):
        row = apart.iloc[0]
        raise InputError(
            f"{b.folder}: {len(apart)} of {len(both)} trajectories have no frame in common with those of the same name in {a.folder}, the "
            f"first is {row['trajectory']}, frames {row['first_frame_b']} to {row['last_frame_b']} and not {row['first_frame_a']} to "
            f"{row['last_frame_a']}; runs on the same tracks are needed"
        )


def _left_out(run: Run, other: Run, full: pd.DataFrame) -> dict[str, int]:
    """Why trajectories that ``run`` held out are not compared, by what ``other`` did with them."""
    own = run.predictions.loc[run.predictions["condition"] == "full", "trajectory"]
    alone = own[~own.isin(full["trajectory"])]
    parts = other.split.groupby("trajectory")["split"].agg(set)
    known = set(other.trajectories["trajectory"])
    reasons = [f"{_part(parts.get(name, set()), name in known)} {other.name}" for name in alone]
    return pd.Series(reasons, dtype=object).value_counts().to_dict()


def _part(parts: set[str], known: bool) -> str:
    if "test" in parts:
        return "held out, but not predicted in"
    return next((words for part, words in PARTS.items() if part in parts), "not used in" if known else "not in the tracks of")


def _counted(reasons: dict[str, int]) -> str:
    listed = ", ".join(f"{words} {n}" for words, n in reasons.items())
    return f"held out {sum(reasons.values())} ({listed})"


def _holds_out_groups(run: Run) -> bool:
    """Whether the split kept groups of several recordings whole: each is in one part of every fold."""
    rows = run.split[run.split["split"] != "unlabelled"].merge(run.trajectories[["trajectory", "recording", "group"]], on="trajectory")
    if rows["group"].isna().any():
        return False
    several = rows.groupby("group")["recording"].nunique().max() > 1
    return bool(several and (rows.groupby(["fold", "group"])["split"].nunique() == 1).all())


def _frames_notes(a: Run, b: Run, compared: pd.DataFrame) -> Iterator[str]:
    """What the runs saw of the compared trajectories, where that is not the same."""
    ends = [compared[f"last_frame_{run}"].astype(float) for run in "ab"]
    columns = ("first_frame", "last_frame", "n_frames")
    same = np.all([compared[f"{column}_a"] == compared[f"{column}_b"] for column in columns], axis=0)
    if same.all():
        return
    later = (ends[1] - ends[0]).mean()
    words = f"Other frames were seen of {int((~same).sum())} of {len(compared)} cells"
    if later:
        words += f": in {(b if later > 0 else a).name} they end {abs(later):.1f} frames later on average"
    yield f"{words}. Numbers of dropped frames count from each run's own end."
    for run, end, letter in zip((a, b), ends, "ab", strict=True):
        inside = int((end >= compared[f"event_frame_{letter}"].astype(float)).sum())
        if inside:
            cells = f"{inside} of {len(compared)} cells"
            yield f"In {run.name} the frames of {cells} show the event itself (trajectories.cut_at_event): it is seen, not predicted."


def _training_notes(run: Run, full: pd.DataFrame, letter: str) -> Iterator[str]:
    """How many of the compared cells are of recordings that the run trained on."""
    trained = run.split[run.split["split"] == "train"].merge(run.trajectories[["trajectory", "recording"]], on="trajectory")
    pairs = set(zip(trained["fold"], trained["recording"], strict=True))
    known = sum(pair in pairs for pair in zip(full[f"fold_{letter}"], full["recording_a"], strict=True))
    if known:
        yield (
            f"{run.name} trained on other cells of the recordings of {known} of {len(full)} cells, which makes its scores higher than they "
            "are in new recordings."
        )
