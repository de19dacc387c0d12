"""Time and memory of reading frames of 1024 x 1024 pixels, three channels, 16 bit, in every format.

``python benchmarks/readers.py`` writes results/benchmarks/readers.tsv. Each format is read in a process of its own: all frames in
order, as extract_crops does, beside the same files read by plain tifffile. Times are processor time, so that others on the machine
do not count. Memory is the process's peak above what it had before the file was opened (Linux), after half of the frames and after
all: flat where both are alike. The files are in the page cache.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests/unit")]

from cellfate.base.files import replacing  # noqa: E402

FORMATS = ("colour_tiffs", "colour_pngs", "channel_files", "channel_stacks", "hyperstack", "ome_tiff", "ome_tiff_by_channel")
FORMATS += ("ome_zarr", "ome_zarr_04")
N_FRAMES = 16


def images() -> np.ndarray:
    """Frames (T, C, H, W) of counts with noise, as a camera gives them."""
    rng = np.random.default_rng(0)
    scene = 300 + 200 * rng.random((3, 32, 32)).repeat(32, 1).repeat(32, 2)
    return np.stack([rng.normal(scene, 12).astype("uint16") for _ in range(N_FRAMES)])


def peak_mb() -> float:
    """The peak of this process's memory, MB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def measure(name: str, cell: str, reader: str) -> dict:
    """Read all frames of one recording in this process."""
    import tifffile
    from toy_frames import NAMES

    from cellfate.frames.formats import open_frames

    files = sorted(Path(cell.split("{")[0] + "x").parent.rglob("*.tif") if "{" in cell else Path(cell).parent.glob("*.tif"))
    files = sorted(Path(cell).glob("*.tif")) if Path(cell).is_dir() else files
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = peak_mb()
    start = time.process_time()
    if reader == "cellfate":
        frames = open_frames(cell, NAMES)
        opened = time.process_time()
        frames.check()
        checked = time.process_time()
        half = frames.n_frames // 2
        for t in range(half):
            frames.read(t)
        peak_half = peak_mb()
        for t in range(half, frames.n_frames):
            frames.read(t)
    else:
        opened = checked = time.process_time()
        pages = 0
        for file in files:
            with tifffile.TiffFile(file) as tiff:
                for page in tiff.pages:
                    page.asarray(maxworkers=1)
                    pages += 1
        peak_half = float("nan")
    end = time.process_time()
    return {
        "format": name,
        "reader": reader,
        "open_ms": 1000 * (opened - start),
        "check_ms_per_frame": 1000 * (checked - opened) / N_FRAMES,
        "read_ms_per_frame": 1000 * (end - checked) / N_FRAMES,
        "peak_mb_half": peak_half - before,
        "peak_mb": peak_mb() - before,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=3, metavar=("FORMAT", "CELL", "READER"), help="measure one format in this process")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(*arguments.one)))
        return
    from toy_frames import WRITERS, ome_zarr

    rows, pixels = [], images()
    with tempfile.TemporaryDirectory() as folder:
        for name in FORMATS:
            place = Path(folder) / name
            version = "0.4" if name.endswith("04") else "0.5"
            zarr = "zarr" in name  # a chunk is a plane
            cell = ome_zarr(place, pixels, version, "tcyx", (1, 1, 1024, 1024)) if zarr else WRITERS[name](place, pixels)
            for reader in ("cellfate", "tifffile"):
                if reader == "tifffile" and ("zarr" in name or "png" in name):
                    continue
                command = [sys.executable, __file__, "--one", name, cell, reader]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                rows.append(json.loads(done.stdout.splitlines()[-1]))
                print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    with replacing(ROOT / "results/benchmarks/readers.tsv") as temporary:
        table.round(1).to_csv(temporary, sep="\t", index=False)
    print(table.round(1).to_string(index=False))


if __name__ == "__main__":
    main()
