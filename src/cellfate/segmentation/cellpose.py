"""Cellpose 3 (Stringer et al. 2021, https://doi.org/10.1038/s41592-020-01018-x) on crops: its weights, its masks."""

import logging
import warnings
from pathlib import Path

import numpy as np
import torch

from cellfate.base.errors import InputError, no_file
from cellfate.segmentation.cellpose_library import CellposeModel, CPnet
from cellfate.segmentation.mask_file import NO_REGION, scale_to_uint8
from cellfate.segmentation.regions import is_usable
from cellfate.segmentation.settings import SegmentationSettings

STOCK_WIDTHS = (2, 32, 64, 128, 256)  # the network of cyto3 and its relatives
STYLE_SIZE = 256  # CellposeModel.eval expects a style vector of this length
N_OUTPUTS = 3  # flow y, flow x, cell probability
OPTIONAL_WEIGHTS = ("diam_mean", "diam_labels", "num_batches_tracked")


class NarrowNetwork(CPnet):
    """Cellpose's network with fewer channels; its style vector is filled up with zeros to the length that Cellpose expects."""

    def forward(self, data: torch.Tensor) -> tuple:
        output, style, down = super().forward(data)
        return output, torch.nn.functional.pad(style, (0, STYLE_SIZE - style.shape[1])), down


def load_network(path: str | Path, device: str, threads: int) -> CellposeModel:
    """Cellpose with the weights of the file ``path``, on a device as torch names it, with ``threads`` threads on a CPU.

    Weights of the stock shape go through ``CellposeModel(pretrained_model=path)``; a narrower network, whose widths are read
    off its weights, takes the place of the stock one in the same class. Raises InputError when the file is missing or holds
    no weights of a Cellpose 3 network with two input channels: Cellpose itself would load its default, or what fits.
    """
    torch.set_num_threads(threads)
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
        raise InputError(no_file(path, "a file of Cellpose weights"))
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


def segment_crops(network: CellposeModel, crops: np.ndarray, settings: SegmentationSettings) -> tuple[np.ndarray, np.ndarray]:
    """Label images (N, S, S) uint16 of the crops (N, C, S, S) of one trajectory, and the index (N,) int8 of the try that won.

    Ladder single: one channel, one diameter. Published: the sequence is scaled to 8 bit (:func:`scale_to_uint8`) and the tries
    of :meth:`SegmentationSettings.attempts` run in turn; the first with a usable region (:func:`is_usable`) wins, and only crops
    without one are tried again, all of them together. A crop in which no try found one has an empty label image and index -1.
    """
    images = scale_to_uint8(crops) if settings.ladder == "published" and len(crops) else crops
    masks = np.zeros((len(crops), *crops.shape[2:]), np.uint16)
    attempt = np.full(len(crops), NO_REGION, np.int8)
    for index, step in enumerate(settings.attempts(crops.shape[1])):
        left = np.flatnonzero(attempt == NO_REGION)
        if not len(left):
            break
        found = _evaluate(network, _selected(images[left], step.channel), step.diameter, settings)
        won = np.array([is_usable(labels, settings.ladder) for labels in found])
        masks[left[won]], attempt[left[won]] = found[won], index
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
