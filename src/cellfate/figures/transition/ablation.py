"""Scores and calibration of the variants of the transition network."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cellfate.base.plot_style import DOUBLE, GREY, OKABE_ITO, SMALL, new_figure, styled
from cellfate.transition.network.names import variant_name

METRICS = {
    "accuracy": "accuracy",
    "f1_macro": "macro F1",
    "kappa": "kappa",
    "confidence": "confidence",
    "uncertainty": "uncertainty u",
    "ece": "ECE",
    "auroc_uncertainty": "AUROC of u\nfor errors",
    "auroc_max_probability": "AUROC of\n1 - max p",
}
COLORS = [OKABE_ITO[name] for name in ("blue", "vermillion", "green", "purple", "orange", "sky", "black", "yellow")]
MARKERS = "osD^vPX*<>hd"


@styled
def plot_ablation(scores: pd.DataFrame) -> Figure:
    """One panel per score, one row per variant."""
    variants = list(dict.fromkeys(scores["variant"]))
    shown = [metric for metric in METRICS if (scores["metric"] == metric).any()]
    figure = new_figure(DOUBLE, 0.9 + 0.22 * len(variants))
    panels = figure.subplots(1, len(shown), sharey=True)
    for axes, metric in zip(panels, shown, strict=True):
        table = scores[scores["metric"] == metric].set_index("variant")["value"].reindex(variants).to_numpy(float)
        places = np.arange(len(variants))
        axes.scatter(table, places, s=14, color=[OKABE_ITO["vermillion"] if name == "logistic" else OKABE_ITO["blue"] for name in variants])
        for place, value in zip(places, table, strict=True):
            if np.isfinite(value):
                axes.annotate(f"{value:.3f}", (value, place), xytext=(0, 3.5), textcoords="offset points", fontsize=5, ha="center")
        low, high = np.nanmin(table), np.nanmax(table)
        pad = max(0.45 * (high - low), 0.01)
        axes.set(xlim=(low - pad, high + pad), title=METRICS[metric])
        axes.set_ylim(len(variants) - 0.5, -0.75)
        axes.tick_params(axis="x", labelsize=5.5)
        axes.xaxis.set_major_locator(MaxNLocator(2))
        axes.set_axisbelow(True)
        axes.grid(axis="y", color="#EEEEEE")
    panels[0].set_yticks(range(len(variants)), [variant_name(name) for name in variants])
    return figure


@styled
def plot_confidence(reliability: pd.DataFrame, scores: pd.DataFrame) -> Figure:
    """How often predictions of a confidence are right, per variant, with the expected calibration error."""
    figure = new_figure(DOUBLE, 3.0)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    ece = scores[scores["metric"] == "ece"].set_index("variant")["value"]
    largest = reliability["count"].max()
    for index, (variant, table) in enumerate(reliability.groupby("variant", sort=False)):
        table = table[table["count"] > 0]
        color, marker = COLORS[index % len(COLORS)], MARKERS[index % len(MARKERS)]
        axes.plot(table["mean_probability"], table["observed"], color=color, linewidth=0.9)
        sizes = 6 + 50 * table["count"].to_numpy(float) / largest
        axes.scatter(table["mean_probability"], table["observed"], s=sizes, color=color, marker=marker, alpha=0.7, linewidth=0)
        axes.plot([], [], color=color, marker=marker, label=f"{variant_name(variant)}: ECE {ece.get(variant, np.nan):.3f}")
        if index == 0:
            _counts(axes, table)
    lowest = reliability.loc[reliability["count"] > 0, "mean_probability"].min()
    axes.set(xlabel="confidence", ylabel="share that is right", xlim=(lowest - 0.05, 1.02), ylim=(-0.14, 1.04))
    axes.set_title(f"areas: cells of the bin; numbers below: those of {variant_name(str(reliability['variant'].iloc[0]))}", fontsize=SMALL)
    figure.legend(loc="outside right upper")
    return figure


def _counts(axes: Axes, table: pd.DataFrame) -> None:
    """How many cells each bin of a variant has, below its point."""
    for x, n in zip(table["mean_probability"], table["count"], strict=True):
        axes.annotate(f"{n}", (x, -0.09), fontsize=5, ha="center", color=GREY)
