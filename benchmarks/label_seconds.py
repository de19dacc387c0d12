"""Seconds a cell on the label page, by a script through the browser: what the page itself costs. A script is no person: it need not look.

Fifty simulated cells of a finished run, whose events are known, are labelled by keys alone: to the first frame that shows the event, then
the outcome's key. The downloaded file must say of each what its files say.  python benchmarks/label_seconds.py results/demo
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.tables import read_tables
from cellfate.explorer.labelling.write import LabelSettings, write_label_page
from cellfate.explorer.write import PageSettings
from cellfate.tracks.labels.rows import read_labels
from cellfate.tracks.tables import CENSORED, NO_EVENT, OUTCOMES, TRACKS

CELLS, LEAST_LOOK = 50, 0.26  # seconds before which the page takes no label
KEYS = {"apoptosis": "1", "mitosis": "2"}


def make_page(results: Path, path: Path) -> pd.DataFrame:
    """Write the page of cells with an event, and return the table of their ends."""
    names = sorted(file.stem for file in (results / "crops").glob("*.h5"))
    tracks = read_tables([results / f"tracks/{name}.parquet" for name in names], TRACKS)
    ends = read_tables([results / f"tracks/{name}.outcomes.parquet" for name in names], OUTCOMES)
    ends = ends[~ends["outcome"].isin([CENSORED, NO_EVENT])]
    write_label_page(
        path,
        "speed",
        tracks,
        ends,
        [results / f"crops/{name}.h5" for name in names],
        {name: {"frame_interval_min": 30.0, "treatment_start_h": None} for name in names},
        words=list(KEYS),
        labels=[],
        predictions=[],
        label=LabelSettings("all", "random"),
        settings=PageSettings(max_cells=CELLS, fields=6, image_size=64, quality=60, seed=1),
    )
    return ends.assign(trajectory=ends["recording"] + "/" + ends["track_id"].astype(str)).set_index("trajectory")


def label_all(page, ends: pd.DataFrame) -> tuple[list[float], list[int]]:
    """Seconds and keys of each cell."""
    seconds, keys = [], []
    page.fill("#name", "script")
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-cell]")
    time.sleep(0.5)
    start = time.perf_counter()
    for done in range(CELLS):
        name = page.evaluate("document.body.dataset.cell")
        end = ends.loc[name]
        steps = int(end["event_frame"] - end["last_frame"])
        for _ in range(abs(steps)):
            page.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")
        time.sleep(max(0.0, LEAST_LOOK - (time.perf_counter() - start)))
        page.keyboard.press(KEYS[end["outcome"]])
        if done < CELLS - 1:
            page.wait_for_selector(f"body:not([data-cell='{name}'])")
        now = time.perf_counter()
        seconds.append(now - start)
        keys.append(abs(steps) + 1)
        start = now
    return seconds, keys


def main(results: str) -> None:
    """Print what was measured."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        path = Path(folder) / "label.html"
        ends = make_page(Path(results), path)
        browser = started.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        start = time.perf_counter()
        page.goto(f"file://{path}")
        page.wait_for_selector("body[data-ready]")
        opened = time.perf_counter() - start
        seconds, keys = label_all(page, ends)
        with page.expect_download() as download:
            page.keyboard.press("s")
        download.value.save_as(Path(folder) / "labels.csv")
        browser.close()
        labels = read_labels(Path(folder) / "labels.csv", list(KEYS))
        size = path.stat().st_size / 1e6
    known = ends.loc[labels["recording"] + "/" + labels["track_id"].astype(str)]
    right = (known["outcome"].to_numpy() == labels["outcome"].to_numpy()) & (
        known["event_frame"].to_numpy(int) == labels["event_frame"].to_numpy(int)
    )
    print(f"page of {CELLS} cells: {size:.1f} MB, opened in {opened:.1f} s")
    print(
        f"seconds a cell: median {np.median(seconds):.2f}, 90th percentile {np.percentile(seconds, 90):.2f}, "
        f"all {sum(seconds):.0f} s; keys a cell: median {np.median(keys):.0f}, most {max(keys)}"
    )
    print(f"labels as in the files: {right.sum()} of {len(labels)}")


if __name__ == "__main__":
    main(sys.argv[1])
