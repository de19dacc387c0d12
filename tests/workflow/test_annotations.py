"""A large file of annotations that many rows of the sheet name is read once per run, and a further row re-runs nothing of the others."""

import json

import numpy as np
import pandas as pd
import tifffile
from project import copy_project

from cellfate.planning.annotations import LARGE_BYTES

OVERLAYS = ("mine.yaml",)
TARGETS = {name: f"results/mine/tracks/{name}.parquet" for name in "ab"}


def annotations() -> str:
    """Two recordings of four frames with one cell each; spaces make the file a large one."""
    images = [{"id": f"{name}{t}", "video_id": name, "frame_id": t} for name in "ab" for t in range(4)]
    boxes = [
        {"id": n, "image_id": image["id"], "category_id": 1, "bbox": [0.5, 0.25, 0.1, 0.1], "cell_id": 7 if image["video_id"] == "a" else 8}
        for n, image in enumerate(images)
    ]
    content = {"videos": [{"id": name, "name": name} for name in "ab"], "images": images, "annotations": boxes}
    return json.dumps(content) + " " * LARGE_BYTES


def write_sheet(project, names: str) -> None:
    row = {"tracks": "whole.json", "tracks_format": "coco-video", "frame_interval_min": "15", "channels": "nuclei"}
    project.write_sheet("mine.tsv", [row | {"recording": name, "images": name} for name in names])


def test_a_large_annotation_file_is_cut_once(tmp_path):
    project = copy_project(tmp_path)
    for name in "ab":
        (project.folder / name).mkdir()
        for t in range(4):
            tifffile.imwrite(project.folder / f"{name}/t{t}.tif", np.random.default_rng(t).integers(0, 9, (30, 30)).astype("uint16"))
    (project.folder / "whole.json").write_text(annotations())
    settings = {"dataset": "mine", "recordings": "mine.tsv", "source": {"kind": "local"}, "segmentation": {"channel": "nuclei"}}
    project.write_config("mine.yaml", settings | {"evaluation": {"treatment": None}, "split": {"unit": "track"}})
    write_sheet(project, "a")
    assert project.jobs("--", TARGETS["a"], overlays=OVERLAYS) == {"split_annotations": 1, "read_tracks": 1}
    project.snakemake("--", TARGETS["a"], overlays=OVERLAYS)
    write_sheet(project, "ab")
    assert project.jobs("--", *TARGETS.values(), overlays=OVERLAYS) == {"read_tracks": 1}
    project.snakemake("--", *TARGETS.values(), overlays=OVERLAYS)
    assert [pd.read_parquet(project.folder / path)["track_id"].unique().tolist() for path in TARGETS.values()] == [[7], [8]]
    assert project.jobs("--", *TARGETS.values(), overlays=OVERLAYS) == {}
    (project.folder / "whole.json").touch()
    assert project.jobs("--", *TARGETS.values(), overlays=OVERLAYS) == {"split_annotations": 1, "read_tracks": 2}
