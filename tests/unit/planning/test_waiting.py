"""What is said of jobs on SLURM that cannot start by themselves."""

from pathlib import Path

import pytest

from cellfate.planning.running import waiting

HERE = Path("/home/me/run")
NOT_THERE = "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions"


def test_jobs_without_a_node_name_the_nodes_of_their_partition():
    queue = f"gpu|{NOT_THERE}|{HERE}\ngpu|{NOT_THERE}|{HERE}\ncpu|ReqNodeNotAvail, UnavailableNodes:n7|{HERE}\n"
    dead = "gpu*|g1|Not responding\ngpu*|g1|Not responding\ngpu*|g2|broken | fan\ncpu|n7|none\n"
    one, two = waiting.stuck(queue, dead, HERE)
    assert one.startswith(
        "SLURM: a job of this run waits in partition cpu: its nodes are down, drained or reserved (n7: none) (ReqNodeNotAvail,"
    )
    assert "2 jobs of this run wait in partition gpu" in two
    assert "(g1: Not responding; g2: broken | fan)" in two
    assert NOT_THERE in two


@pytest.mark.parametrize("reason", ["Priority", "Resources", "None", "BeginTime", "Dependency", "", "(Resources)"])
def test_a_place_in_the_queue_is_no_news(reason):
    assert waiting.stuck(f"cpu|{reason}|{HERE}\n", "", HERE) == []


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("JobHeldUser", "scontrol release"),
        ("launch failed requeued held", "its start failed and it is held"),
        ("PartitionTimeLimit", "runtime"),
        ("PartitionNodeLimit", "mem_mb"),
        ("InvalidAccount", "slurm_account"),
        ("InvalidQOS", "qos"),
        ("(PartitionDown)", "closed the partition"),
    ],
)
def test_what_time_does_not_mend_is_said_with_what_to_do(reason, words):
    (line,) = waiting.stuck(f"cpu|{reason}|{HERE}\n", "cpu|n7|none\n", HERE)
    assert words in line
    assert "n7" not in line


def test_jobs_of_other_folders_and_lines_that_are_none_are_left_out():
    queue = f"cpu|{NOT_THERE}|/home/me/another run\nslurm_load_jobs error: Socket timed out\n\n"
    assert waiting.stuck(queue, "", HERE) == []


def test_each_thing_is_said_once_and_again_when_it_comes_back(monkeypatch):
    """The thread itself, with a queue that answers as written down."""
    stuck, free = f"cpu|JobHeldUser|{Path.cwd()}\n", ""
    answers = iter([stuck, stuck, free, stuck])
    said = []

    def printed(command):
        if command is waiting.NODES:
            return ""
        answer = next(answers, None)
        if answer is None:
            raise SystemExit  # ends the thread
        return answer

    class AtOnce:
        def __init__(self, target, **_):
            self.target = target

        def start(self):
            with pytest.raises(SystemExit):
                self.target()

    monkeypatch.setattr(waiting.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(waiting, "_printed", printed)
    monkeypatch.setattr(waiting.threading, "Thread", AtOnce)
    waiting.watch_queue("slurm", said.append)
    assert len(said) == 2
    waiting.watch_queue("local", said.append)
    assert len(said) == 2


def test_a_command_that_fails_or_is_not_there_says_nothing(tmp_path):
    assert waiting._printed((str(tmp_path / "squeue"),)) == ""
    assert waiting._printed(("false",)) == ""
    assert waiting._printed(("echo", "a|b|c")) == "a|b|c\n"
