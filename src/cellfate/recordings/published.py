"""The recordings sheet of the published data set, from its annotations."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from cellfate.base.disk import free_space, human_size
from cellfate.base.errors import InputError
from cellfate.base.tables import write_table
from cellfate.recordings.annotations import split_by_video
from cellfate.recordings.sheet import NO_TREATMENT, validate_sheet
from cellfate.recordings.tables import RECORDINGS

UNKNOWN_TREATMENT = "unknown"
PUBLISHED_FRAME_BYTES = 1024 * 1024 * 3 * 2  # 1024 x 1024 pixels, three colours, 16 bit


def write_published_sheet(
    annotations: str | Path,
    sheet: str | Path,
    folder: str | Path,
    *,
    cells: str | Path | None = None,
    channels: Sequence[str],
    doses: Sequence[Mapping],
    treatment_start_h: float | None,
    frame_interval_min: float,
    pixel_size_um: float | None = None,
    frame_bytes: int = PUBLISHED_FRAME_BYTES,
) -> pd.DataFrame:
    """Write one annotation file per recording into ``folder`` and the sheet of all recordings; returns the sheet.

    The images of a recording are expected at ``images/<recording>`` beside the sheet. ``doses`` lists {first, last, treatment,
    dose} by recording number, both ends inclusive; recordings outside all ranges get the treatment ``unknown``. Treated
    recordings get ``treatment_start_h``. What all frames need on disk, ``frame_bytes`` each, is printed beside the free space.
    ``cells``, where given, becomes the table of all cells in the order of the annotation file.
    """
    counts = split_by_video(annotations, folder, cells)
    images = Path(sheet).parent / "images"
    print(size_report(len(counts), sum(counts.values()), frame_bytes, free_space(images)), file=sys.stderr, flush=True)
    rows = []
    for recording in counts:
        treatment, dose = dose_of(recording, doses)
        rows.append(
            {
                "recording": recording,
                "images": str(images / recording),
                "tracks": str(Path(folder) / f"{recording}.json"),
                "tracks_format": "coco-video",
                "treatment": treatment,
                "dose": dose,
                "treatment_start_h": None if treatment in (NO_TREATMENT, UNKNOWN_TREATMENT) else treatment_start_h,
                "frame_interval_min": frame_interval_min,
                "pixel_size_um": pixel_size_um,
                "channels": ",".join(channels),
                "group": None,
                "channel_labels": None,
                "last_image": None,
            }
        )
    table = validate_sheet(pd.DataFrame(rows), sheet)
    write_table(table, sheet, RECORDINGS)
    return table


def size_report(n_recordings: int, n_frames: int, frame_bytes: int, free: int) -> str:
    """One or two lines: what the images of all recordings need on disk, and what to do when that is more than is ``free``."""
    total = n_frames * frame_bytes
    text = (
        f"{n_recordings} recordings, {n_frames} frames: the images are about {human_size(total)} uncompressed, {human_size(free)} are free"
    )
    if total > free:
        text += "\nNOT ENOUGH SPACE for all: make resources/ a link to a larger disk, or delete rows of the sheet before the next run"
    return text


def dose_of(recording: str, doses: Sequence[Mapping]) -> tuple[str, str | None]:
    """(treatment, dose) of a recording by its number; (``unknown``, None) outside all ranges."""
    if not recording.isdigit():
        raise InputError(f"recording {recording!r} of the annotations is not a number, so source.doses cannot give its dose")
    found = [entry for entry in doses if entry["first"] <= int(recording) <= entry["last"]]
    if len(found) > 1:
        raise InputError(f"source.doses: recording {recording} is in {len(found)} ranges: {', '.join(str(dict(entry)) for entry in found)}")
    return (found[0]["treatment"], found[0]["dose"]) if found else (UNKNOWN_TREATMENT, None)
