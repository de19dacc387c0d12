"""A look at simulated cells: the same cells at several times before their events.

``python -m cellfate.figures.recording.simulated montage.png`` draws cells of one of the demo's recordings.
"""

import sys

import numpy as np
from matplotlib.figure import Figure

from cellfate.simulation.recording import SimulatedRecording, simulate_recording
from cellfate.simulation.settings import APOPTOSIS, CHANNELS, MITOSIS

GAP = 0.04  # of a panel, between panels


def plot_simulation_montage(
    simulated: SimulatedRecording,
    hours: tuple[float, ...] = (20, 15, 10, 7.5, 5, 3, 2, 1.5, 1, 0.5, 0),
    per_fate: int = 4,
    size: int = 88,
    channel: str | None = None,
) -> Figure:
    """Cells of both fates (rows) at ``hours`` before the event (columns; 0 is the event's own frame, after the track's end).

    Panels are ``size`` pixels wide, in the colours of the channels (R circadian, G p53, B cell cycle) or, with ``channel``, in
    grey; all panels share one display range per channel. The longest tracks are shown; a panel before the track is empty.
    """
    cells = simulated.cells[simulated.cells["event_frame"] > 0]
    cells = cells.assign(length=cells["event_frame"] - cells["first_frame"])
    chosen = [
        cell
        for fate in (MITOSIS, APOPTOSIS)
        for cell in cells[cells["fate"] == fate].nlargest(per_fate, "length").sort_values("track_id").itertuples()
    ]
    interval = simulated.attributes["frame_interval_min"] / 60
    figure = Figure(figsize=(0.85 * len(hours) + 0.7, 0.85 * max(len(chosen), 1) + 0.35))
    if not chosen:
        figure.text(0.5, 0.5, "no cell of this recording has an event", ha="center", va="center")
        return figure
    axes = figure.subplots(len(chosen), len(hours), squeeze=False, gridspec_kw={"wspace": GAP, "hspace": GAP})
    for row, cell in zip(axes, chosen, strict=True):
        row[0].set_ylabel(f"{cell.fate}\ncell {cell.track_id}{', weak' if cell.weak else ''}", fontsize=6)
        for axis, hour in zip(row, hours, strict=True):
            panel = _panel(simulated, cell, cell.event_frame - round(hour / interval), size, channel)
            axis.imshow(panel, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axis.set(xticks=[], yticks=[])
    for axis, hour in zip(axes[0], hours, strict=True):
        axis.set_title(f"{hour:g} h" if hour else "event", fontsize=7, pad=2)
    figure.subplots_adjust(left=0.7 / figure.get_figwidth(), right=0.995, bottom=0.01, top=1 - 0.3 / figure.get_figheight())
    return figure


def _panel(simulated: SimulatedRecording, cell, frame: int, size: int, channel: str | None) -> np.ndarray:
    panel = np.zeros((size, size, len(CHANNELS)))
    tracks = simulated.tracks[simulated.tracks["track_id"] == cell.track_id].set_index("frame")
    if frame >= cell.first_frame:
        at = tracks.loc[min(frame, cell.last_frame)]
        top, left = round(at["y"]) - size // 2, round(at["x"]) - size // 2
        pixels = display(simulated.images[frame])
        padded = np.pad(pixels, ((size, size), (size, size), (0, 0)))
        panel = padded[top + size : top + 2 * size, left + size : left + 2 * size]
    return panel if channel is None else panel[..., CHANNELS.index(channel)]


def display(image: np.ndarray, low: float = 150, high: float = 1250, gamma: float = 0.65) -> np.ndarray:
    """Counts to 0..1 for the eye: clipped to ``low`` ... ``high`` counts, dark parts lifted by ``gamma``."""
    return np.clip((image.astype(float) - low) / (high - low), 0, 1) ** gamma


if __name__ == "__main__":
    demo = simulate_recording("sim09", seed=7, treatment="cisplatin", dose="medium", treatment_start_h=10, frame_interval_min=30)
    plot_simulation_montage(demo, per_fate=3).savefig(sys.argv[1], dpi=85)
