"""Weights of networks as safetensors files."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from cellfate.base.causes import in_words
from cellfate.base.errors import InputError, no_file


def write_weights(state: Mapping[str, Tensor], path: str | Path) -> None:
    """Write a state dict, on the CPU, to a file with the rights that the umask gives (safetensors' own writer gives its owner's alone)."""
    Path(path).write_bytes(save({key: value.detach().cpu().contiguous() for key, value in state.items()}))


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """A state dict that :func:`write_weights` wrote. Raises InputError with the file's name where it is missing or damaged."""
    if not Path(path).is_file():
        raise InputError(no_file(path, "a safetensors file"))
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(in_words(error, path, "not a safetensors file, or damaged")) from error
