from pathlib import Path

import pytest

from cellfate.base.memory import available_bytes

FREE = "MemTotal:       16000 kB\nMemAvailable:   10000 kB\n"


def machine(folder: Path, own_groups: str, **files: str) -> dict:
    """Paths of a machine with 10,000 kB free and ``files`` of its control groups."""
    (folder / "meminfo").write_text(FREE)
    (folder / "cgroup").write_text(own_groups)
    for name, text in files.items():
        path = folder / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return {"machine": folder / "meminfo", "own_groups": folder / "cgroup", "groups": folder / "groups"}


def group(path: str, version: int, limit: str, used: str, droppable: int) -> dict:
    names = {
        2: ("memory.max", "memory.current", "inactive_file"),
        1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    }
    of_limit, of_use, of_files = names[version]
    return {f"{path}/{of_limit}": limit, f"{path}/{of_use}": used, f"{path}/memory.stat": f"anon 5\n{of_files} {droppable}\n"}


def test_without_limits_it_is_what_the_machine_has_free(tmp_path):
    assert available_bytes(**machine(tmp_path, "0::/\n")) == 10_240_000
    unlimited = group("job", 2, "max", "4000", 0)
    assert available_bytes(**machine(tmp_path, "0::/job\n", **unlimited)) == 10_240_000


@pytest.mark.parametrize(("version", "own", "folder"), [(2, "0::/slurm/job_7/step_0", ""), (1, "4:memory:/slurm/job_7/step_0", "memory/")])
def test_the_limit_of_a_job_counts_also_for_a_step_without_one(tmp_path, version, own, folder):
    """Contents of files that can be dropped are no use of memory."""
    files = group(f"{folder}slurm/job_7", version, "5000000", "4000000", 500_000)
    assert available_bytes(**machine(tmp_path, f"1:cpu:/\n{own}\n", **files)) == 1_500_000
    full = group(f"{folder}slurm/job_7/step_0", version, "3000", "9000", 0)
    assert available_bytes(**machine(tmp_path, f"{own}\n", **files, **full)) == 0


def test_where_linux_does_not_say_nothing_is_known(tmp_path):
    assert available_bytes(machine=tmp_path / "none") is None
    assert available_bytes() is None or available_bytes() > 0
