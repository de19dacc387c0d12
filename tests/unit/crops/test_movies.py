"""Ready-made crops: movies are checked, and give the file that cutting them out of a recording gives."""

import h5py
import numpy as np
import pandas as pd
import pytest
from toy_movies import save_movie, write_movie

from cellfate.base.errors import InputError
from cellfate.crops.crop_file import CropFile
from cellfate.crops.cutting import background_level
from cellfate.crops.extraction import extract_crops
from cellfate.crops.gathering import gather_crops, scale_to
from cellfate.crops.movies import MovieSettings, check_alike, look_at_movie, movies_table, notes_of, short_movies
from cellfate.frames.formats import open_frames
from cellfate.tracks.movies import tables_of_movies

CHANNELS = ("phase", "nuclei")
REFUSING = MovieSettings(CHANNELS, 16, "refuse", "refuse")


def row(path, cell="a", track_id=0, **more) -> dict:
    facts = {"channel_labels": None, "last_image": None, "outcome": "mitosis", "event_frame": None, "lineage": None}
    return facts | {"cell": cell, "track_id": track_id, "movie": str(path)} | more


def look(path, settings=REFUSING, **more):
    return look_at_movie(row(path, **more), "cells.tsv: line 2: cell a", settings)


def gather(rows, path, settings=REFUSING, min_frames=0, which="all", wanted=("mitosis", "apoptosis"), pixel_size_um=0.5):
    seen = [look_at_movie(one, f"cell {one['cell']}", settings) for one in rows]
    tables = tables_of_movies("dish1", [movie.cell for movie in seen], "cells.tsv", event_gap=2, words={})
    options = {"recording": "dish1", "which": which, "outcomes_wanted": list(wanted), "min_frames": min_frames, "frame_interval_min": 15.0}
    gather_crops(rows, tables.tracks, tables.outcomes, path, settings, **options, pixel_size_um=pixel_size_um)
    return CropFile(path)


def test_the_file_has_the_movies_as_they_are(tmp_path):
    movies = {track: write_movie(tmp_path / f"{track}.tif", 10 + track, seed=track) for track in (5, 2)}
    file = gather([row(tmp_path / f"{track}.tif", str(track), track) for track in movies], tmp_path / "dish1.h5")
    assert list(file.track_ids) == [2, 5]
    for track, movie in movies.items():
        frames, crops = file.read(track)
        np.testing.assert_array_equal(frames, np.arange(len(movie)))
        np.testing.assert_array_equal(crops, movie)
    assert file.channels == list(CHANNELS)
    assert (file.attrs["crop_size"], file.attrs["n_frames"], file.attrs["pixel_size_um"]) == (16, 15, 0.5)
    assert file.attrs["max_value"] == max(movie.max() for movie in movies.values())


def test_of_one_movie_it_is_the_file_that_cutting_its_frames_gives(tmp_path):
    write_movie(tmp_path / "a.tif")
    one = row(tmp_path / "a.tif", event_frame=9)
    gather([one], tmp_path / "gathered.h5")
    tables = tables_of_movies("dish1", [look(tmp_path / "a.tif", event_frame=9).cell], "cells.tsv", event_gap=2, words={})
    options = {"recording": "dish1", "size": 16, "which": "all", "outcomes_wanted": [], "min_frames": 0, "frame_interval_min": 15.0}
    extract_crops(
        open_frames(tmp_path / "a.tif", CHANNELS), tables.tracks, tables.outcomes, tmp_path / "cut.h5", **options, pixel_size_um=0.5
    )
    with h5py.File(tmp_path / "gathered.h5") as gathered, h5py.File(tmp_path / "cut.h5") as cut:
        assert set(gathered) - set(cut) == {"frame_shapes"}
        assert set(gathered.attrs) == set(cut.attrs)
        for name in cut:
            np.testing.assert_array_equal(gathered[name][:], cut[name][:])
        for name in set(cut.attrs) - {"source"}:
            assert np.array_equal(gathered.attrs[name], cut.attrs[name]), name


def test_the_background_of_a_frame_is_the_median_of_the_movies_that_have_it(tmp_path):
    movies = [write_movie(tmp_path / f"{track}.tif", 10 + track, seed=track) + 0 for track in range(3)]
    file = gather([row(tmp_path / f"{track}.tif", str(track), track) for track in range(3)], tmp_path / "dish1.h5")
    own = [[background_level(image, 5) for image in movie] for movie in movies]
    np.testing.assert_allclose(file.background[4], np.median([levels[4] for levels in own], axis=0), rtol=1e-6)
    np.testing.assert_allclose(file.background[11], own[2][11], rtol=1e-6)


def test_only_wanted_cells_are_in_the_file(tmp_path):
    for track, n_frames in enumerate((12, 12, 5)):
        write_movie(tmp_path / f"{track}.tif", n_frames, seed=track)
    rows = [row(tmp_path / f"{track}.tif", str(track), track, outcome=word) for track, word in enumerate(("mitosis", None, "mitosis"))]
    assert list(gather(rows, tmp_path / "dish1.h5", which="fated", min_frames=10).track_ids) == [0]
    assert gather(rows, tmp_path / "none.h5", which="fated", min_frames=50).shape == (0, 2, 16, 16)


@pytest.mark.parametrize("size", [(12, 20), (16, 16), (15, 17), (20, 12)])
def test_other_sizes_around_the_centre(tmp_path, size):
    movie = write_movie(tmp_path / "a.tif", size=size)
    file = gather([row(tmp_path / "a.tif")], tmp_path / "dish1.h5", MovieSettings(CHANNELS, 16, "centre", "refuse"))
    crops = file.read(0)[1]
    height, width = size
    top, left = max(0, (16 - height) // 2), max(0, (16 - width) // 2)
    inner = crops[..., top : top + min(height, 16), left : left + min(width, 16)]
    y, x = max(0, (height - 16) // 2), max(0, (width - 16) // 2)
    np.testing.assert_array_equal(inner, movie[..., y : y + 16, x : x + 16])
    assert int(crops.astype(int).sum()) == int(inner.astype(int).sum())
    assert file.frame_shape(0) == size


def test_each_cell_has_the_shape_of_its_own_movie(tmp_path):
    sizes = {3: (12, 12), 1: (14, 16)}
    for track, size in sizes.items():
        write_movie(tmp_path / f"{track}.tif", size=size, seed=track)
    rows = [row(tmp_path / f"{track}.tif", str(track), track) for track in sizes]
    file = gather(rows, tmp_path / "dish1.h5", MovieSettings(CHANNELS, 16, "centre", "refuse"))
    assert {track: file.frame_shape(track) for track in sizes} == sizes


def test_scaled_movies_have_no_pixel_size_and_keep_their_counts(tmp_path):
    movie = write_movie(tmp_path / "a.tif", size=(32, 32))
    file = gather([row(tmp_path / "a.tif")], tmp_path / "dish1.h5", MovieSettings(CHANNELS, 16, "resize", "refuse"))
    crops = file.read(0)[1]
    assert crops.shape == (12, 2, 16, 16)
    assert crops.mean() == pytest.approx(movie.mean(), rel=0.01)
    assert np.isnan(file.attrs["pixel_size_um"])
    assert file.frame_shape(0) == (16, 16)
    assert set(file.index()["y"]) == {8.0}


@pytest.mark.parametrize("size", [8, 24, 60])
def test_scaling_keeps_a_flat_image_and_the_brightest_count(size):
    image = np.full((1, 24, 24), 65535, np.uint16)
    np.testing.assert_array_equal(scale_to(image, size), np.full((1, size, size), 65535))


def test_scaling_is_linear_between_pixels_so_that_no_count_leaves_its_neighbours():
    image = np.full((1, 8, 8), 1000, np.uint16)
    image[0, 4, 4] = 9000
    scaled = scale_to(image, 20)
    assert scaled.min() == 1000
    assert 5000 < scaled.max() <= 9000
    ramp = np.tile(np.arange(0, 800, 100, dtype=np.uint16), (1, 8, 1))
    assert set(np.diff(scale_to(ramp, 16)[0, 8, 2:-2].astype(int))) == {50}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda movie: movie[..., :12, :12], "images of 12 x 12 pixels, crops.size is 16"),
        (lambda movie: movie[:, :1], r"1 channel found .*2 expected"),
        (lambda movie: movie.astype("float32"), "pixel type float32 found"),
        (lambda movie: movie * 0 + 7, "every frame has one value everywhere in every channel"),
        (
            lambda movie: np.r_[movie[:8], movie[8:] * 0],
            r"from this frame to the last \(frames 8 to 11\).*last_image.*constant_frames: leave_out",
        ),
        (lambda movie: np.r_[movie[:3] * 0, movie[3:]], "in the first 3 frames: .*constant_frames: leave_out"),
    ],
)
def test_movies_that_are_refused(tmp_path, change, words):
    save_movie(tmp_path / "b.tif", change(write_movie(tmp_path / "a.tif")))
    with pytest.raises(InputError, match=f"^cells.tsv: line 2: cell a: .*b.tif.*{words}"):
        look(tmp_path / "b.tif")


def test_a_movie_that_is_not_square_is_not_scaled(tmp_path):
    write_movie(tmp_path / "a.tif", size=(16, 20))
    with pytest.raises(InputError, match="16 x 20 pixels, which are not square"):
        look(tmp_path / "a.tif", MovieSettings(CHANNELS, 16, "resize", "refuse"))


@pytest.mark.parametrize("path", ["none.tif", "a.avi", "empty.tif", "folder"])
def test_what_is_no_movie(tmp_path, path):
    (tmp_path / "a.avi").write_bytes(b"RIFF")
    (tmp_path / "empty.tif").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=f"cells.tsv: line 2: cell a: .*{path}"):
        look(tmp_path / path)


def test_a_gap_in_a_folder_of_frames_is_named(tmp_path):
    import tifffile

    (tmp_path / "a").mkdir()
    for t in (0, 1, 2, 4, 5):
        tifffile.imwrite(tmp_path / f"a/t{t}.tif", np.full((16, 16), t, np.uint8) + np.eye(16, dtype=np.uint8))
    with pytest.raises(InputError, match=r"cell a: .*t3.tif: this frame is missing"):
        look(tmp_path / "a", MovieSettings(("phase",), 16, "refuse", "refuse"))


def test_empty_frames_are_left_out_where_that_is_set(tmp_path):
    movie = write_movie(tmp_path / "a.tif")
    movie[[0, 1, 6, 10, 11]] = 0
    movie[4, 1] = 0  # of one channel alone: it stays
    save_movie(tmp_path / "a.tif", movie)
    settings = MovieSettings(CHANNELS, 16, "refuse", "leave_out")
    seen = look(tmp_path / "a.tif", settings)
    assert list(seen.cell.frames) == [2, 3, 4, 5, 7, 8, 9]
    assert seen.cell.n_frames == 12
    assert seen.notes == ()
    file = gather([row(tmp_path / "a.tif")], tmp_path / "dish1.h5", settings)
    frames, crops = file.read(0)
    np.testing.assert_array_equal(frames, seen.cell.frames)
    np.testing.assert_array_equal(crops, movie[frames])


def test_a_channel_that_stops_is_refused_also_where_empty_frames_are_left_out(tmp_path):
    movie = write_movie(tmp_path / "a.tif")
    movie[10:] = 0
    movie[7:, 1] = 0
    save_movie(tmp_path / "a.tif", movie)
    with pytest.raises(InputError, match=r"one value everywhere in nuclei from this frame to the last \(frames 7 to 9\)"):
        look(tmp_path / "a.tif", MovieSettings(CHANNELS, 16, "refuse", "leave_out"))


def test_one_empty_frame_is_named_and_kept(tmp_path):
    movie = write_movie(tmp_path / "a.tif")
    movie[5] = 0
    save_movie(tmp_path / "a.tif", movie)
    seen = look(tmp_path / "a.tif")
    assert len(seen.cell.frames) == 12
    assert "cells.tsv: line 2: cell a: " in seen.notes[0]
    assert "was this image written?" in seen.notes[0]


def test_what_is_odd_about_pixels_is_told_once_for_all_movies(tmp_path):
    for seed in range(3):
        movie = write_movie(tmp_path / f"{seed}.tif", seed=seed)
        if seed:
            movie[7:, 1] = movie[6, 1]
            save_movie(tmp_path / f"{seed}.tif", movie)
    seen = [look(tmp_path / f"{seed}.tif") for seed in range(3)]
    (line,) = notes_of(seen)
    assert line.startswith("cells.tsv: line 2: cell a: ")
    assert "frames looked at (7 to " in line
    assert line.endswith(
        "the very pixels of the frame before in nuclei: did the camera stop, or was this written twice? (as in 1 more of 3 movies)"
    )
    assert notes_of(seen[:1]) == []


def test_the_frames_after_last_image_do_not_count(tmp_path):
    movie = write_movie(tmp_path / "a.tif")
    movie[8:] = 0
    save_movie(tmp_path / "a.tif", movie)
    assert len(look(tmp_path / "a.tif", last_image=7).cell.frames) == 8


def test_movies_of_a_recording_have_one_pixel_type_and_each_its_own_images(tmp_path):
    movie = write_movie(tmp_path / "a.tif")
    save_movie(tmp_path / "copy.tif", movie)
    save_movie(tmp_path / "small.tif", (movie // 4).astype("uint8"))
    first = look(tmp_path / "a.tif")
    with pytest.raises(InputError, match=r"its movie has the same images as that of cells.tsv: line 2"):
        check_alike([first, look(tmp_path / "copy.tif")])
    with pytest.raises(InputError, match="pixels of type uint8, those of cell a of the same recording are uint16"):
        check_alike([first, look(tmp_path / "small.tif")])
    check_alike([first])


def test_short_movies_are_named_and_not_refused(tmp_path):
    write_movie(tmp_path / "a.tif", 5)
    (line,) = short_movies([look(tmp_path / "a.tif")], 10)
    assert "1 of 1 movies are not longer than 10 frames and are not used, the first: cells.tsv: line 2: cell a: 5 frames" in line
    assert short_movies([look(tmp_path / "a.tif")], 4) == []


def test_the_table_leads_from_a_track_to_its_movie(tmp_path):
    write_movie(tmp_path / "a.tif")
    table = movies_table("dish1", [row(tmp_path / "a.tif", "A-7", 3)], [look(tmp_path / "a.tif", cell="A-7", track_id=3)])
    assert table.to_dict("records") == [
        {"recording": "dish1", "track_id": 3, "cell": "A-7", "movie": str(tmp_path / "a.tif"), "n_frames": 12, "n_used": 12}
        | {"height": 16, "width": 16}
    ]


def test_a_movie_that_was_cut_after_its_check_is_named(tmp_path):
    write_movie(tmp_path / "a.tif")
    one = row(tmp_path / "a.tif")
    tables = tables_of_movies("dish1", [look(tmp_path / "a.tif").cell], "cells.tsv", event_gap=2, words={})
    write_movie(tmp_path / "a.tif", 9)
    options = {"recording": "dish1", "which": "all", "outcomes_wanted": [], "min_frames": 0, "frame_interval_min": 15.0}
    with pytest.raises(InputError, match="9 frames found, 12 when it was checked"):
        gather_crops([one], tables.tracks, tables.outcomes, tmp_path / "x.h5", REFUSING, **options, pixel_size_um=None)
    assert not (tmp_path / "x.h5").exists()


def test_crops_that_were_cut_out_have_the_shape_of_their_frames(tmp_path):
    tracks = pd.DataFrame({"track_id": [0], "frame": [0], "y": [8.0], "x": [8.0]})
    outcomes = pd.DataFrame({"track_id": [0], "outcome": ["mitosis"], "event_frame": [None]})
    write_movie(tmp_path / "a.tif", size=(16, 24))
    options = {"recording": "r", "size": 8, "which": "all", "outcomes_wanted": [], "min_frames": 0, "frame_interval_min": 15.0}
    extract_crops(open_frames(tmp_path / "a.tif", CHANNELS), tracks, outcomes, tmp_path / "r.h5", **options, pixel_size_um=None)
    assert CropFile(tmp_path / "r.h5").frame_shape(0) == (16, 24)
