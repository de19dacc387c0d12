"""The program and its version stand in every output of a run that can hold them."""

import json
from pathlib import Path

import h5py
import pyarrow.parquet as pq
import pytest
import zarr

from cellfate.base.software import SOFTWARE

RESULTS = "results/tiny/corrected"


def in_json(path: Path) -> bool:
    content = json.loads(path.read_text())
    return SOFTWARE in (content.get("software"), content.get("info", {}).get("software"))


def in_hdf5(path: Path) -> bool:
    with h5py.File(path) as file:
        return file.attrs.get("software") == SOFTWARE


def in_parquet(path: Path) -> bool:
    return pq.read_schema(path).metadata.get(b"software") == SOFTWARE.encode()


def in_bytes(path: Path) -> bool:
    return SOFTWARE.encode() in path.read_bytes()


NAMED = {
    ".h5": in_hdf5,
    ".h5ad": in_hdf5,
    ".parquet": in_parquet,
    ".json": in_json,
    ".png": in_bytes,
    ".pdf": in_bytes,
    ".html": in_bytes,
    ".md": in_bytes,
}


def unnamed(folder: Path) -> tuple[set[str], list[str]]:
    """The kinds of outputs below a folder that were looked at, and the outputs that do not name the program."""
    outputs = [
        path for path in folder.glob("re*/*/**/*") if path.suffix in NAMED and not any(part.endswith(".geff") for part in path.parts)
    ]
    silent = [str(path.relative_to(folder)) for path in outputs if not NAMED[path.suffix](path)]
    return {path.suffix for path in outputs}, [path for path in silent if not path.endswith("/configuration.json")]  # it is a --configfile


def test_every_output_names_the_program(finished):
    kinds, silent = unnamed(finished.folder)
    assert kinds == {".h5", ".parquet", ".json", ".png", ".pdf", ".html", ".md"}
    assert silent == []


@pytest.mark.whole
def test_predictions_name_the_program(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    folder = project.folder / "results/tiny"
    project.snakemake("--", "results/tiny/predictions/r0.geff", "results/tiny/predictions/r0.png")
    assert (folder / "predictions/r0.embeddings.h5").exists()
    assert unnamed(project.folder)[1] == []
    assert zarr.open_group(folder / "predictions/r0.geff", mode="r").attrs["geff"]["extra"]["cellfate"]["software"] == SOFTWARE


@pytest.mark.whole
def test_phenotype_transitions_name_the_program(fresh):
    (fresh.folder / "tiny_cells.yaml").write_text("transition: {simulation: {n_cells: 300}}\n")
    prepared = "results/demo-transition/transition/prepared.h5"
    fresh.snakemake("--", prepared, overlays=("demo/transition.yaml", "tiny_cells.yaml"))
    kinds, silent = unnamed(fresh.folder)
    assert (kinds, silent) == ({".h5", ".h5ad"}, [])
