import json
import math

import numpy as np
import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.recordings.annotations import split_by_video
from cellfate.tracks.readers.coco_video import read_coco_video

SHAPE = (200, 100)  # height, width: a swapped axis shows


def box(identity, image, cell=1, centre=(0.5, 0.25), death=None, division=None, category=1, **more):
    return {
        "id": identity,
        "image_id": image,
        "category_id": category,
        "bbox": [*centre, 0.1, 0.1],
        "cell_id": cell,
        "time_of_death": death,
        "time_of_division": division,
    } | more


def content(annotations, n_images=4, name="001"):
    """Image ids run backwards, so that an order by id is wrong."""
    images = [{"id": 100 - frame, "video_id": 7, "frame_id": frame, "file_name": f"{frame}.tif"} for frame in range(n_images)]
    return {"videos": [{"id": 7, "name": name}], "images": images, "categories": [{"id": 1}], "annotations": annotations}


@pytest.fixture
def written(tmp_path):
    def write(data, name="a.json"):
        path = tmp_path / name
        path.write_text(data if isinstance(data, str) else json.dumps(data))
        return path

    return write


def test_centre_first_boxes_ordered_by_frame(written):
    path = written(content([box(1, 98, centre=(0.1, 0.9)), box(2, 100, centre=(0.25, 0.5)), box(3, 99, centre=(1.0, 0.0))]))
    rows, _ = read_coco_video(path, "001", SHAPE)
    assert rows["frame"].tolist() == [0, 1, 2]
    np.testing.assert_allclose(rows[["y", "x"]], [[100, 25], [0, 100], [180, 10]])
    assert rows["where"].tolist() == ["annotation 2", "annotation 3", "annotation 1"]


def test_only_category_one_makes_the_track(written):
    path = written(content([box(1, 100, division=3), box(2, 99, division=3), box(3, 97, division=3, category=2)]))
    rows, tracks = read_coco_video(path, "001", SHAPE)
    assert rows["frame"].tolist() == [0, 1]
    assert tracks["time_of_division"].tolist() == [3]
    assert tracks["time_of_death"].isna().all()


def test_cells_parents_and_events_stay_apart(written):
    path = written(content([box(1, 100, cell=4, division=1), box(2, 99, cell=9, parent_id=4, death=2), box(3, 99, cell=2, parent_id=4)]))
    rows, tracks = read_coco_video(path, "001", SHAPE)
    assert rows["track_id"].tolist() == [2, 4, 9]
    assert rows["parent_id"].fillna(-1).tolist() == [4, -1, 4]
    assert tracks["track_id"].tolist() == [2, 4, 9]
    assert tracks["time_of_death"].fillna(-1).tolist() == [-1, -1, 2]
    assert tracks["time_of_division"].fillna(-1).tolist() == [-1, 1, -1]


def test_a_time_step_that_is_not_the_frame_is_noted(written):
    path = written(content([box(1, 100, time_step=0), box(2, 99, cell=2, time_step=2)]))
    _, tracks = read_coco_video(path, "001", SHAPE)
    assert tracks["note"].tolist() == [None, "time_step is 2 where frame_id is 1 (annotation 2)"]


def test_another_recording_in_the_same_file_is_left_out(written):
    data = content([box(1, 100), box(2, 5, cell=8)])
    data["videos"].append({"id": 8, "name": "002"})
    data["images"].append({"id": 5, "video_id": 8, "frame_id": 0})
    path = written(data)
    assert read_coco_video(path, "001", SHAPE)[0]["track_id"].tolist() == [1]
    assert read_coco_video(path, "002", SHAPE)[0]["track_id"].tolist() == [8]


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (box(31, 100, centre=(math.nan, 0.5)), r"annotation 31: bbox is \[nan, 0.5"),
        (box(31, 100, centre=(0.5, 1.01)), r"annotation 31: bbox .* outside the image"),
        (box(31, 100, centre=(-0.01, 0.5)), r"annotation 31: bbox .* outside the image"),
        (box(31, 100, bbox=[0.1, 0.2]), "annotation 31: bbox .* four finite numbers"),
        (box(31, 100, bbox=None), "annotation 31: bbox is None"),
        (box(31, 42), "annotation 31: image_id 42 is not among the images"),
        (box(31, 100, cell="a"), "annotation 31: cell_id is 'a'"),
        (box(31, 100, death=47.5), "annotation 31: time_of_death is 47.5, a whole number"),
        (box(31, 100, division=-2), "annotation 31: time_of_division is -2"),
        ({k: v for k, v in box(31, 100).items() if k != "cell_id"}, "annotation 31: cell_id missing"),
        ({k: v for k, v in box(31, 100).items() if k != "time_of_death"}, "annotation 31: time_of_death missing"),
        ({k: v for k, v in box(31, 100).items() if k != "image_id"}, "annotation 31: image_id missing"),
        ("text", "annotation number 1 is 'text'"),
    ],
)
def test_a_bad_annotation_is_named(written, annotation, message):
    path = written(content([box(30, 99, cell=2), annotation]))
    with pytest.raises(InputError, match=f"a.json: {message}"):
        read_coco_video(path, "001", SHAPE)


def test_event_times_that_differ_within_a_cell(written):
    path = written(content([box(1, 100, division=3), box(2, 99, division=4)]))
    with pytest.raises(InputError, match=r"annotation 2: time_of_division of cell 1 is 4, 3 on its first annotation"):
        read_coco_video(path, "001", SHAPE)
    path = written(content([box(1, 100, death=3), box(2, 99)]))
    with pytest.raises(InputError, match=r"annotation 2: time_of_death of cell 1 is null, 3 on its first"):
        read_coco_video(path, "001", SHAPE)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ('{"videos": [', "a.json: not JSON: .*line 1"),
        ("[]", "a.json: not COCO-video: a list named 'videos'"),
        ({"videos": [], "images": []}, "a list named 'annotations'"),
        (content([box(1, 100)], name="002"), "0 videos are named '001', one is needed; found 002"),
        (content([]), "recording 001 is empty: no annotation of category 1 on its 4 images"),
        (content([box(1, 100, category=2)]), "recording 001 is empty"),
        (content([box(1, 100)]) | {"images": [{"id": 100, "video_id": 7}]}, "image 100: frame_id missing"),
        (content([box(1, 100)]) | {"images": [{"id": 100, "video_id": 7, "frame_id": 0.5}]}, "image 100: frame_id is 0.5"),
    ],
)
def test_a_bad_file_is_named(written, data, message):
    with pytest.raises(InputError, match=message):
        read_coco_video(written(data), "001", SHAPE)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"none.json: no such file"):
        read_coco_video(tmp_path / "none.json", "001", SHAPE)
    with pytest.raises(InputError, match=r"none.json: no such file"):
        split_by_video(tmp_path / "none.json", tmp_path / "out")


def several_videos():
    """Three recordings, one of them without tracks; annotations in no order, ids that are texts as well as numbers."""
    names = {10: "201", "b": "002", 12: "003"}
    images = [{"id": f"{name}-{frame}", "video_id": video, "frame_id": frame} for video, name in names.items() for frame in range(3)]
    annotations = [
        box(1, "002-2", cell=5, division=3),
        box(2, "201-0", cell=5, centre=(0.5, 0.125)),
        box(3, "002-1", cell=5, division=3, comment='a "quoted" ], } é'),
        box(4, "201-1", cell=5),
        box(5, "003-0", category=2),
    ]
    return {
        "videos": [{"id": video, "name": name} for video, name in names.items()],
        "annotations": annotations,  # before the images, as a file may have it
        "categories": [{"id": 1, "name": "cell"}],
        "images": images,
    }


@pytest.mark.parametrize("indent", [None, 2])
def test_the_split_files_hold_what_the_whole_file_holds(tmp_path, capsys, indent):
    whole = tmp_path / "whole.json"
    whole.write_text(json.dumps(several_videos(), indent=indent, ensure_ascii=False), encoding="utf-8")
    assert split_by_video(whole, tmp_path / "parts") == {"002": 3, "201": 3}
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == ["002.json", "201.json"]
    assert "left out, no tracks: 003" in capsys.readouterr().err
    part = json.loads((tmp_path / "parts/002.json").read_text(encoding="utf-8"))
    assert part["annotations"] == [several_videos()["annotations"][0], several_videos()["annotations"][2]]
    assert part["categories"] == [{"id": 1, "name": "cell"}]
    for name in ("002", "201"):
        for from_part, from_whole in zip(
            read_coco_video(tmp_path / f"parts/{name}.json", name, SHAPE), read_coco_video(whole, name, SHAPE), strict=True
        ):
            pd.testing.assert_frame_equal(from_part, from_whole)


def test_a_second_split_replaces_the_first(tmp_path, written):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/old.json").write_text("{}")
    split_by_video(written(content([box(1, 100)])), tmp_path / "parts")
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["001.json"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"annotations": [box(31, 42)]}, "annotation 31: image_id 42 is not among the images"),
        ({"annotations": [{"id": 31}]}, "annotation 31: image_id, category_id missing"),
        ({"annotations": []}, "every recording is empty"),
        ({"annotations": {}}, "a list named 'annotations'"),
        ({"videos": [{"id": 7, "name": "../001"}]}, "video 7: name '../001'"),
        ({"videos": [{"id": 7, "name": "001"}, {"id": 8, "name": "001"}]}, "video 8: .*'001' stands here for the second time"),
        ({"images": [{"id": 100, "video_id": 9, "frame_id": 0}]}, "image 100: video_id 9 is not among the videos"),
        ({"images": [{"id": 100, "video_id": 7, "frame_id": 0}] * 2}, "image 100: its id stands here for the second time"),
    ],
)
def test_a_bad_whole_file_is_named(tmp_path, written, change, message):
    with pytest.raises(InputError, match=f"a.json: .*{message}"):
        split_by_video(written(content([box(1, 100)]) | change), tmp_path / "parts")
    assert not (tmp_path / "parts").exists()


@pytest.mark.parametrize("cut", range(5, 600, 17))
def test_a_whole_file_cut_anywhere_is_not_json(tmp_path, written, cut):
    text = json.dumps(content([box(1, 100), box(2, 99)]))
    assert len(text) > 600
    with pytest.raises(InputError, match=r"a.json: not JSON"):
        split_by_video(written(text[:cut]), tmp_path / "parts")
