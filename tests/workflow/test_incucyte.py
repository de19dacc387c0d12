"""The raw real recording: segmented and tracked with the example's settings; runs where the recording is at hand."""

import numpy as np
import pandas as pd
import pytest
import tifffile
from project import HEADER

from cellfate.base.tables import read_table
from cellfate.frames.tables import DRIFT
from cellfate.segmentation.detections import FrameMasks
from cellfate.tracks.tables import TRACKS

ROWS, COLUMNS, N_FRAMES = slice(0, 416), slice(0, 512), 5  # a part of the field, the first two hours
PART = {"recordings": "part.tsv", "seed": 7}  # the demo's seed, so the demo's network


@pytest.mark.whole
@pytest.mark.reference
def test_raw_frames_become_tracks_and_crops(fresh, shared_folder):
    source = sorted((shared_folder / "data/hcc1143_incucyte_30min").glob("*_R_*.tif"))[:N_FRAMES]
    assert len(source) == N_FRAMES
    (fresh.folder / "part").mkdir()
    for t, file in enumerate(source):
        tifffile.imwrite(fresh.folder / f"part/t{t:03d}.tif", tifffile.imread(file, key=0)[ROWS, COLUMNS])
    row = {"recording": "part", "images": "part", "frame_interval_min": 30, "channels": "R"}
    lines = ["\t".join(HEADER), "\t".join(str(row.get(column, "")) for column in HEADER)]
    (fresh.folder / "part.tsv").write_text("\n".join(lines) + "\n")
    fresh.write_config("part.yaml", PART)
    fresh.snakemake(overlays=("examples/incucyte/config.yaml", "examples/incucyte/offline.yaml", "part.yaml"))
    results = fresh.folder / "results/incucyte"
    with FrameMasks(results / "frame_masks/part.h5") as masks:
        counts = [int(masks.read(t).max()) for t in range(N_FRAMES)]
    assert all(15 < count < 60 for count in counts), counts
    tracks = read_table(results / "tracks/part.parquet", TRACKS)
    assert np.isin(range(N_FRAMES), tracks["frame"]).all()
    drift = read_table(results / "drift/part.csv", DRIFT)
    rows = np.array([0, 10, 23, 12, 16])  # by which the whole field drifts; a part with few nuclei gives less
    assert (np.abs(drift["dy"] + rows) <= rows / 2).all(), "registration takes off more than half of the drift"
    quality = pd.read_csv(results / "tracking/part.qc.csv").iloc[0]
    assert "all cells move together" not in quality["warnings"]
    assert quality["median_step"] < 8
    assert (results / "crops/part.h5").exists()
