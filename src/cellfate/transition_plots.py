"""Figures of phenotype transitions, each drawn from its tables alone."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch
from matplotlib.ticker import MaxNLocator

from cellfate.plot_style import DOUBLE, GREY, OKABE_ITO, SMALL, new_figure, panel_label, readable, styled

DRAWN = 0.03  # transitions below this probability have no arrow
LISTED = 20  # genes of a ranking that are drawn
NAMES = {
    "full": "full network",
    "no_fusion": "no fusion",
    "no_cell_learner": "no Cell Learner",
    "neither": "neither of both",
    "no_regulation": "without eq. 3",
    "literal": "literal reading",
    "token_learner": "TokenLearner",
    "mlp": "MLP",
    "transformer": "Transformer",
    "resnet": "1-D ResNet",
    "convnext": "1-D ConvNeXt",
    "logistic": "logistic regression",
}
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


def variant_name(variant: str) -> str:
    return NAMES.get(variant, readable(variant))


# ---- matrix ----


@styled
def plot_matrix(table: pd.DataFrame) -> Figure:
    """The transition graph (a), the matrix with its intervals (b) and the entropy of each row (c).

    ``table`` is a transition matrix table; a confusion of static labels has no graph and says what it is.
    """
    names = list(dict.fromkeys(table["source"]))
    wide = table.pivot(index="source", columns="target")
    pivot = {column: wide[column].loc[names, names] for column in ("probability", "ci_low", "ci_high")}
    transitions = table["kind"].iloc[0] == "transition"
    figure = new_figure(DOUBLE, 2.9)
    panels = figure.subplots(1, 3 if transitions else 2, width_ratios=[1, 1.25, 0.6] if transitions else [1.25, 0.6])
    if transitions:
        _graph(panels[0], pivot["probability"].to_numpy(), names)
    _matrix(panels[-2], pivot, names, "next phenotype" if transitions else "predicted phenotype")
    panels[-2].set_title("transition matrix P" if transitions else "confusion of static labels, no transitions")
    _entropies(panels[-1], table.drop_duplicates("source"), names)
    for axes, letter in zip(panels, "abc", strict=False):
        panel_label(axes, letter)
    return figure


def _graph(axes: Axes, P: np.ndarray, names: list[str]) -> None:
    n = len(names)
    angles = np.pi / 2 - 2 * np.pi * np.arange(n) / n
    places = np.column_stack([np.cos(angles), np.sin(angles)])
    for i in range(n):
        for j in range(n):
            if i != j and P[i, j] >= DRAWN:
                style = {"arrowstyle": "-|>", "mutation_scale": 7, "connectionstyle": "arc3,rad=0.18", "shrinkA": 15, "shrinkB": 15}
                arrow = FancyArrowPatch(places[i], places[j], linewidth=0.4 + 4.5 * P[i, j], color=OKABE_ITO["blue"], alpha=0.75, **style)
                axes.add_patch(arrow)
    for i, (x, y) in enumerate(places):
        axes.scatter(x, y, s=520, color="white", edgecolor=GREY, zorder=3)
        axes.text(x, y, f"{_short(names[i])}\n{P[i, i]:.2f}", ha="center", va="center", fontsize=SMALL, zorder=4)
    axes.set(xlim=(-1.5, 1.5), ylim=(-1.45, 1.45), aspect="equal")
    axes.axis("off")
    axes.set_title("transitions (in circles: staying)")


def _short(name: str, length: int = 9) -> str:
    return name if len(name) <= length else name[: length - 1] + "…"


def _matrix(axes: Axes, pivot: dict[str, pd.DataFrame], names: list[str], xlabel: str) -> None:
    P, low, high = (pivot[column].to_numpy() for column in ("probability", "ci_low", "ci_high"))
    axes.imshow(P, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    ticks = range(len(names))
    turned = {"rotation": 45, "ha": "right"} if max(map(len, names)) > 5 else {}
    axes.set_xticks(ticks, [_short(name, 14) for name in names], **turned)
    axes.set_yticks(ticks, [_short(name, 14) for name in names])
    for i in ticks:
        for j in ticks:
            text = f"{P[i, j]:.2f}" if len(names) > 5 else f"{P[i, j]:.3f}\n{low[i, j]:.3f}-{high[i, j]:.3f}"
            axes.text(j, i, text, ha="center", va="center", fontsize=5.0, color="white" if P[i, j] > 0.55 else "black")
    axes.set(xlabel=xlabel, ylabel="present phenotype")


def _entropies(axes: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    values = rows.set_index("source").loc[names, "entropy"].to_numpy(float)
    axes.barh(range(len(names)), values, color=OKABE_ITO["sky"], height=0.6)
    overall, most = float(rows["overall_entropy"].iloc[0]), np.log(len(names))
    axes.axvline(overall, color=OKABE_ITO["vermillion"], linewidth=1.0)
    axes.axvline(most, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(names)), [_short(name, 14) for name in names])
    axes.invert_yaxis()
    axes.set(xlabel="entropy (nats)", xlim=(0, most * 1.05), title=f"overall {overall:.2f}")


# ---- regulators ----


@styled
def plot_regulators(rankings: pd.DataFrame, knockouts: pd.DataFrame | None) -> Figure:
    """The first genes by the network's own ranking (a), by logistic regression (b), and the knockouts' statistic against its null (c).

    Filled points are expected regulators where a list was given. ``knockouts`` is None for static labels.
    """
    figure = new_figure(DOUBLE, 3.4)
    panels = figure.subplots(1, 3 if knockouts is not None else 2)
    first = rankings["method"].iloc[0]
    for axes, method in zip(panels, (first, "logistic regression"), strict=False):
        _ranking(axes, rankings[rankings["method"] == method], method)
    if knockouts is not None:
        _statistic(panels[2], knockouts)
    for axes, letter in zip(panels, "abc", strict=False):
        panel_label(axes, letter)
    return figure


def _ranking(axes: Axes, table: pd.DataFrame, method: str) -> None:
    best = table.sort_values("rank").head(LISTED)
    marked = best["in_prior"].to_numpy(bool)
    places = np.arange(len(best))
    axes.hlines(places, 0, best["score"], color="#CCCCCC", linewidth=1)
    axes.scatter(best["score"], places, s=14, c=np.where(marked, OKABE_ITO["vermillion"], OKABE_ITO["blue"]), zorder=3, clip_on=False)
    axes.set_yticks(places, [_short(gene, 14) for gene in best["gene"]], fontsize=5.5)
    axes.invert_yaxis()
    axes.set(xlabel="score", title=method + (" (red: expected)" if marked.any() else ""), xlim=(0, None))


def confirmation(table: pd.DataFrame) -> tuple[np.ndarray, str]:
    """The q-values (m,) that say whether a gene's use is right, and by what: by refitting where that was done."""
    refitted = table["refit_q_value"].notna().all()
    return table["refit_q_value" if refitted else "held_out_q_value"].to_numpy(float), "refitting" if refitted else "held-out cells"


def _statistic(axes: Axes, table: pd.DataFrame) -> None:
    best = table.sort_values("statistic", ascending=False).head(LISTED)
    places = np.arange(len(best))
    axes.hlines(places, 0, best["statistic"], color="#CCCCCC", linewidth=1)
    confirmed, by = confirmation(best)
    right = confirmed <= 0.05
    axes.scatter(best["statistic"], places, s=14, c=np.where(right, OKABE_ITO["green"], GREY), zorder=3)
    axes.scatter(best["null_95"], places, s=18, marker="|", color="black", zorder=3)
    axes.set_yticks(places, [_short(gene, 14) for gene in best["gene"]], fontsize=5.5)
    axes.invert_yaxis()
    axes.set(xlabel="largest |change of P|", title="knockouts", xlim=(0, None))
    handles = [
        Line2D([], [], color=OKABE_ITO["green"], marker="o", linestyle="", label=f"confirmed by {by}"),
        Line2D([], [], color=GREY, marker="o", linestyle="", label="not confirmed"),
        Line2D([], [], color="black", marker="|", linestyle="", label="95 % of permutations"),
    ]
    axes.figure.legend(handles=handles, loc="outside lower right", ncols=3, fontsize=5.5, handlelength=1)


# ---- knockouts ----


@styled
def plot_knockouts(
    genes: pd.DataFrame, sets: pd.DataFrame | None, draws: pd.DataFrame | None, permutations: int, set_draws: int, level: float
) -> Figure:
    """Genes: the knockout's statistic against the 95 % point of its permutations (a). Sets: each against its random sets (b)."""
    figure = new_figure(DOUBLE, 3.0)
    panels = figure.subplots(1, 2 if sets is not None else 1, squeeze=False)[0]
    _genes(panels[0], genes, permutations, level)
    if sets is not None:
        _sets(panels[1], sets, draws, set_draws)
        panel_label(panels[1], "b")
    panel_label(panels[0], "a")
    figure.suptitle("In-silico knockouts: an association of the model, not a causal effect", fontsize=7.5)
    return figure


def _genes(axes: Axes, table: pd.DataFrame, permutations: int, level: float) -> None:
    used = table["significant"].to_numpy(bool)
    confirmed, by = confirmation(table)
    kinds = {
        "not significant": (~used & (confirmed > level), "#BBBBBB"),
        "the model uses it": (used & (confirmed > level), OKABE_ITO["orange"]),
        f"confirmed by {by}": (confirmed <= level, OKABE_ITO["green"]),
    }
    for name, (chosen, color) in kinds.items():
        axes.scatter(table["null_95"][chosen], table["statistic"][chosen], s=12, color=color, label=f"{name} ({chosen.sum()})", linewidth=0)
    right = float(table["null_95"].max()) * 1.1 or 1.0
    axes.plot([0, right], [0, right], color=GREY, linewidth=0.8, linestyle=":")
    axes.set(xlabel="95 % of its permutations", ylabel="largest |change of P| of the knockout", xlim=(0, right))
    axes.set_ylim(0, float(table["statistic"].max()) * 1.4 or 1.0)  # room for the legend
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_title(f"genes; smallest attainable p {1 / (permutations + 1):.1e}, a lone gene needs {level / len(table):.1e}", fontsize=SMALL)
    axes.legend(loc="upper left", fontsize=SMALL)


def _sets(axes: Axes, sets: pd.DataFrame, draws: pd.DataFrame, set_draws: int) -> None:
    rng = np.random.default_rng(0)
    for place, row in enumerate(sets.itertuples()):
        own = draws[draws["gene_set"] == row.gene_set]
        values = own["change"].to_numpy(float)
        axes.scatter(values, place + rng.uniform(-0.25, 0.25, len(values)), s=1.2, color="#BBBBBB", linewidth=0, rasterized=True)
        axes.scatter(row.change, place, s=30, marker="D", color=OKABE_ITO["vermillion"], zorder=3)
        text = f"{row.source} to {row.target}: {row.ratio:.0f} times random, p = {row.p_value:.1e}"
        axes.text(0.02, place - 0.33, text, transform=axes.get_yaxis_transform(), fontsize=5.5, va="bottom")
    axes.set_yticks(range(len(sets)), [_short(name, 16) for name in sets["gene_set"]])
    axes.set_ylim(len(sets) - 0.5, -0.75)
    axes.axvline(0, color=GREY, linewidth=0.6, linestyle=":")
    axes.set(xlabel="change of P on the set's strongest edge")
    axes.set_title(f"sets (red) and random sets; smallest attainable p {1 / (set_draws + 1):.1e}", fontsize=SMALL)


# ---- ablation and calibration ----


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
    axes.set(xlabel="confidence", ylabel="share that is right", xlim=(0.2, 1.02), ylim=(0, 1.04))
    figure.legend(loc="outside right upper")
    return figure
