"""Where a recording lies among those that a model saw, and what is said where little is known."""

import json

import numpy as np
import pandas as pd
import pytest
from toy_crops import toy_data, write_crop_file

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.crops.appearance import QUANTITIES
from cellfate.model.saved.members import Member
from cellfate.model.shift.compare import compare, label, shift_lines
from cellfate.model.shift.seen import (
    OF_RECORDING,
    TRAINING,
    Facts,
    Seen,
    describe_recordings,
    read_seen,
    seen_by_model,
    value_table,
    why_unknown,
    write_seen,
)
from cellfate.model.tables import SHIFT

SEEN = (100.0, 105, 110, 120, 130, 140, 145, 150)  # counts of eight recordings; as logarithms the range is log(151 / 101) wide


def seen_of(values, quantity="above_q50", channel="p53"):
    rows = [(f"r{i}", channel, quantity, value) for i, value in enumerate(values)]
    return pd.DataFrame(rows, columns=["recording", "channel", "quantity", "value"]).astype({"channel": object})


def placed(value, values, quantity="above_q50", channel="p53"):
    own = pd.DataFrame([(channel, quantity, value)], columns=["channel", "quantity", "value"]).astype({"channel": object})
    table = compare(own, seen_of(values, quantity, channel))
    check_table(table.assign(recording="new"), SHIFT, "test")
    return table.iloc[0]


@pytest.mark.parametrize(
    ("value", "position"), [(100, "inside"), (150, "inside"), (151, "edge"), (220, "edge"), (230, "outside"), (70, "edge"), (60, "outside")]
)
def test_outside_is_further_off_than_the_range_is_wide(value, position):
    row = placed(value, SEEN)
    assert row["position"] == position
    width, low, high = np.log(151 / 101), np.log(101), np.log(151)
    beyond = max(low - np.log1p(value), np.log1p(value) - high, 0)
    assert row["off"] == pytest.approx(beyond / width)
    assert (row["low"], row["median"], row["high"], row["n_recordings"]) == (100, 125, 150, 8)


def test_z_is_in_robust_deviations_of_the_logarithms():
    places = np.log1p(SEEN)
    spread = 1.4826 * np.median(np.abs(places - np.median(places)))
    assert placed(200, SEEN)["z"] == pytest.approx((np.log1p(200) - np.median(places)) / spread)
    assert np.isnan(placed(200, SEEN[:7])["z"])  # too few to know their spread
    assert np.isnan(placed(200, [100.0] * 8)["z"])


def test_few_recordings_and_unknown_values():
    assert placed(500, SEEN[:2])["position"] == "unknown"
    assert placed(500, SEEN[:3])["position"] == "outside"
    assert placed(np.nan, SEEN)["position"] == "unknown"
    assert placed(500, [np.nan] * 5 + [100.0])["position"] == "unknown"
    assert placed(500, ())[["n_recordings", "position"]].tolist() == [0, "unknown"]


@pytest.mark.parametrize(("value", "position"), [(30, "inside"), (31, "edge"), (32, "outside"), (60, "outside"), (np.nan, "unknown")])
def test_interval_and_pixel_size_are_known_from_one_recording(value, position):
    assert placed(value, [30.0], "frame_interval_min", None)["position"] == position
    assert placed(value, [30.0] * 4, "frame_interval_min", None)["position"] == position


def test_constant_values_differ_from_5_percent_on():
    assert placed(1000, [1000.0] * 4)["position"] == "inside"
    assert placed(1040, [1000.0] * 4)["position"] == "edge"
    assert placed(1060, [1000.0] * 4)["position"] == "outside"
    assert placed(0.0, [0.0] * 4)["position"] == "inside"
    assert placed(-80.0, [0.0] * 4)["position"] == "outside"  # less than the background


def table_of(*rows):
    columns = ["channel", "quantity", "value", "low", "high", "position", "off"]
    return pd.DataFrame(rows, columns=columns).astype({"channel": object})


def test_the_lines_name_what_is_outside_once_for_each_kind():
    table = table_of(
        ("p53", "above_q50", 900, 100, 200, "outside", 3.0),
        ("p53", "above_q75", 990, 100, 200, "outside", 4.0),
        ("p53", "background", 700, 100, 200, "outside", 2.0),
        (None, "pixel_size_um", 1.3, 0.65, 0.65, "outside", 9.0),
        ("cfp", "radius", 9, 10, 12, "edge", 0.5),
        ("cfp", "raw_q01", None, 10, 12, "unknown", None),
    )
    warning, line = shift_lines(table, "new", 10)
    assert warning == (
        "WARNING: recording new is unlike the 10 recordings that the model was trained with: pixel size (um) 1.3 (seen: 0.65), "
        "p53 counts above the background, 75 % of pixels below: 990 (seen: 100 to 200), p53 background 700 (seen: 100 to 200); "
        "its predictions may be wrong"
    )
    assert line == (
        "recording new: of 5 values 0 inside, 1 at the edge of, 4 outside the range of the 10 recordings that the model was trained with"
    )
    assert shift_lines(table.iloc[4:], "new", 4)[0].endswith("trained with; of so few the range is rough")


def test_of_few_recordings_only_interval_and_pixel_size_are_a_warning():
    """Of three like recordings most have some value outside the range of the others."""
    table = table_of(("p53", "background", 700, 100, 200, "outside", 2.0), (None, "pixel_size_um", 1.3, 0.65, 0.65, "outside", 9.0))
    warning, line = shift_lines(table, "new", 7)
    assert "pixel size (um) 1.3 (seen: 0.65); its predictions" in warning
    assert "p53" not in warning
    assert line.endswith("of so few the range is rough: outside are p53 background 700 (seen: 100 to 200)")
    assert len(shift_lines(table.iloc[:1], "new", 7)) == 1


@pytest.mark.parametrize("n", [1, 2])
def test_of_too_few_recordings_it_is_said_that_they_do_not_tell(n):
    (line,) = shift_lines(table_of(("p53", "background", 7, 1, 2, "unknown", None)), "new", n)
    assert "cannot be told, at least 3 are needed" in line


def test_every_quantity_has_words():
    for quantity in OF_RECORDING:
        assert label(None, quantity)
    for quantity in QUANTITIES:
        assert label("p53", quantity).startswith("p53 ")


def member(folder, fold=0, **settings):
    own = folder / f"members/fold-{fold}"
    own.mkdir(parents=True, exist_ok=True)
    (own / "settings.json").write_text(json.dumps({"fold": fold, **settings}))
    return Member(own.name, own, {})


def sheet(names, pixel_size_um=0.5):
    return pd.DataFrame({"recording": names, "frame_interval_min": 30.0, "pixel_size_um": pixel_size_um})


def test_three_recordings_of_one_channel_without_pixel_size(tmp_path):
    paths, trajectories, split = toy_data(tmp_path, n_recordings=3, n_channels=1)
    seen = describe_recordings(paths, trajectories, split, sheet(["r0", "r1", "r2"], np.nan))
    assert seen.trained == {0: ["r2"]}
    of_r2 = seen.of(["r2"]).set_index("quantity")["value"]
    assert len(of_r2) == len(OF_RECORDING) + len(QUANTITIES)
    assert np.isnan(of_r2["pixel_size_um"])
    own = trajectories[trajectories["recording"] == "r2"]
    assert of_r2["track_length"] == own["n_frames"].median()
    assert of_r2["cells_per_frame"] == pytest.approx(own["n_frames"].sum() / 1000)
    assert 950 < of_r2["raw_q50"] < 1050
    assert of_r2["raw_q50"] == of_r2["above_q50"]  # the toy files' background is 0
    table = compare(seen.of(["r0"]), seen.of(["r1", "r2"]))
    assert set(table.loc[table["channel"].notna(), "position"]) == {"unknown"}


def test_only_frames_up_to_the_last_of_a_usable_trajectory_count(tmp_path):
    paths, trajectories, split = toy_data(tmp_path, n_recordings=3, n_channels=1, n_tracks=2)
    dark, bright = np.full((12, 1, 16, 16), 100, np.uint16), np.full((12, 1, 16, 16), 900, np.uint16)
    write_crop_file(paths[0], "r0", {0: (np.arange(12), np.concatenate([dark[:5], bright[5:]])), 1: (np.arange(12), bright)})
    trajectories = trajectories.assign(first_frame=0, last_frame=4, usable=~trajectories["trajectory"].isin(["r0/1"]))
    seen = describe_recordings(paths, trajectories, split, sheet(["r0", "r1", "r2"]))
    assert seen.of(["r0"]).set_index("quantity").loc["raw_q99", "value"] == 100


def test_a_recording_that_the_sheet_lacks(tmp_path):
    paths, trajectories, split = toy_data(tmp_path)
    with pytest.raises(InputError, match=r"r2\.h5: recording r2 is not in the recordings sheet"):
        describe_recordings(paths, trajectories, split, sheet(["r0", "r1"]))


def test_what_was_written_is_read(tmp_path):
    paths, trajectories, split = toy_data(tmp_path, n_recordings=4, n_channels=2)
    seen = describe_recordings(paths, trajectories, split, sheet([f"r{i}" for i in range(4)], np.nan))
    write_seen(seen, tmp_path / TRAINING)
    again = read_seen(tmp_path / TRAINING)
    assert again.trained == seen.trained == {0: ["r2", "r3"]}
    columns = ["recording", "channel", "quantity"]
    pd.testing.assert_frame_equal(again.values[columns], seen.values[columns])
    np.testing.assert_allclose(again.values["value"], seen.values["value"], atol=1e-4)
    own = seen_by_model(tmp_path, [member(tmp_path)])
    assert set(own["recording"]) == {"r2", "r3"}


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"recordings": {"a": 1}, "trained": {}}', '{"recordings": {}}', '{"recordings": {}, "trained": []}']
)
def test_a_damaged_description_is_named(tmp_path, content):
    (tmp_path / TRAINING).write_text(content)
    with pytest.raises(InputError, match=r"training.json: not a description of training recordings"):
        seen_by_model(tmp_path, [member(tmp_path)])


def test_models_that_do_not_know_what_they_were_trained_with(tmp_path):
    first, second = member(tmp_path), member(tmp_path, 1)
    assert seen_by_model(tmp_path, [first]) is None
    assert why_unknown(tmp_path, [first]) == "its folder has no training.json; models that this version exports have one"
    write_seen(Seen(seen_of(SEEN), {0: ["r0"], 1: ["r1", "r2"]}), tmp_path / TRAINING)
    assert json.loads((tmp_path / TRAINING).read_text())["trained"] == {"0": ["r0"], "1": ["r1", "r2"]}
    assert why_unknown(tmp_path, [first]) is None
    assert "imported" in why_unknown(tmp_path, [member(tmp_path, 2, checkpoint_sha256="f")])
    assert len(seen_by_model(tmp_path, [second])) == 2
    assert len(seen_by_model(tmp_path, [first, second])) == 3


def test_facts_without_tracks():
    values = value_table(Facts(30, None, 40, []), ["a"], []).set_index("quantity")["value"]
    assert np.isnan(values["track_length"])
    assert np.isnan(values["raw_q50"])
    assert values["cells_per_frame"] == 0
