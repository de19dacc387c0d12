"""A look at the drift of a recording."""

import numpy as np
from matplotlib.figure import Figure

from cellfate.base.plot_style import OKABE_ITO, SINGLE, hours_axis, new_figure, styled


@styled
def plot_drift(shifts: np.ndarray, recording: str, frame_interval_min: float) -> Figure:
    """Shifts (T, 2) in y and x against time, and how far the scene moved from one frame to the next."""
    figure = new_figure(SINGLE, 3.0)
    place, step = figure.subplots(2, 1, sharex=True)
    frames = np.arange(len(shifts))
    for values, name, color in zip(shifts.T, ("y (down)", "x (right)"), (OKABE_ITO["blue"], OKABE_ITO["vermillion"]), strict=True):
        place.plot(frames, values, color=color, label=name)
    place.set_ylabel("Shift against\nfirst (pixels)")
    place.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1.42), borderaxespad=0, title=recording, alignment="left")
    hours_axis(place, frame_interval_min, "Hours")
    step.plot(frames[1:], np.hypot(*np.diff(shifts, axis=0).T), color=OKABE_ITO["black"])
    step.set_ylim(bottom=0)
    step.set(ylabel="Step (pixels)", xlabel="Frame")
    return figure
