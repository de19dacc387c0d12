"""What a recording's images are to the plan of a run: a digest of the frames' names, sizes and times.

A folder's own time changes with every file that a file browser leaves in it, and does not where a file further down is replaced.
"""

import os
import re
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

from cellfate.base.names import is_of_system
from cellfate.recordings.sheet import images_folder


@cache
def images_digest(images: str) -> str | None:
    """Of all files of a folder or pattern that can be frames, 16 hexadecimal digits; None for a single file, or where nothing is.

    Of a file its own time is enough for Snakemake. One call lists a folder once: 51,000 files take about half a second.
    """
    folder = Path(images_folder(images))
    if not folder.is_dir():
        return None
    files = _listed(folder)
    if "{" in images:
        parts = re.split(r"\{[^{}]*\}", os.path.relpath(images, folder))
        fits = re.compile(".+".join(map(re.escape, parts))).fullmatch
        files = [file for file in files if file[0].startswith(parts[0]) and fits(file[0])]
    return sha256("".join(f"{name}\0{size}\0{time}\n" for name, size, time in files).encode(errors="surrogateescape")).hexdigest()[:16]


@cache
def _listed(folder: Path) -> list[tuple[str, int, int]]:
    return sorted(_files(folder, ""))


def _files(folder: Path, within: str) -> Iterator[tuple[str, int, int]]:
    """Name inside the folder, size in bytes and time of change in ns of each file."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_of_system(entry.name):
                continue
            name = f"{within}{entry.name}"
            if entry.is_dir():
                yield from _files(Path(entry.path), f"{name}/")
            elif entry.is_file():
                known = entry.stat()
                yield name, known.st_size, known.st_mtime_ns
