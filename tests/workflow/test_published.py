"""The published data set: what is planned without and with the sheet, with a server on loopback in place of the archive."""

import hashlib
import http.server
import io
import json
import shutil
import threading
import zipfile
from functools import partial

import numpy as np
import pandas as pd
import pytest
import tifffile

from cellfate.crops.crop_file import CropFile

NAMES = [f"{n:03d}" for n in [*range(1, 240), *range(275, 310)]]  # 274 recordings, numbered to 309


def annotations() -> dict:
    """COCO-video: one dividing cell of 12 frames in each of 274 recordings."""
    videos = [{"id": i, "name": name} for i, name in enumerate(NAMES)]
    images, boxes = [], []
    for video in videos:
        for frame in range(12):
            image = {"id": len(images), "video_id": video["id"], "frame_id": frame, "file_name": f"{video['name']}/{frame:03d}.tif"}
            boxes.append(
                {
                    "id": len(boxes),
                    "image_id": image["id"],
                    "category_id": 1,
                    "bbox": [0.5, 0.5, 0.05, 0.05],
                    "cell_id": 1,
                    "time_step": frame,
                    "time_of_death": None,
                    "time_of_division": 12,
                }
            )
            images.append(image)
    return {"videos": videos, "images": images, "categories": [{"id": 1, "name": "cell"}], "annotations": boxes}


def frames() -> bytes:
    """The archive of one recording: 12 frames, each of one level but for a corner, in a folder of their own."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        for frame in range(12):
            image, pixels = io.BytesIO(), np.full((96, 96, 3), frame, np.uint16)
            pixels[:4, :4] = 100
            tifffile.imwrite(image, pixels, photometric="rgb")
            files.writestr(f"001/{frame:03d}.tif", image.getvalue())
    return archive.getvalue()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def archive(tmp_path):
    """A server on loopback that holds the annotations, the frames of the first recording, and their checksums."""
    folder = tmp_path / "archive"
    folder.mkdir()
    files = {"annotations.json": json.dumps(annotations()).encode(), "001.zip": frames()}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "md5sums.txt").write_text("".join(f"{hashlib.md5(content).hexdigest()}  {name}\n" for name, content in files.items()))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def test_planning_without_and_with_the_sheet(fresh, archive):
    fresh.write_config("mine.yaml", {"source": {"url": archive}})
    first = fresh.snakemake("-n", overlays=("mine.yaml",))
    assert "is not there yet" in first.output
    assert fresh.jobs(overlays=("mine.yaml",)) == {"download_annotations": 1, "write_recordings_sheet": 1}
    fresh.snakemake(overlays=("mine.yaml",))
    sheet = pd.read_csv(fresh.folder / "resources/published/recordings.tsv", sep="\t", dtype=str)
    assert list(sheet["recording"]) == NAMES
    assert (sheet["treatment"] == "cisplatin").sum() == 118
    jobs = fresh.jobs(overlays=("mine.yaml",))
    assert {jobs[rule] for rule in ("download_recording", "read_tracks", "extract_crops", "segment_cells", "measure_features")} == {274}
    assert jobs["fetch_segmentation_weights"] == jobs["train_model"] == jobs["compare_published"] == 1
    assert "download_annotations" not in jobs
    assert not {"write_recordings_sheet", "download_annotations"} & set(jobs)
    cells = pd.read_csv(fresh.folder / "resources/published/cells.tsv", sep="\t", dtype=str)
    assert list(cells["recording"]) == NAMES
    assert set(cells["track_id"]) == {"1"}


@pytest.mark.whole
def test_an_imported_checkpoint_is_split_as_its_source_did_and_needs_no_scaling(fresh, archive):
    fresh.write_config("mine.yaml", {"source": {"url": archive}})
    fresh.snakemake("--", "resources/published/recordings.tsv", overlays=("mine.yaml",))
    (fresh.folder / "model.safetensors").touch()
    imported = {"protocol": "imported", "scaling": "reference", "training": {"checkpoint": "model.safetensors"}}
    fresh.write_config("imported.yaml", imported | {"split": {"unit": "source_code"}})
    overlays = ("mine.yaml", "imported.yaml")
    jobs = fresh.jobs(overlays=overlays)
    assert jobs["train_model"] == jobs["split_trajectories"] == jobs["compare_published"] == 1
    assert "compute_scaling" not in jobs
    (fresh.folder / "resources/published/cells.tsv").unlink()  # the order of the cells, which this split alone needs
    split = ("--", "results/published/imported/split.parquet")
    assert fresh.jobs(*split, overlays=overlays)["write_recordings_sheet"] == 1
    fresh.write_config("imported.yaml", imported | {"split": {"unit": "track"}})
    assert "write_recordings_sheet" not in fresh.jobs(*split, overlays=overlays)


def test_a_recording_is_downloaded_unpacked_and_cut(fresh, archive):
    fresh.write_config("mine.yaml", {"source": {"url": archive}})
    fresh.snakemake(overlays=("mine.yaml",))
    fresh.snakemake("--", "results/published/crops/001.h5", overlays=("mine.yaml",))
    images = fresh.folder / "resources/published/images"
    assert [path.name for path in sorted((images / "001").glob("*.tif"))] == [f"{frame:03d}.tif" for frame in range(12)]
    with CropFile(fresh.folder / "results/published/crops/001.h5") as crops:
        assert crops.read(1, 0, 11)[1][:, 0, 56, 56].tolist() == list(range(12))
    missing = fresh.snakemake("--", "results/published/crops/002.h5", overlays=("mine.yaml",), check=False).output
    assert f"Input error: {archive}md5sums.txt: 002.zip: not listed among its 2 files" in missing
    shutil.copytree(images / "001", images / "002", ignore=shutil.ignore_patterns(".*"))  # unpacked by hand
    assert fresh.jobs("--", "results/published/crops/002.h5", overlays=("mine.yaml",)) == {"read_tracks": 1, "extract_crops": 1}


@pytest.mark.reference
def test_figure_5_from_the_published_effect_sizes(fresh, shared_folder):
    fresh.write_config("mine.yaml", {"figures": {"reference": str(shared_folder / "reference")}})
    figure = "results/published/reference/figures/figure_5.pdf"
    fresh.snakemake("--", figure, overlays=("mine.yaml",))
    assert (fresh.folder / figure).exists()
    table = pd.read_csv(fresh.folder / "results/published/reference/tables/effect_summary.csv")
    medians = table.set_index(["outcome", "feature"])["median_delta"].round(3)
    expected = {
        ("mitosis", "intensity_mean-p53"): 0.824,
        ("mitosis", "area"): 0.404,
        ("mitosis", "eccentricity"): -0.396,
        ("apoptosis", "intensity_mean-p53"): 0.549,
        ("apoptosis", "area"): 0.221,
        ("apoptosis", "eccentricity"): 0.062,
    }
    assert medians.to_dict() == pytest.approx(expected, abs=6e-4)
