from types import SimpleNamespace

import pytest

from cellfate.planning.running.failed_jobs import failure_report, given_up


def job(rule, log=(), **wildcards):
    """What is read of a job of Snakemake's scheduler."""
    return SimpleNamespace(rule=SimpleNamespace(name=rule), log=log, wildcards_dict=wildcards, is_group=lambda: False)


def group(*levels):
    return SimpleNamespace(toposorted=levels, is_group=lambda: True)


@pytest.mark.parametrize(
    ("wildcards", "what"),
    [({"recording": "r1", "dataset": "x"}, "r1"), ({"fold": "2"}, "fold 2"), ({"recording": "r1", "fold": "2"}, "r1"), ({}, "-")],
)
def test_a_job_is_named_by_its_recording_else_by_its_fold(wildcards, what):
    assert given_up([job("a", ["a.log", "b.log"], **wildcards)]) == [[(what, "a", "a.log")]]


def test_the_jobs_of_a_group_stand_together_in_the_order_in_which_they_ran():
    read = [job("read", recording="r2"), job("read", recording="r1")]
    cut = [job("cut", recording="r1"), job("cut", recording="r2")]
    assert given_up([group(read, cut), job("train")]) == [
        [("r1", "read", ""), ("r2", "read", ""), ("r1", "cut", ""), ("r2", "cut", "")],
        [("-", "train", "")],
    ]


def test_of_a_group_the_job_that_says_why_is_named(tmp_path):
    good, bad = tmp_path / "good.log", tmp_path / "bad.log"
    good.write_text("done\n")
    bad.write_text("Input error: t7.tif: cut short\n")
    failed = [group([job("read", [bad], recording="r1"), job("read", [good], recording="r2")], [job("cut", ["never.log"], recording="r1")])]
    report = failure_report(failed, ["r1", "r2"], [], since=0)
    assert report.splitlines()[1:] == [
        "1 jobs failed:",
        "recording  rule  reason",
        "r1         read  Input error: t7.tif: cut short",
        "",
        "To go on without a recording put # before its row of the sheet; then run the same command again.",
    ]


def test_the_advice_on_a_recording_is_for_failures_of_recordings_alone():
    report = failure_report([job("train", fold="0")], ["r1"], [], since=0)
    assert "put #" not in report
    assert "fold 0     train  see the messages above" in report, "a rule of another workflow may have no log"


def test_a_run_that_ended_without_a_failed_job_says_so():
    assert "stopped before any job failed" in failure_report([], ["r1"], ["nowhere.log"], since=0)


def test_a_run_that_somebody_stopped_says_so_and_no_more(tmp_path):
    log = tmp_path / "snakemake.log"
    log.write_text("Terminating processes on user request, this might take some time.\n")
    stopped = "\nStopped by you; the same command goes on where it stopped."
    assert failure_report([], ["r1"], [log], since=0) == stopped
    log.write_text(f"{log.read_text()}Error in rule train_model:\n    jobid: 19\n")
    assert failure_report([], ["r1"], [log], since=0) == f"{stopped} Errors of rules above are those of jobs that were cut off."
    assert failure_report([job("train", fold="0")], ["r1"], [log], since=0).endswith(stopped), "with jobs that had failed before"
