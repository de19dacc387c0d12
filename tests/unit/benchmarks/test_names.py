"""Benchmarks are found by their folder on the path: one with the name of a library would be imported in its place."""

import sys
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_no_benchmark_has_the_name_of_a_library():
    libraries = {*packages_distributions(), *sys.stdlib_module_names}
    names = {path.stem for folder in ("benchmarks", "tests/toys") for path in (ROOT / folder).glob("*.py")}
    assert names & libraries == set()
