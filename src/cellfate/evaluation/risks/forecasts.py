"""What each method says at landmarks of the validation and the test part: risks within some hours, and the outcome if one comes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cellfate.evaluation.risks.baselines import BOOSTED, LOGISTIC, Examples, Predict, fit
from cellfate.evaluation.risks.frames import EPSILON, Clocks, Frames, Within, frames_of_part, within
from cellfate.model.risks.inputs import FrameInputs
from cellfate.statistics.reliability import log_odds

RISKS, CLOCK, AGE, NETWORK = "risks", "clock", "age", "network"
ANY, COURSE, PREFIX, LAST = "rings_any_frame", "rings_course", "rings_prefix", "rings_last_frame"
LEADS = (0.5, 2.0, 5.0, 10.0, 15.0, 20.0)  # hours before the event at which its outcome is judged
KINDS = {ANY: LOGISTIC, COURSE: LOGISTIC, PREFIX: BOOSTED}


@dataclass(frozen=True)
class Forecasts:
    """Methods at N landmarks of one part.

    ``table`` is that of :class:`Frames` with fold; ``risks`` (N, H, 2) of each method, NaN where it says nothing; ``came`` and ``weight``
    (N, H) as in :class:`Within`; ``inside`` (N, H) bool; ``fate``: log-odds (N,) of the positive outcome given that one comes, ``base``
    (N,) those of the fold's training part.
    """

    table: pd.DataFrame
    risks: Mapping[str, np.ndarray]
    came: np.ndarray
    weight: np.ndarray
    inside: np.ndarray
    fate: Mapping[str, np.ndarray]
    base: np.ndarray

    def of(self, rows: np.ndarray) -> "Forecasts":
        """Those of a mask or of places (M,)."""
        table = self.table[rows] if rows.dtype == bool else self.table.iloc[rows]
        arrays = {name: getattr(self, name)[rows] for name in ("came", "weight", "inside", "base")}
        said = {name: {key: value[rows] for key, value in getattr(self, name).items()} for name in ("risks", "fate")}
        return Forecasts(table=table.reset_index(drop=True), **arrays, **said)


@dataclass(frozen=True)
class Fold:
    """The landmarks of one fold's parts, by their names, and what the hour tells."""

    parts: Mapping[str, Frames]
    clocks: Clocks
    horizons: Sequence[float]
    seed: int

    @property
    def kinds(self) -> dict[str, str]:
        """The baselines of KINDS; without that of the course where nobody is told it."""
        train = self.parts["train"]
        told = train.course.shape[1] > train.values.shape[1]
        return {method: kind for method, kind in KINDS.items() if method != COURSE or told}

    def within(self, part: str, number: int) -> Within:
        return within(self.parts[part].table, self.clocks, self.horizons[number])


@dataclass(frozen=True)
class Sources:
    """What forecasts are made of: tables of a run (``fates`` and ``prefixes`` of all folds), the numbers of frames, the hours at which each
    recording got its drug, hours ahead, and how many frames must be seen."""

    trajectories: pd.DataFrame
    split: pd.DataFrame
    fates: pd.DataFrame
    prefixes: pd.DataFrame
    inputs: FrameInputs
    starts: Mapping[str, float]
    horizons: Sequence[float]
    min_frames: int


def forecasts_of_folds(sources: Sources, seed: int) -> tuple[Forecasts, Forecasts]:
    """Of the validation and of the test part, all folds together; ``sources.split`` has the parts of tracks without a fate too."""
    found = [_of_fold(sources, fold, seed) for fold in sorted(sources.split["fold"].unique())]
    return joined([validation for validation, _ in found]), joined([test for _, test in found])


def _of_fold(sources: Sources, fold: int, seed: int) -> tuple[Forecasts, Forecasts]:
    args = (sources.inputs, sources.min_frames, sources.starts)
    parts = {part: frames_of_part(sources.trajectories, sources.split, fold, part, *args) for part in ("train", "validation", "test")}
    own = Fold(parts, Clocks(parts["train"].table), sources.horizons, seed)
    models, fates = _risk_models(own), _fate_models(own)
    fated = parts["train"].table.drop_duplicates("trajectory").query("ended >= 0")["ended"]
    base = float(log_odds(np.array([(fated.sum() + 0.5) / (len(fated) + 1)]))[0])
    said, network = (table[table["fold"] == fold] for table in (sources.fates, sources.prefixes))
    return tuple(_forecasts(own, part, fold, base, models, fates, said, network) for part in ("validation", "test"))


def _risk_models(own: Fold) -> dict[str, list[Predict | None]]:
    """Of each kind of baseline a model for each horizon."""
    found = {method: [] for method in own.kinds}
    for number in range(len(own.horizons)):
        for method, kind in own.kinds.items():
            train, validation = (_examples(own, part, method, number) for part in ("train", "validation"))
            found[method].append(fit(kind, train, validation, 3, own.seed))
    return found


def _examples(own: Fold, part: str, method: str, number: int) -> Examples:
    """Landmarks of which it is known what came within a horizon; class 0 is neither outcome."""
    frames, judged = own.parts[part], own.within(part, number)
    known = judged.weight > 0
    cells = pd.factorize(frames.table["trajectory"])[0][known]
    return Examples(_inputs(frames, method)[known], judged.came[known] + 1, judged.weight[known], cells)


def _inputs(frames: Frames, method: str) -> np.ndarray:
    return {PREFIX: frames.prefix, COURSE: frames.course}.get(method, frames.values)


def _fate_models(own: Fold) -> dict[str, Predict | None]:
    """The outcome of cells that have one: from any frame, from the whole prefix, and from the frame at each of LEADS."""
    pairs = {method: [_fated(own.parts[part], method, None) for part in ("train", "validation")] for method in own.kinds}
    found = {method: fit(own.kinds[method], *pair, 2, own.seed) for method, pair in pairs.items()}
    for lead in LEADS:
        pair = [_fated(own.parts[part], LAST, lead) for part in ("train", "validation")]
        found[f"{LAST} {lead}"] = fit(LOGISTIC, *pair, 2, own.seed)
    return found


def _fated(frames: Frames, method: str, lead: float | None) -> Examples:
    ended = frames.table["ended"].to_numpy(int)
    rows = ended >= 0 if lead is None else at_lead(frames.table, lead)
    cells = pd.factorize(frames.table["trajectory"])[0][rows]
    return Examples(_inputs(frames, method)[rows], ended[rows], np.ones(rows.sum()), cells)


def at_lead(table: pd.DataFrame, lead: float) -> np.ndarray:
    """Mask (N,) of the landmarks that are ``lead`` hours before an outcome, as near as frames allow: one of each cell that has one."""
    left, ended = table["left"].to_numpy(float), table["ended"].to_numpy(int)
    off = pd.Series(np.where(ended >= 0, np.abs(left - lead), np.inf))
    nearest = off.groupby(table["trajectory"].to_numpy()).transform("min")
    step = pd.Series(table["age"].to_numpy(float)).groupby(table["trajectory"].to_numpy()).diff().median()
    mask = (off == nearest) & np.isfinite(off) & (off <= (step if np.isfinite(step) else 0) / 2 + EPSILON)
    return (mask & ~pd.Series(table["trajectory"].to_numpy()).where(mask).duplicated()).to_numpy(bool)


def _forecasts(own: Fold, part: str, fold: int, base: float, models, fates, said: pd.DataFrame, network: pd.DataFrame) -> Forecasts:
    frames = own.parts[part]
    table, size = frames.table, (len(frames.table), len(own.horizons), 2)
    risks, given = said_at(table, said, own.horizons)
    told = {RISKS: risks, **{name: own.clocks.incidence(table, own.horizons, axis) for name, axis in ((CLOCK, "hour"), (AGE, "age"))}}
    for method, each in models.items():
        told[method] = np.full(size, np.nan)
        for number, predict in enumerate(each):
            if predict is not None and len(table):
                told[method][:, number] = predict(_inputs(frames, method))[:, 1:]
    judged = [own.within(part, number) for number in range(len(own.horizons))]
    arrays = {name: np.stack([getattr(one, name) for one in judged], axis=1) for name in ("came", "weight", "inside")}
    fate = {RISKS: given, NETWORK: _published(table, network), CLOCK: _given(told[CLOCK][:, -1], base)}
    fate |= _fates_of_baselines(frames, fates)
    return Forecasts(table.assign(fold=fold), told, **arrays, fate=fate, base=np.full(len(table), base))


def said_at(table: pd.DataFrame, fates: pd.DataFrame, horizons: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """The table fates at the landmarks: risks (N, H, 2), and the log-odds (N,) of the positive outcome at the farthest horizon there is."""
    risks, given = np.full((len(table), len(horizons), 2), np.nan), np.full(len(table), np.nan)
    keys = table[["trajectory", "frame"]]
    for number, hours in enumerate(horizons):
        own = fates.loc[fates["horizon_hours"] == hours, ["trajectory", "frame", "negative", "positive", "positive_given_event"]]
        if len(own):
            found = keys.merge(own, on=["trajectory", "frame"], how="left", validate="one_to_one")
            risks[:, number] = found[["negative", "positive"]].to_numpy(float)
            given = log_odds(found["positive_given_event"])
    return risks, given


def _given(risks: np.ndarray, base: float) -> np.ndarray:
    """Log-odds (N,) of the positive outcome given that one comes, from both risks (N, 2); those of the base rate where neither can."""
    share = 1 / (1 + np.exp(-base))
    return log_odds((risks[:, 1] + 1e-3 * share) / (risks.sum(axis=1) + 1e-3))


def _published(table: pd.DataFrame, prefixes: pd.DataFrame) -> np.ndarray:
    """Log-odds (N,) by the published network from its latest prefix; NaN where it has none."""
    left = table[["trajectory", "frame"]].reset_index(drop=True).reset_index().sort_values("frame", kind="stable")
    right = prefixes[["trajectory", "frame", "probability"]].sort_values("frame", kind="stable")
    left["frame"], right["frame"] = left["frame"].astype("int64"), right["frame"].astype("int64")
    found = pd.merge_asof(left, right, on="frame", by="trajectory").sort_values("index")["probability"].to_numpy(float)
    return np.where(np.isnan(found), np.nan, log_odds(np.nan_to_num(found, nan=0.5)))


def _fates_of_baselines(frames: Frames, models: Mapping[str, Predict | None]) -> dict[str, np.ndarray]:
    """Log-odds (N,) of each; those of the last frame at LEADS alone."""
    found = {LAST if name.startswith(LAST) else name: np.full(len(frames.table), np.nan) for name in models}
    for name, predict in models.items():
        method = LAST if name.startswith(LAST) else name
        rows = at_lead(frames.table, float(name.removeprefix(LAST))) if method == LAST else np.ones(len(frames.table), bool)
        if predict is not None and rows.any():
            found[method][rows] = log_odds(predict(_inputs(frames, method)[rows])[:, 1])
    return found


def joined(parts: Sequence[Forecasts]) -> Forecasts:
    """All of them together, such as those of several folds."""
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ("came", "weight", "inside", "base")}
    said = {
        name: {key: np.concatenate([getattr(part, name)[key] for part in parts]) for key in getattr(parts[0], name)}
        for name in ("risks", "fate")
    }
    return replace(parts[0], table=pd.concat([part.table for part in parts], ignore_index=True), **arrays, **said)
