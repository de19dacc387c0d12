"""How good tracks are where the truth is known, with the metrics of the Cell Tracking Challenge (py-ctcmetrics)."""

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import tifffile

from cellfate.segmentation.detections import FrameMasks, measure_cells
from cellfate.simulation.files import read_true_masks, read_truth

# Matula et al. 2015 (DET, TRA, and LNK of their links alone), Maska et al. 2014 (SEG), Ulman et al. 2017 (CT, TF, BC: complete
# tracks, track fractions, divisions within one frame), Kaiser et al. 2024 (CHOTA)
METRICS = {"DET": "DET", "SEG": "SEG", "TRA": "TRA", "LNK": "LNK", "CT": "CT", "TF": "TF", "BC(1)": "division_f1", "CHOTA": "CHOTA"}


def score_tracking(truth: pd.DataFrame, true_masks: Callable, found: pd.DataFrame, masks: Callable, n_frames: int) -> dict[str, float]:
    """Scores of one recording, each 0 to 1: detection, segmentation, tracking, links, complete tracks, track fractions, divisions, CHOTA.

    ``truth`` and ``found`` have a row per cell and frame: frame, label (in the frame's label image), track_id, parent_id (NaN:
    none). ``true_masks`` and ``masks`` give the label image (H, W) of a frame; labels that are in no row count as background.
    """
    from ctc_metrics.scripts.evaluate import evaluate_sequence

    with TemporaryDirectory() as folder:
        truth_folder, result = Path(folder) / "01_GT", Path(folder) / "01_RES"
        write_ctc(truth_folder / "TRA", truth, true_masks, n_frames, "man_track{:03d}.tif", "man_track.txt")
        write_ctc(truth_folder / "SEG", truth, true_masks, n_frames, "man_seg{:03d}.tif", "man_track.txt")
        write_ctc(result, found, masks, n_frames, "mask{:03d}.tif", "res_track.txt")
        with redirect_stdout(io.StringIO()):
            scores = evaluate_sequence(str(result), str(truth_folder), [*METRICS, "BC"], threads=1)
    return {name: float(scores[key] if scores[key] is not None else np.nan) for key, name in METRICS.items()}


def score_simulated(truth: str | Path, masks: str | Path, tracks: pd.DataFrame) -> dict[str, float]:
    """Scores of a simulated recording's frame masks and tracks (table ``tracks``) against its truth file; see :func:`score_tracking`.

    The truth is every cell that has a true mask, also where the simulated annotator lost its track; the label is the track.
    """
    labels = read_true_masks(truth)
    parents = read_truth(truth).cells.set_index("track_id")["parent_id"]
    present = [(t, int(label)) for t in range(len(labels)) for label in np.unique(labels[t]) if label]
    true = pd.DataFrame(present, columns=["frame", "label"])
    true["track_id"] = true["label"]
    true["parent_id"] = true["label"].map(parents.where(parents >= 0))
    found = tracks.merge(measure_cells(masks), on=["frame", "y", "x"], validate="one_to_one")
    with FrameMasks(masks) as file:
        return score_tracking(true, labels.__getitem__, found, file.read, len(labels))


def write_ctc(folder: Path, cells: pd.DataFrame, masks: Callable, n_frames: int, image: str, table: str) -> None:
    """Write tracks as the Cell Tracking Challenge has them: label images and a table; a track with a gap is cut at the gap."""
    folder.mkdir(parents=True)
    cells, rows = cut_at_gaps(cells)
    by_frame = dict(iter(cells.groupby("frame")))
    for t in range(n_frames):
        labels = masks(t)
        names = np.zeros(int(labels.max()) + 1, np.uint16)
        if t in by_frame:
            names[by_frame[t]["label"]] = by_frame[t]["part"]
        tifffile.imwrite(folder / image.format(t), names[labels], compression="zlib")
    (folder / table).write_text("".join(f"{part} {first} {last} {parent}\n" for part, first, last, parent in rows))


def cut_at_gaps(cells: pd.DataFrame) -> tuple[pd.DataFrame, list[tuple[int, int, int, int]]]:
    """``cells`` with a column ``part``, numbered from 1, and the parts: (part, first frame, last frame, parent's part or 0).

    A part is a run of consecutive frames of a track; a later part of a track has the one before it as its parent.
    """
    cells = cells.sort_values(["track_id", "frame"], ignore_index=True)
    begins = (cells["track_id"].diff() != 0) | (cells["frame"].diff() != 1)
    cells["part"] = begins.cumsum()
    parts = cells.groupby("part").agg(
        track=("track_id", "first"), parent=("parent_id", "first"), first=("frame", "min"), last=("frame", "max")
    )
    last_of = {track: part for part, track in parts["track"].items()}
    rows, before = [], {}
    for part in parts.itertuples():
        parent = before.get(part.track, 0 if pd.isna(part.parent) else last_of.get(int(part.parent), 0))
        rows.append((part.Index, part.first, part.last, parent))
        before[part.track] = part.Index
    return cells, rows
