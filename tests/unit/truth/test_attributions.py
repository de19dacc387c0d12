"""Explanations against planted effects: scores by hand, and where each effect of the simulator is seen."""

import numpy as np
import pandas as pd
import pytest

from cellfate.base.tables import check_table
from cellfate.evaluation.scoring import Units
from cellfate.simulation.evidence import SHOWN_IN, informative
from cellfate.simulation.settings import CHANNELS, FATE_EFFECTS
from cellfate.truth.attributions import AUC_PR, FRAMES, FRAMES_CHANNELS, MASS, RANK, relevance_mass, relevance_rank, score_explanations
from cellfate.truth.tables import TRUTH_ATTRIBUTIONS

NAMES = {"negative": "apoptosis", "positive": "mitosis"}
UNITS = Units("recording", ("apoptosis", "mitosis"))


def test_each_effect_has_its_channels_and_its_window():
    assert set(SHOWN_IN) == set(FATE_EFFECTS)
    cell = {"event_frame": 20, "onset_p53_transient": 4, "onset_rounding": 17, "onset_cell_cycle": -1}
    shown = informative(cell, np.arange(2, 20), 60.0)
    assert (np.flatnonzero(shown[:, CHANNELS.index("p53")]) + 2).tolist() == [4, 5, 6, 7, 8, 17, 18, 19]  # five hours, then the shape
    assert (np.flatnonzero(shown[:, CHANNELS.index("circadian")]) + 2).tolist() == [17, 18, 19]
    assert informative({"event_frame": 20, "onset_cycle_phase": 2}, np.arange(20), 30.0).sum(axis=0).tolist() == [0, 0, 4]
    assert not informative({"event_frame": -1}, np.arange(5), 30.0).any()


def test_mass_and_rank_by_hand():
    values, truth = np.array([4.0, -9.0, 1.0, 3.0]), np.array([True, True, False, False])
    assert relevance_mass(values, truth) == 0.5
    assert relevance_rank(values, truth) == 0.5  # 4 and 3 are the largest two
    assert np.isnan(relevance_mass(-np.abs(values), truth))


def tables_of(values_of, n_recordings=4, labels=(0, 1)):
    """Cells of 10 frames; deaths show p53 in frames 2 to 4 of an hour, divisions round up in the last three."""
    cells, values, predictions, trajectories = [], [], [], []
    for recording in range(n_recordings):
        for label in labels:
            name = f"r{recording}/{label}"
            onsets = {"onset_p53_transient": 2 if label == 0 else -1, "onset_rounding": 7 if label == 1 else -1}
            cells.append({"trajectory": name, "event_frame": 10 if label else 5, **onsets})
            for method, part, own in values_of(label):
                values.append(
                    pd.DataFrame({"trajectory": name, "fold": 0, "frame": range(10), "method": method, "part": part, "value": own})
                )
            call = {
                "trajectory": name,
                "recording": f"r{recording}",
                "fold": 0,
                "split": "test",
                "condition": "full",
                "n": 0,
                "label": label,
            }
            predictions.append({**call, "treatment": "x", "logit": 2.0 * label - 1, "probability": 0.9 if label else 0.1})
            trajectories.append({"trajectory": name, "group": f"r{recording}", "frame_interval_min": 60.0})
    return pd.DataFrame(cells), pd.concat(values, ignore_index=True), pd.DataFrame(predictions), pd.DataFrame(trajectories)


def score(values_of, **changes):
    cells, values, predictions, trajectories = tables_of(values_of, **changes)
    table = score_explanations(cells, values, predictions, trajectories, NAMES, UNITS)
    return check_table(table, TRUTH_ATTRIBUTIONS, "test").set_index(["method", "level", "class", "score"])


def perfect(label):
    """A signed method that names what was planted, in its channel."""
    said = np.zeros((10, 3))
    if label == 0:
        said[2:5, 1] = -1
    else:
        said[7:10] = 1
    return [("channel_occlusion", channel, said[:, place]) for place, channel in enumerate(CHANNELS)]


def test_a_method_that_names_the_planted_effect_scores_one_and_beats_the_last_frames():
    table = score(perfect)
    assert table.loc[("channel_occlusion", FRAMES_CHANNELS)]["value"].tolist() == [1.0] * 9
    deaths = table.loc[("channel_occlusion", FRAMES, "apoptosis", RANK)]
    assert deaths[["value", "recency", "informative", "n", "units"]].tolist() == [1.0, 0.0, 0.3, 4, 4]
    divisions = table.loc[("channel_occlusion", FRAMES, "mitosis", AUC_PR)]
    assert divisions[["value", "recency"]].tolist() == [1.0, 1.0]
    assert pd.isna(table.loc[("channel_occlusion", FRAMES, "all", MASS), "recency"])


def test_signs_and_channels_count():
    """Values for the wrong outcome, or in the wrong channel, are not the planted effect; attention has no sign to be wrong."""
    wrong_sign = score(lambda label: [(name, part, -own) for name, part, own in perfect(label)])
    assert wrong_sign.loc[("channel_occlusion", FRAMES, "all", RANK), "value"] == 0
    assert ("channel_occlusion", FRAMES, "all", MASS) not in wrong_sign.index  # nothing speaks for the cells' own outcome
    shifted = score(lambda label: [(name, CHANNELS[CHANNELS.index(part) - 1], own) for name, part, own in perfect(label)], labels=(0,))
    assert shifted.loc[("channel_occlusion", FRAMES, "all", MASS), "value"] == 1
    assert shifted.loc[("channel_occlusion", FRAMES_CHANNELS, "all", MASS), "value"] == 0
    attention = score(lambda label: [("attention", "all", np.abs(sum(own for *_, own in perfect(label))))])
    assert attention.loc[("attention", FRAMES, "all", RANK), "value"] == 1
    assert "frame x channel" not in attention.index.get_level_values("level")


def test_rings_count_for_their_channel_and_times_for_none():
    def rings(label):
        found = [("risks_occlusion", f"{channel}-ring{ring}", own / 2) for ring in (0, 1) for _, channel, own in perfect(label)]
        return [*found, ("risks_occlusion", "hours of track", np.zeros(10))]

    assert score(rings).loc[("risks_occlusion", FRAMES_CHANNELS, "all", AUC_PR), "value"] == pytest.approx(1)


def test_no_right_cell_gives_no_row():
    cells, values, predictions, trajectories = tables_of(perfect)
    wrong = predictions.assign(logit=-predictions["logit"])
    assert len(score_explanations(cells, values, wrong, trajectories, NAMES, UNITS)) == 0
