"""What btrack says of tracks and objects: fates, states, properties, in its HDF5 file and in its table."""

from dataclasses import asdict

import h5py
import numpy as np
import pytest

from cellfate.tracks.outcomes import check_tracks
from cellfate.tracks.raw import RecordingFacts
from cellfate.tracks.statements import AS_IN_THE_FILE, OutcomesFrom

FACTS = RecordingFacts("r", 10, (60, 80))
TRACKS = {1: (range(4), 1, 4), 2: (range(5, 10), 1, 2), 3: (range(5, 8), 1, 5), 4: (range(10), 4, 21)}  # frames, parent, fate
ROWS = [(track, t) for track, (frames, _, _) in TRACKS.items() for t in frames]


def write(path, fates=None, labels=None, **properties):
    with h5py.File(path, "w") as file:
        file["objects/obj_type_1/coords"] = np.array([(t, 5 * track, 5 * track, 0, 0) for track, t in ROWS], np.float32)
        starts = [ROWS.index((track, frames[0])) for track, (frames, _, _) in TRACKS.items()]
        ends = [start + len(frames) for start, (frames, _, _) in zip(starts, TRACKS.values(), strict=True)]
        group = file.create_group("tracks/obj_type_1")
        group["tracks"] = np.arange(len(ROWS), dtype=np.int32)
        group["map"] = np.array([starts, ends], np.uint32).T
        group["LBEPR"] = np.array([(n, f[0], f[-1], p, 1, 0) for n, (f, p, _) in TRACKS.items()], np.int32)
        if fates is not None:
            group["fates"] = np.array(fates, np.int32)
        if labels is not None:
            file["objects/obj_type_1/labels"] = np.array(labels, np.float32)
        for name, values in properties.items():
            file[f"objects/obj_type_1/properties/{name}"] = np.array(values, np.float32)
    return path


def check(path, **settings):
    return check_tracks(path, "btrack", FACTS, 2, OutcomesFrom(**(asdict(AS_IN_THE_FILE) | settings)))


def ends(checked):
    rows = checked.outcomes[["track_id", "outcome", "event_frame"]].astype(object)
    return {track: (outcome, frame) for track, outcome, frame in rows.where(rows.notna(), None).values.tolist()}


WORDS = {"DIVIDE": "mitosis", "APOPTOSIS": "apoptosis"}
FATES = [fate for *_, fate in TRACKS.values()]


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_fates_of_tracks(tmp_path, shape):
    checked = check(write(tmp_path / "t.h5", np.reshape(FATES, shape)), words=WORDS)
    # a daughter begins in frame 5, one frame after the gap; apoptosis is in the last frame
    assert ends(checked) == {1: ("mitosis", 5), 2: ("no_event_by_end", None), 3: ("apoptosis", 7), 4: ("no_event_by_end", None)}
    assert checked.sources.set_index("track_id").loc[[1, 3], "where"].tolist() == ["fates row 0, fate", "fates row 2, fate"]


def test_a_division_without_daughters_is_after_the_last_frame(tmp_path):
    checked = check(write(tmp_path / "t.h5", [2, 4, 4, 2]), words=WORDS)
    assert ends(checked)[3] == ("mitosis", 8)
    assert ends(checked)[2] == ("censored", None)  # it would be after the recording's last frame
    assert "DIVIDE is not seen in the track (fates row 1, fate): censored" in checked.outcomes["warning"].tolist()[1]


def test_a_daughter_that_begins_before_her_mother_tells_no_division(tmp_path):
    path = write(tmp_path / "t.h5", [2, 2, 4, 2])
    with h5py.File(path, "r+") as file:
        file["tracks/obj_type_1/LBEPR"][2, 3] = 3
        file["tracks/obj_type_1/LBEPR"][0, 3] = 3  # track 1, frames 0 to 3, as the daughter of track 3, frames 5 to 7
    checked = check(path, words=WORDS)
    assert ends(checked)[3] == ("mitosis", 8)
    assert checked.left_out["track"].tolist() == ["1"]


def test_codes_that_btrack_has_not(tmp_path):
    checked = check(write(tmp_path / "t.h5", [77, 2, 666, 0]), words={"fate=77": "slippage", "FALSE_POSITIVE": "censored"})
    assert ends(checked) == {1: ("slippage", 3), 2: ("no_event_by_end", None), 3: ("censored", None), 4: ("censored", None)}
    told = check(write(tmp_path / "t.h5", [77, 2, 666, 21])).warnings
    assert "its events are fate=77 (1), fate=DEAD (1), tracks each; tracks.outcomes_from.words makes no outcome of them" in told[0]


def test_a_file_without_fates_or_with_some_that_say_nothing(tmp_path):
    silent = check(write(tmp_path / "t.h5"), words=WORDS).warnings
    assert check(write(tmp_path / "t.h5", [1, 2, 999, 21], [5] * len(ROWS)), words=WORDS).warnings == silent
    assert not [line for line in silent if "its events are" in line]


def labels(track, states, other=0):
    """States of one track's objects, ``other`` for those of all others."""
    own = iter(states)
    return [[next(own) if one == track else other, 0.5] for one, _ in ROWS]


def test_states_of_objects(tmp_path):
    path = write(tmp_path / "t.h5", FATES, labels(3, [0, 4, 4], 5))
    assert ends(check(path, words=WORDS))[3] == ("apoptosis", 6)  # earlier than the fate
    assert ends(check(path, words={"fate=APOPTOSIS": "apoptosis"}))[3] == ("apoptosis", 7)
    path = write(tmp_path / "t.h5", None, labels(1, [0, 1, 2, 3]))
    assert ends(check(path, words={"METAPHASE": "mitosis"}))[1] == ("mitosis", 2)
    assert check(path).warnings[0].count("state=") == 3  # interphase is no event


def test_labels_that_are_no_states_count_only_where_they_are_named(tmp_path):
    path = write(tmp_path / "t.h5", None, labels(1, [0, 1, 2, 17]))
    assert ends(check(path, words={"PROMETAPHASE": "mitosis", "state=17": "mitosis"}))[1] == ("censored", None)
    assert ends(check(path, words={"state=17": "mitosis"}, events=["state"]))[1] == ("mitosis", 3)


def test_properties_of_objects(tmp_path):
    path = write(tmp_path / "t.h5", dead=[float(row == (3, 6)) for row in ROWS])
    checked = check(path, words={"dead=1": "apoptosis"}, events=["dead", "round"])
    assert ends(checked)[3] == ("apoptosis", 6)
    assert [line.split("t.h5: ")[1] for line in checked.warnings if "has no" in line] == [
        "it has no round, which tracks.outcomes_from.events names; there are dead"
    ]


def test_tables_of_another_length_are_told_and_not_read(tmp_path):
    warnings = check(write(tmp_path / "t.h5", FATES[:2], [0, 4]), words=WORDS).warnings
    assert [line.split("t.h5: ")[1] for line in warnings if "not read" in line] == [
        "fate has shape (2,), 4 rows are needed: not read",
        f"state has shape (2,), {len(ROWS)} rows are needed: not read",
    ]


@pytest.mark.parametrize("fate", [{1: "4", 3: "5"}, {1: "DIVIDE", 3: "Fates.APOPTOSIS"}])
def test_the_table(tmp_path, fate):
    state = {(3, 6): "4", (1, 3): "3"}
    lines = ["ID t x y z parent root state generation dummy fate"]
    lines += [f"{n} {t} {5 * n} {5 * n} 0 {TRACKS[n][1]} 1 {state.get((n, t), '0')} 0 False {fate.get(n, '2')}" for n, t in ROWS]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(lines) + "\n")
    assert ends(check(path, words=WORDS)) == {
        1: ("mitosis", 5),
        2: ("no_event_by_end", None),
        3: ("apoptosis", 6),
        4: ("no_event_by_end", None),
    }
    assert ends(check(path, words={"ANAPHASE": "mitosis"}))[1] == ("mitosis", 3)
    assert "it has no phase, which" in " ".join(check(path, words=WORDS, events=["phase", "state"]).warnings)
