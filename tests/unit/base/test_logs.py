"""What a rule's script prints, and how long work shows that it goes on."""

import os
import subprocess
import sys

import pytest

from cellfate.base import progress as module
from cellfate.base.progress import progress

SCRIPT = """
import os, sys
from cellfate.base.errors import InputError
from cellfate.base.logs import log_to
log_to(sys.argv[1])
print("from python", flush=True)
os.system("echo from a child")
raise {error}
"""


def run(path, error):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", SCRIPT.format(error=error), str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    return done.stderr, path.read_text()


def test_output_goes_to_the_terminal_and_to_the_log(tmp_path):
    for text in run(tmp_path / "logs" / "rule.log", "InputError('a.csv: line 2: x is 7')"):
        assert "from python\nfrom a child\n" in text
        assert "Input error: a.csv: line 2: x is 7" in text
        assert "Traceback" not in text


def test_a_fault_of_the_program_keeps_its_traceback(tmp_path):
    for text in run(tmp_path / "rule.log", "ValueError('no')"):
        assert "Traceback" in text
        assert "ValueError: no" in text


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by one second with each look at it."""
    seconds = iter(range(1000))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(seconds))


def test_progress_prints_now_and_then_and_at_the_end(clock, capsys):
    assert list(progress([1, 2, 3, 4, 5], "segment_cells r1", unit="track")) == [1, 2, 3, 4, 5]
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("|")[-1].split()[0] for line in lines] == ["3/5", "5/5"]
    assert all(line.startswith("segment_cells r1:") for line in lines)


def test_short_work_prints_nothing(capsys):
    assert list(progress(range(5), "quick")) == [0, 1, 2, 3, 4]
    assert capsys.readouterr().err == ""


def test_a_disk_without_locks_is_told_with_the_way_out(tmp_path):
    for text in run(tmp_path / "rule.log", "BlockingIOError(11, 'Unable to open file (unable to lock file, errno = 11)')"):
        assert "HDF5_USE_FILE_LOCKING=FALSE" in text
        assert "Traceback" not in text
    for text in run(tmp_path / "rule.log", "OSError('Permission denied')"):
        assert "Traceback" in text
