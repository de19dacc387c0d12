"""A training's state on disk, so that a killed training continues at the epoch it was in.

The folder lies outside every output of the workflow, because Snakemake deletes outputs before it runs a job again. It is
found again by a hash of everything that the result depends on.
"""

import hashlib
import json
import os
from pathlib import Path

import pandas as pd
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from cellfate.base.files import remove, replacing, sha256

STATE = "state.pt"


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

    def load(self) -> dict | None:
        """The stored state, on the CPU, or None when there is none."""
        if not (self.path / STATE).exists():
            return None
        return torch.load(self.path / STATE, map_location="cpu", weights_only=True)

    def save(self, state: dict) -> None:
        """Replace the stored state; a kill leaves the old one or the new one. Best weights it does not name are removed."""
        with replacing(self.path / STATE) as temporary:
            torch.save(state, temporary)
            with open(temporary, "rb") as stream:
                os.fsync(stream.fileno())
        for path in self.path.glob("best-*.safetensors"):
            if path.name != state["best_file"]:
                remove(path)

    def save_best(self, weights: dict[str, Tensor], epoch: int) -> str:
        """Write the weights of ``epoch`` beside the older best; returns the file's name, for the state."""
        name = f"best-{epoch}.safetensors"
        with replacing(self.path / name) as temporary:
            save_file({key: value.detach().cpu().contiguous() for key, value in weights.items()}, temporary)
        return name

    def load_best(self, name: str) -> dict[str, Tensor]:
        """The weights that :meth:`save_best` wrote."""
        return load_file(self.path / name)

    def remove(self) -> None:
        """Remove the state, those that other settings left beside it, and the folder when it is empty then."""
        for path in self.path.parent.glob(f"*/{STATE}"):
            remove(path.parent)
        if self.path.parent.is_dir() and not any(self.path.parent.iterdir()):
            self.path.parent.rmdir()
