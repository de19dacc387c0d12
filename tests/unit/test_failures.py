import os

import pytest

from cellfate.failures import Failure, failure_table, failures, reason_in_log, reason_of_slurm

MESSAGES = """\
Error in rule read_tracks, jobid: 3:
    log: logs/x/read_tracks/r1.log (check log file(s) for error details)
    external_jobid: 11
    message: SLURM-job '11' failed, SLURM status is: 'TIMEOUT'. For further error details see ...
Trying to restart job 3.
Error in rule read_tracks, jobid: 3:
    log: logs/x/read_tracks/r1.log (check log file(s) for error details)
    external_jobid: 15
    message: SLURM-job '15' failed, SLURM status is: 'OUT_OF_MEMORY'. For further error details see ...
Error in rule read_tracks, jobid: 4:
    log: logs/x/read_tracks/r2.log (check log file(s) for error details)
    message: None
"""


@pytest.fixture
def log(tmp_path):
    def write(name, text, age=0.0):
        path = tmp_path / name
        path.write_text(text)
        os.utime(path, (1000 - age, 1000 - age))
        return str(path)

    return write


def test_the_reason_is_the_input_error_else_the_last_exception(log):
    assert reason_in_log(log("a", "reading\n\nInput error: t7.tif: cut short\n\nRuleException:\n"), 0) == "Input error: t7.tif: cut short"
    assert reason_in_log(log("b", 'Traceback:\n  File "x"\nValueError: 3\n    more\n'), 0) == "ValueError: 3"
    assert reason_in_log(log("c", "Traceback:\nKeyboardInterrupt\n"), 0) == "KeyboardInterrupt"
    assert reason_in_log(log("d", "epoch 3, train error 0.3\n"), 0) is None


def test_a_log_of_an_earlier_run_says_nothing_about_this_one(log):
    path = log("a", "Input error: old\n", age=100)
    assert reason_in_log(path, 950) is None
    assert reason_in_log(path, 850) == "Input error: old"
    assert reason_in_log("nowhere.log", 0) is None


def test_what_slurm_said_last():
    assert reason_of_slurm(MESSAGES, "logs/x/read_tracks/r1.log") == "SLURM job 15 needed more memory than it had (OUT_OF_MEMORY)"
    assert reason_of_slurm(MESSAGES, "logs/x/read_tracks/r2.log") is None
    assert reason_of_slurm("", "logs/x/read_tracks/r1.log") is None


def test_of_a_group_the_job_with_a_reason_is_named(log):
    good = log("good", "done\n")
    bad = log("bad", "Input error: wrong\n")
    group = [("r1", "read_tracks", good), ("r1", "extract_crops", bad), ("r1", "other", "never.log")]
    assert failures([group], "", 0) == [Failure("r1", "extract_crops", bad, "Input error: wrong")]


def test_a_job_that_left_no_reason_is_named_all_the_same(log):
    silent = [("r2", "segment_cells", "never.log"), ("r2", "measure_features", "never2.log")]
    (found,) = failures([silent], "", 0)
    assert (found.what, found.rule) == ("r2", "segment_cells")
    assert "never.log" in found.reason
    (killed,) = failures([[("r1", "read_tracks", "logs/x/read_tracks/r1.log")]], MESSAGES, 0)
    assert "OUT_OF_MEMORY" in killed.reason


def test_the_table_is_aligned_and_sorted(log):
    found = failures([[("r10", "b", log("1", "OSError: x\n"))], [("r1", "a_rule", log("2", "Input error: y\n"))]], "", 0)
    assert failure_table(found).splitlines() == [
        "recording  rule    reason",
        "r1         a_rule  Input error: y",
        "r10        b       OSError: x",
    ]
