"""Progress of long work as whole lines, so that parallel jobs and log files stay readable."""

import sys
import time
from collections.abc import Iterable, Iterator

from tqdm import tqdm


def progress(items: Iterable, label: str, total: int | None = None, unit: str = "it", every: float = 3.0) -> Iterator:
    """Iterate over ``items`` and print a progress line to standard error every ``every`` seconds.

    ``label`` says what is worked on (the rule and the recording), ``total`` defaults to ``len(items)``. Jobs that finish
    within ``every`` seconds print nothing. The bar's text is tqdm's.
    """
    if total is None:
        total = len(items)
    start = last = time.monotonic()
    shown = False
    done = 0
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= every or (shown and done == total):
            print(meter(done, total, now - start, label, unit), file=sys.stderr, flush=True)
            last, shown = now, True


def meter(done: int, total: int | None, elapsed: float, label: str, unit: str = "it") -> str:
    """One line with a bar, the count, the rate and the time that remains."""
    return tqdm.format_meter(done, total, elapsed, ncols=100, prefix=label, ascii=" #", unit=unit)
