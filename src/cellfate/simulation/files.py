"""A simulated recording as the files that users have (colour TIFF frames, COCO-video JSON) and, apart from them, its truth."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import tifffile

from cellfate.base.files import replacing
from cellfate.base.hdf5 import open_hdf5, reading, writing_hdf5
from cellfate.base.software import SOFTWARE
from cellfate.simulation.recording import SimulatedRecording, simulate_recording
from cellfate.simulation.settings import APOPTOSIS, MITOSIS, NO_FATE

CELL, MITOSIS_BOX, APOPTOSIS_BOX = 1, 2, 3  # COCO categories; only the first is the frame of a trajectory


@dataclass(frozen=True)
class Truth:
    """The truth of one recording without its masks; ``cells`` and ``tracks`` as in ``SimulatedRecording``."""

    cells: pd.DataFrame
    tracks: pd.DataFrame
    attributes: dict


def write_simulated_recording(
    images: str | Path,
    annotations: str | Path,
    truth: str | Path,
    recording: str,
    settings: Mapping | None,
    seed: int,
    treatment: str | None,
    dose: str | None,
    treatment_start_h: float | None,
    frame_interval_min: float,
) -> None:
    """Simulate one recording and write its folder of frames, its annotations and its truth; see ``simulate_recording``."""
    simulated = simulate_recording(
        recording,
        settings,
        seed=seed,
        treatment=treatment,
        dose=dose,
        treatment_start_h=treatment_start_h,
        frame_interval_min=frame_interval_min,
    )
    write_frames(simulated.images, images)
    write_annotations(simulated, annotations)
    write_truth(simulated, truth)


def write_frames(images: np.ndarray, folder: str | Path) -> None:
    """Write ``images`` (T, H, W, 3) uint16 as ``t000.tif`` ... in a new folder, zlib compressed, colours interleaved."""
    digits = max(3, len(str(len(images) - 1)))
    with replacing(folder) as temporary:
        temporary.mkdir(parents=True)
        for t, image in enumerate(images):
            path = temporary / frame_name(t, digits)
            tifffile.imwrite(path, image, photometric="rgb", compression="zlib", compressionargs={"level": 1}, predictor=True)


def frame_name(frame: int, digits: int = 3) -> str:
    """File name of a frame."""
    return f"t{frame:0{digits}d}.tif"


def write_annotations(simulated: SimulatedRecording, path: str | Path) -> None:
    """Write the COCO-video JSON of one recording in the format of the published data set."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(coco_video(simulated)))


def coco_video(simulated: SimulatedRecording) -> dict:
    """The annotations as the published data set has them.

    A ``bbox`` is (centre x, centre y, width, height) in fractions of the image; the centre is the body's centroid with a small
    error. Ids are in no order. Category 1 is a cell in a frame; 2 and 3 mark an event in its first frame, which is not part
    of the track. Event times are frames, null where there is no event, and repeated on every annotation of the cell.
    """
    name, digits = simulated.attributes["recording"], max(3, len(str(len(simulated.images) - 1)))
    rng = np.random.default_rng([simulated.attributes["seed"], *name.encode()])
    image_ids = 1 + rng.permutation(len(simulated.images))
    images = [{"id": int(image_ids[t]), "video_id": 1, "frame_id": t, "file_name": frame_name(t, digits)} for t in range(len(image_ids))]
    rows = _cell_boxes(simulated, rng) + _event_boxes(simulated)
    annotations = []
    for identity, number in enumerate(rng.permutation(len(rows)), start=1):
        annotations.append({"id": identity, "image_id": int(image_ids[rows[number]["time_step"]])} | rows[number])
    categories = [{"id": CELL, "name": "cell"}, {"id": MITOSIS_BOX, "name": MITOSIS}, {"id": APOPTOSIS_BOX, "name": APOPTOSIS}]
    described = {"info": {"software": SOFTWARE}, "videos": [{"id": 1, "name": name}], "images": images}
    return {**described, "categories": categories, "annotations": annotations}


def _cell_boxes(simulated: SimulatedRecording, rng: np.random.Generator) -> list[dict]:
    height, width = simulated.images.shape[1:3]
    tracks = simulated.tracks
    jitter = rng.normal(0, simulated.attributes["settings"]["annotation_jitter"], (len(tracks), 2))
    y = np.clip(tracks["y"] + jitter[:, 0], 0, height - 1) / height
    x = np.clip(tracks["x"] + jitter[:, 1], 0, width - 1) / width
    boxes = np.stack([x, y, tracks["box_width"] / width, tracks["box_height"] / height], axis=1)
    times = _seen(simulated.cells).set_index("track_id")[["fate", "event_frame"]]
    rows = []
    for box, track, frame in zip(boxes.round(6).tolist(), tracks["track_id"], tracks["frame"], strict=True):
        rows.append(_annotation(CELL, box, int(track), int(frame), *times.loc[track]))
    return rows


def _seen(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells as the annotations know them: without the events of those that were lost before."""
    lost = cells["end"] == "lost"
    return cells.assign(fate=cells["fate"].where(~lost, NO_FATE), event_frame=cells["event_frame"].where(~lost, -1))


def _event_boxes(simulated: SimulatedRecording) -> list[dict]:
    height, width = simulated.images.shape[1:3]
    last = simulated.tracks.groupby("track_id").last()
    rows = []
    seen = _seen(simulated.cells)
    for cell in seen[seen["event_frame"] >= 0].itertuples():
        at = last.loc[cell.track_id]
        box = [at["x"] / width, at["y"] / height, at["box_width"] / width, at["box_height"] / height]
        category = MITOSIS_BOX if cell.fate == MITOSIS else APOPTOSIS_BOX
        rows.append(_annotation(category, np.round(box, 6).tolist(), cell.track_id, cell.event_frame, cell.fate, cell.event_frame))
    return rows


def _annotation(category: int, box: list[float], cell: int, frame: int, fate: str, event_frame: int) -> dict:
    return {
        "category_id": category,
        "bbox": box,
        "cell_id": cell,
        "time_step": frame,
        "time_of_death": int(event_frame) if fate == APOPTOSIS else None,
        "time_of_division": int(event_frame) if fate == MITOSIS else None,
    }


def write_truth(simulated: SimulatedRecording, path: str | Path) -> None:
    """Write masks, tracks and cells to HDF5: ``masks`` (T, H, W), groups ``tracks`` and ``cells`` with one dataset per column."""
    with writing_hdf5(path) as file:
        chunks = (1, *simulated.masks.shape[1:])
        file.create_dataset("masks", data=simulated.masks, chunks=chunks, compression="gzip", compression_opts=1, shuffle=True)
        for name, table in (("tracks", simulated.tracks), ("cells", simulated.cells)):
            group = file.create_group(name, track_order=True)
            for column in table:
                text = table[column].dtype == object
                group.create_dataset(column, data=table[column].to_list() if text else table[column].to_numpy())
        for key, value in simulated.attributes.items():
            file.attrs[key] = json.dumps(value)


def read_truth(path: str | Path) -> Truth:
    """Read tables and attributes of a truth file; its masks are read apart with ``read_true_masks``."""
    with _opened(path) as file:
        tables = {}
        for name in ("cells", "tracks"):
            columns = {c: d.asstr()[:] if d.dtype == object else d[:] for c, d in file[name].items()}
            tables[name] = pd.DataFrame(columns)
        attributes = {key: json.loads(value) for key, value in file.attrs.items() if key != "software"}
        return Truth(tables["cells"], tables["tracks"], attributes)


def read_true_masks(path: str | Path, frames: slice | int | None = None) -> np.ndarray:
    """The label images (T, H, W), or (H, W) for one frame, uint16, of a truth file."""
    with _opened(path) as file:
        return file["masks"][slice(None) if frames is None else frames]


@contextmanager
def _opened(path: str | Path) -> Iterator[h5py.File]:
    what = "the truth of a simulated recording"
    with open_hdf5(path, what) as file, reading(path, what):
        yield file
