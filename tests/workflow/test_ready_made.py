"""Ready-made crops: a movie per cell and a cells sheet are enough for the whole plan, and give the crop files and the split."""

import re
import shutil

import pandas as pd
from toy_movies import write_cells, write_movie

from cellfate.crops.crop_file import CropFile

SETTINGS = {
    "dataset": "mine",
    "recordings": "cells.tsv",
    "source": {"kind": "crops"},
    "crops": {"size": 16},
    "segmentation": {"channel": "nuclei", "model": "simulated"},
    "evaluation": {"treatment": None},
    "tracks": {"outcomes_from": {"words": {"Division": "mitosis"}}},
}
NOT_FOR_CROPS = {"extract_crops", "read_tracks", "segment_frames", "track_cells", "register_drift", "assess_tracking", "simulate_recording"}


def test_from_movies_to_crops_and_split(fresh):
    project, overlays = fresh, ("demo/config.yaml", "tiny.yaml", "mine.yaml")
    project.write_config("mine.yaml", SETTINGS)
    rows = []
    for number in range(12):
        write_movie(project.folder / f"movies/{number}.tif", 14 + number % 3, seed=number)
        outcome = ["Division", "apoptosis"][number % 2]
        rows.append({"cell": f"c{number:02}", "movie": f"movies/{number}.tif", "outcome": outcome, "recording": f"dish{number // 4}"})
    write_cells(project.folder / "cells.tsv", rows)

    planned = project.jobs(overlays=overlays)
    assert (planned["read_movies"], planned["gather_crops"], planned["segment_cells"], planned["train_model"]) == (3, 3, 3, 1)
    assert not NOT_FOR_CROPS & set(planned)

    wanted = ("--", "results/mine/corrected/split.parquet", "results/mine/crops/dish1.h5")
    project.snakemake(*wanted, overlays=overlays)
    folder = project.folder / "results/mine"
    trajectories = pd.read_parquet(folder / "corrected/trajectories.parquet")
    assert len(trajectories) == 12
    assert trajectories["usable"].all()
    assert dict(trajectories["outcome"].value_counts()) == {"mitosis": 6, "apoptosis": 6}
    assert set(trajectories["last_frame"]) == {11}
    split = pd.read_parquet(folder / "corrected/split.parquet")
    assert set(split["split"]) == {"train", "validation", "test"}
    assert split.groupby(split["trajectory"].str.split("/").str[0])["split"].nunique().max() == 1
    with CropFile(folder / "crops/dish1.h5") as file:
        assert file.shape == (15 + 16 + 14 + 15, 2, 16, 16)
    cells = pd.read_csv(folder / "tracks/dish1.cells.csv")
    assert list(cells["cell"]) == ["c04", "c05", "c06", "c07"]

    # a new row at the top concerns its own dish alone, and a mistake in it stops before its crops, with sheet and line
    shutil.copy(project.folder / "movies/5.tif", project.folder / "movies/new.tif")
    new = {"cell": "new", "movie": "movies/new.tif", "outcome": "apoptosis", "recording": "dish1"}
    write_cells(project.folder / "cells.tsv", [new, *rows])
    failed = project.snakemake(*wanted, overlays=overlays, check=False)
    assert failed.returncode != 0
    assert set(re.findall(r"Checking the movies of (\w+)", failed.output)) == {"dish1"}
    assert "Gathering" not in failed.output
    assert "cells.tsv: line 8: cell c05: its movie has the same images as that of cells.tsv: line 2: cell new" in failed.output
