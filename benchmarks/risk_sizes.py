"""Which model for how many recordings: risks, the published network and baselines, trained on 9, 18 and 36 recordings.

Of the data sets of benchmarks/risks.py (48 simulated recordings each, the settings of the demo) the first fold holds out 12 recordings, and
the models learn from 9, 18 or all 36 of the others, one in six of which validates; doses are in equal shares. Nine recordings of 40 hours
have about as many cells with an outcome as the demo trains on. The held-out cells of all seeds are scored together. What is finished is
not done again.

Run: PYTHONPATH=src .venv/bin/python benchmarks/risk_sizes.py [--seeds 811 812 813] [--cores 1] [--work results/risks]
Prints the tables of docs/risks.md.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from recording_gains import config, train_network
from risk_scores import accuracy_table, fate_table, landmark_table, named, quiet_table, together
from risks import HORIZONS, MIN_FRAMES, RISKS, ROOT, fates_of, make_data

from cellfate.base.tables import read_table, read_tables
from cellfate.crops.tables import RINGS
from cellfate.evaluation.risks.forecasts import Forecasts, Sources, forecasts_of_folds
from cellfate.model.embedding import embed_frames
from cellfate.model.embedding_file import EmbeddingFile
from cellfate.model.inference import open_model
from cellfate.model.prefixes import predict_prefixes
from cellfate.model.risks.inputs import FrameInputs, InputSettings
from cellfate.trajectories.following import with_all_parts
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

SIZES = (9, 18, 36)
VALIDATING = 6  # one recording in so many


def part_of(trajectories: pd.DataFrame, split: pd.DataFrame, size: int, seed: int) -> pd.DataFrame:
    """The first fold's split with ``size`` of its recordings that are not held out."""
    own = split[split["fold"] == 0]
    recordings = trajectories[["trajectory", "recording", "dose"]].merge(own, on="trajectory")
    others = recordings[recordings["split"] != "test"].drop_duplicates("recording").sort_values("recording")
    others = others.assign(turn=others.groupby("dose").cumcount()).sort_values(["turn", "dose"])["recording"].tolist()[:size]
    validation = set(np.random.default_rng(seed).permutation(others)[: max(2, size // VALIDATING)])
    parts = {name: "validation" if name in validation else "train" for name in others}
    parts |= dict.fromkeys(recordings.loc[recordings["split"] == "test", "recording"], "test")
    return recordings.assign(split=recordings["recording"].map(parts)).dropna(subset=["split"])[["trajectory", "fold", "split"]]


def network_prefixes(data: tuple, seed: int, folder: Path) -> tuple[pd.DataFrame, float]:
    """What the published network says of the held-out prefixes, calibrated as in a run, and the CPU seconds of its training."""
    path, settings = folder / "prefixes.parquet", config()
    if not path.exists():
        started = time.process_time()
        model = train_network(data, settings, "corrected", seed, folder / "model")
        seconds = time.process_time() - started
        how = {key: settings["embedding"][key] for key in ("batch_size", "precision", "channels_last", "compile")}
        embed_frames(*data, model, folder / "embeddings.h5", fold=0, splits=["validation", "test"], threads=1, accelerator="cpu", **how)
        looks = {"truncation": [0], "min_frames": MIN_FRAMES, "every": settings["prediction"]["every"], "calibration": True}
        with EmbeddingFile(folder / "embeddings.h5") as embeddings:
            found, _ = predict_prefixes(open_model(model, accelerator="cpu", threads=1), embeddings, *data[1:], 0, **looks)
        found.assign(seconds=seconds).to_parquet(path)
    found = pd.read_parquet(path)
    return found, found["seconds"].iloc[0]


def forecasts_of(seed: int, size: int, work: Path, cores: int) -> tuple[Forecasts, pd.DataFrame, pd.DataFrame, dict]:
    """What all methods say of a seed's held-out recordings; with the risks, the trajectories and what the trainings cost."""
    source = make_data(seed, work, cores)
    folder = work / f"sizes-{seed}-{size}"
    folder.mkdir(parents=True, exist_ok=True)
    trajectories = read_table(source / "corrected/trajectories.parquet", TRAJECTORIES)
    split = read_table(source / "corrected/split.parquet", SPLIT)
    every = part_of(trajectories, with_all_parts(split, trajectories, unit="recording", seed=seed), size, seed)
    fated = every[every["trajectory"].isin(split["trajectory"])]
    own = trajectories[trajectories["trajectory"].isin(every["trajectory"])].reset_index(drop=True)
    names = sorted(own["recording"].unique())
    rings = read_tables([source / "rings" / f"{name}.parquet" for name in names], RINGS)
    sheet = pd.read_csv(work / f"risks-{seed}.tsv", sep="\t").set_index("recording")
    starts = sheet["treatment_start_h"].fillna(0.0).to_dict()
    fates = fates_of("risks", 0, (own, every, rings, starts), seed, folder)
    crops = [source / "crops" / f"{name}.h5" for name in names]
    prefixes, seconds = network_prefixes((crops, own[own["trajectory"].isin(fated["trajectory"])], fated), seed, folder)
    inputs = FrameInputs(rings, None, None, starts, InputSettings(**{**RISKS["inputs"], "features": False}))
    _, test = forecasts_of_folds(Sources(own, every, fates, prefixes, inputs, starts, HORIZONS, MIN_FRAMES), seed)
    trained = own.merge(every[every["split"] != "test"], on="trajectory")
    cost = {"seed": seed, "recordings": size, "tracks": len(trained), "with an outcome": int(trained["usable"].sum())}
    cost |= {"risks, CPU s": fates["seconds"].iloc[0], "network, CPU s": seconds}
    return test, fates, own, cost


def main() -> None:
    parser = argparse.ArgumentParser(description="Risks, the published network and baselines by the number of recordings")
    parser.add_argument("--seeds", type=int, nargs="+", default=[811, 812, 813])
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("results/risks"), help="folder for sheets and what is kept between runs")
    options = parser.parse_args()
    work = ROOT / options.work
    forecasts, fates, known, costs = {}, {}, {}, []
    for size in SIZES:
        name, made = f"{size} recordings", [forecasts_of(seed, size, work, options.cores) for seed in options.seeds]
        forecasts[name] = together({seed: one[0] for seed, one in zip(options.seeds, made, strict=True)})
        tables = [[named(one[place], seed) for seed, one in zip(options.seeds, made, strict=True)] for place in (1, 2)]
        fates[name], known = (pd.concat(parts, ignore_index=True) for parts in tables)
        costs += [cost for _, _, _, cost in made]
        print(f"{name}: {forecasts[name].table['recording'].nunique()} held out", flush=True)
    tables = (pd.DataFrame(costs), landmark_table(forecasts, HORIZONS), fate_table(forecasts), accuracy_table(forecasts))
    for table in (*tables, quiet_table(fates, known)):
        print(table.to_markdown(index=False, floatfmt=".3f"), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
