"""What a rule's script prints goes to the terminal and to the rule's log file."""

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from cellfate.base.errors import LOCK, InputError, in_words


def log_to(path: str | Path) -> None:
    """Send standard output and error of this process, and of its children, to ``path`` and to the terminal.

    From here on an :class:`InputError` that nobody catches is printed as one line, without a traceback.
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
    if isinstance(error, InputError) or (isinstance(error, OSError) and LOCK in str(error)):
        print(f"\nInput error: {in_words(error, 'HDF5')}\n", file=sys.stderr, flush=True)
    else:
        sys.__excepthook__(kind, error, traceback)
