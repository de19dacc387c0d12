"""The last words of a run: headline numbers, and where the figures and the report are.

``python -m cellfate.report.headline results/demo/corrected``
"""

import sys
from pathlib import Path

from cellfate.base.errors import InputError
from cellfate.base.tables import read_table
from cellfate.evaluation.tables import DESIGN_LINES, METRICS
from cellfate.report.first_lines import first_lines, notes_of

NUMBERS = {"balanced_accuracy": "balanced accuracy", "f1_macro": "macro F1", "auroc": "AUROC", "log_loss": "log-loss"}


def headline(folder: str | Path) -> str:
    """The text that names what a finished run left in ``folder`` (results/{dataset}/{protocol}).

    A warning of the design check comes first, what it notes comes after the numbers.
    """
    folder = Path(folder)
    metrics = read_table(folder / "tables" / "test_metrics.csv", METRICS)
    design_lines = read_table(folder / "tables" / "design_lines.csv", DESIGN_LINES)
    metrics = metrics[(metrics["scope"] == "all") & (metrics["class"] == "all")].set_index("metric")
    lines = [*first_lines(design_lines), f"Held-out trajectories: {int(metrics['n_trajectories'].max())}"]
    for metric, name in NUMBERS.items():
        row = metrics.loc[metric]
        lines.append(f"  {name:<18} {row['value']:.3f}   95 % interval {row['ci_low']:.3f} to {row['ci_high']:.3f}")
    lines += notes_of(design_lines)
    lines.append("Figures (each as .pdf and .png):")
    lines += [f"  {path.with_suffix('')}" for path in sorted(folder.glob("figures/*.pdf"))]
    lines.append(f"Summary: {folder / 'summary.html'}")
    if (folder / "report.html").exists():
        lines.append(f"Report:  {folder / 'report.html'}")
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        print("\n" + headline(sys.argv[1]))
    except InputError as error:
        sys.exit(f"Input error: {error}")
