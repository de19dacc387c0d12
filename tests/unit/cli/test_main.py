"""The console command: help, errors in one line, and that nothing is loaded before it is used."""

import os
import subprocess
import sys
from types import ModuleType

import pandas as pd
import pytest
from toy_model import write_model

import cellfate
from cellfate.base.errors import InputError
from cellfate.base.software import VERSION
from cellfate.base.tables import write_table
from cellfate.cli.main import COMMANDS, main
from cellfate.transition.tables import TRANSITION_ALL_SCORES, TRANSITION_MATRIX

OURS = ("predict", "headline", "compare", "card")


def python(*arguments: str, **options) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False, **options)


@pytest.fixture
def command(monkeypatch):
    """Makes ``cellfate try`` run a function of the test."""

    def offer(run) -> None:
        module = ModuleType("tried")
        module.add_parser = lambda subparsers: subparsers.add_parser("try").set_defaults(run=run)
        monkeypatch.setitem(sys.modules, "tried", module)
        monkeypatch.setitem(COMMANDS, "try", ("tried", "for a test"))

    return offer


@pytest.mark.parametrize("words", [[], ["--help"]])
def test_help_names_every_command_and_shows_examples(words, capsys):
    with pytest.raises(SystemExit) as left:
        main(words)
    page = capsys.readouterr().out
    assert left.value.code == 0
    assert all(f"\n    {name}" in page for name in COMMANDS)
    assert "cellfate predict results/demo/corrected/model" in page


@pytest.mark.parametrize("name", OURS)
def test_the_help_of_a_command_has_an_example(name, capsys):
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])
    page = capsys.readouterr().out
    assert left.value.code == 0
    assert f"usage: cellfate {name}" in page
    assert f"\n  cellfate {name} " in page


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"cellfate {VERSION}\n"


def test_an_unknown_command_names_the_known_ones(capsys):
    with pytest.raises(SystemExit) as left:
        main(["predcit"])
    assert left.value.code == 2
    assert "'predict'" in capsys.readouterr().err


def test_bad_input_is_one_line_and_status_1(command, capsys):
    def run(arguments):
        raise InputError("sheet.tsv: line 2: wrong")

    command(run)
    assert main(["try"]) == 1
    assert capsys.readouterr().err == "Input error: sheet.tsv: line 2: wrong\n"


def test_the_status_is_what_the_command_returns(command):
    command(lambda arguments: 5)
    assert main(["try"]) == 5


def test_an_interruption_is_no_defect(command, capsys):
    def run(arguments):
        raise KeyboardInterrupt

    command(run)
    assert main(["try"]) == 130
    assert capsys.readouterr().err == ""


def test_a_defect_keeps_its_traceback(command):
    command(lambda arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["try"])


def test_a_reader_that_has_gone_is_no_error(tmp_path):
    """The pipe is closed before anything is written to it."""
    write_model(tmp_path / "model")
    (tmp_path / "model/MODEL_CARD.md").write_text("line\n" * 100_000)
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "cellfate.cli.main", "card", str(tmp_path / "model")]
    done = subprocess.run(command, env=environment, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_importing_the_package_or_asking_for_help_loads_nothing_heavy():
    heavy = "numpy", "pandas", "torch", "h5py", "matplotlib"
    for code in ("import cellfate", "import cellfate.cli.main; cellfate.cli.main.build_parser([])"):
        done = python("-c", f"import sys; {code}; print([name for name in {heavy} if name in sys.modules])")
        assert done.stdout == "[]\n", done.stderr


def test_torch_is_not_loaded_before_the_sheet_is_checked(tmp_path):
    code = (
        "import sys; from cellfate.cli.main import main\n"
        f"status = main(['predict', {str(write_model(tmp_path / 'model'))!r}, 'nowhere.tsv'])\n"
        "print(status, 'torch' in sys.modules)"
    )
    done = python("-c", code, cwd=tmp_path)
    assert done.stdout == "1 False\n"
    assert done.stderr == "Input error: nowhere.tsv: no such file (a recordings sheet (.tsv, .csv))\n"


def test_public_names_are_loaded_when_they_are_used():
    assert {"open_frames", "read_tracks", "extract_crops", "CropFile", "load_model", "predict_recording"} <= set(dir(cellfate))
    assert cellfate.InputError is InputError
    for name in cellfate.__all__:
        assert getattr(cellfate, name) is not None
    with pytest.raises(AttributeError, match="'cellfate' has no attribute 'open_frame'"):
        cellfate.open_frame  # noqa: B018


def test_the_card_is_the_text_of_the_folder(tmp_path, capsys):
    model = write_model(tmp_path / "model")
    assert main(["card", str(model)]) == 1
    assert f"Input error: {model}/MODEL_CARD.md: no such file" in capsys.readouterr().err
    (model / "MODEL_CARD.md").write_text("# Model of µ\n")
    assert main(["card", str(model)]) == 0
    assert capsys.readouterr().out == "# Model of µ\n"
    (model / "calibration.json").unlink()
    assert main(["card", str(model)]) == 1
    assert "calibration.json not found in it" in capsys.readouterr().err


def test_the_headline_is_that_of_the_kind_of_run(tmp_path, capsys):
    scores = pd.DataFrame(
        [(*variant, metric, 0.5) for variant in (("full", "network"), ("logistic", "baseline")) for metric in ("accuracy", "f1_macro")],
        columns=["variant", "role", "metric", "value"],
    ).assign(value_min=0.5, value_max=0.5, n_cells=10)
    write_table(scores, tmp_path / "tables/scores.csv", TRANSITION_ALL_SCORES)
    confusion = {
        "variant": "full",
        "kind": "confusion",
        "source": "a",
        "target": "a",
        "probability": 1.0,
        "interval": "none",
        "n_cells": 10,
    }
    confusion |= {"ci_low": None, "ci_high": None, "absorbing": False, "entropy": 0.0, "overall_entropy": 0.0}
    write_table(pd.DataFrame([confusion]), tmp_path / "tables/matrices.csv", TRANSITION_MATRIX)
    assert main(["headline", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith(
        "\nPresent phenotype of 10 held-out cells, the network (full network) beside what it must beat:\n  full network  "
    )
    assert main(["headline", str(tmp_path / "nowhere")]) == 1
    assert capsys.readouterr().err == f"Input error: {tmp_path}/nowhere/tables/test_metrics.csv: no such file (metrics table)\n"
