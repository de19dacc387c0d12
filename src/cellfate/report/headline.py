"""The last words of a run: headline numbers, and where the figures and the report are.

``python -m cellfate.report.headline results/demo/corrected``
"""

import sys
from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.tables import read_table
from cellfate.evaluation.baselines.scores import LABELS, headline_rows
from cellfate.evaluation.risks.tables import RISK_SCORES
from cellfate.evaluation.risks.words import verdict as verdict_of_risks
from cellfate.evaluation.tables import BASELINES, DESIGN_LINES, METRICS, SPLIT_AUDIT
from cellfate.evaluation.time.known import known_line
from cellfate.evaluation.time.tables import KNOWN_FROM
from cellfate.report.first_lines import first_lines, notes_of

NUMBERS = {"balanced_accuracy": "balanced accuracy", "f1_macro": "macro F1", "auroc": "AUROC", "log_loss": "log-loss"}


def headline(folder: str | Path) -> str:
    """The text that names what a finished run left in ``folder`` (results/{dataset}/{protocol}).

    Warnings of the design check and of the split come first, then the verdict of the baselines, the numbers, and notes on the design.
    """
    folder = Path(folder)
    metrics = read_table(folder / "tables" / "test_metrics.csv", METRICS)
    design_lines = read_table(folder / "tables" / "design_lines.csv", DESIGN_LINES)
    baselines = read_table(folder / "tables" / "baselines.csv", BASELINES)
    known = read_table(folder / "tables" / "known_from.csv", KNOWN_FROM)
    split_audit = read_table(folder / "tables" / "split_audit.csv", SPLIT_AUDIT)
    metrics = metrics[(metrics["scope"] == "all") & (metrics["class"] == "all")].set_index("metric")
    shown = metrics.loc["balanced_accuracy"]
    units = f"outcomes in {shown['units_negative']} and {shown['units_positive']} recordings or groups"
    lines = [*first_lines(design_lines, split_audit, baselines), f"Held-out trajectories: {int(metrics['n_trajectories'].max())}, {units}"]
    for metric, name in NUMBERS.items():
        row = metrics.loc[metric]
        lines.append(f"  {name:<18} {row['value']:.3f}   {_interval(row)}")
    lines.append(known_line(known))
    if (risks := folder / "tables" / "risk_scores.csv").exists():
        lines.append(verdict_of_risks(read_table(risks, RISK_SCORES)))
    lines.append("Balanced accuracy of simple baselines, and the network's less theirs:")
    lines += [_baseline_line(row) for row in headline_rows(baselines).iloc[1:].itertuples()]
    lines += notes_of(design_lines, split_audit)
    lines.append("Figures (each as .pdf and .png):")
    lines += [f"  {path.with_suffix('')}" for path in sorted(folder.glob("figures/*.pdf"))]
    lines.append(f"Summary: {folder / 'summary.html'}")
    if (folder / "report.html").exists():
        lines.append(f"Report:  {folder / 'report.html'}")
    return "\n".join(lines)


def _baseline_line(row) -> str:
    lead = f"no interval: {row.lead_reason}" if pd.isna(row.lead_low) else f"{row.lead_low:+.3f} to {row.lead_high:+.3f}"
    own = "" if pd.isna(row.ci_low) else f" ({row.ci_low:.3f} to {row.ci_high:.3f})"
    return f"  {LABELS[row.method]:<56} {row.value:.3f}{own or ' ' * 17}   {row.lead:+.3f} ({lead})"


def _interval(row: pd.Series) -> str:
    if pd.isna(row["ci_low"]):
        return f"no interval: {row['reason']}"
    return f"95 % interval {row['ci_low']:.3f} to {row['ci_high']:.3f}"


if __name__ == "__main__":
    try:
        print("\n" + headline(sys.argv[1]))
    except InputError as error:
        sys.exit(f"Input error: {error}")
