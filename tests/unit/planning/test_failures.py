import os

import pytest

from cellfate.planning.running.failures import Failure, failure_table, failures, reason_in_log, reason_of_slurm

MESSAGES = """\
[Sat Nov 21 06:11:41 2026]
Error in rule read_tracks:
    message: SLURM-job '11' failed, SLURM status is: 'TIMEOUT'. For further error details see the cluster/cloud log ...
    log: logs/x/read_tracks/r1.log (check log file(s) for error details)
Trying to restart job 3.
[Sat Nov 21 06:12:41 2026]
Error in rule read_tracks:
    message: SLURM-job '15' failed, SLURM status is: 'OUT_OF_MEMORY'. For further error details see the cluster/cloud log ...
    log: logs/x/read_tracks/r1.log (check log file(s) for error details)
[Sat Nov 21 06:13:41 2026]
Error in rule read_tracks:
    message: None
    log: logs/x/read_tracks/r2.log (check log file(s) for error details)
[Sat Nov 21 06:14:41 2026]
    message: Error in group recording
    log: {folder}/16.log (check log file(s) for error details)
    jobs:
        rule read_tracks:
            log: logs/x/read_tracks/r3.log (check log file(s) for error details)
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


def test_of_a_group_slurm_speaks_in_its_own_log(tmp_path):
    messages = MESSAGES.replace("{folder}", str(tmp_path))
    assert reason_of_slurm(messages, "logs/x/read_tracks/r3.log") is None
    (tmp_path / "16.log").write_text(
        "reading\nslurmstepd: error: *** JOB 16 ON n1 CANCELLED AT 2026-11-21T06:14:40 DUE TO TIME LIMIT ***\n"
    )
    expected = "SLURM job 16 needed more time than it had (JOB 16 ON n1 CANCELLED AT 2026-11-21T06:14:40 DUE TO TIME LIMIT)"
    assert reason_of_slurm(messages, "logs/x/read_tracks/r3.log") == expected


SQUEUE = """\
[Sat Nov 21 07:52:05 2026]
Error in rule simulate_recording:
    message: SLURM-job '2' failed, SLURM status is: 'FAILED'. Detailed failure reason unavailable (status command is not 'sacct').
    log: logs/x/simulate_recording/r1.log, {folder}/2.log (check log file(s) for error details)
    external_jobid: 2
"""
ENDED = [
    (
        "slurmstepd-n1: error: StepId=2.batch exceeded memory limit (13 > 12), being killed\n"
        "slurmstepd-n1: error: *** JOB 2 ON n1 CANCELLED AT 2026-11-21T07:51:58 ***\n",
        "needed more memory than it had (StepId=2.batch exceeded memory limit (13 > 12), being killed)",
    ),
    (
        "slurmstepd: error: Detected 1 oom_kill event in StepId=2.0. Some of the step tasks have been OOM Killed.\n",
        "needed more memory than it had (Detected 1 oom_kill event in StepId=2.0. Some of the step tasks have been OOM Killed.)",
    ),
    ("slurmstepd: error: *** JOB 2 ON n1 CANCELLED AT 2026-11-21T07:51:58 ***\n", "was cancelled"),
    ("/bin/sh: line 1: 77 Killed   python\n", "was killed, as the system does with what takes too much memory"),
    ("srun: error: Unable to create step: no CPU left\n", "failed (Unable to create step: no CPU left)"),
    ("all went well\n", "failed (FAILED)"),
]


@pytest.mark.parametrize(("said", "reason"), ENDED)
def test_where_squeue_says_no_more_than_failed_slurms_log_has_the_reason(tmp_path, said, reason):
    (tmp_path / "2.log").write_text("Building DAG of jobs...\n" + said)
    messages = SQUEUE.replace("{folder}", str(tmp_path))
    assert reason_of_slurm(messages, "logs/x/simulate_recording/r1.log").startswith(f"SLURM job 2 {reason}")
    assert reason_of_slurm(messages, "logs/x/simulate_recording/r.log") is None


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
