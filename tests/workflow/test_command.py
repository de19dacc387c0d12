"""The console command leaves the files of the workflow."""

import json
import subprocess
import sys

import geff
import networkx as nx
import pandas as pd
import pytest
from project import Project, environment
from toy_model import write_model
from toy_recording import toy_row
from toy_risks import add_risks

from cellfate.cli.predict import snakemake_command

SETTINGS = {
    "dataset": "new",
    "recordings": "new.tsv",
    "source": {"kind": "local"},
    "training": {"accelerator": "cpu"},
    "prediction": {"model": "model", "min_frames": 5},  # the model's own number
}


@pytest.fixture
def project(fresh) -> Project:
    """A project with a tiny model and one tracked recording; no training was run."""
    add_risks(write_model(fresh.folder / "model"), [])
    fresh.write_sheet("new.tsv", [toy_row(fresh.folder)])
    fresh.write_config("new.yaml", SETTINGS)
    return fresh


def nodes_of(graph: nx.Graph) -> dict:
    """Its nodes with their properties. geff.read lists properties as the file system lists their folders: in any order."""
    return json.loads(json.dumps(dict(graph.nodes), default=float))


@pytest.mark.whole
def test_the_files_are_those_of_the_workflow(project):
    project.snakemake("--", "predict", overlays=("new.yaml",))
    command = [sys.executable, "-m", "cellfate.cli.main", "predict", "model", "new.tsv", "--accelerator", "cpu"]
    done = subprocess.run(
        command, cwd=project.folder, env=environment() | {"PYTHONPATH": "src"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rule, command = project.folder / "results/new/predictions", project.folder / "predictions"
    assert {path.name for path in command.iterdir()} == {path.name for path in rule.iterdir()}
    tables = [pd.read_parquet(folder / "r0.parquet") for folder in (rule, command)]
    assert len(tables[0]) == 14
    pd.testing.assert_frame_equal(*tables, check_exact=True)
    fates = [pd.read_parquet(folder / "r0.fates.parquet") for folder in (rule, command)]
    assert set(fates[0]["horizon_hours"]) == {2.0, 5.0}
    pd.testing.assert_frame_equal(*fates, check_exact=True)
    for kind in ("csv", "shift.csv", "napari.csv", "png", "pdf"):
        assert (command / f"r0.{kind}").read_bytes() == (rule / f"r0.{kind}").read_bytes(), kind
    graphs = [geff.read(folder / "r0.geff") for folder in (rule, command)]
    assert graphs[0][1] == graphs[1][1]
    assert nx.utils.graphs_equal(nx.Graph(graphs[0][0].edges), nx.Graph(graphs[1][0].edges))
    assert nodes_of(graphs[0][0]) == nodes_of(graphs[1][0])


@pytest.mark.whole
def test_the_command_for_recordings_without_tracks_plans_their_tracking(project):
    rows = [toy_row(project.folder / "more", "r1", tracks="", tracks_format="")]
    project.write_sheet("new.tsv", rows)
    words = snakemake_command("model", "new.tsv").replace(
        "snakemake --cores 2", f"{sys.executable} -m snakemake -n --cores 2 --quiet rules"
    )
    done = subprocess.run(words, shell=True, cwd=project.folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    planned = {line.split()[0] for line in done.stdout.splitlines() if line.split()[-1:] == ["1"]}
    assert {"segment_frames", "track_cells", "embed_recording", "predict_recording", "predict_risks"} <= planned
