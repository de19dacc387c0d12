"""`cellfate check`: every problem at once, each by the check that a run would stop at."""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
import yaml

from cellfate.base.errors import InputError
from cellfate.cli import check as cli_check
from cellfate.planning.checking.project import check_project
from cellfate.planning.checks import checked_sheet
from cellfate.planning.config_files import DEFAULTS, merged, read_settings
from cellfate.recordings.tables import RECORDINGS
from cellfate.tracks.labels.digest import track_digests
from cellfate.transition.h5ad import write_h5ad

ROOT = Path(__file__).parents[3]
N_FRAMES, SHAPE = 14, (40, 50)


def write_frames(folder):
    folder.mkdir(parents=True)
    rng = np.random.default_rng(list(folder.name.encode()))
    for t in range(N_FRAMES):
        tifffile.imwrite(folder / f"t{t:03d}.tif", rng.integers(90, 900, SHAPE, "uint16"), photometric="minisblack")


def write_tracks(path, outcomes=("apoptosis", "mitosis", "mitosis", "apoptosis")):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{track},{frame},{5 * track}.5,{frame}" for track in range(1, len(outcomes) + 1) for frame in range(N_FRAMES - 1)]
    path.write_text("\n".join(["track_id,frame,y,x", *rows]) + "\n")
    fates = [f"{track},{outcome},{N_FRAMES - 1}" for track, outcome in enumerate(outcomes, start=1)]
    path.with_name(f"{path.stem}_outcomes.csv").write_text("\n".join(["track_id,outcome,event_frame", *fates]) + "\n")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Four recordings of one channel that are in order, a sheet and settings, in the current folder."""
    monkeypatch.chdir(tmp_path)
    rows = []
    for name in ("a", "b", "c", "d"):
        write_frames(tmp_path / "frames" / name)
        write_tracks(tmp_path / f"tracks/{name}.csv")
        row = {"recording": name, "images": f"frames/{name}", "tracks": f"tracks/{name}.csv", "tracks_format": "csv"}
        rows.append(row | {"frame_interval_min": "15", "channels": "nuclei"})
    write_sheet(tmp_path / "s.tsv", rows)
    settings = {
        "dataset": "mine",
        "recordings": "s.tsv",
        "source": {"kind": "local"},
        "segmentation": {"channel": "nuclei"},
        "evaluation": {"treatment": None},
        "split": {"fractions": [0.4, 0.3, 0.3]},
    }
    write_settings(tmp_path / "mine.yaml", settings)
    return tmp_path, rows, settings


def write_sheet(path, rows):
    columns = list(RECORDINGS.columns)
    lines = ["\t".join(columns), *("\t".join(row.get(column, "") for column in columns) for row in rows)]
    path.write_text("\n".join(lines) + "\n")


def write_settings(path, settings):
    path.write_text(yaml.safe_dump(settings))


def problems(path="mine.yaml"):
    return check_project(path).problems


def run(path):
    return cli_check.run(argparse.Namespace(paths=[Path(path)]))


def test_nothing_is_wrong(project, capsys):
    assert run("mine.yaml") == 0
    out = capsys.readouterr().out
    assert "Nothing is wrong: 4 recordings, 56 frames and 16 tracks can be read." in out
    rows = [line.split() for line in out.splitlines()]
    assert rows[0] == ["recording", "frames", "pixels", "type", "channels", "tracks", "apoptosis", "mitosis"]
    assert rows[1] == ["a", "14", "40", "x", "50", "uint16", "nuclei", "4", "2", "2"]


def test_a_sheet_that_stands_beside_the_settings_and_not_here_is_named_with_its_key(project, tmp_path_factory, monkeypatch):
    folder, _, _ = project
    monkeypatch.chdir(elsewhere := tmp_path_factory.mktemp("elsewhere"))
    (said,) = problems(folder / "mine.yaml")
    assert said.startswith(f"{folder / 'mine.yaml'}: recordings is 's.tsv', no such file; it is the sheet")
    assert said.endswith(f"from the present folder, {elsewhere}; {folder / 's.tsv'} is there: start in its folder, {folder}")
    files = [DEFAULTS, folder / "mine.yaml"]
    with pytest.raises(InputError, match=r"recordings is 's\.tsv', no such file"):
        checked_sheet(merged(*map(read_settings, files)), files)


def one_table(folder, settings, rows, **outcomes_from):
    """The project with its outcomes in one table, of which ``rows`` are those of each recording."""
    header = "Movie,Cell,outcome,event_frame"
    lines = [f"{name},{row}" for name in "abcd" for row in rows]
    (folder / "all.csv").write_text("\n".join([header, *lines]) + "\n")
    for name in "abcd":
        (folder / f"tracks/{name}_outcomes.csv").unlink(missing_ok=True)
    from_table = {"table": "all.csv", "columns": {"recording": "Movie", "track_id": "Cell"}, **outcomes_from}
    write_settings(folder / "mine.yaml", settings | {"tracks": {"outcomes_from": from_table}})


def test_a_word_that_no_table_has_is_named_with_the_one_that_is_meant(project):
    folder, _, settings = project
    rows = ["1,Division,13", "2,Division,13", "3,dead,13", "4,dead,13"]
    one_table(folder, settings, rows, words={"Divison": "mitosis", "dead": "apoptosis"})
    words = "tracks.outcomes_from.words names 'Divison', which stands in no table of outcomes and no file of tracks; is 'Division' meant?"
    assert words in check_project("mine.yaml").warnings
    one_table(folder, settings, rows, words={"Division": "mitosis", "dead": "apoptosis"})
    assert not [one for one in check_project("mine.yaml").warnings if "words" in one]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"recording": "Movie", "track_id": "Zelle"}, "all.csv: column Zelle missing"),
        ({"recording": "Movie"}, "all.csv: column track_id missing"),
    ],
)
def test_a_mistake_in_the_one_table_for_all_recordings_is_one_line(project, columns, words):
    folder, _, settings = project
    one_table(folder, settings, ["1,mitosis,13"], columns=columns)
    (said,) = problems()
    assert said.startswith(words)


def test_divisions_that_a_table_calls_by_another_word_are_told_how_to_map_it(project):
    folder, _, settings = project
    for name in "abcd":
        rows = [f"1,{frame},5.5,{frame}," for frame in range(6)]
        rows += [f"{track},{frame},{5 * track}.5,{frame},1" for track in (2, 3) for frame in range(6, N_FRAMES)]
        (folder / f"tracks/{name}.csv").write_text("\n".join(["track_id,frame,y,x,parent_id", *rows]) + "\n")
    one_table(folder, settings, ["1,Division,6"], divisions="mitosis")
    said = "divisions is 'mitosis', but 4 tracks that divide are 'Division' in all.csv, so they are censored. If that is the same, write"
    assert [one for one in check_project("mine.yaml").warnings if f"{said} words: {{Division: mitosis}}" in one]


def test_crops_that_hold_many_other_cells_are_worth_a_look(project):
    folder, _, settings = project
    for name in "abcd":
        write_tracks(folder / f"tracks/{name}.csv", ("apoptosis", "mitosis") * 3)
    words = "crops of 112 px hold 5 other cells in the median (crops.size): the network cannot tell which one is meant"
    assert words in check_project("mine.yaml").warnings
    write_settings(folder / "mine.yaml", settings | {"crops": {"size": 16}, "model": {"input_size": 16}})
    assert check_project("mine.yaml").warnings == []


def test_images_above_the_limit_of_pixels_are_named(project):
    folder, rows, settings = project
    write_settings(folder / "mine.yaml", settings | {"source": {"kind": "local", "max_pixels": 1999}})
    found = problems()
    assert len(found) == len(rows)
    assert "images of 40 x 50 = 2,000 pixels found, at most 1,999 are read" in found[0]
    assert problems("s.tsv") == []


def test_a_copy_of_the_images_of_another_recording(project):
    folder, _, _ = project
    shutil.rmtree(folder / "frames/c")
    shutil.copytree(folder / "frames/a", folder / "frames/c")
    for path in (folder / "frames/c").iterdir():
        path.rename(path.with_name(f"well_{path.name}"))
    words = "it has the same images as s.tsv: line 2: recording a: the same cells would be in two recordings"
    assert problems() == [f"s.tsv: line 4: recording c: {words}"]


def test_images_that_are_missing_at_the_start_are_worth_a_look(project, capsys):
    folder, _, _ = project
    for path in sorted((folder / "frames/b").iterdir(), reverse=True):
        path.rename(path.with_name(f"t{int(path.stem[1:]) + 2:03d}.tif"))
    assert run("mine.yaml") == 0
    words = "b/t002.tif: the first image is time point 002 and counts as frame 0: are images missing at the start? (s.tsv: line 3)"
    assert words in capsys.readouterr().out


def test_pixels_that_lost_what_they_showed_are_worth_a_look(project, capsys):
    folder, _, settings = project
    write_settings(folder / "mine.yaml", settings | {"crops": {"size": 41}, "model": {"input_size": 40}})
    for t in range(5, 14):
        shutil.copy(folder / "frames/b/t004.tif", folder / f"frames/b/t{t:03d}.tif")
    assert run("mine.yaml") == 0
    out = capsys.readouterr().out
    assert "frames/b: 9 of 14 frames looked at (5 to 13): the very pixels of the frame before in nuclei" in out
    assert "recording a and 3 more: images of 40 x 50 pixels, crops.size is 41: each crop is larger than the image" in out


def test_the_lines_of_the_design_check_are_those_of_the_report(project, capsys):
    assert run("mine.yaml") == 0
    out = capsys.readouterr().out
    assert "What the report will say first:" in out
    rest = "Scores rest on 1 held-out recording (apoptosis in 1, mitosis in 1): "
    assert f"{rest}they have no interval, 3 with each outcome are needed for one." in out
    assert "cannot be told from the design" not in out


def test_a_recording_that_tells_the_outcome_is_told_even_where_no_split_can_be_made(project, capsys):
    folder, _, _ = project
    for name, outcome in zip("abcd", ("apoptosis", "mitosis") * 2, strict=True):
        write_tracks(folder / f"tracks/{name}.csv", (outcome,) * 4)
    assert run("mine.yaml") == 1
    out = capsys.readouterr().out
    assert "both outcomes are needed" in out
    assert "which recording a cell is in (1.00)" in out


def test_a_sheet_alone_is_checked_too(project):
    assert problems("s.tsv") == []


def test_labels_are_checked_with_the_tracks_that_they_are_of(project):
    folder, _, settings = project
    write_tracks(folder / "tracks/a.csv", ("apoptosis", "mitosis", "mitosis", "apoptosis", "mitosis"))
    fates = folder / "tracks/a_outcomes.csv"
    fates.write_text("".join(fates.read_text().splitlines(keepends=True)[:-1]))  # nothing is said of track 5
    write_settings(folder / "labelled.yaml", settings | {"tracks": {"labels": ["labels.csv"]}})
    tracks = check_project("mine.yaml").tracks[0]
    rows = pd.read_csv("tracks/a.csv").merge(tracks[["recording", "track_id", "frame"]], on=["track_id", "frame"])
    data = track_digests(rows)[5]
    row = f"anna,2026-11-29T10:00:00Z,a,5,mitosis,8,,{data}\n"
    header = "by,at,recording,track_id,outcome,event_frame,note,data\n"
    (folder / "labels.csv").write_text(header + row)
    found = check_project("labelled.yaml")
    assert found.problems == []
    assert found.recordings[0].outcomes["mitosis"] == 3
    for change, words in (
        (row.replace("mitosis,8", "mitosis,80"), "labels.csv: recording a, track_id 5: event_frame is 80"),
        (row.replace(data, "t0"), "labels.csv: recording a, track_id 5: data is 't0'"),
        (row.replace("mitosis", "mitoses"), "labels.csv: line 2: outcome is 'mitoses'"),
        (row.replace(",a,", ",z,"), "labels.csv: line 2: recording is 'z'"),
    ):
        (folder / "labels.csv").write_text(header + change)
        assert [one for one in problems("labelled.yaml") if words in one], words


def test_faults_in_several_recordings_are_all_reported_in_one_run(project, capsys):
    folder, rows, settings = project
    rows[0]["frame_interval_min"] = ""
    rows[1]["channels"] = "nuc lei"
    write_sheet(folder / "s.tsv", rows)
    (folder / "frames/b/t005.tif").write_bytes(b"II*\0 no image")
    (folder / "frames/b/t007.tif").unlink()
    tifffile.imwrite(folder / "frames/d/t003.tif", np.zeros((8, 8), "uint16"), photometric="minisblack")
    tifffile.imwrite(folder / "frames/d/t009.tif", np.zeros(SHAPE, "uint8"), photometric="minisblack")
    lines = (folder / "tracks/c.csv").read_text().splitlines()
    lines[3], lines[17] = "1,2,99,3", "2,3,1,77"
    (folder / "tracks/c.csv").write_text("\n".join(lines) + "\n")
    outcomes = folder / "tracks/c_outcomes.csv"
    outcomes.write_text(outcomes.read_text() + "9,mitosis,3\n")
    settings |= {"crops": {"size": 3, "siez": 4}, "split": {"folds": 2}, "augmentation": {"flip": 2}}
    write_settings(folder / "mine.yaml", settings)
    assert run("mine.yaml") == 1
    out = capsys.readouterr().out
    for expected in (
        "mine.yaml: unknown key crops.siez; known here: size",
        "mine.yaml: crops.size is 3, at least 8 is needed",
        "mine.yaml: augmentation.flip is 2, at most 1 is allowed",
        "mine.yaml: split.folds is 2, 1 (one split) or at least 3",
        "s.tsv: line 2: frame_interval_min is empty, a value is needed",
        "s.tsv: line 3: channels is 'nuc lei': 'nuc lei' is not a name",
        "s.tsv: line 3: channels is 'nuc lei', line 2 has 'nuclei'",
        "frames/b/t007.tif: ",
        "frames/b/t005.tif: not readable as TIFF",
        "tracks/c.csv: line 4: y of track 1 is 99, outside the image, 0 to 40 pixels is needed (s.tsv: line 4)",
        "tracks/c.csv: line 18: x of track 2 is 77, outside the image, 0 to 50 pixels is needed (s.tsv: line 4)",
        "tracks/c_outcomes.csv: line 6: track_id is 9, there is no such track; the tracks here are 1, 2, 3, 4 (s.tsv: line 4)",
        "frames/d/t003.tif: 8 x 8 pixels found, 40 x 50 expected as in t000.tif (s.tsv: line 5)",
        "frames/d/t009.tif: pixel type uint8 found, uint16 expected as in t000.tif (s.tsv: line 5)",
    ):
        assert expected in out
    listed = out.split("\n\n")[0].splitlines()
    assert len(listed) == len(set(listed))
    assert f"{len(listed)} problems in mine.yaml" in out


def test_missing_files_are_named_once(project):
    folder, rows, _ = project
    rows[0]["images"], rows[1]["tracks"] = "nowhere", "nowhere.csv"
    write_sheet(folder / "s.tsv", rows)
    found = problems()
    assert [line.split(", which")[0] for line in found] == [
        "s.tsv: line 2: images is 'nowhere'",
        "s.tsv: line 3: tracks is 'nowhere.csv'",
    ]
    assert len(problems("s.tsv")) == 2


def test_lines_are_those_of_the_file_also_below_rows_that_are_left_out(project):
    folder, rows, _ = project
    rows[2]["tracks"] = "nowhere.csv"
    write_sheet(folder / "s.tsv", rows)
    lines = (folder / "s.tsv").read_text().splitlines()
    lines.insert(1, "# not this one")
    (folder / "s.tsv").write_text("\n".join(lines) + "\n")
    assert [line.split(":")[:2] for line in problems()] == [["s.tsv", " line 5"]]


def test_rules_whose_keys_are_well_formed_are_checked_beside_a_violated_schema(project):
    folder, _, settings = project
    write_settings(folder / "mine.yaml", settings | {"crops": {"size": "big"}, "evaluation": {"truncation": [5, 0], "treatment": "x"}})
    assert [line.split(" is ")[0] for line in problems()] == [
        "mine.yaml: crops.size",
        "mine.yaml: evaluation.truncation",
        "mine.yaml: evaluation.treatment",
    ]


def test_an_empty_section_and_settings_that_are_no_yaml_are_named(project):
    folder, _, _ = project
    (folder / "mine.yaml").write_text("dataset: mine\nrecordings: s.tsv\nsource: {kind: local}\nsegmentation:\n")
    assert "mine.yaml: segmentation is None, object is needed" in problems()
    (folder / "mine.yaml").write_text("dataset: mine\n  recordings: s.tsv\n")
    assert problems()[0].startswith("mine.yaml: line 2: not valid YAML")
    (folder / "mine.yaml").write_text("just text\n")
    assert problems()[0].startswith("mine.yaml: keys with values are needed")


def test_too_few_of_an_outcome_to_train_and_test_are_found_before_a_run(project):
    folder, _, _ = project
    for name in ("a", "b", "c"):
        write_tracks(folder / f"tracks/{name}.csv", ["mitosis"] * 4)
    (found,) = problems()
    assert "both outcomes are needed" in found


def test_outcomes_that_are_not_compared_and_late_events_are_worth_a_look(project, capsys):
    folder, _, _ = project
    write_tracks(folder / "tracks/a.csv", ["apoptosis", "mitosis", "mitsis", "apoptosis"])
    text = (folder / "tracks/b_outcomes.csv").read_text().replace("2,mitosis,13", "2,mitosis,").replace("3,mitosis", "3,mitosis")
    (folder / "tracks/b_outcomes.csv").write_text(text)
    assert run("mine.yaml") == 0
    out = capsys.readouterr().out.split("Worth a look:")[1]
    assert "mitsis (1, mistyped mitosis?)" in out
    assert "tracks/b.csv: track 2: mitosis without event_frame" in out


def test_tracks_without_a_table_of_outcomes_are_worth_a_look(project):
    folder, _, _ = project
    (folder / "tracks/a_outcomes.csv").unlink()
    assert any("there is no a_outcomes.csv beside it" in line for line in check_project("mine.yaml").warnings)


def annotation(number, cell, frame, **more):
    box = {"id": number, "image_id": frame, "category_id": 1, "cell_id": cell, "bbox": [0.5, 0.5, 0.1, 0.1]}
    return box | {"time_of_death": None, "time_of_division": None} | more


def test_each_annotation_that_was_set_aside_is_named_where_they_are_too_many(project):
    folder, rows, _ = project
    odd = [annotation(91, 1, 0, bbox=[2, 2, 1, 1]), annotation(92, "x", 0), annotation(93, 2, 0, bbox=None)]
    images = [{"id": frame, "video_id": 1, "frame_id": frame} for frame in range(N_FRAMES)]
    content = {"videos": [{"id": 1, "name": "a"}], "images": images, "annotations": [annotation(1, 1, 0), annotation(2, 2, 1), *odd]}
    (folder / "tracks/a.json").write_text(json.dumps(content))
    write_sheet(folder / "s.tsv", [rows[0] | {"tracks": "tracks/a.json", "tracks_format": "coco-video"}, *rows[1:]])
    found = problems()
    assert [next((line for line in found if f"annotation {number}: " in line), None) is None for number in (91, 92, 93)] == [False] * 3
    assert "3 of 5 positions have such entries" in found[0]


def test_what_is_odd_about_lineages_is_worth_a_look(project):
    folder, _, _ = project
    text = (folder / "tracks/a.csv").read_text().replace("y,x\n", "y,x,parent\n", 1).replace("2,0,10.5,0\n", "", 1)
    lines = [f"{line},{1 if line.startswith('2,') else ''}" for line in text.splitlines()[1:]]
    (folder / "tracks/a.csv").write_text("\n".join([text.splitlines()[0], *lines]) + "\n")
    checked = check_project("mine.yaml")
    assert any(
        "tracks share cells or time with others: track 1 goes on to frame 12 beside its daughter 2" in line for line in checked.warnings
    )


def test_recordings_that_a_run_makes_are_not_looked_at(project):
    folder, rows, settings = project
    rows[0] |= {"images": "later/a", "tracks": "later/a.json", "tracks_format": "coco-video"}
    write_sheet(folder / "s.tsv", rows)
    write_settings(folder / "mine.yaml", settings | {"source": {"kind": "simulate"}})
    checked = check_project("mine.yaml")
    assert checked.problems == []
    assert "later/a is not there yet, a run makes or fetches it" in checked.left_out[0]


def test_settings_are_laid_over_the_default_as_snakemake_does():
    below = {"a": {"b": 1, "c": [1, 2]}, "d": {"e": 1}}
    assert merged(below, {"a": {"c": [3]}, "d": None, "f": 1}) == {"a": {"b": 1, "c": [3]}, "d": None, "f": 1}
    assert below == {"a": {"b": 1, "c": [1, 2]}, "d": {"e": 1}}


def test_the_demo_settings_are_in_order(monkeypatch):
    monkeypatch.chdir(ROOT)
    checked = check_project("demo/config.yaml")
    assert checked.problems == []


def test_the_command_imports_nothing_heavy(project):
    code = (
        "import sys, argparse, pathlib; from cellfate.cli import check as cli_check, init\n"
        "assert cli_check.run(argparse.Namespace(paths=[pathlib.Path('mine.yaml')])) == 0\n"
        "heavy = [m for m in ('torch', 'lightning', 'matplotlib', 'cellpose') if m in sys.modules]\n"
        "assert not heavy, heavy"
    )
    environment = {"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=project[0])
    assert done.returncode == 0, done.stderr


def test_a_file_that_breaks_its_reader_hides_no_other_problem(project):
    folder, rows, _ = project
    images = np.zeros((3, *SHAPE), "uint16")
    tifffile.imwrite(folder / "broken.ome.tif", images, photometric="minisblack", metadata={"axes": "TYX"})
    content = (folder / "broken.ome.tif").read_bytes()
    (folder / "broken.ome.tif").write_bytes(content.replace(b"<Image ID", b"<Im&ge ID"))
    rows[0]["images"], rows[1]["images"] = "broken.ome.tif", "frames/nowhere"
    write_sheet(folder / "s.tsv", rows)
    found = problems("s.tsv")
    assert len(found) == 2
    assert found[0].startswith("broken.ome.tif: ")
    assert "(s.tsv: line 2)" in found[0]
    assert found[1].startswith("frames/nowhere: no such folder")


def test_settings_are_laid_over_each_other_and_a_sheet_is_checked_alone(tmp_path):
    for name, text in {"a.yaml": "seed: -1\n", "b.yaml": "seed: 1\ncrops: {size: 0}\n", "s.tsv": ""}.items():
        (tmp_path / name).write_text(text)
    a, b, sheet = (tmp_path / name for name in ("a.yaml", "b.yaml", "s.tsv"))
    assert any("seed is -1" in problem for problem in check_project(a).problems)
    problems = check_project(a, b).problems
    assert not any("seed" in problem for problem in problems)
    assert any(problem.startswith(f"{b}: crops.size is 0") for problem in problems)
    with pytest.raises(InputError, match=r"s\.tsv: a sheet is checked alone"):
        check_project(a, sheet)


def run_check(path, capsys) -> tuple[int, str]:
    status = cli_check.run(argparse.Namespace(paths=[path]))
    return status, "".join(capsys.readouterr())


@pytest.mark.parametrize("text", ["1e19", "1e30", "99999999999999999999", "9223372036854775808"])
def test_numbers_that_no_table_holds_are_named(project, text):
    folder, rows, _ = project
    write_sheet(folder / "s.tsv", [rows[0] | {"last_image": text}, *rows[1:]])
    (found,) = [line for line in problems() if "last_image" in line]
    assert found.startswith("s.tsv: line 2: last_image is ")
    assert found.endswith("at most 9223372036854775807 can be read")


def test_a_track_that_goes_on_as_another_is_no_problem_where_tracks_are_looked_at_alone(project):
    folder, _, _ = project
    (folder / "tracks/a_outcomes.csv").write_text(
        "track_id,outcome,event_frame,continues_as\n1,mitosis,13,2\n2,mitosis,13,\n3,no_event_by_end,,4\n4,,,77\n9,mitosis,13,1\n"
    )
    found = [line for line in problems() if line.startswith("tracks/a_outcomes.csv")]
    assert len(found) == len(set(found)) == 3
    for words in ("line 4: track 3: outcome is no_event", "line 5: continues_as is 77, there is no", "line 6: track_id is 9, there is no"):
        assert any(words in line for line in found)


def test_a_default_that_does_not_fit_is_blamed_on_the_file_that_users_know(project, capsys):
    folder, _, settings = project
    del settings["segmentation"]
    write_settings(folder / "mine.yaml", settings)
    status, text = run_check(folder / "mine.yaml", capsys)
    assert status == 1
    where = f"(the default; set it in {folder / 'mine.yaml'}), but the channels in s.tsv are nuclei\n"
    assert text.startswith(f"config.yaml: segmentation.channel is 'p53' {where}")
    for name in "abcd":
        (folder / f"tracks/{name}_outcomes.csv").unlink()
    assert "are nuclei; no tracks have outcomes: is `snakemake predict` meant, with prediction.model?" in run_check("mine.yaml", capsys)[1]
    write_settings(folder / "mine.yaml", settings | {"crops": {"size": 80}})
    words = "config.yaml: model.input_size is 112 (the default; set it in mine.yaml), at most crops.size (80) is allowed"
    assert words in run_check("mine.yaml", capsys)[1]


@pytest.mark.parametrize(
    ("layer", "status", "words"), [("X", 0, "Nothing is wrong: 6 genes; 40 cells of the phenotypes A, B"), ("raw/X", 1, "the file has X")]
)
def test_the_cells_of_transition_are_opened(tmp_path, capsys, layer, status, words):
    values = np.random.default_rng(1).poisson(3, (40, 6)).astype(float) + 1
    columns = {"phenotype": np.array(["A", "B"] * 20)}
    write_h5ad(tmp_path / "c.h5ad", values, [f"c{n}" for n in range(40)], [f"g{n}" for n in range(6)], columns)
    section = {"expression": {"path": str(tmp_path / "c.h5ad"), "layer": layer, "kind": "counts"}, "label": "phenotype", "min_cells": 5}
    write_settings(tmp_path / "t.yaml", {"dataset": "cells", "transition": section})
    found, text = run_check(tmp_path / "t.yaml", capsys)
    assert found == status
    assert words in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"targets": {"kind": "observed", "column": "following"}}, "next phenotype 'Z' is none of the phenotypes A, B"),
        ({"targets": {"kind": "optimal_transport", "time": "day"}}, "no column 'day' (transition.targets.time)"),
        ({"targets": {"kind": "pseudotime", "column": "following"}}, "a number is needed for every cell"),
        ({"targets": {"kind": "static"}, "label": "some"}, "cell 'c0' has no label in 'some' (1 cells have none)"),
        ({"targets": {"kind": "static"}, "confidence_k": 5}, "transition.confidence_k is 5"),
        ({"targets": {"kind": "static"}, "condition": {"column": "drug", "control": "none"}}, "no column 'drug'"),
        ({"targets": {"kind": "observed", "column": "later"}, "compare": {"matrix": "short.csv"}}, "source 'C' add up to 0.5"),
        ({"targets": {"kind": "observed", "column": "later"}, "compare": {"matrix": "other.csv"}}, "is one of this run (A, B)"),
        ({"targets": {"kind": "static"}, "compare": {"matrix": "other.csv"}}, "transition.targets.kind is static, which gives no P"),
    ],
)
def test_what_a_run_would_stop_at_in_the_cells_is_found_before(tmp_path, capsys, monkeypatch, change, words):
    monkeypatch.chdir(tmp_path)
    for name, share in (("short", 0.5), ("other", 1)):
        (tmp_path / f"{name}.csv").write_text(f"source,target,probability\nC,C,{share}\n")
    values = np.random.default_rng(1).poisson(3, (40, 6)).astype(float) + 1
    labels = np.array(["A", "B"] * 20, object)
    some = labels.copy()
    some[0] = None
    columns = {"phenotype": labels, "some": some, "following": np.array(["A", "Z"] * 20), "later": np.array(["B", "A", "A", "B"] * 10)}
    write_h5ad(tmp_path / "c.h5ad", values, [f"c{n}" for n in range(40)], [f"g{n}" for n in range(6)], columns)
    section = {"expression": {"path": str(tmp_path / "c.h5ad"), "layer": "X", "kind": "counts"}, "label": "phenotype", "min_cells": 5}
    write_settings(tmp_path / "t.yaml", {"dataset": "cells", "transition": section | change})
    found, text = run_check(tmp_path / "t.yaml", capsys)
    assert found == 1
    assert words in text


def hurt(file, chance) -> None:
    """Damage a file: cut, changed, emptied, gone, a folder in its place, or other text."""
    content = file.read_bytes()
    kind = chance.randrange(6)
    if kind in (3, 4):
        file.unlink()
    if kind == 4:
        file.mkdir()
    if kind in (0, 1, 2, 5):
        changed = bytearray(content)
        for _ in range(9 if changed else 0):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        other = chance.choice(["{}", "[]", "a: b: c", "\x00", "track_id,frame,y,x\n", "recording\timages\n"]).encode()
        file.write_bytes({0: content[: chance.randrange(len(content) + 1)], 1: bytes(changed), 2: b"", 5: other}[kind])


def test_a_damaged_project_gives_lines_and_never_an_error_of_a_library(project, tmp_path_factory, capsys):
    folder, _, _ = project
    store = tmp_path_factory.mktemp("whole")
    shutil.copytree(folder, store / "p")
    for number in range(int(os.environ.get("CELLFATE_FUZZ", "15"))):
        chance = random.Random(number)
        shutil.rmtree(folder)
        shutil.copytree(store / "p", folder)
        os.chdir(folder)
        files = sorted(one for one in folder.rglob("*") if one.is_file())
        for file in chance.sample([one for one in files if one.suffix != ".tif"] + files[:3], 2):
            hurt(file, chance)
        if (folder / "mine.yaml").is_file():
            status, text = run_check(folder / "mine.yaml", capsys)
            assert status in (0, 1), text
            assert "Traceback" not in text
