"""Networks that were tried in place of the recurrent one on rings, and how they are trained: by the same steps, loss and members."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from cellfate.crops.crop_file import CropFile
from cellfate.model.risks.ensemble import Ensemble
from cellfate.model.risks.inputs import FrameInputs, Standard
from cellfate.model.risks.network import QUIET, RiskNetwork, RiskSizes
from cellfate.model.risks.tracks import RiskTrack, rows_of_fold, track_of
from cellfate.training.resume import ResumeFolder, training_key
from cellfate.training.risks import RiskData, RiskTraining, fit_member

PLACE = "embedding place"  # of a frame's crop among all, from 1: the padding of a batch is 0
TIMES = ("hours of track", "hours of film")
SMALLER = 2  # times, in width and height
UNITS = 64


@dataclass(frozen=True)
class Crops:
    """All crops of some recordings, at half their size: logarithms of counts above the background (N, C, S, S), and whose they are."""

    pixels: np.ndarray
    places: pd.DataFrame  # trajectory, frame, place

    @classmethod
    def read(cls, paths: Sequence[Path], work: Path, every: int) -> "Crops":
        """Those of crop files at frames that ``every`` divides; kept in ``work`` and read from there the next time."""
        kept, table = work / "crops.npy", work / "crops.parquet"
        if not table.exists():
            work.mkdir(parents=True, exist_ok=True)
            parts, rows, start = [], [], 0
            for path in paths:
                for track, frames, crops in _tracks(path, every):
                    parts.append(crops)
                    rows.append(pd.DataFrame({"trajectory": track, "frame": frames, "place": np.arange(len(frames)) + start + 1.0}))
                    start += len(frames)
            np.save(kept, np.concatenate(parts))
            pd.concat(rows, ignore_index=True).to_parquet(table)
        return cls(np.load(kept), pd.read_parquet(table))


def _tracks(path: Path, every: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Of each track of a crop file its name, frames and small crops."""
    with CropFile(path) as file:
        background = file.background
        for track in file.track_ids.tolist():
            frames, crops = file.read(track)
            frames, crops = frames[frames % every == 0], crops[frames % every == 0]
            above = torch.from_numpy(crops.astype(np.float32) - background[frames][:, :, None, None])
            small = avg_pool2d(above, SMALLER)
            yield f"{file.recording}/{track}", frames, (small.sign() * small.abs().log1p()).numpy().astype(np.float16)


class FrameCnn(nn.Module):
    """Crops (N, C, S, S), found by their places from 1 on -> UNITS numbers of each; 66,000 weights. Turned and mirrored in training."""

    def __init__(self, pixels: np.ndarray, mean: np.ndarray, std: np.ndarray) -> None:
        super().__init__()
        self._pixels = pixels
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32)[:, None, None])
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32)[:, None, None])
        sizes = [(pixels.shape[1], 16, 5, 2), (16, 32, 3, 2), (32, 64, 3, 2), (64, 64, 3, 1)]
        layers = [_block(*one) for one in sizes]
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, UNITS))
        self.to(memory_format=torch.channels_last)

    def forward(self, places: Tensor) -> Tensor:
        """(..., UNITS) of ``places`` (...), zeros where there is no crop."""
        there = places > 0
        found = torch.zeros(*places.shape, UNITS)
        if there.any():
            found[there] = self._of(places[there].long() - 1)
        return found

    def _of(self, rows: Tensor) -> Tensor:
        crops = (torch.from_numpy(self._pixels[rows.numpy()]).float() - self.mean) / self.std
        if self.training:
            turns, mirrored = torch.randint(4, ()).item(), torch.randint(2, ()).item()
            crops = torch.rot90(crops.flip(-1) if mirrored else crops, turns, (-2, -1))
        return self.layers(crops.contiguous(memory_format=torch.channels_last))


def _block(channels: int, out: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(out), nn.ReLU())


class FrameByFrame(nn.Module):
    """Each frame alone: what the CNN makes of its crop, and the hours, into the same head."""

    def __init__(self, cnn: FrameCnn, columns: Sequence[str], sizes: RiskSizes) -> None:
        super().__init__()
        self.cnn, self.columns = cnn, list(columns)
        self.frame = nn.Sequential(nn.Linear(UNITS + len(TIMES), UNITS), nn.LayerNorm(UNITS), nn.GELU())
        self.head = _head(sizes)

    def forward(self, values: Tensor) -> Tensor:
        numbers = torch.cat([self.cnn(_place(values, self.columns)), _times(values, self.columns)], -1)
        return self.head(self.frame(numbers)).unflatten(-1, (-1, 3))


class EndToEnd(nn.Module):
    """The same CNN and the recurrent network, trained together on crops and hours, and with ``rings`` on those too."""

    def __init__(self, cnn: FrameCnn, columns: Sequence[str], sizes: RiskSizes, rings: bool) -> None:
        super().__init__()
        self.cnn, self.columns = cnn, list(columns)
        self.kept = [number for number, name in enumerate(columns) if name in TIMES or (rings and name != PLACE)]
        self.course = RiskNetwork(replace(sizes, inputs=UNITS + len(self.kept)))

    def forward(self, values: Tensor) -> Tensor:
        return self.course(torch.cat([self.cnn(_place(values, self.columns)), values[..., self.kept]], -1))


class CausalTransformer(nn.Module):
    """Two layers of causal attention in place of the recurrent one; the place in the track as sines."""

    def __init__(self, sizes: RiskSizes, layers: int = 2, heads: int = 4) -> None:
        super().__init__()
        self.frame = nn.Sequential(nn.Linear(sizes.inputs, sizes.width), nn.LayerNorm(sizes.width), nn.GELU())
        one = nn.TransformerEncoderLayer(sizes.width, heads, 2 * sizes.width, sizes.dropout, "gelu", batch_first=True, norm_first=True)
        self.course = nn.TransformerEncoder(one, layers, nn.LayerNorm(sizes.width), enable_nested_tensor=False)
        self.head = _head(sizes)

    def forward(self, values: Tensor) -> Tensor:
        frames = self.frame(values)
        n, width = frames.shape[1:]
        later = torch.ones(n, n, dtype=torch.bool).triu(1)
        return self.head(frames + self.course(frames + sines(n, width), mask=later)).unflatten(-1, (-1, 3))


def sines(n: int, width: int) -> Tensor:
    """Places (n, width) as sines and cosines of wavelengths from 2 pi to 1,000 frames."""
    waves = torch.exp(-torch.arange(0, width, 2) / width * math.log(1000 / (2 * math.pi)))
    angles = torch.arange(n)[:, None] * waves
    return torch.cat([angles.sin(), angles.cos()], -1)


def _head(sizes: RiskSizes) -> nn.Sequential:
    head = nn.Sequential(nn.Dropout(sizes.dropout), nn.Linear(sizes.width, sizes.bins * 3))
    nn.init.zeros_(head[1].bias)
    head[1].bias.data[::3] = QUIET
    return head


def _place(values: Tensor, columns: Sequence[str]) -> Tensor:
    return values[..., columns.index(PLACE)]


def _times(values: Tensor, columns: Sequence[str]) -> Tensor:
    return values[..., [columns.index(name) for name in TIMES]]


@dataclass(frozen=True)
class Tracks:
    """The tracks of both parts, as they are; what has no landmark is left out."""

    train: list[RiskTrack]
    validation: list[RiskTrack]
    standard: Standard
    min_frames: int
    rows: pd.DataFrame

    @classmethod
    def of(cls, trajectories: pd.DataFrame, split: pd.DataFrame, inputs: FrameInputs, fold: int, min_frames: int) -> "Tracks":
        rows = rows_of_fold(trajectories, split, fold, inputs, ("train", "validation"))
        found: dict[str, list[RiskTrack]] = {"train": [], "validation": []}
        for row in rows.itertuples():
            track = track_of(row, inputs)
            if len(track.frames) > min_frames:
                found[row.split].append(track)
        standard = Standard.of([track.values for track in found["train"]], inputs.columns)
        if PLACE in inputs.columns:
            column = inputs.columns.index(PLACE)
            standard.mean[column], standard.std[column] = 0.0, 1.0
        return cls(found["train"], found["validation"], standard, min_frames, rows)

    def data(self, edges: Tensor, frame_by_frame: bool) -> RiskData:
        """As the training takes them; ``frame_by_frame``: each frame after the first ``min_frames`` as a track of its own."""
        parts = []
        for tracks in (self.train, self.validation):
            own = [replace(track, values=self.standard.apply(track.values)) for track in tracks]
            parts.append([one for track in own for one in _frames(track, self.min_frames)] if frame_by_frame else own)
        return RiskData(*parts, 0 if frame_by_frame else self.min_frames, edges)


def _frames(track: RiskTrack, first: int) -> list[RiskTrack]:
    pieces = [slice(number, number + 1) for number in range(first, len(track.frames))]
    return [RiskTrack(track.frames[one], track.values[one], track.hours[one], track.event) for one in pieces]


def fit(
    tracks: Tracks,
    build: Callable[[], nn.Module],
    settings: RiskTraining,
    edges: Sequence[float],
    inputs: FrameInputs,
    work: Path,
    seeds: tuple[int, int],
    frame_by_frame: bool = False,
) -> tuple[Ensemble, float]:
    """The members that ``build`` makes, trained by the schedule of the configuration but for ``settings``, and their lowest validation
    losses' mean. ``seeds`` are the run's and the fold."""
    data = tracks.data(torch.tensor(list(edges), dtype=torch.float32), frame_by_frame)
    key = training_key({"settings": str(settings), "frames": frame_by_frame, "seeds": list(seeds)}, tracks.rows, [], [Path(__file__)])
    found = [fit_member(data, build, settings, ResumeFolder(work / f"resume-{key}-{m}", key), [*seeds, m]) for m in range(settings.members)]
    followed = max(float(track.hours[tracks.min_frames]) for track in tracks.train)
    rest = (inputs.settings, tracks.min_frames, followed, {})
    loss = float(np.mean([min(row[2] for row in curve) for _, curve in found]))
    return Ensemble(tuple(network for network, _ in found), tracks.standard, tuple(map(float, edges)), *rest), loss
