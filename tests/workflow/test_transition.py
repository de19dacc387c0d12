"""Phenotype transitions from h5ad to figures on a few simulated cells, and the mistakes that are found before any job."""

import h5py
import pandas as pd
import pytest
from project import Project

from cellfate.base.tables import read_table
from cellfate.transition.tables import GENE_KNOCKOUTS, SET_KNOCKOUTS, TRANSITION_ALL_SCORES, TRANSITION_MATRIX

OVERLAYS = ("demo/transition.yaml", "small.yaml")
SMALL = {
    "dataset": "small",
    "transition": {
        "variants": ["no_regulation"],
        "simulation": {"n_cells": 400, "n_later": 40, "n_genes": 50},
        "model": {"keep": 20},
        "training": {"steps": 20},
        "seeds": 2,
        "matrix_refits": 3,
        "knockouts": {"permutations": 1000, "set_draws": 20, "cells": 10, "set_cells": 5, "refits": 2},
    },
}


@pytest.fixture
def small(fresh) -> Project:
    fresh.write_config("small.yaml", SMALL)
    return fresh


@pytest.mark.whole
def test_everything_is_made_once(small):
    small.snakemake("--", "transition", overlays=OVERLAYS)
    folder = small.folder / "results/small/transition"
    for name in ("transition_matrix", "regulators", "knockouts", "ablation", "transition_calibration", "fates", "cells"):
        assert (folder / f"figures/{name}.png").stat().st_size > 5000
        assert (folder / f"figures/{name}.pdf").exists()
    with h5py.File(folder / "cells.h5ad") as file:
        assert "cellfate_predicted" in file["obs"]
        assert file["X"].shape == (440, 50)
    page = (folder / "summary.html").read_text()
    assert page.count("data:image/png;base64,") == 6
    assert "no Cell Learner" in page
    scored = {"no_cell_learner", "no_regulation", "logistic", "mlp"}
    assert set(read_table(folder / "tables/scores.csv", TRANSITION_ALL_SCORES)["variant"]) == scored
    assert len(read_table(folder / "tables/gene_knockouts.csv", GENE_KNOCKOUTS)) == 50
    assert len(read_table(folder / "tables/set_knockouts.csv", SET_KNOCKOUTS)) == 3
    matrices = read_table(folder / "tables/matrices.csv", TRANSITION_MATRIX)
    sums = matrices.groupby(["variant", "source"])["probability"].sum()
    assert sums.to_numpy() == pytest.approx([1] * len(sums), abs=1e-4)
    assert "counted" in set(matrices["variant"])
    truth = pd.read_csv(folder / "truth/scores.csv")
    assert {"P: no_cell_learner", "P: logistic", "ranking: weight", "ranking: logistic regression"} <= set(truth["what"])
    assert (
        "smallest attainable p 0.001, a lone gene needs 0.001" in (small.folder / "logs/small/transition/knock_out_genes.log").read_text()
    )
    assert small.jobs("--", "transition", overlays=OVERLAYS) == {}
    assert "evaluate_transition_truth" not in small.snakemake("-n", "--", "transition", overlays=OVERLAYS).output

    # the same cells as a user's file, with static labels: a classification, no transitions
    settings = {
        "source": "file",
        "expression": {"path": "resources/small/transition/cells.h5ad"},
        "targets": {"kind": "static", "column": None},
    }
    small.write_config("static.yaml", {"dataset": "static", "transition": settings})
    jobs = small.jobs("--", "transition", overlays=(*OVERLAYS, "static.yaml"))
    assert not {"knock_out_genes", "knock_out_gene_sets", "simulate_transition_cells"} & set(jobs)
    small.snakemake("--", "results/static/transition/logistic/matrix.csv", overlays=(*OVERLAYS, "static.yaml"))
    confusion = read_table(small.folder / "results/static/transition/logistic/matrix.csv", TRANSITION_MATRIX)
    assert set(confusion["kind"]) == {"confusion"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "transition.expression.path is not set"),
        ({"expression": {"path": "nothing.h5ad"}}, "transition.expression.path is 'nothing.h5ad', which does not exist"),
        pytest.param(
            *({"variants": ["full", "fullest"]}, "transition.variants.1 is 'fullest', one of full, no_fusion"), marks=pytest.mark.whole
        ),
        pytest.param(
            *({"targets": {"kind": "snapshot"}}, "transition.targets.kind is 'snapshot', one of observed"), marks=pytest.mark.whole
        ),
    ],
)
def test_mistakes_are_found_while_planning(fresh, settings, message):
    fresh.write_config("mine.yaml", {"dataset": "mine", "transition": settings})
    done = fresh.snakemake("-n", "--", "transition", overlays=("mine.yaml",), check=False)
    assert done.returncode != 0
    assert message in done.output
