"""Writing HDF5 files: never half-written under their final name, and signed by the program that wrote them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from cellfate.base.files import replacing
from cellfate.base.software import SOFTWARE


@contextmanager
def writing_hdf5(path: str | Path) -> Iterator[h5py.File]:
    """An empty HDF5 file, with the attribute ``software``; it gets its name when the block succeeds, see ``replacing``."""
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["software"] = SOFTWARE
        yield file
