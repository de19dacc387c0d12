"""Every key of the configuration refuses what nobody means, in one line that names it."""

import copy
import random
from pathlib import Path

import pytest
import yaml

from cellfate.planning.config import config_problems, unfit_values

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())
NAN, INF = float("nan"), float("inf")
NONSENSE = (NAN, INF, -INF, 10**12, -1e300, "a\nb", "tab\there", "x\x00", [NAN], {"no": "such key"}, [[]])


def leaves(config, above=()):
    for key, value in config.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*above, key))
        else:
            yield (*above, key)


def with_value(path, value):
    changed = copy.deepcopy(CONFIG)
    node = changed
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return changed


OPEN = ("simulation", "notes", "words", "columns")  # sections of free keys or words; the simulator checks its own
PAIRS = [(path, value) for path in leaves(CONFIG) if not set(path) & set(OPEN) for value in NONSENSE]
SOME = random.Random(20).sample(PAIRS, 60)  # each takes a tenth of a second


@pytest.mark.parametrize(("path", "value"), SOME, ids=[f"{'.'.join(path)}={value!r}" for path, value in SOME])
def test_nonsense_is_refused_in_one_line_that_names_the_key(path, value):
    problems = list(config_problems(with_value(path, value), SCHEMA, [ROOT / "config/config.yaml"]))
    assert problems
    assert any(".".join(path) in problem for problem in problems)
    assert all("\n" not in problem for problem in problems)


def test_what_no_key_takes_is_found_at_any_depth():
    assert set(
        unfit_values({"a": {"b": [1, float("nan")]}, "notes": ["two\nlines, </script>"], "c": 2**32, "d": True, "e": "</script>"})
    ) == {"a.b.1", "c", "e"}
