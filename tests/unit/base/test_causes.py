"""What the machine did wrong is said as such: with the file, and what to do; and nothing else is taken for it."""

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from cellfate.base import causes
from cellfate.base.causes import AGAIN, cause_of, in_words, likely_cause
from cellfate.base.errors import InputError


def error_of(number: int, name: str = "results/a.h5") -> OSError:
    return OSError(number, os.strerror(number), name)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full ("),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "no right"),
        (errno.EPERM, "no right"),
        (errno.EIO, "input/output error"),
        (errno.ESTALE, "stale handle"),
        (errno.EMFILE, "too many files are open"),
        (errno.ENFILE, "too many files are open"),
        (errno.ENOMEM, "not enough memory"),
        (errno.EFBIG, "larger than"),
        (errno.ENOLCK, "HDF5_USE_FILE_LOCKING=FALSE"),
    ],
)
def test_each_fault_of_the_machine_is_named_with_the_file(number, words):
    found = cause_of(error_of(number))
    assert found.startswith("results/a.h5: ")
    assert words in found
    assert "damaged" not in in_words(error_of(number), "results/a.h5")
    assert in_words(error_of(number), "results/a.h5").count("results/a.h5") == 1


@pytest.mark.parametrize("error", [FileNotFoundError(2, "no", "x"), ValueError("x"), RuntimeError("odd"), KeyError("memory"), OSError("x")])
def test_other_errors_have_no_cause(error):
    assert cause_of(error) is None


def test_a_cause_is_found_below_other_errors():
    def fail():
        try:
            raise error_of(errno.ENOSPC)
        except OSError as error:
            raise RuntimeError("unexpected pos 64 vs 0") from error

    with pytest.raises(RuntimeError) as caught:
        fail()
    assert "the disk is full" in cause_of(caught.value)
    assert "the disk is full" in cause_of(ExceptionGroup("several", [ValueError(), error_of(errno.ENOSPC)]))


def test_memory_is_told_from_other_errors():
    with pytest.raises(MemoryError) as caught:
        np.empty(1 << 60, np.uint8)
    assert cause_of(caught.value).startswith("not enough memory. Run fewer jobs")
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert cause_of(caught.value).startswith("not enough memory. Run fewer jobs")
    assert "on the GPU" in cause_of(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"))


def test_an_error_that_says_nothing_is_told_by_a_full_disk(monkeypatch):
    assert likely_cause(RuntimeError("unexpected pos 64 vs 0")) is None
    monkeypatch.setattr(causes, "FULL", 1 << 60)
    assert AGAIN in likely_cause(RuntimeError("unexpected pos 64 vs 0"))
    assert likely_cause(ValueError("x")) is None


WRITE = """
import sys
from cellfate.base.logs import log_to
log_to(sys.argv[1])
from pathlib import Path
import numpy as np
from cellfate.base.files import replacing, write_json
numbers = np.random.default_rng(0).random(1 << 20)
path = Path(sys.argv[2])
if path.suffix == ".h5":
    from cellfate.base.hdf5 import writing_hdf5
    with writing_hdf5(path) as file:
        file["numbers"] = numbers
elif path.suffix == ".json":
    write_json({"numbers": numbers.tolist()}, path)
else:
    with replacing(path) as temporary:
        if path.suffix == ".pt":
            import torch
            torch.save({"numbers": torch.from_numpy(numbers)}, temporary)
        elif path.suffix == ".parquet":
            import pandas as pd
            pd.DataFrame({"numbers": numbers}).to_parquet(temporary)
        else:
            import torch
            from cellfate.model.weights import write_weights
            write_weights({"numbers": torch.from_numpy(numbers)}, temporary)
"""


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 4 MB; skipped where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here: needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("name", ["a.h5", "a.json", "a.pt", "a.parquet", "a.safetensors"])
def test_a_disk_that_fills_up_is_named_and_nothing_half_written_stays(small_disk, tmp_path, name):
    log = tmp_path / "rule.log"
    done = subprocess.run([sys.executable, "-c", WRITE, str(log), str(small_disk / name)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    last = log.read_text().strip().splitlines()[-1]
    assert last.startswith("Cause: "), log.read_text()
    assert "is full" in last
    assert list(small_disk.iterdir()) == []


@pytest.fixture
def open_folder():
    """A folder that every user may look into: pytest's own are closed again by the next pytest that starts."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_a_file_of_another_user_is_no_damaged_file(open_folder):
    if os.geteuid() != 0:
        pytest.skip("only root can act as another user")
    path = open_folder / "a.h5"
    with h5py.File(path, "w"):
        pass
    path.chmod(0o600)
    code = "import sys; from cellfate.base.hdf5 import open_hdf5; open_hdf5(sys.argv[1], 'a file')"
    prefix = "import os; import cellfate.base.hdf5; os.setuid(54321); "  # the package itself is read as root
    done = subprocess.run([sys.executable, "-c", prefix + code, str(path)], capture_output=True, text=True, check=False)
    assert f"{InputError.__name__}: {path}: no right to do this" in done.stderr
    assert "belongs to root, and this runs as user 54321" in done.stderr
