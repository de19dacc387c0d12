"""Which names are of files that nobody means."""

import pytest

from cellfate.base.names import is_of_system


@pytest.mark.parametrize(
    "name", ["Thumbs.db", "desktop.INI", "Icon\r", "__MACOSX", "@eaDir", "$RECYCLE.BIN", ".DS_Store", "._1.tif", ".git"]
)
def test_what_browsers_and_servers_leave_is_passed_over(name):
    assert is_of_system(name) is True


@pytest.mark.parametrize("name", [".zattrs", ".zarray", ".zgroup", ".zmetadata", "1.tif", "icon.png", "thumbs", "zarr.json"])
def test_images_and_what_describes_a_zarr_are_not(name):
    assert is_of_system(name) is False
