"""The networks of risks of one fold: a folder on disk, and what they say of tracks."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from cellfate.base.causes import in_words
from cellfate.base.errors import InputError
from cellfate.base.files import load_json, write_json
from cellfate.base.progress import progress
from cellfate.model.risks.hazards import cumulative_incidence
from cellfate.model.risks.inputs import FrameInputs, InputSettings, Standard
from cellfate.model.risks.network import RiskNetwork, RiskSizes
from cellfate.model.risks.tracks import RiskTrack, track_of
from cellfate.model.saved.exported import SETTINGS
from cellfate.model.saved.folder import load_strictly
from cellfate.model.saved.risks import weights_name
from cellfate.model.weights import read_weights, write_weights

COLUMNS = ["negative", "positive", "neither", "positive_given_event", "spread_negative", "spread_positive"]


@dataclass(frozen=True)
class Ensemble:
    """Networks that were trained alike but for their seeds, and what they need to be used.

    ``edges`` are the bins in hours, ``followed_hours`` is how long a training frame with a prediction was followed, and a track has
    predictions where more than ``min_frames`` of its frames are seen.
    """

    members: tuple[RiskNetwork, ...]
    standard: Standard
    edges: tuple[float, ...]
    inputs: InputSettings
    min_frames: int
    followed_hours: float
    outcomes: dict[str, str]

    def incidence(self, track: RiskTrack, horizons: Sequence[float]) -> np.ndarray:
        """Of each member, frame and horizon the probability (M, T, H, 2) of the negative and the positive outcome within it."""
        values = torch.tensor(self.standard.apply(track.values))[None]
        edges = torch.tensor(self.edges, dtype=torch.float64)
        with torch.inference_mode():
            found = [cumulative_incidence(member(values)[0].double(), horizons, edges) for member in self.members]
        return torch.stack(found).numpy()


def save_ensemble(folder: str | Path, ensemble: Ensemble, record: dict) -> None:
    """Write weights and settings to ``folder``, all that :func:`load_ensemble` needs; ``record`` is stored beside the settings."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for number, member in enumerate(ensemble.members):
        write_weights(member.state_dict(), folder / weights_name(number))
    standard = ensemble.standard
    settings = {
        "network": asdict(ensemble.members[0].sizes),
        "members": len(ensemble.members),
        "bins_hours": list(ensemble.edges),
        "inputs": asdict(ensemble.inputs),
        "columns": {name: [float(a), float(b)] for name, a, b in zip(standard.columns, standard.mean, standard.std, strict=True)},
        "min_frames": ensemble.min_frames,
        "followed_hours": ensemble.followed_hours,
        "outcomes": ensemble.outcomes,
    }
    write_json({**record, **settings}, folder / SETTINGS)


def load_ensemble(folder: str | Path) -> Ensemble:
    """What :func:`save_ensemble` wrote. Raises an InputError when a file is missing, damaged, or weights do not fit the settings."""
    folder = Path(folder)
    try:
        settings = load_json(folder / SETTINGS)
        sizes = RiskSizes(**settings["network"])
        columns = settings["columns"]
        standard = Standard(tuple(columns), *(np.array([pair[i] for pair in columns.values()]) for i in (0, 1)))
        members = tuple(_member(folder / weights_name(number), sizes) for number in range(settings["members"]))
        inputs = InputSettings(**settings["inputs"])
        rest = (settings["min_frames"], settings["followed_hours"], settings["outcomes"])
        return Ensemble(members, standard, tuple(settings["bins_hours"]), inputs, *rest)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder}: not a folder of a network of risks: {in_words(error, folder)}") from error


def _member(path: Path, sizes: RiskSizes) -> RiskNetwork:
    """One network; its weights are copied, as the last bits of a product depend on where in memory its factors begin."""
    network = RiskNetwork(sizes)
    state = {key: value.clone() for key, value in read_weights(path).items()}
    load_strictly(network, state, path)
    return network.eval()


def predict_fates(
    ensembles: Sequence[Ensemble], rows: pd.DataFrame, inputs: FrameInputs, horizons: Sequence[float], label: str
) -> pd.DataFrame:
    """What ``ensembles`` say together of each track of ``rows`` (of the trajectories table) at each frame, once for each of ``horizons``.

    They are that of one fold, or of several with the same inputs: then all their members count alike. Columns trajectory, recording,
    track_id, frame, n_frames, hours_since_start, horizon_hours and COLUMNS: the mean of the members, and their standard deviation. One
    pass a track, from its first frame; there are no rows where ``min_frames`` frames or fewer are seen, and none for horizons farther
    than any training track was followed, both of which is said. ``label`` begins lines of progress.
    """
    for ensemble in ensembles:
        ensemble.standard.check(inputs.columns)
    known = _known_horizons(min(ensemble.followed_hours for ensemble in ensembles), horizons, label)
    tables = [_rows_of(ensembles, row, inputs, known) for row in progress(list(rows.itertuples()), label, unit="track")]
    found = [table for table in tables if len(table)]
    if known and len(found) < len(tables):
        shortest = max(ensemble.min_frames for ensemble in ensembles)
        said = f"{len(tables) - len(found)} of {len(tables)} tracks are seen in {shortest} frames or fewer and have no rows"
        print(f"{label}: {said}", file=sys.stderr, flush=True)
    return pd.concat(found, ignore_index=True) if found else _rows(None, [], [], [], np.empty((0, 0, len(COLUMNS))))


def _known_horizons(followed_hours: float, horizons: Sequence[float], label: str) -> list[float]:
    """Those that some training track was followed for; a warning names the others."""
    if far := [f"{hours:g}" for hours in horizons if hours > followed_hours]:
        said = f"no training track was followed for longer than {followed_hours:g} hours after its first frame with a prediction"
        said += f": there are no risks for {', '.join(far)} hours"
        print(f"WARNING: {label}: {said}", file=sys.stderr, flush=True)
    return [hours for hours in horizons if hours <= followed_hours]


def _rows_of(ensembles: Sequence[Ensemble], row, inputs: FrameInputs, horizons: Sequence[float]) -> pd.DataFrame:
    track = track_of(row, inputs)
    seen = np.arange(1, len(track.frames) + 1)
    told = seen > max(ensemble.min_frames for ensemble in ensembles)
    if not told.any():
        return _rows(row, [], [], horizons, np.empty((0, len(horizons), len(COLUMNS))))
    incidence = np.concatenate([ensemble.incidence(track, horizons)[:, told] for ensemble in ensembles])
    return _rows(row, track.frames[told], seen[told], horizons, summary(incidence))


def _rows(row, frames: Sequence, seen: Sequence, horizons: Sequence[float], values: np.ndarray) -> pd.DataFrame:
    """The table of one track, ``values`` (T, H, COLUMNS); of no row an empty one."""
    n, frames = len(horizons), np.asarray(frames, int)
    hours = (frames - row.first_frame) * (row.frame_interval_min / 60) if row is not None else np.empty(0)
    who = {name: getattr(row, name, None) for name in ("trajectory", "recording", "track_id")}
    times = {"frame": np.repeat(frames, n), "n_frames": np.repeat(np.asarray(seen, int), n), "hours_since_start": np.repeat(hours, n)}
    horizon = np.tile(np.asarray(horizons, float), len(frames))
    return pd.DataFrame({**who, **times, "horizon_hours": horizon, **dict(zip(COLUMNS, values.reshape(-1, len(COLUMNS)).T, strict=True))})


def summary(incidence: np.ndarray) -> np.ndarray:
    """COLUMNS (T, H, 6) of the members' ``incidence`` (M, T, H, 2)."""
    mean = np.clip(incidence.mean(0), 0, 1)
    either = mean.sum(-1)
    spread = incidence.std(0, ddof=1) if len(incidence) > 1 else np.full(mean.shape, np.nan)
    given = mean[..., 1] / either
    return np.stack([mean[..., 0], mean[..., 1], np.clip(1 - either, 0, 1), given, spread[..., 0], spread[..., 1]], axis=-1)
