"""Free space: a disk that is too small is told before anything is written to it."""

import pytest

from cellfate.base import disk
from cellfate.base.disk import free_space, human_size, require_free_space
from cellfate.base.errors import InputError


@pytest.mark.parametrize(
    ("n_bytes", "text"), [(999, "999 bytes"), (1000, "1 kB"), (321e9, "321 GB"), (1_500_000, "1.5 MB"), (2e12, "2 TB"), (3e15, "3e+03 TB")]
)
def test_sizes_have_decimal_units(n_bytes, text):
    assert human_size(n_bytes) == text


def test_what_fits_to_the_byte_is_let_through_and_one_more_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "free_space", lambda folder: 5000)
    require_free_space(tmp_path, 5000, "the crops")
    with pytest.raises(InputError, match=rf"^{tmp_path}: the crops needs 5 kB, the disk has 5 kB free; free some space"):
        require_free_space(tmp_path, 5001, "the crops")


def test_of_a_folder_that_is_not_there_yet_the_one_above_counts(tmp_path):
    assert free_space(tmp_path / "a/b/c") == pytest.approx(free_space(tmp_path), rel=0.2)
