"""How much memory this process may still take."""

from pathlib import Path

MACHINE, OWN_GROUPS, GROUPS = Path("/proc/meminfo"), Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
LIMITS = (  # of control groups version 2 and 1: the limit, what is used, what of it holds contents of files and can be dropped
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def available_bytes(machine: Path = MACHINE, own_groups: Path = OWN_GROUPS, groups: Path = GROUPS) -> int | None:
    """What the machine has free or, where that is less, what the limits of a SLURM job or a container leave; None where it is not known."""
    try:
        sizes = dict(line.split(":") for line in machine.read_text().splitlines())
        left = [1024 * int(sizes["MemAvailable"].split()[0])]
        lines = own_groups.read_text().splitlines()
    except (OSError, KeyError):
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        root = groups / "memory" if "memory" in controllers.split(",") else groups
        own = root / path.strip("/")
        left += [number for folder in (own, *own.parents) if folder.is_relative_to(root) and (number := _left(folder)) is not None]
    return min(left)


def _left(group: Path) -> int | None:
    """What the limit of one group leaves; None without a limit."""
    for limit, usage, droppable in LIMITS:
        try:
            most, used = int((group / limit).read_text()), int((group / usage).read_text())
            stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        except (OSError, ValueError):  # it is not there, or "max"
            continue
        return max(0, most - used + int(stat.get(droppable, 0)))
    return None
