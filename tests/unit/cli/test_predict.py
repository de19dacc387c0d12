"""``cellfate predict`` in this process: what it writes, and what it refuses before it computes anything."""

import json
import re
import shlex
import shutil
from pathlib import Path

import geff
import pandas as pd
import pytest
import yaml
from toy_model import write_ensemble, write_model
from toy_recording import SPANS, toy_row, write_sheet
from toy_risks import add_risks

from cellfate.base.tables import read_table
from cellfate.cli import predict as cli_predict
from cellfate.cli.main import build_parser, main
from cellfate.prediction.tables import FATE_PREDICTIONS, NEW_FATES

ROOT = Path(__file__).parents[3]
KINDS = ("parquet", "csv", "fates.parquet", "geff", "images.zarr", "napari.csv", "pdf", "png", "embeddings.h5", "shift.csv")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "model")


@pytest.fixture
def no_pictures(monkeypatch):
    """As on a machine without matplotlib: pictures take seconds."""
    monkeypatch.setattr(cli_predict, "find_spec", lambda name: None)


def errors(capsys) -> list[str]:
    """The lines of standard error without the warnings of the readers of tracks, which have no outcomes here."""
    return [line for line in capsys.readouterr().err.splitlines() if "so none of its tracks has a fate" not in line]


def predict(model, sheet, *options: str) -> int:
    return main(["predict", str(model), str(sheet), "--output", str(sheet.parent / "out"), "--accelerator", "cpu", *options])


def test_every_file_is_written_for_every_recording(tmp_path, model, capsys):
    sheet = write_sheet(tmp_path / "sheet.tsv", [toy_row(tmp_path, "r0"), toy_row(tmp_path, "r.1", seed=1)])
    assert predict(model, sheet) == 0
    said = capsys.readouterr()
    assert said.out == f"The predictions of 2 recordings are in {tmp_path}/out/\n"
    assert said.err.count("cannot be told: its folder has no training.json") == 2
    assert said.err.count("How good the model is on held-out cells is not known: its folder has no card.json") == 2
    files = {f"{name}.{kind}" for name in ("r0", "r.1") for kind in KINDS} | {"explorer.html"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == files
    assert len(re.findall(r'id="cell-\d+"', (tmp_path / "out/explorer.html").read_text())) == 4, "the third track of each has no value"
    table = read_table(tmp_path / "out/r0.parquet", FATE_PREDICTIONS)
    assert table.groupby("track_id").size().to_dict() == {1: 8, 2: 6}  # from the model's 5 frames on
    assert set(table["recording"]) == {"r0"}
    pd.testing.assert_frame_equal(table, read_table(tmp_path / "out/r0.csv", FATE_PREDICTIONS))
    fates = read_table(tmp_path / "out/r0.fates.parquet", NEW_FATES)
    assert fates["positive_given_event"].tolist() == table["probability_mitosis"].tolist()
    assert said.err.count("no networks of risks in this model") == 2
    assert geff.read(tmp_path / "out/r0.geff")[0].number_of_nodes() == 26
    other = read_table(tmp_path / "out/r.1.parquet", FATE_PREDICTIONS)
    assert (other["logit"] != table["logit"]).all()


@pytest.mark.usefixtures("no_pictures")
def test_options_change_which_frames_have_a_value(tmp_path, model):
    sheet = write_sheet(tmp_path / "sheet.tsv", [toy_row(tmp_path, "r0"), toy_row(tmp_path, "r1")])
    assert predict(model, sheet, "--recording", "r1", "--min-frames", "4", "--every", "3", "--no-images", "--no-explorer") == 0
    table = read_table(tmp_path / "out/r1.parquet", FATE_PREDICTIONS)
    assert table.groupby("track_id")["n_frames_seen"].agg(list).to_dict() == {1: [4, 7, 10], 2: [4, 7, 10], 7: [4]}
    assert not (tmp_path / "out/r0.parquet").exists()
    assert not {"r1.images.zarr", "explorer.html"} & {path.name for path in (tmp_path / "out").iterdir()}
    assert geff.read(tmp_path / "out/r1.geff")[1].related_objects is None


def test_images_above_the_limit_of_pixels_are_refused(tmp_path, model, capsys):
    sheet = write_sheet(tmp_path / "sheet.tsv", [toy_row(tmp_path, "r0")])
    assert predict(model, sheet, "--max-pixels", "99") == 1
    assert "pixels found, at most 99 are read" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("no_pictures")
def test_results_that_are_there_are_replaced(tmp_path, model):
    sheet = write_sheet(tmp_path / "sheet.tsv", [toy_row(tmp_path)])
    predict(model, sheet)
    first = read_table(tmp_path / "out/r0.parquet", FATE_PREDICTIONS)
    (tmp_path / "out/r0.geff/left_over").touch()
    assert predict(model, sheet, "--every", "2") == 0
    second = read_table(tmp_path / "out/r0.parquet", FATE_PREDICTIONS)
    assert len(second) == len(first) // 2
    assert not (tmp_path / "out/r0.geff/left_over").exists()


@pytest.mark.usefixtures("no_pictures")
def test_a_model_with_risks_gives_them(tmp_path, capsys):
    model = add_risks(write_model(tmp_path / "model"), [])
    sheet = write_sheet(tmp_path / "sheet.tsv", [toy_row(tmp_path)])
    assert predict(model, sheet) == 0
    fates = read_table(tmp_path / "out/r0.fates.parquet", NEW_FATES)
    lengths = {track: last - first + 1 for track, (first, last) in SPANS.items()}
    assert fates.groupby("track_id").size().to_dict() == {track: 2 * (n - 5) for track, n in lengths.items() if n > 5}
    assert fates["n_frames"].min() == 6
    assert "recording r0: 1 of 3 tracks have no more than 5 frames, and no risks" in capsys.readouterr().err
    table = pd.read_csv(tmp_path / "out/r0.napari.csv")
    known = fates[fates["horizon_hours"] == 5].sort_values(["track_id", "frame"])
    assert table["mitosis_within_5h"].dropna().to_numpy() == pytest.approx(known["positive"].to_numpy())


def test_a_folder_without_the_published_network_gives_the_risks(tmp_path):
    """As when somebody copied all but members/, which is a thousand times as large; the values are those of the whole folder."""
    models = [add_risks(write_ensemble(tmp_path / name, [{}]), []) for name in ("whole", "risks")]
    shutil.rmtree(models[1] / "members")
    sheet = write_sheet(tmp_path / "sheet.tsv", [toy_row(tmp_path)])
    fates = []
    for model in models:
        assert predict(model, sheet, "--output", str(tmp_path / model.name / "out")) == 0
        fates.append(read_table(tmp_path / model.name / "out/r0.fates.parquet", NEW_FATES))
    pd.testing.assert_frame_equal(*fates, check_exact=True)
    kinds = ("fates.parquet", "geff", "images.zarr", "napari.csv")
    assert {path.name for path in (tmp_path / "risks/out").iterdir()} == {*(f"r0.{kind}" for kind in kinds), "explorer.html"}
    table = pd.read_csv(tmp_path / "risks/out/r0.napari.csv")
    assert "probability_mitosis" not in table.columns
    assert table["mitosis_within_5h"].notna().sum() == len(fates[1]) / 2
    assert geff.read(tmp_path / "risks/out/r0.geff")[0].number_of_nodes() == 26


@pytest.mark.usefixtures("no_pictures")
def test_risks_that_need_a_table_are_refused_before_anything_is_computed(tmp_path, capsys):
    model = add_risks(write_model(tmp_path / "model"), ["a"])
    sheet = write_sheet(tmp_path / "sheet.tsv", [toy_row(tmp_path)])
    assert predict(model, sheet) == 1
    assert "risks.embedding (cellfate predict: --embedding) names it" in capsys.readouterr().err
    rows = [(f"r0/{track}", frame, 1.5) for track, (first, last) in SPANS.items() for frame in range(first, last + 1)]
    table = pd.DataFrame(rows, columns=["trajectory", "frame", "a"])
    table[table["frame"] != 8].to_parquet(tmp_path / "a.parquet")
    assert predict(model, sheet, "--embedding", str(tmp_path / "a.parquet")) == 1
    assert "Input error: risks.embedding: no row for trajectory r0/1, frame 8" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    table.to_parquet(tmp_path / "a.parquet")
    assert predict(model, sheet, "--embedding", str(tmp_path / "a.parquet")) == 0
    assert set(read_table(tmp_path / "out/r0.fates.parquet", NEW_FATES)["model"]) == {"risks"}


def test_risks_that_need_outlines_are_left_to_the_workflow(tmp_path, capsys):
    inputs = {"hours_of_track": True, "hours_of_film": True, "course_hours": [2, 4], "features": True, "scale_frames": None}
    model = add_risks(write_model(tmp_path / "model"), [], inputs=inputs)
    sheet = write_sheet(tmp_path / "sheet.tsv", [toy_row(tmp_path)])
    assert predict(model, sheet) == 1
    assert "segmentation.tracks: all measures them in snakemake predict; cellfate predict cannot" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_risks_that_another_version_exported_are_named(tmp_path, capsys):
    model = add_risks(write_model(tmp_path / "model"), [])
    settings = json.loads((model / "settings.json").read_text())
    del settings["risks"]["outlines"]
    (model / "settings.json").write_text(json.dumps(settings))
    assert predict(model, write_sheet(tmp_path / "sheet.tsv", [toy_row(tmp_path)])) == 1
    assert "settings.json: risks lack outlines, which this version reads; export it again" in capsys.readouterr().err


def test_the_problems_of_all_recordings_are_named_before_anything_is_computed(tmp_path, model, capsys):
    rows = [toy_row(tmp_path, f"r{i}") for i in range(4)]
    rows[1]["frame_interval_min"] = 10
    rows[2]["images"] = str(tmp_path / "images/none")
    tracks = pd.read_csv(rows[3]["tracks"])
    tracks.loc[4, "y"] = 500
    tracks.to_csv(rows[3]["tracks"], index=False)
    sheet = write_sheet(tmp_path / "sheet.tsv", rows)
    assert predict(model, sheet) == 1
    lines = [line for line in errors(capsys) if not line.startswith("WARNING")]
    assert lines[0] == "Input error: 3 recordings cannot be predicted:"
    assert f"{sheet}: line 3: recording r1: frame_interval_min is 10, but the model was trained at 30" in lines[1]
    assert f"{tmp_path}/images/none: no such folder" in lines[2]
    assert f"{tmp_path}/r3.csv: line 6: y of track 1 is 500" in lines[3]
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("no_pictures")
def test_one_problem_is_one_line(tmp_path, model, capsys):
    sheet = write_sheet(tmp_path / "sheet.tsv", [toy_row(tmp_path, frame_interval_min=10)])
    assert predict(model, sheet) == 1
    (line,) = (line for line in errors(capsys) if "frame_interval_min is 10" in line)
    assert line.startswith(f"Input error: {sheet}: line 2: recording r0: frame_interval_min is 10")
    assert "--allow-other-interval" in line
    assert predict(model, sheet, "--allow-other-interval") == 0
    assert "WARNING: recording r0: frame_interval_min is 10" in capsys.readouterr().err


@pytest.mark.usefixtures("no_pictures")
def test_recordings_without_tracks_are_left_to_the_workflow(tmp_path, model, capsys):
    rows = [toy_row(tmp_path, "r0"), toy_row(tmp_path, "r1", tracks="", tracks_format="")]
    sheet = write_sheet(tmp_path / "sheet.tsv", rows)
    assert predict(model, sheet) == 0
    (left_out,) = (line for line in errors(capsys) if line.startswith("Left out: "))
    command = cli_predict.snakemake_command(model, sheet)
    assert left_out == f"Left out: {sheet}: no tracks of recording r1; to track and predict: {command}"
    assert (tmp_path / "out/r0.parquet").exists()
    assert not (tmp_path / "out/r1.parquet").exists()
    assert predict(model, sheet, "--recording", "r1") == 1
    assert capsys.readouterr().err == f"Input error: {left_out.removeprefix('Left out: ')}\n"
    assert predict(model, write_sheet(tmp_path / "none.tsv", rows[1:])) == 1
    assert "no tracks of recording r1" in capsys.readouterr().err


def test_the_command_for_snakemake_survives_a_shell():
    words = shlex.split(cli_predict.snakemake_command("my models/a", "my sheet.tsv"))
    assert words[-6:] == [
        "dataset=new",
        "recordings=my sheet.tsv",
        "source={kind: local}",
        "prediction={model: my models/a}",
        "--",
        "predict",
    ]
    assert yaml.safe_load(words[-3].partition("=")[2]) == {"model": "my models/a"}


def test_a_recording_that_is_not_in_the_sheet(tmp_path, model, capsys):
    sheet = write_sheet(tmp_path / "sheet.tsv", [toy_row(tmp_path)])
    assert predict(model, sheet, "--recording", "r0", "r9") == 1
    assert capsys.readouterr().err == f"Input error: {sheet}: no recording r9; there are r0\n"


@pytest.mark.usefixtures("no_pictures")
def test_a_model_that_does_not_say_from_when_it_predicts_needs_the_option(tmp_path, capsys):
    model = write_model(tmp_path / "model")
    settings = json.loads((model / "settings.json").read_text())
    del settings["min_frames"]
    (model / "settings.json").write_text(json.dumps(settings))
    sheet = write_sheet(tmp_path / "sheet.tsv", [toy_row(tmp_path)])
    assert predict(model, sheet) == 1
    assert (
        "min_frames not found, as in a model of cellfate 0.1; say it with prediction.min_frames (--min-frames)" in capsys.readouterr().err
    )
    assert predict(model, sheet, "--min-frames", "8") == 0
    assert read_table(tmp_path / "out/r0.parquet", FATE_PREDICTIONS)["n_frames_seen"].min() == 8


def test_tracks_that_are_all_too_short_are_an_error_before_anything_is_computed(tmp_path, model, capsys):
    sheet = write_sheet(tmp_path / "sheet.tsv", [toy_row(tmp_path)])
    assert predict(model, sheet, "--min-frames", "500") == 1
    told = capsys.readouterr().err
    assert "recording r0: no track has 500 frames" in told
    assert "prediction.min_frames (--min-frames) sets the number; the model's own is 5" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("no_pictures")
def test_without_matplotlib_only_picture_and_page_are_missing(tmp_path, model, capsys):
    sheet = write_sheet(tmp_path / "sheet.tsv", [toy_row(tmp_path)])
    assert predict(model, sheet) == 0
    told = capsys.readouterr().err
    assert "r0: no picture: matplotlib is not installed" in told
    assert "No page of cells: matplotlib is not installed" in told
    assert {path.name for path in (tmp_path / "out").iterdir()} == {f"r0.{kind}" for kind in KINDS if kind not in ("pdf", "png")}


def test_defaults_are_those_of_the_configuration():
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    parsed = build_parser(["predict"]).parse_args(["predict", "model", "sheet.tsv"])
    assert parsed.every == config["prediction"]["every"]
    assert parsed.allow_other_interval == config["prediction"]["allow_other_interval"]
    assert parsed.accelerator == config["training"]["accelerator"]
    assert parsed.min_frames is config["prediction"]["min_frames"] is None  # the model's own


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many"])
def test_a_number_that_makes_no_sense_is_refused(value, capsys):
    with pytest.raises(SystemExit) as left:
        main(["predict", "model", "sheet.tsv", f"--every={value}"])
    assert left.value.code == 2
    assert "is not a whole number of at least 1" in capsys.readouterr().err
