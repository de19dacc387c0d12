"""A look at the tracks of one recording: on its first and last frame, and in counts over time."""

from collections.abc import Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cellfate.base.plot_style import DOUBLE, GREY, OKABE_ITO, SMALL, new_figure, styled
from cellfate.tracks.quality import per_frame

COLOURS = [OKABE_ITO[name] for name in ("orange", "sky", "green", "yellow", "vermillion", "purple")]
SHADES = (1, 99.8)  # percentiles of the image that are black and white


@styled
def plot_tracking(
    images: Sequence[np.ndarray], tracks: pd.DataFrame, n_frames: int, quality: pd.DataFrame, shifts: np.ndarray | None = None
) -> Figure:
    """Tracks over the first and the last frame, and below them cells, track lengths, and appearing, lost and dividing cells.

    ``images``: the first and last frame (H, W) of the segmented channel. Over the first frame stand the tracks that are in it,
    up to their end, over the last frame those that reach it, from their start; dots are the cells of the frame. Drift ``shifts``
    (T, 2) is taken off the lines. ``quality`` is the table ``tracking_quality``; its warnings stand below the title.
    """
    row = quality.iloc[0]
    figure = new_figure(DOUBLE, 5.6)
    grid = figure.add_gridspec(2, 6, height_ratios=[1.7, 1])
    for position, (frame, image) in enumerate(zip((0, n_frames - 1), images, strict=True)):
        axes = figure.add_subplot(grid[0, 3 * position : 3 * position + 3])
        _overlay(axes, image, tracks, frame, shifts)
        axes.set_title(f"frame {frame}, tracks {'from here on' if position == 0 else 'up to here'}")
    counts = per_frame(tracks, n_frames)
    axes = figure.add_subplot(grid[1, :2])
    axes.plot(counts["cells"], color=OKABE_ITO["blue"])
    axes.set(xlabel="frame", ylabel="cells", ylim=(0, 1.1 * counts["cells"].max()))
    axes = figure.add_subplot(grid[1, 2:4])
    ends = tracks.groupby("track_id")["frame"].agg(["min", "max"])
    axes.hist(ends["max"] - ends["min"] + 1, bins=np.linspace(0.5, n_frames + 0.5, min(n_frames, 40) + 1), color=OKABE_ITO["sky"])
    axes.set(xlabel="track length (frames)", ylabel="tracks")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes = figure.add_subplot(grid[1, 4:])
    for name, colour in (("appearing", "green"), ("lost", "vermillion"), ("divisions", "blue")):
        axes.plot(counts[name], color=OKABE_ITO[colour], label=name, lw=0.9)
    axes.set(xlabel="frame", ylabel="per frame", ylim=(0, max(4, counts[["appearing", "lost", "divisions"]].to_numpy().max()) * 1.35))
    axes.legend(ncols=3, loc="upper center", fontsize=SMALL, handlelength=1.0, columnspacing=0.8)
    title = f"{row['recording']}: {row['tracks']} tracks, {row['full_length_share']:.0%} of the cells of frame 0 followed to the end"
    text = fill(row["warnings"], 130) if isinstance(row["warnings"], str) else "no warnings"
    figure.suptitle(f"{title}\n{text}", fontsize=7.0, color=GREY if text == "no warnings" else "black")
    return figure


def _overlay(axes: Axes, image: np.ndarray, tracks: pd.DataFrame, frame: int, shifts: np.ndarray | None) -> None:
    low, high = np.percentile(image, SHADES)
    axes.imshow(image, cmap="gray", vmin=low, vmax=max(high, low + 1), interpolation="nearest")
    here = tracks[tracks["frame"] == frame]
    shown = tracks[tracks["track_id"].isin(here["track_id"])].sort_values(["track_id", "frame"])
    if shifts is not None:
        drift = np.asarray(shifts, float)
        moved = drift[shown["frame"]] - drift[frame]
        shown = shown.assign(y=shown["y"] - moved[:, 0], x=shown["x"] - moved[:, 1])
    paths = [rows[["x", "y"]].to_numpy() for _, rows in shown.groupby("track_id")]
    colours = [COLOURS[track % len(COLOURS)] for track, _ in shown.groupby("track_id")]
    axes.add_collection(LineCollection(paths, colors=colours, linewidths=0.7))
    axes.scatter(here["x"], here["y"], s=4, color=[COLOURS[track % len(COLOURS)] for track in here["track_id"]], linewidths=0)
    axes.set(xticks=[], yticks=[], xlim=(-0.5, image.shape[1] - 0.5), ylim=(image.shape[0] - 0.5, -0.5))
