"""Which cells are on the page, and in which words that is said."""

import pandas as pd
import pytest

from cellfate.explorer.cells import choose_cells
from cellfate.explorer.run import lead_frames


def cells(wrong: int, right: int, unknown: int) -> pd.DataFrame:
    values = [0] * wrong + [1] * right + [None] * unknown
    table = pd.DataFrame({"right": pd.array(values, dtype="Int64")}).sample(frac=1, random_state=3, ignore_index=True)
    return table.assign(trajectory=[f"r/{place}" for place in range(len(table))])


def test_all_errors_are_taken_first_then_others_as_far_as_there_is_room():
    table = cells(5, 20, 30)
    chosen, words = choose_cells(table, (), 15, 0)
    assert len(chosen) == 15
    assert (chosen["right"] == 0).sum() == 5
    assert (chosen["right"] == 1).sum() == 10
    assert list(chosen.index) == sorted(chosen.index)
    assert words == [
        "All 5 cells called wrongly.",
        "Of 20 cells called rightly 10, drawn at random (seed 0).",
        "None of 30 cells without a fate to compare with: no room.",
    ]


def test_the_draw_follows_the_seed_and_gives_every_cell_a_chance():
    table = cells(0, 20, 0)
    draws = [tuple(choose_cells(table, (), 10, seed)[0].index) for seed in range(60)]
    assert draws[0] == tuple(choose_cells(table, (), 10, 0)[0].index)
    assert {row for draw in draws for row in draw} == set(range(20))


@pytest.mark.parametrize(("counts", "words"), [((0, 0, 0), ["There is no cell to show."]), ((1, 0, 0), ["The one cell called wrongly."])])
def test_few_cells_are_all_taken(counts, words):
    chosen, said = choose_cells(cells(*counts), (), 10, 0)
    assert (len(chosen), said) == (sum(counts), words)


def test_errors_too_are_drawn_where_there_are_more_of_them_than_room():
    chosen, words = choose_cells(cells(9, 3, 0), (), 4, 1)
    assert list(chosen["right"]) == [0] * 4
    assert words[0] == "Of 9 cells called wrongly 4, drawn at random (seed 1)."


def test_the_lead_is_from_the_first_call_that_is_right_and_stays_so():
    calls = {"a": [1, 0, 1, 1], "b": [1, 1, 1, 0], "c": [0, 0, 0, 0]}
    labels = {"a": 1, "b": 1, "c": 0}
    rows = [
        {"trajectory": name, "frame": 10 + 2 * place, "positive": bool(call), "label": labels[name]}
        for name, said in calls.items()
        for place, call in enumerate(said)
    ]
    assert lead_frames(pd.DataFrame(rows)).to_dict() == {"a": 2, "c": 6}


def test_cells_of_figures_come_before_others_and_errors_before_them():
    table = cells(2, 20, 10)
    in_figures = [
        *table.loc[table["right"].eq(1).fillna(False), "trajectory"][-3:],
        *table.loc[table["right"].eq(0).fillna(False), "trajectory"],
    ]
    chosen, words = choose_cells(table, in_figures, 5, 0)
    assert set(chosen["trajectory"]) == set(in_figures)
    assert words[:2] == ["All 2 cells called wrongly.", "All 5 cells that figures show."]
    assert words[2:] == [
        "Of 20 cells called rightly 3, those in figures first, others drawn at random (seed 0).",
        "None of 10 cells without a fate to compare with: no room.",
    ]
    _, words = choose_cells(table, in_figures, 50, 0)
    assert words[2:] == ["All 20 cells called rightly.", "All 10 cells without a fate to compare with."]  # as many as the table has
