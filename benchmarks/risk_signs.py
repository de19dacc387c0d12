"""Signs that no single frame tells: what risks, baselines and a ceiling know of the outcome at each hour before the event.

For each set of signs recordings of treated cells are simulated, with events over most of the film and fated cells lost as others are.
Rings are measured from the frames, the networks of risks are trained as a run trains them, in two folds by recording, and the held-out
cells with an outcome are judged some hours before it. The ceiling knows each cell's hidden course, with an error of measurement.
What is finished is not done again.

Run: OMP_NUM_THREADS=1 PYTHONPATH=src .venv/bin/python benchmarks/risk_signs.py [--signs today] [--per-dose 6] [--folds 2] [--seed 911]
Prints the tables of docs/risks.md.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from recording_gains import InMemory
from risk_scores import NO_PREFIXES, UNITS, held_out
from risks import CONFIG, MIN_FRAMES, RISKS, fates_of, shuffled
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cellfate.crops.rings import RingMeter, rings_of_frames
from cellfate.evaluation.risks.forecasts import ANY, COURSE, LAST, LEADS, PREFIX, Forecasts, Sources, at_lead
from cellfate.evaluation.risks.forecasts import RISKS as OURS
from cellfate.model.risks.inputs import FrameInputs, InputSettings
from cellfate.simulation.recording import SimulatedRecording, conditions_of, plan_recording, simulate_recording
from cellfate.simulation.settings import simulation_settings
from cellfate.statistics.scores import balanced_accuracy, difference, log_loss
from cellfate.tracks.tables import CENSORED, NO_EVENT

SIGNS = {
    "today": {},
    **{name: {"effects": {"only": [name, "drug_response"]}} for name in ("p53_pulses", "p53_transient", "p53_integral", "cycle_phase")},
}
OVER_TIME = {"fated_cells": 20, "fated_length": [0.4, 0.94], "short_fraction": 0.0, "lost_fated_fraction": 0.2}
DOSES, DRUG_H, INTERVAL_MIN, SIZE = ("low", "medium", "high"), 10.0, 30.0, 80
ERROR = 0.15  # of the hidden course, in logarithms
HIDDEN = ("circadian", "p53", "cell_cycle", "radius", "ratio", "spread")


def simulate(signs: str, name: str, dose: str, seed: int, folder: Path) -> tuple[pd.DataFrame, ...]:
    """Rings, trajectories and hidden courses of a recording, kept in ``folder``."""
    paths = [folder / f"{name}-{kind}.parquet" for kind in ("rings", "trajectories", "hidden")]
    if not all(path.exists() for path in paths):
        settings = simulation_settings(OVER_TIME | SIGNS[signs])
        known = {"seed": seed, "treatment_start_h": DRUG_H, "frame_interval_min": INTERVAL_MIN}
        recording = simulate_recording(name, settings, treatment="cisplatin", dose=dose, **known)
        lengths = recording.tracks["track_id"].map(recording.tracks["track_id"].value_counts())
        tracks = recording.tracks[lengths > MIN_FRAMES].assign(recording=name)
        frames = InMemory(recording, name)
        meter = RingMeter(SIZE, **CONFIG["rings"])
        tables = (
            rings_of_frames(frames, tracks, meter, range(3), name),
            rows_of(recording, name, dose),
            hidden(name, settings, dose, seed, tracks),
        )
        for table, path in zip(tables, paths, strict=True):
            table.to_parquet(path)
    return tuple(pd.read_parquet(path) for path in paths)


def rows_of(recording: SimulatedRecording, name: str, dose: str) -> pd.DataFrame:
    """Its trajectories: every track, with the outcome where the tracker saw it."""
    cells = recording.cells.assign(n_frames=lambda table: table["last_frame"] - table["first_frame"] + 1)
    seen = cells["end"] == "event"
    outcome = np.where(seen, cells["fate"], np.where(cells["end"] == "end", NO_EVENT, CENSORED))
    names = name + "/" + cells["track_id"].astype(str)
    label = pd.Series(np.where(seen, cells["fate"] == CONFIG["outcomes"]["positive"], np.nan)).astype("Int64")
    event = pd.Series(np.where(seen, cells["event_frame"], np.nan)).astype("Int64")
    known = {"recording": name, "treatment": "cisplatin", "dose": dose, "group": dose, "frame_interval_min": INTERVAL_MIN, "reason": ""}
    kept = cells[["track_id", "first_frame", "last_frame", "n_frames"]]
    kept = kept.assign(trajectory=names, lineage=name + "/" + cells["lineage"].astype(str), outcome=outcome, label=label, event_frame=event)
    return kept.assign(usable=seen & (cells["n_frames"] > MIN_FRAMES), **known)


def hidden(name: str, settings, dose: str, seed: int, tracks: pd.DataFrame) -> pd.DataFrame:
    """What the simulator knows of each cell in each frame of its track, in logarithms, with an error of measurement."""
    cells, programmes = plan_recording(name, settings, conditions_of(name, seed, dose, DRUG_H, INTERVAL_MIN), dose)
    courses = {
        cell.track_id: np.log(np.column_stack([p.nuclear, p.radius, p.ratio, 1 + p.spread]).clip(1e-3))
        for cell, p in zip(cells, programmes, strict=True)
    }
    values = np.array([courses[row.track_id][row.frame] for row in tracks.itertuples()])
    values += np.random.default_rng([seed, len(values)]).normal(0, ERROR, values.shape)
    return tracks[["recording", "track_id", "frame"]].assign(**dict(zip(HIDDEN, values.T, strict=True)))


def prefix_numbers(values: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """What a prefix (T, F) says: its last frame, means of stretches, extremes, slope, how stretches go, its level when the drug came."""
    drug = np.abs(frames - DRUG_H * 60 / INTERVAL_MIN) <= 2
    at_drug = values[drug].mean(axis=0) if drug.any() else np.full(values.shape[1], np.nan)
    slope = np.polyfit(np.arange(len(values)), values, 1)[0]
    means = [values[-n:].mean(axis=0) for n in (5, 10, 20, 40)]
    courses = [number for n in (15, 30, len(values)) for number in course_numbers(values[-n:])]
    return np.concatenate([values[-1], *means, values.mean(axis=0), values.max(axis=0), values.min(axis=0), slope, *courses, at_drug])


def course_numbers(values: np.ndarray) -> list[np.ndarray]:
    """How a stretch (T, F) goes: its spread, its peaks a frame, the steps from frame to frame, and how alike frames some apart are."""
    inner, away = values[1:-1], values - values.mean(axis=0)
    peaks = ((inner > values[:-2]) & (inner > values[2:])).mean(axis=0)
    steps = np.abs(np.diff(values, axis=0)).mean(axis=0)
    alike = [(away[n:] * away[:-n]).sum(axis=0) / np.maximum((away**2).sum(axis=0), 1e-9) for n in (3, 6) if n < len(values)]
    return [values.std(axis=0), peaks, steps, *alike]


def ceiling(test: Forecasts, lead: float, table: pd.DataFrame, trajectories: pd.DataFrame, split: pd.DataFrame, seed: int) -> np.ndarray:
    """Log-odds (N,) of the outcome of the cells in ``test``, from the hidden course up to ``lead`` hours before it."""
    courses = dict(list(table.groupby(["recording", "track_id"], sort=False)))
    back = round(lead * 60 / INTERVAL_MIN)

    def numbers(rows: pd.DataFrame) -> np.ndarray:
        found = []
        for row in rows.itertuples():
            own = courses[row.recording, row.track_id]
            own = own[own["frame"] <= row.event_frame - back]
            found.append(prefix_numbers(own[list(HIDDEN)].to_numpy(), own["frame"].to_numpy()))
        return np.array(found)

    fated = trajectories[trajectories["usable"]]
    enough = fated["event_frame"].astype(int) - back - fated["first_frame"] >= MIN_FRAMES
    fated = fated[enough].merge(split[["trajectory", "fold", "split"]], on="trajectory")
    odds = pd.Series(np.nan, index=test.table["trajectory"])
    for fold in sorted(fated["fold"].unique()):
        own = fated[fated["fold"] == fold]
        train, held = own[own["split"] != "test"], own[own["split"] == "test"]
        inputs, labels = np.nan_to_num(numbers(train)), train["label"].astype(int)
        models = (
            HistGradientBoostingClassifier(max_iter=100, learning_rate=0.06, min_samples_leaf=10, random_state=seed),
            make_pipeline(StandardScaler(), LogisticRegression(C=0.02, max_iter=2000)),
        )
        others = np.nan_to_num(numbers(held))
        said = np.mean([np.log(np.divide(*model.fit(inputs, labels).predict_proba(others).clip(1e-3).T[::-1])) for model in models], axis=0)
        odds = odds.combine_first(pd.Series(said, index=held["trajectory"]).reindex(odds.index))
    return odds.to_numpy()


def scores(signs: str, test: Forecasts, table: pd.DataFrame, trajectories: pd.DataFrame, split: pd.DataFrame, seed: int) -> list[dict]:
    """At each of LEADS, of each method: log-loss, balanced accuracy, that of the risks less it, and how far from the base rate it goes."""
    rows = []
    for lead in LEADS:
        cells = test.of(at_lead(test.table, lead))
        known = cells.table.assign(label=cells.table["ended"].astype(int))
        labels = known["label"].to_numpy(int)
        said = {
            "ceiling": ceiling(cells, lead, table, trajectories, split, seed),
            **{name: cells.fate[name] for name in (OURS, LAST, ANY, COURSE, PREFIX) if name in cells.fate},
        }
        there = ~np.isnan(np.array(list(said.values()))).any(axis=0)
        labels, base, known = labels[there], cells.base[there], known[there].reset_index(drop=True)
        right = {name: balanced_accuracy(labels, (odds[there] > base).astype(int)) for name, odds in said.items()}
        for name, odds in said.items():
            limits = UNITS.interval(right[name], known)
            less = difference(right[OURS], right[name])
            between = UNITS.interval(less, known)
            dares = np.abs(1 / (1 + np.exp(-odds[there])) - 1 / (1 + np.exp(-base))).mean()
            row = {
                "signs": signs,
                "hours before": lead,
                "method": name,
                "cells": len(labels),
                "log-loss": log_loss(labels, odds[there]).value,
            }
            row |= {"balanced accuracy": right[name].value, "low": limits.low, "high": limits.high}
            rows.append(row | {"risks less": less.value, "less low": between.low, "less high": between.high, "from base rate": dares})
    return rows


def judged(signs: str, per_dose: int, folds: int, seed: int, work: Path, exchange: bool) -> list[dict]:
    """Simulate, train and judge one set of signs."""
    folder = work / f"{signs}-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    names = [(f"sim{number:02d}", DOSES[number % len(DOSES)]) for number in range(per_dose * len(DOSES))]
    made = [simulate(signs, *who, seed, folder) for who in names]
    rings, trajectories, table = (pd.concat(parts, ignore_index=True) for parts in zip(*made, strict=True))
    if exchange:
        trajectories = shuffled(trajectories, seed)
    split = split_of(trajectories, [name for name, _ in names], folds)
    starts = {name: DRUG_H for name, _ in names}
    data, kept = (trajectories, split, rings, starts), folder / f"{'exchanged' if exchange else 'fits'}-{len(names)}-{folds}"
    kept.mkdir(exist_ok=True)
    fates = pd.concat([fates_of("risks", fold, data, seed, kept) for fold in range(folds)])
    inputs = FrameInputs(rings, None, None, starts, InputSettings(**{**RISKS["inputs"], "features": False}))
    horizons = [float(hours) for hours in RISKS["horizons_hours"]]
    sources = {"risks": Sources(trajectories, split, fates, NO_PREFIXES, inputs, starts, horizons, MIN_FRAMES)}
    test = held_out(sources, seed)["risks"]
    return scores(signs + (", outcomes exchanged" if exchange else ""), test, table, trajectories, split, seed)


def split_of(trajectories: pd.DataFrame, names: list[str], folds: int) -> pd.DataFrame:
    """Folds by recording: every n-th one is held out, and of the others about as many as a sixth of all validate."""
    parts = []
    for fold in range(folds):
        others = [name for number, name in enumerate(names) if number % folds != fold]
        validation = others[:: max(1, round(len(others) / (len(names) / 6)))]
        part = {name: "test" for number, name in enumerate(names) if number % folds == fold}
        part |= {name: "validation" if name in validation else "train" for name in others}
        parts.append(trajectories[["trajectory"]].assign(fold=fold, split=trajectories["recording"].map(part)))
    return pd.concat(parts, ignore_index=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Score risks on signs that no single frame tells")
    parser.add_argument("--signs", nargs="+", choices=list(SIGNS), default=list(SIGNS))
    parser.add_argument("--exchange", action="store_true", help="outcomes exchanged between the cells of a recording: nothing can be known")
    parser.add_argument("--per-dose", type=int, default=6)
    parser.add_argument("--folds", type=int, default=2, choices=(2, 4, 5))
    parser.add_argument("--seed", type=int, default=911)
    parser.add_argument("--work", type=Path, default=Path("results/risk_signs"))
    options = parser.parse_args()
    for signs in options.signs:
        rows = pd.DataFrame(judged(signs, options.per_dose, options.folds, options.seed, options.work, options.exchange))
        print(rows.to_markdown(index=False, floatfmt=".3f"), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
