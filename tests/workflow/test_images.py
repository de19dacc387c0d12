"""What counts as a recording's images when a run is planned: the frames, not what a file browser leaves beside them."""

import os
import shutil

import numpy as np
import pytest
import tifffile
from project import copy_project

OVERLAYS = ("mine.yaml",)
TARGET = "results/mine/tracks/a.parquet"


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A folder of frames, one of them in a subfolder that is no frame, whose tracks were read."""
    project = copy_project(tmp_path_factory.mktemp("images"))
    (project.folder / "a").mkdir()
    for t in range(4):
        tifffile.imwrite(project.folder / f"a/t{t}.tif", np.random.default_rng(t).integers(0, 9, (30, 30)).astype("uint16"))
    (project.folder / "a.csv").write_text("track_id,frame,y,x\n" + "".join(f"1,{t},9,9\n" for t in range(4)))
    row = {"recording": "a", "images": "a", "tracks": "a.csv", "tracks_format": "csv", "frame_interval_min": "15", "channels": "nuclei"}
    project.write_sheet("mine.tsv", [row])
    settings = {"dataset": "mine", "recordings": "mine.tsv", "source": {"kind": "local"}, "segmentation": {"channel": "nuclei"}}
    project.write_config("mine.yaml", settings | {"evaluation": {"treatment": None}, "split": {"unit": "track"}})
    project.snakemake("--", TARGET, overlays=OVERLAYS)
    return project


def planned(project) -> dict[str, int]:
    return project.jobs("--", TARGET, overlays=OVERLAYS)


def test_what_a_file_browser_leaves_plans_nothing_and_another_frame_does(done):
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._t1.tif"):
        (done.folder / "a" / name).write_bytes(b"not an image")
    os.utime(done.folder / "a")
    assert planned(done) == {}
    shutil.copy(done.folder / "a/t0.tif", done.folder / "a/t1.tif")
    assert planned(done) == {"read_tracks": 1}
