"""Calibrates how likely a link of a track is wrong, on simulated recordings with known links, and judges it on others.

Recordings differ in density, size, speed, frame interval, missed and false detections. Cells are linked as the pipeline links them. A link
is wrong where it joins detections of two cells neither of which is the other's mother, or a detection of nothing. One logistic model with
intensities and one without are fitted to the links of some recordings, and written into the package with their origin. Others judge
them, also on what the fit never saw: links of a greedy tracker, and true tracks in which two neighbours are exchanged.

Run: PYTHONPATH=src .venv/bin/python benchmarks/link_doubt.py [recordings to fit] [recordings to judge] [folder for tables]
Links of either part that are in the folder already are read.
"""

import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from cellfate.base.software import SOFTWARE
from cellfate.base.tables import write_table
from cellfate.simulation.recording import simulate_recording
from cellfate.tracks.doubt.appearance import measure_intensities
from cellfate.tracks.doubt.links import FEATURES, measure_links, read_cells
from cellfate.tracks.doubt.model import COEFFICIENTS, FLOOR, INPUTS, INTERCEPT, PACKAGED, LinkModel
from cellfate.tracks.linking import TrackingSettings, link_cells

FIRST_SEEDS = {"fitted": 2001, "judged": 2101}  # nothing else has these seeds
DENSITY = ((12, 36.0), (32, 36.0), (60, 30.0), (80, 24.0))  # cells in 384 x 384 pixels, their diameter
SPEEDS = (1.0, 2.5, 5.0, 8.0)  # pixels per frame
EVERY = (1, 2, 4)  # frames of which one is kept
ERRORS = ((0.0, 0.0), (0.02, 0.01), (0.05, 0.02), (0.1, 0.05))  # missed, false / cells
TRACKERS = ("laptrack", "greedy", "exchanged")
OF_OTHERS = 0.02  # missed, of the condition in which the other trackers are judged
JITTER = 0.7  # pixels, of a detected centre
EXCHANGES = 12  # in a recording of true tracks
FLOORS = (0, 0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03)  # tried
RELIABILITY = (0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1)
CONFIDENCE = (0, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 1)
FEWEST_FRAMES = 10  # of the tracks that are judged as a whole


def simulate(number: int, seed: int):
    """One recording: density and speed by its number, every fourth one another pair."""
    n_cells, diameter = DENSITY[number % 4]
    speed = SPEEDS[(number + number // 4) % 4]
    settings = {"n_frames": 80, "n_cells": n_cells, "cell_diameter": diameter, "speed": speed}
    return simulate_recording(f"r{number}", settings, seed=seed, frame_interval_min=30), speed, diameter


def detections(simulated, missed: float, false: float, every: int, rng: np.random.Generator) -> pd.DataFrame:
    """Cells as a segmentation finds them: frame, y, x, area and cell (the true one's id, 0: there is none)."""
    rows, shape = [], simulated.masks.shape[1:]
    grid = np.mgrid[: shape[0], : shape[1]]
    for t, mask in enumerate(simulated.masks[::every]):
        areas = np.bincount(mask.ravel())
        y, x = (np.bincount(mask.ravel(), one.ravel()) / np.maximum(areas, 1) for one in grid)
        ids = np.flatnonzero(areas)[1:]
        ids = ids[rng.random(len(ids)) >= missed]
        extra = rng.binomial(len(ids), false)
        rows.append(pd.DataFrame({"frame": t, "y": y[ids], "x": x[ids], "area": areas[ids], "cell": ids}))
        places = rng.uniform(0, shape, (extra, 2))
        rows.append(pd.DataFrame({"frame": t, "y": places[:, 0], "x": places[:, 1], "area": 200.0, "cell": 0}))
    found = pd.concat(rows, ignore_index=True)
    found[["y", "x"]] += rng.normal(0, JITTER, (len(found), 2))
    return found


def linked(found: pd.DataFrame, tracker: str, max_step: float, diameter: float, parents: dict, rng: np.random.Generator) -> pd.DataFrame:
    """The detections with track_id and parent_id."""
    if tracker == "greedy":
        return found.assign(track_id=greedy(found, max_step), parent_id=pd.array([pd.NA] * len(found), dtype="Int64"))
    if tracker == "exchanged":
        return exchanged(found[found["cell"] > 0].reset_index(drop=True), parents, rng)
    settings = TrackingSettings(max_step, 2, True, 0.85 * diameter, True, 0.45, 2.0, 3)
    tracks, mothers = link_cells(found, int(found["frame"].max()) + 1, settings)
    return found.assign(track_id=tracks, parent_id=pd.array([mothers[track] for track in tracks], dtype="Int64"))


def greedy(found: pd.DataFrame, max_step: float) -> np.ndarray:
    """Tracks from the nearest pairs of consecutive frames, the nearest first: no gaps, no divisions."""
    tracks, places = np.zeros(len(found), int), found[["y", "x"]].to_numpy()
    rows, n = found.groupby("frame").indices, 0
    for frame in range(int(found["frame"].max()) + 1):
        there, before = rows.get(frame, []), rows.get(frame - 1, [])
        if len(there) and len(before):
            distance = cdist(places[before], places[there])
            for place in np.argsort(distance, axis=None):
                i, j = divmod(int(place), len(there))
                if distance[i, j] > max_step:
                    break
                if not tracks[there[j]] and tracks[before[i]] not in tracks[there]:
                    tracks[there[j]] = tracks[before[i]]
        for row in there:
            if not tracks[row]:
                n += 1
                tracks[row] = n
    return tracks


def exchanged(found: pd.DataFrame, parents: dict, rng: np.random.Generator) -> pd.DataFrame:
    """The true tracks; ``EXCHANGES`` times two that are near each other go on as one another."""
    tracks = found["cell"].to_numpy().copy()
    frames, places = found["frame"].to_numpy(), found[["y", "x"]].to_numpy()
    for frame in rng.choice(np.arange(1, frames.max() + 1), min(EXCHANGES, frames.max()), replace=False):
        there = np.flatnonzero(frames == frame)
        distance = cdist(places[there], places[there]) + np.diag(np.full(len(there), np.inf))
        pairs = np.argsort(distance, axis=None)[: len(there)]
        i, j = divmod(int(rng.choice(pairs)), len(there))
        one, other = tracks[there[i]], tracks[there[j]]
        later = frames >= frame
        tracks[later & (tracks == one)], tracks[later & (tracks == other)] = -1, one
        tracks[tracks == -1] = other
    mothers = [parents.get(track, -1) for track in tracks]
    mothers = [pd.NA if mother < 0 else mother for mother in mothers]
    return found.assign(track_id=tracks, parent_id=pd.array(mothers, dtype="Int64"))


def wrong_links(cells, links: pd.DataFrame, parents: dict) -> np.ndarray:
    """Whether each link joins two cells neither of which is the other's mother, or a detection of nothing."""
    ids = cells.table["cell"].to_numpy()
    late = links["row"].to_numpy()
    one, other = ids[cells.before[late]], ids[late]
    mother = np.array([parents.get(cell, -1) for cell in other])
    return (one == 0) | (other == 0) | ((one != other) & (mother != one))


def links_of(number: int, half: str) -> pd.DataFrame:
    """The links of one recording under all conditions: condition, FEATURES, wrong."""
    simulated, speed, diameter = simulate(number, FIRST_SEEDS[half] + number)
    parents = simulated.cells.set_index("track_id")["parent_id"].to_dict()
    rng, tables = np.random.default_rng(FIRST_SEEDS[half] + number), []
    for every in EVERY:
        for missed, false in ERRORS:
            found = detections(simulated, missed, false, every, rng)
            max_step = max(15.0, 3 * speed * every**0.75)
            for tracker in TRACKERS if half == "judged" and missed == OF_OTHERS else TRACKERS[:1]:
                tracks = linked(found, tracker, max_step, diameter, parents, rng)
                looks = measure_intensities(tracks, lambda t, every=every: simulated.images[t * every].transpose(2, 0, 1))
                cells = read_cells(tracks, looks)
                links = measure_links(cells).assign(track=lambda one, cells=cells: cells.track[one["row"]])
                facts = {"recording": f"{half} {number}", "every": every, "missed": missed, "tracker": tracker, "speed": speed}
                tables.append(
                    links[["track", "breaks", *FEATURES]].assign(
                        **facts, cells=DENSITY[number % 4][0], wrong=wrong_links(cells, links, parents)
                    )
                )
    return pd.concat(tables, ignore_index=True)


def fit(links: pd.DataFrame, features: tuple[str, ...]) -> dict[str, float]:
    """The coefficients, and the floor with which the links are most likely."""
    model = LogisticRegression(C=1e4, max_iter=2000).fit(links[list(features)], links["wrong"])
    said = model.predict_proba(links[list(features)])[:, 1]
    floor = min(FLOORS, key=lambda one: log_loss(links["wrong"], 1 - (1 - one * links["breaks"]) * (1 - said)))
    return {INTERCEPT: float(model.intercept_[0]), FLOOR: floor, **dict(zip(features, map(float, model.coef_[0]), strict=True))}


def calibrate(links: pd.DataFrame, n: int) -> pd.DataFrame:
    """The table of coefficients of both models, with where they come from."""
    first = FIRST_SEEDS["fitted"]
    origin = {"software": SOFTWARE, "date": date.today().isoformat(), "seeds": f"{first} to {first + n - 1}"}
    origin |= {"n_links": len(links), "n_wrong": int(links["wrong"].sum())}
    rows = [
        {"inputs": inputs, "feature": name, "coefficient": round(value, 4), **origin}
        for inputs, features in INPUTS.items()
        for name, value in fit(links, features).items()
    ]
    return pd.DataFrame(rows)


def reliability(links: pd.DataFrame) -> pd.DataFrame:
    """Links said to be wrong with about the same probability, and how many are."""
    bins = pd.cut(links["said"], RELIABILITY, include_lowest=True)
    return links.groupby(bins, observed=True).agg(links=("wrong", "size"), said=("said", "mean"), wrong=("wrong", "mean"))


def tracks_reliability(links: pd.DataFrame) -> pd.DataFrame:
    """Tracks said to be one cell with about the same probability, and how many are; of those with enough frames."""
    steps = links[links["division"] == 0].assign(log=lambda one: np.log1p(-one["said"]))
    tracks = steps.groupby(["recording", "every", "missed", "tracker", "track"]).agg(
        n=("log", "size"), log=("log", "sum"), wrong=("wrong", "max")
    )
    tracks = tracks[tracks["n"] + 1 >= FEWEST_FRAMES].assign(said=lambda one: np.exp(one["log"]))
    bins = pd.cut(tracks["said"], CONFIDENCE, include_lowest=True)
    return tracks.groupby(bins, observed=True).agg(
        tracks=("wrong", "size"), said=("said", "mean"), one_cell=("wrong", lambda w: 1 - w.mean())
    )


def judge(links: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    rows = []
    for key, one in links.groupby(by):
        both = one["wrong"].nunique() == 2
        row = {"links": len(one), "wrong": one["wrong"].mean(), "said": one["said"].mean()}
        row |= {"AUROC": roc_auc_score(one["wrong"], one["said"]) if both else np.nan}
        row |= {"margin alone": roc_auc_score(one["wrong"], -one["margin"]) if both else np.nan}
        row |= {"step alone": roc_auc_score(one["wrong"], one["step"]) if both else np.nan}
        rows.append(dict(zip(by, key, strict=True)) | row)
    return pd.DataFrame(rows)


def main(sizes: dict[str, int], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    halves = {}
    for half, n in sizes.items():
        start, path = time.perf_counter(), out / f"link_doubt_{half}_{n}.parquet"
        if not path.exists():
            tables = []
            for number in range(n):
                tables.append(links_of(number, half))
                print(f"{half}: {number + 1} of {n}, {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
            pd.concat(tables, ignore_index=True).to_parquet(path)
        halves[half] = pd.read_parquet(path)
    report(halves, sizes["fitted"], out)


def report(halves: dict[str, pd.DataFrame], n: int, out: Path) -> None:
    table = calibrate(halves["fitted"], n)
    write_table(table, PACKAGED, COEFFICIENTS)
    print(table.pivot(index="feature", columns="inputs", values="coefficient").to_string())
    for inputs in INPUTS:
        judged = halves["judged"].assign(said=LinkModel.read(inputs).probabilities(halves["judged"]))
        ours = judged[judged["tracker"] == "laptrack"]
        tables = {"reliability": reliability(ours), "tracks": tracks_reliability(ours), "trackers": judge(judged, ["tracker"])}
        tables |= {f"tracks_{name}": tracks_reliability(judged[judged["tracker"] == name]) for name in TRACKERS[1:]}
        for name, one in tables.items():
            print(f"\n{inputs}, {name}\n{one.to_string(float_format='{:.4f}'.format)}")
            one.to_csv(out / f"link_doubt_{inputs}_{name}.csv")
        for by in ("every", "missed", "speed", "cells"):
            one = judge(ours, [by])
            print(f"\n{inputs}, by {by}\n{one.to_string(float_format='{:.4f}'.format)}")
            one.to_csv(out / f"link_doubt_{inputs}_by_{by}.csv")


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:3]] if len(sys.argv) > 2 else [16, 16]
    main(dict(zip(FIRST_SEEDS, given, strict=True)), Path(sys.argv[3]) if len(sys.argv) > 3 else Path(__file__).parent / "results")
