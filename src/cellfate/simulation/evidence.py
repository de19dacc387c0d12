"""In which frames and channels a planted effect can be seen: what an explanation should name."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cellfate.simulation.programmes import CELL_CYCLE, CIRCADIAN, FORGOTTEN_H, P53, TRANSIENT_H
from cellfate.simulation.settings import CHANNELS, FATE_EFFECTS, SHAPE_EFFECTS

ONSET = "onset_"
EVERYWHERE = tuple(range(len(CHANNELS)))  # the shape shows in every channel
SHOWN_IN = dict.fromkeys(SHAPE_EFFECTS, EVERYWHERE) | {
    "cell_cycle": (CELL_CYCLE,),
    "cycle_phase": (CELL_CYCLE,),
    "circadian_stress": (CIRCADIAN,),
    "p53_sustained": (P53,),
    "p53_pulses": (P53,),
    "p53_transient": (P53,),
    "p53_integral": (P53,),
}
LENGTHS_H = {"p53_transient": TRANSIENT_H, "cycle_phase": FORGOTTEN_H}  # of effects that end before the event


def informative(cell: pd.Series | Mapping, frames: np.ndarray, frame_interval_min: float) -> np.ndarray:
    """Where the effects of a cell are seen, (T, C) for its ``frames`` (T,) and the simulator's channels.

    ``cell`` is a row of a truth file's cells. An effect is seen from its onset to the event, or as long as LENGTHS_H says; weak ones
    count as others do.
    """
    shown = np.zeros((len(frames), len(CHANNELS)), bool)
    for effect in FATE_EFFECTS:
        onset = int(cell.get(f"{ONSET}{effect}", -1))
        if onset < 0:
            continue
        last = int(cell["event_frame"]) - 1
        if effect in LENGTHS_H:
            last = min(last, onset + int(np.ceil(60 * LENGTHS_H[effect] / frame_interval_min)) - 1)
        seen = (frames >= onset) & (frames <= last)
        for channel in SHOWN_IN[effect]:
            shown[seen, channel] = True
    return shown
