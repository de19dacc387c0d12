"""The summary page of phenotype transitions: one HTML file with what was found, how sure it is, and every figure."""

from collections.abc import Sequence
from pathlib import Path

import jinja2
import pandas as pd

from cellfate.base.files import replacing
from cellfate.report.embedded import embedded_figures
from cellfate.report.transition_headline import called_lines, first_lines, matrix_lines, set_lines
from cellfate.transition.matrix.compared import compared_lines
from cellfate.transition.network.names import variant_name
from cellfate.transition.targets.control import SHOWN

PAGE = Path(__file__).with_suffix(".html.j2")
PARTS = ("train", "validation", "test")
SCORES = {"accuracy": "accuracy", "f1_macro": "macro F1", "kappa": "kappa", "ece": "ECE"}
MOST = 12  # genes of a list


def write_transition_page(path: str | Path, **content: object) -> None:
    """Write the page that :func:`transition_page` makes."""
    page = transition_page(**content)
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def transition_page(
    *,
    dataset: str,
    cells: pd.DataFrame,
    scores: pd.DataFrame,
    matrices: pd.DataFrame,
    facts: pd.DataFrame,
    pairs: pd.DataFrame,
    genes: pd.DataFrame | None,
    sets: pd.DataFrame | None,
    fates: pd.DataFrame | None,
    compared: pd.DataFrame | None,
    figures: Sequence[str | Path],
    captions: Sequence[str | Path],
    software: str,
    config_digest: str,
) -> str:
    """The page as HTML, without links to other files.

    Tables are those of their names (``cells`` is cell_view, ``facts`` target_facts, ``pairs`` transition_pairs,
    ``compared`` compared_matrices), None where static labels or the settings leave none; ``figures`` are PNG files in the order of the
    page, ``captions`` text files of the same stems.
    """
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    static = matrices["kind"].iloc[0] == "confusion"
    return environment.from_string(PAGE.read_text(encoding="utf-8")).render(
        dataset=dataset,
        title="Phenotypes, and the genes that tell them" if static else "Phenotype transitions",
        first=[line.strip() for line in first_lines(scores)],
        notes=[*growth_notes(pairs), *matrix_lines(matrices), *compared_lines(compared), *called_lines(genes)],
        cells=cells_table(cells),
        scores=_scores_table(scores),
        matrices=[_matrix(matrices, variant) for variant in _shown(matrices)],
        facts=[(row.fact, "" if pd.isna(row.value) else f"{row.value:.3g}", row.words) for row in facts.itertuples()],
        fates=_fates(fates),
        genes=_genes(genes),
        sets=[line.strip() for line in set_lines(sets)],
        figures=embedded_figures(figures, captions),
        software=software,
        config_digest=config_digest,
    )


def growth_notes(pairs: pd.DataFrame) -> list[str]:
    """The transitions between time points that growth and the blur of the transport alone could explain."""
    told = pairs[pairs["explained"] & (pairs["source"] != pairs["target"]) & (pairs["probability"] >= SHOWN)]
    if told.empty:
        return []
    named = ", ".join(dict.fromkeys(f"{row.source} to {row.target}" for row in told.itertuples()))
    why = "growth and the blur of the transport alone could explain"
    return [f"Warning: {why} {named}: read no biology from these (tables/transition_pairs.csv)."]


def cells_table(cells: pd.DataFrame) -> dict[str, object]:
    """Cells of each phenotype by part, and why others were left out, in order of the parts."""
    reasons = [name for name in dict.fromkeys(cells["part"]) if name not in PARTS]
    parts = [*PARTS, *sorted(reasons)]
    known = cells["phenotype"].fillna("-")
    counts = pd.crosstab(known, cells["part"]).reindex(columns=parts, fill_value=0)
    rows = [(str(name), [int(n) for n in row], int(row.sum())) for name, row in counts.iterrows()]
    return {"parts": parts, "rows": rows, "total": [int(n) for n in counts.sum()], "all": len(cells)}


def _shown(matrices: pd.DataFrame) -> list[str]:
    there = list(dict.fromkeys(matrices["variant"]))
    return [name for name in dict.fromkeys([there[0], "counted"]) if name in there]


def _scores_table(scores: pd.DataFrame) -> dict[str, object]:
    wide = {metric: scores[scores["metric"] == metric].set_index("variant") for metric in SCORES}
    rows = []
    for variant in dict.fromkeys(scores["variant"]):
        found = [wide[metric].loc[variant] if variant in wide[metric].index else None for metric in SCORES]
        rows.append((variant_name(variant), [_value(row) for row in found]))
    return {"metrics": list(SCORES.values()), "rows": rows, "n": int(scores["n_cells"].iloc[0])}


def _value(row: pd.Series | None) -> tuple[str, str]:
    """A score, and the smallest and the largest of the single seeds where they differ."""
    if row is None or pd.isna(row["value"]):
        return "–", ""
    same = row["value_min"] == row["value_max"]
    return f"{row['value']:.3f}", "" if same else f"{row['value_min']:.3f} to {row['value_max']:.3f}"


def _matrix(matrices: pd.DataFrame, variant: str) -> dict[str, object]:
    own = matrices[matrices["variant"] == variant]
    names = list(dict.fromkeys(own["source"]))
    keyed = own.set_index(["source", "target"])
    rows = []
    for source in names:
        found = [keyed.loc[(source, target)] for target in names]
        rows.append((source, [_probability(row) for row in found], f"{found[0]['entropy']:.2f}", int(found[0]["n_cells"])))
    return {"title": "counted" if variant == "counted" else f"of the network ({variant_name(variant)})", "names": names, "rows": rows}


def _fates(fates: pd.DataFrame | None) -> dict[str, object]:
    if fates is None or fates.empty:
        return {"names": [], "rows": []}
    own = fates[fates["group"] == fates["group"].iloc[0]]
    names = list(dict.fromkeys(own["fate"]))
    keyed = own.set_index(["source", "fate"])
    sources = [name for name in dict.fromkeys(own["source"]) if name not in names]
    rows = [(source, [_probability(keyed.loc[(source, name)]) for name in names]) for source in sources]
    return {"names": names, "rows": rows}


def _probability(row: pd.Series) -> tuple[str, str]:
    """A probability and its interval, where it has one."""
    return f"{row['probability']:.3f}", "" if pd.isna(row["ci_low"]) else f"{row['ci_low']:.3f}–{row['ci_high']:.3f}"


def _genes(genes: pd.DataFrame | None) -> list[tuple[str, str, str, str]]:
    """Called genes with the edge that their knockout moves most, its change over the seeds, and their q-value."""
    if genes is None:
        return []
    called = genes[genes["significant"]].sort_values("refit_q_value", kind="stable").head(MOST)
    edges = [f"{row.source} to {row.target}" for row in called.itertuples()]
    changes = [f"{row.change:+.3f} ({row.change_min:+.3f} to {row.change_max:+.3f})" for row in called.itertuples()]
    return list(zip(called["gene"], edges, changes, called["refit_q_value"].map("{:.2g}".format), strict=True))
