"""The overview picture of one recording's predictions: who was predicted what, where, and since when."""

from collections.abc import Collection, Mapping
from pathlib import Path
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize, TwoSlopeNorm
from matplotlib.figure import Figure

from cellfate.base.plot_style import DOUBLE, GREY, ROLE_STYLE, SMALL, empty_figure, new_figure, panel_label, readable, save_figure, styled
from cellfate.frames.reader import Frames
from cellfate.model.saved.card import held_out_line
from cellfate.model.saved.exported import outcome_columns, read_settings, statement
from cellfate.model.saved.members import SEEN, UNKNOWN

PERCENTILES = 1, 99.7  # of a channel, shown black and white
PROBABILITY_COLORS = LinearSegmentedColormap.from_list("fate", [ROLE_STYLE["negative"][0], "#F2F0E6", ROLE_STYLE["positive"][0]])
NO_VALUE = "#C9C9C9"
TITLE_AND_AXIS, HEAT_HEIGHT = 0.75, 3.4  # inches
SCORE_LINE = 118  # characters of a line below the panels
ROWS_HEIGHT, MOST_NUMBERED = 180, 40  # points of the heat map's rows; tracks whose numbers can be read there


def grey_image(image: np.ndarray) -> np.ndarray:
    """A frame (C, H, W) in counts as one grey image (H, W) from 0 to 1: the mean of the channels, each stretched by itself."""
    low, high = np.percentile(image, PERCENTILES, axis=(1, 2), keepdims=True)
    return np.clip((image - low) / np.maximum(high - low, 1e-9), 0, 1).mean(axis=0)


def write_picture(
    frames: Frames,
    tracks: pd.DataFrame,
    predictions: pd.DataFrame,
    model_folder: str | Path,
    pdf: str | Path,
    png: str | Path,
    *,
    recording: str,
    frame_interval_min: float,
) -> None:
    """Draw the predictions of one recording by an exported model and write the figure; see :func:`plot_predictions`."""
    images = {t: grey_image(frames.read(t)) for t in (0, frames.n_frames - 1)}
    outcomes = read_settings(model_folder)["outcomes"]
    score = held_out_line(model_folder)
    save_figure(plot_predictions(predictions, tracks, images, outcomes, recording, frame_interval_min, score=score), pdf, png)


@styled
def plot_predictions(
    predictions: pd.DataFrame,
    tracks: pd.DataFrame,
    images: Mapping[int, np.ndarray],
    outcomes: Mapping[str, str],
    recording: str,
    frame_interval_min: float,
    *,
    score: str,
) -> Figure:
    """Tracks on the first (a) and last (b) frame by their last probability, and the probability of each track over time (c).

    ``images`` are grey images (H, W) by frame, the first and the last are shown. Tracks without a value are grey. Colours change
    sides at the threshold of the calls; dashed are tracks that members of the model call differently. ``score`` says how good the model
    was on held-out cells.
    """
    positive = readable(outcomes["positive"])
    if predictions.empty:
        return empty_figure(DOUBLE, 2.6, "the minimum number of frames for a prediction")
    first, last = min(images), max(images)
    height, width = images[first].shape
    frames_height = 0.42 * DOUBLE * min(height / width, 1.5) + TITLE_AND_AXIS
    worth = fill(score, SCORE_LINE)
    figure = new_figure(DOUBLE, frames_height + HEAT_HEIGHT + 0.13 * (1 + worth.count("\n")))
    top, bottom = figure.subfigures(2, 1, height_ratios=[frames_height, HEAT_HEIGHT])
    first_axes, last_axes = top.subplots(1, 2)
    heat_axes = bottom.subplots()
    ends = predictions.sort_values("frame").groupby("track_id").last().rename(columns={outcome_columns(outcomes)[1]: "probability"})
    final, norm = ends["probability"], _norm(predictions)
    split = ends.index[(ends["lowest_member"] <= ends["threshold"]) & (ends["highest_member"] > ends["threshold"])]
    colors = {track: PROBABILITY_COLORS(norm(value)) for track, value in final.items()}
    _tracks_on(first_axes, images[first], tracks, colors, set(split), first)
    _tracks_on(last_axes, images[last], tracks, colors, set(split), last)
    first_axes.set_title(f"first frame, {(tracks['frame'] == first).sum()} cells")
    last_axes.set_title(f"last frame, {(tracks['frame'] == last).sum()} cells; lines: where they came from")
    _heat_map(heat_axes, predictions, final, recording, outcome_columns(outcomes)[1], frame_interval_min, norm)
    for axes, letter in zip((first_axes, last_axes, heat_axes), "abc", strict=True):
        panel_label(axes, letter)
    bar = bottom.colorbar(ScalarMappable(norm, PROBABILITY_COLORS), ax=heat_axes, fraction=0.03, pad=0.015)
    bar.set_label(f"probability of {positive}")
    bar.set_ticks([0, norm.vcenter, 1], labels=["0", f"{norm.vcenter:.2f}", "1"])
    bar.outline.set_visible(False)
    figure.supxlabel(
        f"{recording}: probability of {positive} given that {readable(statement(outcomes))}; "
        "at each frame from the frames up to it.\n"
        f"A cell that does neither has a value all the same. Above {norm.vcenter:.2f}, the share in training, the call is {positive}.\n"
        f"Rings and lines: the track's last value; dotted grey: none; {_of_members(predictions, len(split))}\n" + worth,
        fontsize=7,
        x=0.02,
        ha="left",
    )
    return figure


def _norm(predictions: pd.DataFrame) -> Normalize:
    """Probabilities to colours, the middle at the threshold of the calls."""
    return TwoSlopeNorm(vmin=0, vcenter=float(predictions["threshold"].iloc[0]), vmax=1)


def _of_members(predictions: pd.DataFrame, n_split: int) -> str:
    """The end of the caption: who predicts, whether they agree, and whether they saw the recording."""
    n, seen = int(predictions["members"].iloc[0]), predictions["seen_in_training"].iloc[0]
    text = "one member of the model." if n == 1 else f"dashed: {n} members of the model do not agree on the call (tracks: {n_split})."
    return text + {SEEN: " They saw this recording in training.", UNKNOWN: " Whether they saw it is not known."}.get(seen, "")


def _tracks_on(axes: Axes, image: np.ndarray, tracks: pd.DataFrame, known: Mapping[int, tuple], split: Collection[int], frame: int) -> None:
    """The frame with a ring around each cell in it, and the way that each of them came; ``known`` are colours, ``split`` dashed."""
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    here = tracks[tracks["frame"] == frame]
    colors = [known.get(track, NO_VALUE) for track in here["track_id"]]
    past = tracks[tracks["track_id"].isin(here["track_id"]) & (tracks["frame"] <= frame)].sort_values("frame")
    paths = dict(tuple(past.groupby("track_id")))
    axes.add_collection(LineCollection([paths[track][["x", "y"]].to_numpy() for track in here["track_id"]], colors=colors, linewidths=0.9))
    size = 130 * min(1, 30 / max(len(here), 1))
    dashes = [(0, (1.5, 1.5)) if track not in known else (0, (4, 1.5)) if track in split else "-" for track in here["track_id"]]
    axes.scatter(
        here["x"], here["y"], s=size, facecolors="none", edgecolors=colors, linewidths=1.3 if size > 60 else 0.8, linestyles=dashes
    )
    axes.set(xlim=(0, image.shape[1]), ylim=(image.shape[0], 0), xlabel="x (pixels)", ylabel="y (pixels)")


def _heat_map(
    axes: Axes, predictions: pd.DataFrame, final: pd.Series, recording: str, column: str, frame_interval_min: float, norm: Normalize
) -> None:
    """One row per track, sorted by its last value, with its number where there is room; one column per frame of the recording."""
    order = final.sort_values(kind="stable").index
    n_frames = int(predictions["frame"].max()) + 1
    values = predictions.pivot(index="track_id", columns="frame", values=column).reindex(index=order, columns=range(n_frames))
    hours = frame_interval_min / 60
    extent = (-0.5 * hours, (n_frames - 0.5) * hours, 0, len(order))
    axes.imshow(
        values.to_numpy(float),
        cmap=PROBABILITY_COLORS,
        norm=norm,
        aspect="auto",
        interpolation="nearest",
        origin="lower",
        extent=extent,
    )
    axes.set(xlabel="hours since the recording's first frame", ylabel="track, sorted by last value")
    axes.tick_params(axis="y", length=0)
    numbered = len(order) <= MOST_NUMBERED
    axes.set_yticks([row + 0.5 for row in range(len(order))] if numbered else [], [str(track) for track in order] if numbered else [])
    axes.yaxis.set_tick_params(labelsize=min(SMALL, 0.7 * ROWS_HEIGHT / len(order)))
    where = "" if numbered else f"; too many to be numbered: {recording}.csv has their numbers (track_id)"
    axes.set_title(f"{len(order)} tracks with a value, white: no value there{where}", fontsize=SMALL, color=GREY)
