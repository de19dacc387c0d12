"""Training the networks of risks of one fold, on all tracks: by the likelihood of what was seen after each of their frames."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from cellfate.base.errors import InputError
from cellfate.base.files import keep_last, replacing
from cellfate.base.progress import progress
from cellfate.model.risks.batches import batch_of
from cellfate.model.risks.ensemble import Ensemble, save_ensemble
from cellfate.model.risks.hazards import log_likelihood
from cellfate.model.risks.inputs import FrameInputs, Standard
from cellfate.model.risks.network import RiskNetwork, RiskSizes
from cellfate.model.risks.tracks import NONE, RiskTrack, rows_of_fold, track_of
from cellfate.model.saved.folder import CURVES
from cellfate.training.epochs import say
from cellfate.training.resume import ResumeFolder, training_key

CURVE_COLUMNS = ["member", "epoch", "train_loss", "val_loss", "learning_rate", "seconds"]
LARGEST_GRADIENT = 1.0  # norm; steps of rare batches with many events are shortened to it
ORDER, START = 11, 12  # streams of random numbers


@dataclass(frozen=True)
class RiskTraining:
    """The configuration's section ``risks.training``."""

    members: int
    max_epochs: int
    patience: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    event_free_share: float
    random_start: float


@dataclass(frozen=True)
class RiskData:
    """The tracks of both parts, standardised; landmarks begin after ``min_frames`` frames of a track."""

    train: list[RiskTrack]
    validation: list[RiskTrack]
    min_frames: int
    edges: Tensor


def train_risks(
    trajectories: pd.DataFrame,
    split: pd.DataFrame,
    inputs: FrameInputs,
    folder: str | Path,
    *,
    fold: int,
    seed: int,
    outcomes: dict[str, str],
    bins_hours: Sequence[float],
    network: dict,
    training: dict,
    min_frames: int,
    resume: str | Path,
    files: Sequence[str | Path],
    code: Sequence[str | Path],
    threads: int,
) -> None:
    """Train the members on the fold's training part and write their folder: weights, settings.json, curves.csv.

    ``split`` has a part for tracks without a fate too (:func:`cellfate.trajectories.following.with_all_parts`). Each member keeps the
    weights of its lowest validation loss, the mean negative log-likelihood of a landmark. The state after each epoch lies below
    ``resume`` under a hash of the settings, the tracks, the ``files`` that the inputs were read from, and ``code``, until the folder is
    written. Deterministic: the same seed gives the same weights on the same kind of machine. Raises InputError when a part has no event
    or a loss is not finite.
    """
    torch.set_num_threads(threads)
    settings = RiskTraining(**training)
    rows = rows_of_fold(trajectories, split, fold, inputs, ("train", "validation"))
    data, standard = _data_of(rows, inputs, min_frames, bins_hours, fold, outcomes)
    sizes = RiskSizes(inputs=len(inputs.columns), bins=len(bins_hours) - 1, **network)
    record = {
        "fold": int(fold),
        "seed": seed,
        "training": training,
        "tracks": {"train": len(data.train), "validation": len(data.validation)},
        "events": {part: _events(tracks) for part, tracks in (("train", data.train), ("validation", data.validation))},
        "recordings": {part: sorted(set(rows.loc[rows["split"] == part, "recording"])) for part in ("train", "validation")},
    }
    known = {"network": network, "columns": inputs.columns, "bins": list(bins_hours), "events": rows["event_frame"].astype(str).tolist()}
    key = training_key({**record, **known}, rows, [*map(Path, files)], [*code])
    states = [ResumeFolder(Path(f"{resume}-{member}"), key) for member in range(settings.members)]
    trained = [fit_member(data, lambda: RiskNetwork(sizes), settings, state, [seed, fold, member]) for member, state in enumerate(states)]
    followed = max(float(track.hours[min_frames]) for track in data.train)
    members = tuple(network for network, _ in trained)
    ensemble = Ensemble(members, standard, tuple(map(float, bins_hours)), inputs.settings, min_frames, followed, dict(outcomes))
    record["val_loss"] = [min(row[2] for row in curve) for _, curve in trained]
    curves = [[member, *row] for member, (_, curve) in enumerate(trained) for row in curve]
    with replacing(folder) as temporary:
        save_ensemble(temporary, ensemble, record)
        pd.DataFrame(curves, columns=CURVE_COLUMNS).astype({"member": "int64", "epoch": "int64"}).to_csv(temporary / CURVES, index=False)
    keep_last(folder)
    for state in states:
        state.remove()


def _data_of(
    rows: pd.DataFrame, inputs: FrameInputs, min_frames: int, bins_hours: Sequence[float], fold: int, outcomes: dict[str, str]
) -> tuple[RiskData, Standard]:
    """The tracks of both parts that have a landmark, and how they were standardised."""
    found: dict[str, list[RiskTrack]] = {"train": [], "validation": []}
    for row in rows.itertuples():
        track = track_of(row, inputs)
        if len(track.frames) > min_frames:  # fewer where an event is not cut off
            found[row.split].append(track)
    for part, tracks in found.items():
        _check_events(tracks, part, fold, outcomes)
    standard = Standard.of([track.values for track in found["train"]], inputs.columns)
    parts = {part: [replace(track, values=standard.apply(track.values)) for track in tracks] for part, tracks in found.items()}
    return RiskData(parts["train"], parts["validation"], min_frames, torch.tensor(list(bins_hours), dtype=torch.float32)), standard


def _check_events(tracks: Sequence[RiskTrack], part: str, fold: int, outcomes: dict[str, str]) -> None:
    if not any(track.event != NONE for track in tracks):
        names = " or ".join(outcomes.values())
        raise InputError(f"fold {fold}: none of the {len(tracks)} tracks of the {part} part ends in {names}: risks cannot be learned")


def _events(tracks: Sequence[RiskTrack]) -> dict[str, int]:
    """How many tracks end in the negative and the positive outcome."""
    return {name: sum(track.event == label for track in tracks) for label, name in enumerate(("negative", "positive"))}


def fit_member(
    data: RiskData, build: Callable[[], nn.Module], settings: RiskTraining, folder: ResumeFolder, seeds: list[int]
) -> tuple[nn.Module, list[list[float]]]:
    """One network, trained to the end from the stored state where there is one, and the rows of its curve.

    ``build`` makes it: any module of the values (B, T, F) of tracks that gives logits (B, T, K, 3) as
    :class:`cellfate.model.risks.network.RiskNetwork` does. ``seeds`` are the run's, the fold and the member.
    """
    torch.manual_seed(_word(seeds))
    network = build()
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    state = {"epoch": 0, "waited": 0, "best": math.inf, "best_file": None, "rows": []}
    label = f"train_risks fold {seeds[1]} member {seeds[2] + 1}/{settings.members}"
    if stored := folder.load():
        network.load_state_dict(stored["network"])
        optimizer.load_state_dict(stored["optimizer"])
        state = {name: stored[name] for name in state}
        say(f"{label}: continues after epoch {state['epoch']} of {settings.max_epochs}")
    for epoch in progress(range(state["epoch"], settings.max_epochs), label, unit="epoch"):
        if state["waited"] >= settings.patience:
            break
        started = time.monotonic()
        train_loss = _learn(network, optimizer, data, settings, [*seeds, epoch])
        val_loss = _validation_loss(network, data, settings)
        if not (math.isfinite(train_loss) and math.isfinite(val_loss)):
            rate = f"risks.training.learning_rate is {settings.learning_rate:g}, lower it"
            raise InputError(f"{label}: loss not finite in epoch {epoch + 1}; {rate}")
        state["epoch"], better = epoch + 1, val_loss < state["best"]
        state["waited"] = 0 if better else state["waited"] + 1
        if better:
            state["best"], state["best_file"] = val_loss, folder.save_best(network.state_dict(), epoch + 1)
        rate = optimizer.param_groups[0]["lr"]
        state["rows"].append([epoch + 1, train_loss, val_loss, rate, time.monotonic() - started])
        folder.save({**state, "network": network.state_dict(), "optimizer": optimizer.state_dict()})
    network.load_state_dict(folder.load_best(state["best_file"]))
    return network.eval(), state["rows"]


def _learn(network: nn.Module, optimizer: torch.optim.Optimizer, data: RiskData, settings: RiskTraining, seeds: list[int]) -> float:
    """One epoch of steps; the mean loss of its landmarks, weighted as they were. ``seeds`` end with the epoch, from 0."""
    network.train()
    order = epoch_order([track.event for track in data.train], settings.event_free_share, np.random.default_rng([ORDER, *seeds]))
    starts, epoch = np.random.default_rng([START, *seeds]), seeds[-1]
    n_batches = math.ceil(len(order) / settings.batch_size)
    total = weight_sum = 0.0
    for number in range(n_batches):
        torch.manual_seed(_word([*seeds, number]))  # of the dropout
        chosen = [data.train[place] for place in order[number * settings.batch_size : (number + 1) * settings.batch_size]]
        cut = [random_start(len(track.frames), data.min_frames, settings.random_start, starts) for track in chosen]
        begun = [track.from_frame(start) for track, start in zip(chosen, cut, strict=True)]
        batch = batch_of(begun, [max(data.min_frames - start, 0) for start in cut])
        weights = torch.where(batch.event == NONE, 1 / settings.event_free_share, 1.0)[:, None] * batch.landmarks
        likelihood = log_likelihood(network(batch.values), batch.hours, batch.event, data.edges)
        loss = -(weights * likelihood).sum() / weights.sum()
        step = (epoch + number / n_batches) / settings.max_epochs
        optimizer.param_groups[0]["lr"] = settings.learning_rate * 0.5 * (1 + math.cos(math.pi * step))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
        optimizer.step()
        total, weight_sum = total + loss.item() * weights.sum().item(), weight_sum + weights.sum().item()
    return total / weight_sum


def epoch_order(events: Sequence[int], event_free_share: float, rng: np.random.Generator) -> np.ndarray:
    """The tracks of an epoch in random order: all with an event, and a random ``event_free_share`` of the others."""
    events = np.asarray(events)
    free = np.flatnonzero(events == NONE)
    kept = rng.choice(free, round(event_free_share * len(free)), replace=False)
    return rng.permutation(np.concatenate([np.flatnonzero(events != NONE), kept]))


def random_start(n_frames: int, min_frames: int, probability: float, rng: np.random.Generator) -> int:
    """How many first frames are left out: with ``probability`` any number that leaves one landmark, else none."""
    chosen, start = rng.random() < probability, int(rng.integers(max(n_frames - min_frames, 1)))
    return start if chosen else 0


def _batches(tracks: Sequence[RiskTrack], size: int) -> Iterator[Sequence[RiskTrack]]:
    for start in range(0, len(tracks), size):
        yield tracks[start : start + size]


def _validation_loss(network: nn.Module, data: RiskData, settings: RiskTraining) -> float:
    """The mean negative log-likelihood of the landmarks of the validation part."""
    network.eval()
    total = n_landmarks = 0.0
    with torch.inference_mode():
        for tracks in _batches(data.validation, settings.batch_size):
            batch = batch_of(tracks, [data.min_frames] * len(tracks))
            likelihood = log_likelihood(network(batch.values), batch.hours, batch.event, data.edges)
            total, n_landmarks = total - likelihood[batch.landmarks].sum().item(), n_landmarks + batch.landmarks.sum().item()
    return total / n_landmarks


def _word(seeds: Sequence[int]) -> int:
    return int(np.random.SeedSequence(list(seeds)).generate_state(1)[0])
