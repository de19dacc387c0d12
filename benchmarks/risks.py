"""Risks over time on simulated recordings, held out by recording: beside clocks and baselines on rings.

Makes the rings and the split of 48 recordings by the workflow (the simulator's default settings, crops of the demo, a seed that nothing
was chosen on, four folds), trains the networks of risks of each fold with the configuration's settings, with other inputs too, and prints
the tables of docs/risks.md. What is finished is not done again.

Run: PYTHONPATH=src .venv/bin/python benchmarks/risks.py [--seeds 811] [--variants risks "without times"] [--cores 2] [--work results/risks]
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from learning import sheet_of
from risk_scores import NO_PREFIXES, accuracy_table, fate_table, held_out, landmark_table, named, quiet_table, together

from cellfate.base.tables import read_table, read_tables
from cellfate.crops.tables import RINGS
from cellfate.evaluation.risks.forecasts import Sources
from cellfate.model.risks.ensemble import load_ensemble, predict_fates
from cellfate.model.risks.inputs import FrameInputs, InputSettings
from cellfate.model.risks.tracks import rows_of_fold
from cellfate.training.risks import train_risks
from cellfate.trajectories.following import with_all_parts
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

ROOT = Path(__file__).resolve().parent.parent
CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())
RISKS, MIN_FRAMES = CONFIG["risks"], CONFIG["crops"]["min_frames"]
PER_DOSE, FOLDS = 12, 4
HORIZONS = [float(hours) for hours in RISKS["horizons_hours"]]
N_FRAMES = 80  # the simulator's default; the demo has fewer
NO_TIMES = {"hours_of_track": False, "hours_of_film": False}
VARIANTS = {
    "risks": {},
    "frames alone": {"course_hours": None},
    "without times": NO_TIMES,
    "with the dose": {},
    "with the sister": {},
    "outcomes shuffled": {},
}
DOSES = ("control", "low", "medium", "high")


def make_data(seed: int, work: Path, cores: int) -> Path:
    """The folder of the data set, made by the workflow where it is not there."""
    name = f"risks-{seed}"
    work.mkdir(parents=True, exist_ok=True)
    sheet = sheet_of(name, PER_DOSE)
    sheet.to_csv(work / f"{name}.tsv", sep="\t", index=False)
    overlay = {
        "dataset": name,
        "recordings": str(work / f"{name}.tsv"),
        "seed": seed,
        "split": {"folds": FOLDS},
        "simulation": {"n_frames": N_FRAMES},
    }
    (work / f"{name}.yaml").write_text(yaml.safe_dump(overlay))
    folder = ROOT / "results" / name
    wanted = [folder / "rings" / f"{recording}.parquet" for recording in sheet["recording"]] + [folder / "corrected/split.parquet"]
    missing = [str(path.relative_to(ROOT)) for path in wanted if not path.exists()]
    if missing:
        overlays = ["demo/config.yaml", str(work / f"{name}.yaml")]
        command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--configfile", *overlays, "--", *missing]
        subprocess.run(command, cwd=ROOT, check=True)
    return folder


def further_columns(variant: str, trajectories: pd.DataFrame, rings: pd.DataFrame) -> pd.DataFrame | None:
    """What a variant gives the network beside rings and times, as a table of the user's would."""
    keys = rings[["recording", "track_id", "frame"]].assign(trajectory=rings["recording"] + "/" + rings["track_id"].astype(str))
    rows = keys.merge(trajectories[["trajectory", "dose", "lineage", "first_frame"]], on="trajectory", how="left")
    if variant == "with the dose":
        columns = {f"dose {dose}": (rows["dose"] == dose).to_numpy(float) for dose in DOSES}
        return rows[["trajectory", "frame"]].assign(**columns)
    if variant == "with the sister":
        numbers = rings.drop(columns=["recording", "track_id", "frame"])
        logs = (np.sign(numbers) * np.log1p(numbers.abs())).add_prefix("sister ")
        own = pd.concat([rows, logs], axis=1)
        pairs = ["lineage", "first_frame", "frame"]
        born = own[own["first_frame"] > 0]
        both = rows[["trajectory", *pairs]].merge(
            born.drop(columns=["recording", "track_id", "dose"]), on=pairs, suffixes=("", " of sister")
        )
        both = both[both["trajectory"] != both["trajectory of sister"]].drop_duplicates(["trajectory", "frame"])
        found = rows[["trajectory", "frame"]].merge(both.assign(sister=1.0), on=["trajectory", "frame"], how="left")
        return found.drop(columns=["lineage", "first_frame", "trajectory of sister"]).fillna(0.0)
    return None


def shuffled(trajectories: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Outcomes exchanged between the tracks with one, within each recording."""
    rng, exchanged = np.random.default_rng(seed), trajectories.copy()
    for rows in trajectories[trajectories["label"].notna()].groupby("recording").indices.values():
        places = np.flatnonzero(trajectories["label"].notna())[rows]
        exchanged.loc[places, ["outcome", "label"]] = trajectories.loc[rng.permutation(places), ["outcome", "label"]].to_numpy()
    return exchanged


def fates_of(variant: str, fold: int, data: tuple, seed: int, work: Path) -> pd.DataFrame:
    """What the networks of a fold say of its test tracks, with the CPU seconds of the training; read where it was made before."""
    path = work / f"{variant.replace(' ', '_')}-{seed}-{fold}.parquet"
    if path.exists():
        return pd.read_parquet(path)
    trajectories, split, rings, starts = data
    further = further_columns(variant, trajectories, rings)
    inputs = FrameInputs(rings, None, further, starts, InputSettings(**{**RISKS["inputs"], **VARIANTS[variant]}))
    started = time.process_time()
    settings = {"bins_hours": RISKS["bins_hours"], "network": RISKS["network"], "training": RISKS["training"], "threads": 1}
    who = {"fold": fold, "seed": seed, "outcomes": CONFIG["outcomes"], "min_frames": MIN_FRAMES, "files": [], "code": []}
    train_risks(trajectories, split, inputs, path.with_suffix(".model"), resume=path.with_suffix(".resume"), **who, **settings)
    seconds = time.process_time() - started
    rows = rows_of_fold(trajectories, split, fold, inputs, ["test"])
    found = predict_fates([load_ensemble(path.with_suffix(".model"))], rows, inputs, RISKS["horizons_hours"], f"{variant} {fold}")
    found = found.assign(fold=fold, seconds=seconds)
    found.to_parquet(path)
    return found


def judged(seed: int, variants: list[str], work: Path, cores: int) -> tuple[dict, dict, pd.DataFrame]:
    """Of each variant what is said of all held-out landmarks, and the table of its risks; and the trajectories."""
    folder = make_data(seed, work, cores)
    trajectories = read_table(folder / "corrected/trajectories.parquet", TRAJECTORIES)
    split = with_all_parts(read_table(folder / "corrected/split.parquet", SPLIT), trajectories, unit="recording", seed=seed)
    rings = read_tables(sorted((folder / "rings").glob("*.parquet")), RINGS)
    sheet = pd.read_csv(work / f"risks-{seed}.tsv", sep="\t")
    starts = dict(zip(sheet["recording"], sheet["treatment_start_h"].fillna(0.0), strict=True))
    inputs = FrameInputs(rings, None, None, starts, InputSettings(**{**RISKS["inputs"], "features": False}))
    fates, sources = {}, {}
    for name in variants:
        known = shuffled(trajectories, seed) if name == "outcomes shuffled" else trajectories
        data = (known, split, rings, starts)
        fates[name] = pd.concat([fates_of(name, fold, data, seed, work) for fold in range(FOLDS)])
        sources[name] = Sources(known, split, fates[name], NO_PREFIXES, inputs, starts, HORIZONS, MIN_FRAMES)
    return held_out(sources, seed), fates, trajectories


def main() -> None:
    parser = argparse.ArgumentParser(description="Score risks over time on simulated recordings")
    parser.add_argument("--seeds", type=int, nargs="+", default=[811], help="data sets; their held-out cells are scored together")
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("results/risks"), help="folder for sheets and what is kept between runs")
    options = parser.parse_args()
    made = {seed: judged(seed, options.variants, options.work, options.cores) for seed in options.seeds}
    forecasts = {name: together({seed: own[0][name] for seed, own in made.items()}) for name in options.variants}
    fates = {name: pd.concat([named(own[1][name], seed) for seed, own in made.items()]) for name in options.variants}
    trajectories = pd.concat([named(own[2], seed) for seed, own in made.items()])
    n = trajectories["n_frames"] > MIN_FRAMES
    print(f"{n.sum()} tracks, {trajectories['usable'].sum()} with a fate, of {trajectories['recording'].nunique()} recordings")
    costs = {name: [round(value) for value in table.groupby("seconds", sort=False)["seconds"].first()] for name, table in fates.items()}
    print(costs, "CPU seconds a fold")
    for table in (
        landmark_table(forecasts, HORIZONS),
        fate_table(forecasts),
        accuracy_table(forecasts),
        quiet_table(fates, trajectories),
    ):
        print(table.to_markdown(index=False, floatfmt=".3f"), end="\n\n")


if __name__ == "__main__":
    main()
