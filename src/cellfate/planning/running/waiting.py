"""What this run's jobs on SLURM wait for when they cannot start by themselves, said while Snakemake waits, which says nothing of it."""

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

EVERY = 30.0  # seconds from one look at the queue to the next
QUEUE = ("squeue", "--me", "--noheader", "--states=PENDING", "--format=%P|%r|%Z")
NODES = ("sinfo", "--noheader", "--Node", "--list-reasons", "--format=%P|%N|%E")
DOWN = "its nodes are down, drained or reserved"
# reasons of SLURM (squeue) that time alone does not mend, the beginning of each; all others are a matter of waiting
REASONS = {
    "ReqNodeNotAvail": DOWN,
    "Nodes required for job are DOWN": DOWN,
    "PartitionDown": "an administrator has closed the partition",
    "PartitionInactive": "an administrator has closed the partition",
    "PartitionNodeLimit": "the partition has no node that is as large (slurm/profile.yaml: mem_mb, cpus)",
    "PartitionTimeLimit": "the partition does not allow as long a time (slurm/profile.yaml: runtime)",
    "BadConstraints": "no node has what it asks for (slurm/profile.yaml)",
    "JobHeld": "it is held: `scontrol release` lets it start",
    "launch failed requeued held": "its start failed and it is held: `scontrol release` lets it start again",
    "InvalidAccount": "SLURM does not know the account (slurm/profile.yaml: slurm_account)",
    "InvalidQOS": "SLURM does not know the quality of service (slurm/profile.yaml: qos)",
}


def watch_queue(executor: str, warn: Callable[[str], None]) -> None:
    """With Snakemake's ``executor`` slurm, look at the queue now and then until the process ends, and ``warn`` of each new thing once."""
    if executor != "slurm":
        return

    def look() -> None:
        said: set[str] = set()
        while True:
            time.sleep(EVERY)
            found = set(stuck(_printed(QUEUE), _printed(NODES), Path.cwd()))
            for words in sorted(found - said):
                warn(words)
            said = found  # what comes back is said again

    threading.Thread(target=look, name="SLURM's queue", daemon=True).start()


def stuck(queue: str, dead: str, folder: Path) -> list[str]:
    """A line for each reason for which jobs of ``folder`` cannot start, with the partition's dead nodes where it is that.

    ``queue`` and ``dead`` are what the commands ``QUEUE`` and ``NODES`` print.
    """
    rows = [line.split("|", 2) for line in queue.splitlines() if line.count("|") >= 2]
    waiting = Counter((partition, reason.strip("() ")) for partition, reason, place in rows if place == str(folder))
    lines = []
    for (partition, reason), n in sorted(waiting.items()):
        words = next((words for beginning, words in REASONS.items() if reason.startswith(beginning)), None)
        if words is not None:
            nodes = _nodes_of(partition, dead) if words is DOWN else ""
            jobs = "a job of this run waits" if n == 1 else f"{n} jobs of this run wait"
            lines.append(
                f"SLURM: {jobs} in partition {partition}: {words}{nodes} ({reason}). Stopping here loses nothing: docs/cluster.md."
            )
    return lines


def _nodes_of(partition: str, dead: str) -> str:
    """The partition's nodes that take no jobs, with what SLURM says of them, as the end of a sentence."""
    rows = [line.split("|", 2) for line in dead.splitlines() if line.count("|") >= 2]
    found = dict.fromkeys(f"{node}: {why.strip()}" for place, node, why in rows if place.rstrip("*") == partition)
    return f" ({'; '.join(found)})" if found else ""


def _printed(command: tuple[str, ...]) -> str:
    """What a command prints; nothing where it fails, as on a busy controller: the next look will tell."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=EVERY, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
