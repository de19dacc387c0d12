"""Which jobs of a run failed, and why: a short table from the jobs' logs and from what SLURM said."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cellfate.base.causes import CAUSE
from cellfate.base.errors import INPUT_ERROR

EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Exit|Interrupt)\b.*")  # the last line of a traceback
SLURM_STATUS = re.compile(r"SLURM-job '(\d+)' failed, SLURM status is: '(\w+)'")
LOGS = re.compile(r"^ *log: (.+?) \(check log file", re.MULTILINE)  # of the rule, of SLURM or of both
SLURM_LOG = re.compile(r"(?:^|/)\d+\.log$")
# of a job on this machine: the line of its rule's error, and its log
LOCALLY_KILLED = re.compile(
    r"^Command .* (?:died with <Signals\.SIGKILL: 9>|returned non-zero exit status 137)\.?\n(?:\[[^\]]+\]\n)?"
    r"Error in rule \w+:\n(?:    .*\n)*?    log: (.+?) \(check log file",
    re.MULTILINE,
)
MEMORY, TIME, NODE = "needed more memory than it had", "needed more time than it had", "its node failed"
KILLED = "was killed, as the system does with what takes too much memory"
SLURM_WORDS = {"OUT_OF_MEMORY": MEMORY, "TIMEOUT": TIME, "CANCELLED": "was cancelled", "NODE_FAIL": NODE}
# of lines in SLURM's log, the first that is met tells; memory first, as SLURM cancels what takes too much
SLURM_LINES = {
    re.compile(r"exceeded .*memory limit|oom.?kill|out of memory", re.IGNORECASE): MEMORY,
    re.compile("DUE TO TIME LIMIT"): TIME,
    re.compile("DUE TO NODE FAILURE"): NODE,
    re.compile("CANCELLED AT"): "was cancelled",
    re.compile(r"\bKilled\b|SIGKILL"): KILLED,
    re.compile("error: "): "failed",
}


@dataclass(frozen=True)
class Failure:
    """A job that failed: its recording (or fold; ``-`` where it has none), its rule, its log file and the reason."""

    what: str
    rule: str
    log: str
    reason: str

    @property
    def of_machine(self) -> bool:
        """Whether it failed for what is no fault of its recording: disk, memory, rights, time or the cluster."""
        return self.reason.startswith(CAUSE) or any(words in self.reason for words in (MEMORY, TIME, NODE, KILLED))


def reason_in_log(path: str | Path, since: float) -> str | None:
    """The reason in a job's log: the cause that it names, else its input error, else the last exception.

    None when it has neither, or was last written before the time ``since`` (seconds), so that it is of an earlier run.
    """
    path = Path(path)
    if not path.is_file() or path.stat().st_mtime < since:
        return None
    lines = [line.strip() for line in path.read_text(errors="replace").splitlines()]
    kinds = (lambda line: line.startswith(CAUSE), lambda line: line.startswith(INPUT_ERROR), EXCEPTION.fullmatch)
    return next((found[-1] for kind in kinds if (found := [line for line in lines if kind(line)])), None)


def killed_here(messages: str, log: str) -> str | None:
    """That a job on this machine was killed, if the messages of the main process say so of the one with this log file."""
    killed = {path for found in LOCALLY_KILLED.findall(messages) for path in found.split(", ")}
    advice = "run fewer jobs side by side (--cores), or allow less memory in all (--resources mem_mb=...)"
    return f"{KILLED}: {advice}" if log in killed else None


def reason_of_slurm(text: str, log: str) -> str | None:
    """What SLURM said last about the job with this log file; None if nothing.

    ``text`` are the messages of the main process. They have SLURM's status of single jobs, which says no more than FAILED where
    ``squeue`` was asked, and the path of SLURM's own log, in which the reason stands then.
    """
    blocks = [block for block in re.split(r"(?=^\[[^\]]+\]$)", text, flags=re.MULTILINE) if log in _logs_in(block)]
    for block in reversed(blocks):
        status = SLURM_STATUS.search(block)
        if status and status[2] in SLURM_WORDS:
            return f"SLURM job {status[1]} {SLURM_WORDS[status[2]]} ({status[2]})"
        for path in _logs_in(block):
            if SLURM_LOG.search(path) and (said := _said_in(path)):
                return f"SLURM job {Path(path).stem} {said}"
        if status:
            return f"SLURM job {status[1]} failed ({status[2]})"
    return None


def _logs_in(block: str) -> list[str]:
    return [path for found in LOGS.findall(block) for path in found.split(", ")]


def _said_in(path: str) -> str | None:
    """The reason in SLURM's own log of a job, with the line that gives it."""
    lines = Path(path).read_text(errors="replace").splitlines() if Path(path).exists() else []
    for pattern, words in SLURM_LINES.items():
        if found := [line for line in lines if pattern.search(line)]:
            return f"{words} ({found[-1].split('error: ')[-1].strip('* ')})"
    return None


def failures(groups: Iterable[list[tuple[str, str, str]]], messages: str, since: float) -> list[Failure]:
    """The failures among jobs that went wrong, ``groups`` of (what, rule, log) that were one job of the cluster each.

    Of a group those are named whose logs have a reason; without any, all that it had begun, or its first.
    """
    found = []
    for group in groups:
        reasons = [(job, reason_in_log(job[2], since)) for job in group]
        known = [(job, reason) for job, reason in reasons if reason]
        if not known:
            begun = [job for job in group if Path(job[2]).is_file() and Path(job[2]).stat().st_mtime >= since] or group[:1]
            known = [(job, _reason_outside(messages, job[2])) for job in begun]
        found += [Failure(*job, reason) for job, reason in known]
    return sorted(found, key=lambda failure: (failure.what, failure.rule))


def _reason_outside(messages: str, log: str) -> str:
    """The reason of a job whose log has none."""
    where = f"see {log} and the messages above" if log else "see the messages above"
    return reason_of_slurm(messages, log) or killed_here(messages, log) or where


def failure_table(found: list[Failure]) -> str:
    """The failures as aligned lines: recording, rule, reason."""
    rows = [("recording", "rule", "reason"), *((failure.what, failure.rule, failure.reason) for failure in found)]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(f"{what:<{widths[0]}}  {rule:<{widths[1]}}  {reason}" for what, rule, reason in rows)
