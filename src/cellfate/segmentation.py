"""Segmentation of crops with Cellpose 3 (Stringer et al. 2021, https://doi.org/10.1038/s41592-020-01018-x).

Settings that are not in the config: Cellpose's own defaults (flow dynamics at the resolution of the crop, bilinear, 200
steps times diameter / training diameter; no test-time augmentation; at least 15 px; percentiles 1 and 99 of each crop set to
0 and 1), but ``max_size_fraction``: Cellpose drops regions over 0.4 of the image, which in a 112 px crop is a cell of 80 px.
Our ladder keeps regions of any size; the published one keeps Cellpose's 0.4.
"""

import logging
import sys
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import cellpose
import numpy as np
import pandas as pd
import torch
from cellpose.models import CellposeModel
from cellpose.resnet_torch import CPnet

from cellfate.crops import CropFile, cut
from cellfate.errors import InputError
from cellfate.files import sha256
from cellfate.masks import NO_REGION, MaskFile, scale_to_uint8, writing_masks
from cellfate.progress import progress
from cellfate.tables import read_table

__all__ = ["MaskFile", "load_network", "segment_cells", "segment_crops", "segment_recording", "tracks_to_segment"]

STOCK_WIDTHS = (2, 32, 64, 128, 256)  # the network of cyto3 and its relatives
STYLE_SIZE = 256  # CellposeModel.eval expects a style vector of this length
N_OUTPUTS = 3  # flow y, flow x, cell probability
PUBLISHED_DIAMETERS = (55.0, 50.0, 45.0, 30.0)
OUTSIDE_PERCENTILE = 10  # of the pixels of a crop inside the frame; the level of those outside
OPTIONAL_WEIGHTS = ("diam_mean", "diam_labels", "num_batches_tracked")


@dataclass(frozen=True)
class Attempt:
    """One try of the ladder: ``channel`` counts from 1, 0 is the mean of all; ``diameter`` in pixels."""

    channel: int
    diameter: float


@dataclass(frozen=True)
class SegmentationSettings:
    """How crops are segmented. ``channel`` is the index of the segmented channel; it and ``diameter`` are for ladder single."""

    ladder: str = "single"
    channel: int = 0
    diameter: float = 40.0  # pixels
    flow_threshold: float = 0.4
    cellprob_threshold: float = 0.0
    batch_size: int = 8  # crops that run through the network together

    @property
    def max_size_fraction(self) -> float:
        """Regions above this fraction of the crop are dropped."""
        return 0.4 if self.ladder == "published" else 1.0

    def attempts(self, n_channels: int) -> list[Attempt]:
        """The tries in their order. Published: grey, then channels 1 to 3, and within each the diameters 55, 50, 45, 30."""
        if self.ladder == "single":
            return [Attempt(self.channel + 1, self.diameter)]
        if self.ladder != "published":
            raise InputError(f"segmentation.ladder is {self.ladder!r}, 'single' or 'published' is needed")
        channels = range(min(n_channels, 3) + 1) if n_channels > 1 else [0]
        return [Attempt(channel, diameter) for channel in channels for diameter in PUBLISHED_DIAMETERS]


class NarrowNetwork(CPnet):
    """Cellpose's network with fewer channels; its style vector is filled up with zeros to the length that Cellpose expects."""

    def forward(self, data: torch.Tensor) -> tuple:
        output, style, down = super().forward(data)
        return output, torch.nn.functional.pad(style, (0, STYLE_SIZE - style.shape[1])), down


def load_network(path: str | Path, device: str = "cpu") -> CellposeModel:
    """Cellpose with the weights of the file ``path``.

    Weights of the stock shape go through ``CellposeModel(pretrained_model=path)``; a narrower network, whose widths are read
    off its weights, takes the place of the stock one in the same class. Raises InputError when the file is missing or holds
    no weights of a Cellpose 3 network with two input channels: Cellpose itself would load its default, or what fits.
    """
    state = read_weights(path)
    widths = network_widths(state, path)
    on = torch.device(device)
    logging.getLogger("cellpose").setLevel(logging.ERROR)  # it warns that a stack of crops is no volume, for each stack
    if widths == STOCK_WIDTHS:
        network = CellposeModel(device=on, pretrained_model=str(path))
    else:
        network = CellposeModel(device=on, mkldnn=False)
        network.net = _filled(NarrowNetwork(list(widths), N_OUTPUTS, sz=3), state).to(on)
        network.diam_mean = network.net.diam_mean.item()
    if "diam_mean" not in state and Path(path).name in ("nuclei", "nucleitorch_0"):
        network.diam_mean = 17.0  # Cellpose knows this only by its own file name
    return network


def read_weights(path: str | Path) -> dict[str, torch.Tensor]:
    """The weights in a file of Cellpose 3, by name. A missing or unreadable file is an InputError."""
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file (Cellpose weights)")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(f"{path}: not readable as Cellpose weights: {str(error).splitlines()[0]}") from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise InputError(f"{path}: holds no state dict of a network")
    return state


def network_widths(state: dict[str, torch.Tensor], path: str | Path) -> tuple[int, ...]:
    """Channels of input and stages, as (2, 32, 64, 128, 256); checks that every weight of such a network is there."""
    if "W2" in state:
        raise InputError(f"{path}: weights of Cellpose 4, which is another network; Cellpose 3 weights are needed")
    first = [state.get(f"downsample.down.res_down_{stage}.proj.1.weight") for stage in range(4)]
    if any(weight is None or weight.ndim != 4 for weight in first):
        raise InputError(f"{path}: no weights of a Cellpose 3 residual U-net; found {', '.join(list(state)[:3])} ...")
    widths = (first[0].shape[1], *(weight.shape[0] for weight in first))
    if widths[0] != STOCK_WIDTHS[0] or widths[-1] > STYLE_SIZE:
        raise InputError(f"{path}: a network of widths {widths}; 2 input channels and at most {STYLE_SIZE} channels are needed")
    _filled(CPnet(list(widths), N_OUTPUTS, sz=3), state, path)
    return tuple(widths)


def _filled(net: CPnet, state: dict[str, torch.Tensor], path: str | Path = "") -> CPnet:
    own = net.state_dict()
    needed = [name for name in own if not name.endswith(OPTIONAL_WEIGHTS)]
    wrong = [name for name in needed if name not in state or state[name].shape != own[name].shape]
    if wrong:
        raise InputError(f"{path}: weight {wrong[0]} is missing or of another shape ({len(wrong)} of {len(needed)} weights)")
    net.load_state_dict(state, strict=False)
    return net.eval()


def stock_weights(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights of a narrow network filled up with zeros to the stock shape: a network that computes the same.

    Any program that reads Cellpose 3 weights (its own window, for one) can load them when saved with ``torch.save``.
    """
    stock = CPnet(list(STOCK_WIDTHS), N_OUTPUTS, sz=3).state_dict()
    for name, wide in stock.items():
        if name in state:
            narrow = state[name]
            wide.zero_()
            wide[tuple(slice(length) for length in narrow.shape)] = narrow
    return stock


def segment_crops(network: CellposeModel, crops: np.ndarray, settings: SegmentationSettings) -> tuple[np.ndarray, np.ndarray]:
    """Label images (N, S, S) uint16 of the crops (N, C, S, S) of one trajectory, and the index (N,) int8 of the try that won.

    Ladder single: one channel, one diameter. Published: the sequence is scaled to 8 bit (:func:`scale_to_uint8`) and the tries
    of :meth:`SegmentationSettings.attempts` run in turn; the first with a region wins, and only crops without one are tried
    again, all of them together. A crop in which no try found a region has an empty label image and index -1.
    """
    images = scale_to_uint8(crops) if settings.ladder == "published" and len(crops) else crops
    masks = np.zeros((len(crops), *crops.shape[2:]), np.uint16)
    attempt = np.full(len(crops), NO_REGION, np.int8)
    for index, step in enumerate(settings.attempts(crops.shape[1])):
        left = np.flatnonzero(attempt == NO_REGION)
        if not len(left):
            break
        masks[left] = _evaluate(network, _selected(images[left], step.channel), step.diameter, settings)
        attempt[left[masks[left].any(axis=(1, 2))]] = index
    return masks, attempt


def _selected(images: np.ndarray, channel: int) -> np.ndarray:
    """Cellpose's input (N, S, S, 2) float32: the channel (0: the mean of all) and zeros for the nuclear one."""
    chosen = images.astype(np.float32).mean(axis=1) if channel == 0 else images[:, channel - 1].astype(np.float32)
    return np.stack([chosen, np.zeros_like(chosen)], axis=-1)


def _evaluate(network: CellposeModel, stack: np.ndarray, diameter: float, settings: SegmentationSettings) -> np.ndarray:
    one = len(stack) == 1  # Cellpose squeezes a stack of one
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse invariant checks")
        masks = network.eval(
            stack[0] if one else stack,
            channel_axis=-1,
            z_axis=None if one else 0,
            normalize={"norm3D": False},  # each crop by itself
            diameter=diameter,
            batch_size=settings.batch_size,
            flow_threshold=settings.flow_threshold,
            cellprob_threshold=settings.cellprob_threshold,
            max_size_fraction=settings.max_size_fraction,
        )[0]
    return masks.reshape(stack.shape[:3])


def inside_frame(y: np.ndarray, x: np.ndarray, frame_shape: tuple[int, int], size: int) -> np.ndarray:
    """Which pixels (T, S, S) of crops of ``size`` pixels around the positions (T,) lie inside the frame (H, W)."""
    whole = np.ones((1, *frame_shape), bool)
    return np.stack([cut(whole, *place, size)[0] for place in zip(y, x, strict=True)])


def fill_outside(crops: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """A copy of crops (T, C, S, S) in which pixels outside the frame, zeros, have the level of the background nearby.

    That level is the 10th percentile of the pixels ``inside`` (T, S, S), per crop and channel. Networks take the step from
    zeros to the camera's offset for the outline of a cell.
    """
    filled = crops.copy()
    for crop, part in zip(filled, inside, strict=True):
        if part.any() and not part.all():
            crop[:, ~part] = np.percentile(crop[:, part], OUTSIDE_PERCENTILE, axis=1, keepdims=True)
    return filled


def tracks_to_segment(
    trajectories: pd.DataFrame, split: pd.DataFrame, recording: str, min_frames: int, treatment: str | None
) -> pd.DataFrame:
    """The held-out tracks of a recording that the statistics can use: rows (track_id, first_frame, last_frame), sorted.

    They are usable, in the test part of any fold, have at least ``min_frames`` frames and, when ``treatment`` is not None,
    that treatment.
    """
    rows = trajectories[trajectories["recording"] == recording]
    test = rows["trajectory"].isin(split.loc[split["split"] == "test", "trajectory"])
    treated = True if treatment is None else rows["treatment"] == treatment
    chosen = rows["usable"] & test & (rows["n_frames"] >= min_frames) & treated
    return rows.loc[chosen, ["track_id", "first_frame", "last_frame"]].sort_values("track_id", ignore_index=True)


def all_tracks(crops: CropFile) -> pd.DataFrame:
    """Every track with crops, whole: rows (track_id, first_frame, last_frame)."""
    frames = crops.index().groupby("track_id")["frame"]
    return frames.agg(first_frame="min", last_frame="max").reset_index()


def segment_recording(
    crops: CropFile, tracks: pd.DataFrame, weights: str | Path, out_path: str | Path, settings: SegmentationSettings, device: str = "cpu"
) -> None:
    """Segment the crops of ``tracks`` (track_id, first_frame, last_frame) and write their mask file (see MaskFile).

    Without tracks the file is valid and empty, and no network is loaded. Raises InputError when a track has no crops.
    """
    rows = crops.index().merge(tracks, on="track_id")
    rows = rows[rows["frame"].between(rows["first_frame"], rows["last_frame"])]
    network = load_network(weights, device) if len(tracks) else None
    attrs = {"recording": crops.recording, "model": Path(weights).name, "model_sha256": sha256(weights)}
    empty = 0
    with writing_masks(out_path, len(rows), crops.shape[-1], attrs, _described(settings, crops.channels)) as writer:
        for row in progress(list(tracks.itertuples()), f"segment_cells {crops.recording}", unit="track"):
            frames, images = crops.read(row.track_id, row.first_frame, row.last_frame)
            masks, attempt = _segment_track(network, crops, frames, images, rows[rows["track_id"] == row.track_id], settings)
            writer.add(row.track_id, frames, masks, attempt)
            empty += int((attempt == NO_REGION).sum())
    print(f"segment_cells {crops.recording}: {len(tracks)} tracks, {len(rows)} crops, {empty} without a region", file=sys.stderr)


def _segment_track(
    network: CellposeModel, crops: CropFile, frames: np.ndarray, images: np.ndarray, places: pd.DataFrame, settings: SegmentationSettings
) -> tuple[np.ndarray, np.ndarray]:
    """The published way shows Cellpose the zeros outside the frame; ours the background, and no region reaches outside."""
    if settings.ladder == "published" or not len(frames):
        return segment_crops(network, images, settings)
    inside = inside_frame(places["y"], places["x"], crops.attrs["frame_shape"], crops.shape[-1])
    masks, attempt = segment_crops(network, fill_outside(images, inside), settings)
    masks[~inside] = 0
    attempt[~masks.any(axis=(1, 2))] = NO_REGION
    return masks, attempt


def _described(settings: SegmentationSettings, channels: list[str]) -> dict:
    steps = [asdict(step) for step in settings.attempts(len(channels))]
    described = {key: value for key, value in asdict(settings).items() if key not in ("channel", "diameter")}
    return {
        **described,
        "attempts": steps,
        "channels": channels,
        "max_size_fraction": settings.max_size_fraction,
        "cellpose": cellpose.version,
    }


def segment_cells(
    crops: str | Path,
    weights: str | Path,
    masks: str | Path,
    *,
    tracks: str,
    ladder: str,
    channel: str,
    diameter: float,
    flow_threshold: float,
    cellprob_threshold: float,
    statistics_min_frames: int,
    treatment: str | None,
    trajectories: str | Path | None = None,
    split: str | Path | None = None,
    batch_size: int = 8,
    device: str = "cpu",
    threads: int = 1,
) -> None:
    """Segment one crop file and write its masks: ``tracks`` is ``all`` or ``held_out``, see :func:`tracks_to_segment`.

    The tables ``trajectories`` and ``split`` are needed for ``held_out``, which ends each track at its trajectory's last
    frame. ``channel`` is a channel's name (ladder single), ``device`` as torch names it. The masks of a crop do not depend on
    ``batch_size``; with one thread they are the same in every run.
    """
    torch.set_num_threads(threads)
    with CropFile(crops) as crop_file:
        index = 0 if ladder == "published" else _channel_index(crop_file, channel)
        settings = SegmentationSettings(ladder, index, diameter, flow_threshold, cellprob_threshold, batch_size)
        if tracks == "all":
            chosen = all_tracks(crop_file)
        elif tracks == "held_out":
            tables = read_table(trajectories, "trajectories"), read_table(split, "split")
            chosen = tracks_to_segment(*tables, crop_file.recording, statistics_min_frames, treatment)
        else:
            raise InputError(f"segmentation.tracks is {tracks!r}, 'held_out' or 'all' is needed")
        segment_recording(crop_file, chosen, weights, masks, settings, device)


def _channel_index(crops: CropFile, channel: str) -> int:
    if channel not in crops.channels:
        raise InputError(f"segmentation.channel is {channel!r}, but recording {crops.recording} has {', '.join(crops.channels)}")
    return crops.channels.index(channel)
