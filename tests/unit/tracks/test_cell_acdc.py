"""Tables of Cell-ACDC: mothers and divisions of cells that bud and of cells that divide into two, deaths, excluded cells, positions."""

from dataclasses import asdict

import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.tracks.outcomes import check_tracks
from cellfate.tracks.raw import RecordingFacts
from cellfate.tracks.statements import AS_IN_THE_FILE, OutcomesFrom

FACTS = RecordingFacts("r", 12, (60, 80))
NONE = {"relationship": "mother", "relative_ID": -1, "division_frame_i": -1, "Cell_ID_tree": -1, "parent_ID_tree": -1}
ALIVE = {"is_cell_dead": 0, "is_cell_excluded": 0}
WORDS = {"division": "mitosis", "is_cell_dead": "apoptosis"}


def row(cell, frame, **more):
    return {"frame_i": frame, "Cell_ID": cell, "x_centroid": 5 * cell, "y_centroid": 2 * cell} | ALIVE | NONE | more


def budding():
    """Cell 1 buds in frame 2 and divides in frame 5, and again in frame 9; its bud 2 divides in frame 8."""
    rows = []
    for t in range(12):
        division = -1 if t < 5 else 5 if t < 9 else 9
        rows.append(
            row(1, t, relative_ID=2 if t >= 2 else -1, division_frame_i=division, Cell_ID_tree=1 if t < 5 else 3, parent_ID_tree=-1)
        )
        if t >= 2:
            own = {"division_frame_i": -1 if t < 5 else 5 if t < 8 else 8, "relationship": "bud" if t < 5 else "mother"}
            rows.append(row(2, t, relative_ID=1, **own, Cell_ID_tree=4, parent_ID_tree=1 if t >= 5 else -1))
    return rows


def symmetric():
    """Cell 1 divides into 2 and 3 in frame 4; 2 into 4 and 5 in frame 8, of which only 4 is seen; cell 6 is alone."""
    frames = {1: (0, 4, -1), 2: (4, 8, 1), 3: (4, 12, 1), 4: (9, 12, 2), 6: (0, 12, -1)}
    rows = []
    for cell, (first, end, mother) in frames.items():
        birth = 8 if cell == 4 else first if mother > 0 else -1
        rows += [row(cell, t, division_frame_i=birth, Cell_ID_tree=cell, parent_ID_tree=mother, root_ID_tree=1) for t in range(first, end)]
    return rows


def check(tmp_path, rows, facts=FACTS, **settings):
    path = tmp_path / "p_acdc_output.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return check_tracks(path, "cell-acdc", facts, 2, OutcomesFrom(**(asdict(AS_IN_THE_FILE) | {"words": WORDS} | settings)))


def ends(checked):
    rows = checked.outcomes[["track_id", "outcome", "event_frame"]].astype(object)
    return {track: (outcome, frame) for track, outcome, frame in rows.where(rows.notna(), None).values.tolist()}


def parents(checked):
    return checked.outcomes.set_index("track_id")["parent_id"].dropna().to_dict()


def test_cells_that_bud(tmp_path):
    checked = check(tmp_path, budding())
    assert parents(checked) == {2: 1}
    assert ends(checked) == {1: ("mitosis", 5), 2: ("mitosis", 8)}  # 5 is the birth of the bud
    assert "goes on to frame 11 beside its daughter 2 (from frame 2)" in checked.outcomes["warning"].tolist()[0]
    assert checked.tracks.iloc[0][["y", "x"]].tolist() == [2, 5]


def test_cells_that_divide_into_two(tmp_path):
    checked = check(tmp_path, symmetric())
    assert parents(checked) == {2: 1, 3: 1, 4: 2}
    assert ends(checked) == {
        1: ("mitosis", 4),
        2: ("mitosis", 8),
        3: ("no_event_by_end", None),
        4: ("no_event_by_end", None),
        6: ("no_event_by_end", None),
    }
    assert checked.sources.set_index("track_id").loc[1, "where"] == "daughter 2, division"
    assert checked.outcomes.set_index("track_id")["lineage"].tolist() == ["r/1"] * 4 + ["r/6"]


def test_no_word_is_used_that_nobody_mapped(tmp_path):
    checked = check(tmp_path, symmetric(), words={})
    assert set(ends(checked).values()) == {("censored", None), ("no_event_by_end", None)}
    assert "its events are division=division (2), tracks each" in checked.warnings[0]


def test_deaths(tmp_path):
    rows = [row(1, t, is_cell_dead=float(t >= 5)) for t in range(8)]
    rows += [row(2, t, is_cell_dead=t == 3) for t in range(12)]
    rows += [row(3, t, is_cell_dead=1) for t in range(4, 12)]
    checked = check(tmp_path, rows)
    assert ends(checked) == {1: ("apoptosis", 5), 2: ("apoptosis", 3), 3: ("censored", None)}
    assert "is_cell_dead is not seen in the track (line 22, dead in its first frame" in checked.outcomes["warning"].tolist()[2]
    named = "1 cells are dead and live on, the first: cell 2 is dead in frame 3 (line 13), not in 4; the first frame counts"
    assert [line.split("csv: ")[1] for line in checked.warnings if "live on" in line] == [named]


def test_excluded_cells_are_censored_and_say_why(tmp_path):
    rows = [row(1, t, is_cell_dead=t >= 5, is_cell_excluded=t >= 3) for t in range(12)] + [row(2, t) for t in range(12)]
    for words in (WORDS, {}):
        checked = check(tmp_path, rows, words=words)
        assert ends(checked) == {1: ("censored", None), 2: ("no_event_by_end", None)}
        assert checked.outcomes["warning"].tolist()[0].startswith("is_cell_excluded from frame 3 on: censored")
        assert checked.sources["where"].tolist()[0] == "line 5, is_cell_excluded"


def test_two_mothers_of_one_bud_are_set_aside(tmp_path):
    rows = [row(cell, t) for cell in range(3, 16) for t in range(12)]
    rows += [row(2, t, relationship="bud", relative_ID=3 if t < 6 else 4) for t in range(2, 12)]
    checked = check(tmp_path, rows)
    assert parents(checked) == {}
    assert checked.left_out["reason"].tolist() == ["the mother of cell 2 is 3, 4 in its frames: none is taken"]


def test_a_tree_of_cycles_is_not_taken_for_cells(tmp_path):
    rows = [row(1, t, Cell_ID_tree=1 if t < 5 else 7, parent_ID_tree=-1 if t < 5 else 1) for t in range(12)]
    checked = check(tmp_path, rows)
    assert parents(checked) == {}
    assert "column parent_ID_tree looks like lineage and is not used" in " ".join(checked.warnings)


def test_rows_in_which_x_and_y_may_be_exchanged_are_named(tmp_path):
    rows = [row(1, t, was_manually_edited=-1) for t in range(12)]
    assert check(tmp_path, rows).warnings[0].split("csv: ")[1].startswith("was_manually_edited is -1")
    rows = [row(1, t, was_manually_edited=0) for t in range(12)]
    assert not [line for line in check(tmp_path, rows).warnings if "was_manually_edited" in line]


def test_tables_that_nobody_annotated(tmp_path):
    rows = [{key: value for key, value in row(1, t).items() if key not in NONE} for t in range(12)]
    assert ends(check(tmp_path, rows)) == {1: ("no_event_by_end", None)}
    empty = [row(1, t) | (dict.fromkeys(NONE, "") if t > 3 else {}) for t in range(12)]
    checked = check(tmp_path, empty)
    assert ends(checked) == {1: ("no_event_by_end", None)}
    assert not [line for line in checked.warnings if "lineage" in line]


def test_own_annotations_are_columns_of_events(tmp_path):
    rows = [row(1, t, rounding=int(t >= 4)) for t in range(12)]
    assert ends(check(tmp_path, rows, words={"rounding=1": "mitosis"}, events=["rounding"]))[1] == ("mitosis", 4)


def test_the_position_of_the_recording(tmp_path):
    rows = [row(n, t, Position_n=f"Position_{n}", experiment_foldername="day1") for n in (1, 2) for t in range(12)]
    for name, cell in (("Position_2", 2), ("day1_Position_1", 1)):
        facts = RecordingFacts(name, 12, (60, 80))
        assert check(tmp_path, rows, facts).outcomes["track_id"].tolist() == [cell]
    with pytest.raises(
        InputError, match=r"several positions \(Position_n is Position_1, Position_2\); none is called r, as the recording is"
    ):
        check(tmp_path, rows)
    assert check(tmp_path, rows[:12]).outcomes["track_id"].tolist() == [1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"relative_ID": "two", "relationship": "bud"},
            "line 2: relative_ID is 'two', a whole number from 0 is needed; empty or -1 is none",
        ),
        ({"frame_i": 1.5}, "line 2: frame_i is '1.5'"),
        ({"x_centroid": ""}, "line 2: x_centroid is ''"),
        ({"x_centroid": 90}, "line 2: x of track 1 is 90, outside the image"),
    ],
)
def test_what_is_wrong_with_a_table(tmp_path, change, message):
    with pytest.raises(InputError, match=f"p_acdc_output.csv: {message}"):
        check(tmp_path, [row(1, 0) | change])
    with pytest.raises(InputError, match="column y_centroid missing"):
        check(tmp_path, [{key: value for key, value in row(1, 0).items() if key != "y_centroid"}])
