"""Files that are damaged in any way: whatever a library makes of them, the user sees an InputError, or the file is read.

40 inputs; ``CELLFATE_FUZZ=2000`` in the environment makes it as many as it says.
"""

import logging
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from toy_frames import NAMES, WRITERS, recording

from cellfate.base.errors import InputError
from cellfate.frames.formats import open_frames
from cellfate.frames.pixels import check_frames

N_INPUTS = int(os.environ.get("CELLFATE_FUZZ", "40"))
HEADER = 512  # bytes in which headers mostly stand


def cut(content: bytes, other: bytes, rng) -> bytes:
    return content[: rng.integers(len(content) + 1)]


def drop_bytes(content: bytes, other: bytes, rng) -> bytes:
    start = rng.integers(len(content))
    return content[:start] + content[start + rng.integers(1, 64) :]


def change_bytes(content: bytes, other: bytes, rng) -> bytes:
    changed = bytearray(content)
    for place in rng.integers(0, len(content), rng.integers(1, 12)):
        changed[place] = rng.integers(256)
    return bytes(changed)


def change_header(content: bytes, other: bytes, rng) -> bytes:
    changed = bytearray(content)
    for place in rng.integers(0, min(HEADER, len(content)), rng.integers(1, 8)):
        changed[place] = rng.choice([0, 1, 255, rng.integers(256)])
    return bytes(changed)


def change_text(content: bytes, other: bytes, rng) -> bytes:
    """A digit, quote or bracket of the text in a file becomes another one."""
    changed = bytearray(content)
    places = [place for place, byte in enumerate(content) if byte in b'0123456789"<>{}[]:,=']
    for place in rng.choice(places, rng.integers(1, 6)) if places else ():
        changed[place] = rng.choice(list(b'0123456789"<>{}[]:,=-'))
    return bytes(changed)


def swap_header(content: bytes, other: bytes, rng) -> bytes:
    return other[:HEADER] + content[HEADER:]


def other_kind(content: bytes, other: bytes, rng) -> bytes:
    return other


def zeros(content: bytes, other: bytes, rng) -> bytes:
    start = rng.integers(len(content))
    return content[:start] + bytes(len(content) - start)


MUTATIONS = (cut, drop_bytes, change_bytes, change_header, change_text, swap_header, other_kind, zeros)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A small recording in every format, and what each reader is given."""
    root = tmp_path_factory.mktemp("whole")
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    images = recording(3, 3, (20, 24))
    return root, {name: Path(writer(root / name, images)).relative_to(root) for name, writer in WRITERS.items()}


def damage(folder: Path, root: Path, rng) -> str:
    """Damage one file of a recording; returns which and how."""
    file = rng.choice(sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size))
    other = rng.choice(sorted(path for path in root.rglob("*") if path.is_file() and path.stat().st_size))
    mutation = MUTATIONS[rng.integers(len(MUTATIONS))]
    file.write_bytes(mutation(file.read_bytes(), other.read_bytes(), rng))
    return f"{file.relative_to(folder)} {mutation.__name__}"


def read_all(images: Path) -> None:
    frames = open_frames(images, NAMES)
    frames.check()
    assert frames.dtype in (np.uint8, np.uint16)
    for t in range(min(frames.n_frames, 6)):
        image = frames.read(t)
        assert image.shape == (3, *frames.shape)
        assert image.dtype == frames.dtype


def test_no_damage_of_a_file_gives_anything_but_an_input_error(whole, tmp_path):
    root, images = whole
    refused = []
    for seed in range(N_INPUTS):
        rng = np.random.default_rng(seed)
        name = sorted(images)[seed % len(images)]
        shutil.rmtree(tmp_path / name, ignore_errors=True)
        shutil.copytree(root / name, tmp_path / name)
        what = damage(tmp_path / name, root, rng)
        try:
            read_all(tmp_path / images[name])
        except InputError as error:
            refused.append(f"seed {seed}, {name}, {what}: {error}")
        except Exception as error:
            raise AssertionError(f"seed {seed}, {name}, {what}: {type(error).__name__}: {error}") from error
    assert len(refused) > N_INPUTS / 3
    assert [message for message in refused if str(tmp_path) not in message or "\n" in message] == []  # one line that names the file


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_whole_recordings_pass(whole, name):
    root, images = whole
    check_frames(open_frames(root / images[name], NAMES))
    read_all(root / images[name])
