"""A small Cellpose network, trained on simulated fields: for the demo and the tests, which need no downloaded weights.

The network is Cellpose's own residual U-net with fewer channels, its targets and loss are Cellpose's (Stringer et al. 2021).
Unlike Cellpose's trainer this one draws patches of the size of a crop and scales each of them by its own percentiles, as
crops are scaled when they are segmented; outside the field a patch has the level of the background.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch

from cellfate.base.errors import InputError
from cellfate.base.files import replacing
from cellfate.base.progress import progress
from cellfate.base.software import SOFTWARE
from cellfate.crops.cutting import cut
from cellfate.segmentation.cellpose import load_network, read_weights, segment_crops
from cellfate.segmentation.cellpose_library import (
    CPnet,
    average_precision,
    masks_to_flows,
    normalize99,
    random_rotate_and_resize,
    resize_image,
)
from cellfate.segmentation.crops import OUTSIDE_PERCENTILE, fill_outside, inside_frame
from cellfate.segmentation.scores import score_masks
from cellfate.segmentation.settings import SegmentationSettings
from cellfate.simulation.render import simulate_field

SETTINGS_KEY = "cellfate_settings"  # a uint8 tensor of JSON among the weights; Cellpose ignores names that it does not know
SEED_OF_FIELDS, SEED_OF_PATCHES, SEED_OF_CHECKS = range(3)
FEWEST_FOUND = 0.8  # share of cells; a network that finds fewer is warned of
FLOW_SCALE = 5.0  # Cellpose's networks give flows times 5
# how every trained network is scored, whatever the configuration does with it: Cellpose's own thresholds, the cell at the crop's centre
SCORED_WITH = {"ladder": "single", "channel": 0, "flow_threshold": 0.4, "cellprob_threshold": 0.0, "batch_size": 2}
CELL = {"rule": "centre", "min_area": 20}


@dataclass(frozen=True)
class NetworkTraining:
    """Size of the network and of its training."""

    widths: tuple[int, ...] = (2, 8, 16, 32, 64)  # channels of input and stages
    n_fields: int = 24  # fields from a quarter full to full
    n_sparse: int = 6  # fields with one to three cells
    n_empty: int = 3  # fields without a cell
    n_checked: int = 3  # further fields on which the trained network is scored
    field_size: int = 256  # pixels
    n_cells: int = 24  # of a full field
    diameter: float = 36.0  # of the cells, pixels
    network_diameter: float = 18.0  # to which cells are scaled for the network, pixels
    channel: str = "p53"  # of the simulator
    patch: int = 48  # pixels as the network sees them, a multiple of 16
    scale_range: float = 0.4  # patches are resized by 1 -+ half of this
    edge: float = 0.3  # probability that a patch lies at the edge of a frame
    n_steps: int = 300
    batch_size: int = 8  # patches
    learning_rate: float = 0.01
    weight_decay: float = 1e-5

    @property
    def scale(self) -> float:
        """Pixels of the network per pixel of a field."""
        return self.network_diameter / self.diameter


def training_settings(mapping: Mapping | None) -> NetworkTraining:
    """Settings from a config mapping; an unknown key is an InputError."""
    known = [field.name for field in fields(NetworkTraining)]
    unknown = [key for key in mapping or {} if key not in known]
    if unknown:
        raise InputError(f"segmentation.training.{unknown[0]}: unknown key; known are {', '.join(known)}")
    return NetworkTraining(**mapping or {})


def train_network(path: str | Path, seed: int, settings: Mapping | None = None, *, threads: int) -> dict[str, float]:
    """Train the network on simulated fields, write its weights to ``path`` and return its scores on further fields.

    ``settings`` are those of :class:`NetworkTraining`. The file is a state dict as Cellpose saves it, with the settings, the
    seed and the scores inside (:func:`trained_with`). One thread and the same seed give the same weights, bit for bit.
    """
    chosen = training_settings(settings)
    torch.set_num_threads(threads)
    examples = [_example(*field, chosen.scale) for field in simulate_fields(np.random.default_rng([seed, SEED_OF_FIELDS]), chosen)]
    network = fit(examples, chosen, seed)
    with replacing(path) as temporary:
        torch.save(network.state_dict(), temporary)
        scores = score_network(temporary, np.random.default_rng([seed, SEED_OF_CHECKS]), chosen)
        described = {**asdict(chosen), "seed": seed, "scores": scores, "software": SOFTWARE}
        text = torch.frombuffer(bytearray(json.dumps(described).encode()), dtype=torch.uint8)
        torch.save({**network.state_dict(), SETTINGS_KEY: text}, temporary)
    print("train_segmentation_network: " + ", ".join(f"{name} {value:.3f}" for name, value in scores.items()), file=sys.stderr)
    if scores.get("cell_found", 1) < FEWEST_FOUND:
        print(
            f"WARNING: {path}: the network finds {100 * scores['cell_found']:.0f} % of the cells of further simulated fields, so masks and "
            f"features will be poor; raise segmentation.training.n_steps ({chosen.n_steps} here)",
            file=sys.stderr,
        )
    return scores


def trained_with(path: str | Path) -> dict:
    """Settings, seed and scores in a file that :func:`train_network` wrote."""
    state = read_weights(path)
    if SETTINGS_KEY not in state:
        raise InputError(f"{path}: no settings in it; only networks trained by train_segmentation_network have them")
    return json.loads(bytes(state[SETTINGS_KEY].numpy()))


def simulate_fields(rng: np.random.Generator, settings: NetworkTraining) -> list[tuple[np.ndarray, np.ndarray]]:
    """Images and label images (size, size): fields a quarter full to full, nearly empty and empty ones."""
    full = np.linspace(settings.n_cells / 4, settings.n_cells, settings.n_fields).round().astype(int)
    counts = [*full.tolist(), *(1 + i % 3 for i in range(settings.n_sparse)), *[0] * settings.n_empty]
    size, diameter, channel = settings.field_size, settings.diameter, settings.channel
    return [
        simulate_field(rng, size=size, n_cells=n_cells, diameter=diameter, channel=channel)
        for n_cells in progress(counts, "simulate fields", unit="field")
    ]


def _example(image: np.ndarray, labels: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Image (1, H, W), its background at 0 as the fill of turned patches, and targets (3, H, W): inside or not, flow y, flow x.

    Both are scaled as Cellpose scales the images that it segments.
    """
    height, width = (round(scale * side) for side in image.shape)
    image = resize_image(image.astype(np.float32), height, width)
    rows, columns = ((np.arange(n) + 0.5) * side // n for n, side in zip((height, width), labels.shape, strict=True))
    labels = labels[np.ix_(rows.astype(int), columns.astype(int))]
    flows = masks_to_flows(labels.astype(int)) if labels.any() else np.zeros((2, *labels.shape))
    light = image[None].astype(np.float32) - np.float32(np.percentile(image, OUTSIDE_PERCENTILE))
    return light, np.concatenate([labels[None] > 0, flows]).astype(np.float32)


def fit(examples: list[tuple[np.ndarray, np.ndarray]], settings: NetworkTraining, seed: int) -> CPnet:
    """A network fitted to images and targets; the learning rate warms up over a tenth of the steps, then falls as a cosine."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = CPnet(list(settings.widths), nout=3, sz=3, diam_mean=settings.network_diameter)
    optimizer = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    warm = max(1, settings.n_steps // 10)
    factors = [min((step + 1) / warm, 0.5 + 0.5 * np.cos(np.pi * step / settings.n_steps)) for step in range(settings.n_steps)]
    network.train()
    with _global_seed(seed):
        for factor in progress(factors, "train_segmentation_network", unit="step"):
            optimizer.param_groups[0]["lr"] = settings.learning_rate * factor
            images, targets = draw_batch(examples, settings)
            loss = flow_loss(network(images)[0], targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return network.eval()


@contextmanager
def _global_seed(seed: int) -> Iterator[None]:
    """Cellpose's augmentation draws from numpy's global generator: seed it here and put it back afterwards."""
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed([seed, SEED_OF_PATCHES])  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002


def draw_batch(examples: list[tuple[np.ndarray, np.ndarray]], settings: NetworkTraining) -> tuple[torch.Tensor, torch.Tensor]:
    """Random patches, turned, flipped and resized: images (B, 2, P, P), the second channel zero, and targets (B, 3, P, P)."""
    chosen = [examples[i] for i in np.random.randint(len(examples), size=settings.batch_size)]  # noqa: NPY002
    images, targets, _ = random_rotate_and_resize(
        [image for image, _ in chosen], [target for _, target in chosen], settings.scale_range, (settings.patch, settings.patch)
    )
    for image, target in zip(images, targets, strict=True):
        _cut_at_edge(image, target, settings.edge)
    scaled = np.stack([normalize99(image) for image in images])
    return torch.from_numpy(np.concatenate([scaled, np.zeros_like(scaled)], axis=1)), torch.from_numpy(targets)


def _cut_at_edge(image: np.ndarray, target: np.ndarray, probability: float) -> None:
    """Sometimes put a part of a patch (1, P, P), up to half of it on one side, outside the frame, as ``fill_outside`` leaves it."""
    draws, size = np.random.rand(3), image.shape[-1]  # noqa: NPY002
    if draws[0] < probability:
        width, side = 1 + int(draws[1] * size / 2), int(draws[2] * 4)
        band = (..., slice(width), slice(None)) if side < 2 else (..., slice(width))
        flipped, outside = (np.flip(array, (-2, -1)) if side % 2 else array for array in (image, target))
        kept = (..., slice(width, None), slice(None)) if side < 2 else (..., slice(width, None))
        flipped[band] = np.percentile(flipped[kept], OUTSIDE_PERCENTILE)
        outside[band] = 0


def flow_loss(output: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cellpose's loss: half the squared error of the flows (times 5) and the cross-entropy of being inside a cell."""
    flows = torch.nn.functional.mse_loss(output[:, :2], FLOW_SCALE * targets[:, 1:])
    inside = torch.nn.functional.binary_cross_entropy_with_logits(output[:, 2], (targets[:, 0] > 0.5).float())
    return flows / 2 + inside


def score_network(path: str | Path, rng: np.random.Generator, settings: NetworkTraining) -> dict[str, float]:
    """Scores of trained weights on new fields; {} when ``n_checked`` is 0.

    ``field_ap50``: average precision at an overlap of 0.5 of whole crowded fields; ``cell_found`` and ``cell_iou``: share of
    cells found, and mean overlap, in a crop around each cell; ``empty_clean``: share of crops of an empty field without a region.
    """
    if settings.n_checked == 0:
        return {}
    network, how = load_network(path, "cpu", torch.get_num_threads()), SegmentationSettings(**SCORED_WITH, diameter=settings.diameter)
    field = {"size": settings.field_size, "diameter": settings.diameter, "channel": settings.channel}
    size = round(settings.patch / settings.scale)
    precisions, cells = [], []
    for _ in range(settings.n_checked):
        image, labels = simulate_field(rng, **field, n_cells=settings.n_cells)
        masks, _ = segment_crops(network, image[None, None], how)
        precisions.append(average_precision(labels.astype(int), masks[0].astype(int), threshold=[0.5])[0][0])
        cells.append(_score_cells(network, how, image, labels, size))
    empty, _ = simulate_field(rng, **field, n_cells=0)
    half = settings.field_size // 2
    clean = segment_crops(network, _crops_around(empty, [(y, x) for y in (0, half) for x in (0, half)], size), how)[0]
    scores = np.concatenate(cells)
    return {
        "field_ap50": float(np.mean(precisions)),
        "cell_found": float((scores > 0.5).mean()),
        "cell_iou": float(scores.mean()),
        "empty_clean": float((~clean.any(axis=(1, 2))).mean()),
    }


def _score_cells(network, how: SegmentationSettings, image: np.ndarray, labels: np.ndarray, size: int) -> np.ndarray:
    """Overlap of the chosen region with the true cell in a crop around the centroid of each cell."""
    names = np.unique(labels[labels > 0])
    centres = [tuple(np.argwhere(labels == name).mean(axis=0)) for name in names]
    true = np.concatenate([cut(labels[None], y, x, size) for y, x in centres])
    masks, _ = segment_crops(network, _crops_around(image, centres, size), how)
    return score_masks(masks, true, names, **CELL)["iou"].to_numpy(float)


def _crops_around(image: np.ndarray, centres: list[tuple[float, float]], size: int) -> np.ndarray:
    crops = np.stack([cut(image[None], y, x, size) for y, x in centres])
    return fill_outside(crops, inside_frame(*np.array(centres).T, image.shape, size))
