from dataclasses import replace

import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.tracks.oddities import crowding_warning, median_spacing
from cellfate.tracks.outcomes import check_tracks
from cellfate.tracks.raw import RecordingFacts


def check(tmp_path, rows, pixel_size_um=None):
    """``rows``: (track, parent, frame, y, x)."""
    path = tmp_path / "t.csv"
    pd.DataFrame(rows, columns=["track_id", "parent_id", "frame", "y", "x"]).to_csv(path, index=False)
    found = check_tracks(path, "csv", RecordingFacts("r", 10, (60, 80), pixel_size_um), 2)
    return replace(found, warnings=tuple(line for line in found.warnings if "none of its tracks has a fate" not in line))


def warnings(checked):
    return checked.outcomes.set_index("track_id")["warning"].dropna().to_dict()


def cell(track, frames, parent=None, x=None):
    return [(track, parent, t, 5.0 + t, 10.0 * track if x is None else x) for t in frames]


def test_a_mother_that_lives_on_beside_her_daughters_is_named(tmp_path):
    checked = check(tmp_path, cell(1, range(6)) + cell(2, range(3, 9), 1) + cell(3, range(3, 9), 1))
    assert warnings(checked) == {1: "goes on to frame 5 beside its daughters 2, 3 (from frame 3)"}
    assert checked.outcomes["parent_id"].tolist() == [pd.NA, 1, 1]
    assert checked.warnings[0].endswith(
        "1 of 3 tracks share cells or time with others: track 1 goes on to frame 5 beside its daughters 2, 3 (from frame 3)"
    )


def test_a_daughter_that_begins_with_her_mothers_last_point_is_named(tmp_path):
    checked = check(tmp_path, cell(1, range(4), x=10.0) + cell(2, range(3, 9), 1, x=10.0))
    assert warnings(checked) == {2: "begins with a position of its mother 1 (frame 3)"}


def test_one_detection_in_two_tracks_is_named(tmp_path):
    checked = check(tmp_path, cell(1, range(4), x=10.0) + cell(2, range(2, 9), x=10.0) + cell(3, range(9)))
    assert warnings(checked) == {2: "has the same position as track 1 in 2 frames from 2 on: one cell in two tracks?"}


def test_a_mother_that_is_not_there_before_her_daughter_is_left_out(tmp_path):
    checked = check(tmp_path, cell(1, range(2, 9)) + cell(2, range(2, 9), 1) + cell(3, range(9)))
    assert checked.outcomes["parent_id"].isna().all()
    assert checked.left_out.drop(columns="recording").values.tolist() == [
        ["mother", "line 9", "2", 2, "track 2 begins in frame 2, its mother 1 not before it (frame 2)"]
    ]
    assert checked.warnings[0].endswith(
        "t.csv: 1 mother left out, the first: line 9: track 2 begins in frame 2, its mother 1 not before it (frame 2)"
    )
    with pytest.raises(InputError, match=r"line 9: track 2 begins .*\(2 of 3 tracks have such entries, more than the 5%"):
        check(tmp_path, cell(1, range(2, 9)) + cell(2, range(2, 9), 1) + cell(3, range(9), 1))


def test_frames_that_seem_to_count_from_1_are_named(tmp_path):
    assert (
        "no track is in frame 0, the first is in frame 1: are its frames counted from 1?"
        in check(tmp_path, cell(1, range(1, 10))).warnings[0]
    )
    with pytest.raises(
        InputError, match=r"frame of track 1 is 10, the recording's frames are 0 to 9; none of the file is 0: are its frames counted from 1"
    ):
        check(tmp_path, cell(1, range(1, 11)))


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([0, 2, 4, 6, 8], "no track is in two consecutive frames (track 1: 0, 2, 4 ...): are frames counted in another unit of time"),
        ([0, 3, 5, 9], "no track is in two consecutive frames (track 1: 0, 3, 5 ...)"),
        ([0, 1, 9], "cells are missing in 70% of the frames between the first and last of their tracks: are the frames right?"),
    ],
)
def test_tracks_with_cells_in_few_of_their_frames_are_named(tmp_path, frames, words):
    (warning,) = check(tmp_path, cell(1, frames) + cell(2, frames)).warnings
    assert words in warning
    assert check(tmp_path, cell(1, [0, 1, 2, 4, 5]) + cell(2, [3])).warnings == ()


def test_positions_that_seem_to_be_micrometres_are_named(tmp_path):
    rows = [row for track in range(1, 7) for row in cell(track, range(10), x=4.0 * track)]
    (warning,) = check(tmp_path, rows, pixel_size_um=0.65).warnings
    assert (
        "all positions are within the first 65% of the image in both directions: are they micrometres (pixel_size_um is 0.65)?" in warning
    )
    assert check(tmp_path, [*rows, (9, None, 0, 50.0, 70.0)], pixel_size_um=0.65).warnings == ()
    assert check(tmp_path, rows).warnings == ()


@pytest.mark.parametrize(
    ("rows", "size", "message"),
    [
        (cell(1, range(9), x=70.0), 0.65, None),
        (
            [(1, None, t, 70.0, 40.0 + t) for t in range(9)],
            None,
            r"\(9 of 9 positions are outside\); all would be inside with x and y exchanged",
        ),
        (
            [(1, None, t, 70.0, 130.0 + t) for t in range(9)],
            2,
            r"\(9 of 9 positions are outside\); all would be inside if they were micrometres",
        ),
        ([(1, None, t, 7000.0, 70.0) for t in range(9)], None, r"\(9 of 9 positions are outside\); are they in another unit than pixels"),
    ],
)
def test_positions_outside_the_image_come_with_their_likely_cause(tmp_path, rows, size, message):
    if message is None:
        assert check(tmp_path, rows, size).left_out.empty
        return
    with pytest.raises(InputError, match=f"line 2: y of track 1 is .*, outside the image, 0 to 60 pixels is needed {message}"):
        check(tmp_path, rows, size)


def test_other_cells_in_crops_are_counted_in_the_same_frame_and_recording_only():
    grid = [(frame, 10.0 * y, 10.0 * x) for frame in range(3) for y in range(3) for x in range(3)]
    tracks = pd.DataFrame(grid, columns=["frame", "y", "x"])
    assert median_spacing(tracks) == 10
    assert crowding_warning(tracks, 20) is None  # neighbours lie on the edge, which is no longer in the crop
    assert crowding_warning(tracks, 22).startswith("crops of 22 px hold 5 other cells in the median (crops.size)")
    alone = tracks.assign(recording=[f"r{number % 9}" for number in range(len(tracks))])
    assert median_spacing(alone) is None
    assert crowding_warning(alone, 112) is None


def test_tracks_that_end_long_before_the_images_are_worth_a_look(tmp_path):
    said = check(tmp_path, [row for track in range(1, 6) for row in cell(track, range(5))]).warnings
    assert [one for one in said if "t.csv: no track goes beyond frame 4 of 10 (recording r): do tracks and images belong together?" in one]
    late = [row for track in range(1, 6) for row in cell(track, range(track + 1))]
    assert not [one for one in check(tmp_path, late).warnings if "no track goes" in one]
