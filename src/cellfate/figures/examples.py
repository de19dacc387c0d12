"""Figure 6: trajectories with the attention to each frame."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cellfate.base.plot_style import ANALYSED, DOUBLE, OKABE_ITO, SMALL, empty_figure, new_figure, outcome_styles, readable, styled

HIGH, LOW, OCCLUSION = OKABE_ITO["green"], "#AAAAAA", OKABE_ITO["purple"]
COMPOSITES = {1: ((1, 1, 1),), 2: ((1, 0, 1), (0, 1, 0)), 3: ((1, 0, 1), (1, 1, 0), (0, 1, 1))}
CONTRAST = (1.0, 99.7)  # percentiles of one channel over the crops of one trajectory


@styled
def plot_examples(table: pd.DataFrame, crops: np.ndarray, channels: Sequence[str], outcomes: dict[str, str]) -> Figure:
    """Example trajectories: crops with high (green, thick frame) and low attention above the attention over the whole trajectory.

    A line over the bars, on its own axis, is the occlusion where the table has it: log-odds of the own outcome that are lost
    without the frames around. ``table`` is the examples table, one row per trajectory and frame; ``position`` is the row of
    ``crops`` (K, C, S, S) for the frames that are shown and null for the others. One channel is drawn in grey, more as a
    composite of the first three.
    """
    if not table["position"].notna().any():
        return empty_figure(DOUBLE, 2.4, ANALYSED)
    examples = [rows.sort_values("frame") for _, rows in table.groupby("trajectory", sort=False) if rows["position"].notna().any()]
    columns = max(int(rows["position"].notna().sum()) for rows in examples)
    side = (DOUBLE - 0.6) / columns  # inches
    figure = new_figure(DOUBLE, 0.45 + len(examples) * (side + 1.35))
    parts = figure.subfigures(len(examples), 1, squeeze=False)[:, 0]
    for part, rows in zip(parts, examples, strict=True):
        _example(part, rows, crops, columns, side, outcomes)
    handles = _example_handles(channels, occluded=table["occlusion"].notna().any())
    figure.legend(handles=handles, loc="outside lower center", ncols=6, columnspacing=1.4, handlelength=1.2)
    return figure


def _example(part: Figure, rows: pd.DataFrame, crops: np.ndarray, columns: int, side: float, outcomes: dict[str, str]) -> None:
    shown = rows[rows["position"].notna()]
    images = composite(crops[shown["position"].to_numpy(dtype=int)])
    grid = GridSpec(2, columns, figure=part, height_ratios=(side, 0.62))
    color = outcome_styles(outcomes)[rows["outcome"].iloc[0]][0]
    part.suptitle(f"{readable(rows['outcome'].iloc[0])}, {rows['trajectory'].iloc[0]}", x=0.01, ha="left", fontsize=7.5, color=color)
    for column, (image, (_, row)) in enumerate(zip(images, shown.iterrows(), strict=True)):
        axes = part.add_subplot(grid[0, column])
        axes.imshow(image, interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.set_title(_hours(-float(row["hours_before_end"])), fontsize=SMALL, pad=3)
        for spine in axes.spines.values():
            spine.set(visible=True, color=HIGH if row["group"] == "high" else LOW, linewidth=2.2 if row["group"] == "high" else 1.0)
    _attention_curve(part.add_subplot(grid[1, :]), rows, shown)


def _hours(hours: float) -> str:
    return f"{hours:.1f} h".replace("-0.0", "0").replace(".0 ", " ").replace("-", "−")


def _attention_curve(axes: Axes, rows: pd.DataFrame, shown: pd.DataFrame) -> None:
    hours = -rows["hours_before_end"].astype(float)
    step = float(np.median(np.diff(hours))) if len(rows) > 1 else 1.0
    axes.bar(hours, rows["scaled"].astype(float), width=step, color=np.where(rows["group"] == "high", HIGH, LOW), linewidth=0)
    axes.plot(-shown["hours_before_end"].astype(float), np.full(len(shown), 1.12), "v", color="black", markersize=2.6, clip_on=False)
    axes.set(
        ylim=(0, 1.08), xlim=(hours.min() - step, hours.max() + step), yticks=[0, 1], xlabel="hours relative to the end of the trajectory"
    )
    axes.set_ylabel("attention", labelpad=2)
    if rows["occlusion"].notna().any():
        lost = axes.twinx()
        lost.plot(hours, rows["occlusion"].astype(float), color=OCCLUSION, linewidth=1.2)
        lost.axhline(0, color=OCCLUSION, linewidth=0.4, linestyle=":")
        lost.set_ylabel("log-odds lost", labelpad=2, color=OCCLUSION)
        lost.tick_params(axis="y", colors=OCCLUSION)
        lost.spines["right"].set(visible=True, color=OCCLUSION)
        lost.locator_params(axis="y", nbins=3)


def composite(crops: np.ndarray) -> np.ndarray:
    """Crops (K, C, S, S) of one trajectory as colour images (K, S, S, 3) in 0..1; contrast is per channel, over all K.

    Up to three channels are overlaid by screen blending: magenta, yellow, cyan for three, magenta and green for two.
    Pixels that are 0 in all channels (outside of the recorded image) do not count for the contrast.
    """
    used = crops[:, :3].astype(float)
    inside = used.any(axis=1)
    values = used.transpose(0, 2, 3, 1)[inside if inside.any() else ~inside]
    low, high = np.percentile(values, CONTRAST, axis=0)[:, None, :, None, None]
    scaled = np.clip((used - low) / np.maximum(high - low, 1e-9), 0, 1)
    colors = np.array(COMPOSITES[used.shape[1]], dtype=float)
    dark = np.ones((len(used), *used.shape[2:], 3))
    for index, color in enumerate(colors):
        dark *= 1 - scaled[:, index, :, :, None] * color
    return 1 - dark


def _example_handles(channels: Sequence[str], occluded: bool) -> list[Patch | Line2D]:
    used = list(channels)[:3]
    handles = [
        Patch(facecolor="white", edgecolor=HIGH, linewidth=2.0, label="high attention"),
        Patch(facecolor="white", edgecolor=LOW, linewidth=1.0, label="low attention"),
    ]
    if occluded:
        handles.append(Line2D([], [], color=OCCLUSION, linewidth=1.2, label="log-odds lost when hidden"))
    colors = COMPOSITES[len(used)] if len(used) > 1 else ((0.6, 0.6, 0.6),)
    return handles + [Patch(facecolor=c, edgecolor="black", linewidth=0.3, label=readable(n)) for c, n in zip(colors, used, strict=True)]
