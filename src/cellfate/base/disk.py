"""Free space on disk, checked before something large is written."""

import shutil
from pathlib import Path

from cellfate.base.errors import InputError


def human_size(n_bytes: float) -> str:
    """A size for people: decimal units, as disks are sold (``321 GB``)."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.3g} TB"


def free_space(folder: str | Path) -> int:
    """Free bytes of the disk that holds ``folder``; while it does not exist, of the nearest folder above it that does."""
    folder = Path(folder).absolute()
    return shutil.disk_usage(next(place for place in (folder, *folder.parents) if place.exists())).free


def require_free_space(folder: str | Path, n_bytes: int, what: str) -> None:
    """Raise an InputError when the disk that holds ``folder`` has fewer than ``n_bytes`` free bytes.

    ``what`` names in the message what needs the space.
    """
    free = free_space(folder)
    if n_bytes > free:
        raise InputError(
            f"{folder}: {what} needs {human_size(n_bytes)}, the disk has {human_size(free)} free; "
            "free some space, or make resources/ a link to a larger disk"
        )
