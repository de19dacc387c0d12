"""``cellfate edits``: which files it writes, what it says, and what it refuses."""

import geff
import pandas as pd
import pytest
import yaml
from toy_crops import OUTCOMES
from toy_recording import toy_row, write_sheet

from cellfate.base.tables import read_table
from cellfate.cli.edits import recordings_of_graphs
from cellfate.cli.main import main
from cellfate.prediction.viewers import write_geff
from cellfate.tracks.edits.apply import check_edited_tracks
from cellfate.tracks.raw import RecordingFacts
from cellfate.tracks.tables import EDITS


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Two recordings with tracks 1, 2 and 7, the daughter of 1, and their graphs."""
    monkeypatch.chdir(tmp_path)
    write_sheet(
        tmp_path / "sheet.tsv", [toy_row(tmp_path, name, seed, group="g", treatment="none") for seed, name in enumerate(("r0", "r1"))]
    )
    (tmp_path / "r0_outcomes.csv").write_text("track_id,outcome,event_frame\n2,mitosis,11\n")
    settings = {"dataset": "mine", "recordings": "sheet.tsv", "source": {"kind": "local"}}
    settings |= {"split": {"unit": "track"}, "segmentation": {"channel": "p53"}, "evaluation": {"treatment": "none"}}
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(settings))
    for name in ("r0", "r1"):
        tracks = pd.read_csv(tmp_path / f"{name}.csv").astype({"parent_id": "Int64"}).sort_values(["track_id", "frame"], ignore_index=True)
        write_geff(tracks, None, None, tmp_path / f"{name}.geff", OUTCOMES, frame_interval_min=30, pixel_size_um=0.5, images=None)
    return tmp_path


def cut(path, track, frame):
    """Take away the link of a track from the frame before."""
    graph, metadata = geff.read(path)
    node = {(data["track_id"], data["t"]): one for one, data in graph.nodes.items()}
    graph.remove_edge(node[track, frame - 1], node[track, frame])
    geff.write(graph, path, metadata=metadata, overwrite=True)


def test_only_recordings_with_differences_get_a_file(project, capsys):
    cut(project / "r0.geff", 2, 6)
    assert main(["edits", "my.yaml", "r0.geff", f"r1={project}/r1.geff"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:4] == [
        "r0: 1 difference, 3 tracks before, 4 after",
        "  track 2: cut, frames 6 to 11, from here on track 8",
        "  tracks by outcome: censored 1 to 2",
        "r1: no differences in 3 tracks",
    ]
    assert said[-1] == "To take them: tracks: {edited: edited} in your settings, then run snakemake again."
    assert {path.name for path in (project / "edited").iterdir()} == {"r0.json", "differences.csv"}
    (row,) = read_table(project / "edited/differences.csv", EDITS).to_dict("records")
    assert (row["recording"], row["track_id"], row["what"], row["first_frame"], row["last_frame"]) == ("r0", 2, "cut", 6, 11)
    facts = RecordingFacts("r0", 12, (80, 80))
    outcomes = check_edited_tracks("r0.csv", "csv", facts, 2, edited="edited/r0.json").outcomes.set_index("track_id")["outcome"]
    assert outcomes.to_dict() == {1: "no_event_by_end", 2: "censored", 7: "censored", 8: "mitosis"}
    time = (project / "edited/r0.json").stat().st_mtime_ns
    assert main(["edits", "my.yaml", "r0.geff"]) == 0
    assert (project / "edited/r0.json").stat().st_mtime_ns == time, "the same edits make nothing stale"
    assert main(["edits", "my.yaml", "r0=r1.geff"]) == 1
    assert main(["edits", "my.yaml", "r1.geff"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Nothing is to be taken back."


def test_a_position_outside_the_image_is_refused_with_the_graph(project, capsys):
    graph, metadata = geff.read(project / "r0.geff")
    node = next(one for one, data in graph.nodes.items() if (data["track_id"], data["t"]) == (2, 6))
    graph.nodes[node]["x"] = 81.0
    geff.write(graph, project / "r0.geff", metadata=metadata, overwrite=True)
    assert main(["edits", "my.yaml", "r0.geff"]) == 1
    told = capsys.readouterr().err
    assert "r0.geff: after these edits, " in told
    assert "track 2, frame 6: x of track 2 is 81, outside the image, 0 to 80 pixels is needed" in told


def test_edits_that_were_taken_back_lose_their_file(project):
    whole = geff.read(project / "r0.geff")
    cut(project / "r0.geff", 2, 6)
    main(["edits", "my.yaml", "r0.geff"])
    geff.write(whole[0], project / "r0.geff", metadata=whole[1], overwrite=True)
    assert main(["edits", "my.yaml", "r0.geff"]) == 0
    assert not (project / "edited/r0.json").exists()
    assert read_table(project / "edited/differences.csv", EDITS).empty


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("my.yaml",), "an edited GEFF is needed"),
        (("r0.geff",), "settings (.yaml) is needed"),
        (("my.yaml", "tracks.geff"), "tracks.geff: no recording has this name, they are r0, r1; say which it is: r0=tracks.geff"),
        (("my.yaml", "r0.geff", "r0=r1.geff"), "r0=r1.geff: recording r0 has r0.geff already"),
        (("my.yaml", "r1=gone.geff"), "gone.geff: no such folder"),
        (("my.yaml", "r0=r1.geff"), "r1.geff: 0 of its 26 positions are those of the tracks that should have been edited"),
    ],
)
def test_what_it_refuses_before_it_writes(project, capsys, words, message):
    assert main(["edits", *words]) == 1
    assert message in capsys.readouterr().err
    assert not (project / "edited").exists()


def test_names_of_recordings_with_dots_and_equals():
    found = recordings_of_graphs(["a/r.1", "b/r2.geff", "x=1=c/t.geff", "d=e.geff"], ["r.1", "r2", "x", "d=e"])
    assert {name: str(path) for name, path in found.items()} == {"r.1": "a/r.1", "r2": "b/r2.geff", "x": "1=c/t.geff", "d=e": "d=e.geff"}
