"""HDF5 files on disks without locks, or held by another program: every reader and writer says which variable to set."""

import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from cellfate.base.errors import InputError
from cellfate.base.hdf5 import open_hdf5, writing_hdf5
from cellfate.crops.crop_file import CropFile
from cellfate.explanation.examples import read_example_crops
from cellfate.model.embedding_file import EmbeddingFile
from cellfate.recordings.discovery.tracks import _look_at_hdf5
from cellfate.segmentation.detections import FrameMasks
from cellfate.segmentation.mask_file import MaskFile
from cellfate.simulation.files import read_true_masks
from cellfate.tracks.formats import FORMATS
from cellfate.tracks.raw import RecordingFacts
from cellfate.transition.files import read_prepared
from cellfate.transition.h5ad import read_h5ad
from cellfate.transition.truth import read_truth

SRC = Path(__file__).parents[3] / "src/cellfate"
READERS = {
    "crops": lambda path: CropFile(path).channels,
    "examples": read_example_crops,
    "embeddings": EmbeddingFile,
    "frame masks": FrameMasks,
    "masks": MaskFile,
    "true masks": read_true_masks,
    "prepared cells": read_prepared,
    "h5ad": lambda path: read_h5ad(path, layer="X", kind="counts"),
    "truth of cells": read_truth,
    "btrack": lambda path: FORMATS["btrack"].read(path, RecordingFacts("r", 3, (9, 9))),
    "cellfate init": _look_at_hdf5,
    "anything": lambda path: open_hdf5(path, "a file"),
}
MESSAGES = (  # of HDF5 1.10 and of 1.14
    "Unable to open file (unable to lock file, errno = 37, error message = 'No locks available')",
    "Unable to synchronously open file (unable to lock file, errno = 38, error message = 'Function not implemented')",
)


@pytest.fixture(params=MESSAGES)
def no_locks(monkeypatch, request):
    def refuse(*_, **__):
        raise BlockingIOError(request.param)

    monkeypatch.setattr(h5py, "File", type("File", (), {"__init__": refuse}))


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_says_what_to_set_where_a_file_cannot_be_locked(tmp_path, no_locks, reader):
    path = tmp_path / "a.h5"
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"cannot be locked: .*HDF5_USE_FILE_LOCKING=FALSE") as problem:
        READERS[reader](path)
    assert str(path) in str(problem.value) or reader == "cellfate init"


def test_a_writer_says_it_too(tmp_path, no_locks):
    path = tmp_path / "a.h5"
    with pytest.raises(InputError, match=rf"{path}: the file cannot be locked: .*HDF5_USE_FILE_LOCKING=FALSE"), writing_hdf5(path):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_names_a_file_that_is_none(tmp_path, reader):
    path = tmp_path / "a.h5"
    path.write_bytes(b"no HDF5 at all")
    with pytest.raises(InputError, match="not readable as HDF5"):
        READERS[reader](path)


@pytest.mark.parametrize("reader", [name for name in READERS if name not in ("cellfate init", "btrack")])
def test_every_reader_names_a_file_that_is_not_there_and_a_folder(tmp_path, reader):
    with pytest.raises(InputError, match=r"none\.h5: no such file \("):
        READERS[reader](tmp_path / "none.h5")
    with pytest.raises(InputError, match=r"a folder, .* needed"):
        READERS[reader](tmp_path)


class Damaged:
    """An open file in which everything is named and nothing can be read."""

    def __getitem__(self, name):
        raise OSError("Can't synchronously read data (filter returned failure during read)")

    def get(self, *_):
        raise OSError("Can't synchronously read data (filter returned failure during read)")

    def __iter__(self):
        raise RuntimeError("Can't decode data")

    def __contains__(self, name):
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    @property
    def attrs(self):
        return self


@pytest.mark.parametrize("reader", [name for name in READERS if name != "anything"])
def test_every_reader_names_a_file_that_is_damaged(tmp_path, reader, monkeypatch):
    """HDF5 says that it cannot read, and not what; a job opens hundreds of files."""
    path = tmp_path / "a.h5"
    path.touch()
    monkeypatch.setattr(h5py, "File", lambda *_: Damaged())
    with pytest.raises(InputError, match=r"damaged|not readable as HDF5") as problem:
        READERS[reader](path)
    assert str(path) in str(problem.value) or reader == "cellfate init"


def test_crops_that_cannot_be_unpacked_name_their_file(tmp_path):
    path = tmp_path / "crops.h5"
    with h5py.File(path, "w") as file:
        file.attrs.update({"recording": "r1", "channels": '["p53"]'})
        file.create_dataset("crops", data=np.ones((4, 1, 8, 8), "u2"), chunks=(4, 1, 8, 8), compression="gzip")
        for name, values in {"track_id": [7], "start": [0], "stop": [4], "event_frame": [-1]}.items():
            file[name] = values
        for name in ("frame", "y", "x", "background"):
            file[name] = np.arange(4)
        place = file["crops"].id.get_chunk_info(0)
    with open(path, "r+b") as file:
        file.seek(place.byte_offset)
        file.write(bytes(place.size))
    with CropFile(path) as crops, pytest.raises(InputError, match=rf"{path}: a crop file is needed, and the file is damaged .*made anew"):
        crops.read(7)


def test_no_module_opens_hdf5_files_by_itself():
    found = [path.relative_to(SRC).as_posix() for path in SRC.rglob("*.py") if re.search(r"h5py\.File\(", path.read_text())]
    assert found == ["base/hdf5.py"]
