"""Small files that claim to hold an image no memory takes: refused from the header, before anything is decoded."""

import struct
import zlib
from pathlib import Path

import pytest
import yaml
import zarr
from toy_frames import NAMES, WRITERS, recording

from cellfate.base.errors import InputError
from cellfate.frames.formats import open_frames
from cellfate.frames.reader import MAX_PIXELS, Frames

CONFIG = Path(__file__).parents[3] / "config/config.yaml"


def test_the_limit_of_the_settings_is_the_one_without_settings():
    assert yaml.safe_load(CONFIG.read_text())["source"]["max_pixels"] == MAX_PIXELS


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_one_pixel_more_than_the_limit_is_refused_in_every_format(tmp_path, write):
    images = write(tmp_path / "A1", recording())
    assert open_frames(images, NAMES, max_pixels=2000).shape == (40, 50)
    with pytest.raises(InputError, match=r"images of 40 x 50 = 2,000 pixels found, at most 1,999 are read: .* raise source\.max_pixels"):
        open_frames(images, NAMES, max_pixels=1999)


def png_that_claims(height: int, width: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def test_a_png_bomb_is_told_before_it_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(Frames, "settle", lambda self: pytest.fail("decoded"))
    (tmp_path / "t1.png").write_bytes(png_that_claims(65_000, 65_000))
    with pytest.raises(InputError, match=r"images of 65000 x 65000 = 4,225,000,000 pixels found, at most 100,000,000"):
        open_frames(tmp_path, ["p53"])


def zarr_of(folder: Path, shape: tuple[int, ...], chunks: tuple[int, ...]) -> Path:
    group = zarr.open_group(folder / "a.zarr", mode="w", zarr_format=3)
    group.create_array("0", shape=shape, chunks=chunks, dtype="uint16")
    axes = [{"name": "t", "type": "time"}, {"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": [{"path": "0"}]}]}
    return folder / "a.zarr"


def test_chunks_that_are_far_larger_than_the_images_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"a\.zarr/0: chunks of 400,000,000 values found, more than all images together have"):
        open_frames(zarr_of(tmp_path, (3, 40, 50), (1, 20_000, 20_000)), ["p53"])
    assert open_frames(zarr_of(tmp_path / "fine", (3, 40, 50), (1, 64, 64)), ["p53"]).shape == (40, 50)
