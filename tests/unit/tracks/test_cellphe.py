import hashlib
from pathlib import Path

import pandas as pd
import pytest
from cellphe_tables import chains, grid_frame, grid_outcomes, grid_tracks, write_example

from cellfate.base.errors import InputError
from cellfate.recordings.checksums import read_sha256sums
from cellfate.recordings.sheet import read_sheet
from cellfate.tracks.outcomes import read_tracks
from cellfate.tracks.raw import RecordingFacts, outcomes_beside

EXAMPLE = Path(__file__).parents[3] / "examples/cellphe"
RECORDING = "05062019_B3_3"
SHAPE, N_FRAMES = (615, 615), 97


@pytest.mark.parametrize(("movie", "grid"), [(1, 0), (2, 1), (5, 1), (6, 1), (7, 2), (110, 22), (111, 22), (112, 23), (481, 96)])
def test_an_event_shows_in_the_first_kept_frame_that_is_not_before_it(movie, grid):
    kept = [1 + 5 * i for i in range(N_FRAMES)]
    assert next(i for i, frame in enumerate(kept) if frame >= movie) == grid
    assert grid_frame(movie) == grid


def test_only_kept_frames_of_wanted_tracks():
    centroids = pd.DataFrame(
        {"cell_id": [2, 1, 1, 1, 1, 3], "frame": [6, 11, 1, 2, 6, 1], "x": [9.0, 3, 1, 8, 2, 7], "y": [19.0, 13, 11, 18, 12, 17]}
    )
    table = grid_tracks(centroids, {1, 2})
    assert table.values.tolist() == [[1, 0, 11, 1], [1, 1, 12, 2], [1, 2, 13, 3], [2, 1, 19, 9]]


def test_chains_of_continuations():
    links = {3: "175", 14: "175;209;294", 175: "294", 294: "", 5: "", 20: "105;154", 70: "105"}
    assert chains(links) == {3: 3, 14: 3, 175: 3, 294: 3, 5: 5, 20: 20, 70: 20}


def test_outcomes_on_the_grid():
    fates = pd.DataFrame(
        {
            "track_id": [1, 2, 3, 4, 5],
            "outcome": ["censored", "slippage", "censored", "censored", "apoptosis"],
            "event_frame": [float("nan"), 110, float("nan"), float("nan"), 230],
            "starts_in_slippage": [False, False, True, False, False],
            "continues_as": [None, "3", None, None, "3;77"],
        }
    )
    table = grid_outcomes(fates, pd.Series({1: 96, 2: 28, 3: 96, 4: 95, 5: 45}))
    assert table["track_id"].tolist() == [1, 2, 4, 5]
    assert table["outcome"].tolist() == ["no_event_by_end", "slippage", "censored", "apoptosis"]
    assert table["event_frame"].fillna(-1).tolist() == [-1, 22, -1, 46]
    assert table["lineage"].tolist() == [1, 2, 4, 2]  # connected through a track that is left out


def test_a_missing_column(tmp_path):
    (tmp_path / "o.csv").write_text("track_id,outcome\n1,censored\n")
    with pytest.raises(InputError, match=r"o.csv: column continues_as, event_frame, starts_in_slippage missing"):
        write_example(tmp_path / "c.csv", tmp_path / "o.csv", tmp_path / "t.csv")


@pytest.fixture(scope="module")
def example():
    return read_tracks(EXAMPLE / "tracks.csv", "csv", RecordingFacts(RECORDING, N_FRAMES, SHAPE), event_gap=2)


def test_the_example_passes_the_checks_of_any_input(example):
    _, outcomes = example
    assert outcomes["outcome"].value_counts().to_dict() == {"censored": 49, "no_event_by_end": 20, "slippage": 14, "apoptosis": 3}


def test_usable_tracks_of_the_example(example):
    """The numbers of the README: more than 10 frames before the event."""
    tracks, outcomes = example
    joined = tracks.merge(outcomes, on="track_id")
    before = joined[joined["event_frame"].isna() | (joined["frame"] < joined["event_frame"])]
    n = before.groupby("track_id").size().reindex(outcomes["track_id"], fill_value=0).to_numpy()
    usable = outcomes[n > 10]
    assert usable["outcome"].value_counts()[["slippage", "no_event_by_end"]].tolist() == [11, 20]
    lineages = usable[usable["outcome"].isin(["slippage", "no_event_by_end"])].groupby("outcome")["lineage"].nunique()
    assert lineages.to_dict() == {"slippage": 9, "no_event_by_end": 20}


def test_the_sheet_of_the_example_names_its_files():
    sheet = read_sheet(EXAMPLE / "recordings.tsv")
    assert sheet.loc[0, ["recording", "treatment", "channels", "tracks_format"]].tolist() == [RECORDING, "docetaxel", "phase", "csv"]
    assert (EXAMPLE.parents[1] / sheet.loc[0, "tracks"]).is_file()
    names = list(read_sha256sums(EXAMPLE / "images.sha256"))
    assert names == [f"{RECORDING}_Phase-{1 + 5 * i:04d}.tif" for i in range(N_FRAMES)]


@pytest.mark.reference
def test_the_example_follows_from_its_source(shared_folder, tmp_path):
    source = shared_folder / "data/cellphe_mdamb231_docetaxel"
    write_example(source / "roi_centroids_all481.csv", source / "outcomes_by_eye.csv", tmp_path / "tracks.csv")
    assert (tmp_path / "tracks.csv").read_bytes() == (EXAMPLE / "tracks.csv").read_bytes()
    assert outcomes_beside(tmp_path / "tracks.csv").read_bytes() == outcomes_beside(EXAMPLE / "tracks.csv").read_bytes()


@pytest.mark.reference
def test_the_checksums_are_those_of_the_frames(shared_folder):
    folder = shared_folder / "data/cellphe_mdamb231_docetaxel/images_every5th"
    for name, digest in read_sha256sums(EXAMPLE / "images.sha256").items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
