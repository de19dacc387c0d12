"""The first lines of a run of transitions: who is ahead, what is absorbing, what the intervals rest on, which genes are called."""

import pandas as pd

from cellfate.report.transition_headline import first_lines, matrix_lines


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
