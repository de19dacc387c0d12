"""The table at the end of a run names the jobs that failed for good: on a small workflow with Snakemake's own scheduler."""

import re
import subprocess
import sys

import pytest
from project import ROOT, environment

SNAKEFILE = """
import sys
import time

sys.path.insert(0, {source!r})
from cellfate.planning.running.failed_jobs import failure_report

STARTED = time.time()


rule all:
    input:
        "second/r1", "always/r2", "missing/r3", "fold/0", "after/r2", "good/r4"


rule good:
    output: "good/r4"
    shell: "touch {{output}}"


rule second_time:
    output: "second/{{recording}}"
    log: "logs/second/{{recording}}.log"
    shell: "test -e tried && touch {{output}} || (touch tried; echo 'Input error: at first' > {{log}}; exit 1)"


rule always:
    output: "always/{{recording}}"
    log: "logs/always/{{recording}}.log"
    shell: "echo 'Input error: always' > {{log}}; exit 1"


rule after:
    input: "always/{{recording}}"
    output: "after/{{recording}}"
    shell: "touch {{output}}"


rule missing:
    output: "missing/{{recording}}"
    log: "logs/missing/{{recording}}.log"
    shell: "echo done > {{log}}"


rule train:
    output: "fold/{{fold}}"
    shell: "exit 1"


onerror:
    print(failure_report(workflow.scheduler.failed, ["r1", "r2", "r3", "r4"], log, STARTED), file=sys.stderr)
"""


OF_MACHINE = """
rule killed:
    output: "killed/{{recording}}"
    log: "logs/killed/{{recording}}.log"
    shell: "kill -9 $$"


rule full:
    output: "full/{{recording}}"
    log: "logs/full/{{recording}}.log"
    shell: "echo 'Cause: full/r2: the disk is full' > {{log}}; exit 1"


onerror:"""


@pytest.fixture
def run(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE.format(source=str(ROOT / "src")))

    def snakemake(*arguments: str) -> list[tuple[str, str]]:
        """(what, rule) of the rows of the table with which the run ends."""
        command = [sys.executable, "-m", "snakemake", "--cores", "1", "--latency-wait", "0", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 1
        number, table = re.search(r"^(\d+) jobs failed:\nrecording +rule +reason\n((?:.+\n)+)", done.stderr, re.MULTILINE).groups()
        assert "put # before its row" in done.stderr
        rows = [tuple(re.split("  +", line)) for line in table.splitlines()]
        assert len(rows) == int(number)
        return rows

    return snakemake


@pytest.mark.parametrize("quiet", [(), ("--quiet", "progress"), ("--quiet", "all")])
def test_a_job_that_succeeds_in_a_later_attempt_is_not_named_and_one_without_output_is(run, quiet):
    assert run("--retries", "1", "--keep-going", *quiet) == [
        ("fold 0", "train", "see the messages above"),
        ("r2", "always", "Input error: always"),
        ("r3", "missing", "see logs/missing/r3.log and the messages above"),
    ]


def test_without_another_attempt_the_first_counts(run):
    rows = run("--keep-going")
    assert ("r1", "second_time", "Input error: at first") in rows
    assert len(rows) == 4


def test_the_first_failure_ends_a_run_that_does_not_keep_going(run):
    assert run("--", "always/r2", "good/r4") == [("r2", "always", "Input error: always")]


@pytest.mark.parametrize("quiet", [(), ("--quiet", "progress")])  # with "all" Snakemake writes down nothing of it
def test_faults_of_the_machine_are_told_from_bad_recordings(tmp_path, quiet):
    (tmp_path / "Snakefile").write_text(SNAKEFILE.replace("onerror:", OF_MACHINE.strip()).format(source=str(ROOT / "src")))
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--cores",
        "2",
        "--latency-wait",
        "0",
        "--keep-going",
        *quiet,
        "--",
        "killed/r1",
        "full/r2",
    ]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    killed, full = re.search(r"^2 jobs failed:\nrecording.*\n(r1 .+)\n(r2 .+)\n", done.stderr, re.MULTILINE).groups()
    assert re.split("  +", killed)[2].startswith(
        "was killed, as the system does with what takes too much memory: run fewer jobs side by side"
    )
    assert re.split("  +", full)[2] == "Cause: full/r2: the disk is full"
    assert "no fault of the data" in done.stderr
    assert "put # before its row" not in done.stderr
