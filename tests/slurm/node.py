"""A real SLURM of one node on this machine, for the tests: `python tests/slurm/node.py start`, `stop` or `status`.

As root. With CELLFATE_INSTALL_SLURM=1 it is installed where it is missing, on Debian or Ubuntu. Partitions cpu and gpu share the
node, which has one pretended GPU (gpu:a100:1, the null device). Memory is watched by sampling, no cgroups, no accounting database.
A real cluster that this machine belongs to is left alone.
"""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

PACKAGES = ["slurmctld", "slurmd", "slurm-client", "munge"]
STATE = Path(os.environ.get("CELLFATE_SLURM_STATE", "/var/tmp/cellfate-slurm"))
SETTINGS = Path("/etc/slurm")  # the place that is compiled in: jobs are started without SLURM_CONF
CPUS = 8  # more than the machine may have: waiting jobs cost nothing
SECONDS = 60  # to come up


class SlurmError(Exception):
    """SLURM cannot be had here; the message says why."""


def slurm_conf(host: str, memory_mb: int) -> str:
    return f"""\
ClusterName=cellfate
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
StateSaveLocation={STATE}/controller
SlurmdSpoolDir={STATE}/spool
SlurmctldPidFile={STATE}/slurmctld.pid
SlurmdPidFile={STATE}/slurmd.pid
SlurmctldLogFile={STATE}/slurmctld.log
SlurmdLogFile={STATE}/slurmd.log
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SchedulerParameters=sched_interval=1,bf_interval=2
KillWait=3
MinJobAge=600
ReturnToService=2
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={CPUS} CoresPerSocket={CPUS} RealMemory={memory_mb} Gres=gpu:a100:1
PartitionName=cpu Nodes={host} Default=YES MaxTime=INFINITE
PartitionName=gpu Nodes={host} MaxTime=INFINITE
"""


def answers(*command: str) -> str:
    """What a command prints; the empty string when it fails or is not there."""
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout if done.returncode == 0 else ""


def ours(link: Path) -> bool:
    """Whether a file of SLURM's settings was put there by this script."""
    return link.is_symlink() and link.readlink().parent == STATE


def running() -> bool:
    """Whether the SLURM that this script starts answers and has a node that takes jobs."""
    if not ours(SETTINGS / "slurm.conf"):
        return False
    lines = answers("sinfo", "--noheader", "--format=%R %T").splitlines()
    ready = {line.split()[0] for line in lines if line.split()[1] in ("idle", "mixed", "allocated")}
    return {"cpu", "gpu"} <= ready


def must(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    if done.returncode:
        raise SlurmError(f"`{' '.join(command)}` failed: {(done.stderr or done.stdout).strip()[-500:]}")


def install() -> None:
    if shutil.which("slurmctld") and shutil.which("slurmd") and shutil.which("sbatch") and shutil.which("munged"):
        return
    if not os.environ.get("CELLFATE_INSTALL_SLURM"):
        raise SlurmError("SLURM is not installed (with CELLFATE_INSTALL_SLURM=1 root installs it by apt-get)")
    if shutil.which("apt-get") is None:
        raise SlurmError("SLURM is not installed, and there is no apt-get to install it with")
    impatient = ["-qq", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=20"]
    must("apt-get", *impatient, "update")
    must("apt-get", *impatient, "install", "--no-install-recommends", *PACKAGES)


def write_settings(host: str) -> None:
    (STATE / "spool").mkdir(parents=True, exist_ok=True)
    SETTINGS.mkdir(exist_ok=True)
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 9 // 10 // 2**20
    files = {
        "slurm.conf": slurm_conf(host, memory_mb),
        "gres.conf": "AutoDetect=off\nName=gpu Type=a100 File=/dev/null\n",
    }
    for name, text in files.items():
        link = SETTINGS / name
        if link.exists() and not ours(link):
            raise SlurmError(f"{link} belongs to a real cluster; it is left alone")
        (STATE / name).write_text(text)
        link.unlink(missing_ok=True)
        link.symlink_to(STATE / name)


def start_munge() -> None:
    """The daemon by which SLURM's programs trust each other."""
    if answers("munge", "--no-input"):
        return
    for folder, mode in (("/run/munge", 0o755), ("/etc/munge", 0o700), ("/var/log/munge", 0o700), ("/var/lib/munge", 0o711)):
        Path(folder).mkdir(exist_ok=True)
        shutil.chown(folder, "munge", "munge")
        os.chmod(folder, mode)
    if not Path("/etc/munge/munge.key").exists():
        must("runuser", "-u", "munge", "--", "mungekey", "--create")
    must("runuser", "-u", "munge", "--", "munged")


def start() -> None:
    """Bring SLURM up, installing it where that is possible; callers at the same time wait for the first. Raises SlurmError."""
    if running():
        return
    if os.geteuid():
        raise SlurmError("SLURM does not run here, and only root could start it")
    if not ours(SETTINGS / "slurm.conf") and ("UP" in answers("scontrol", "ping") or os.environ.get("SLURM_CONF")):
        raise SlurmError("this machine belongs to a real cluster, which is left alone")
    STATE.mkdir(parents=True, exist_ok=True)
    with open(STATE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not running():
            install()
            start_daemons(socket.gethostname().split(".")[0])


def start_daemons(host: str) -> None:
    """Start the daemons with settings of our own, and wait until the node takes jobs."""
    write_settings(host)
    start_munge()
    must("slurmctld")
    must("slurmd")
    deadline = time.monotonic() + SECONDS
    while not running():
        if time.monotonic() > deadline:
            raise SlurmError(f"the node did not come up within {SECONDS} s; see {STATE}/*.log")
        if "down" in answers("sinfo", "--noheader", "--format=%T"):
            answers("scontrol", "update", f"nodename={host}", "state=resume")
        time.sleep(0.2)


def stop() -> None:
    """Stop the daemons that this script started, and take its settings away."""
    for name in ("slurmd", "slurmctld"):
        file = STATE / f"{name}.pid"
        if file.exists():
            answers("kill", file.read_text().strip())
    for name in ("slurm.conf", "gres.conf"):
        link = SETTINGS / name
        if ours(link):
            link.unlink()


def main(arguments: list[str]) -> None:
    actions = {"start": start, "stop": stop, "status": lambda: None}
    if arguments not in [[name] for name in actions]:
        sys.exit(__doc__)
    try:
        actions[arguments[0]]()
    except SlurmError as error:
        sys.exit(f"{error}")
    print(answers("sinfo") or "SLURM does not run here")


if __name__ == "__main__":
    main(sys.argv[1:])
