"""Run the fixed list of mutants and print how many of them some test notices: make mutants, or python tests/mutants/run_mutants.py 3 17.

Numbers choose mutants of the list by their row; a path is another list: holes.tsv has changes, written by hand, that no test noticed once.
With --trusted the tests are not run without any mutant before: where they have just passed.
Each mutant is made in a copy of the project and tried by the tests that its row names, up to the first that fails. The copy is thrown away;
the working tree is not touched. A small tool of our own: mutmut and cosmic-ray make every mutant there is and choose the tests themselves,
which takes days here, and neither keeps a list whose score can be compared over time.
"""

import importlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest
from draw_mutants import LIST, ROOT, Mutant, read_list
from scipy.stats import binomtest

PYTEST = ("-x", "-q", "--no-header", "--tb=no", "-m", "not whole", "-p", "no:cacheprovider")
LARGE = ("torch", "pandas", "pyarrow.parquet", "h5py", "scipy.stats", "skimage.measure", "sklearn.ensemble", "matplotlib.pyplot", "zarr")
FORK = multiprocessing.get_context("fork")
LONGEST = 1200  # seconds for the unchanged tests of a room; a mutant has three times what they took, and this at least:
SHORTEST = 120


class GoneError(Exception):
    """The line of a mutant is not in the source any more."""


def main(path: Path, chosen: list[int], trusted: bool) -> int:
    os.nice(5)
    os.environ.update(OMP_NUM_THREADS="1", MPLBACKEND="Agg")
    for name in LARGE:
        importlib.import_module(name)
    assert "cellfate" not in sys.modules, "the package is that of the copy"
    mutants = [(number, one) for number, one in enumerate(read_list(path), 1) if not chosen or number in chosen]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = copy_project(Path(folder) / "project")
        limits, found = {}, Counter()
        for number, mutant in mutants:
            tests = mutant.tests.split()[-1]
            if tests not in limits:
                limits[tests] = LONGEST if trusted else time_unchanged(copy, tests)
            started = time.monotonic()
            verdict = try_mutant(copy, mutant, number, limits[tests])
            found[verdict] += 1
            print(f"{number:3} {verdict:9} {time.monotonic() - started:4.0f} s  {mutant.file}:{mutant.line} ({mutant.kind})", flush=True)
            if verdict in ("SURVIVED", "GONE"):
                print(f"      - {mutant.before}\n      + {mutant.after}", flush=True)
    print(score(found))
    return 0


def copy_project(folder: Path) -> Path:
    """A copy of the files that git knows or would know."""
    listed = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return folder


def run_tests(copy: Path, tests: str, seconds: float) -> int | None:
    """The exit status of the tests in the copy, None when they ran too long: they and what they started are ended."""
    running = FORK.Process(target=_run_here, args=(copy, tests))
    running.start()
    try:
        running.join(seconds)
        return running.exitcode
    finally:  # also when this is stopped
        if running.is_alive():
            os.killpg(running.pid, signal.SIGKILL)
            running.join()


def _run_here(copy: Path, tests: str) -> None:
    """In a process of its own, which has the large packages already: run the tests with the copy's package and end."""
    os.setsid()
    os.chdir(copy)
    os.environ["PYTHONPATH"] = str(copy / "src")
    sys.path[:] = [str(copy / "src"), *(one for one in sys.path if Path(one) != ROOT / "src")]
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os._exit(pytest.main([*PYTEST, f"--basetemp={copy.parent / 'pytest'}", tests]))


def time_unchanged(copy: Path, tests: str) -> float:
    """How long a mutant may take, from the same tests of the unchanged source, which have to pass."""
    started = time.monotonic()
    if run_tests(copy, tests, LONGEST) != 0:
        raise SystemExit(f"{tests}: fails, or takes more than {LONGEST} s, without any mutant: mend it first")
    return max(SHORTEST, 3 * (time.monotonic() - started))


def try_mutant(copy: Path, mutant: Mutant, number: int, seconds: float) -> str:
    """killed, too long (counts as killed), SURVIVED, or GONE for a line that the source no longer has."""
    path = copy / mutant.file
    original, stat = path.read_text(), path.stat()
    try:
        changed = mutated(original, mutant)
    except GoneError:
        return "GONE"
    path.write_text(changed)
    os.utime(path, (stat.st_mtime + number,) * 2)  # a second of its own: Python tells compiled files by it
    try:
        for tests in mutant.tests.split():
            status = run_tests(copy, tests, seconds)
            if status is None:
                return "too long"
            if status not in (0, 5):
                return "killed"
        return "SURVIVED"
    finally:
        path.write_text(original)
        os.utime(path, (stat.st_mtime,) * 2)


def mutated(source: str, mutant: Mutant) -> str:
    """The source with the mutant's line, the one nearest to its number among equal ones."""
    lines = source.splitlines(keepends=True)
    places = [number for number, line in enumerate(lines) if line.strip() == mutant.before]
    if not places:
        raise GoneError
    place = min(places, key=lambda number: abs(number + 1 - mutant.line))
    lines[place] = lines[place].replace(mutant.before, mutant.after)
    return "".join(lines)


def score(found: Counter) -> str:
    """The share that tests notice, of the mutants that are still in the source, in words."""
    noticed = found["killed"] + found["too long"]
    tried = noticed + found["SURVIVED"]
    gone = f"; {found['GONE']} of the list are not in the source any more ({LIST.name})" if found["GONE"] else ""
    if not tried:
        return f"No mutant was tried{gone}"
    low, high = binomtest(noticed, tried).proportion_ci(0.95, method="wilson")
    return f"Noticed: {noticed} of {tried} mutants, {noticed / tried:.1%} (95 % interval by Wilson {low:.1%} to {high:.1%}){gone}"


if __name__ == "__main__":
    lists = [Path(one) for one in sys.argv[1:] if one.endswith(".tsv")]
    raise SystemExit(main(lists[0] if lists else LIST, [int(one) for one in sys.argv[1:] if one.isdecimal()], "--trusted" in sys.argv))
