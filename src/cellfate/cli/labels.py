"""``cellfate labels``: two people's labels of the same cells."""

import argparse
from pathlib import Path

import numpy as np

from cellfate.base.errors import InputError
from cellfate.base.tables import write_table
from cellfate.evaluation.compared.labels import LabelAgreement, compare_labels
from cellfate.evaluation.compared.tables import LABEL_AGREEMENT, LABEL_DISAGREEMENTS, LABEL_FRAMES

FRAMES, FEW, FEW_RECORDINGS = 2, 30, 3  # the first is tracks.event_gap of config.yaml
DESCRIPTION = """\
Compare two people's labels of the same cells, files that the label page has written (snakemake label).

Cells that both have labelled are compared: how often they agree, Cohen's kappa, how far the frames of the events lie apart, and the
cells on which they differ. Labels of other tracks, as of another data set, are refused.

Everything is printed; the folder of --out gets label_agreement.csv, label_frames.csv and label_disagreements.csv.
"""
EPILOG = """\
example:
  cellfate labels labels-anna.csv labels-ben.csv
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command ``labels``."""
    parser = subparsers.add_parser(
        "labels",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        help="compare two people's labels",
    )
    add = parser.add_argument
    add("a", metavar="A.csv", type=Path, help="labels of one person")
    add("b", metavar="B.csv", type=Path, help="labels of another, or of the same one at another time")
    add("--out", metavar="FOLDER", type=Path, default=Path("label_agreement"), help="where tables go (default: label_agreement)")
    add("--frames", metavar="N", type=int, default=FRAMES, help=f"frames that two events may lie apart and agree (default: {FRAMES})")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare two files of labels; an InputError where they cannot be compared, before anything is written."""
    if arguments.frames < 0:
        raise InputError(f"--frames is {arguments.frames}, at least 0 is needed")
    found = compare_labels(arguments.a, arguments.b, arguments.frames)
    out = arguments.out
    write_table(found.scores, out / "label_agreement.csv", LABEL_AGREEMENT)
    write_table(found.frames, out / "label_frames.csv", LABEL_FRAMES)
    write_table(found.disagreements, out / "label_disagreements.csv", LABEL_DISAGREEMENTS)
    print("\n".join([*_scores(found), "", *_counts(found), "", *_frames(found, arguments.frames), "", *_cautions(found)]))
    print(f"\nTables: {out}/label_agreement.csv, label_frames.csv, label_disagreements.csv")
    return 0


def _scores(found: LabelAgreement) -> list[str]:
    a, b = found.names
    lines = [f"{a} (A) and {b} (B): {found.scores['n'].iloc[0]} cells of both, {found.only[0]} of A only, {found.only[1]} of B only."]
    for row in found.scores.itertuples():
        share = f"{row.agree} of {row.n} agree, {_with_limits(row.share, row.low, row.high)}"
        kappa = f"Cohen's kappa {_with_limits(row.kappa, row.kappa_low, row.kappa_high)}"
        if np.isnan(row.kappa):
            kappa = "Cohen's kappa is not defined: both gave one and the same label alone" if row.n else ""
        lines.append(f"{row.cells}: {share}; {kappa}" if row.n else f"{row.cells}: none")
    return lines


def _with_limits(value: float, low: float, high: float) -> str:
    return f"{value:.2f} (95 % interval {low:.2f} to {high:.2f})"


def _counts(found: LabelAgreement) -> list[str]:
    return ["Cells by label, A down, B across:", found.counts.rename_axis(index=None, columns=None).to_string()]


def _frames(found: LabelAgreement, allowed: int) -> list[str]:
    differences = np.repeat(found.frames["difference"], found.frames["n"]).to_numpy(int)
    if not len(differences):
        return ["Frames of events: no cell of which both say the same event."]
    shares = ", ".join(f"{np.sum(np.abs(differences) <= n)} within {n}" for n in sorted({0, 1, allowed}))
    low, middle, high = np.percentile(differences, [5, 50, 95])
    return [
        f"Frames of the events of {len(differences)} cells of which both say the same: {shares} frames; "
        f"B less A: median {middle:.0f}, 5th to 95th percentile {low:.0f} to {high:.0f}.",
        f"Disagreements: {len(found.disagreements)} cells ({(found.disagreements['what'] == 'outcome').sum()} in the label, the others by "
        f"more than {allowed} frames).",
    ]


def _cautions(found: LabelAgreement) -> list[str]:
    n, recordings = found.scores[["n", "recordings"]].iloc[0]
    lines = ["Intervals are by cell: cells of one recording are alike, so that they are rather too narrow for cells of other recordings."]
    if n < FEW:
        lines.append(f"CAUTION: {n} cells are few; kappa says little below {FEW}.")
    if recordings < FEW_RECORDINGS:
        lines.append(f"CAUTION: these cells are of {recordings} recording{'s' * (recordings != 1)} only.")
    return lines
