"""Numbers of tracks and cells, exact to the last digit: they never pass through a floating-point number."""

import re
from decimal import Decimal
from typing import Any

from cellfate.base.tables import LARGEST

EXACT = 2**53  # up to here a floating-point number holds every whole number
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")


def whole_number(value: Any) -> int:
    """``value``, a text or a number, as a whole number; a ValueError that says what is needed instead.

    A decimal number above 2^53 is refused: who wrote it as such has lost its last digits, and two tracks may have become one.
    """
    if isinstance(value, str):
        text = value.strip()
        number = int(text) if re.fullmatch("[+-]?[0-9]{1,400}", text) else _from_decimal(text)
    elif isinstance(value, float):
        number = _from_decimal(repr(value))
    else:
        number = _from_integer(value)
    if abs(number) > LARGEST:
        raise ValueError(f"at most {LARGEST} can be read")
    return number


def _from_decimal(text: str) -> int:
    if not _DECIMAL.fullmatch(text):
        raise ValueError("a whole number from 0 is needed")
    exact = Decimal(text)
    if exact.as_tuple().exponent < 0 and exact != exact.to_integral_value():
        raise ValueError("a whole number from 0 is needed")
    if abs(exact) > EXACT:
        raise ValueError("which as a decimal number has lost its last digits (it is above 2^53): a whole number without a point is needed")
    return int(exact)


def _from_integer(value: Any) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ValueError("a whole number from 0 is needed")
    return value.__index__()
