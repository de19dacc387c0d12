"""HDF5 files: opened in one place, and written so that none is there by half under its final name."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from cellfate.base.causes import cause_of, in_words
from cellfate.base.errors import InputError, no_file
from cellfate.base.files import replacing
from cellfate.base.software import SOFTWARE


def open_hdf5(path: str | Path, what: str) -> h5py.File:
    """An HDF5 file for reading; an InputError where it is not there, is none, or cannot be locked. ``what`` it should be, in words."""
    path = Path(path)
    if not path.is_file():
        raise InputError(no_file(path, what))
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise InputError(in_words(error, path, f"not readable as HDF5, {what} is needed")) from error


@contextmanager
def reading(path: str | Path, what: str) -> Iterator[None]:
    """Around all that is read of an open file, whose name HDF5 does not say: what it fails on is an InputError that names it.

    ``what`` the file should be, in words.
    """
    try:
        yield
    except (OSError, RuntimeError, KeyError) as error:
        problem = f"{what} is needed, and the file is damaged or another one. What a run has made is made anew once it is removed"
        raise InputError(in_words(error, path, problem)) from error


@contextmanager
def writing_hdf5(path: str | Path) -> Iterator[h5py.File]:
    """An empty HDF5 file, with the attribute ``software``; it gets its name when the block succeeds, see ``replacing``."""
    with replacing(path) as temporary:
        try:
            opened = h5py.File(temporary, "w")
        except OSError as error:
            if cause_of(error):
                raise InputError(in_words(error, path)) from error
            raise
        with opened as file:
            file.attrs["software"] = SOFTWARE
            yield file
