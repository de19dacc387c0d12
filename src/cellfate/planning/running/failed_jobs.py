"""The jobs of a run that failed for good, and the table of them with which the run ends."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cellfate.base.causes import CAUSE, full_disk
from cellfate.planning.running.failures import failure_table, failures

ADVICE = "\nTo go on without a recording put # before its row of the sheet; then run the same command again."
INTERRUPTED = "Terminating processes on user request"  # of Snakemake (9.27), when somebody pressed Ctrl-C
STOPPED = "\nStopped by you; the same command goes on where it stopped."
CUT_OFF = " Errors of rules above are those of jobs that were cut off."
OF_MACHINE = (
    "\nDisk, memory, rights, time and nodes are no fault of the data: mend what is named, then run the same command again; "
    "what is finished is kept."
)


def failure_report(failed: Iterable[Any], recordings: Sequence[str], logs: Sequence[str | Path], since: float) -> str:
    """The table of failures, with what to do.

    ``failed`` are the jobs that Snakemake's scheduler gave up, ``recordings`` the names in the sheet, ``logs`` Snakemake's own log files,
    and ``since`` is the time (seconds) at which the run began.
    """
    messages = "".join(Path(log).read_text(errors="replace") for log in logs if Path(log).exists())
    found = failures(given_up(failed), messages, since)
    full = full_disk()
    said = f"\n{CAUSE}{full}" if full else ""
    if INTERRUPTED in messages and not found:
        return f"{STOPPED}{CUT_OFF * ('Error in rule' in messages)}{said}"
    if not found:
        return f"\nThe run stopped before any job failed: see the messages above.{said}"
    said += OF_MACHINE * (full is not None or any(failure.of_machine for failure in found))
    of_data = full is None and any(failure.what in recordings and not failure.of_machine for failure in found)
    return f"\n{len(found)} jobs failed:\n{failure_table(found)}\n{said}{ADVICE * of_data}{STOPPED * (INTERRUPTED in messages)}"


def given_up(failed: Iterable[Any]) -> list[list[tuple[str, str, str]]]:
    """(what, rule, log) of jobs that failed, as groups that were one job of the cluster each, its jobs in the order in which they ran.

    From Snakemake's scheduler, as its public log events cannot tell (Snakemake 9.27, SLURM executor 2.6): this executor announces no job
    and an error's event has no wildcards, a job whose output is missing has no event of its own, and with ``--quiet progress`` none says
    that a later attempt succeeded.
    """
    levels = [one.toposorted if one.is_group() else [[one]] for one in failed]
    return [[job for level in group for job in sorted(map(_described, level))] for group in levels]


def _described(job: Any) -> tuple[str, str, str]:
    return _what(dict(job.wildcards_dict)), job.rule.name, str(job.log[0]) if job.log else ""


def _what(wildcards: dict[str, str]) -> str:
    """The recording of a job, else its fold, else a dash."""
    return wildcards.get("recording") or (f"fold {wildcards['fold']}" if "fold" in wildcards else "-")
