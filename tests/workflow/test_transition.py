"""Phenotype transitions from h5ad to figures on a few simulated cells, and the mistakes that are found before any job."""

import h5py
import pandas as pd
import pytest
from project import Project, measured_features

from cellfate.base.tables import read_table
from cellfate.transition.tables import COMPARED_MATRICES, GENE_KNOCKOUTS, SET_KNOCKOUTS, TRANSITION_ALL_SCORES, TRANSITION_MATRIX

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


def test_cells_of_this_data_sets_films_become_what_they_are_at_the_next_look(fresh):
    """From features and states of the data set's own recordings to every figure, and beside P of another run."""
    project = fresh
    project.snakemake("--", *(f"results/tiny/corrected/{name}.parquet" for name in ("trajectories", "split")))
    measured_features(project)
    settings = SMALL["transition"] | {"source": "features", "variants": [], "min_cells": 10}
    project.write_config("films.yaml", {"transition": settings})
    overlays = ("demo/config.yaml", "tiny.yaml", "films.yaml")
    assert not {"segment_cells", "simulate_transition_cells"} & set(project.jobs("--", "transition", overlays=overlays))
    project.snakemake("--", "transition", overlays=overlays)
    folder = project.folder / "results/tiny/transition"
    matrices = read_table(folder / "tables/matrices.csv", TRANSITION_MATRIX)
    assert set(matrices["source"]) == {"1", "2", "3", "4"}
    assert set(matrices.loc[matrices["variant"] == "counted", "interval"]) == {"cluster-robust, by group"}
    assert set(pd.read_csv(folder / "tables/transition_rates.csv")["days"].round(4)) == {round(2 / 24, 4)}
    with h5py.File(folder / "cells.h5ad") as file:
        assert "area" in file["var/_index"].asstr()[:].tolist()
    for name in ("transition_matrix", "cells", "fates", "regulators", "knockouts", "ablation"):
        assert (folder / f"figures/{name}.png").stat().st_size > 5000
    assert project.jobs("--", "transition", overlays=overlays) == {}

    (project.folder / "films_P.csv").write_bytes((folder / "tables/matrices.csv").read_bytes())
    compare = {"matrix": "films_P.csv", "variant": "logistic", "names": {"4": "dead"}, "step_h": 2, "per": "cell"}
    project.write_config("beside.yaml", {"transition": {"compare": compare}})
    overlays = (*overlays, "beside.yaml")
    assert set(project.jobs("--", "transition", overlays=overlays)) == {
        *("read_compared_matrix", "compare_matrices", "plot_compared", "write_transition_summary", "transition")
    }
    project.snakemake("--", "transition", overlays=overlays)
    compared = read_table(folder / "tables/compared_matrices.csv", COMPARED_MATRICES)
    assert compared["where"].value_counts().to_dict() == {"both": 9, "here only": 7, "there only": 7}
    page = (folder / "summary.html").read_text()
    assert "Phenotypes of this run alone: 4." in page
    assert "A step is 2 h in both." in page
    assert (folder / "figures/compared.png").stat().st_size > 5000


@pytest.mark.whole
def test_a_matrix_that_is_none_is_refused_while_planning(small):
    (small.folder / "films.csv").write_text("source,target,probability\nA,A,0.7\nA,B,0.2\nB,A,0\nB,B,1\n")
    small.write_config("beside.yaml", {"transition": {"compare": {"matrix": "films.csv"}}})
    done = small.snakemake("-n", "--", "transition", overlays=(*OVERLAYS, "beside.yaml"), check=False)
    assert done.returncode != 0
    assert "films.csv: the probabilities of source 'A' add up to 0.9, 1 is needed" in done.output


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
