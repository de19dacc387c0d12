"""The one exception that a user's mistake raises, and checks that can name every mistake instead of the first."""

from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

Value = TypeVar("Value")
INPUT_ERROR = "Input error: "  # begins the line in a job's log, which the table of failures finds


class InputError(ValueError):
    """Bad input. The message names the file, the row and the offending value, and says what would be right."""


def no_file(path: object, what: str) -> str:
    """The line for a path that is no file, where ``what`` is needed, such as "a table of genes": nothing is there, or a folder."""
    return f"{path}: a folder, {what} is needed" if Path(str(path)).is_dir() else f"{path}: no such file ({what})"


def raise_first(problems: Generator[str, None, Value]) -> Value:
    """Run a check that yields its problems: raise the first as an InputError, or return what the check returns when there is none."""
    try:
        problem = next(problems)
    except StopIteration as end:
        return end.value
    raise InputError(problem)


def collect(problems: Generator[str, None, Value], into: list[str]) -> Value:
    """Run a check to its end, append every problem that is not yet in ``into``, and return what the check returns."""
    while True:
        try:
            problem = next(problems)
        except StopIteration as end:
            return end.value
        if problem not in into:
            into.append(problem)
