"""What napari opens with a GEFF: the frames, and the outlines of cells that were tracked here."""

from pathlib import Path

import geff
import numpy as np
import pandas as pd
import pytest
import zarr
from toy_crops import OUTCOMES

from cellfate.base.errors import InputError
from cellfate.frames.reader import Frames
from cellfate.prediction.viewer_images import array_names, related_objects, write_viewer_images
from cellfate.prediction.viewers import write_geff
from cellfate.segmentation.detections import measure_cells, writing_frame_masks

SIZE = (40, 50)


class Ramps(Frames):
    """Three frames of two channels; a pixel is 100 c + 10 t + its column, and one is far brighter."""

    path, channels, n_frames, shape, dtype = Path("ramps"), ("p53 (far red)", "labels"), 3, SIZE, np.dtype("uint16")

    def read(self, t):
        image = np.add.outer(100 * np.arange(2) + 10 * t, np.tile(np.arange(SIZE[1]), (SIZE[0], 1))).astype(np.uint16)
        image[:, 0, 0] = 60_000
        return image

    def check(self):
        """Nothing to check."""


@pytest.fixture
def tracked(tmp_path):
    """Masks with two cells in each frame, the second numbered first in frame 1, and the tracks 4 and 9 made of them."""
    with writing_frame_masks(tmp_path / "m.h5", 3, SIZE, {}) as writer:
        for t in range(3):
            image = np.zeros(SIZE, np.uint16)
            image[5:10, 5 + t : 11 + t], image[20:30, 20:26] = (2, 1) if t == 1 else (1, 2)
            writer.add(image)
    cells = measure_cells(tmp_path / "m.h5").sort_values(["y", "frame"], ignore_index=True)
    tracks = cells.assign(recording="r", track_id=np.repeat([4, 9], 3), parent_id=pd.array([pd.NA] * 6, dtype="Int64"))
    return tmp_path / "m.h5", tracks[["recording", "track_id", "parent_id", "frame", "y", "x"]]


def opened(path: Path) -> list:
    """What napari-geff 0.0.4 hands to napari: the array behind each related object, found from the GEFF's own folder."""
    return [(one.type, zarr.open(path / one.path, mode="r")) for one in geff.read(path)[1].related_objects]


def test_everything_opens_from_where_the_geff_lies(tmp_path, tracked):
    masks, tracks = tracked
    folder = tmp_path / "predictions"
    write_viewer_images(folder / "r.images.zarr", Ramps(), tracks, masks, frame_interval_min=30, pixel_size_um=None)
    how = {"frame_interval_min": 30, "pixel_size_um": None, "images": folder / "r.images.zarr"}
    write_geff(tracks, None, None, folder / "r.geff", OUTCOMES, **how)
    folder = folder.rename(tmp_path / "elsewhere")
    found = opened(folder / "r.geff")
    assert [(kind, type(array), array.shape, array.dtype) for kind, array in found] == [
        *[("image", zarr.Array, (3, *SIZE), np.uint8)] * 2,
        ("labels", zarr.Array, (3, *SIZE), np.uint32),
    ]
    graph, metadata = geff.read(folder / "r.geff")
    assert [axis.name for axis in metadata.axes] == ["t", "y", "x"]
    labels, prop = found[2][1][:], metadata.related_objects[2].node_prop
    assert len(graph) == 6
    for node in graph.nodes.values():
        assert labels[node["t"], round(node["y"]), round(node["x"])] == node[prop]
    assert set(np.unique(labels)) == {0, 4, 9}
    assert metadata.track_node_props == {"tracklet": "track_id"}
    assert 0 not in graph, "0 is the background"


def test_frames_are_seen_between_black_and_white_of_their_channel(tmp_path):
    write_viewer_images(tmp_path / "i.zarr", Ramps(), None, None, frame_interval_min=30, pixel_size_um=0.5)
    first = zarr.open_group(tmp_path / "i.zarr", mode="r")["p53_far_red"]
    assert first.attrs["channel"] == "p53 (far red)"
    black, white = first.attrs["limits"]
    assert (black, white) == pytest.approx((0, 69), abs=1)
    assert first[1, 20, 30] == pytest.approx((40 - black) / (white - black) * 255, abs=0.6)
    assert first[0, 0, 0] == 255
    assert [one["path"] for one in related_objects(tmp_path / "i.zarr", tmp_path / "deep/er/r.geff")] == [
        "../../../i.zarr/p53_far_red",
        "../../../i.zarr/labels_2",
    ]


def test_names_of_arrays_are_names_of_folders_each_once():
    assert array_names(["a/b", "a b", "Labels", "\u00b5"]) == ["a_b", "a_b_2", "Labels_2", "channel"]


def test_masks_of_other_frames_are_refused(tmp_path, tracked):
    class Longer(Ramps):
        n_frames = 4

    with pytest.raises(InputError, match=r"m.h5: 3 frames of \(40, 50\), the recording has 4"):
        write_viewer_images(tmp_path / "i.zarr", Longer(), tracked[1], tracked[0], frame_interval_min=30, pixel_size_um=0.5)
    assert not (tmp_path / "i.zarr").exists()
