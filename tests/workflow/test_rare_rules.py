"""Rules that no ordinary run reaches, each run once: files with checksums, weights, the published numbers, conditions, fast.yaml."""

import hashlib
import http.server
import shutil
import threading
from functools import partial

import h5py
import numpy as np
import pandas as pd
import pytest
import tifffile
from project import tiny_rows
from test_published import Quiet
from test_transition import OVERLAYS as TRANSITION
from test_transition import SMALL

from cellfate.base.tables import read_table
from cellfate.explanation.tables import EFFECT_SUMMARY
from cellfate.transition.tables import CONDITION_TESTS

RESULTS = "results/tiny/corrected"
PAPERS_FEATURES = ("area", "eccentricity", "p53")


@pytest.fixture
def server(tmp_path_factory):
    """A folder, and the address under which a server on loopback gives its files."""
    folder = tmp_path_factory.mktemp("server")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_frames_with_checksums_are_fetched_from_a_folder(fresh):
    images = fresh.folder / "mine/r0"
    images.mkdir(parents=True)
    for t in range(3):
        tifffile.imwrite(images / f"{t}.tif", np.full((8, 8), t, np.uint16))
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}" for file in sorted(images.iterdir())]
    (fresh.folder / "sums.txt").write_text("\n".join(sums) + "\n")
    fresh.write_sheet("mine.tsv", [row | {"channels": "p53"} for row in tiny_rows(3, "mine")])
    (fresh.folder / "resources/mine/annotations").mkdir(parents=True)
    for row in tiny_rows(3, "mine"):
        (fresh.folder / row["tracks"]).write_text("{}")
    source = {"kind": "files", "checksums": "sums.txt", "local": "mine/r0", "url": None}
    fresh.write_config("mine.yaml", {"dataset": "mine", "recordings": "mine.tsv", "source": source})
    fresh.snakemake("--", "resources/mine/images/r0", overlays=("demo/config.yaml", "tiny.yaml", "mine.yaml"))
    fetched = fresh.folder / "resources/mine/images/r0"
    assert [tifffile.imread(file).max() for file in sorted(fetched.glob("*.tif"))] == [0, 1, 2]


def test_weights_are_fetched_by_their_name_with_a_checksum_beside_them(fresh, server):
    folder, url = server
    (folder / "cyto3").write_bytes(b"weights of a network" * 1000)
    code = fresh.folder / "src/cellfate/segmentation/weights.py"
    code.write_text(code.read_text().replace("https://www.cellpose.org/models", url))
    fresh.snakemake("--", "resources/cellpose/cyto3")
    weights = fresh.folder / "resources/cellpose/cyto3"
    assert weights.read_bytes() == (folder / "cyto3").read_bytes()
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert weights.with_name("cyto3.sha256").read_text() == f"{digest}  cyto3\n"


def test_figure_5_is_drawn_from_a_folder_of_published_effect_sizes(fresh):
    """A small made table in the published layout: two cells a file, of which the medians are known."""
    folder = fresh.folder / "reference/effect_sizes"
    folder.mkdir(parents=True)
    for outcome, deltas in (("Death", (-0.5, 0.1)), ("Division", (0.25, 0.75))):
        for feature in PAPERS_FEATURES:
            rows = "".join(f"{dose};0.1;{delta};1\n" for dose, delta in zip(("Low", "High"), deltas, strict=True))
            (folder / f"{outcome}_{feature}.csv").write_text(f"Dosage;p-value;Cliff's Delta;Cohen's D\n{rows}Control;0.1;-1;1\n")
    fresh.write_config("mine.yaml", {"figures": {"reference": "reference"}, "statistics": {"bootstrap": 50}})
    figure = fresh.folder / "results/published/reference/figures/figure_5.pdf"
    fresh.snakemake("--", str(figure.relative_to(fresh.folder)), overlays=("mine.yaml",))
    assert figure.read_bytes().startswith(b"%PDF")
    table = read_table(fresh.folder / "results/published/reference/tables/effect_summary.csv", EFFECT_SUMMARY)
    medians = table.set_index(["outcome", "feature"])["median_delta"]
    assert medians.to_dict() == pytest.approx(
        {
            (outcome, feature): median
            for outcome, median in (("apoptosis", -0.2), ("mitosis", 0.5))
            for feature in ("area", "eccentricity", "intensity_mean-p53")
        }
    )


def test_our_numbers_stand_beside_the_published_ones(finished, tmp_path):
    """The rule is for the published recordings alone, so the results of the tiny run are given their name."""
    project = finished.copy(tmp_path / "copy")
    (project.folder / "results/tiny").rename(project.folder / "results/published")
    project.write_config("published.yaml", {"dataset": "published"})
    table = "results/published/corrected/tables/published.csv"
    project.snakemake("--allowed-rules", "compare_published", "--", table, overlays=("demo/config.yaml", "tiny.yaml", "published.yaml"))
    rows = pd.read_csv(project.folder / table)
    metrics = pd.read_csv(project.folder / "results/published/corrected/tables/test_metrics.csv")
    (ours,) = metrics.loc[(metrics["scope"] == "all") & (metrics["class"] == "all") & (metrics["metric"] == "balanced_accuracy"), "value"]
    row = rows[(rows["quantity"] == "balanced_accuracy") & (rows["scope"] == "all")].iloc[0]
    assert row["published"] == 0.9394
    assert row["ours"] == pytest.approx(ours, abs=1e-6)


def test_conditions_are_compared(fresh):
    fresh.write_config("small.yaml", SMALL)
    fresh.snakemake("--", "resources/small/transition/cells.h5ad", overlays=TRANSITION)
    cells = fresh.folder / "resources/small/transition/cells.h5ad"
    with h5py.File(cells, "a") as file:
        doses = np.where(
            np.arange(len(file["obs/phenotype"] if isinstance(file["obs/phenotype"], h5py.Dataset) else file["X"])) % 2, "drug", "none"
        )
        file["obs"].create_dataset("dose", data=doses.astype(object), dtype=h5py.string_dtype())
        file["obs"]["dose"].attrs.update({"encoding-type": "string-array", "encoding-version": "0.2.0"})
        file["obs"].attrs["column-order"] = [*file["obs"].attrs["column-order"], "dose"]
    settings = {"source": "file", "expression": {"path": "resources/small/transition/cells.h5ad"}}
    condition = {"column": "dose", "control": "none", "permutations": 99}
    fresh.write_config("conditions.yaml", {"dataset": "conditions", "transition": settings | {"condition": condition}})
    table = "results/conditions/transition/tables/condition_tests.csv"
    fresh.snakemake("--", table, overlays=(*TRANSITION, "conditions.yaml"))
    tests = read_table(fresh.folder / table, CONDITION_TESTS)
    assert set(tests["condition"]) == {"drug"}
    assert tests["p_value"].dropna().between(0.01, 1).all()


FAST = ("demo/config.yaml", "tiny.yaml", "fast.yaml")


def test_fast_settings_are_planned_and_train_again_alone(finished):
    jobs = finished.jobs(overlays=FAST)
    assert {"train_model", "embed_frames", "predict_trajectories"} <= set(jobs)
    assert not {"simulate_recording", "read_tracks", "extract_crops", "segment_cells"} & set(jobs)


@pytest.mark.skipif(shutil.which("c++") is None, reason="torch compiles with a C++ compiler, and none is here")
def test_fast_settings_train_and_embed(finished, tmp_path):
    """On a CPU too, where they are slower: the compiled network, bf16, and other layouts of memory. Compiling takes minutes."""
    project = finished.copy(tmp_path / "copy")
    project.write_config("once.yaml", {"training": {"max_epochs": 1, "patience": 1}})
    predictions = f"{RESULTS}/fold-0/predictions.parquet"
    project.snakemake("--", predictions, overlays=(*FAST, "once.yaml"))
    fast, plain = (pd.read_parquet(one.folder / predictions) for one in (project, finished))
    assert len(fast) == len(plain)
    assert fast["probability"].between(0, 1).all()
