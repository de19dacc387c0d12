"""Recordings in other files than colour TIFF, through the real Snakefile: the same crops, and their drift."""

import h5py
import hdf5plugin  # noqa: F401, the compression of crop files
import numpy as np
import pandas as pd
import tifffile
from project import tiny_rows
from toy_frames import ome_tiff, ome_zarr

NAMES = ["circadian", "p53", "cell_cycle"]


def pixels(folder) -> np.ndarray:
    """The simulated frames as (T, C, H, W)."""
    return np.stack([np.moveaxis(tifffile.imread(file), -1, 0) for file in sorted(folder.glob("*.tif"))])


def test_crops_do_not_depend_on_the_format_and_drift_is_registered(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    rows = tiny_rows(4)
    for row in rows[:3]:
        images = pixels(project.folder / row["images"])
        folder = project.folder / "mine" / row["recording"]
        if row["recording"] == "r0":
            ome_tiff(folder, images, "CTYX", names=["Cy5", "GFP 488", "mCherry"])
            row.update(images="mine/r0/A1.ome.tif", channel_labels="Cy5, GFP 488,mCherry")
        elif row["recording"] == "r1":
            ome_zarr(folder, images)
            row.update(images="mine/r1/A1.zarr")
        else:
            folder.mkdir(parents=True)
            for t, image in enumerate(images):
                for label, plane in zip("RGB", image, strict=True):
                    tifffile.imwrite(folder / f"x_{label}_00d{t // 2:02d}h{t % 2 * 30:02d}m.tif", plane)
            row.update(images="mine/r2/x_{channel}_{time}.tif", channel_labels="R,G,B")
    project.write_sheet("mine.tsv", rows)
    mine = {"dataset": "mine", "recordings": "mine.tsv", "source": {"kind": "local"}}
    project.write_config("mine.yaml", mine | {"registration": {"method": "phase_cross_correlation", "channel": "circadian"}})
    overlays = ("demo/config.yaml", "tiny.yaml", "mine.yaml")
    assert project.jobs("--", "results/mine/corrected/summary.html", overlays=overlays).get("register_drift") is None
    jobs = project.jobs(overlays=overlays)
    assert (jobs["register_drift"], jobs["plot_drift"]) == (4, 4)
    drift = [f"results/mine/drift/r{i}.png" for i in range(3)]
    crops = [f"results/mine/crops/r{i}.h5" for i in range(4)]
    project.snakemake("--", *drift, *crops, overlays=overlays)
    for i in range(4):
        with h5py.File(project.folder / crops[i]) as found, h5py.File(project.folder / f"results/tiny/crops/r{i}.h5") as expected:
            for name in ("crops", "background", "frame", "y", "x"):
                np.testing.assert_array_equal(found[name][:], expected[name][:])
            assert found.attrs["channels"] == expected.attrs["channels"]
    table = pd.read_csv(project.folder / "results/mine/drift/r0.csv")
    assert list(table["frame"]) == list(range(30))
    assert table.loc[0, ["dy", "dx"]].tolist() == [0, 0]
    assert table[["dy", "dx"]].abs().to_numpy().max() < 15


def test_nothing_is_registered_by_default(finished):
    assert "register_drift" not in finished.jobs("--forceall")


def test_a_channel_to_register_that_is_not_in_the_sheet(fresh):
    fresh.write_config("mine.yaml", {"registration": {"method": "phase_cross_correlation", "channel": "phase"}})
    done = fresh.snakemake("-n", overlays=("demo/config.yaml", "tiny.yaml", "mine.yaml"), check=False)
    assert done.returncode != 0
    assert "mine.yaml: registration.channel is 'phase', but the channels in tiny.tsv are circadian, p53, cell_cycle" in done.output
