"""Training curves: losses and validation accuracy by epoch."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from cellfate.base.errors import InputError
from cellfate.base.plot_style import DOUBLE, GREY, OKABE_ITO, empty_figure, new_figure, panel_label, styled

FOLD_COLORS = tuple(OKABE_ITO[name] for name in ("blue", "vermillion", "green", "purple", "orange", "sky", "black"))
FOLD_LINES = ("-", (0, (3, 1)), (0, (1, 1)))  # a new pattern once the colours are used up
CURVE_COLUMNS = ("epoch", "train_loss", "val_loss", "val_balanced_accuracy")


def read_curves(models: Sequence[str | Path]) -> pd.DataFrame:
    """The curves.csv of each model folder, in the order of the folds, with a column ``fold``."""
    tables = []
    for fold, model in enumerate(models):
        path = Path(model) / "curves.csv"
        if not path.exists():
            raise InputError(f"{path}: no such file (training curves)")
        table = pd.read_csv(path)
        missing = [column for column in CURVE_COLUMNS if column not in table.columns]
        if missing:
            raise InputError(f"{path}: column {missing[0]} missing; found {', '.join(table.columns)}")
        tables.append(table.assign(fold=fold))
    return pd.concat(tables, ignore_index=True)


@styled
def plot_training_curves(curves: pd.DataFrame) -> Figure:
    """Losses (a, training faint) and validation balanced accuracy (b) per epoch and fold; the kept epoch has a ring.

    ``curves`` has fold, epoch, train_loss, val_loss, val_balanced_accuracy.
    """
    if curves.empty:
        return empty_figure(DOUBLE, 2.4, "the training set (no epoch was trained)")
    figure = new_figure(DOUBLE, 2.6)
    loss, accuracy = figure.subplots(1, 2)
    folds = sorted(curves["fold"].unique())
    for index, fold in enumerate(folds):
        _fold_curves(loss, accuracy, curves[curves["fold"] == fold].sort_values("epoch"), *_fold_style(index))
    accuracy.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":")
    loss.set(xlabel="epoch", ylabel="loss (cross-entropy)", ylim=(0, None))
    accuracy.set(xlabel="epoch", ylabel="validation balanced accuracy", ylim=(None, 1.02))
    for axes, letter in ((loss, "a"), (accuracy, "b")):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel_label(axes, letter)
    handles = _curve_handles(folds)
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 8), columnspacing=1.2)
    return figure


def _fold_style(index: int) -> tuple[str, object]:
    return FOLD_COLORS[index % len(FOLD_COLORS)], FOLD_LINES[(index // len(FOLD_COLORS)) % len(FOLD_LINES)]


def _fold_curves(loss: Axes, accuracy: Axes, one: pd.DataFrame, color: str, line: object) -> None:
    loss.plot(one["epoch"], one["train_loss"], color=color, linestyle=line, alpha=0.4, linewidth=0.9)
    loss.plot(one["epoch"], one["val_loss"], color=color, linestyle=line)
    accuracy.plot(one["epoch"], one["val_balanced_accuracy"], color=color, linestyle=line)
    if one["val_balanced_accuracy"].notna().any():
        order = ["val_balanced_accuracy", "val_loss", "epoch"]  # as the training keeps its best model
        best = one.sort_values(order, ascending=[False, True, True]).iloc[0]
        ring = {"color": color, "marker": "o", "markersize": 5.5, "markerfacecolor": "none", "linestyle": "", "zorder": 4, "clip_on": False}
        loss.plot(best["epoch"], best["val_loss"], **ring)
        accuracy.plot(best["epoch"], best["val_balanced_accuracy"], **ring)


def _curve_handles(folds: Sequence[int]) -> list[Line2D]:
    handles = [
        Line2D([], [], color="black", alpha=0.4, linewidth=0.9, label="training"),
        Line2D([], [], color="black", label="validation"),
        Line2D([], [], color="black", marker="o", markersize=5.5, markerfacecolor="none", linestyle="", label="kept epoch"),
    ]
    if len(folds) > 1:
        for index, fold in enumerate(folds):
            color, line = _fold_style(index)
            handles.append(Line2D([], [], color=color, linestyle=line, label=f"fold {fold}"))
    return handles
