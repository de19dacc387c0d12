"""The tables of the figure of single cells, for two cells whose values are known."""

import numpy as np
import pandas as pd

from cellfate.base.tables import check_table
from cellfate.explanation.tables import EXAMPLES, EXPLAINED_CELLS, GIVEN_AWAY

N_FRAMES, CHANNELS = 24, ("circadian", "p53", "cell_cycle")
SHOWN = ["integrated_gradients", "channel_occlusion"]
WORDS = (
    "By integrated gradients 8 of 24 frames, 9.5 to 6.0 h before the end, hold 88 % of what spoke for it, mostly in channel p53 "
    "(by occlusion of channels). In them cell cycle, mean intensity is lower than in the cell's other frames. 2 of 4 other methods name "
    "the same hours. Over all cells the method is not shown to beat looking at the last frames. The network is not shown to be better "
    "than chance on held-out cells (balanced accuracy 0.52): what it rests on may mean nothing."
)


def explained_tables(outcomes):
    """values, said, examples and crops: r/0 of the negative outcome, r/1 of the positive one, which was not explained."""
    values, examples, position = [], [], 0
    for place, outcome in enumerate(outcomes.values()):
        trajectory, frames = f"r/{place}", np.arange(N_FRAMES)
        before = N_FRAMES - 1 - frames
        hours = {"trajectory": trajectory, "outcome": outcome, "frame": frames, "hours_before_end": before / 2}
        shown = pd.array([position + t if t < 6 else pd.NA for t in frames], dtype="Int64")
        position += 6
        facts = {"frames_before_end": before, "weight": 0.1, "scaled": 0.1, "occlusion": np.nan, "group": "low", "position": shown}
        examples.append(pd.DataFrame({**hours, **facts}))
        series = {("probability", outcome, "all"): 0.5 + frames / 60, ("feature", "area", "all"): 100.0 + frames}
        series["feature", "intensity_mean-cell_cycle", "all"] = np.where(frames < 8, 50.0, 60.0)
        series["feature", "solidity", "all"] = np.full(N_FRAMES, 0.9)  # the same everywhere
        if place == 0:
            series["method", "integrated_gradients", "all"] = np.where((frames >= 4) & (frames < 12), 0.5, -0.1)
            series["method", "occlusion", "all"] = np.full(N_FRAMES, 9.0)  # not shown
            for factor, channel in enumerate(CHANNELS):
                series["method", "channel_occlusion", channel] = factor * frames / 10
        for (kind, name, part), own in series.items():
            values.append(pd.DataFrame({**hours, "kind": kind, "name": name, "part": part, "value": own}))
    row = {"trajectory": "r/0", "outcome": outcomes["negative"], "method": SHOWN[0], "hours_from": 9.5, "hours_to": 6.0, "n_told": 8}
    row |= {"n_frames": N_FRAMES, "share": 0.88, "channel": "p53", "channel_share": 0.9, "channel_method": SHOWN[1], "change": -2.0}
    row |= {"feature": "intensity_mean-cell_cycle", "agree": 2, "others": 4, "verdict": "not shown", "balanced_accuracy": 0.52}
    said = pd.DataFrame([row | {"above_chance": "False", "words": WORDS}])[list(GIVEN_AWAY.columns)]
    table = pd.concat(values, ignore_index=True)[list(EXPLAINED_CELLS.columns)]
    crops = np.random.default_rng(0).integers(0, 999, (position, len(CHANNELS), 8, 8)).astype(np.uint16)
    shown = pd.concat(examples, ignore_index=True)[list(EXAMPLES.columns)]
    return check_table(table, EXPLAINED_CELLS, "v"), check_table(said, GIVEN_AWAY, "s"), check_table(shown, EXAMPLES, "e"), crops
