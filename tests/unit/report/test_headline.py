"""The last words of a run."""

import os
import subprocess
import sys

import pandas as pd
import pytest
from toy_scores import write_baselines, write_design_lines, write_metrics

from cellfate.base.tables import write_table
from cellfate.evaluation.audit.split import PREDICTORS
from cellfate.evaluation.tables import SPLIT_AUDIT
from cellfate.report.headline import headline


@pytest.fixture
def finished(tmp_path):
    write_metrics(tmp_path, all=40, cisplatin=30)
    write_design_lines(tmp_path)
    write_baselines(tmp_path, 0.6)
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures/figure_2.pdf").touch()
    return tmp_path


def test_numbers_figures_and_pages_are_named(finished):
    lines = headline(finished).splitlines()
    assert lines[0].startswith("The network is better than each of 1 simple baselines.")
    assert lines[1] == "Held-out trajectories: 40, outcomes in 4 and 3 recordings or groups"
    assert lines[2].split() == ["balanced", "accuracy", "0.900", "95", "%", "interval", "0.800", "to", "0.950"]
    assert f"  {finished / 'figures/figure_2'}" in lines
    assert lines[-1] == f"Summary: {finished / 'summary.html'}"
    (finished / "report.html").touch()
    assert headline(finished).splitlines()[-1] == f"Report:  {finished / 'report.html'}"


def test_a_warning_comes_first_then_the_verdict_then_the_numbers_then_notes(finished):
    write_design_lines(finished, ("warning", "Cannot be told."), ("remedy", "Would help."), ("note", "Few units."))
    write_baselines(finished, 0.92)
    lines = headline(finished).splitlines()
    assert lines[:2] == ["Cannot be told.", "Would help."]
    assert lines[2].startswith("The network is no better than 1 of 1 simple baselines: “the length of the track”.")
    assert lines[3].startswith("Held-out trajectories: 40,")
    assert " ".join(lines[10].split()) == "the length of the track 0.920 (0.820 to 0.970) -0.020 (-0.120 to +0.030)"
    assert lines[11] == "Few units."


def test_a_run_that_is_not_finished_is_one_line(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "cellfate.report.headline", str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == f"Input error: {tmp_path / 'tables/test_metrics.csv'}: no such file (metrics table)"


def test_a_split_that_gives_something_away_is_named_before_the_verdict(finished):
    rows = [("lineage", method, 40, 0.6, 0.9, 0.7, 0.2, 0.1, 0.3, None) for method in ("outcome of relatives", *PREDICTORS)]
    table = pd.DataFrame(rows, columns=list(SPLIT_AUDIT.columns))
    write_table(table, finished / "tables/split_audit.csv", SPLIT_AUDIT)
    lines = headline(finished).splitlines()
    assert lines[0].startswith("The split puts cells of one lineage on both sides: 60 % of the held-out cells have one in training")
    assert "+0.20 (+0.10 to +0.30)" in lines[0]
    assert lines[1].startswith("The network is")
