"""Does it matter that recordings differ in gain and offset, and does scaling by each recording's own level help?

The same recordings are simulated twice: all alike, and each channel of each with a gain of 0.7 to 1.4 and an offset of 0 to 200 counts of
its own. Logistic regressions on the last frame's rings, above the background or as they are, are trained on 12 recordings of one kind and
tested on the other 4 of either kind, all in turn; networks of the demo's size are trained on 8 (2 more validate) and tested on 6; each with
``scaling: corrected`` and ``scaling: recording``. Nothing is chosen on these recordings: settings are those of demo/config.yaml.

Run: PYTHONPATH=src .venv/bin/python benchmarks/recording_gains.py [--seeds 601 602] [--no-network]
     [--work results/recording_gains]
Crops and models that are there already are used again. Prints the table of docs/evaluation.md.
"""

import argparse
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from cellfate.base.files import read_json, write_json
from cellfate.crops.crop_file import CropFile
from cellfate.crops.extraction import extract_crops
from cellfate.crops.levels import Levels, crop_levels
from cellfate.crops.rings import STATISTICS, measure_rings
from cellfate.evaluation.baselines.fits import fit_logistic
from cellfate.frames.reader import Frames
from cellfate.model.embedding import embed_frames
from cellfate.model.embedding_file import EmbeddingFile
from cellfate.model.inference import open_model, predict
from cellfate.model.saved.exported import SETTINGS
from cellfate.model.scaling import compute_scaling
from cellfate.model.shift.compare import compare
from cellfate.model.shift.seen import TRAINING, Seen, describe_recordings, read_seen, write_seen
from cellfate.simulation.recording import SimulatedRecording, simulate_recording
from cellfate.simulation.settings import CHANNELS
from cellfate.statistics.intervals import score_interval
from cellfate.statistics.scores import auroc, balanced_accuracy, difference, log_loss
from cellfate.training.train import train

ROOT = Path(__file__).resolve().parent.parent
GAINS = {"between_recordings": {"gain": [0.7, 1.4], "offset": [0, 200]}}
KINDS = {"alike": {}, "gains": GAINS}
TRIALS = (("alike", "alike"), ("alike", "gains"), ("gains", "gains"))  # trained on, tested on
SCALINGS = ("corrected", "recording")
PARTS = ["train"] * 8 + ["validation"] * 2 + ["test"] * 6
DOSES = (None, "low", "medium", "high")
OUTCOMES = {"negative": "apoptosis", "positive": "mitosis"}
MIN_FRAMES, EMBEDDING = 10, {"batch_size": 64, "precision": "32-true", "channels_last": True, "compile": False}
IS_LEVEL = np.array([name != "std" for name in STATISTICS])  # what an offset moves
DRAWS = 5  # of the recordings that one is compared with
RING_FACTOR = 1000  # of rings in units of the cells' brightness, so that their logarithms are as those of counts


class InMemory(Frames):
    """The images of a simulated recording."""

    def __init__(self, recording: SimulatedRecording, path: str) -> None:
        self.images, self.path, self.channels = np.moveaxis(recording.images, -1, 1), Path(path), tuple(CHANNELS)
        self.n_frames, self.shape, self.dtype = len(self.images), self.images.shape[2:], self.images.dtype

    def read(self, t: int) -> np.ndarray:
        return self.images[t]

    def check(self) -> None:
        """Nothing can be missing."""


def config() -> dict:
    """The defaults under demo/config.yaml."""
    found = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    for key, value in yaml.safe_load((ROOT / "demo/config.yaml").read_text()).items():
        found[key] = {**found[key], **value} if isinstance(value, dict) and isinstance(found.get(key), dict) else value
    return found


def simulate(kind: str, seed: int, number: int, folder: Path, size: int) -> pd.DataFrame:
    """Write one recording's crops, if they are not there, and return its trajectories."""
    name = f"sim{number:02d}"
    crops, table = folder / f"{name}.h5", folder / f"{name}.parquet"
    if not table.exists():
        dose = DOSES[number % len(DOSES)]
        conditions = {} if dose is None else {"treatment": "cisplatin", "dose": dose, "treatment_start_h": 10}
        recording = simulate_recording(name, KINDS[kind], seed=seed, frame_interval_min=30, **conditions)
        cells = recording.cells.assign(outcome=recording.cells["fate"], recording=name)
        tracks = recording.tracks.assign(recording=name)
        how = {"size": size, "which": "fated", "outcomes_wanted": list(OUTCOMES.values()), "min_frames": MIN_FRAMES}
        extract_crops(InMemory(recording, name), tracks, cells, crops, recording=name, frame_interval_min=30, pixel_size_um=0.65, **how)
        fated_trajectories(cells, tracks, name).to_parquet(table)
    return pd.read_parquet(table)


def fated_trajectories(cells: pd.DataFrame, tracks: pd.DataFrame, name: str) -> pd.DataFrame:
    """Trajectories of the cells with a fate, up to the frame before it."""
    rows = cells[cells["outcome"].isin(list(OUTCOMES.values()))]
    lengths = tracks["track_id"].value_counts()
    rows = rows.assign(n_frames=rows["track_id"].map(lengths), trajectory=[f"{name}/{track}" for track in rows["track_id"]])
    rows = rows[rows["n_frames"] > MIN_FRAMES].assign(usable=True, label=(rows["outcome"] == OUTCOMES["positive"]).astype(int))
    return rows[["trajectory", "recording", "track_id", "label", "first_frame", "last_frame", "n_frames", "usable"]]


def data_of(kind: str, seed: int, work: Path, size: int) -> tuple[list[Path], pd.DataFrame, pd.DataFrame]:
    """Crop files, trajectories and split of one kind of recordings."""
    folder = work / f"{kind}-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    trajectories = pd.concat([simulate(kind, seed, n, folder, size) for n in range(len(PARTS))], ignore_index=True)
    part = dict(zip([f"sim{n:02d}" for n in range(len(PARTS))], PARTS, strict=True))
    split = pd.DataFrame({"trajectory": trajectories["trajectory"], "fold": 0, "split": trajectories["recording"].map(part)})
    return [folder / f"sim{n:02d}.h5" for n in range(len(PARTS))], trajectories, split


def train_network(data: tuple, settings: dict, scaling: str, seed: int, folder: Path) -> Path:
    """The model folder of a network trained on the data, if it is not there already."""
    if not folder.exists():
        found = compute_scaling(*data, 0, scaling, scaling_frames=settings["scaling_frames"])
        chosen = {"outcomes": OUTCOMES, "model": settings["model"], "augmentation": settings["augmentation"]}
        training = {key: value for key, value in settings["training"].items() if key != "checkpoint"}
        resume = folder.with_name(f".{folder.name}.resume")
        train(*data, found, folder, fold=0, seed=seed, training=training, resume=resume, checkpoint=None, threads=1, **chosen)
    return folder


def with_levels_of(model: Path, crops: Sequence[Path], folder: Path) -> Path:
    """A copy of a model that has the levels of these crop files; the same model where it needs none."""
    settings = read_json(model / SETTINGS)
    if settings["scaling"]["mode"] != "recording":
        return model
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(model, folder)
    levels = {name: asdict(own) for name, own in levels_in(tuple(crops)).items()}
    write_json(settings | {"scaling": settings["scaling"] | {"levels": levels}}, folder / SETTINGS)
    return folder


def network_logits(model: Path, data: tuple, work: Path) -> pd.DataFrame:
    """Logits of the full test trajectories: trajectory, logit."""
    used, path = with_levels_of(model, data[0], work / "levelled"), work / "embeddings.h5"
    embed_frames(*data, used, path, fold=0, splits=["test"], threads=1, accelerator="cpu", **EMBEDDING)
    with EmbeddingFile(path) as embeddings:
        return predict(open_model(used, accelerator="cpu", threads=1), embeddings.read, embeddings.trajectories, min_frames=MIN_FRAMES)


@cache
def rings_of(paths: tuple[Path, ...]) -> dict[str, tuple[pd.DataFrame, np.ndarray]]:
    """Of each recording the rings table by track and frame, counts above the background, and the background (n_frames, C)."""
    found = {}
    for path in paths:
        rings = measure_rings(path, **config()["rings"]).set_index(["track_id", "frame"]).drop(columns="recording")
        with CropFile(path) as file:
            found[file.recording] = rings, file.background
    return found


def last_rings(data: tuple, scaling: str) -> dict[str, np.ndarray]:
    """The rings of the last frame of each trajectory, two ways, (N, F) each; with ``recording`` relative to the recording's own level.

    ``rings`` are logarithms of counts above the frame's background. ``raw rings`` are counts as they are, all that the network's scaling
    leaves of gain and offset: its constants of each channel are undone by the regression.
    """
    levels, found = levels_in(tuple(data[0])), {"rings": [], "raw rings": []}
    for row in data[1].itertuples():
        rings, background = rings_of(tuple(data[0]))[row.recording]
        own = levels[row.recording]
        above = rings.loc[(row.track_id, row.last_frame)].to_numpy().reshape(len(own.signal), -1, len(STATISTICS))
        signal, offset = (np.array(values)[:, None, None] for values in (own.signal, own.background))
        raw = above + background[row.last_frame][:, None, None] * IS_LEVEL
        if scaling == "recording":
            above, raw = above / signal * RING_FACTOR, (raw - offset * IS_LEVEL) / signal
        found["rings"].append((np.sign(above) * np.log1p(np.abs(above))).ravel())
        found["raw rings"].append(raw.ravel())
    return {name: np.array(values) for name, values in found.items()}


@cache
def levels_in(paths: tuple[Path, ...]) -> dict[str, Levels]:
    """The level of each recording in the configured number of first frames."""
    found = {}
    for path in paths:
        with CropFile(path) as file:
            found[file.recording] = crop_levels(file, config()["scaling_frames"])
    return found


def simple_logits(trained: tuple, tested: tuple, scaling: str, seed: int) -> dict[str, pd.DataFrame]:
    """Logits of all trajectories from logistic regressions on the last frame's rings.

    Four recordings, one of each dose, are held out at a time; the others train.
    """
    rows, found = trained[1], {"rings": [], "raw rings": []}
    own, other = (last_rings(one, scaling) for one in (trained, tested))
    inputs = {name: (own[name], other[name]) for name in found}
    fold, of_tested = (one[1]["recording"].str[3:].astype(int).to_numpy() // len(DOSES) for one in (trained, tested))
    for k in np.unique(fold):
        fitted, held_out = fold != k, of_tested == k
        for name in found:
            values, others = inputs[name]
            model = fit_logistic(values[fitted], rows["label"].to_numpy()[fitted], rows["recording"].to_numpy()[fitted], seed)
            logits = model.decision_function(others[held_out])
            found[name].append(pd.DataFrame({"trajectory": tested[1]["trajectory"][held_out], "logit": logits}))
    return {name: pd.concat(tables, ignore_index=True) for name, tables in found.items()}


def run(seed: int, work: Path, network: bool) -> pd.DataFrame:
    """Test logits of every trial: method, scaling, trained, tested, trajectory, recording, label, logit."""
    settings, found = config(), []
    data = {kind: data_of(kind, seed, work, settings["crops"]["size"]) for kind in KINDS}
    for scaling in SCALINGS:
        for trained, tested in TRIALS:
            logits = simple_logits(data[trained], data[tested], scaling, seed)
            if network:
                model = train_network(data[trained], settings, scaling, seed, work / f"{trained}-{seed}" / f"model-{scaling}")
                logits["network"] = network_logits(model, data[tested], work)
            for method, rows in logits.items():
                rows = rows.merge(data[tested][1][["trajectory", "recording", "label"]], on="trajectory")
                rows["recording"] = f"{seed}-" + rows["recording"]
                found.append(rows.assign(method=method, scaling=scaling, trained=trained, tested=tested, seed=seed))
    return pd.concat(found, ignore_index=True)


def looks(data: tuple) -> Seen:
    """What the recordings of a data set look like; kept beside their crops."""
    path = data[0][0].with_name(TRAINING)
    if not path.exists():
        sheet = pd.DataFrame({"recording": [path.stem for path in data[0]], "frame_interval_min": 30.0, "pixel_size_um": 0.65})
        write_seen(describe_recordings(*data, sheet), path)
    return read_seen(path)


def alarms(seed: int, work: Path) -> pd.DataFrame:
    """How often values, and recordings, are outside the range of other recordings: of the same kind, or of those that are all alike.

    Each recording is compared with n others that are drawn from the rest, DRAWS times.
    """
    size, rng, rows = config()["crops"]["size"], np.random.default_rng(seed), []
    seen = {kind: looks(data_of(kind, seed, work, size)) for kind in KINDS}
    names = [f"sim{n:02d}" for n in range(len(PARTS))]
    for trained, tested in TRIALS:
        for n in (3, 4, 5, 8, 12):
            for name in names:
                for _ in range(DRAWS):
                    others = rng.choice([other for other in names if other != name], n, replace=False)
                    table = compare(seen[tested].of([name]), seen[trained].of(others))
                    outside = (table["position"] == "outside").sum()
                    rows.append((trained, tested, n, outside / (table["position"] != "unknown").sum(), outside > 0, outside > 2))
    columns = ["seen", "new", "recordings seen", "values outside", "recordings with one or more", "with three or more"]
    return pd.DataFrame(rows, columns=columns).groupby(columns[:3], sort=False).mean().reset_index()


def scores_of(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per trial and method: each scaling's scores with intervals by recording, and their paired difference."""
    table = []
    for (method, trained, tested), own in rows.groupby(["method", "trained", "tested"], sort=False):
        sides = [own[own["scaling"] == scaling].sort_values(["seed", "trajectory"]) for scaling in SCALINGS]
        row = {"predictor": method, "trained on": trained, "tested on": tested, "n": len(sides[0])}
        made = [balanced_accuracy(side["label"].to_numpy(), (side["logit"] > 0).to_numpy(int)) for side in sides]
        units = sides[0]["recording"].to_numpy()
        for name, score in zip((*SCALINGS, "difference"), (*made, difference(made[1], made[0])), strict=True):
            row[name] = _shown(score, units)
        for scaling, side in zip(SCALINGS, sides, strict=True):
            row[f"AUROC {scaling}"] = f"{auroc(side['label'].to_numpy(), side['logit'].to_numpy()).value:.3f}"
        losses = [log_loss(side["label"].to_numpy(), side["logit"].to_numpy()) for side in sides]
        for name, score in zip((*SCALINGS, "difference"), (*losses, difference(losses[1], losses[0])), strict=True):
            row[f"log-loss {name}"] = _shown(score, units) if name == "difference" else f"{score.value:.3f}"
        table.append(row)
    return pd.DataFrame(table)


def _shown(score, units: np.ndarray) -> str:
    found = score_interval(score, units, names=list(OUTCOMES.values()), unit="recording")
    return f"{score.value:.3f}" + ("" if found.reason else f" ({found.low:.3f} to {found.high:.3f})")


def main() -> None:
    parser = argparse.ArgumentParser(description="Scaling by each recording's own level where gains and offsets differ")
    parser.add_argument("--seeds", type=int, nargs="+", default=[601, 602])
    parser.add_argument("--work", type=Path, default=ROOT / "results/recording_gains")
    parser.add_argument("--no-network", action="store_true", help="rings alone, which take seconds")
    options = parser.parse_args()
    started, rows = time.process_time(), []
    for seed in options.seeds:
        print(alarms(seed, options.work).round(3).to_markdown(index=False), flush=True)
        rows.append(run(seed, options.work, not options.no_network))
        print(scores_of(pd.concat(rows)).to_markdown(index=False), flush=True)
    pd.concat(rows).to_parquet(options.work / "logits.parquet")
    print(f"{(time.process_time() - started) / 60:.1f} minutes of processor time in this process", flush=True)


if __name__ == "__main__":
    main()
