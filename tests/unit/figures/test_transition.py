"""Figures of phenotype transitions: nothing hidden without a word, names and signs, labels that fit with twelve phenotypes."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Annotation, Text
from toy_figures import not_drawn

from cellfate.figures.transition.ablation import plot_confidence
from cellfate.figures.transition.cells import plot_cells
from cellfate.figures.transition.compared import plot_compared
from cellfate.figures.transition.knockouts import plot_knockouts
from cellfate.figures.transition.matrix import plot_matrix
from cellfate.figures.transition.regulators import LISTED, plot_regulators
from cellfate.transition.matrix.compared import compare_matrices

TWELVE = [f"a long phenotype {letter}" for letter in "ABCDEFGHIJKL"]


def matrix(P: np.ndarray, variant: str) -> pd.DataFrame:
    names = TWELVE[: len(P)]
    rows = [(source, target, P[i, j]) for i, source in enumerate(names) for j, target in enumerate(names)]
    table = pd.DataFrame(rows, columns=["source", "target", "probability"]).assign(variant=variant, kind="transition")
    return table.assign(
        ci_low=np.nan, ci_high=np.nan, interval="none: a test", absorbing=False, entropy=0.5, overall_entropy=0.5, n_cells=9
    )


def test_transitions_without_an_arrow_are_counted_in_the_title():
    P = np.array([[0.9, 0.08, 0.02], [0.01, 0.98, 0.01], [0.3, 0.3, 0.4]])
    figure = plot_matrix(pd.concat([matrix(P, "no_cell_learner"), matrix(P, "counted")]))
    graph = figure.axes[0]
    assert graph.get_title().startswith("transitions; 3 below 0.03 have no arrow")
    assert len(graph.patches) == 3


def test_matrices_show_their_probabilities_and_what_their_limits_rest_on():
    P, counted = np.array([[0.9, 0.08, 0.02], [0.01, 0.98, 0.01], [0.3, 0.3, 0.4]]), np.full((3, 3), 1 / 3)
    own = matrix(P, "no_cell_learner").assign(ci_low=P.ravel() - 0.005, ci_high=P.ravel() + 0.005, interval="refits")
    figure = plot_matrix(pd.concat([own, matrix(counted, "counted")]))
    assert not_drawn(figure, [*P.ravel(), *counted.ravel()]) == []
    assert figure.axes[2].get_title() == "P of the network (no Cell Learner)\n95 %: refits"
    assert figure.axes[3].get_title() == "P counted\nno interval: a test"


def test_two_matrices_stand_beside_each_other_with_phenotypes_of_one_alone_marked():
    own = matrix(np.full((3, 3), 1 / 3), "counted").assign(ci_low=0.3, ci_high=0.4)
    other = own[["source", "target", "probability", "ci_low", "ci_high", "n_cells"]].replace(TWELVE[2], "dead")
    other = other.assign(source_there=other["source"], target_there=other["target"], ci_low=[0.5, *[0.3] * 8], ci_high=[0.6, *[0.4] * 8])
    figure = plot_compared(compare_matrices(own, other, step_days=1.0, step_h=24, per="cell"))
    points, squares = figure.axes[:2]
    assert [text.get_text() for text in points.get_legend().get_texts()] == ["intervals overlap (3)", "intervals leave each other out (1)"]
    assert [label.get_text() for label in squares.get_yticklabels()][2:] == ["a long …type C (here only)", "dead (there only)"]
    assert sum(patch.get_hatch() is not None for patch in squares.patches) == 12
    assert sum(not patch.get_fill() for patch in squares.patches) == 1


def test_twelve_phenotypes_fit_into_the_view_of_the_cells():
    rng = np.random.default_rng(0)
    cells = pd.DataFrame({"phenotype": [*TWELVE, None] * 20, "x": rng.normal(size=260), "y": rng.normal(size=260)})
    for name in TWELVE[:6]:
        cells[f"f_{name}"] = np.where(cells["phenotype"].isna(), np.nan, rng.uniform(size=260))
    figure = plot_cells(cells, "PC")
    figure.canvas.draw()
    legend = figure.axes[0].get_legend()
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels[-1] == "no phenotype (20)"
    assert len(set(labels)) == 13
    box, page = legend.get_window_extent(), figure.bbox
    assert box.x0 >= page.x0 - 1
    assert box.y0 >= page.y0 - 1
    assert figure.get_suptitle() == "2 more fates are in the table"


def test_knockouts_have_names_with_edge_and_sign():
    genes = pd.DataFrame({"gene": ["up", "down"], "source": "A", "target": ["B", "C"], "change": [0.2, -0.1], "statistic": [0.2, 0.1]})
    genes = genes.assign(
        change_min=genes["change"], change_max=genes["change"], null_95=0.05, refit_q_value=0.01, significant=[True, False]
    )
    axes = plot_knockouts(genes, None, None, 1000, 1000, 0.05).axes[0]
    named = {child.get_text() for child in axes.get_children() if isinstance(child, Annotation)} - {"a"}  # the panel's letter
    assert named == {"up + A>B", "down − A>C"}


def test_lines_to_the_names_of_genes_do_not_cross_the_names():
    genes = pd.DataFrame({"gene": [f"gene{n}" for n in range(8)], "source": "A", "target": "B", "change": 0.3, "statistic": 0.3})
    genes = genes.assign(change_min=0.3, change_max=0.3, null_95=np.linspace(0.02, 0.06, 8), refit_q_value=0.5, significant=False)
    figure = plot_knockouts(genes, None, None, 1000, 1000, 0.05)
    figure.canvas.draw()
    names = [child for child in figure.axes[0].get_children() if isinstance(child, Annotation) and child.arrow_patch]
    assert len(names) == 8
    for name in names:
        lines = name.arrow_patch.get_path().transformed(name.arrow_patch.get_transform())
        box = Text.get_window_extent(name)  # of the words alone
        assert lines.get_extents().x1 <= box.x0 + 1
    heights = sorted(name.xyann[1] for name in names)
    top = figure.axes[0].get_ylim()[1]
    assert heights[-1] < top
    assert min(np.diff(heights)) > 0.04 * top


def test_calibration_says_how_many_cells_each_bin_has():
    bins = pd.DataFrame({"variant": "mlp", "mean_probability": [0.3, 0.9], "observed": [0.5, 0.8], "count": [7, 93]})
    scores = pd.DataFrame({"variant": ["mlp"], "metric": ["ece"], "value": [0.1]})
    axes = plot_confidence(bins, scores).axes[0]
    assert [child.get_text() for child in axes.get_children() if isinstance(child, Annotation)] == ["7", "93"]


@pytest.mark.parametrize(("expected", "title"), [((), "weight"), ((0,), "weight (red: expected)"), ((LISTED,), "weight (no expected one)")])
def test_the_figure_of_regulators_speaks_of_expected_ones_only_where_a_list_names_some(expected, title):
    genes = np.arange(LISTED + 1)
    table = pd.DataFrame({"gene": [f"g{n}" for n in genes], "score": 1.0 - genes / 100, "rank": genes + 1})
    table = table.assign(rank_best=table["rank"], rank_worst=table["rank"], in_prior=np.isin(genes, expected))
    figure = plot_regulators(pd.concat([table.assign(method=name) for name in ("weight", "logistic regression")]), None)
    assert [axes.get_title() for axes in figure.axes] == [title, title.replace("weight", "logistic regression")]
