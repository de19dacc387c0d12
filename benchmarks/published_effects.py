"""Which of the published effects of figure 5 survive which correction: a page and its figure from the folder of effect sizes.

Run: PYTHONPATH=src .venv/bin/python benchmarks/published_effects.py FOLDER/effect_sizes
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from page_part import write_part
from scipy.stats import binomtest

from cellfate.base.plot_style import DOUBLE, feature_label, new_figure, outcome_styles, save_figure, styled
from cellfate.explanation.published_effects import TREATED_DOSES, read_published_effects
from cellfate.statistics.contrasts.by_unit import opposite_share
from cellfate.statistics.permutation import benjamini_hochberg

OUTCOMES = {"negative": "apoptosis", "positive": "mitosis"}
LEVEL = 0.05
DOCS = Path(__file__).resolve().parent.parent / "docs"


def of_effect(rows: pd.DataFrame) -> dict[str, float]:
    """What can be said of one outcome's and feature's trajectories, each with a delta and a p-value."""
    deltas, p_values = rows["cliffs_delta"].to_numpy(float), rows["p_value"].to_numpy(float)
    sign = np.sign(np.median(deltas))
    with_sign, against = int((deltas * sign > 0).sum()), int((deltas * sign < 0).sum())
    corrected = benjamini_hochberg(p_values) < LEVEL
    return {
        "n": len(deltas),
        "median": float(np.median(deltas)),
        "opposite": opposite_share(deltas),
        "called": float((p_values < LEVEL).mean()),
        "called_bh": float(corrected.mean()),
        "called_bh_opposite": float((corrected & (deltas * sign < 0)).sum() / max(corrected.sum(), 1)),
        "sign_p": float(binomtest(with_sign, with_sign + against).pvalue),
        "needed": int(fewest_cells(with_sign / (with_sign + against))),
    }


def fewest_cells(share: float) -> int:
    """The smallest number of independent cells of which that share (rounded down) would pass the sign test at LEVEL."""
    for n in range(5, 100_000):
        if binomtest(int(share * n), n).pvalue < LEVEL and int(share * n) > n / 2:
            return n
    return 100_000


def tabulate(effects: pd.DataFrame) -> pd.DataFrame:
    groups = effects.groupby(["outcome", "feature"], sort=False)
    table = pd.DataFrame([{"outcome": outcome, "feature": feature, **of_effect(rows)} for (outcome, feature), rows in groups])
    return table.assign(sign_q=benjamini_hochberg(table["sign_p"].to_numpy()))


def page(table: pd.DataFrame, by_dose: pd.DataFrame) -> list[str]:
    """The tables of the page."""
    named = ("outcome", "feature", "cells", "median delta", "other sign", "p < 0.05", "after BH", "of these with the other sign")
    head = "| " + " | ".join([*named, "sign test, q", "independent cells needed"]) + " |"
    lines = [head, "|---|---|" + "---:|" * 8]
    for row in table.itertuples():
        shares = " | ".join(f"{100 * value:.0f} %" for value in (row.opposite, row.called, row.called_bh, row.called_bh_opposite))
        q = "< 1e-10" if row.sign_q < 1e-10 else f"{row.sign_q:.2g}"
        lines.append(f"| {row.outcome} | {feature_label(row.feature)} | {row.n:,} | {row.median:+.2f} | {shares} | {q} | {row.needed} |")
    doses = list(by_dose.columns)
    lines += ["", "| outcome | feature | " + " | ".join(doses) + " |", "|---|---|" + "---:|" * len(doses)]
    lines += [f"| {outcome} | {feature_label(feature)} | " + " | ".join(row) + " |" for (outcome, feature), row in by_dose.iterrows()]
    return lines


@styled
def draw(effects: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """The distribution of each effect over cells, the median, and the share with the other sign."""
    figure = new_figure(DOUBLE, 3.4)
    panels = figure.subplots(2, 3, sharex=True, sharey="row")
    styles, features = outcome_styles(OUTCOMES), list(dict.fromkeys(table["feature"]))
    for row in table.itertuples():
        axes = panels[list(OUTCOMES.values()).index(row.outcome), features.index(row.feature)]
        own = effects[(effects["outcome"] == row.outcome) & (effects["feature"] == row.feature)]
        bins = np.linspace(-1, 1, 41)
        corrected = benjamini_hochberg(own["p_value"].to_numpy(float)) < LEVEL
        color = styles[row.outcome][0]
        axes.hist(own["cliffs_delta"], bins=bins, color=color, alpha=0.3)
        axes.hist(own["cliffs_delta"][corrected], bins=bins, color=color)
        axes.axvline(row.median, color="black", linewidth=1)
        axes.axvline(0, color="#777777", linewidth=0.6)
        axes.set_title(f"{feature_label(row.feature)}, {row.outcome}\n{100 * row.opposite:.0f} % with the other sign")
    figure.supxlabel("Cliff's delta of a cell, high- against low-attention frames (dark: q < 0.05, line: median)", fontsize=7)
    figure.supylabel("cells", fontsize=7)
    return figure


def main(folder: Path) -> None:
    effects = read_published_effects(folder, OUTCOMES)
    table = tabulate(effects)
    every = read_published_effects(folder, OUTCOMES, (*TREATED_DOSES, "Control", "Unknown"))
    found = every.groupby(["outcome", "feature", "dose"])["cliffs_delta"].agg(["median", "size"])
    words = found.apply(lambda row: f"{row['median']:+.2f} ({int(row['size']):,})", axis=1).unstack()
    by_dose = words[["Control", *TREATED_DOSES, "Unknown"]].reindex(list(table.set_index(["outcome", "feature"]).index))
    write_part("published_effects", "\n".join(page(table, by_dose)), DOCS / "published_effects.md")
    pdf = Path(__file__).parent / "results" / "published_effects.pdf"
    pdf.parent.mkdir(exist_ok=True)
    save_figure(draw(effects, table), pdf, DOCS / "images" / "published_effects.png")
    print(table.to_string())
    print(by_dose.to_string())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
