"""The crops of many recordings, addressed by trajectory."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cellfate.base.errors import InputError
from cellfate.crops.crop_file import CropFile
from cellfate.crops.digests import SeenDigests


class CropSet:
    """Crop files of several recordings read as one. Files are opened when first needed, once per process.

    Raises InputError for files of one recording, of crops of other sizes or channels, and of two recordings with the same images.
    """

    def __init__(self, paths: list[str | Path]) -> None:
        self._paths: dict[str, Path] = {}
        self._files: dict[str, CropFile] = {}
        self._owner = os.getpid()
        self._seen = SeenDigests()
        self.channels: list[str] = []
        self.crop_size = 0
        self.itemsize = 0  # bytes of a pixel
        for path in map(Path, paths):
            self._add(path)
        if not self._paths:
            raise InputError("no crop files were given")

    def _add(self, path: Path) -> None:
        with CropFile(path) as file:
            channels, size, itemsize = list(file.channels), file.shape[-1], file.dtype.itemsize
            recording, digest = str(file.recording), file.content_digest
        if recording in self._paths:
            raise InputError(f"{path}: recording {recording} is also in {self._paths[recording]}")
        if self._paths and (channels, size) != (self.channels, self.crop_size):
            first = next(iter(self._paths.values()))
            raise InputError(
                f"{path}: crops of {size} px with channels {', '.join(channels)}, "
                f"but {first} has {self.crop_size} px with channels {', '.join(self.channels)}"
            )
        if problem := self._seen.problem(digest, str(path)):
            raise InputError(problem)
        self._paths[recording] = path
        self.channels, self.crop_size, self.itemsize = channels, size, max(itemsize, self.itemsize)

    def paths(self, recordings: list[str]) -> list[Path]:
        """The crop files of the given recordings, in that order."""
        return [self._paths[recording] for recording in recordings]

    def has(self, recording: str, track_id: int) -> bool:
        """Whether the track's crops are in one of the files."""
        return recording in self._paths and int(track_id) in self._file(recording).track_ids

    def read(self, recording: str, track_id: int, first_frame: int, last_frame: int) -> tuple[np.ndarray, np.ndarray]:
        """Frame numbers (T,) and crops (T, C, S, S) in the camera's integers, from ``first_frame`` to ``last_frame`` inclusive.

        Raises an InputError when the track has no crops there.
        """
        if recording not in self._paths:
            raise InputError(f"no crop file of recording {recording}; there are files of {', '.join(self._paths)}")
        frames, crops = self._file(recording).read(int(track_id), int(first_frame), int(last_frame))
        if not len(frames):
            raise InputError(f"{self._paths[recording]}: track {track_id} has no crops in frames {first_frame} to {last_frame}")
        return frames, crops

    def _file(self, recording: str) -> CropFile:
        if self._owner != os.getpid():  # a file handle must not be shared with the process this one was forked from
            self._files, self._owner = {}, os.getpid()
        return self._files.setdefault(recording, CropFile(self._paths[recording]))

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_files": {}}

    def close(self) -> None:
        """Close all files; reading opens them again."""
        for file in self._files.values():
            file.close()
        self._files = {}


def digests_of(paths: Sequence[str | Path]) -> dict[str, str | None]:
    """{recording: digest} of crop files; None where the file was written by a version that made none."""
    found = {}
    for path in paths:
        with CropFile(path) as file:
            found[str(file.recording)] = file.content_digest
    return found
