"""Features of Cellpose's outlines at some frames of all tracks of a recording, as the workflow measures them at all frames."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from cellfate.crops.crop_file import CropFile
from cellfate.segmentation.cellpose import load_network, segment_crops
from cellfate.segmentation.crops import fill_outside, inside_frame
from cellfate.segmentation.features import measure_features
from cellfate.segmentation.settings import SegmentationSettings

ROOT = Path(__file__).resolve().parent.parent


def settings_of(channels: list[str]) -> tuple[SegmentationSettings, dict]:
    """Those of the demo, for its network."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    segmentation = config["segmentation"] | yaml.safe_load((ROOT / "demo/config.yaml").read_text())["segmentation"]
    values = [segmentation[key] for key in ("diameter", "flow_threshold", "cellprob_threshold", "batch_size")]
    measured = {key: config["features"][key] for key in ("region", "min_area")}
    return SegmentationSettings("single", channels.index(segmentation["channel"]), *values), measured


def outline_features(path: Path, weights: Path, every: int) -> pd.DataFrame:
    """The features of a crop file's tracks at frames that ``every`` divides, and the CPU seconds that all took."""
    started, tables = time.process_time(), []
    network = load_network(weights, "cpu", 1)
    with CropFile(path) as crops:
        settings, measured = settings_of(crops.channels)
        background, index = crops.background, crops.index()
        for track, rows in index.groupby("track_id"):
            frames, images = crops.read(track)
            chosen = frames % every == 0
            inside = inside_frame(rows["y"].to_numpy()[chosen], rows["x"].to_numpy()[chosen], crops.frame_shape(track), images.shape[-1])
            masks, _ = segment_crops(network, fill_outside(images[chosen], inside), settings)
            found = measure_features(masks * inside, images[chosen], crops.channels, **measured)
            places = frames[chosen][found.index]
            means = [f"intensity_mean-{channel}" for channel in crops.channels]
            found[means] -= background[places].astype(np.float64)
            tables.append(found.assign(recording=crops.recording, track_id=track, frame=places))
    keys = ["recording", "track_id", "frame"]
    table = pd.concat(tables, ignore_index=True)
    return table[keys + [name for name in table.columns if name not in keys]].assign(seconds=time.process_time() - started)
