import numpy as np
import pytest
import tifffile
import torch
from cellpose.resnet_torch import CPnet

from cellfate.base.errors import InputError
from cellfate.frames.formats import open_frames
from cellfate.segmentation.detections import FrameMasks
from cellfate.segmentation.frames import segment_frames

HOW = {
    "recording": "r",
    "channel": "b",
    "diameter": 20,
    "flow_threshold": 0.4,
    "cellprob_threshold": 0.0,
    "min_area": 1,
    "batch_size": 2,
    "device": "cpu",
    "threads": 1,
}


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for t in range(2):
        tifffile.imwrite(folder / f"t{t}.tif", rng.integers(0, 900, (96, 128, 3)).astype(np.uint16), photometric="rgb")
    return folder


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "weights"
    torch.save(CPnet([2, 4, 4, 4, 4], 3, sz=3).state_dict(), path)
    return path


def test_every_frame_has_a_label_image(images, weights, tmp_path):
    out = tmp_path / "m.h5"
    segment_frames(open_frames(images, ["a", "b", "c"]), weights, out, **HOW)
    with FrameMasks(out) as masks:
        assert (masks.n_frames, masks.shape) == (2, (96, 128))
        assert masks.settings["channel"] == "b"
        assert masks.settings["diameter"] == 20
        assert len(masks.settings["model_sha256"]) == 64


def test_a_channel_that_is_not_there(images, weights, tmp_path):
    with pytest.raises(InputError, match=r"tracking\.channel is 'd', but recording r has a, b, c"):
        segment_frames(open_frames(images, ["a", "b", "c"]), weights, tmp_path / "m.h5", **HOW | {"channel": "d"})


def test_a_bad_frame_is_found_before_the_network_is_loaded(images, tmp_path):
    tifffile.imwrite(images / "t2.tif", np.zeros((96, 100, 3), np.uint16), photometric="rgb")
    with pytest.raises(InputError, match=r"t2.tif: .* pixels found"):
        segment_frames(open_frames(images, ["a", "b", "c"]), tmp_path / "no weights", tmp_path / "m.h5", **HOW)
