"""The last words of a run on simulated cells: what was found of what was planted, and where the figures are.

``python -m cellfate.report.transition_headline results/demo-transition/transition``
"""

import sys
from pathlib import Path

from cellfate.base.errors import InputError
from cellfate.base.tables import read_table
from cellfate.transition.tables import SET_KNOCKOUTS, TRANSITION_SCORES, TRANSITION_TRUTH


def headline(folder: str | Path) -> str:
    """The text that names what a finished run left in ``folder`` (results/{dataset}/transition)."""
    folder = Path(folder)
    scores = read_table(folder / "tables/scores.csv", TRANSITION_SCORES).pivot(index="variant", columns="metric", values="value")
    lines = ["Held-out cells:"]
    lines += [f"  {name:<16} accuracy {row['accuracy']:.3f}   macro F1 {row['f1_macro']:.3f}" for name, row in scores.iterrows()]
    truth = folder / "truth/scores.csv"
    if truth.exists():
        lines.append("Against the simulator's truth:")
        lines += [f"  {row.what:<52} {row.metric:<26} {row.value:.3f}" for row in read_table(truth, TRANSITION_TRUTH).itertuples()]
    sets = folder / "tables/set_knockouts.csv"
    if sets.exists():
        lines.append("Knockouts of gene sets (an association of the model, not a causal effect):")
        for row in read_table(sets, SET_KNOCKOUTS).itertuples():
            edge = f"{row.source} to {row.target}"
            lines.append(f"  {row.gene_set:<12} {edge:<8} {row.change:+.3f}, {row.ratio:.1f} times its random sets, p = {row.p_value:.1e}")
    lines.append("Figures (each as .pdf and .png):")
    lines += [f"  {path.with_suffix('')}" for path in sorted(folder.glob("figures/*.pdf"))]
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        print("\n" + headline(sys.argv[1]))
    except InputError as error:
        sys.exit(f"Input error: {error}")
