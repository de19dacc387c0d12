"""The held-out cells of a fold, explained by each method: values, what they cost, and what the prediction loses without their frames."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from cellfate.base.progress import progress
from cellfate.crops.crop_set import CropSet
from cellfate.evaluation.ablations.inputs import Cells, FoldFiles, chosen
from cellfate.explanation.attributions.cells import Attribution, CellImage, ExplainedCell, NetworkCell, RisksCell, typical_embedding
from cellfate.explanation.attributions.deletion import delete_frames
from cellfate.explanation.attributions.gradients import converged
from cellfate.explanation.attributions.methods import Fineness, attribute
from cellfate.explanation.attributions.names import METHODS, PUBLISHED, RISKS, needs_images, needs_masks, served
from cellfate.explanation.tables import ATTRIBUTED, ATTRIBUTIONS, DELETIONS
from cellfate.model.embedding import fast_model
from cellfate.model.embedding_file import EmbeddingFile
from cellfate.model.inputs import downsample, prepare
from cellfate.model.network import FateModel
from cellfate.model.risks.ensemble import Ensemble
from cellfate.model.risks.inputs import FrameInputs
from cellfate.model.risks.tracks import track_of
from cellfate.model.scaling import Scaling, training_input
from cellfate.trajectories.folds import fold_trajectories

SANITY_CELLS = 5  # of each fold and model that a network which has learned nothing explains too: it costs as much again
FEWEST = 2  # frames of a cell that is explained: of one alone there is nothing to order


@dataclass(frozen=True)
class Explanation:
    """``methods`` of METHODS; at most ``cells_per_outcome`` are explained (None: all), and those named ``examples``.

    ``window`` (frames, odd) and ``gradient_steps`` are those of :class:`Fineness`; where the cell is, and how it is embedded, is as for
    the ablations.
    """

    methods: Sequence[str]
    cells_per_outcome: int | None
    window: int
    gradient_steps: int
    radius: float
    region: str
    min_area: int
    seed: int
    batch_size: int
    precision: str
    channels_last: bool


@dataclass(frozen=True)
class PublishedNetwork:
    """The published network of a fold, its embeddings and its scaling."""

    model: FateModel
    embeddings: EmbeddingFile
    scaling: Scaling


@dataclass(frozen=True)
class RisksNetwork:
    """The networks of risks of a fold, their numbers of frames, and the hours ahead that are explained."""

    ensemble: Ensemble
    inputs: FrameInputs
    horizon: float


def rows_to_explain(files: FoldFiles, examples: Sequence[str], settings: Explanation) -> pd.DataFrame:
    """The held-out trajectories with a label: some of each outcome drawn at random, and the examples among them."""
    rows = fold_trajectories(files.trajectories, files.split, files.fold, ["test"])
    rows = rows[rows["label"].notna()]
    drawn = chosen(rows, settings.cells_per_outcome, settings.seed)
    return rows[rows.index.isin(drawn.index) | rows["trajectory"].isin(set(examples))]


def network_cells(network: PublishedNetwork, rows: pd.DataFrame, files: FoldFiles, settings: Explanation) -> Iterator[NetworkCell]:
    """Each trajectory of ``rows`` as the published network sees it, with its image where a method needs it."""
    others = files.split[(files.split["fold"] == files.fold) & (files.split["split"] != "test")]["trajectory"]
    known = [name for name in network.embeddings.trajectories if name in set(others)] or network.embeddings.trajectories
    typical = typical_embedding([network.embeddings.read(name)[1] for name in known]).astype(np.float32)
    with ExitStack() as stack:
        images = None
        if needs_images(settings.methods):
            images = stack.enter_context(_Images(network, files, settings))
        for row in rows.itertuples():
            frames, vectors = network.embeddings.read(row.trajectory)
            yield NetworkCell(network.model, frames, vectors, typical, images.of(row) if images else None)


class _Images:
    """The network's input of cells, from crops and masks; a context manager."""

    def __init__(self, network: PublishedNetwork, files: FoldFiles, settings: Explanation) -> None:
        self._network, self._settings = network, settings
        fast_model(network.model, settings.channels_last, compile=False)
        self._crops = CropSet(list(files.crops))
        self._fill = training_input(list(files.crops), files.trajectories, files.split, files.fold, network.scaling)
        masks = files.masks if needs_masks(settings.methods) else ()
        self._cells = Cells(masks, self._crops.crop_size, radius=settings.radius, rule=settings.region, min_area=settings.min_area)

    def __enter__(self) -> "_Images":
        return self

    def __exit__(self, *error: object) -> None:
        self._cells.__exit__(*error)
        self._crops.close()

    def of(self, row) -> CellImage:
        settings = self._settings
        frames, crops = self._crops.read(row.recording, row.track_id, row.first_frame, row.last_frame)
        where, _ = self._cells.of(row.recording, row.track_id, frames)
        given = prepare(downsample(crops, self._network.model.settings.input_size), self._network.scaling.of(row.recording))
        how = {"batch_size": settings.batch_size, "precision": settings.precision, "channels_last": settings.channels_last}
        return CellImage(given, where, self._fill, tuple(self._crops.channels), **how)


def risks_cells(network: RisksNetwork, rows: pd.DataFrame) -> Iterator[RisksCell]:
    """Each trajectory of ``rows`` as the networks of risks see it at its last frame."""
    network.ensemble.standard.check(network.inputs.columns)
    for row in rows.itertuples():
        track = track_of(row, network.inputs)
        yield RisksCell(network.ensemble, track.frames, network.ensemble.standard.apply(track.values), network.horizon)


def explain_fold(
    published: PublishedNetwork | None, risks: RisksNetwork | None, files: FoldFiles, examples: Sequence[str], settings: Explanation
) -> dict[str, pd.DataFrame]:
    """The tables attributions, attributed and deletions of one fold, of the methods that serve a model that is there.

    The cost of each method is said on standard error.
    """
    rows = rows_to_explain(files, examples, settings)
    found = _Found(files.fold)
    if published is not None and served(settings.methods, [PUBLISHED]):
        _explain(found, PUBLISHED, rows, network_cells(published, rows, files, settings), settings)
    if risks is not None and served(settings.methods, [RISKS]):
        there = rows[[risks.inputs.has(row.recording, row.track_id) for row in rows.itertuples()]] if len(rows) else rows
        _explain(found, RISKS, there, risks_cells(risks, there), settings)
    return found.tables()


def _explain(found: "_Found", model: str, rows: pd.DataFrame, cells: Iterator[ExplainedCell], settings: Explanation) -> None:
    how = Fineness(settings.window, settings.gradient_steps)
    methods = served(settings.methods, [model])
    for place, row in enumerate(progress(list(rows.itertuples()), f"explanations, {model}", unit="trajectory")):
        cell = next(cells)
        if len(cell.frames) < FEWEST:
            print(f"explanations: {row.trajectory} has {len(cell.frames)} frame and is left out", file=sys.stderr)
            continue
        other = cell.randomised(settings.seed) if _checked(place, len(rows)) else None
        values = {}
        for method in methods:
            start = time.process_time()
            own = attribute(method, cell, how)
            seconds = time.process_time() - start
            alike = np.nan if other is None else _alike(own, attribute(method, other, how))
            found.add(row, model, method, cell, own, seconds, alike)
            values[method] = own.of_frames
        found.add_deletions(row, model, delete_frames(cell, row.trajectory, values, settings.seed))


def _checked(place: int, n_cells: int) -> bool:
    """Whether the cell is one of SANITY_CELLS, which are spread over all."""
    return n_cells <= SANITY_CELLS or place in np.linspace(0, n_cells - 1, SANITY_CELLS).astype(int)


def _alike(own: Attribution, other: Attribution) -> float:
    """Rank correlation of two attributions over frames and parts; NaN where one of them is the same everywhere."""
    flat = [one.values.ravel() for one in (own, other)]
    return np.nan if any(np.ptp(values) == 0 for values in flat) else float(spearmanr(*flat).statistic)


class _Found:
    """The rows of the tables of one fold, as they are found."""

    def __init__(self, fold: int) -> None:
        self.fold = fold
        self._values: list[pd.DataFrame] = []
        self._deletions: list[pd.DataFrame] = []
        self._cells: list[dict] = []

    def add(self, row, model: str, method: str, cell: ExplainedCell, own: Attribution, seconds: float, randomised: float) -> None:
        """One method's values of one cell, what they cost, and how alike those of a network are that has learned nothing."""
        n_frames, n_parts = own.values.shape
        key = {"trajectory": row.trajectory, "fold": self.fold, "method": method}
        parts = {"frame": np.repeat(cell.frames, n_parts), "part": np.tile(np.array(own.parts, object), n_frames)}
        self._values.append(pd.DataFrame({**key, **parts, "value": own.values.ravel()}))
        reached = converged(own)
        promised = {"expected": own.expected, "delta": own.delta, "converged": None if reached is None else str(reached)}
        facts = {"recording": row.recording, "label": int(row.label), "model": model, "n_frames": n_frames}
        self._cells.append({**key, **facts, "seconds": max(seconds, 0.0), **promised, "randomised": randomised})

    def add_deletions(self, row, model: str, deletions: pd.DataFrame) -> None:
        facts = {"trajectory": row.trajectory, "recording": row.recording, "fold": self.fold, "label": int(row.label), "model": model}
        self._deletions.append(deletions.assign(**facts))

    def tables(self) -> dict[str, pd.DataFrame]:
        """The declared tables; those of no cell are empty."""
        cells = pd.DataFrame(self._cells, columns=list(ATTRIBUTED.columns))
        if len(cells):
            _say_costs(cells)
        return {
            "attributions": _stacked(self._values, list(ATTRIBUTIONS.columns)),
            "attributed": cells,
            "deletions": _stacked(self._deletions, list(DELETIONS.columns)),
        }


def _stacked(tables: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def _say_costs(cells: pd.DataFrame) -> None:
    for method, rows in cells.groupby("method", sort=False):
        off = (rows["converged"] == "False").sum()
        said = f"; the sum is off in {off} even with more steps, more explanation.gradient_steps would help" if off else ""
        print(f"{METHODS[method].label}: {1000 * rows['seconds'].mean():.1f} ms a cell, {len(rows)} cells{said}", file=sys.stderr)


def of_trajectory(attributions: pd.DataFrame) -> Mapping[tuple[str, str], pd.DataFrame]:
    """The values (frame x part) of each trajectory and method, from the attributions table."""
    return {key: rows.pivot(index="frame", columns="part", values="value") for key, rows in attributions.groupby(["trajectory", "method"])}
