"""How likely links are wrong: relative to the recording itself, more where cells could be exchanged, by coefficients with an origin."""

import numpy as np
import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.tracks.doubt.appearance import measure_intensities
from cellfate.tracks.doubt.confidence import assess_links, confidence_until, doubtful_links
from cellfate.tracks.doubt.links import FARTHEST, FEATURES, measure_links, read_cells
from cellfate.tracks.doubt.model import IMAGES, INPUTS, PACKAGED, POSITIONS, LinkModel
from cellfate.tracks.tables import TRACK_CONFIDENCE

N_FRAMES = 30


def walking(n_cells: int = 8, spacing: float = 40.0, seed: int = 0) -> pd.DataFrame:
    """Cells on a grid that walk one pixel a frame."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(n_cells)))
    rows = []
    for track in range(n_cells):
        start = spacing * (1 + np.array(divmod(track, side)))
        places = start + rng.normal(0, 1, (N_FRAMES, 2)).cumsum(axis=0)
        rows += [("r", track, None, t, *place) for t, place in enumerate(places)]
    table = pd.DataFrame(rows, columns=["recording", "track_id", "parent_id", "frame", "y", "x"])
    return table.assign(parent_id=table["parent_id"].astype("Int64"))


def features_of(tracks: pd.DataFrame, intensities: np.ndarray | None = None) -> pd.DataFrame:
    return measure_links(read_cells(tracks, intensities))[list(FEATURES)]


def exchanged(tracks: pd.DataFrame, one: int, other: int, frame: int) -> pd.DataFrame:
    """The tracks in which two go on as one another from a frame on."""
    names = tracks["track_id"].where(tracks["frame"] < frame, tracks["track_id"].replace({one: other, other: one}))
    return tracks.assign(track_id=names)


def crossing() -> pd.DataFrame:
    """Walking cells, two of which meet in the middle of the recording at a distance of some steps."""
    tracks = walking(9)
    t = np.arange(N_FRAMES)
    for track, sign in ((0, 1), (1, -1)):
        own = tracks["track_id"] == track
        tracks.loc[own, "y"] = 60 + sign * 2.5
        tracks.loc[own, "x"] = 60 + sign * (t - N_FRAMES / 2)
    return tracks


def test_each_second_frame_alone_is_as_every_frame() -> None:
    """Also where they do not begin with the first; without any regular step the typical one is that of all links."""
    tracks, looks = crossing(), np.random.default_rng(1).normal(size=(9 * N_FRAMES, 2))
    expected = features_of(tracks, looks)
    for first, step in ((0, 2), (7, 5)):
        sparse = tracks.assign(frame=first + step * tracks["frame"])
        np.testing.assert_allclose(features_of(sparse, looks), expected, atol=1e-12)
        assert read_cells(sparse).table["frame"].tolist() == sparse["frame"].tolist()
    uneven = np.cumsum(np.random.default_rng(3).integers(2, 5, N_FRAMES))
    walk = walking(9)
    farther = walk.assign(frame=uneven[walk["frame"]])
    usual, uneven_steps = (measure_links(read_cells(table))["step"].median() for table in (walk, farther))
    assert uneven_steps == pytest.approx(usual, rel=0.3)


def test_features_do_not_depend_on_pixels_units_or_the_order_of_rows() -> None:
    tracks, looks = walking(), np.random.default_rng(1).normal(size=(8 * N_FRAMES, 2))
    expected = features_of(tracks, looks)
    other = tracks.assign(y=3 * tracks["y"] + 100, x=3 * tracks["x"])
    np.testing.assert_allclose(features_of(other, 5 * looks + 7), expected, atol=1e-9)
    shuffled = np.random.default_rng(2).permutation(len(tracks))
    np.testing.assert_allclose(features_of(tracks.iloc[shuffled], looks[shuffled]), expected, atol=1e-9)


def test_the_motion_of_the_whole_field_is_no_step() -> None:
    tracks = walking()
    drifting = tracks.assign(x=tracks["x"] + 20 * tracks["frame"])
    still, moved = features_of(tracks), features_of(drifting)
    np.testing.assert_allclose(moved, still, atol=1e-6)


def test_an_exchange_of_crossing_tracks_is_more_doubtful_than_the_median_link() -> None:
    tracks = exchanged(crossing(), 0, 1, N_FRAMES // 2)
    table = assess_links(tracks, LinkModel.read(POSITIONS))
    there = table[table["track_id"].isin([0, 1]) & (table["frame"] == N_FRAMES // 2)]
    assert (there["wrong"] > 10 * table["wrong"].median()).all()
    assert (there["wrong"] >= table["wrong"].quantile(0.98)).all()
    assert set(there["rival"]) == {0, 1}
    named = " ".join(doubtful_links(table, 2))
    assert "track 0 into frame 15" in named
    assert "track 1 into frame 15" in named


def test_links_to_mothers_are_called_so_and_come_after_steps() -> None:
    rows = [
        ("r", 9, 5, "step", 0.2, 4),
        ("r", 24, 12, "division", 0.99, 9),
        ("r", 9, 6, "step", 0.3, pd.NA),
        ("r", 9, 0, "start", np.nan, pd.NA),
    ]
    table = pd.DataFrame(rows, columns=["recording", "track_id", "frame", "kind", "wrong", "rival"])
    assert doubtful_links(table, 2) == [
        "track 9 into frame 6: wrong with probability 0.30",
        "track 9 into frame 5: wrong with probability 0.20, perhaps the cell of track 4",
        "the link of track 24 to its mother (into frame 12): wrong with probability 0.99, perhaps a daughter of track 9",
    ]


def test_unlike_intensities_make_an_exchange_more_doubtful() -> None:
    tracks = exchanged(crossing(), 0, 1, N_FRAMES // 2)
    same = np.random.default_rng(3).normal(0, 0.1, (len(tracks), 1))
    bright = same + np.where(crossing()["track_id"] == 0, 3.0, 0.0)[:, None]
    model = LinkModel.read(IMAGES)
    links = {name: measure_links(read_cells(tracks, looks)) for name, looks in (("same", same), ("bright", bright))}
    at = N_FRAMES // 2 - 1  # the link of track 0 into the frame of the exchange
    assert links["bright"]["look_margin"].iloc[at] < links["same"]["look_margin"].iloc[at]
    assert model.probabilities(links["bright"])[at] > model.probabilities(links["same"])[at]


def test_a_lone_cell_has_no_alternative_and_little_doubt() -> None:
    tracks = walking(1)
    links = measure_links(read_cells(tracks))
    assert (links["margin"] == FARTHEST).all()
    assert links["rival"].isna().all()
    assert np.isfinite(links[list(FEATURES)].to_numpy(float)).all()
    assert np.median(assess_links(tracks, LinkModel.read(POSITIONS))["wrong"].dropna()) < 0.01


def test_cells_that_do_not_move_and_tracks_of_one_frame_are_no_error() -> None:
    still = walking(4).assign(y=lambda rows: 10.0 * rows["track_id"], x=5.0)
    assert np.isfinite(features_of(still).to_numpy(float)).all()
    single = still[still["frame"] == 3]
    table = assess_links(single, LinkModel.read(POSITIONS))
    assert set(table["kind"]) == {"start"}
    assert (table["confidence"] == 1).all()
    assert len(assess_links(still.iloc[:0], LinkModel.read(POSITIONS))) == 0


def test_recordings_in_which_cells_are_missed_are_less_sure() -> None:
    tracks = walking(9)
    assert (measure_links(read_cells(tracks))["breaks"] == 0).all()
    missed = tracks[(tracks["frame"] % 5 != 2) | (tracks["track_id"] > 4)]
    assert measure_links(read_cells(missed))["breaks"].iloc[0] == pytest.approx(5 * 6 / len(tracks))
    broken = tracks.assign(track_id=tracks["track_id"] + 100 * (tracks["frame"] >= 20))
    assert measure_links(read_cells(broken))["breaks"].iloc[0] == pytest.approx(9 / len(tracks))
    still = missed["frame"] != 0
    sure, unsure = (assess_links(one, LinkModel.read(IMAGES))["wrong"].min() for one in (tracks, missed[still]))
    assert sure < unsure


def test_confidence_is_the_product_over_links_and_begins_anew_with_a_daughter() -> None:
    tracks = walking(4)
    mother, daughter = tracks["track_id"] == 0, (tracks["track_id"] == 0) & (tracks["frame"] >= 10)
    tracks = pd.concat([tracks[~mother | (tracks["frame"] < 10)], tracks[daughter].assign(track_id=7, parent_id=0)], ignore_index=True)
    tracks["parent_id"] = tracks["parent_id"].astype("Int64")
    tracks = tracks[~((tracks["track_id"] == 1) & tracks["frame"].between(5, 6))]  # a gap
    table = check_table(assess_links(tracks, LinkModel.read(POSITIONS)), TRACK_CONFIDENCE, "table")
    born = table[(table["track_id"] == 7) & (table["frame"] == 10)].iloc[0]
    assert (born["kind"], born["confidence"]) == ("division", 1.0)
    assert born["wrong"] > 0
    own = table[table["track_id"] == 1].set_index("frame")
    expected = (1 - own["wrong"].fillna(0)).cumprod()
    np.testing.assert_allclose(own["confidence"], expected)
    assert own["confidence"].is_monotonic_decreasing
    asked = pd.DataFrame({"recording": ["r", "r", "other"], "track_id": [1, 1, 1], "last_frame": [6, 29, 3]}, index=[4, 2, 9])
    found = confidence_until(table, asked, "last_frame")
    assert list(found.index) == [4, 2, 9]
    assert found.loc[4] == own.loc[4, "confidence"]
    assert found.loc[2] == own["confidence"].iloc[-1]
    assert np.isnan(found.loc[9])


def test_a_track_that_ended_is_an_alternative_to_the_one_that_goes_on() -> None:
    tracks = walking(4)
    ends = (tracks["track_id"] == 0) & (tracks["frame"] > 10)
    near = tracks["track_id"] == 1
    tracks.loc[near, ["y", "x"]] = tracks.loc[tracks["track_id"] == 0, ["y", "x"]].to_numpy() + 3.0
    links = measure_links(read_cells(tracks[~ends].reset_index(drop=True)))
    cells = read_cells(tracks[~ends].reset_index(drop=True))
    after = (cells.track[links["row"]] == 1) & (cells.frame[links["row"]] == 11)
    assert links.loc[after, "rival"].tolist() == [0]


def test_doubt_rises_with_the_step_and_falls_with_the_margin() -> None:
    links = pd.DataFrame({name: [0.5] for name in FEATURES}).assign(breaks=0.1)
    for inputs in INPUTS:
        model = LinkModel.read(inputs)
        assert model.probabilities(links.assign(margin=1e6))[0] == pytest.approx(0.1 * model.floor)
        said = {
            name: [float(model.probabilities(links.assign(**{name: value}))[0]) for value in np.linspace(0, 3, 7)]
            for name in ("step", "margin")
        }
        assert (np.diff(said["step"]) > 0).all()
        assert (np.diff(said["margin"]) < 0).all()


def test_coefficients_name_their_origin_and_a_missing_one_is_an_error(tmp_path) -> None:
    assert "cellfate" in LinkModel.read(IMAGES).origin
    assert "seeds 2001" in LinkModel.read(IMAGES).origin
    table = pd.read_csv(PACKAGED)
    short = tmp_path / "coefficients.csv"
    table[table["feature"] != "margin"].to_csv(short, index=False)
    with pytest.raises(InputError, match="positions lacks margin"):
        LinkModel.read(POSITIONS, short)


def test_intensities_are_logarithms_above_the_background() -> None:
    image = np.full((2, 50, 120), 100, np.uint16)
    image[0, 5:46, 5:46] = 300
    tracks = pd.DataFrame({"track_id": [1, 2], "frame": [0, 0], "y": [25.0, 0.0], "x": [25.0, 119.0]})
    found = measure_intensities(tracks, lambda t: image)
    assert found.shape == (2, 2)
    assert found[0, 0] == pytest.approx(np.log(200), abs=0.5)
    assert found[1, 0] == found[0, 1] == 0


@pytest.mark.reference
@pytest.mark.parametrize("every", [1, 5])
def test_real_tracks_are_doubtful_where_outlines_change_size_or_are_missing(shared_folder, every: int) -> None:
    """Which the positions alone do not know. There is no truth."""
    table = pd.read_csv(shared_folder / "data/cellphe_mdamb231_docetaxel/roi_centroids_all481.csv").rename(columns={"cell_id": "track_id"})
    table["frame"] -= 1
    rows = table[table["frame"] % every == 0].assign(frame=lambda kept: kept["frame"] // every, recording="real", parent_id=pd.NA)
    found = assess_links(rows, LinkModel.read(POSITIONS)).merge(rows[["track_id", "frame", "area"]], on=["track_id", "frame"])
    before = found.groupby("track_id")[["area", "frame"]].shift()
    odd = ((np.abs(np.log(found["area"] / before["area"])) > np.log(1.5)) | (found["frame"] - before["frame"] > 1))[found["kind"] == "step"]
    wrong = found.loc[found["kind"] == "step", "wrong"]
    assert 0.002 < wrong.mean() < 0.1
    assert odd[wrong > 0.5].mean() > 4 * odd[wrong < 0.05].mean()
