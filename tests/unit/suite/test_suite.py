"""The tests themselves: none may hang, what was skipped is said once, and the list of mutants is the one whose score is reported."""

import ast
from collections import Counter
from pathlib import Path

import pytest
from draw_mutants import ROOMS, Mutant, candidates, read_list
from run_mutants import GoneError, mutated, score
from skipped import in_words, rules_not_run, skipped

ROOT = Path(__file__).parents[3]


def test_every_test_has_a_limit_of_time(request):
    assert 0 < float(request.config.getini("timeout")) <= 600
    assert request.config.pluginmanager.hasplugin("timeout")


@pytest.mark.whole
def test_one_that_takes_minutes_has_a_longer_limit(request):
    assert request.node.get_closest_marker("timeout").args == (7200,)


def test_what_was_skipped_is_said_once_with_its_reason(tmp_path):
    case = '<testsuite><testcase name="a"><skipped message="{}"/></testcase><testcase name="b"/></testsuite>'
    for number, reason in enumerate(["Skipped: no browser", "no root", "Skipped: no browser"]):
        (tmp_path / f"{number}.xml").write_text(case.format(reason))
    text = in_words(skipped(sorted(tmp_path.glob("*.xml"))))
    assert text.splitlines() == ["Not tested on this machine: 3 tests skipped", "    2  no browser", "    1  no root"]
    assert in_words(Counter()) == "All tests ran, none was skipped."


def test_the_rules_that_no_test_ran_are_named(tmp_path):
    every = rules_not_run(tmp_path / "nothing")
    assert {"simulate_recording", "summarize_published_effects", "list_recordings"} <= set(every)
    assert len(every) > 120
    (tmp_path / "ran.txt").write_text("\n".join([*every[1:], every[3]]))
    assert rules_not_run(tmp_path / "ran.txt") == every[:1]


def test_the_list_of_mutants_has_all_rooms_and_most_of_it_is_in_the_source():
    mutants = read_list()
    assert Counter(mutant.room for mutant in mutants) == ROOMS
    assert len(mutants) == sum(ROOMS.values()) == 60
    there = []
    for mutant in mutants:
        assert mutant.before != mutant.after
        assert all((ROOT / tests).exists() for tests in mutant.tests.split())
        path = ROOT / mutant.file
        if path.exists() and mutant.before in [line.strip() for line in path.read_text().splitlines()]:
            ast.parse(mutated(path.read_text(), mutant))
            there.append(mutant)
    assert len(there) >= 54, "too few mutants are in the source: draw the list anew, see tests/mutants/draw_mutants.py"


def test_a_mutant_changes_its_line_alone_and_is_missed_where_it_is_gone():
    mutant = Mutant("base", "a.py", 3, "number", "b = 1", "b = 2", "tests/unit/base")
    assert mutated("b = 1\na = 0\n    b = 1\n", mutant) == "b = 1\na = 0\n    b = 2\n"
    with pytest.raises(GoneError):
        mutated("b = 3\n", mutant)


def test_kinds_of_mutants():
    lines = [
        "def f(x, low=0) -> list[int]:",
        '    """Two."""',
        "    if x < low and not x:",
        "        check(x)",
        "        return g(x, key=3)",
    ]
    source = "\n".join([*lines, '    raise E(f"{x + 1}")'])
    found = {(kind, after) for kind, changes in candidates(source).items() for _, _, after in changes}
    assert found == {
        ("number", "def f(x, low=1) -> list[int]:"),
        ("comparison", "if x <= low and not x:"),
        ("and, or", "if x < low or not x:"),
        ("not", "if x < low and x:"),
        ("condition", "if not (x < low and not x):"),
        ("statement", "pass"),
        ("return", "return None"),
        ("keyword", "return g(x)"),
        ("number", "return g(x, key=4)"),
    }


def test_the_score_has_its_interval_and_says_what_is_gone():
    assert score(Counter(killed=18, SURVIVED=1, **{"too long": 1})) == (
        "Noticed: 19 of 20 mutants, 95.0% (95 % interval by Wilson 76.4% to 99.1%)"
    )
    assert score(Counter(killed=1, GONE=2)).endswith("; 2 of the list are not in the source any more (mutants.tsv)")
    assert score(Counter(GONE=2)).startswith("No mutant was tried")
