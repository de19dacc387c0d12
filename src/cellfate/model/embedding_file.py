"""The file that one vector per frame is kept in."""

import json
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from cellfate.base.errors import InputError
from cellfate.base.hdf5 import open_hdf5, reading
from cellfate.crops.row_index import write_row_index

WHAT = "a file of embeddings"


class EmbeddingWriter:
    """Appends trajectories to the datasets of an embeddings file."""

    def __init__(self, file: h5py.File, features: int) -> None:
        self.file = file
        self.embeddings = file.create_dataset("embeddings", (0, features), "float32", maxshape=(None, features), chunks=(64, features))
        self.names: list[str] = []
        self.frames: list[np.ndarray] = []

    def add(self, trajectory: str, frames: np.ndarray, embeddings: np.ndarray) -> None:
        start = len(self.embeddings)
        self.embeddings.resize(start + len(frames), axis=0)
        self.embeddings[start:] = embeddings
        self.names.append(trajectory)
        self.frames.append(frames)

    def finish(self) -> None:
        write_trajectories(self.file, self.names, self.frames)


def write_trajectories(file: h5py.File, names: Sequence[str], frames: Sequence[np.ndarray]) -> None:
    """Write the ids of the trajectories in the order of their rows, and the frame numbers (T,) of each."""
    file.create_dataset("trajectory", data=np.array(names, object), dtype=h5py.string_dtype())
    write_row_index(file, np.concatenate([np.empty(0, np.int32), *frames]), [len(own) for own in frames])


class EmbeddingFile:
    """The embeddings of one fold, or of one ``member`` of those that embedded a recording; a context manager.

    ``trajectories`` lists the ids in the order of the file.
    """

    def __init__(self, path: str | Path, member: str | None = None) -> None:
        self.path = Path(path)
        self._dataset = "embeddings" if member is None else dataset_of(member)
        self._file = open_hdf5(self.path, WHAT)
        if self._dataset not in self._file:
            raise InputError(f"{self.path}: no {self._dataset} in it: embed the recording again")
        with reading(self.path, WHAT):
            self.attrs = dict(self._file.attrs)
            self.trajectories: list[str] = list(self._file["trajectory"].asstr()[:]) if len(self._file["trajectory"]) else []
            ranges = zip(self._file["start"][:], self._file["stop"][:], strict=True)
        self._rows = dict(zip(self.trajectories, ranges, strict=True))

    def __enter__(self) -> "EmbeddingFile":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def read(self, trajectory: str) -> tuple[np.ndarray, np.ndarray]:
        """Frame numbers (T,) int32 and embeddings (T, D) float32 of one trajectory; an InputError when it is not there."""
        if trajectory not in self._rows:
            raise InputError(f"{self.path}: no embeddings of trajectory {trajectory}")
        start, stop = self._rows[trajectory]
        with reading(self.path, WHAT):
            return self._file["frame"][start:stop], self._file[self._dataset][start:stop]


def dataset_of(member: str) -> str:
    """Where the embeddings (N, D) by one member of a model are in the file of a recording, whose rows all members share."""
    return f"members/{member}"


def embedded_by(path: str | Path) -> dict:
    """How the embeddings file of a recording was made: ``members`` (names), ``seen_in_training``, ``content_digest`` and the rest."""
    with open_hdf5(path, WHAT) as file, reading(path, WHAT):
        attrs = dict(file.attrs)
    if "members" not in attrs:
        raise InputError(f"{path}: it does not say which members of a model made it, as of cellfate 0.1: embed the recording again")
    return attrs | {"members": json.loads(attrs["members"])}
