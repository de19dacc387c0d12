"""Files of weights: readable by all whom the umask lets, and one line that names a damaged one."""

import os

import pytest
import torch

from cellfate.base.errors import InputError
from cellfate.model.weights import read_weights, write_weights


@pytest.fixture
def umask():
    before = os.umask(0o027)
    yield
    os.umask(before)


def test_weights_come_back_with_the_rights_of_the_umask(tmp_path, umask):
    state = {"a": torch.arange(6.0).reshape(2, 3).T, "b": torch.tensor(3)}
    write_weights(state, tmp_path / "w.safetensors")
    found = read_weights(tmp_path / "w.safetensors")
    assert all(torch.equal(found[name], state[name]) for name in state)
    assert (tmp_path / "w.safetensors").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("kept", [0, 4, 40])
def test_a_damaged_file_is_named(tmp_path, kept):
    path = tmp_path / "w.safetensors"
    write_weights({"a": torch.arange(6.0)}, path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=f"{path}: not a safetensors file, or damaged"):
        read_weights(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"w\.safetensors: no such file"):
        read_weights(tmp_path / "w.safetensors")
