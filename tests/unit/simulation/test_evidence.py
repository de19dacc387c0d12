"""Which frames and channels show a planted effect, for whoever scores explanations."""

import numpy as np
import pandas as pd

from cellfate.simulation.evidence import LENGTHS_H, ONSET, SHOWN_IN, informative
from cellfate.simulation.settings import CHANNELS, FATE_EFFECTS

LASTING = next(name for name in FATE_EFFECTS if name not in LENGTHS_H and len(SHOWN_IN[name]) < len(CHANNELS))


def cell(**onsets):
    return pd.Series({"event_frame": 12, **{f"{ONSET}{name}": onsets.get(name, -1) for name in FATE_EFFECTS}})


def test_an_effect_shows_in_its_channels_from_its_onset_to_the_event():
    shown = informative(cell(**{LASTING: 5}), np.arange(3, 15), 30.0)
    assert shown.shape == (12, len(CHANNELS))
    for channel in range(len(CHANNELS)):
        expected = [5 <= frame < 12 for frame in range(3, 15)] if channel in SHOWN_IN[LASTING] else [False] * 12
        assert shown[:, channel].tolist() == expected


def test_without_effects_nothing_shows():
    assert not informative(cell(), np.arange(12), 30.0).any()


def test_an_effect_of_some_hours_ends_after_them():
    for name, hours in LENGTHS_H.items():
        shown = informative(dict(cell(**{name: 2})) | {"event_frame": 10_000}, np.arange(500), 30.0)[:, SHOWN_IN[name][0]]
        assert np.flatnonzero(shown).tolist() == list(range(2, 2 + int(np.ceil(2 * hours))))
