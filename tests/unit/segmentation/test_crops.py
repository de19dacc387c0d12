import hashlib
import json
import sys
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from cellpose.models import MODEL_NAMES, CellposeModel
from cellpose.resnet_torch import CPnet

from benchmarks.speed.networks import stock_weights
from cellfate.base.errors import InputError
from cellfate.base.files import sha256
from cellfate.crops.crop_file import CropFile
from cellfate.crops.extraction import extract_crops
from cellfate.crops.published_scaling import reference_input
from cellfate.model.inputs import prepare
from cellfate.model.scaling import reference_scaling
from cellfate.segmentation import crops as segmentation
from cellfate.segmentation import weights
from cellfate.segmentation.cellpose import load_network, segment_crops
from cellfate.segmentation.crops import segment_cells, tracks_to_segment
from cellfate.segmentation.mask_file import MaskFile, scale_to_uint8
from cellfate.segmentation.settings import SegmentationSettings

segmentation_settings = partial(
    SegmentationSettings, ladder="single", channel=0, cellprob_threshold=0.0, batch_size=2, flow_threshold=0.4, diameter=40.0
)
network_of = partial(load_network, device="cpu", threads=1)


SIZE = 48
CHANNELS = ["circadian", "p53"]


class FakeNetwork:
    """Finds one region in every crop whose pixel (0, 0) of the segmented channel is one of ``finds[diameter]``."""

    def __init__(self, finds: dict[float, list[float]]):
        self.finds = finds
        self.calls: list[tuple[float, list[float]]] = []
        self.options: list[dict] = []

    def eval(self, stack, **options):
        images = stack[None] if stack.ndim == 3 else stack
        assert not images[..., 1].any()
        self.calls.append((options["diameter"], images[:, 0, 0, 0].tolist()))
        self.options.append(options)
        masks = np.zeros(images.shape[:3], np.uint16)
        masks[np.isin(images[:, 0, 0, 0], self.finds.get(options["diameter"], [])), 2:4, 2:4] = 1
        return (masks[0] if stack.ndim == 3 else masks), None, None


def disc(size: int = SIZE, y0: float = 24, x0: float = 22) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    return (y - y0) ** 2 + (x - x0) ** 2 < 90


def discs(n: int = 3) -> np.ndarray:
    """Crops (n, 1, SIZE, SIZE) uint16 with a bright disc in the middle."""
    rng = np.random.default_rng(0)
    return np.stack([rng.poisson((200 + 800 * disc()) * (1 + 0.1 * i)) for i in range(n)])[:, None].astype(np.uint16)


@pytest.fixture(scope="module")
def narrow_file(tmp_path_factory):
    """Weights of a narrow network that finds the disc: fitted to it in a few steps."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    net = CPnet([2, 4, 8, 8, 16], 3, sz=3, diam_mean=20.0)
    y, x = np.mgrid[:SIZE, :SIZE]
    inside = torch.from_numpy(disc()).float()
    image = torch.from_numpy((discs(1)[0].astype("f4") - 200) / 800)[None]
    data = torch.cat([image, torch.zeros_like(image)], 1)
    flows = torch.from_numpy(np.stack([24 - y, 22 - x]) / 10 * 5 * disc()).float()
    optimizer = torch.optim.Adam(net.parameters(), 0.02)
    for _ in range(80):
        output = net(data)[0][0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(output[2], inside) + (output[:2] - flows).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    path = tmp_path_factory.mktemp("weights") / "narrow"
    net.save_model(path)
    return path


@pytest.fixture(scope="module")
def stock_file(narrow_file):
    path = narrow_file.with_name("stock")
    torch.save(stock_weights(torch.load(narrow_file, weights_only=True)), path)
    return path


def test_names_resolve_to_the_folder_and_paths_stay(tmp_path):
    assert weights.weights_path("cyto3", tmp_path) == tmp_path / "cyto3"
    assert weights.weights_path("simulated", tmp_path) == tmp_path / "simulated"
    assert weights.weights_path("own.pt", tmp_path) == Path("own.pt")
    assert weights.weights_path(str(tmp_path / "own"), tmp_path / "elsewhere") == tmp_path / "own"
    assert set(weights.SERVER_FILES) <= set(MODEL_NAMES)


def test_an_unknown_name_is_an_error_that_says_what_is_known():
    with pytest.raises(InputError, match=r"'cyto33', which is no path .* known are cyto3, nuclei"):
        weights.weights_path("cyto33")


def test_fetching_asks_for_the_server_file_and_writes_its_checksum(tmp_path, monkeypatch):
    asked = []

    def fake_fetch(url, path, **options):
        asked.append(url)
        path.write_bytes(b"weights")

    monkeypatch.setattr(weights, "fetch", fake_fetch)
    weights.fetch_weights("nuclei", tmp_path / "nuclei")
    assert asked == ["https://www.cellpose.org/models/nucleitorch_0"]
    assert (tmp_path / "nuclei.sha256").read_text() == f"{hashlib.sha256(b'weights').hexdigest()}  nuclei\n"
    with pytest.raises(InputError, match="only cyto3"):
        weights.fetch_weights("simulated", tmp_path / "simulated")


def test_a_file_that_is_no_cellpose_network_is_an_error(tmp_path, narrow_file):
    with pytest.raises(InputError, match="missing: no such file"):
        network_of(tmp_path / "missing")
    (tmp_path / "text").write_text("not weights")
    with pytest.raises(InputError, match="not readable as Cellpose weights"):
        network_of(tmp_path / "text")
    torch.save({"a": torch.zeros(1)}, tmp_path / "other")
    with pytest.raises(InputError, match="no weights of a Cellpose 3"):
        network_of(tmp_path / "other")
    state = torch.load(narrow_file, weights_only=True)
    torch.save({**state, "W2": torch.zeros(1)}, tmp_path / "four")
    with pytest.raises(InputError, match="Cellpose 4"):
        network_of(tmp_path / "four")
    del state["output.2.bias"]
    torch.save(state, tmp_path / "part")
    with pytest.raises(InputError, match=r"output\.2\.bias is missing"):
        network_of(tmp_path / "part")


def test_narrow_weights_filled_up_to_the_stock_shape_give_the_same_masks(narrow_file, stock_file):
    narrow, stock = network_of(narrow_file), network_of(stock_file)
    assert narrow.net.nbase == [2, 4, 8, 8, 16]
    assert stock.net.nbase == [2, 32, 64, 128, 256]
    assert narrow.diam_mean == stock.diam_mean == 20
    settings = segmentation_settings(diameter=24.0, flow_threshold=0.0)
    first, second = segment_crops(narrow, discs(), settings)[0], segment_crops(stock, discs(), settings)[0]
    assert first.any()
    np.testing.assert_array_equal(first, second)


def test_masks_are_those_of_cellpose_called_one_crop_at_a_time(stock_file):
    reference = CellposeModel(pretrained_model=str(stock_file))
    crops = np.concatenate([discs(), discs()[:, :, ::-1]], axis=1)
    settings = segmentation_settings(channel=1, diameter=24.0, flow_threshold=0.0, batch_size=2)
    options = {"channels": [2, 0], "channel_axis": 0, "diameter": 24.0, "flow_threshold": 0.0, "max_size_fraction": 1.0}
    expected = [reference.eval(crop, **options)[0] for crop in crops]
    assert any(mask.any() for mask in expected)
    network = network_of(stock_file)
    np.testing.assert_array_equal(segment_crops(network, crops, settings)[0], expected)
    np.testing.assert_array_equal(segment_crops(network, crops[:1], settings)[0], expected[:1])


def test_single_ladder_tries_once_with_the_chosen_channel():
    crops = np.zeros((3, 2, SIZE, SIZE), np.uint16)
    crops[:, 1, 0, 0] = [10, 20, 30]
    network = FakeNetwork({40.0: [20]})
    masks, attempt = segment_crops(network, crops, segmentation_settings(channel=1, diameter=40.0))
    assert network.calls == [(40.0, [10, 20, 30])]
    assert network.options[0]["max_size_fraction"] == 1
    assert attempt.tolist() == [-1, 0, -1]
    assert [mask.any() for mask in masks] == [False, True, False]


def published_bytes(crops: np.ndarray) -> np.ndarray:
    """The published 8-bit scale in a few lines: what the network gets, from its smallest to its largest value."""
    mean, std = np.array([2.1058e-07, 4.0051e-07, 2.8826e-07]), np.array([0.0221, 0.0421, 0.0303])
    seen = (np.moveaxis(crops, 1, -1) / 65535 / 65535 - mean) / std
    return np.moveaxis(np.floor((seen - seen.min()) / (seen.max() - seen.min()) * 255), -1, 1)


def test_published_ladder_tries_again_only_crops_without_a_region():
    crops = np.zeros((4, 3, SIZE, SIZE), np.uint16)
    crops[:, 0, 0, 0] = [3150, 6050, 9050, 25500]
    crops[0, 1, 0, 0] = 14000
    scaled = published_bytes(crops)[:, :, 0, 0].astype(np.float32)
    assert scaled.tolist() == [[31, 73, 0], [60, 0, 0], [90, 0, 0], [255, 0, 0]]  # of each channel by its own deviation
    grey = scaled.mean(axis=1)
    network = FakeNetwork({55.0: [grey[1]], 45.0: [grey[2], 73.0], 30.0: [255.0]})
    masks, attempt = segment_crops(network, crops, segmentation_settings(ladder="published"))
    assert network.calls == [
        (55.0, grey.tolist()),
        (50.0, grey[[0, 2, 3]].tolist()),
        (45.0, grey[[0, 2, 3]].tolist()),
        (30.0, grey[[0, 3]].tolist()),
        (55.0, [31, 255]),
        (50.0, [31, 255]),
        (45.0, [31, 255]),
        (30.0, [31, 255]),
        (55.0, [73]),
        (50.0, [73]),
        (45.0, [73]),
    ]
    assert attempt.tolist() == [10, 0, 2, 7]
    assert masks.any(axis=(1, 2)).all()
    assert {options["max_size_fraction"] for options in network.options} == {0.4}


def test_published_ladder_without_a_region_tries_sixteen_times():
    crops = np.full((2, 3, SIZE, SIZE), 5, np.uint16)
    network = FakeNetwork({})
    masks, attempt = segment_crops(network, crops, segmentation_settings(ladder="published"))
    assert [diameter for diameter, _ in network.calls] == [55.0, 50.0, 45.0, 30.0] * 4
    assert attempt.tolist() == [-1, -1]
    assert not masks.any()


class SpeckNetwork:
    """Finds squares of the sides ``found[diameter]`` in every crop."""

    def __init__(self, found: dict[float, list[int]]):
        self.found = found

    def eval(self, stack, **options):
        masks = np.zeros(stack.shape[:-1], np.uint16)
        for number, side in enumerate(self.found.get(options["diameter"], [])):
            masks[..., 2 : 2 + side, 10 * number : 10 * number + side] = 1  # one label for all: parts are regions
        return masks, None, None


@pytest.mark.parametrize(
    ("found", "winner", "n_pixels"),
    [
        ({55.0: [4, 4], 50.0: [4, 5]}, 1, 41),  # twice 16 px: the next diameter, where one of two has 25
        ({55.0: [4], 50.0: [9]}, 0, 16),  # a sole region of any size wins
        ({55.0: [4, 4], 45.0: [1]}, 2, 1),
        ({55.0: [2, 3, 4]}, -1, 0),  # several small ones in every channel: nothing is kept
    ],
)
def test_published_ladder_goes_on_when_all_of_several_regions_are_small(found, winner, n_pixels):
    crops = np.full((2, 3, SIZE, SIZE), 5, np.uint16)
    masks, attempt = segment_crops(SpeckNetwork(found), crops, segmentation_settings(ladder="published"))
    assert attempt.tolist() == [winner] * 2
    assert (masks > 0).sum(axis=(1, 2)).tolist() == [n_pixels] * 2


def test_single_ladder_keeps_what_it_finds_however_small():
    network = SpeckNetwork({40.0: [1, 1]})
    masks, attempt = segment_crops(network, np.full((2, 3, SIZE, SIZE), 5, np.uint16), segmentation_settings())
    assert attempt.tolist() == [0, 0]
    assert (masks > 0).sum() == 4


def test_the_published_scale_is_that_of_the_network_s_input_over_frames_and_channels():
    crops = np.random.default_rng(3).integers(0, 65536, (4, 3, 5, 6)).astype(np.uint16)
    crops[2:] //= 40
    np.testing.assert_array_equal(scale_to_uint8(crops), published_bytes(crops))
    seen = prepare(crops, reference_scaling(["circadian", "p53", "cell_cycle"])).numpy()
    np.testing.assert_array_equal(reference_input(crops), seen)
    counts = np.floor((crops - float(crops.min())) / (float(crops.max()) - crops.min()) * 255)
    assert (scale_to_uint8(crops) != counts).mean() > 0.5  # raw counts would be another scale


def test_the_published_scale_is_one_of_three_channels():
    with pytest.raises(InputError, match="constants for 3 channels, the crops have 2"):
        scale_to_uint8(np.zeros((2, 2, 4, 4), np.uint16))
    with pytest.raises(InputError, match="constants for 3 channels, the crops have 1"):
        segment_crops(FakeNetwork({}), np.zeros((2, 1, SIZE, SIZE), np.uint16), segmentation_settings(ladder="published"))


def test_outside_of_the_frame_gets_the_background_nearby():
    crops = np.zeros((1, 1, 8, 8), np.uint16)
    inside = segmentation.inside_frame(np.array([2.0]), np.array([20.0]), (40, 40), 8)
    expected = np.ones((8, 8), bool)
    expected[:2] = False  # the crop begins at row int(2 - 4) = -2
    np.testing.assert_array_equal(inside[0], expected)
    crops[0, 0, 2:] = 1000
    crops[0, 0, 2] = 150  # 8 of 48 pixels
    filled = segmentation.fill_outside(crops, inside)
    assert (filled[0, 0, :2] == 150).all()
    np.testing.assert_array_equal(filled[0, 0, 2:], crops[0, 0, 2:])
    assert not crops[0, 0, :2].any()


def trajectories_table() -> pd.DataFrame:
    rows = [  # track, last_frame, n_frames, usable, treatment
        (1, 9, 10, True, "cisplatin"),
        (2, 9, 10, True, "cisplatin"),
        (3, 7, 8, True, "cisplatin"),
        (4, 9, 10, False, "cisplatin"),
        (5, 9, 10, True, "none"),
    ]
    table = pd.DataFrame(rows, columns=["track_id", "last_frame", "n_frames", "usable", "treatment"])
    return table.assign(
        recording="r1",
        trajectory="r1/" + table["track_id"].astype(str),
        lineage="r1/1",
        group=None,
        dose=None,
        outcome="mitosis",
        label=1,
        first_frame=0,
        event_frame=None,
        frame_interval_min=30.0,
        reason=None,
    )


def split_table() -> pd.DataFrame:
    return pd.DataFrame(
        [("r1/1", 0, "train"), ("r1/1", 1, "test"), ("r1/2", 0, "train"), ("r1/3", 0, "test"), ("r1/4", 0, "test"), ("r1/5", 0, "test")],
        columns=["trajectory", "fold", "split"],
    )


def test_held_out_tracks_are_those_that_the_statistics_can_use():
    def chosen(min_frames, treatment, recording="r1"):
        return tracks_to_segment(trajectories_table(), split_table(), recording, min_frames, treatment)["track_id"].tolist()

    assert chosen(8, "cisplatin") == [1, 3]
    assert chosen(9, "cisplatin") == [1]
    assert chosen(8, None) == [1, 3, 5]
    assert chosen(8, "cisplatin", "r2") == []


class MemoryFrames:
    """Frames of a recording with a disc at (10, 12), close to the upper edge, in the second channel."""

    path, channels, n_frames, shape, dtype = "memory", CHANNELS, 12, (64, 64), np.dtype("uint16")
    notes = ()

    def read(self, frame):
        rng = np.random.default_rng(frame)
        return rng.poisson(np.stack([np.full((64, 64), 150), 200 + 800 * disc(64, 10, 12)])).astype(np.uint16)


@pytest.fixture
def crop_file(tmp_path):
    tracks = pd.DataFrame({"recording": "r1", "track_id": 3, "parent_id": None, "frame": range(12), "y": 10.0, "x": 12.0})
    outcomes = pd.DataFrame({"track_id": [3], "outcome": ["mitosis"], "event_frame": pd.array([None], dtype="Int64")})
    path = tmp_path / "crops.h5"
    options = {"recording": "r1", "size": SIZE, "which": "fated", "outcomes_wanted": ["mitosis"], "min_frames": 1}
    extract_crops(MemoryFrames(), tracks, outcomes, path, **options, frame_interval_min=30, pixel_size_um=None)
    return path


def run(crop_file, tmp_path, narrow_file, **changes):
    trajectories_table().query("track_id == 3").to_parquet(tmp_path / "trajectories.parquet")
    split_table().to_parquet(tmp_path / "split.parquet")
    options = {
        "tracks": "held_out",
        "ladder": "single",
        "channel": "p53",
        "diameter": 20.0,
        "flow_threshold": 0.0,
        "cellprob_threshold": 0.0,
        "statistics_min_frames": 8,
        "high_percentile": 90,
        "treatment": "cisplatin",
        "trajectories": tmp_path / "trajectories.parquet",
        "split": tmp_path / "split.parquet",
        "batch_size": 2,
        "device": "cpu",
        "threads": 1,
        "whole_frames_from": None,
        **changes,
    }
    segment_cells(crop_file, narrow_file, tmp_path / "masks.h5", **options)
    return MaskFile(tmp_path / "masks.h5")


def test_segment_cells_writes_masks_up_to_the_last_frame(crop_file, tmp_path, narrow_file):
    with run(crop_file, tmp_path, narrow_file) as masks, CropFile(crop_file) as crops:
        assert masks.track_ids == [3]
        frames, labels = masks.read(3)
        assert frames.tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
        assert labels.shape == (8, SIZE, SIZE)
        assert labels.dtype == np.uint16
        outside = crops.read(3)[1][0, 1] == 0
        assert outside.any()
        assert not labels[:, outside].any()
        true = segmentation.cut(disc(64, 10, 12)[None], 10, 12, SIZE)[0]
        found = labels > 0
        assert (found & true).sum() > 0.5 * (found | true).sum()
        assert (masks.attempts(3) == np.where(labels.any(axis=(1, 2)), 0, -1)).all()
        assert masks.attrs["model_sha256"] == sha256(narrow_file)
        assert masks.settings["attempts"] == [{"channel": 2, "diameter": 20.0}]
        assert masks.settings["max_size_fraction"] == 1
        with pytest.raises(InputError, match="track 9 has no masks"):
            masks.read(9)


def test_the_limit_of_the_statistics_can_follow_the_lengths(crop_file, tmp_path, narrow_file):
    with run(crop_file, tmp_path, narrow_file, statistics_min_frames="auto", high_percentile=70) as masks:
        assert masks.track_ids == [3]  # its 8 frames are the common length
    with run(crop_file, tmp_path, narrow_file, statistics_min_frames="auto") as masks:
        assert masks.track_ids == []  # two high frames need 11


def test_all_tracks_need_no_tables(crop_file, tmp_path, narrow_file):
    with run(crop_file, tmp_path, narrow_file, tracks="all", trajectories=None, split=None) as masks:
        assert masks.read(3)[0].tolist() == list(range(12))


def test_dense_frames_are_segmented_whole_and_cut_as_the_crops_were(crop_file, tmp_path, narrow_file):
    frames = MemoryFrames()
    options = {"tracks": "all", "trajectories": None, "split": None, "frames": frames}
    with run(crop_file, tmp_path, narrow_file, whole_frames_from=1, **options) as masks:
        _, labels = masks.read(3)
        attempts = masks.attempts(3)
        assert masks.settings["whole_frames_from"] == 1
    network = network_of(narrow_file)
    settings = segmentation_settings(diameter=20.0, flow_threshold=0.0)
    for t in range(12):
        whole = segment_crops(network, frames.read(t)[None, [1]], settings)[0]
        np.testing.assert_array_equal(labels[t], segmentation.cut(whole, 10, 12, SIZE)[0])
    true = segmentation.cut(disc(64, 10, 12)[None], 10, 12, SIZE)[0]
    assert ((labels > 0) & true).sum() > 0.5 * ((labels > 0) | true).sum()
    assert (attempts == np.where(labels.any(axis=(1, 2)), 0, -1)).all()


def test_frames_below_the_density_are_segmented_by_crops(crop_file, tmp_path, narrow_file):
    options = {"tracks": "all", "trajectories": None, "split": None, "frames": MemoryFrames()}
    with run(crop_file, tmp_path, narrow_file, **options) as masks:
        alone = masks.read(3)[1]
    with run(crop_file, tmp_path, narrow_file, whole_frames_from=2, **options) as masks:  # there is one crop in a frame
        np.testing.assert_array_equal(masks.read(3)[1], alone)


def test_dense_frames_are_those_with_enough_crops():
    frames = pd.Series([5, 5, 5, 2, 2, 7])
    assert segmentation.dense_frames(frames, 2) == [2, 5]
    assert segmentation.dense_frames(frames, 4) == []
    assert segmentation.dense_frames(frames, None) == []


def test_no_track_gives_a_valid_empty_file(crop_file, tmp_path, narrow_file, monkeypatch):
    monkeypatch.setitem(sys.modules, "cellfate.segmentation.cellpose", None)  # importing it would fail
    with run(crop_file, tmp_path, narrow_file, statistics_min_frames=99) as masks:
        assert masks.track_ids == []
        assert len(masks) == 0
        assert masks.recording == "r1"
    with h5py.File(tmp_path / "masks.h5") as file:
        assert file["masks"].shape == (0, SIZE, SIZE)
        assert json.loads(file.attrs["settings"])["ladder"] == "single"


def test_wrong_choices_are_errors(crop_file, tmp_path, narrow_file):
    with pytest.raises(InputError, match="'phase', but recording r1 has circadian, p53"):
        run(crop_file, tmp_path, narrow_file, channel="phase")
    with pytest.raises(InputError, match=r"segmentation\.tracks is 'some'"):
        run(crop_file, tmp_path, narrow_file, tracks="some")
    with pytest.raises(InputError, match=r"segmentation\.ladder is 'twice'"):
        run(crop_file, tmp_path, narrow_file, ladder="twice")
    assert not (tmp_path / "masks.h5").exists()
