"""A mistake in the input gives one error that names file, row and value, before expensive jobs start."""

import shutil

import pytest
from project import tiny_rows


def fails(project, *arguments, **options):
    done = project.snakemake(*arguments, check=False, **options)
    assert done.returncode != 0
    return done.output


def test_a_mistyped_config_key(fresh):
    fresh.write_config("mine.yaml", {"crops": {"siez": 100}})
    output = fails(fresh, "-n", overlays=("demo/config.yaml", "tiny.yaml", "mine.yaml"))
    assert "mine.yaml: unknown key crops.siez" in output


def test_a_wrong_value_is_blamed_on_the_file_that_sets_it(fresh):
    fresh.write_config("mine.yaml", {"segmentation": {"diameter": "forty"}})
    output = fails(fresh, "-n", overlays=("demo/config.yaml", "tiny.yaml", "mine.yaml"))
    assert "mine.yaml: segmentation.diameter is 'forty', number is needed" in output


@pytest.mark.whole
def test_a_missing_sheet(fresh):
    (fresh.folder / "tiny.tsv").unlink()
    assert "recordings is 'tiny.tsv', no such file" in fails(fresh, "-n")


@pytest.mark.whole
def test_a_recording_that_stands_twice(fresh):
    fresh.write_sheet("tiny.tsv", [*tiny_rows(3), tiny_rows(1)[0]])
    assert "tiny.tsv: line 5: recording r0 stands here for the second time" in fails(fresh, "-n")


@pytest.mark.whole
def test_a_number_that_is_none(fresh):
    rows = tiny_rows(3)
    rows[1]["frame_interval_min"] = "thirty"
    fresh.write_sheet("tiny.tsv", rows)
    assert "tiny.tsv: line 3: frame_interval_min is 'thirty'" in fails(fresh, "-n")


@pytest.mark.whole
def test_an_unknown_column(fresh):
    sheet = fresh.folder / "tiny.tsv"
    sheet.write_text(sheet.read_text().replace("treatment_start_h", "treatment_start"))
    assert "treatment_start" in fails(fresh, "-n")


def test_images_that_are_not_there(fresh):
    rows = tiny_rows(3)
    rows[2]["images"] = "nowhere/r2"
    fresh.write_sheet("tiny.tsv", rows)
    assert "nowhere/r2" in fails(fresh, "-n")


@pytest.fixture
def copy_of_finished(finished, tmp_path):
    return finished.copy(tmp_path / "copy")


def test_a_missing_frame_stops_before_the_expensive_jobs(copy_of_finished):
    project = copy_of_finished
    for kind in ("crops", "corrected"):
        shutil.rmtree(project.folder / "results/tiny" / kind)
    (project.folder / "results/tiny/tracks/r1.parquet").unlink()
    (project.folder / "resources/tiny/images/r1/t007.tif").unlink()
    output = fails(project, "--keep-going")
    assert "t007.tif" in output
    assert output.count("Input error: ") == 2, "once where it happens, once more at the end"
    assert output.index("Error in rule read_tracks") < output.rindex("Input error: ")
    assert not list(project.folder.glob("results/tiny/corrected/fold-*"))
    assert not (project.folder / "results/tiny/crops/r1.h5").exists()
    assert (project.folder / "results/tiny/crops/r0.h5").exists(), "the other recordings go on with --keep-going"


def test_a_table_of_tracks_without_tracks(copy_of_finished):
    project = copy_of_finished
    rows = tiny_rows(3)
    rows[1].update(tracks="r1.csv", tracks_format="csv")
    (project.folder / "r1.csv").write_text("track_id,frame,y,x\n")
    project.write_sheet("mine.tsv", rows)
    project.write_config("mine.yaml", {"dataset": "mine", "recordings": "mine.tsv", "source": {"kind": "local"}})
    output = fails(project, "--until", "read_tracks", overlays=("demo/config.yaml", "tiny.yaml", "mine.yaml"))
    assert "Traceback" not in output
    assert output.count("Input error: r1.csv: recording r1 is empty: no tracks") == output.count("Input error: ") == 2


def test_one_class_only(copy_of_finished):
    project = copy_of_finished
    project.write_config("mine.yaml", {"outcomes": {"negative": "apotosis"}})
    output = fails(project, overlays=("demo/config.yaml", "tiny.yaml", "mine.yaml"))
    assert "apotosis" in output
    assert "Input error" in output
