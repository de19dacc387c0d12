"""What a check of a whole project found."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from cellfate.base.causes import in_words
from cellfate.base.errors import InputError
from cellfate.crops.digests import SeenDigests


@dataclass(frozen=True)
class CheckedRecording:
    """What one recording holds. ``outcomes`` counts its tracks by outcome; None for a recording that comes without tracks."""

    name: str
    n_frames: int
    shape: tuple[int, int]
    dtype: str
    channels: tuple[str, ...]
    outcomes: Mapping[str, int] | None


@dataclass
class Checked:
    """The result: ``problems`` would stop a run, ``warnings`` would not, ``left_out`` says what could not be looked at.

    ``design`` are the lines of the design check, as the report has them.
    """

    path: Path
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    recordings: list[CheckedRecording] = field(default_factory=list)
    transition: Mapping | None = None  # the section of that name, where the settings have one: its files are not opened here
    design: list[str] = field(default_factory=list)
    tracks: list[pd.DataFrame] = field(default_factory=list)
    outcomes: list[pd.DataFrame] = field(default_factory=list)
    sources: list[pd.DataFrame] = field(default_factory=list)  # of the outcomes, of recordings whose tracks can be read
    digests: SeenDigests = field(default_factory=SeenDigests)


def raised(check: Callable, *arguments, source: object = "") -> Iterator[str]:
    """The problem that a check raises; where ``source`` is given, also one that it does not expect."""
    try:
        check(*arguments)
    except InputError as error:
        yield str(error)
    except Exception as error:
        if not source:
            raise
        yield in_words(error, source)
