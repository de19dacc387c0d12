"""The jobs of a run that failed, as Snakemake's log events name them."""

import logging
from collections.abc import Sequence
from pathlib import Path

from snakemake_interface_logger_plugins.common import LogEvent

from cellfate.planning.failures import failure_table, failures

ADVICE = "\nTo go on without a recording put # before its row of the sheet; then run the same command again."


class FailedJobs(logging.Handler):
    """Collects the jobs that failed and were not made good by a later attempt.

    A handler of Snakemake's logger: it reads the events of its logger plugin interface, but needs no package of its own, as a plugin
    would.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._jobs: dict[int, tuple[str, str, str]] = {}  # what, rule, log
        self._groups: dict[tuple[int, ...], None] = {}  # of jobs that were one job of the cluster, in the order of their failure

    def emit(self, record: logging.LogRecord) -> None:
        match getattr(record, "event", None):
            case LogEvent.JOB_INFO:
                log = str(record.log[0]) if record.log else ""
                self._jobs[record.jobid] = (job_name(record.wildcards or {}), record.rule_name, log)
            case LogEvent.JOB_FINISHED:
                self._forget({record.job_id})
            case LogEvent.GROUP_ERROR:
                self._note(sorted(job["jobid"] for job in record.job_error_info))
            case LogEvent.JOB_ERROR:
                self._note([record.jobid])

    def _note(self, jobs: Sequence[int]) -> None:
        if not any(set(jobs) <= set(group) for group in self._groups):  # the jobs of a group are named once more, each by itself
            self._groups[tuple(jobs)] = None

    def _forget(self, jobs: set[int]) -> None:
        self._groups = {group: None for group in self._groups if not jobs & set(group)}

    def report(self, recordings: Sequence[str], logs: Sequence[str | Path], since: float, given_up: Sequence[list] = ()) -> str:
        """The table of failures, with what to do. ``logs`` are Snakemake's own, ``since`` the time (seconds) at which the run began.

        ``given_up`` are the groups of (what, rule, log) that failed for good, where the scheduler knows them: on a cluster the events do
        not tell a last attempt from the ones before. The events are used where it knows none.
        """
        groups = list(given_up) or [[self._jobs[job] for job in group if job in self._jobs] for group in self._groups]
        messages = "".join(Path(log).read_text(errors="replace") for log in logs if Path(log).exists())
        found = failures([group for group in groups if group], messages, since)
        if not found:
            return "\nThe run stopped before any job failed: see the messages above."
        advice = ADVICE * any(failure.what in recordings for failure in found)
        return f"\n{len(found)} jobs failed:\n{failure_table(found)}\n{advice}"


def job_name(wildcards: dict[str, str]) -> str:
    """The recording of a job, else its fold, else a dash."""
    return wildcards.get("recording") or (f"fold {wildcards['fold']}" if "fold" in wildcards else "-")
