"""Tables of celldetective: classes and their times, positions, rows of cells that were not tracked."""

from dataclasses import asdict

import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.tracks.outcomes import check_tracks
from cellfate.tracks.raw import RecordingFacts
from cellfate.tracks.statements import AS_IN_THE_FILE, OutcomesFrom

FACTS = RecordingFacts("r", 12, (60, 80), 0.5)
CONTENT = {"class_id": 3, "class_color": "tab:red", "class_firstdetection": 2.0, "t_firstdetection": -1.0, "class": 1.0, "t0": -1.0}


def row(track, frame, **more):
    place = {"TRACK_ID": track, "FRAME": frame, "POSITION_X": 5.0 * track, "POSITION_Y": 2.0 * track, "POSITION_X_um": 2.5 * track}
    return place | CONTENT | more


def cell(track, frames=range(12), **more):
    return [row(track, t, **more) for t in frames]


def check(tmp_path, rows, facts=FACTS, **settings):
    path = tmp_path / "trajectories_targets.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return check_tracks(
        path, "celldetective", facts, 2, OutcomesFrom(**(asdict(AS_IN_THE_FILE) | {"words": {"death": "apoptosis"}} | settings))
    )


def ends(checked):
    rows = checked.outcomes[["track_id", "outcome", "event_frame"]].astype(object)
    return {track: (outcome, frame) for track, outcome, frame in rows.where(rows.notna(), None).values.tolist()}


@pytest.mark.parametrize(
    ("class_death", "t_death", "outcome", "frame"),
    [
        (0.0, 5.0, "apoptosis", 5),
        (0, 5.2, "apoptosis", 6),  # the first frame at or after it
        (0, 5.9999999999, "apoptosis", 6),
        (1.0, -1.0, "no_event_by_end", None),
        (1.0, 5.0, "no_event_by_end", None),
        ("", "", "no_event_by_end", None),
        (2.0, 5.0, "censored", None),
        (42, -1, "censored", None),
        (0, -1, "censored", None),
        (0, "", "censored", None),
        (0, "inf", "censored", None),
        (0, 11.5, "censored", None),  # after the recording's last frame
    ],
)
def test_a_class_and_its_time(tmp_path, class_death, t_death, outcome, frame):
    checked = check(tmp_path, cell(1, class_death=class_death, t_death=t_death))
    assert ends(checked) == {1: (outcome, frame)}
    warning = checked.outcomes["warning"].tolist()[0]
    if outcome == "censored":
        assert "death is not seen in the track (line 2, class" in warning
    assert checked.tracks.iloc[0][["y", "x"]].tolist() == [2, 5]


def test_several_classes_and_only_those_that_somebody_mapped(tmp_path):
    rows = cell(1, class_death=1, t_death=-1, class_division=0, t_division=3.5) + cell(
        2, class_death=0, t_death=7, class_division=2, t_division=-1
    )
    assert ends(check(tmp_path, rows)) == {1: ("no_event_by_end", None), 2: ("apoptosis", 7)}
    both = check(tmp_path, rows, words={"class_death=death": "apoptosis", "division": "mitosis"})
    assert ends(both) == {1: ("mitosis", 4), 2: ("censored", None)}
    assert ends(check(tmp_path, cell(1, **{"class": 0, "t0": 4}), words={"class": "mitosis"})) == {1: ("mitosis", 4)}


def test_an_event_before_its_track_begins(tmp_path):
    assert ends(check(tmp_path, cell(1, range(6, 12), class_death=0, t_death=3))) == {1: ("censored", None)}


def test_a_class_that_changes_within_a_track_is_named(tmp_path):
    rows = cell(1, range(6), class_death=0, t_death=3) + cell(1, range(6, 12), class_death=1, t_death=-1)
    rows += cell(2, range(6), class_death=0, t_death=3) + cell(2, range(6, 12), class_death=0, t_death=4)
    rows += cell(3, range(6), class_death="", t_death="") + cell(3, range(6, 12), class_death=0, t_death=8)
    checked = check(tmp_path, rows)
    assert ends(checked) == {1: ("censored", None), 2: ("censored", None), 3: ("apoptosis", 8)}
    assert "class_death is 0 in line 2 and 1 in line 8" in checked.outcomes["warning"].tolist()[0]
    assert "t_death is 3 in line 14 and 4 in line 20" in checked.outcomes["warning"].tolist()[1]
    assert [line.split("csv: ")[1] for line in checked.warnings if "changes" in line] == [
        "class_death changes within 2 tracks, the first: track 1, class_death is 0 in line 2 and 1 in line 8"
    ]


def test_a_class_without_a_time_is_named(tmp_path):
    checked = check(tmp_path, cell(1, class_group=0))
    assert [line.split("csv: ")[1] for line in checked.warnings if "has no" in line] == [
        "class_group has no t_group, so nobody knows when its events were: not read"
    ]


def test_the_position_of_the_recording(tmp_path):
    rows = [one | {"position": f"C:\\exp\\W1\\{n}00\\", "pos_name": f"{n}00", "well_name": "W1"} for n in (1, 2) for one in cell(n)]
    for name, track in (("100", 1), ("W1_200", 2)):
        assert check(tmp_path, rows, RecordingFacts(name, 12, (60, 80))).outcomes["track_id"].tolist() == [track]
    with pytest.raises(InputError, match=r"several positions \(position is C:.*\); none is called r, as the recording is"):
        check(tmp_path, rows)
    assert check(tmp_path, rows[:12]).outcomes["track_id"].tolist() == [1]


def test_rows_of_cells_that_were_not_tracked(tmp_path):
    rows = [*cell(1.0), row(2, 3) | {"TRACK_ID": None}]
    assert check(tmp_path, rows).outcomes["track_id"].tolist() == [1]
    with pytest.raises(InputError, match="column TRACK_ID missing"):
        check(tmp_path, [{key: value for key, value in one.items() if key != "TRACK_ID"} for one in rows])
    with pytest.raises(InputError, match=r"recording r is empty: no row has a TRACK_ID"):
        check(tmp_path, [row(1, 3) | {"TRACK_ID": ""}])


def test_mothers_of_btrack_and_own_columns(tmp_path):
    rows = cell(1, range(5), parent=1, root=1, generation=0, ID=7, state=5) + cell(
        2, range(5, 12), parent=1, root=1, generation=1, ID=8, state=4
    )
    checked = check(tmp_path, rows, words={"state=4": "apoptosis"}, events=["state"])
    assert checked.outcomes["parent_id"].tolist() == [pd.NA, 1]
    assert ends(checked)[2] == ("apoptosis", 5)
    assert not [line for line in checked.warnings if "lineage" in line]


def test_a_class_that_is_no_number(tmp_path):
    with pytest.raises(InputError, match=r"trajectories_targets.csv: line 2: class_death is 'yes', a whole number is needed"):
        check(tmp_path, cell(1, class_death="yes", t_death=3))
    with pytest.raises(InputError, match=r"line 2: t_death is 'soon', a number is needed"):
        check(tmp_path, cell(1, class_death=0, t_death="soon"))
