"""Large annotation files, which many rows of the sheet may name: each is cut once per run, into one small file per recording."""

from hashlib import sha256
from pathlib import Path

import pandas as pd

LARGE_BYTES = 64 * 2**20  # below, reading the whole file for each recording takes less time than starting a job


def large_annotations(sheet: pd.DataFrame | None) -> dict[str, str]:
    """{name of the folder of its pieces: path} of the COCO-video files that are cut.

    Whether a file is depends on its size alone: more rows that name it leave the inputs of the others as they are.
    """
    if sheet is None:
        return {}
    paths = sheet.loc[sheet["tracks_format"] == "coco-video", "tracks"].unique()
    return {_folder_of(path): path for path in paths if Path(path).is_file() and Path(path).stat().st_size > LARGE_BYTES}


def _folder_of(path: str) -> str:
    """A name that people recognise, and that no other file has."""
    stem = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in Path(path).stem)
    return f"{stem}-{sha256(path.encode()).hexdigest()[:8]}"
