import json
import math
import re

import numpy as np
import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.base.tables import read_table
from cellfate.recordings.annotations import split_annotations, split_by_video
from cellfate.recordings.tables import CELLS
from cellfate.tracks.outcomes import check_tracks
from cellfate.tracks.raw import RecordingFacts
from cellfate.tracks.readers import coco_file
from cellfate.tracks.readers.coco_video import read_coco_video

SHAPE = (200, 100)  # height, width: a swapped axis shows


def read(path, name="001"):
    """The tables of positions and of events."""
    return read_coco_video(path, RecordingFacts(name, 4, SHAPE))[:2]


def check(path):
    return check_tracks(path, "coco-video", RecordingFacts("001", 4, SHAPE), 2)


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
    rows, _ = read(path)
    assert rows["frame"].tolist() == [0, 1, 2]
    np.testing.assert_allclose(rows[["y", "x"]], [[100, 25], [0, 100], [180, 10]])
    assert rows["where"].tolist() == ["annotation 2", "annotation 3", "annotation 1"]


def test_only_category_one_makes_the_track(written):
    path = written(content([box(1, 100, division=3), box(2, 99, division=3), box(3, 97, division=3, category=2)]))
    rows, tracks = read(path)
    assert rows["frame"].tolist() == [0, 1]
    assert tracks["time_of_division"].tolist() == [3]
    assert tracks["time_of_death"].isna().all()


def test_cells_parents_and_events_stay_apart(written):
    path = written(content([box(1, 100, cell=4, division=1), box(2, 99, cell=9, parent_id=4, death=2), box(3, 99, cell=2, parent_id=4)]))
    rows, tracks = read(path)
    assert rows["track_id"].tolist() == [2, 4, 9]
    assert rows["parent_id"].fillna(-1).tolist() == [4, -1, 4]
    assert tracks["track_id"].tolist() == [2, 4, 9]
    assert tracks["time_of_death"].fillna(-1).tolist() == [-1, -1, 2]
    assert tracks["time_of_division"].fillna(-1).tolist() == [-1, 1, -1]


def test_a_time_step_that_is_not_the_frame_is_noted(written):
    path = written(content([box(1, 100, time_step=0), box(2, 99, cell=2, time_step=2)]))
    _, tracks = read(path)
    assert tracks["note"].tolist() == [None, "time_step is 2 where frame_id is 1 (annotation 2)"]


def test_another_recording_in_the_same_file_is_left_out(written):
    data = content([box(1, 100), box(2, 5, cell=8)])
    data["videos"].append({"id": 8, "name": "002"})
    data["images"].append({"id": 5, "video_id": 8, "frame_id": 0})
    path = written(data)
    assert read(path)[0]["track_id"].tolist() == [1]
    assert read(path, "002")[0]["track_id"].tolist() == [8]


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (box(31, [100]), r"annotation 31: image_id \[100\] is not among the images"),
        (box(31, 100, cell=-1), "annotation 31: cell_id is -1"),
        (box(31, 100, cell=2**63), "annotation 31: cell_id is 9223372036854775808, at most 9223372036854775807"),
        (box(31, 100, centre=("a", 0.5)), r"annotation 31: bbox is \['a', 0.5"),
        (box(31, 100, centre=(math.nan, 0.5)), r"annotation 31: bbox is \[nan, 0.5"),
        (box(31, 100, centre=(0.5, 1.01)), r"annotation 31: bbox .* outside the image"),
        (box(31, 100, centre=(-0.01, 0.5)), r"annotation 31: bbox .* outside the image"),
        (box(31, 100, bbox=[0.1, 0.2]), "annotation 31: bbox .* four finite numbers"),
        (box(31, 100, bbox=None), "annotation 31: bbox is None"),
        (box(31, 42), "annotation 31: image_id 42 is not among the images"),
        (box(31, 100, cell="a"), "annotation 31: cell_id is 'a'"),
        ({k: v for k, v in box(31, 100).items() if k != "cell_id"}, "annotation 31: cell_id missing"),
        ({k: v for k, v in box(31, 100).items() if k != "image_id"}, "annotation 31: image_id missing"),
        ("text", "annotation number .*: is 'text'"),
    ],
)
def test_an_odd_annotation_is_set_aside_and_too_many_are_refused(written, capsys, annotation, message):
    with pytest.raises(InputError, match=f"a.json: {message}.*1 of 2 positions have such entries, more than the 5%"):
        check(written(content([box(30, 99, cell=2), annotation])))
    many = [box(200 + 4 * cell + frame, 100 - frame, cell=cell, centre=(0.5, cell / 50)) for cell in range(1, 11) for frame in range(4)]
    checked = check(written(content([*many, annotation])))
    assert len(checked.tracks) == 40
    (row,) = checked.left_out.to_dict("records")
    assert re.search(message, f"{row['where']}: {row['reason']}")
    assert any("1 position left out, the first: annotation" in warning for warning in checked.warnings)


def test_an_event_key_that_is_absent_says_nothing(written):
    short = {key: value for key, value in box(1, 100, division=3).items() if key != "time_of_death"}
    _, events = read(written(content([short, box(2, 99, division=3)])))
    assert events["time_of_division"].tolist() == [3]
    assert events["time_of_death"].isna().all()
    bare = {key: value for key, value in short.items() if key != "time_of_division"}
    _, events = read(written(content([bare, box(2, 99, division=3)])))
    assert events["time_of_division"].tolist() == [3]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"death": 47.5}, "time_of_death of cell 1 is 47.5, a whole number from 0 is needed; null for none"),
        ({"division": -1}, "time_of_division of cell 1 is -1, a whole number from 0 is needed; null for none"),
        ({"death": "soon"}, "time_of_death of cell 1 is 'soon', a whole number"),
        ({"death": [3]}, r"time_of_death of cell 1 is \[3\], a whole number"),
    ],
)
def test_an_event_time_that_is_none_makes_the_track_censored(written, change, reason):
    checked = check(written(content([box(1, 98, **change), box(2, 97, **change), box(3, 97, cell=2, centre=(0.1, 0.1))])))
    assert checked.outcomes["outcome"].tolist() == ["censored", "no_event_by_end"]
    assert re.search(reason, checked.outcomes["warning"].iloc[0])
    (row,) = checked.left_out.to_dict("records")
    assert (row["what"], row["where"], row["track"]) == ("event", "annotation 1", "1")
    assert re.match(reason, row["reason"])


def test_an_odd_value_beside_good_ones_does_not_take_the_event(written):
    checked = check(written(content([box(1, 99, division=3), box(2, 98, division=-1)])))
    assert checked.outcomes[["outcome", "event_frame"]].values.tolist() == [["mitosis", 3]]
    assert checked.left_out["where"].tolist() == ["annotation 2"]


def test_an_event_before_the_start_is_set_aside(written):
    checked = check(written(content([box(1, 98, death=1), box(2, 97, death=1), box(3, 97, cell=2, centre=(0.1, 0.1), division=3)])))
    assert checked.outcomes["outcome"].tolist() == ["censored", "mitosis"]
    assert checked.left_out["reason"].tolist() == ["time_of_death of cell 1 is 1, before the track's start at frame 2"]


def test_a_cell_twice_in_a_frame_keeps_the_first(written):
    many = [box(200 + 4 * cell + frame, 100 - frame, cell=cell, centre=(0.5, cell / 50)) for cell in range(1, 11) for frame in range(4)]
    checked = check(written(content([*many, box(31, 100, centre=(0.9, 0.9))])))
    assert checked.tracks["x"].iloc[0] == 50
    assert checked.left_out["reason"].tolist() == ["track 1 is in frame 0 already (annotation 204)"]


def test_annotations_after_last_image_are_left_out_and_no_oddities(written):
    boxes = [box(10 * cell + t, 100 - t, cell=cell, centre=(0.5, cell / 9), division=3) for cell in (1, 2) for t in range(4)]
    checked = check_tracks(written(content(boxes)), "coco-video", RecordingFacts("001", 2, SHAPE, last_image=1), 2)
    assert checked.outcomes[["track_id", "last_frame", "outcome"]].values.tolist() == [[1, 1, "no_event_by_end"], [2, 1, "no_event_by_end"]]
    assert len(checked.left_out) == 0


def test_texts_that_are_numbers_are_numbers(written):
    data = content([box(1, "100", cell="7", death="3")], name=1)
    data["images"][0]["video_id"] = "7"
    data["images"][0]["frame_id"] = "0"
    checked = check_tracks(written(data), "coco-video", RecordingFacts("1", 4, SHAPE), 5)
    assert checked.outcomes[["track_id", "outcome", "event_frame"]].values.tolist() == [[7, "apoptosis", 3]]


def test_a_byte_order_mark_is_passed_over(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content([box(1, 100)])), encoding="utf-8-sig")
    assert read(path)[0]["track_id"].tolist() == [1]
    assert split_by_video(path, tmp_path / "parts") == {"001": 4}


def test_ids_beyond_floating_point_stay_exact(written):
    cells = (2**53, 2**53 + 1)
    boxes = [box(n, 100 - n, cell=cell, parent_id=2**53 if n else None, centre=(0.5, 0.1 + n / 5)) for n, cell in enumerate(cells)]
    checked = check(written(content(boxes)))
    assert checked.outcomes["track_id"].tolist() == list(cells)
    assert checked.outcomes["parent_id"].tolist() == [pd.NA, 2**53]


@pytest.mark.parametrize("count", [lambda t, first, rank: t + 1, lambda t, first, rank: t - first, lambda t, first, rank: rank + 1])
def test_another_way_to_count_time_steps_is_no_disagreement(written, count):
    cells = {1: [0, 1, 2], 2: [1, 3]}
    boxes = [
        box(10 * cell + t, 100 - t, cell=cell, centre=(0.5, cell / 5), time_step=count(t, frames[0], rank))
        for cell, frames in cells.items()
        for rank, t in enumerate(frames)
    ]
    _, events = read(written(content(boxes)))
    assert events["note"].tolist() == [None, None]


def test_every_annotation_of_a_track_counts_for_its_time_steps(written):
    steps = {1: [0, 1, 2], 2: [0, 1, 3]}
    boxes = [box(10 * cell + t, 100 - t, cell=cell, time_step=step) for cell, all_ in steps.items() for t, step in enumerate(all_)]
    _, events = read(written(content(boxes)))
    assert events["note"].tolist() == [None, "time_step is 3 where frame_id is 2 (annotation 22)"]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (box(2, 99, division=4), "time_of_division of cell 1 is 4, 3 on its first annotation; one value per cell is needed"),
        (box(2, 99), "time_of_division of cell 1 is null, 3 on its first annotation; one value per cell is needed"),
    ],
)
def test_event_times_that_differ_within_a_cell_are_set_aside(written, second, message):
    checked = check(written(content([box(1, 100, division=3), second])))
    assert checked.outcomes["outcome"].tolist() == ["censored"]
    assert checked.left_out[["where", "reason"]].values.tolist() == [["annotation 2", message]]


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
        read(written(data))


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"none.json: no such file"):
        read(tmp_path / "none.json")
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
        for from_part, from_whole in zip(read(tmp_path / f"parts/{name}.json", name), read(whole, name), strict=True):
            pd.testing.assert_frame_equal(from_part, from_whole)


def test_the_order_of_all_cells_is_that_of_the_whole_file(tmp_path, written):
    data = several_videos()
    data["annotations"] += [box(6, "201-2", cell=2), box(7, "002-0", cell=1), box(8, "201-2", cell=9, category=2)]
    split_by_video(written(data), tmp_path / "parts", tmp_path / "cells.tsv")
    cells = read_table(tmp_path / "cells.tsv", CELLS)
    assert list(cells.itertuples(index=False, name=None)) == [("002", 5), ("201", 5), ("201", 2), ("002", 1)]
    data["annotations"] += [box(9 + i, "201-2", cell=cell) for i, cell in enumerate(([3], None, True, -1, 1.5, "x", 2.0, "7"))]
    split_by_video(written(data), tmp_path / "parts", tmp_path / "cells.tsv")  # what is no number is told by the recording's reader
    assert read_table(tmp_path / "cells.tsv", CELLS)["track_id"].tolist() == [5, 5, 2, 1, 7]


def test_a_piece_of_a_large_file_is_read_by_the_name_of_its_recording(tmp_path, written):
    data = several_videos()
    data["videos"] += [{"id": 13, "name": "well 7/B"}, {"id": 14, "name": "007"}]
    data["images"] += [{"id": "late", "video_id": 14, "frame_id": 0}]
    data["annotations"] += [box(6, "late", cell=2)]
    whole = written(data)
    split_annotations(whole, tmp_path / "parts")
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == ["002.json", "003.json", "007.json", "201.json"]
    for name in ("002", "201", "007", "7"):
        for from_part, from_whole in zip(read(tmp_path / "parts", name), read(whole, name), strict=True):
            pd.testing.assert_frame_equal(from_part, from_whole)
    with pytest.raises(InputError, match=r"parts/003.json: recording 003 is empty: no annotation of category 1 on its 3 images"):
        read(tmp_path / "parts", "003")
    with pytest.raises(InputError, match=r"parts: no recording is named '004' in this folder of COCO-video .*; found 002, 003, 007, 201"):
        check_tracks(tmp_path / "parts", "coco-video", RecordingFacts("004", 4, SHAPE), 2)


def test_a_file_of_many_recordings_is_decoded_once(written, monkeypatch):
    whole, scanned = written(several_videos()), []
    scan = coco_file._scan
    monkeypatch.setattr(coco_file, "_scan", lambda text, spans: scanned.append(text) or scan(text, spans))
    assert read(whole, "002")[0]["track_id"].tolist() == [5, 5]
    assert read(whole, "201")[0]["track_id"].tolist() == [5, 5]
    assert len(scanned) == 1
    changed = several_videos()
    changed["annotations"][1]["cell_id"] = 77
    written(changed)
    assert read(whole, "201")[0]["track_id"].tolist() == [5, 77]
    assert len(scanned) == 2


def of_two_videos(*odd):
    """30 annotations in each of two recordings, and others."""
    names = {1: "001", 2: "002"}
    images = [{"id": f"{name}-{frame}", "video_id": video, "frame_id": frame} for video, name in names.items() for frame in range(3)]
    boxes = [box(n, image["id"], cell=cell, centre=(0.5, cell / 50)) for cell in range(10) for n, image in enumerate(images, 10 * cell)]
    return {"videos": [{"id": i, "name": name} for i, name in names.items()], "images": images, "annotations": [*boxes, *odd]}


ODD = [box(900, "of no image"), {"id": 901, "category_id": 1}, "text", box(902, ["a", "list"]), box(903, {"an": "object"})]


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_an_annotation_without_image_stops_no_recording_of_several(tmp_path, written, capsys, odd):
    """It may be of any of them: it is counted against all annotations of the file, and is in none."""
    whole = written(of_two_videos(odd, odd))
    said = "2 of 62 annotations belong to no image and are left out, the first: annotation"
    checked = check(whole)
    assert len(checked.tracks) == 30
    assert len(checked.left_out) == 0
    assert any(said in line for line in checked.warnings)
    for split in (split_by_video, split_annotations):
        capsys.readouterr()
        split(whole, tmp_path / "parts")
        assert said in capsys.readouterr().err
        assert len(json.loads((tmp_path / "parts/001.json").read_text())["annotations"]) == 30
    for use in (check, lambda path: split_by_video(path, tmp_path / "no"), lambda path: split_annotations(path, tmp_path / "no")):
        with pytest.raises(InputError, match=r"a.json: annotation .* \(4 of 64 annotations belong to no image, more than the 5%"):
            use(written(of_two_videos(*[odd] * 4)))


def test_an_image_of_two_recordings_is_named(tmp_path, written):
    data = of_two_videos()
    data["images"].append({"id": "001-0", "video_id": 2, "frame_id": 1})
    for use in (check, lambda path: split_annotations(path, tmp_path / "no")):
        with pytest.raises(InputError, match=r"a.json: image 001-0 stands here for the second time, as one of another video"):
            use(written(data))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON: Expecting value"),
        ("{}", "not COCO-video: a list named 'videos'"),
        ('{1: [], "videos": []}', "not JSON: a key in quotation marks"),
        ('{"videos": []} {"images": []}', "not JSON: more text after the end"),
        ('{"videos": [], "images": ' + "[" * 100_000, "not JSON: maximum recursion"),
        ('{"videos": [' + "9" * 5000 + "]}", "not JSON: Exceeds the limit"),
    ],
)
def test_what_is_no_json_is_named(written, text, message):
    with pytest.raises(InputError, match=f"a.json: {message}"):
        check(written(text))


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
        ({"videos": [{"id": 7, "name": "../001"}]}, "every recording is empty"),
        ({"videos": [{"id": 7, "name": "001"}, {"id": 8, "name": "001"}]}, "video 8: .*'001' stands here for the second time"),
        ({"images": [{"id": 100, "video_id": 9, "frame_id": 0}]}, "image 100: video_id 9 is not among the videos"),
        ({"videos": [{"id": 7, "name": "001"}, {"id": "7", "name": "002"}]}, "video 7: its id stands here for the second time"),
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
