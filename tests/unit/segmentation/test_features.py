import math
from functools import partial

import numpy as np
import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.base.tables import read_table
from cellfate.crops.extraction import extract_crops
from cellfate.segmentation.features import measure_features, measure_recording
from cellfate.segmentation.mask_file import writing_masks
from cellfate.segmentation.regions import choose_region
from cellfate.segmentation.tables import FEATURES

measure = partial(measure_features, min_area=20, region="centre")


SIZE = 40  # the centre pixel is (20, 20), half the diagonal 28.28


def labels_of(*rectangles: tuple[int, int, int, int]) -> np.ndarray:
    """A label image; rectangles (top, bottom, left, right) get labels 1, 2, ..., the ends not included."""
    labels = np.zeros((SIZE, SIZE), np.uint16)
    for number, (top, bottom, left, right) in enumerate(rectangles, start=1):
        labels[top:bottom, left:right] = number
    return labels


def box(region) -> tuple[int, int, int, int] | None:
    return None if region is None else (region.bbox[0], region.bbox[2], region.bbox[1], region.bbox[3])


def test_centre_takes_the_region_that_covers_the_centre_however_small():
    small, large = (18, 23, 18, 23), (24, 40, 0, 40)
    region, n_neighbors = choose_region(labels_of(large, small), "centre", min_area=20)
    assert box(region) == small
    assert n_neighbors == 1


def test_centre_takes_the_nearest_region_up_to_ten_pixels():
    near, far = (20, 26, 29, 36), (0, 10, 18, 24)  # nearest pixels (20, 29): 9 px, (9, 20): 11 px
    assert box(choose_region(labels_of(far, near), "centre", min_area=20)[0]) == near
    region, n_neighbors = choose_region(labels_of(far), "centre", min_area=20)
    assert region is None
    assert n_neighbors == 1
    assert box(choose_region(labels_of((0, 11, 18, 24)), "centre", min_area=20)[0]) == (0, 11, 18, 24)  # (10, 20): 10 px


def test_centre_ignores_regions_below_the_floor():
    tiny = (19, 23, 19, 23)  # 16 px over the centre
    region, n_neighbors = choose_region(labels_of(tiny), "centre", min_area=20)
    assert region is None
    assert n_neighbors == 0
    assert box(choose_region(labels_of(tiny), "centre", min_area=16)[0]) == tiny


def test_published_weighs_distance_against_area():
    central, large = (17, 23, 17, 23), (0, 40, 30, 40)
    # central: 36 px, centroid (19.5, 19.5), 0.71 px from (20, 20): 1 - 0.025 + 36 / 400 = 1.065
    # large: 400 px, centroid (19.5, 34.5), 14.51 px away: 1 - 0.513 + 1 = 1.487
    region, n_neighbors = choose_region(labels_of(central, large), "published", min_area=20)
    assert box(region) == large
    assert n_neighbors == 1
    wide = (14, 26, 14, 26)  # 144 px: 0.975 + 0.36 = 1.335 against 1 - 0.645 (18.24 px) + 200 / 200 x 1 of the corner
    corner = (28, 40, 28, 40)  # 144 px, centroid (33.5, 33.5), 19.09 px away: 1 - 0.675 + 1 = 1.325; wide: 0.975 + 1
    assert box(choose_region(labels_of(corner, wide), "published", min_area=20)[0]) == wide


def test_published_floor_spares_a_sole_region():
    tiny, other = (0, 4, 0, 4), (36, 40, 36, 40)
    region, n_neighbors = choose_region(labels_of(tiny), "published", min_area=20)
    assert box(region) == tiny
    assert n_neighbors == 0
    assert choose_region(labels_of(tiny, other), "published", min_area=20)[0] is None
    assert choose_region(labels_of(), "published", min_area=20) == (None, 0)


def test_parts_of_one_label_are_regions_and_diagonal_pixels_touch():
    labels = labels_of((18, 23, 18, 23))
    labels[23:28, 23:28] = 1  # touches at a corner
    labels[0:6, 0:6] = 1  # does not
    region, n_neighbors = choose_region(labels, "centre", min_area=20)
    assert region.area == 50
    assert n_neighbors == 1


def test_unknown_rule_is_an_error():
    with pytest.raises(InputError, match=r"features\.region is 'middle'"):
        choose_region(labels_of((18, 23, 18, 23)), "middle", min_area=20)


def test_features_of_a_rectangle_follow_the_formulas():
    top, bottom, left, right = 15, 25, 10, 30  # 10 x 20 px
    labels = labels_of((top, bottom, left, right), (30, 36, 0, 6), (0, 2, 0, 2))
    image = np.zeros((2, SIZE, SIZE))
    image[0, top:bottom, left:right] = np.arange(200).reshape(10, 20)
    image[1] = 7
    row = measure(labels[None], image[None], ["a", "b"]).loc[0]
    assert row["area"] == 200
    assert row["equivalent_diameter_area"] == pytest.approx(math.sqrt(4 * 200 / math.pi))
    assert row["perimeter"] == pytest.approx(2 * (9 + 19))  # through the centres of the border pixels
    assert row["circularity"] == pytest.approx(4 * math.pi * 200 / 56**2)
    # the variance of n numbers in a row is (n^2 - 1) / 12
    assert row["eccentricity"] == pytest.approx(math.sqrt(1 - (10**2 - 1) / (20**2 - 1)))
    assert row["solidity"] == pytest.approx(1)
    assert row["n_neighbors"] == 1
    assert row["intensity_mean-a"] == pytest.approx(99.5)
    assert row["intensity_mean-b"] == 7


def test_frames_without_a_region_are_left_out_and_a_late_label_has_its_intensity():
    late = labels_of((0, 3, 0, 3), (0, 3, 36, 40), (15, 25, 15, 25))  # labels 1 and 2 fall to the floor
    images = np.full((3, 1, SIZE, SIZE), 5.0)
    for region in ("centre", "published"):
        table = measure(np.stack([labels_of(), late, labels_of()]), images, ["p53"], region=region)
        assert table.index.tolist() == [1]
        assert table["intensity_mean-p53"].tolist() == [5.0]
        assert table["n_neighbors"].tolist() == [0]


def test_circularity_is_null_without_a_perimeter():
    table = measure(labels_of((20, 21, 20, 21))[None], np.ones((1, 1, SIZE, SIZE)), ["a"], region="published")
    assert table["perimeter"].tolist() == [0]
    assert table["circularity"].isna().all()


class Frames:
    """Twelve frames of three channels: a square of 1000 + frame counts on 100 + 10 x frame, twice and three times that."""

    path, channels, n_frames, shape, dtype = "memory", ["a", "b", "c"], 12, (80, 80), np.dtype("uint16")
    notes = ()

    def read(self, frame):
        image = np.full((80, 80), 100 + 10 * frame, np.uint16)
        image[35:45, 35:45] = 1000 + frame
        return np.stack([image, 2 * image, 3 * image])


@pytest.fixture
def recording(tmp_path):
    """Crops of tracks 4 and 7 with masks of frames 2 to 5; track 7 is not masked."""
    tracks = pd.concat(
        [pd.DataFrame({"recording": "r1", "track_id": t, "parent_id": None, "frame": range(12), "y": 40.0, "x": 40.0}) for t in (4, 7)],
        ignore_index=True,
    )
    outcomes = pd.DataFrame({"track_id": [4, 7], "outcome": "mitosis", "event_frame": pd.array([None, None], dtype="Int64")})
    options = {"recording": "r1", "size": SIZE, "which": "fated", "outcomes_wanted": ["mitosis"], "min_frames": 1}
    extract_crops(Frames(), tracks, outcomes, tmp_path / "crops.h5", **options, frame_interval_min=30, pixel_size_um=None)
    masks = np.stack([labels_of((15, 25, 15, 25))] * 4)
    masks[1] = 0
    with writing_masks(tmp_path / "masks.h5", 4, SIZE, {"recording": "r1"}, {}) as writer:
        writer.add(4, np.arange(2, 6), masks, np.zeros(4))
    return tmp_path


def measured(folder, **changes) -> pd.DataFrame:
    options = {"region": "centre", "intensity": "counts", "min_area": 20, **changes}
    measure_recording(folder / "masks.h5", folder / "crops.h5", folder / "features.parquet", **options)
    return read_table(folder / "features.parquet", FEATURES)


def test_counts_are_above_the_background_of_their_frame(recording):
    table = measured(recording)
    assert table["recording"].tolist() == ["r1"] * 3
    assert table["track_id"].tolist() == [4] * 3
    assert table["frame"].tolist() == [2, 4, 5]
    assert table["area"].tolist() == [100] * 3
    assert table["intensity_mean-a"].tolist() == [1002 - 120, 1004 - 140, 1005 - 150]
    assert table["intensity_mean-b"].tolist() == [2 * (1002 - 120), 2 * (1004 - 140), 2 * (1005 - 150)]


def test_published_intensities_are_on_the_scale_of_the_masked_frames(recording):
    table = measured(recording, region="published", intensity="published")
    constants = {"a": (2.1058e-07, 0.0221, 1), "b": (4.0051e-07, 0.0421, 2), "c": (2.8826e-07, 0.0303, 3)}

    def seen(channel, counts):
        mean, std, times = constants[channel]
        return (times * counts / 65535 / 65535 - mean) / std

    low, high = min(seen(c, 120) for c in "abc"), max(seen(c, 1005) for c in "abc")  # of frames 2 to 5, all channels
    for channel in "abc":
        expected = [math.floor((seen(channel, counts) - low) / (high - low) * 255) for counts in (1002, 1004, 1005)]
        assert table[f"intensity_mean-{channel}"].tolist() == expected
    assert table["intensity_mean-c"].tolist()[-1] == 255


def test_no_masks_give_a_table_without_rows(recording):
    with writing_masks(recording / "masks.h5", 0, SIZE, {"recording": "r1"}, {}):
        pass
    table = measured(recording)
    assert len(table) == 0
    assert {"area", "intensity_mean-a", "intensity_mean-b"} <= set(table.columns)


def test_masks_of_other_crops_are_an_error(recording):
    with writing_masks(recording / "masks.h5", 2, SIZE, {"recording": "r1"}, {}) as writer:
        writer.add(7, np.array([3, 5]), np.zeros((2, SIZE, SIZE)), np.zeros(2))
    with pytest.raises(InputError, match="track 7 has masks of 2 frames and 3 crops"):
        measured(recording)
    with writing_masks(recording / "masks.h5", 0, SIZE, {"recording": "r2"}, {}):
        pass
    with pytest.raises(InputError, match="masks of recording r2"):
        measured(recording)
    with pytest.raises(InputError, match="no such file"):
        measure_recording(
            recording / "no.h5", recording / "crops.h5", recording / "f.parquet", region="centre", intensity="counts", min_area=20
        )
