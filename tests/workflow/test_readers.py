"""Editing a reader makes stale the jobs of the recordings in its format, and no others."""

import os
import time

import pytest
from project import copy_project, tiny_rows

IMAGES = {  # by the module in src/cellfate/frames that reads them
    "folders": ("r_folder", "images/r_folder"),
    "ome_zarr": ("r_zarr", "images/movie.zarr"),
    "stacks": ("r_stack", "images/movie.tif"),
    "nd2": ("r_nd2", "images/movie.nd2"),
    "czi": ("r_czi", "images/movie.czi"),
}
TRACKS = {"r_folder": "csv", "r_zarr": "geff", "r_stack": "btrack", "r_nd2": "napari", "r_czi": "trackmate"}
FILES_OF = {"csv": "text", "napari": "text", "geff": "geff", "btrack": "btrack", "trackmate": "trackmate"}
OVERLAYS = ("demo/config.yaml", "tiny.yaml", "formats.yaml")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Recordings in five formats of images and tracks, whose tracks and crops seem to be made: newer than everything else."""
    project = copy_project(tmp_path_factory.mktemp("formats"))
    template, rows = tiny_rows(1)[0], []
    (project.folder / "images/movie.zarr").mkdir(parents=True)
    (project.folder / "images/movie.zarr/zarr.json").write_text("{}")
    (project.folder / "images/r_folder").mkdir()
    for name, images in IMAGES.values():
        path = project.folder / images
        if not path.exists():
            path.write_text("")
        (project.folder / f"{name}.tracks").write_text("")
        rows.append(template | {"recording": name, "images": images, "tracks": f"{name}.tracks", "tracks_format": TRACKS[name]})
    project.write_sheet("formats.tsv", rows)
    project.write_config("formats.yaml", {"dataset": "formats", "recordings": "formats.tsv", "source": {"kind": "local"}})
    for folder in ("tracks", "crops"):
        (project.folder / "results/formats" / folder).mkdir(parents=True)
    past = time.time() - 1000
    for path in project.folder.rglob("*"):
        os.utime(path, (past, past))
    for name, _ in IMAGES.values():
        for output in (f"tracks/{name}.parquet", f"tracks/{name}.outcomes.parquet"):
            (project.folder / "results/formats" / output).write_text("")
            os.utime(project.folder / "results/formats" / output, (past + 100, past + 100))
        (project.folder / f"results/formats/crops/{name}.h5").write_text("")
        os.utime(project.folder / f"results/formats/crops/{name}.h5", (past + 200, past + 200))
    return project


def stale(project, *modules: str) -> set[tuple[str, str]]:
    """(rule, recording) of the jobs that a run would do because of their inputs, after ``modules`` were edited."""
    paths = [project.folder / "src/cellfate" / module for module in modules]
    before = [path.stat() for path in paths]
    for path in paths:
        os.utime(path)
    try:
        targets = [f"results/formats/crops/{name}.h5" for name, _ in IMAGES.values()]
        output = project.snakemake("-n", "--rerun-triggers", "mtime", "--", *targets, overlays=OVERLAYS).output
    finally:
        for path, was in zip(paths, before, strict=True):
            os.utime(path, (was.st_atime, was.st_mtime))
    words = {"Checking the frames and tracks of": "read_tracks", "Cutting the crops of": "extract_crops"}
    return {(rule, line.split()[-1]) for line in output.splitlines() for start, rule in words.items() if start in line}


def jobs_of(names) -> set[tuple[str, str]]:
    return {(rule, name) for name in names for rule in ("read_tracks", "extract_crops")}


def test_nothing_is_stale_after_the_registries_were_edited(done):
    assert stale(done, "frames/formats.py", "tracks/formats.py") == set()


@pytest.mark.parametrize(("images", "tracks"), list(zip(IMAGES, [None, "btrack", "text", "trackmate", "geff"], strict=True)))
def test_readers_make_the_recordings_in_their_formats_stale(done, images, tracks):
    edited = [f"frames/{images}.py", *([] if tracks is None else [f"tracks/readers/{tracks}.py"])]
    assert stale(done, *edited) == jobs_of({IMAGES[images][0], *(name for name, kind in TRACKS.items() if FILES_OF[kind] == tracks)})


def test_what_all_readers_share_makes_all_stale(done):
    assert stale(done, "frames/reader.py") == jobs_of(name for name, _ in IMAGES.values())
