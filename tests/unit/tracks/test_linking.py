from functools import partial

import numpy as np
import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.tracks.edits.file import PLACES, EditedRecording, write_edited
from cellfate.tracks.linking import TrackingSettings, filter_divisions, link_cells, track_cells
from cellfate.tracks.raw import RecordingFacts
from cellfate.tracks.tables import OUTCOMES, TRACKS

tracking_settings = partial(
    TrackingSettings,
    max_step=15.0,
    gap_frames=2,
    divisions=True,
    division_distance=30.0,
    filter_divisions=True,
    division_offset=0.45,
    division_area_ratio=2.0,
    daughter_frames=3,
)


SETTINGS = tracking_settings()
MOTHER = {t: (50.0, 50.0 + t) for t in range(4)}  # goes right, divides after frame 3


def table(*paths, area=100.0):
    rows = [(t, y, x, area) for path in paths for t, (y, x) in path.items()]
    return pd.DataFrame(rows, columns=["frame", "y", "x", "area"])


def daughters(first=4, last=9, reach=8.0):
    return [{t: (50.0 + side * (reach + 2 * (t - first)), 54.0) for t in range(first, last + 1)} for side in (-1, 1)]


LONE = {t: (10.0 + t, 90.0) for t in range(10)}


def test_steps_and_a_division():
    tracks, parents = link_cells(table(MOTHER, *daughters(), LONE), 10, SETTINGS)
    assert tracks.tolist() == [1] * 4 + [3] * 6 + [4] * 6 + [2] * 10
    assert parents == {1: None, 2: None, 3: 1, 4: 1}
    tracks, parents = link_cells(table(MOTHER, *daughters(), LONE), 10, tracking_settings(divisions=False))
    assert set(parents.values()) == {None}


def test_a_cell_that_is_missed_keeps_its_track():
    tracks, _ = link_cells(table({t: at for t, at in LONE.items() if t not in (4, 5)}, MOTHER), 10, SETTINGS)
    assert tracks.tolist() == [1] * 8 + [2] * 4


def test_longer_gaps_and_steps_cut_a_track():
    tracks, _ = link_cells(table({t: at for t, at in LONE.items() if t not in (4, 5, 6)}), 10, SETTINGS)
    assert tracks.nunique() == 2
    jump = {t: (y + 20 * (t > 5), x) for t, (y, x) in LONE.items()}
    assert link_cells(table(jump), 10, SETTINGS)[0].nunique() == 2
    assert link_cells(table(jump), 10, tracking_settings(max_step=25))[0].nunique() == 1


def test_drift_is_taken_off_before_linking():
    shifts = np.cumsum(np.tile([[12.0, -11.0]], (10, 1)), axis=0)
    others = [{t: (30.0 + 20 * k, 40.0 + (t + k) % 2) for t in range(10)} for k in range(6)]
    drifting = table(*others)
    drifting[["y", "x"]] += shifts[drifting["frame"]]
    registered, _ = link_cells(drifting, 10, SETTINGS, shifts)
    assert registered.nunique() == 6
    assert (registered.groupby(np.repeat(range(6), 10)).nunique() == 1).all()
    assert link_cells(drifting, 10, SETTINGS)[0].nunique() > 6
    with pytest.raises(InputError, match=r"shifts of shape \(9, 2\), \(10, 2\) is needed"):
        link_cells(drifting, 10, SETTINGS, shifts[:9])


def test_the_order_of_the_rows_does_not_matter():
    cells = table(MOTHER, *daughters(), LONE)
    shuffled = cells.sample(frac=1, random_state=0)
    tracks, _ = link_cells(cells, 10, SETTINGS)
    again, _ = link_cells(shuffled, 10, SETTINGS)
    pairs = pd.DataFrame({"one": tracks, "other": again.reindex(cells.index)}).drop_duplicates()
    assert len(pairs) == tracks.nunique() == again.nunique()


# mother (0, 0) -> (1, 0) and (1, 1) -> ... ; positions of the daughters, areas, last frames, recording's frames, does it stay?
@pytest.mark.parametrize(
    ("places", "areas", "lasts", "n_frames", "stays"),
    [
        ([(50, 44), (50, 56)], (50, 60), (5, 5), 9, True),
        ([(50, 51), (50, 79)], (50, 60), (5, 5), 9, False),  # midpoint 15 px off, 13.5 allowed
        ([(50, 44), (50, 56)], (50, 101), (5, 5), 9, False),  # areas
        ([(50, 44), (50, 56)], (50, 100), (5, 5), 9, True),
        ([(50, 44), (50, 56)], (50, 60), (5, 2), 9, False),  # the second is seen in two frames
        ([(50, 44), (50, 56)], (50, 60), (5, 3), 9, True),
        ([(50, 44), (50, 56)], (50, 60), (2, 2), 3, True),  # no more frames
    ],
)
def test_each_condition_of_a_division(places, areas, lasts, n_frames, stays):
    last = max(lasts)
    positions = [np.array([(50.0, 50.0)])] + [np.array(places, float)] * last
    links = [((0, 0), (1, k)) for k in (0, 1)] + [((t, k), (t + 1, k)) for k in (0, 1) for t in range(1, lasts[k])]
    sizes = {(t, k): float(areas[k]) for t in range(1, last + 1) for k in (0, 1)} | {(0, 0): 100.0}
    kept = filter_divisions(links, positions, sizes, n_frames, SETTINGS)
    assert (len(kept) == len(links)) == stays
    if not stays:
        assert sorted(set(links) - set(kept)) == [((0, 0), (1, 1))]


def test_the_daughter_that_lives_on_keeps_the_track():
    positions = [np.array([(50.0, 50.0)])] + [np.array([(50.0, 49.0), (50.0, 58.0)])] * 5
    links = [((0, 0), (1, 0)), ((0, 0), (1, 1)), *[((t, 1), (t + 1, 1)) for t in range(1, 5)]]
    kept = filter_divisions(links, positions, dict.fromkeys([(t, k) for t in range(6) for k in (0, 1)], 50.0), 9, SETTINGS)
    assert ((0, 0), (1, 1)) in kept, "the nearer one is seen once"
    assert ((0, 0), (1, 0)) not in kept


def tables(cells, **options):
    options = {"edited": None} | options
    return track_cells(cells, "m.h5", RecordingFacts("r", 10, (100, 120)), settings=SETTINGS, **options)


def test_tracks_made_here_are_edited_too(tmp_path):
    """The daughters of a division that is none are taken for one cell and a new one."""
    cells = table(MOTHER, *daughters(), LONE)
    before = tables(cells)[0][list(PLACES)]
    after = before.assign(track_id=before["track_id"].where(before["track_id"] != 3, 1)).sort_values(
        ["track_id", "frame"], ignore_index=True
    )
    after["parent_id"] = pd.array([pd.NA] * len(after), dtype="Int64")
    row = {
        "recording": "r",
        "track_id": 1,
        "what": "joined",
        "first_frame": 4,
        "last_frame": 9,
        "positions": 6,
        "detail": "here what was 3",
    }
    edited = EditedRecording("r", "r.geff", before, after, {1: 3, 2: 2, 4: 4}, (), pd.DataFrame([row]), {})
    write_edited(edited, tmp_path / "r.json")
    tracks, outcomes = tables(cells, edited=tmp_path / "r.json")
    assert set(tracks["track_id"]) == {1, 2, 4}
    warnings = outcomes.set_index("track_id")["warning"]
    assert warnings[1] == "edited by hand: joined (frames 4 to 9: here what was 3)", "no division is left"
    assert outcomes.set_index("track_id").loc[1, "last_frame"] == 9
    with pytest.raises(InputError, match=r"r.json: the tracks of r are others than those that were edited"):
        tables(table(MOTHER, *daughters()), edited=tmp_path / "r.json")


def test_tables_without_invented_fates(capsys):
    tracks, outcomes = tables(table(MOTHER, *daughters(), LONE, dict.fromkeys(range(2, 7), (90.0, 10.0))))
    check_table(tracks, TRACKS, "again")
    found = check_table(outcomes, OUTCOMES, "again").set_index("track_id")
    assert found["outcome"].to_dict() == {1: "censored", 2: "no_event_by_end", 3: "censored", 4: "no_event_by_end", 5: "no_event_by_end"}
    assert found["event_frame"].isna().all()
    assert found.loc[1, "warning"] == "the tracker sees a division in frame 4 (tracks 4, 5)"
    assert found.drop(1)["warning"].isna().all()
    assert found.loc[[1, 4, 5], "lineage"].unique().tolist() == ["r/1"]


def test_positions_stay_those_of_the_raw_frames():
    shifts = np.cumsum(np.tile([[12.0, 0.0]], (10, 1)), axis=0) - 60
    cells = table({t: (50.0 + shifts[t, 0] * 0.5, 60.0) for t in range(10)})
    tracks, _ = tables(cells, shifts=shifts * 0.5)
    assert tracks["y"].tolist() == cells["y"].tolist()


def test_no_cell_at_all():
    with pytest.raises(InputError, match=r"m.h5: no cell in any of the 10 frames of r; see tracking.channel"):
        tables(table())


def test_frames_without_cells_and_a_single_cell():
    tracks, _ = tables(table({8: (5.0, 5.0)}))
    assert tracks["track_id"].tolist() == [1]
