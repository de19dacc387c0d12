"""Whether Snakemake can work in this folder, and results be written, by whoever runs it."""

import os
from collections.abc import Iterable
from pathlib import Path

from cellfate.base.causes import no_right, user_name
from cellfate.base.errors import InputError

OWN = ".snakemake"  # Snakemake's records of this folder
NAMES = ("LOGNAME", "USER", "LNAME", "USERNAME")  # that Python's getpass looks at, before the list of users


def check_place() -> None:
    """Give a user whom no list names, as in containers, a name, without which Snakemake fails.

    Raises InputError where Snakemake cannot keep its records.
    """
    if not any(os.environ.get(name) for name in NAMES):
        os.environ["USER"] = user_name(os.geteuid()).replace(" ", "")
    check_writable([Path(OWN)])


def check_writable(folders: Iterable[Path]) -> None:
    """Raise an InputError for the first of some folders in which nothing can be written; of one that is not there its parent counts."""
    for folder in folders:
        nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        if not nearest.is_dir():
            raise InputError(f"{nearest}: a file is there, a folder for results is needed: move it away")
        if not os.access(nearest, os.W_OK | os.X_OK):
            raise InputError(f"{folder}: cannot be written: {no_right(str(nearest))}")


def folders_of_results(dataset: str, protocol: str) -> list[Path]:
    """Where a run writes."""
    names = ("results", f"results/{dataset}", f"results/{dataset}/{protocol}", "logs", f"logs/{dataset}", "resources")
    return [Path(name) for name in names]
