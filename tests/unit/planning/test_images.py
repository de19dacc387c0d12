"""The digest of a recording's frames: what changes it and what does not."""

import os

import pytest

from cellfate.planning import images as module


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("a/t0.tif", "a/t1.tif", "a/red/t0.tif", "m.zarr/.zattrs", "m.zarr/0/.zarray", "m.zarr/0/0.0"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def digest(images: str) -> str | None:
    module.images_digest.cache_clear()
    module._listed.cache_clear()
    return module.images_digest(images)


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "desktop.ini", "._t1.tif", "red/.DS_Store", "@eaDir/t0.tif", "Icon\r"])
def test_what_a_file_browser_leaves_changes_nothing(folder, name):
    before = digest("a"), digest("a/t{time}.tif")
    (folder / "a" / name).parent.mkdir(exist_ok=True)
    (folder / "a" / name).write_text("x")
    assert (digest("a"), digest("a/t{time}.tif")) == before


@pytest.mark.parametrize(
    ("images", "changed"),
    [("a", "a/t1.tif"), ("a", "a/red/t0.tif"), ("a/t{time}.tif", "a/t1.tif"), ("a/{channel}/t{time}.tif", "a/red/t0.tif")]
    + [("m.zarr", f"m.zarr/{name}") for name in (".zattrs", "0/.zarray", "0/0.0")],
)
def test_another_frame_changes_it_by_size_time_or_name(folder, images, changed):
    found = {digest(images)}
    path = folder / changed
    path.write_text("another length")
    found.add(digest(images))
    os.utime(path, (1, 1))
    found.add(digest(images))
    path.unlink()
    found.add(digest(images))
    assert len(found) == 4


def test_files_that_a_pattern_does_not_mean_change_nothing(folder):
    before = digest("a/t{time}.tif")
    (folder / "a/u0.tif").write_text("x")
    assert digest("a/t{time}.tif") == before


def test_a_single_file_and_nothing_have_none(folder):
    assert (digest("a/t0.tif"), digest("nowhere"), digest("nowhere/t{time}.tif")) == (None, None, None)
