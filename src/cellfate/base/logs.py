"""What a rule's script prints goes to the terminal and to the rule's log file."""

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from cellfate.base.causes import CAUSE, cause_of, likely_cause
from cellfate.base.errors import INPUT_ERROR, InputError


def log_to(path: str | Path) -> None:
    """Send standard output and error of this process, and of its children, to ``path`` and to the terminal.

    From here on an :class:`InputError` that nobody catches is printed as one line, without a traceback; so is an error of the system that
    names its cause, such as a disk that is full. Below the traceback of any other stands its cause, where the machine is known to be it.
    """
    if os.environ.get("LOCAL_RANK", "0") != "0":
        return  # a further process of a training on several GPUs: the first one writes the log
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    tee = subprocess.Popen(["tee", str(path)], stdin=subprocess.PIPE, stdout=os.dup(sys.stderr.fileno()), start_new_session=True)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(tee.stdin.fileno(), stream.fileno())
    tee.stdin.close()
    sys.excepthook = _one_line


def _one_line(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if isinstance(error, InputError):
        print(f"\n{CAUSE if cause_of(error) else INPUT_ERROR}{error}\n", file=sys.stderr, flush=True)
        return
    if not (isinstance(error, OSError) and cause_of(error)):
        sys.__excepthook__(kind, error, traceback)
    if cause := likely_cause(error):
        print(f"\n{CAUSE}{cause}\n", file=sys.stderr, flush=True)
