"""Other networks behind the risks over time: convolutions on crops, attention in place of the recurrent layer, outlines by Cellpose.

All are trained by the steps, the loss and the validation of the risks themselves and judged beside them on the same held-out recordings.
The data are those of benchmarks/risks.py (--seed), which must have run. What is finished is not done again.

Run: OMP_NUM_THREADS=1 PYTHONPATH=src:benchmarks .venv/bin/python benchmarks/risk_networks.py --parts crops course outlines
     [--data .] [--seed 812] [--further 813 811] [--members 3] [--folds 0]
     [--weights resources/demo/cellpose/simulated] [--work results/risk_networks]
Prints the tables of docs/risks.md.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from risk_network_variants import CausalTransformer, Crops, EndToEnd, FrameByFrame, FrameCnn, Tracks, fit
from risk_outlines import outline_features
from risk_scores import accuracy_table, fate_table, landmark_table
from risks import CONFIG, MIN_FRAMES, RISKS
from torch import nn

from cellfate.base.tables import read_table, read_tables
from cellfate.crops.tables import RINGS
from cellfate.evaluation.risks.forecasts import CLOCK, Forecasts, joined, said_at
from cellfate.evaluation.risks.frames import Clocks, frames_of_part, within
from cellfate.model.risks.ensemble import Ensemble, load_ensemble, predict_fates
from cellfate.model.risks.inputs import FrameInputs, InputSettings
from cellfate.model.risks.network import RiskNetwork, RiskSizes
from cellfate.model.risks.tracks import rows_of_fold
from cellfate.statistics.reliability import log_odds
from cellfate.training.risks import RiskTraining, train_risks
from cellfate.trajectories.following import with_all_parts
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

EDGES, HORIZONS = RISKS["bins_hours"], [float(hours) for hours in RISKS["horizons_hours"]]
TRAINING, INPUTS = RiskTraining(**RISKS["training"]), InputSettings(**{**RISKS["inputs"], "features": False})
FRAMES = replace(TRAINING, members=1, max_epochs=8, batch_size=256, learning_rate=2e-3)  # a step has as many frames, not tracks
TOGETHER = replace(TRAINING, members=1, max_epochs=10, batch_size=16, learning_rate=2e-3)
RATES = (3e-3, 1e-3)  # of the transformer, chosen by validation loss
PER_DOSE, OUTLINE_FOLDS = 3, 3  # recordings of each dose, and folds, of the comparison with outlines


@dataclass(frozen=True)
class Data:
    """Tables of one or several data sets, the hours at which each recording got its drug, and how many frames must be seen."""

    trajectories: pd.DataFrame
    split: pd.DataFrame
    rings: pd.DataFrame
    starts: Mapping[str, float]
    least: int

    @classmethod
    def read(cls, root: Path, seed: int, every: int) -> "Data":
        """One data set, of each track the frames that ``every`` divides."""
        folder = root / f"results/risks-{seed}"
        trajectories = read_table(folder / "corrected/trajectories.parquet", TRAJECTORIES)
        split = read_table(folder / "corrected/split.parquet", SPLIT)
        split = with_all_parts(split, trajectories, unit="recording", seed=seed)
        rings = read_tables(sorted((folder / "rings").glob("*.parquet")), RINGS)
        sheet = pd.read_csv(root / f"results/risks/risks-{seed}.tsv", sep="\t")
        starts = dict(zip(sheet["recording"], sheet["treatment_start_h"].fillna(0.0), strict=True))
        rings = rings[rings["frame"] % every == 0].reset_index(drop=True)
        return cls(trajectories, split, rings, starts, MIN_FRAMES // every)

    def inputs(self, embedding: pd.DataFrame | None = None, features: pd.DataFrame | None = None) -> FrameInputs:
        return FrameInputs(self.rings, features, embedding, self.starts, replace(INPUTS, features=features is not None))

    def of_fold(self, fold: int) -> "Data":
        return replace(self, split=self.split[self.split["fold"] == fold])

    def named(self, name: str) -> "Data":
        """The same with ``name`` before each recording's."""
        parts = {key: getattr(self, key).copy() for key in ("trajectories", "split", "rings")}
        for key, column in (("trajectories", "trajectory"), ("trajectories", "recording"), ("split", "trajectory"), ("rings", "recording")):
            parts[key][column] = name + "-" + parts[key][column].astype(str)
        return replace(self, **parts, starts={f"{name}-{recording}": hours for recording, hours in self.starts.items()})


def with_further(first: Data, others: Sequence[Data]) -> Data:
    """The fold of ``first``, with all tracks of ``others`` in its training part."""
    added = [other.split.assign(split="train") for other in others]
    every = [first, *others]
    tables = {key: pd.concat([getattr(one, key) for one in every], ignore_index=True) for key in ("trajectories", "rings")}
    starts = {recording: hours for one in every for recording, hours in one.starts.items()}
    return replace(first, **tables, split=pd.concat([first.split, *added], ignore_index=True), starts=starts)


def sizes_of(inputs: FrameInputs) -> RiskSizes:
    return RiskSizes(inputs=len(inputs.columns), bins=len(EDGES) - 1, **RISKS["network"])


def predicted(ensemble: Ensemble, data: Data, inputs: FrameInputs, fold: int, seconds: float) -> pd.DataFrame:
    rows = rows_of_fold(data.trajectories, data.split, fold, inputs, ["test"])
    return predict_fates([ensemble], rows, inputs, HORIZONS, f"fold {fold}").assign(fold=fold, seconds=seconds)


def kept(path: Path, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """A table that is made once."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        make().to_parquet(path)
    return pd.read_parquet(path)


def trained(
    name: str,
    data: Data,
    inputs: FrameInputs,
    fold: int,
    seed: int,
    work: Path,
    build: Callable[[], nn.Module],
    settings: RiskTraining,
    frame_by_frame: bool = False,
) -> tuple[pd.DataFrame, Path]:
    """What a variant says of the held-out tracks of a fold, and the file that its networks are kept in."""
    stem = f"{work}/{name.replace(' ', '_')}-{seed}-{fold}"
    weights = Path(f"{stem}.pt")

    def make() -> pd.DataFrame:
        started = time.process_time()
        tracks = Tracks.of(data.trajectories, data.split, inputs, fold, data.least)
        ensemble, loss = fit(tracks, build, settings, EDGES, inputs, Path(f"{stem}.resume"), (seed, fold), frame_by_frame)
        seconds = time.process_time() - started
        torch.save([member.state_dict() for member in ensemble.members], weights)
        return predicted(ensemble, data, inputs, fold, seconds).assign(validation_loss=loss)

    return kept(Path(f"{stem}.parquet"), make), weights


def of_crops(data: Data, crops: Crops, fold: int, seed: int, work: Path) -> dict[str, pd.DataFrame]:
    """A CNN frame by frame, the same frozen beside rings, and CNN and recurrent layer trained together."""
    inputs = data.inputs(embedding=crops.places)
    mean, std = levels(crops, data, fold)

    def cnn() -> FrameCnn:
        return FrameCnn(crops.pixels, mean, std)

    columns, sizes = inputs.columns, sizes_of(inputs)
    alone, weights = trained(
        "cnn", data, inputs, fold, seed, work, lambda: FrameByFrame(cnn(), columns, sizes), FRAMES, frame_by_frame=True
    )
    found = {"CNN frame by frame": alone}
    network = FrameByFrame(cnn(), columns, sizes)
    network.load_state_dict(torch.load(weights)[0])
    embedding = kept(work / f"embedding-{seed}-{fold}.parquet", lambda: embedded(network.eval(), crops))
    table = data.inputs(embedding=embedding)
    found["rings and frozen CNN"], _ = trained("frozen", data, table, fold, seed, work, lambda: RiskNetwork(sizes_of(table)), TRAINING)
    for name, rings in (("CNN and GRU end to end", False), ("the same with rings", True)):
        found[name], _ = trained(name, data, inputs, fold, seed, work, lambda r=rings: EndToEnd(cnn(), columns, sizes, r), TOGETHER)
    return found


def levels(crops: Crops, data: Data, fold: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (C,) of 4,000 crops of the training part."""
    train = data.split[(data.split["fold"] == fold) & (data.split["split"] == "train")]["trajectory"]
    places = crops.places.loc[crops.places["trajectory"].isin(train), "place"].to_numpy(int) - 1
    drawn = crops.pixels[np.sort(np.random.default_rng(0).choice(places, 4000, replace=False))].astype(np.float32)
    return drawn.mean((0, 2, 3)), drawn.std((0, 2, 3))


def embedded(network: FrameByFrame, crops: Crops) -> pd.DataFrame:
    """What the CNN makes of each crop, as a user's table."""
    places = torch.tensor(crops.places["place"].to_numpy(), dtype=torch.float32)
    with torch.inference_mode():
        numbers = torch.cat([network.cnn(part) for part in places.split(512)]).numpy()
    columns = {f"cnn {number}": numbers[:, number] for number in range(numbers.shape[1])}
    return crops.places[["trajectory", "frame"]].assign(**columns)


def of_courses(data: Data, further: Sequence[Data], fold: int, seed: int, work: Path, members: int) -> dict[str, pd.DataFrame]:
    """Attention in place of the recurrent layer, and both with further recordings to learn from."""
    inputs, found = data.inputs(), {}

    def attention(name: str, own: Data, numbers: FrameInputs, settings: RiskTraining) -> pd.DataFrame:
        return trained(name, own, numbers, fold, seed, work, lambda: CausalTransformer(sizes_of(numbers)), settings)[0]

    tried = {rate: attention(f"attention {rate:g}", data, inputs, replace(TRAINING, members=1, learning_rate=rate)) for rate in RATES}
    losses = {rate: float(table["validation_loss"].iloc[0]) for rate, table in tried.items()}
    print({f"{rate:g}": round(loss, 4) for rate, loss in losses.items()}, "validation loss of the transformer by learning rate")
    best = min(losses, key=losses.get)
    found["transformer, one member"] = tried[best]
    chosen = replace(TRAINING, learning_rate=best, members=members)
    if members > 1:
        found["transformer"] = attention("attention", data, inputs, chosen)
    if further:
        more = with_further(data, further)
        numbers = more.inputs()
        n = more.split.merge(more.trajectories)[["recording", "split"]].drop_duplicates()["split"].value_counts()
        print(n.to_dict(), "recordings with more data")
        recurrent = partial(RiskNetwork, sizes_of(numbers))
        found["GRU, more data"], _ = trained("more gru", more, numbers, fold, seed, work, recurrent, replace(TRAINING, members=members))
        found["transformer, more data"] = attention("more attention", more, numbers, chosen)
    return found


def forecasts_of(tables: Mapping[str, pd.DataFrame], data: Data) -> Forecasts:
    """The risks, the clock, and other networks' ``tables`` as further methods, on the test part of all folds."""
    return joined([_forecasts(tables, data, fold) for fold in sorted(data.split["fold"].unique())])


def _forecasts(tables: Mapping[str, pd.DataFrame], data: Data, fold: int) -> Forecasts:
    known = (data.inputs(), data.least, data.starts)
    train, test = (frames_of_part(data.trajectories, data.split, fold, part, *known).table for part in ("train", "test"))
    clocks = Clocks(train)
    judged = [within(test, clocks, hours) for hours in HORIZONS]
    arrays = {name: np.stack([getattr(one, name) for one in judged], axis=1) for name in ("came", "weight", "inside")}
    told = {name: said_at(test, table[table["fold"] == fold], HORIZONS) for name, table in tables.items()}
    risks, fate = ({name: each[number] for name, each in told.items()} for number in (0, 1))
    ends = train.drop_duplicates("trajectory").query("ended >= 0")["ended"].astype(float)
    base = np.full(len(test), log_odds(np.array([ends.mean()]))[0])
    clock = clocks.incidence(test, HORIZONS, "hour")
    return Forecasts(table=test.assign(fold=fold), risks={**risks, CLOCK: clock}, fate=fate, base=base, **arrays)


def show(test: Forecasts, tables: Mapping[str, pd.DataFrame]) -> None:
    forecasts = {"": test}
    for table in (landmark_table(forecasts, HORIZONS), fate_table(forecasts), accuracy_table(forecasts)):
        print(table.drop(columns="model").to_markdown(index=False, floatfmt=".4f"), end="\n\n", flush=True)
    print({name: table.groupby("fold")["seconds"].first().round().tolist() for name, table in tables.items()}, "CPU seconds a fold")


def one_member(data: Data, folder: Path, fold: int, seconds: float) -> pd.DataFrame:
    """What the first of the members of the risks says alone."""
    ensemble = load_ensemble(folder)
    return predicted(replace(ensemble, members=ensemble.members[:1]), data, data.inputs(), fold, seconds / len(ensemble.members))


def compare_networks(options: argparse.Namespace) -> None:
    data, work, every = Data.read(options.data, options.seed, options.every), options.work / "networks", options.every
    crops = None
    if "crops" in options.parts:
        files = sorted((options.data / f"results/risks-{options.seed}/crops").glob("*.h5"))
        crops = Crops.read(files, work / f"crops-{options.seed}", every)
    tables: dict[str, list[pd.DataFrame]] = {}
    for fold in options.folds:
        own, model = data.of_fold(fold), work / f"risks-{options.seed}-{fold}.model"
        risks = kept(model.with_suffix(".parquet"), partial(of_risks, own, own.inputs(), fold, options.seed, model))
        found = {"risks": risks, "risks, one member": one_member(own, model, fold, float(risks["seconds"].iloc[0]))}
        if crops is not None:
            found |= of_crops(own, crops, fold, options.seed, work)
        if "course" in options.parts:
            further = [Data.read(options.data, seed, every).of_fold(fold).named(str(seed)) for seed in options.further]
            found |= of_courses(own, further, fold, options.seed, work, options.members)
        for name, table in found.items():
            tables.setdefault(name, []).append(table)
    found = {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()}
    show(forecasts_of(found, replace(data, split=data.split[data.split["fold"].isin(options.folds)])), found)


def compare_outlines(options: argparse.Namespace) -> None:
    """A few recordings, every third frame: the risks with and without features of Cellpose's outlines, each recording held out once."""
    data = Data.read(options.data, options.seed, options.every)
    doses = data.trajectories.drop_duplicates("recording").sort_values("recording").groupby("dose", sort=True)["recording"]
    chosen = [name for _, names in doses for name in names.head(PER_DOSE)]
    tables = {key: getattr(data, key) for key in ("trajectories", "rings")}
    tables = {key: table[table["recording"].isin(chosen)].reset_index(drop=True) for key, table in tables.items()}
    few = replace(data, **tables, split=split_by_dose(tables["trajectories"]))
    work, folder = options.work / f"outlines-{options.seed}", options.data / f"results/risks-{options.seed}/crops"
    measured = [
        kept(work / f"{name}.parquet", partial(outline_features, folder / f"{name}.h5", options.weights, options.every)) for name in chosen
    ]
    features = pd.concat(measured, ignore_index=True)
    both = {"risks": few.inputs(), "risks and outlines": few.inputs(features=features.drop(columns="seconds"))}
    found: dict[str, pd.DataFrame] = {}
    for name, inputs in both.items():
        parts = []
        for fold in range(OUTLINE_FOLDS):
            stem = f"{work}/{name.replace(' ', '_')}-{fold}"
            parts.append(kept(Path(f"{stem}.parquet"), partial(of_risks, few, inputs, fold, options.seed, Path(f"{stem}.model"))))
        found[name] = pd.concat(parts, ignore_index=True)
    seconds = features.groupby("recording")["seconds"].first().sum()
    print(f"{len(features)} outlines of {len(few.rings)} crops in {seconds:.0f} CPU seconds, {len(chosen)} recordings")
    show(forecasts_of(found, few), found)


def split_by_dose(trajectories: pd.DataFrame) -> pd.DataFrame:
    """Folds in which each recording is held out once, one of each dose at a time, two validate, and the rest trains."""
    recordings = trajectories.drop_duplicates("recording").sort_values("recording")
    place = recordings.groupby("dose").cumcount()
    found = []
    for fold in range(OUTLINE_FOLDS):
        test = recordings["recording"][place == fold]
        validation = recordings["recording"][place == (fold + 1) % OUTLINE_FOLDS].iloc[[0, -1]]
        known = [trajectories["recording"].isin(names) for names in (test, validation)]
        part = np.select(known, ["test", "validation"], "train")
        found.append(pd.DataFrame({"trajectory": trajectories["trajectory"], "fold": fold, "split": part}))
    return pd.concat(found, ignore_index=True)


def of_risks(data: Data, inputs: FrameInputs, fold: int, seed: int, model: Path) -> pd.DataFrame:
    """The risks as a run trains them, and what they say of held-out tracks."""
    settings = {"bins_hours": EDGES, "network": RISKS["network"], "training": RISKS["training"], "threads": 1}
    who = {"fold": fold, "seed": seed, "outcomes": CONFIG["outcomes"], "min_frames": data.least, "files": [], "code": []}
    started = time.process_time()
    train_risks(data.trajectories, data.split, inputs, model, resume=model.with_suffix(".resume"), **who, **settings)
    return predicted(load_ensemble(model), data, inputs, fold, time.process_time() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description="Score other networks of risks beside the default")
    parser.add_argument("--parts", nargs="+", choices=["crops", "course", "outlines"], default=["crops", "course", "outlines"])
    parser.add_argument("--data", type=Path, default=Path("."), help="folder in which benchmarks/risks.py has run")
    parser.add_argument("--seed", type=int, default=812)
    parser.add_argument("--further", type=int, nargs="*", default=[813, 811], help="seeds of further data sets to learn from")
    parser.add_argument("--every", type=int, default=3, help="frames from one to the next that is used; 1: all, for three times as long")
    parser.add_argument("--members", type=int, default=3, help="of the transformer and of networks with more data")
    parser.add_argument("--folds", type=int, nargs="+", default=[0])
    parser.add_argument("--weights", type=Path, default=Path("resources/demo/cellpose/simulated"))
    parser.add_argument("--work", type=Path, default=Path("results/risk_networks"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    if {"crops", "course"} & set(options.parts):
        compare_networks(options)
    if "outlines" in options.parts:
        compare_outlines(options)


if __name__ == "__main__":
    main()
