"""``cellfate compare``: what is printed and written, and what is not where nothing can be compared."""

from pathlib import Path

import pytest
import yaml
from toy_design import design_of, split_of
from toy_runs import write_run

from cellfate.base.tables import read_table
from cellfate.cli.compare import BINS, LEAST, default_names
from cellfate.cli.main import main
from cellfate.evaluation.compared.tables import RUN_COMPARISON
from cellfate.evaluation.compared.words import verdict

CONFIG = yaml.safe_load((Path(__file__).parents[3] / "config.yaml").read_text())


@pytest.fixture
def two(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return [str(write_run(Path("results/mine") / name, right, seed=seed)) for name, right, seed in (("paper", 0.7, 0), ("ours", 0.9, 50))]


def test_numbers_that_runs_do_not_keep_are_those_of_the_configuration():
    assert CONFIG["evaluation"]["calibration_bins"] == BINS
    assert CONFIG["figures"]["min_trajectories"] == LEAST


def test_everything_is_printed_the_verdict_last_and_table_and_figure_written(two, capsys):
    assert main(["compare", *two]) == 0
    lines = capsys.readouterr().out.splitlines()
    table = read_table("comparison/comparison.csv", RUN_COMPARISON)
    assert lines[0] == "Table and figure: comparison/comparison.csv, .pdf, .png"
    assert lines[-1] == verdict(table)
    assert lines[-1].startswith("ours is better: its balanced accuracy is higher by ")
    assert all(Path(f"comparison/comparison.{ending}").stat().st_size > 1000 for ending in ("pdf", "png"))


def test_names_and_folder_can_be_given(two, capsys):
    assert main(["compare", *two, "--names", "old", "new", "--out", "a/b"]) == 0
    assert "new is better" in capsys.readouterr().out
    assert set(read_table("a/b/comparison.csv", RUN_COMPARISON)["run_b"]) == {"new"}


def test_runs_are_called_by_the_folders_in_which_they_differ(tmp_path):
    assert default_names(Path("results/demo/paper"), Path("results/demo/ours/")) == ("paper", "ours")
    assert default_names(Path("old/results/demo/ours"), Path("new/results/demo/ours")) == ("old", "new")
    assert default_names(tmp_path, tmp_path) == ("A", "B")


def test_where_nothing_can_be_compared_nothing_is_written(two, capsys):
    other = design_of([0.5] * 12).assign(trajectory=lambda rows: "x" + rows["trajectory"])
    write_run(Path(two[1]), 0.8, trajectories=other, split=split_of(other, 4))
    assert main(["compare", *two]) == 1
    assert capsys.readouterr().err.startswith("Input error: results/mine/ours: none of its trajectories is in results/mine/paper")
    assert not Path("comparison").exists()


def test_two_runs_of_one_name_are_refused(two, capsys):
    assert main(["compare", *two, "--names", "a", "a"]) == 1
    assert "both runs are called 'a'" in capsys.readouterr().err
