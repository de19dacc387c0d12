"""What a step of the benchmark reports, and how time and memory are taken."""

import ctypes
import gc
import os
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path

HELD_OUT = 485  # test trajectories on cisplatin of the published tables, 243 apoptoses and 242 mitoses


@dataclass(frozen=True)
class Settings:
    """``device`` is ``cuda`` where torch sees a GPU, else ``cpu``; ``repeats`` is how often each way is run."""

    device: str = "cpu"
    repeats: int = 5


@dataclass(frozen=True)
class Row:
    """One comparison: the published way, ours, and the bound that no way can beat, in ``unit`` (s, or MB for sizes); nan: not measured.

    Goals, nan where there is none: published / ours at least ``ratio_goal``, ours / bound at most ``bound_goal``, ours at most
    ``ours_goal``. ``equal`` says how the results compare ("identical"). Memory is the peak above what the process had before, MB.
    A row with a note that begins with "unmeasured" stands in the page without numbers.
    """

    step: str
    what: str
    input: str
    published: float = nan
    ours: float = nan
    bound: float = nan
    unit: str = "s"
    ratio_goal: float = nan
    bound_goal: float = nan
    ours_goal: float = nan
    equal: str = ""
    published_mb: float = nan
    ours_mb: float = nan
    device: str = "cpu"
    note: str = ""

    @property
    def ratio(self) -> float:
        return self.published / self.ours

    @property
    def reached(self) -> bool | None:
        """Whether every goal is reached; None without goals or without the numbers."""
        pairs = [(self.ratio, self.ratio_goal), (-self.ours / self.bound, -self.bound_goal), (-self.ours, -self.ours_goal)]
        pairs = [(value, goal) for value, goal in pairs if not isnan(goal)]
        if not pairs or any(isnan(value) for value, _ in pairs):
            return None
        return all(value >= goal for value, goal in pairs)


@dataclass(frozen=True)
class Point:
    """The cost at one size: ``axis`` is frames, cells or recordings; ``way`` published or ours."""

    step: str
    axis: str
    size: float
    way: str
    seconds: float
    mb: float = nan
    device: str = "cpu"


@dataclass(frozen=True)
class Share:
    """A step's part of a full run: ``count`` times ``seconds`` per ``unit``, on one of the ``cores`` or on the ``gpu``.

    ``published_seconds`` is what the published way takes for a unit; nan seconds: not measured.
    """

    step: str
    unit: str
    count: int
    seconds: float
    published_seconds: float = nan
    on: str = "cores"
    note: str = ""


def interleaved(
    ways: Sequence[Callable[[], object]],
    repeats: int,
    clock: Callable[[], float] = time.process_time,
    before: Callable[[], object] = gc.collect,
) -> list[float]:
    """The shortest time of each way, s; the ways take turns, so that whatever else the machine does meets all of them.

    The clock is processor time of this process; on a GPU give one that waits for the device and reads the wall clock. ``before``
    each way something is made ready that does not count.
    """
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(repeats):
        for taken, way in zip(times, ways, strict=True):
            before()
            start = clock()
            way()
            taken.append(clock() - start)
    return [min(taken) for taken in times]


def peak_mb(way: Callable[[], object]) -> float:
    """The peak of memory above what this process has, MB, while ``way`` runs in a fork of it (Linux; not for work on a GPU)."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            ctypes.CDLL(None).malloc_trim(0)  # what was freed before does not count as had
            Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
            before = _resident("VmRSS")
            way()
            os.write(writer, str((_resident("VmHWM") - before) / 1024).encode())
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    return max(0.0, float(answer))  # empty when the way failed; its traceback is above


def _resident(name: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])
