"""A training's state on disk, so that a killed training continues at the epoch it was in.

The folder lies outside every output of the workflow, because Snakemake deletes outputs before it runs a job again. It is
found again by a hash of everything that the result depends on.
"""

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import BinaryIO

import pandas as pd
import torch
from torch import Tensor

from cellfate.base.causes import cause_of
from cellfate.base.files import remove, replacing, sha256
from cellfate.model.weights import read_weights, write_weights

STATE = "state.pt"
DIGEST_BYTES = hashlib.sha256().digest_size  # before the state in its file: neither torch nor safetensors notices changed numbers
CHANGED = "damaged: its content is not what was written"


def training_key(settings: dict, rows: pd.DataFrame, crop_files: list[Path], code: list[str | Path]) -> str:
    """Hash of the settings (JSON), the trajectories (their parts, labels and frames), the crop files and source files.

    A crop file counts by its name, size and modification time: what was written anew is not trusted to be the same.
    """
    columns = ["trajectory", "split", "label", "first_frame", "last_frame"]
    files = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in crop_files]
    sources = sorted([Path(path).name, sha256(path)] for path in code)
    text = json.dumps([settings, files, sources, rows[columns].astype(str).to_numpy().tolist(), torch.__version__], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class ResumeFolder:
    """``folder/key``: the state after the last whole epoch, and the best weights so far in a file that the state names."""

    def __init__(self, folder: str | Path, key: str) -> None:
        self.path = Path(folder) / key
        self._digests: dict[str, str] = {}

    def load(self) -> dict | None:
        """The stored state, on the CPU; None when there is none, or when it or its best weights are damaged, which is said."""
        path = self.path / STATE
        if not path.exists():
            return None
        try:
            state = _read_signed(path)
            path = self.path / state["best_file"]
            if sha256(path) != state["best_sha256"]:
                raise ValueError(CHANGED)
        except Exception as error:  # a damaged file fails in many ways
            if cause_of(error):  # the machine's fault; the state may be whole
                raise
            said = f"WARNING: {path}: {_reason(error)}. The training cannot go on from this state and starts anew"
            print(said, file=sys.stderr, flush=True)
            if path.is_dir():  # which no file can replace
                remove(path)
            return None
        self._digests = {state["best_file"]: state["best_sha256"]}
        return state

    def save(self, state: dict) -> None:
        """Replace the stored state; a kill leaves the old one or the new one. Best weights it does not name are removed."""
        best = state["best_file"]
        with replacing(self.path / STATE) as temporary:
            _write_signed({**state, "best_sha256": self._sha256_of(best)}, temporary)
        for path in self.path.glob("best-*.safetensors"):
            if path.name != best:
                remove(path)

    def _sha256_of(self, best: str) -> str:
        """The digest of the best weights, computed once for each."""
        if best not in self._digests:
            self._digests = {best: sha256(self.path / best)}
        return self._digests[best]

    def save_best(self, weights: dict[str, Tensor], epoch: int) -> str:
        """Write the weights of ``epoch`` beside the older best; returns the file's name, for the state."""
        name = f"best-{epoch}.safetensors"
        with replacing(self.path / name) as temporary:
            write_weights(weights, temporary)
        self._digests.pop(name, None)  # one of a state that was damaged may have had this name
        return name

    def load_best(self, name: str) -> dict[str, Tensor]:
        """The weights that :meth:`save_best` wrote."""
        return read_weights(self.path / name)

    def remove(self) -> None:
        """Remove the state, those that other settings left beside it, and the folder when it is empty then."""
        for path in self.path.parent.glob(f"*/{STATE}"):
            remove(path.parent)
        if self.path.parent.is_dir() and not any(self.path.parent.iterdir()):
            self.path.parent.rmdir()


def _write_signed(state: dict, path: Path) -> None:
    """The digest of the state, then the state as torch saves it."""
    with open(path, "w+b") as stream:
        stream.write(bytes(DIGEST_BYTES))
        torch.save(state, stream)
        digest = _digest_of(stream)
        stream.seek(0)
        stream.write(digest)
        stream.flush()
        os.fsync(stream.fileno())


def _read_signed(path: Path) -> dict:
    """The state that :func:`_write_signed` wrote; a ValueError where a byte of it is another."""
    with open(path, "rb") as stream:
        digest = stream.read(DIGEST_BYTES)
        if digest != _digest_of(stream):
            raise ValueError(CHANGED)
        stream.seek(DIGEST_BYTES)
        return torch.load(stream, map_location="cpu", weights_only=True)


def _digest_of(stream: BinaryIO) -> bytes:
    """Of what follows the digest in an open file."""
    stream.seek(DIGEST_BYTES)
    return hashlib.file_digest(stream, "sha256").digest()


def _reason(error: Exception) -> str:
    """Why a file could not be used, in a few words."""
    if isinstance(error, FileNotFoundError):
        return "the file is not there"
    return str(error) if str(error) == CHANGED else f"it cannot be read ({error})"
