"""ND2 and CZI: a CZI file that its own package writes, an ND2 file that a toy writes; for what neither can be made to do, stand-ins."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from toy_frames import NAMES, recording
from toy_nd2 import write_nd2

from cellfate.base.errors import InputError
from cellfate.frames.formats import open_frames


@pytest.mark.parametrize(("ending", "module", "package"), [(".nd2", "nd2", "nd2"), (".czi", "pylibCZIrw", "pylibCZIrw")])
def test_the_package_that_is_needed_is_named(tmp_path, monkeypatch, ending, module, package):
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / f"A1{ending}").write_text("x")
    with pytest.raises(InputError, match=rf"A1\{ending}: the package {package} is needed .*pip install {package}.* or save .* as OME-TIFF"):
        open_frames(tmp_path / f"A1{ending}", NAMES)


class StandIn:
    """What the reader uses of ``nd2.ND2File``."""

    images = recording()
    sizes = {"T": 6, "C": 3, "Y": 40, "X": 50}  # noqa: RUF012
    closed = 0

    def __init__(self, path):
        if path.stat().st_size == 0:
            raise OSError("file is empty")
        self.dtype = self.images.dtype
        self.metadata = SimpleNamespace(channels=[SimpleNamespace(channel=SimpleNamespace(name=name)) for name in NAMES])

    def read_frame(self, index):
        if index == 4:
            raise ValueError("bad chunk")
        return self.images[index].squeeze()

    def close(self):
        type(self).closed += 1


@pytest.fixture
def nd2_file(tmp_path, monkeypatch):
    kind = type("ND2File", (StandIn,), {})
    monkeypatch.setitem(sys.modules, "nd2", SimpleNamespace(ND2File=kind))
    (tmp_path / "A1.nd2").write_text("x")
    return tmp_path / "A1.nd2", kind


def test_nd2_channels_by_name(nd2_file):
    path, kind = nd2_file
    frames = open_frames(path, ["cell_cycle", "p53"])
    frames.check()
    assert (frames.n_frames, frames.shape, frames.dtype) == (6, (40, 50), np.dtype("uint16"))
    np.testing.assert_array_equal(frames.read(2), kind.images[2][[2, 1]])
    with pytest.raises(InputError, match=r"A1\.nd2: time point 4: the image cannot be decoded"):
        frames.read(4)
    with pytest.raises(InputError, match="no channel named 'GFP' in the file; found: circadian, p53, cell_cycle"):
        open_frames(path, ["GFP"])
    del frames
    assert kind.closed


@pytest.mark.parametrize(
    ("sizes", "message"),
    [({"P": 4, "T": 6}, r"4 positions found \(axes PTCYX\)"), ({"T": 6, "Z": 9}, r"a stack of 9 focal planes found \(axes TZCYX\)")],
)
def test_nd2_with_positions_or_focal_planes(nd2_file, sizes, message):
    path, kind = nd2_file
    kind.sizes = {**sizes, "C": 3, "Y": 40, "X": 50}
    with pytest.raises(InputError, match=message):
        open_frames(path, NAMES)


def test_an_nd2_file_that_is_none(nd2_file, tmp_path):
    (tmp_path / "B1.nd2").touch()
    with pytest.raises(InputError, match=r"B1\.nd2: an empty file of 0 bytes"):
        open_frames(tmp_path / "B1.nd2", NAMES)


@pytest.fixture
def nd2():
    return pytest.importorskip("nd2", reason="NOT CHECKED: the optional package nd2 is not installed")


@pytest.mark.usefixtures("nd2")
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_the_real_nd2_package_reads_a_file_as_it_was_written(tmp_path, dtype):
    images = recording(dtype=dtype)
    frames = open_frames(write_nd2(tmp_path / "A1.nd2", images, NAMES), ["cell_cycle", "p53"])
    frames.check()
    assert (frames.n_frames, frames.shape, frames.dtype) == (6, (40, 50), np.dtype(dtype))
    for t in range(6):
        np.testing.assert_array_equal(frames.read(t), images[t][[2, 1]])
    with pytest.raises(InputError, match="no channel named 'GFP' in the file; found: circadian, p53, cell_cycle"):
        open_frames(tmp_path / "A1.nd2", ["GFP"])


@pytest.mark.usefixtures("nd2")
def test_the_real_nd2_package_tells_positions_and_focal_planes_and_a_single_image(tmp_path):
    images = recording()
    with pytest.raises(InputError, match="2 positions found"):
        open_frames(write_nd2(tmp_path / "A1.nd2", images, NAMES, positions=2), NAMES)
    with pytest.raises(InputError, match="a stack of 3 focal planes found"):
        open_frames(write_nd2(tmp_path / "B1.nd2", images, NAMES, planes=3), NAMES)
    one = open_frames(write_nd2(tmp_path / "C1.nd2", images[:1, :1], ["p53"]), ["p53"])
    assert one.n_frames == 1
    np.testing.assert_array_equal(one.read(0), images[0, :1])


@pytest.mark.usefixtures("nd2")
def test_the_real_nd2_package_refuses_a_file_that_is_none_or_is_cut(tmp_path):
    (tmp_path / "A1.nd2").write_bytes(b"x" * 5000)
    with pytest.raises(InputError, match=r"A1\.nd2: not readable as ND2"):
        open_frames(tmp_path / "A1.nd2", NAMES)
    whole = write_nd2(tmp_path / "B1.nd2", recording(), NAMES).read_bytes()
    (tmp_path / "B1.nd2").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"B1\.nd2: not readable as ND2"):
        open_frames(tmp_path / "B1.nd2", NAMES)


def write_czi(path, images, left_out=(), planes=1, scenes=1):
    czi = pytest.importorskip("pylibCZIrw.czi", reason="NOT CHECKED: the optional package pylibCZIrw is not installed")
    with czi.create_czi(str(path)) as file:
        for scene in range(scenes):
            for t, image in enumerate(images):
                for c, plane in enumerate(image):
                    for z in range(planes):
                        if (t, c) not in left_out:
                            place = {"T": t, "C": c, "Z": z}
                            file.write(plane[..., np.newaxis], plane=place, scene=scene, location=(100 * scene, 0))
        file.write_metadata(document_name="A1", channel_names=dict(enumerate(NAMES)))
    return path


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_czi_channels_by_name(tmp_path, dtype):
    images = recording(dtype=dtype)
    frames = open_frames(write_czi(tmp_path / "A1.czi", images), ["cell_cycle", "p53"])
    frames.check()
    assert (frames.n_frames, frames.shape, frames.dtype) == (6, (40, 50), np.dtype(dtype))
    for t in range(6):
        np.testing.assert_array_equal(frames.read(t), images[t][[2, 1]])


def test_czi_with_a_missing_image_focal_planes_scenes_or_damage(tmp_path):
    images = recording()
    frames = open_frames(write_czi(tmp_path / "A1.czi", images, left_out={(3, 1)}), NAMES)
    with pytest.raises(InputError, match=r"A1\.czi: time point 3 of channel 1: this image is missing in the file"):
        frames.check()
    with pytest.raises(InputError, match="a stack of 2 focal planes found"):
        open_frames(write_czi(tmp_path / "B1.czi", images, planes=2), NAMES)
    with pytest.raises(InputError, match=r"2 scenes \(positions\) found"):
        open_frames(write_czi(tmp_path / "C1.czi", images, scenes=2), NAMES)
    (tmp_path / "D1.czi").write_bytes((tmp_path / "A1.czi").read_bytes()[:3000])
    with pytest.raises(InputError, match=r"D1\.czi: not readable as CZI"):
        open_frames(tmp_path / "D1.czi", NAMES)
