"""The first lines of a run of transitions: who is ahead, what is absorbing, what the intervals rest on, which genes are called."""

import pandas as pd
import pytest

from cellfate.base.tables import write_table
from cellfate.report.transition_headline import called_lines, first_lines, headline, matrix_lines
from cellfate.transition.genes.calls import NO_REFITS
from cellfate.transition.tables import SET_KNOCKOUTS, TRANSITION_ALL_SCORES, TRANSITION_MATRIX, TRANSITION_TRUTH


def scores(network: tuple[float, float], logistic: tuple[float, float], late_fall: float) -> pd.DataFrame:
    rows = [("no_cell_learner", "network", metric, value) for metric, value in zip(("accuracy", "f1_macro"), network, strict=True)]
    rows += [("logistic", "baseline", metric, value) for metric, value in zip(("accuracy", "f1_macro"), logistic, strict=True)]
    rows += [("mlp", "baseline", metric, 0.1) for metric in ("accuracy", "f1_macro")]
    rows += [("no_cell_learner", "network", "late_fall", late_fall)]
    table = pd.DataFrame(rows, columns=["variant", "role", "metric", "value"])
    return table.assign(value_min=table["value"], value_max=table["value"], n_cells=100)


def test_the_winner_is_named_whoever_it_is():
    lines = first_lines(scores((0.58, 0.29), (0.72, 0.57), 0.0))
    assert lines[1].split() == ["no", "Cell", "Learner", "accuracy", "0.580", "macro", "F1", "0.290"]
    assert lines[2].startswith("  logistic regression  accuracy 0.720")
    assert lines[-1] == "  logistic regression is ahead of the network."
    assert first_lines(scores((0.8, 0.7), (0.7, 0.6), 0.0))[-1] == "  the network is ahead."
    assert first_lines(scores((0.8, 0.5), (0.7, 0.6), 0.0))[-1] == "  the network is ahead by accuracy, logistic regression by macro F1."


def test_a_training_that_has_not_converged_is_said():
    assert "the network (no Cell Learner) has not converged: 30%" in first_lines(scores((0.8, 0.7), (0.7, 0.6), 0.3))[-1]


def test_variants_have_names_and_no_keys_in_every_line():
    rows = [(variant, "A", False, "refits", "transition") for variant in ("no_cell_learner", "counted")]
    table = pd.DataFrame(rows, columns=["variant", "source", "absorbing", "interval", "kind"])
    lines = [*first_lines(scores((0.8, 0.5), (0.7, 0.6), 0.3)), *matrix_lines(table)]
    assert "Intervals of P, no Cell Learner: refits." in lines
    assert "_" not in "".join(lines).replace("training.steps", "")


def declared(table, **columns) -> pd.DataFrame:
    """Rows of a declared table, of which only some columns are given; the others hold what their kind allows."""
    n = len(next(iter(columns.values())))
    plain = {"str": "x", "int": 1, "float": 0.5, "bool": False}

    def filled(spec):
        return None if spec.nullable else spec.allowed[0] if spec.allowed else plain[spec.kind]

    return pd.DataFrame({name: columns.get(name, [filled(spec)] * n) for name, spec in table.columns.items()})


@pytest.fixture
def finished(tmp_path):
    """The tables that a run on simulated cells leaves."""
    folder = tmp_path / "transition"
    kept = scores((0.8, 0.7), (0.7, 0.6), 0.0)
    kept = declared(TRANSITION_ALL_SCORES, **{name: kept[name].tolist() for name in kept})
    write_table(kept, made(folder / "tables/scores.csv"), TRANSITION_ALL_SCORES)
    P = {"source": ["A", "A", "B", "B"], "target": ["A", "B", "A", "B"], "probability": [0.7, 0.3, 0.0, 1.0], "interval": ["refits"] * 4}
    P |= {"absorbing": [False, False, True, True], "variant": ["full"] * 4, "kind": ["transition"] * 4}
    write_table(declared(TRANSITION_MATRIX, **P), folder / "tables/matrices.csv", TRANSITION_MATRIX)
    truth = {"what": ["genes called", "effects of knockouts"], "metric": ["precision", "correlation"], "value": [0.875, 0.5]}
    write_table(declared(TRANSITION_TRUTH, **truth), made(folder / "truth/scores.csv"), TRANSITION_TRUTH)
    sets = {"gene_set": ["stress", "small"], "source": ["A", None], "target": ["B", None], "change": [-0.25, None], "ratio": [3.0, None]}
    sets |= {"p_value": [0.001, None], "left_out": [None, "1 gene"]}
    write_table(declared(SET_KNOCKOUTS, **sets), folder / "tables/set_knockouts.csv", SET_KNOCKOUTS)
    for name in ("figures/cells.pdf", "figures/fates.pdf", "figures/cells.png", "summary.html"):
        made(folder / name).touch()
    return folder


def made(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def test_the_last_words_hold_the_scores_the_truth_the_sets_and_where_everything_is(finished):
    text = headline(finished)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    after = lines[lines.index("Against the simulator's truth:") + 1 :]
    assert after[:2] == ["genes called precision 0.875", "effects of knockouts correlation 0.500"]
    sets = lines[lines.index("Knockouts of gene sets (an association of the model, not a causal effect):") + 1 :]
    assert sets[:2] == ["stress A to B -0.250, 3.0 times its random sets, p = 1.0e-03", "small left out: 1 gene"]
    assert f"Open {finished}/summary.html in a browser; every cell is in {finished}/cells.h5ad." in lines
    assert lines[-3:] == ["Figures (each as .pdf and .png):", f"{finished}/figures/cells", f"{finished}/figures/fates"]
    every = lines[lines.index("All variants, held-out cells:") + 1 :]
    assert [line.partition(" accuracy")[0] for line in every[:3]] == ["no Cell Learner", "logistic regression", "MLP"]
    assert "Absorbing phenotypes, which nothing follows: B." in lines


def test_what_a_run_did_not_leave_is_not_spoken_of(finished):
    for name in ("truth/scores.csv", "tables/set_knockouts.csv", "summary.html"):
        (finished / name).unlink()
    text = headline(finished)
    assert "truth" not in text.replace(str(finished), "")
    assert "Knockouts" not in text
    assert "Open " not in text


def genes(**changes) -> pd.DataFrame:
    rows = {"gene": ["a", "b", "c", "d"], "refit_q_value": [0.04, 0.01, 0.3, 0.9], "significant": [True, True, False, False]}
    return pd.DataFrame(rows | {"seeds_calling": [3, 3, 1, 0]} | changes)


def test_genes_are_called_the_surest_first_and_those_of_some_seeds_are_counted():
    assert called_lines(genes()) == [
        "Genes called by the test by refitting, by every seed: b, a; 1 more by some seeds only, which are not called."
    ]
    none = genes(significant=[False] * 4, seeds_calling=[0] * 4)
    assert called_lines(none) == ["Genes called by the test by refitting, by every seed: none."]
    assert called_lines(None) == []
    (line,) = called_lines(genes(refit_q_value=[None] * 4))
    assert line == f"{NO_REFITS}.".capitalize()
