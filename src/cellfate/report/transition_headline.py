"""The last words of a run on simulated cells: what was found of what was planted, and where the figures are.

``python -m cellfate.report.transition_headline results/demo-transition/transition``
"""

import sys
from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.tables import Table, read_table
from cellfate.transition.genes.calls import NO_REFITS
from cellfate.transition.matrix.compared import compared_lines
from cellfate.transition.metrics import convergence_warning
from cellfate.transition.network.names import variant_name
from cellfate.transition.tables import (
    COMPARED_MATRICES,
    GENE_KNOCKOUTS,
    SET_KNOCKOUTS,
    TRANSITION_ALL_SCORES,
    TRANSITION_MATRIX,
    TRANSITION_TRUTH,
)


def headline(folder: str | Path) -> str:
    """The text that names what a finished run left in ``folder`` (results/{dataset}/transition)."""
    folder = Path(folder)
    table = read_table(folder / "tables/scores.csv", TRANSITION_ALL_SCORES)
    scores = table.pivot(index="variant", columns="metric", values="value").loc[list(dict.fromkeys(table["variant"]))]
    lines = [
        *first_lines(table),
        *matrix_lines(read_table(folder / "tables/matrices.csv", TRANSITION_MATRIX)),
        *compared_lines(_there(folder / "tables/compared_matrices.csv", COMPARED_MATRICES)),
        *called_lines(_there(folder / "tables/gene_knockouts.csv", GENE_KNOCKOUTS)),
    ]
    lines.append("All variants, held-out cells:")
    lines += [_scores_line(name, row) for name, row in scores.iterrows()]
    truth = folder / "truth/scores.csv"
    if truth.exists():
        lines.append("Against the simulator's truth:")
        lines += [f"  {row.what:<52} {row.metric:<26} {row.value:.3f}" for row in read_table(truth, TRANSITION_TRUTH).itertuples()]
    if sets := set_lines(_there(folder / "tables/set_knockouts.csv", SET_KNOCKOUTS)):
        lines += ["Knockouts of gene sets (an association of the model, not a causal effect):", *sets]
    page = folder / "summary.html"
    lines += [f"Open {page} in a browser; every cell is in {folder / 'cells.h5ad'}."] if page.exists() else []
    lines.append("Figures (each as .pdf and .png):")
    lines += [f"  {path.with_suffix('')}" for path in sorted(folder.glob("figures/*.pdf"))]
    return "\n".join(lines)


def first_lines(scores: pd.DataFrame) -> list[str]:
    """How well the network tells the present phenotype, beside logistic regression and the MLP, and who is ahead; then its warnings.

    ``scores`` is the table of all variants, the network first.
    """
    network = scores.loc[scores["role"] == "network", "variant"].iloc[0]
    wide = scores.pivot(index="variant", columns="metric", values="value")
    n_cells = int(scores["n_cells"].iloc[0])
    lines = [f"Present phenotype of {n_cells} held-out cells, the network ({variant_name(network)}) beside what it must beat:"]
    rivals = [name for name in (network, "logistic", "mlp") if name in wide.index]
    lines += [_scores_line(name, wide.loc[name]) for name in rivals]
    best = (str(wide.loc[rivals, metric].idxmax()) for metric in ("accuracy", "f1_macro"))
    by_accuracy, by_f1 = ("the network" if name == network else variant_name(name) for name in best)
    if by_accuracy == by_f1:
        verdict = f"{by_accuracy} is ahead" + ("" if by_accuracy == "the network" else " of the network")
    else:
        verdict = f"{by_accuracy} is ahead by accuracy, {by_f1} by macro F1"
    warning = convergence_warning(scores[scores["variant"] == network])
    return [*lines, f"  {verdict}.", *[f"Warning: {warning}."] * (warning is not None)]


def _scores_line(variant: str, scores: pd.Series) -> str:
    return f"  {variant_name(variant):<20} accuracy {scores['accuracy']:.3f}   macro F1 {scores['f1_macro']:.3f}"


def matrix_lines(table: pd.DataFrame) -> list[str]:
    """Absorbing phenotypes, and what the intervals of P rest on, from the table of all matrices."""
    if table["kind"].iloc[0] == "confusion":
        return ["Static labels: a confusion of phenotypes, no transitions."]
    absorbing = list(dict.fromkeys(table.loc[table["absorbing"], "source"]))
    lines = [f"Absorbing phenotypes, which nothing follows: {', '.join(absorbing)}."] if absorbing else []
    for variant in (table["variant"].iloc[0], "counted"):
        own = table[(table["variant"] == variant) & ~table["absorbing"]]
        lines += [f"Intervals of P, {variant_name(variant)}: {'; '.join(dict.fromkeys(own['interval']))}."] if len(own) else []
    return lines


def called_lines(genes: pd.DataFrame | None) -> list[str]:
    """The genes that are called, or that none can be; none of it without knockouts."""
    if genes is None:
        return []
    if genes["refit_q_value"].isna().all():
        return [f"{NO_REFITS}.".capitalize()]
    called = genes.loc[genes["significant"]].sort_values("refit_q_value")["gene"].tolist()
    some = int((genes["seeds_calling"] > 0).sum()) - len(called)
    rest = f"; {some} more by some seeds only, which are not called" if some > 0 else ""
    return [f"Genes called by the test by refitting, by every seed: {', '.join(called) or 'none'}{rest}."]


def set_lines(sets: pd.DataFrame | None) -> list[str]:
    """What the knockout of each gene set moves most, or why it was left out."""
    lines = []
    for row in [] if sets is None else sets.itertuples():
        if isinstance(row.left_out, str):
            lines.append(f"  {row.gene_set:<12} left out: {row.left_out}")
            continue
        edge = f"{row.source} to {row.target}"
        lines.append(f"  {row.gene_set:<12} {edge:<8} {row.change:+.3f}, {row.ratio:.1f} times its random sets, p = {row.p_value:.1e}")
    return lines


def _there(path: Path, declared: Table) -> pd.DataFrame | None:
    return read_table(path, declared) if path.exists() else None


if __name__ == "__main__":
    try:
        print("\n" + headline(sys.argv[1]))
    except InputError as error:
        sys.exit(f"Input error: {error}")
