from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from toy_risks import INPUTS, TIMES, inputs_of, tracks

from cellfate.base.errors import InputError
from cellfate.model.risks.batches import batch_of
from cellfate.model.risks.course import STATISTICS, course_columns, course_of
from cellfate.model.risks.inputs import FOUND, FrameInputs, InputSettings, Standard, read_frame_embedding
from cellfate.model.risks.tracks import NONE, track_of

HAZARDS = {"slow": (0.02, 0.02), "fast": (0.1, 0.1)}


@pytest.fixture
def data():
    return tracks(2, 6, HAZARDS, 12, seed=1)


def rows(table, **values):
    return list(table.assign(**values).itertuples())


def test_rings_are_logarithms_and_times_are_hours(data):
    table, rings = data
    row = rows(table)[0]
    inputs = FrameInputs(rings, None, None, {"r0": 2.0}, TIMES)
    frames, values = inputs.of(row)
    assert inputs.columns == ["a-ring0-mean", "hours of track", "hours of film"]
    own = rings[(rings["recording"] == "r0") & (rings["track_id"] == row.track_id)]
    assert values[:, 0] == pytest.approx(np.log1p(own["a-ring0-mean"].to_numpy()), abs=1e-5)
    assert values[:, 1].tolist() == (frames / 2).tolist()
    assert values[:, 2].tolist() == (frames / 2 - 2).tolist()


@pytest.mark.parametrize("times", [INPUTS, TIMES])
def test_times_can_be_switched_off(data, times):
    assert len(inputs_of(data[1], times).columns) == (1 if times is INPUTS else 3)


def test_counts_below_the_background_have_a_logarithm(data):
    table, rings = data
    values = inputs_of(rings.assign(**{"a-ring0-mean": -5.0})).of(rows(table)[0])[1]
    assert values[:, 0] == pytest.approx(-np.log(6))


def test_scaling_takes_the_gain_out_and_looks_at_no_later_frame(data):
    table, rings = data
    settings = InputSettings(hours_of_track=False, hours_of_film=False, course_hours=None, features=False, scale_frames=4)
    row = rows(table)[1]
    once = inputs_of(rings, settings).of(row)[1]
    brighter = rings.assign(**{"a-ring0-mean": rings["a-ring0-mean"] * 3})
    assert inputs_of(brighter, settings).of(row)[1] == pytest.approx(once, abs=0.01)
    for frame in range(8):
        changed = rings.assign(**{"a-ring0-mean": rings["a-ring0-mean"] * np.where(rings["frame"] > frame, 7, 1)})
        assert np.array_equal(inputs_of(changed, settings).of(row)[1][: frame + 1], once[: frame + 1])
    log = np.log1p(rings["a-ring0-mean"])[rings["recording"] == "r0"]
    reference = log[rings["frame"] < 4].mean()
    own = log[rings["track_id"] == row.track_id].to_numpy()
    assert once[3:, 0] == pytest.approx(own[3:] - reference, abs=1e-5)


def test_courses_look_back_over_hours_and_at_no_later_frame(data):
    table, rings = data
    settings = replace(INPUTS, course_hours=[2.0])
    row = rows(table)[1]
    inputs = inputs_of(rings, settings)
    frames, values = inputs.of(row)
    assert inputs.columns == ["a-ring0-mean", *(f"a-ring0-mean {name} of 2 h" for name in STATISTICS)]
    level = values[:, 0].astype(float)
    for place in range(len(frames)):
        last = level[max(0, place - 3) : place + 1]  # 4 frames of 30 min
        assert values[place, 1:4] == pytest.approx([last.mean(), last.max(), last.std()], abs=1e-5)
    for frame in range(8):
        changed = rings.assign(**{"a-ring0-mean": rings["a-ring0-mean"] * np.where(rings["frame"] > frame, 7, 1)})
        assert np.array_equal(inputs_of(changed, settings).of(row)[1][: frame + 1], values[: frame + 1])


def test_a_course_knows_pulses_that_no_frame_shows():
    quick, slow = (np.tile(pulse, 6)[:24, None] for pulse in ([1.0, 3.0], [1.0, 1.0, 3.0, 3.0]))
    told = [dict(zip(course_columns(["p53"], [6.0]), course_of(levels, 0.5, [6.0])[-1], strict=True)) for levels in (quick, slow)]
    for name in ("mean", "highest", "spread"):
        assert told[0][f"p53 {name} of 6 h"] == pytest.approx(told[1][f"p53 {name} of 6 h"])
    assert told[0]["p53 step of 6 h"] > 1.5 * told[1]["p53 step of 6 h"]
    assert told[0]["p53 peaks of 6 h"] > told[1]["p53 peaks of 6 h"] == 0


def test_the_first_frames_of_a_course_have_numbers():
    assert np.isfinite(course_of(np.array([[1.0, 2.0]]), 0.5, [2, 100])).all()


def test_features_fill_in_and_say_where_there_is_no_outline(data):
    table, rings = data
    row = rows(table)[0]
    features = rings[["recording", "track_id", "frame"]].assign(area=5.0, solidity=[None, *[0.5] * (len(rings) - 1)]).iloc[[0, 2]]
    settings = InputSettings(hours_of_track=False, hours_of_film=False, course_hours=None, features=True, scale_frames=None)
    inputs = FrameInputs(rings, features, None, {}, settings)
    values = inputs.of(row)[1]
    assert inputs.columns == ["a-ring0-mean", "area", "solidity", FOUND]
    assert values[:3, 3].tolist() == [1, 0, 1]
    assert np.isnan(values[[0, 1], [2, 1]]).all()
    standard = Standard.of([values], inputs.columns)
    assert np.isfinite(standard.apply(values)).all()
    with pytest.raises(InputError, match=r"risks\.inputs\.features is true"):
        FrameInputs(rings, None, None, {}, settings)


def test_an_embedding_of_ones_own_is_further_columns(data, tmp_path):
    table, rings = data
    names = rings["recording"] + "/" + rings["track_id"].astype(str)
    own = pd.DataFrame({"trajectory": names, "frame": rings["frame"], "x": np.arange(len(rings), dtype=float), "y": 1})
    own.sample(frac=1, random_state=0).to_parquet(tmp_path / "own.parquet")
    embedding = read_frame_embedding(tmp_path / "own.parquet")
    inputs = FrameInputs(rings, None, embedding, {}, INPUTS)
    assert inputs.columns == ["a-ring0-mean", "embedding x", "embedding y"]
    values = inputs.of(rows(table)[1])[1]
    assert values[:, 1].tolist() == own.loc[names == "r0/1", "x"].tolist()
    with pytest.raises(InputError, match=r"no row for trajectory r0/1, frame 2, and for 0 other frames"):
        FrameInputs(rings, None, embedding[~((embedding["trajectory"] == "r0/1") & (embedding["frame"] == 2))], {}, INPUTS)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"x": "text"}, "column x holds object, numbers are needed"),
        ({"x": True}, "column x holds bool, numbers are needed"),
        ({"x": [1.0, np.nan]}, "x of trajectory r0/1, frame 1 is nan, a finite number is needed"),
        ({"x": [1.0, np.inf]}, "x of trajectory r0/1, frame 1 is inf, a finite number is needed"),
        ({"frame": [0, 0]}, "stands here for the second time"),
        ({"frame": [0, -1]}, "frame is -1, at least 0 is needed"),
    ],
)
def test_what_is_wrong_in_an_embedding_is_named(tmp_path, change, said):
    pd.DataFrame({"trajectory": "r0/1", "frame": [0, 1], "x": [1.0, 2.0]}).assign(**change).to_parquet(tmp_path / "own.parquet")
    with pytest.raises(InputError, match=said):
        read_frame_embedding(tmp_path / "own.parquet")


def test_an_embedding_without_numbers_is_refused(tmp_path):
    pd.DataFrame({"trajectory": ["r0/1"], "frame": [0]}).to_parquet(tmp_path / "own.parquet")
    with pytest.raises(InputError, match="columns of numbers are needed"):
        read_frame_embedding(tmp_path / "own.parquet")


def test_a_trajectory_without_rings_is_named(data):
    table, rings = data
    with pytest.raises(InputError, match="no rings of trajectory r0/0"):
        inputs_of(rings[rings["track_id"] != 0]).of(rows(table)[0])


def test_other_columns_than_those_of_the_training_are_named():
    standard = Standard.of([np.ones((3, 2))], ["a", "b"])
    standard.check(["a", "b"])
    with pytest.raises(InputError, match=r"without b; not known to it: c"):
        standard.check(["a", "c"])
    with pytest.raises(InputError, match="in another order"):
        standard.check(["b", "a"])


def test_a_column_that_never_changes_and_unknown_values_are_zero():
    values = np.array([[1.0, 2, np.nan], [3, 2, 4]])
    found = Standard.of([values], ["a", "b", "c"]).apply(values)
    assert found.tolist() == [[-1, 0, 0], [1, 0, 0]]


def test_a_track_ends_before_its_event_or_where_it_ends(data):
    row = rows(data[0])[0]
    values = {"first_frame": 0, "last_frame": 3, "label": 1, "event_frame": 4, "outcome": "division"}
    inputs = inputs_of(pd.DataFrame({"recording": "r0", "track_id": 0, "frame": range(6), "a-ring0-mean": 1.0}))
    found = track_of(row._replace(**values), inputs)
    assert (found.event, found.frames.tolist(), found.hours.tolist()) == (1, [0, 1, 2, 3], [2, 1.5, 1, 0.5])
    late = track_of(row._replace(**values | {"event_frame": 5}), inputs)  # a gap before it
    assert late.hours.tolist() == [2.5, 2, 1.5, 1]
    uncut = track_of(row._replace(**values | {"last_frame": 5}), inputs)  # protocols that keep the frames of the event
    assert (uncut.frames.tolist(), uncut.hours.tolist()) == ([0, 1, 2, 3], [2, 1.5, 1, 0.5])
    unknown = track_of(row._replace(**values | {"event_frame": pd.NA}), inputs)
    assert unknown.hours.tolist() == [2, 1.5, 1, 0.5]
    lost = track_of(row._replace(**values | {"label": pd.NA, "outcome": "censored", "event_frame": pd.NA}), inputs)
    assert (lost.event, lost.hours.tolist()) == (NONE, [1.5, 1, 0.5, 0])
    fused = track_of(row._replace(**values | {"label": pd.NA, "outcome": "fusion"}), inputs)
    assert (fused.event, fused.hours.tolist()) == (NONE, [1.5, 1, 0.5, 0])


def test_no_event_by_the_end_is_no_event_where_it_is_compared(data):
    row = rows(data[0])[0]._replace(first_frame=0, last_frame=3, label=0, outcome="no_event_by_end", event_frame=pd.NA)
    found = track_of(row, inputs_of(pd.DataFrame({"recording": "r0", "track_id": 0, "frame": range(4), "a-ring0-mean": 1.0})))
    assert (found.event, found.hours.tolist()) == (NONE, [1.5, 1, 0.5, 0])


def test_padding_is_no_landmark(data):
    table, rings = data
    found = [track_of(row, inputs_of(rings)) for row in rows(table)[:4]]
    batch = batch_of(found, [2, 2, 0, 1])
    assert batch.landmarks.sum(1).tolist() == [len(t.frames) - n for t, n in zip(found, [2, 2, 0, 1], strict=True)]
    assert [int(row.nonzero()[0]) for row in batch.landmarks] == [2, 2, 0, 1]
