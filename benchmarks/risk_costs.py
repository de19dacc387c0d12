"""What the crops of all tracks cost beside those with a fate alone, and how long rings take beside bare reading of the crop file.

Cuts crops of recordings that are there, both ways, into a temporary folder. Seconds are CPU time of one core.

Run: PYTHONPATH=src .venv/bin/python benchmarks/risk_costs.py [--dataset demo] [--sheet demo/recordings.tsv] [--recordings 4]
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import yaml

from cellfate.base.tables import read_table
from cellfate.crops.crop_file import CropFile
from cellfate.crops.extraction import extract_crops
from cellfate.crops.rings import measure_rings
from cellfate.frames.formats import open_frames
from cellfate.recordings.sheet import frames_arguments, read_sheet
from cellfate.tracks.tables import OUTCOMES, TRACKS

CONFIG = yaml.safe_load((Path(__file__).resolve().parent.parent / "config/config.yaml").read_text())


def seconds_of(step: Callable[[], object]) -> float:
    started = time.process_time()
    step()
    return time.process_time() - started


def read_all(path: Path) -> int:
    """Read every track of a crop file; the number of crops."""
    with CropFile(path) as file:
        return sum(len(file.read(track)[0]) for track in file.track_ids.tolist())


def cost(row, which: str, tracks: Path, folder: Path) -> dict[str, float]:
    """Of one recording's crops: their number, MB on disk, and the seconds to cut them, to read them, and to measure their rings."""
    path = folder / f"{row.recording}-{which}.h5"
    frames = open_frames(**frames_arguments(row.images, row.channels, row.channel_labels, row.last_image))
    tables = [read_table(tracks / f"{row.recording}{kind}.parquet", declared) for kind, declared in (("", TRACKS), (".outcomes", OUTCOMES))]
    settings = {"size": CONFIG["crops"]["size"], "min_frames": CONFIG["crops"]["min_frames"], "which": which}
    known = {"recording": row.recording, "frame_interval_min": row.frame_interval_min, "pixel_size_um": None}
    wanted = list(CONFIG["outcomes"].values())
    cut = seconds_of(lambda: extract_crops(frames, *tables, path, outcomes_wanted=wanted, **settings, **known))
    read = seconds_of(lambda: read_all(path))
    rings = seconds_of(lambda: measure_rings(path, **CONFIG["rings"]))
    return {"crops": read_all(path), "MB": path.stat().st_size / 1e6, "cutting, s": cut, "reading, s": read, "rings, s": rings}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what the crops of all tracks and their rings cost")
    parser.add_argument("--dataset", default="demo")
    parser.add_argument("--sheet", default="demo/recordings.tsv")
    parser.add_argument("--recordings", type=int, default=4)
    options = parser.parse_args()
    rows = list(read_sheet(options.sheet).head(options.recordings).itertuples())
    with TemporaryDirectory() as name:
        tracks = Path("results", options.dataset, "tracks")
        found = {which: pd.DataFrame([cost(row, which, tracks, Path(name)) for row in rows]).sum() for which in ("fated", "all")}
    table = pd.DataFrame(found).T
    print(table.assign(**{"rings / reading": table["rings, s"] / table["reading, s"]}).round(2).to_markdown())


if __name__ == "__main__":
    main()
