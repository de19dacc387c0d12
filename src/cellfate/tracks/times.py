"""Times of events as people write them, in frames of the recording."""

import math
import re
from decimal import Decimal, InvalidOperation

import pandas as pd

UNITS = {"event_hours": 60.0, "event_minutes": 1.0}  # minutes in one
LONGEST_YEARS = 100
_LONGEST_MIN = LONGEST_YEARS * 366 * 1440
_LAST_DIGIT = 0.5  # a written number may be off by half of its last digit, by at most this many frames
_CLOCK = re.compile(r"(?:(?P<days>\d+) ?(?:d|days?),? ?)?(?P<hours>\d+):(?P<minutes>[0-5]\d)(?::(?P<seconds>[0-5]\d)(?:\.\d*)?)?")
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?[ T]\d\d?:\d\d(:\d\d(\.\d*)?)?")


def frame_of_number(text: str, unit: str, interval_min: float) -> int:
    """The first frame at or after a time since the first frame, ``text`` in the unit of a column of ``UNITS``.

    ``12.33`` hours are read as any time that is written so, 12.325 to 12.335: a frame in that range is the event's, at most half a
    frame before the number. A ValueError says what is needed instead.
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0:
        raise ValueError(f"a number of {unit.removeprefix('event_')} from 0 is needed")
    _refuse_late(number * Decimal(UNITS[unit]))
    scale = UNITS[unit] / interval_min
    rounding = min(_LAST_DIGIT, 0.5 * 10.0 ** number.as_tuple().exponent * scale)
    return _first_frame(float(number) * scale, rounding)


def frame_of_time(text: str, start: str, interval_min: float) -> int:
    """The first frame at or after a clock time.

    Without ``start`` the time counts from the first frame (``12:30``, hours and minutes, seconds if need be). ``start`` is the time
    of the first frame, of the same kind: both with a date (``2024-03-01 14:35``), or both without, and then the event is less than
    a day later. A ValueError says what is needed instead.
    """
    date, start_date = bool(_DATE.fullmatch(text)), bool(_DATE.fullmatch(start))
    if start and date != start_date:
        raise ValueError(f"start_time is {start!r}: both with a date, or both without, are needed")
    if date and not start:
        raise ValueError("with a date, so the column start_time must give that of the first frame")
    minutes = _since_epoch(text) - _since_epoch(start) if date else _minutes(text) - (_minutes(start) if start else 0.0)
    if minutes < 0 and start and not date:
        minutes += 24 * 60  # past midnight
    if minutes < 0:
        raise ValueError(f"before start_time, {start}")
    _refuse_late(minutes)
    rounding = 0.0 if text.count(":") > 1 else min(_LAST_DIGIT, 0.5 / interval_min)
    return _first_frame(minutes / interval_min, rounding)


def _refuse_late(minutes: float | Decimal) -> None:
    if minutes > _LONGEST_MIN:
        raise ValueError(f"a time within {LONGEST_YEARS} years of the first frame is needed")


def _first_frame(exact: float, rounding: float) -> int:
    return max(0, math.ceil(exact - max(rounding, 1e-6)))


def _minutes(text: str) -> float:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ValueError("a time such as 12:30, 12:30:00 or 2024-03-01 14:35 is needed")
    days, hours, minutes, seconds = (float(found[name] or 0) for name in ("days", "hours", "minutes", "seconds"))
    return days * 1440 + hours * 60 + minutes + seconds / 60


def _since_epoch(text: str) -> float:
    try:
        return pd.Timestamp(text).timestamp() / 60
    except ValueError:
        raise ValueError("a date that exists is needed, such as 2024-03-01 14:35") from None
