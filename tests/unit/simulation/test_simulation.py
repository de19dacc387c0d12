"""The simulator: what it says is what the pixels show, and with the effects off nothing shows the fate."""

import json
from dataclasses import replace
from functools import partial

import h5py
import numpy as np
import pandas as pd
import pytest
import tifffile
from scipy.signal import find_peaks
from scipy.stats import mannwhitneyu

from cellfate.base.errors import InputError
from cellfate.figures.recording.simulated import plot_simulation_montage
from cellfate.simulation import programmes
from cellfate.simulation import recording as simulation
from cellfate.simulation.files import coco_video, read_true_masks, read_truth, write_simulated_recording
from cellfate.simulation.motion import place_cells, push, walk
from cellfate.simulation.programmes import Cell, Conditions, effect_course, grade_effects, programme
from cellfate.simulation.render import expose, render_cells, simulate_field, texture_bank
from cellfate.simulation.settings import (
    APOPTOSIS,
    APOPTOTIC,
    CHANNELS,
    COURSES,
    EFFECTS,
    FATE_EFFECTS,
    MITOSIS,
    MITOTIC,
    NO_FATE,
    PHASES,
    Camera,
    Grading,
    SimulationSettings,
    only_effects,
    simulation_settings,
)

SMALL = {"n_frames": 40, "frame_shape": [200, 200], "n_cells": 9, "fated_cells": 4, "sister_pairs": 1, "leaving_cells": 1}
TREATED = {"treatment": "cisplatin", "dose": "medium", "treatment_start_h": 3.0}
simulate = partial(simulation.simulate_recording, frame_interval_min=30.0)


@pytest.fixture(scope="module")
def small():
    return simulate("small", SMALL, seed=3, **TREATED)


def _flip_fates(monkeypatch):
    draw = simulation.draw_fates

    def flipped(rng, families, *arguments):
        draw(rng, families, *arguments)
        for cell in (cell for family in families for cell in family):
            cell.fate = MITOSIS if cell.fate == APOPTOSIS else APOPTOSIS

    monkeypatch.setattr(simulation, "draw_fates", flipped)


# what the images may and may not tell


def test_without_effects_exchanged_fates_leave_every_pixel_as_it_was(monkeypatch):
    settings = only_effects(simulation_settings(SMALL), ())
    plain = simulate("a", settings, seed=1, **TREATED)
    _flip_fates(monkeypatch)
    flipped = simulate("a", settings, seed=1, **TREATED)
    long = plain.cells["last_frame"] - plain.cells["first_frame"] > 10
    fated = long & (plain.cells["fate"] != "none")
    assert fated.sum() == 6
    assert (plain.cells["fate"][fated] != flipped.cells["fate"][fated]).all()
    np.testing.assert_array_equal(plain.images, flipped.images)
    np.testing.assert_array_equal(plain.masks, flipped.masks)
    pd.testing.assert_frame_equal(plain.tracks, flipped.tracks)


def test_without_effects_the_dose_leaves_every_pixel_as_it_was():
    settings = only_effects(simulation_settings(SMALL), ())
    treated = simulate("a", settings, seed=1, **TREATED)
    untreated = simulate("a", settings, seed=1)
    np.testing.assert_array_equal(treated.images, untreated.images)


def test_with_effects_exchanged_fates_change_the_image(monkeypatch):
    plain = simulate("a", SMALL, seed=1, **TREATED)
    _flip_fates(monkeypatch)
    flipped = simulate("a", SMALL, seed=1, **TREATED)
    assert (plain.images != flipped.images).any()


def test_length_and_start_of_tracks_do_not_depend_on_the_fate():
    settings = simulation_settings({"n_cells": 900, "fated_cells": 400, "sister_pairs": 200, "leaving_cells": 0})
    cells = simulation.plan_cells(settings, Conditions(7, 0.5, 20), 0.5)
    usable = [c for c in cells if c.end == "event" and c.last_frame - c.first_frame + 1 > 10]
    assert len(usable) == 800
    lengths = {fate: [c.last_frame - c.first_frame + 1 for c in usable if c.fate == fate] for fate in (MITOSIS, APOPTOSIS)}
    assert mannwhitneyu(lengths[MITOSIS], lengths[APOPTOSIS]).pvalue > 0.01
    inside = np.mean([55 <= n <= 75 for n in lengths[MITOSIS] + lengths[APOPTOSIS]])
    assert 0.75 < inside < 0.95
    assert all(c.last_frame + 1 == c.event_frame for c in usable)


def test_early_mothers_are_too_short_to_be_used():
    cells = simulation.plan_cells(SimulationSettings(), Conditions(5, 0.5, 20), 0.5)
    mothers = [c for c in cells if c.end == "mother"]
    assert len(mothers) == 2
    assert all(c.last_frame - c.first_frame + 1 <= 10 for c in mothers)


# onsets


@pytest.mark.parametrize("name", MITOTIC + APOPTOTIC + COURSES)
def test_every_effect_changes_the_image_exactly_from_its_onset(name):
    settings = only_effects(simulation_settings(SMALL), (name,))
    off = only_effects(settings, ())
    fate = MITOSIS if name in MITOTIC else APOPTOSIS
    cell = Cell((0,), 1, event_frame=35, fate=fate, end="event", last_frame=34)
    grade_effects(cell, settings, Conditions(11, 0.5, np.inf))
    onset = cell.onsets[name]
    conditions = Conditions(11, 0.5, np.inf)
    bare = Cell((0,), 1, event_frame=35, fate=fate, end="event", last_frame=34)
    shown, plain = programme(cell, settings, conditions), programme(bare, off, conditions)
    bank = texture_bank(np.random.default_rng(0))
    place = np.array([[50.3, 49.8]])
    different = []
    for t in range(35):
        with_effect, _ = render_cells(programmes.cells_in_frame([cell], [shown], place, t), (100, 100), bank)
        without, _ = render_cells(programmes.cells_in_frame([bare], [plain], place, t), (100, 100), bank)
        different.append(np.abs(with_effect - without).max() > 0.01)
    gone = onset + 10 if name == "p53_transient" else 35  # five hours
    np.testing.assert_array_equal(different, (np.arange(35) >= onset) & (np.arange(35) < gone))
    nominal = getattr(settings.effects, name).onset
    assert min(0.7 * nominal - 1, 35) <= 35 - onset <= 1.3 * nominal + 1


def test_effects_that_are_switched_off_have_no_onset(small):
    only = simulate("small", SMALL | {"effects": {"only": ["p53_sustained"]}}, seed=3, **TREATED)
    long_dead = only.cells["fate"] == APOPTOSIS
    assert (only.cells.loc[long_dead, "onset_p53_sustained"] >= 0).all()
    for name in set(FATE_EFFECTS) - {"p53_sustained"}:
        assert (only.cells[f"onset_{name}"] == -1).all()
        assert (only.cells[f"strength_{name}"] == 0).all()


def test_the_onset_in_the_truth_lies_in_the_track_and_before_the_event(small):
    cells = small.cells
    for name in FATE_EFFECTS:
        shown = cells[cells[f"onset_{name}"] >= 0]
        assert set(shown["fate"]) <= {MITOSIS if name in MITOTIC else APOPTOSIS}
        assert (shown[f"onset_{name}"] >= shown["first_frame"]).all()
        assert (shown[f"onset_{name}"] < shown["event_frame"]).all()
    assert (cells.loc[cells["fate"] == APOPTOSIS, [f"onset_{n}" for n in APOPTOTIC]] >= 0).all(axis=None)


def test_frequent_pulses_have_the_mean_level_of_others_and_twice_their_number():
    settings, conditions, ratios = SimulationSettings(p53_interval_h=20.0), Conditions(5, 0.5, np.inf), []
    for number in range(12):
        usual = programmes.p53_pulses(np.random.default_rng(number), 2000, 40)
        often = programmes.frequent_pulses(usual, np.random.default_rng(100 + number), settings, conditions)
        assert often.mean() == pytest.approx(usual.mean())
        ratios.append(len(find_peaks(often)[0]) / len(find_peaks(usual)[0]))
    assert 1.8 < np.mean(ratios) < 2.1


def test_effects_that_no_frame_tells_are_off_unless_asked_for():
    assert not any(getattr(SimulationSettings().effects, name).on for name in COURSES + PHASES)


def test_the_sum_of_p53_tells_more_than_any_frame():
    settings, conditions = only_effects(SimulationSettings(), ("p53_integral",)), Conditions(8, 0.5, np.inf)
    levels = {fate: [] for fate in (MITOSIS, APOPTOSIS)}
    for number in range(300):
        cell = Cell((number,), number, event_frame=70, fate=APOPTOSIS if number % 2 else MITOSIS)
        grade_effects(cell, settings, conditions)
        none = np.zeros(settings.n_frames)
        levels[cell.fate].append(programmes.reporters(cell, cell.path, settings, conditions, none, none)[:70, programmes.P53])
    died, divided = (np.array(levels[fate]) for fate in (APOPTOSIS, MITOSIS))

    def told(a: np.ndarray, b: np.ndarray) -> float:
        return mannwhitneyu(a, b).statistic / (len(a) * len(b))

    single = max(told(died[:, t], divided[:, t]) for t in range(70))
    assert single < 0.75
    assert told(died[:, 40:].mean(axis=1), divided[:, 40:].mean(axis=1)) > single + 0.05


def test_the_phase_when_the_drug_comes_tells_the_fate_and_is_forgotten():
    settings, conditions = only_effects(SimulationSettings(grading=Grading(0, 0, 0, 0, 0, 0)), ("cycle_phase",)), Conditions(8, 0.5, 20)
    levels = {fate: [] for fate in (MITOSIS, APOPTOSIS, NO_FATE)}
    for number in range(90):
        fate = list(levels)[number % 3]
        cell = Cell((number,), number, event_frame=-1 if fate == NO_FATE else 70, fate=fate)
        grade_effects(cell, settings, conditions)
        assert cell.onsets == ({} if fate == NO_FATE else {"cycle_phase": 20})
        levels[fate].append(programmes.phase_course(cell, settings, conditions))
    divided, died, other = (np.array(rows) for rows in levels.values())
    assert divided[:, 20].max() <= 0.5 <= died[:, 20].min()
    assert other[:, 20].min() < 0.2
    assert other[:, 20].max() > 0.8
    assert not any(rows[:, 24:].any() for rows in (divided, died, other))
    late = Cell((1,), 1, first_frame=30, event_frame=70, fate=MITOSIS)
    grade_effects(late, settings, conditions)
    assert late.onsets == {}
    assert not programmes.phase_course(late, settings, conditions).any()


def test_fated_cells_that_are_lost_are_censored_in_the_annotations(tmp_path):
    settings = SMALL | {"n_cells": 40, "fated_cells": 20, "leaving_cells": 0, "frame_shape": [300, 300]}
    kept = simulate("a", settings, seed=2, **TREATED)
    lost = simulate("a", settings | {"lost_fated_fraction": 0.5}, seed=2, **TREATED)
    np.testing.assert_array_equal(kept.images, lost.images)
    gone = lost.cells[(lost.cells["end"] == "lost") & (lost.cells["event_frame"] >= 0)]
    assert 5 <= len(gone) <= 18
    assert (gone["last_frame"] < gone["event_frame"] - 1).all()
    assert set(gone["fate"]) <= {MITOSIS, APOPTOSIS}
    annotations = pd.DataFrame(coco_video(lost)["annotations"])
    of_lost = annotations[annotations["cell_id"].isin(gone["track_id"])]
    assert len(of_lost) > 0
    assert of_lost[["time_of_death", "time_of_division"]].isna().all(axis=None)
    assert set(of_lost["category_id"]) == {1}
    others = annotations[~annotations["cell_id"].isin(gone["track_id"])]
    assert (others["category_id"] > 1).sum() == (lost.cells["event_frame"] >= 0).sum() - len(gone)


def test_p53_rises_in_dying_cells_and_masks_shrink():
    settings = simulation_settings(SMALL | {"grading": {"weak_fraction": 0, "missing_fraction": 0, "plain_fraction": 0}})
    rise, area = {MITOSIS: [], APOPTOSIS: []}, {MITOSIS: [], APOPTOSIS: []}
    for number in range(4):
        r = simulate(f"r{number}", settings, seed=5, **TREATED)
        for cell in r.cells[(r.cells["end"] == "event") & (r.cells["last_frame"] - r.cells["first_frame"] > 20)].itertuples():
            level = [_body_mean(r, cell.track_id, t) for t in range(cell.first_frame, cell.event_frame)]
            rise[cell.fate].append(np.mean(level[-10:]) / np.mean(level[:8]))
            sizes = [(r.masks[t] == cell.track_id).sum() for t in (cell.event_frame - 8, cell.event_frame - 1)]
            area[cell.fate].append(sizes[1] / sizes[0])
    assert min(len(values) for values in rise.values()) >= 5
    assert np.median(rise[APOPTOSIS]) > 1.25 * np.median(rise[MITOSIS])
    assert np.median(area[APOPTOSIS]) < 0.85
    assert np.median(area[MITOSIS]) < 0.85  # rounding: smaller too, but round


def _body_mean(recording, label, frame):
    body = recording.masks[frame] == label
    return recording.images[frame, ..., 1][body].mean() - np.median(recording.images[frame, ..., 1])


def test_plain_cells_have_weak_shapes_and_full_reporters():
    settings = SimulationSettings(grading=Grading(weak_fraction=0, plain_fraction=0.5, missing_fraction=0, weak_strength=0.1, spread=0.2))
    cells = [Cell((i,), i, event_frame=60, fate=APOPTOSIS) for i in range(300)]
    for cell in cells:
        grade_effects(cell, settings, Conditions(2, 0.5, np.inf))
    plain = np.array([c.strengths["shrinkage"] < 0.2 for c in cells])
    assert 0.4 < plain.mean() < 0.6
    for name in ("stretching", "blebbing"):
        np.testing.assert_array_equal(plain, [c.strengths[name] < 0.2 for c in cells])
    assert min(c.strengths["p53_sustained"] for c in cells) >= 0.8


def _after_the_event(fate, on):
    settings = only_effects(SimulationSettings(), ("aftermath",) if on else ())
    cell = Cell((0,), 5, event_frame=20, fate=fate, end="event", last_frame=19)
    shape = programme(cell, settings, Conditions(1, 0.5, np.inf))
    bank, place = texture_bank(np.random.default_rng(0)), np.array([[50.0, 50.0]])
    frames = [render_cells(programmes.cells_in_frame([cell], [shape], place, t), (100, 100), bank) for t in range(18, 32)]
    return [light.sum() for light, _ in frames], [labels.max() for _, labels in frames]


def test_from_the_event_on_a_dead_cell_is_unlabelled_fragments_that_fade():
    light, label = _after_the_event(APOPTOSIS, on=True)
    assert label == [5, 5] + [0] * 12
    assert (np.diff(light[2:10]) < 0).all()
    assert light[9] > 0
    assert light[10] == 0


def test_from_the_event_on_a_divided_cell_is_gone():
    light, label = _after_the_event(MITOSIS, on=True)
    assert label == [5, 5] + [0] * 12
    assert light[2] == 0


def test_without_the_aftermath_both_fates_fade_alike():
    assert _after_the_event(MITOSIS, on=False) == _after_the_event(APOPTOSIS, on=False)


def test_the_drug_raises_p53_from_its_time_on_whatever_the_fate():
    cell, conditions = Cell((0,), 1), Conditions(1, 0.5, 30)
    with_drug = programme(cell, only_effects(SimulationSettings(), ("drug_response",)), conditions).nuclear
    without = programme(cell, only_effects(SimulationSettings(), ()), conditions).nuclear
    np.testing.assert_array_equal(with_drug[:30], without[:30])
    assert with_drug[30:, 1].mean() > 1.05 * without[30:, 1].mean()
    np.testing.assert_array_equal(with_drug[:, [0, 2]], without[:, [0, 2]])


@pytest.mark.parametrize(("period_h", "interval_h"), [(24, 0.5), (24, 1.0), (12, 0.5), (30, 0.25)])
def test_the_circadian_reporter_goes_round_once_in_its_period(period_h, interval_h):
    """Of 40 periods that are tried, the one by which the reporter of many cells goes is the one that was asked for."""
    settings = replace(only_effects(SimulationSettings(), ()), n_frames=int(4 * period_h / interval_h), circadian_period_h=float(period_h))
    cells = [programme(Cell((i,), i + 1), settings, Conditions(1, interval_h, np.inf)).nuclear[:, 0] for i in range(6)]
    levels = np.mean([level / level.mean() for level in cells], axis=0)
    hours = np.arange(settings.n_frames) * interval_h
    tried = period_h * np.linspace(0.4, 2.4, 41)
    strength = [abs(np.exp(2j * np.pi * hours / period) @ (levels - levels.mean())) for period in tried]
    assert tried[np.argmax(strength)] == pytest.approx(period_h, rel=0.06)


def test_the_course_of_an_effect_by_hand():
    cell = Cell((0,), 1, event_frame=8, fate=APOPTOSIS, onsets={"stretching": 3}, strengths={"stretching": 2.0})
    np.testing.assert_allclose(effect_course(cell, "stretching", 10, 4), [0, 0, 0, 0.5, 1, 1.5, 2, 2, 2, 2])


def test_weak_cells_and_missing_effects_are_graded():
    settings = SimulationSettings(
        grading=Grading(weak_fraction=0.3, plain_fraction=0.0, missing_fraction=0.2, weak_strength=0.1, spread=0.2)
    )
    cells = [Cell((i,), i, event_frame=60, fate=APOPTOSIS) for i in range(400)]
    for cell in cells:
        grade_effects(cell, settings, Conditions(2, 0.5, np.inf))
    weak = np.array([c.weak for c in cells])
    strength = np.array([c.strengths["stretching"] for c in cells])
    assert 0.22 < weak.mean() < 0.38
    assert strength[weak].max() <= 0.12
    assert 0.13 < (strength[~weak] < 0.2).mean() < 0.27
    onsets = {60 - c.onsets["blebbing"] for c in cells}
    assert onsets == {2, 3, 4}


# fates


def test_fates_depend_on_the_dose_and_only_after_the_drug():
    settings = simulation_settings({"n_cells": 600, "fated_cells": 600, "sister_pairs": 0, "leaving_cells": 0})
    share = {}
    for dose, frame in (("high", 20), ("low", 20), ("high", 1000)):
        cells = simulation.plan_cells(settings, Conditions(1, 0.5, frame), settings.death_probability[dose])
        share[dose, frame] = np.mean([c.fate == APOPTOSIS for c in cells if c.end == "event"])
    assert share["high", 20] == pytest.approx(0.55, abs=0.01)
    assert share["low", 20] == pytest.approx(0.45, abs=0.01)
    assert share["high", 1000] == pytest.approx(0.10, abs=0.01)


def test_both_fates_occur_in_every_treated_recording():
    settings = SimulationSettings()
    for seed in range(60):
        cells = simulation.plan_cells(settings, Conditions(seed, 0.5, 20), 0.45)
        fates = [c.fate for c in cells if c.end == "event"]
        assert len(fates) == 11
        assert {MITOSIS, APOPTOSIS} == set(fates)


def test_sisters_share_their_fates_more_often_than_strangers():
    settings = simulation_settings({"n_cells": 500, "fated_cells": 0, "sister_pairs": 500, "leaving_cells": 0, "sister_concordance": 0.8})
    cells = simulation.plan_cells(settings, Conditions(4, 0.5, 0), 0.5)
    pairs = {}
    for cell in cells:
        if cell.end == "event":
            pairs.setdefault(cell.parent.track_id, []).append(cell.fate == APOPTOSIS)
    assert len(pairs) == 500
    same = np.mean([a == b for a, b in pairs.values()])
    assert same == pytest.approx(0.8 + 0.2 * 0.5, abs=0.05)  # own draws agree by chance in half of the rest


def test_tracks_end_in_every_way(small):
    many = simulate("many", SMALL | {"n_cells": 24, "frame_shape": [300, 300], "leaving_cells": 3}, seed=8, **TREATED)
    assert {"event", "lost", "left", "end"} == set(many.cells["end"])
    cells = many.cells.set_index("track_id")
    assert (cells.loc[cells["end"] != "event", "fate"] == "none").all()
    assert (cells.loc[cells["end"] == "end", "last_frame"] == 39).all()
    assert (cells.loc[cells["end"] == "event", "last_frame"] + 1 == cells.loc[cells["end"] == "event", "event_frame"]).all()
    daughters = cells[cells["parent_id"] >= 0]
    assert (daughters["first_frame"].to_numpy() == cells.loc[daughters["parent_id"], "event_frame"].to_numpy()).all()
    assert (daughters["lineage"].to_numpy() == cells.loc[daughters["parent_id"], "lineage"].to_numpy()).all()


# pixels


def test_the_seed_and_the_name_decide_every_pixel(small):
    again = simulate("small", SMALL, seed=3, **TREATED)
    np.testing.assert_array_equal(small.images, again.images)
    pd.testing.assert_frame_equal(small.cells, again.cells)
    for name, seed in (("small", 4), ("other", 3)):
        different = simulate(name, SMALL, seed=seed, **TREATED)
        assert (different.images != small.images).mean() > 0.5


def test_images_and_masks_have_the_declared_form(small):
    assert small.images.shape == (40, 200, 200, 3)
    assert small.images.dtype == small.masks.dtype == np.uint16
    assert 100 < np.median(small.images) < 400
    assert small.images.max() < 65535
    assert set(np.unique(small.masks)) - {0} <= set(small.cells["track_id"])


def test_bodies_stand_out_in_every_channel(small):
    for channel in range(3):
        body, outside = small.images[..., channel][small.masks > 0], small.images[..., channel][small.masks == 0]
        assert np.percentile(body, 25) > np.percentile(outside, 75)


def test_tracks_are_the_centroids_of_the_masks(small):
    for row in small.tracks.iloc[::37].itertuples():
        rows, columns = np.nonzero(small.masks[row.frame] == row.track_id)
        assert len(rows) > 50
        assert (row.y, row.x) == pytest.approx((rows.mean(), columns.mean()))
        assert (row.box_height, row.box_width) == (np.ptp(rows) + 1, np.ptp(columns) + 1)


def test_no_mask_before_the_first_frame_or_after_the_event(small):
    for cell in small.cells.itertuples():
        present = (small.masks == cell.track_id).any(axis=(1, 2))
        assert not present[: cell.first_frame].any()
        if cell.event_frame >= 0:
            assert not present[cell.event_frame :].any()


def test_masks_are_of_a_size_that_crops_can_hold(small):
    assert small.tracks[["box_height", "box_width"]].to_numpy().max() <= 85
    assert 25 <= small.tracks["box_height"].median() <= 48


def test_touching_cells_share_no_pixel_and_no_gap():
    settings = SimulationSettings()
    cells = [Cell((i,), i + 1) for i in range(2)]
    shapes = [programme(c, settings, Conditions(1, 0.5, np.inf)) for c in cells]
    places = np.array([[60.0, 45.0], [60.0, 70.0]])
    _, labels = render_cells(programmes.cells_in_frame(cells, shapes, places, 0), (120, 120), texture_bank(np.random.default_rng(0)))
    alone = [
        render_cells(programmes.cells_in_frame([c], [p], places[i : i + 1], 0), (120, 120), texture_bank(np.random.default_rng(0)))[1] > 0
        for i, (c, p) in enumerate(zip(cells, shapes, strict=True))
    ]
    np.testing.assert_array_equal(labels > 0, alone[0] | alone[1])
    assert (alone[0] & alone[1]).any()


def round_cells(*places):
    """Round cells of one size without texture at places (y, x): their light, each alone and all together, and the labels."""
    settings, bank = only_effects(SimulationSettings(), ("rounding",)), np.zeros_like(texture_bank(np.random.default_rng(0)))
    cells = [Cell((0,), i + 1) for i in range(len(places))]  # of one stream, so alike
    shapes = [programme(cell, settings, Conditions(1, 0.5, np.inf)) for cell in cells]
    for shape in shapes:
        shape.wobble[:] = 0
        shape.ratio[:] = 1

    def drawn(which):
        where = np.array([places[i] for i in which], float)
        return render_cells(programmes.cells_in_frame([cells[i] for i in which], [shapes[i] for i in which], where, 0), (120, 120), bank)

    every = range(len(places))
    return [drawn([i])[0] for i in every], *drawn(every), shapes[0].radius[0]


def test_a_pixel_between_touching_cells_belongs_to_the_nearer_one_and_is_lit_once():
    """Two equal discs, 1.2 radii apart: the border is the line between them, whichever is drawn first, and no light is counted twice."""
    _, _, _, radius = round_cells((60.0, 60.0))
    left, right = 60 - 0.6 * radius, 60 + 0.6 * radius
    for places, names in (([(60.0, left), (60.0, right)], (1, 2)), ([(60.0, right), (60.0, left)], (2, 1))):
        alone, together, labels, _ = round_cells(*places)
        x = np.arange(120)[None, :] + np.zeros((120, 1))
        assert set(labels[(labels > 0) & (x < 59)]) == {names[0]}
        assert set(labels[(labels > 0) & (x > 61)]) == {names[1]}
        assert (labels == 1).sum() == pytest.approx((labels == 2).sum(), rel=0.05)
        own = {name: alone[name - 1] for name in (1, 2)}
        deep = np.abs(x - 60) > 0.25 * radius
        for name, light in own.items():  # where a cell lies clearly deeper, the other has no light
            there = (labels == name) & deep
            np.testing.assert_allclose(together[there], light[there], rtol=0.02)
        assert together[labels > 0].max() <= 1.02 * max(light.max() for light in own.values())
        line = together[55:66, 60, 0]
        assert (line <= np.maximum(*(light[55:66, 60, 0] for light in own.values())) * 1.02).all()


def test_the_area_of_a_round_cell_is_that_of_its_circle():
    settings = only_effects(SimulationSettings(), ("rounding",))
    shape = programme(Cell((0,), 1), settings, Conditions(1, 0.5, np.inf))
    shape.wobble[:] = 0
    cells = programmes.cells_in_frame([Cell((0,), 7)], [shape], np.array([[50.0, 50.0]]), 0)
    _, labels = render_cells(cells, (100, 100), texture_bank(np.random.default_rng(0)))
    assert set(np.unique(labels)) == {0, 7}
    assert (labels == 7).sum() == pytest.approx(np.pi * shape.radius[0] ** 2, rel=0.02)


def test_a_cell_over_the_border_is_cut_not_moved():
    shape = programme(Cell((0,), 1), SimulationSettings(), Conditions(1, 0.5, np.inf))
    bank = texture_bank(np.random.default_rng(0))
    inside, _ = render_cells(programmes.cells_in_frame([Cell((0,), 1)], [shape], np.array([[50.0, 50.0]]), 0), (100, 100), bank)
    for shift in ((-45, 3), (48, -49)):
        place = np.array([[50.0 + shift[0], 50.0 + shift[1]]])
        cut, _ = render_cells(programmes.cells_in_frame([Cell((0,), 1)], [shape], place, 0), (100, 100), bank)
        moved = np.zeros_like(cut)
        y, x = np.mgrid[:100, :100]
        ok = (y - shift[0] >= 0) & (y - shift[0] < 100) & (x - shift[1] >= 0) & (x - shift[1] < 100)
        moved[ok] = inside[(y - shift[0])[ok], (x - shift[1])[ok]]
        np.testing.assert_allclose(cut, moved, atol=1e-2)


def test_noise_is_shot_and_read_noise():
    camera = Camera(offset=100, gain=0.5, read_noise=4)
    light = np.full((400, 400), 800, np.float32)
    counts = expose(light, np.random.default_rng(0).standard_normal(light.shape), camera)
    assert counts.dtype == np.uint16
    assert counts.mean() == pytest.approx(900, abs=0.5)
    # 1600 electrons: variance 1600 + 16, in counts x 0.25, and a twelfth from rounding
    assert counts.std() == pytest.approx(np.sqrt(0.25 * (1600 + 16) + 1 / 12), rel=0.02)


def test_the_light_bleaches_and_the_corners_are_dark():
    settings = simulation_settings({"n_cells": 0, "fated_cells": 0, "sister_pairs": 0, "leaving_cells": 0, "n_frames": 12})
    settings = replace(settings, frame_shape=(200, 200), camera=Camera(background=500, bleaching=0.5, vignette=0.6))
    r = simulate("empty", settings, seed=1)
    assert len(r.tracks) == 0
    light = r.images.astype(float) - 100
    assert (light[-1].mean(axis=(0, 1)) < 0.85 * light[0].mean(axis=(0, 1))).all()
    corner = light[0][:20, :20].mean() + light[0][-20:, -20:].mean()
    assert corner < 1.6 * light[0][90:110, 90:110].mean()


# single fields


@pytest.mark.parametrize("channel", CHANNELS)
def test_single_fields(channel):
    image, labels = simulate_field(np.random.default_rng(1), size=160, n_cells=7, diameter=30, channel=channel)
    assert image.shape == labels.shape == (160, 160)
    assert image.dtype == labels.dtype == np.uint16
    assert 4 <= len(np.unique(labels)) - 1 <= 7
    assert image[labels > 0].mean() > 1.5 * image[labels == 0].mean()
    again, _ = simulate_field(np.random.default_rng(1), size=160, n_cells=7, diameter=30, channel=channel)
    np.testing.assert_array_equal(image, again)


def test_a_field_without_cells_has_no_label():
    image, labels = simulate_field(np.random.default_rng(2), size=128, n_cells=0, diameter=36, channel="p53")
    assert labels.max() == 0
    assert image.min() > 50


# motion


def test_overlapping_cells_are_pushed_apart_symmetrically():
    step = push(np.array([[0.0, 0.0], [0.0, 10.0], [50.0, 50.0]]), np.array([10.0, 10.0, 10.0]))
    # overlap 0.9 x 20 - 10 = 8, half of it to each side
    np.testing.assert_allclose(step, [[0, -4], [0, 4], [0, 0]], atol=1e-12)


def test_placed_cells_touch_but_do_not_lie_on_each_other():
    points = place_cells(np.random.default_rng(0), (384, 384), 32, 36)
    distance = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1)) + 1e3 * np.eye(32)
    assert distance.min() > 20
    assert (distance.min(1) < 45).mean() > 0.6
    assert points.min() > 0
    assert points.max() < 384


def test_walks_have_the_wanted_speed_and_persistence():
    velocity = walk(np.random.default_rng(0).standard_normal((50, 400, 2)), speed=1.5, persistence=0.8)
    assert np.hypot(*velocity.transpose(2, 0, 1)).mean() == pytest.approx(1.5, rel=0.05)
    assert np.corrcoef(velocity[:, :-1].ravel(), velocity[:, 1:].ravel())[0, 1] == pytest.approx(0.8, abs=0.03)


# files


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    paths = {"images": folder / "images" / "small", "annotations": folder / "small.json", "truth": folder / "small.h5"}
    write_simulated_recording(**paths, recording="small", settings=SMALL, seed=3, frame_interval_min=30.0, **TREATED)
    return paths


def test_frames_are_colour_tiffs_in_the_camera_type(written, small):
    names = sorted(p.name for p in written["images"].iterdir())
    assert names == [f"t{t:03d}.tif" for t in range(40)]
    with tifffile.TiffFile(written["images"] / "t007.tif") as file:
        page = file.pages[0]
        assert page.photometric.name == "RGB"
        assert page.compression.name == "ADOBE_DEFLATE"
        np.testing.assert_array_equal(page.asarray(), small.images[7])


def test_annotations_are_coco_video_as_published(written, small):
    coco = json.loads(written["annotations"].read_text())
    assert coco["videos"] == [{"id": 1, "name": "small"}]
    frame_of = {image["id"]: image["frame_id"] for image in coco["images"]}
    assert sorted(frame_of.values()) == list(range(40))
    assert {image["file_name"] for image in coco["images"]} == {f"t{t:03d}.tif" for t in range(40)}
    boxes = [a for a in coco["annotations"] if a["category_id"] == 1]
    assert len(boxes) == len(small.tracks)
    cells = small.cells.set_index("track_id")
    for annotation in coco["annotations"]:
        cell = cells.loc[annotation["cell_id"]]
        assert frame_of[annotation["image_id"]] == annotation["time_step"]
        assert annotation["time_of_division"] == (cell["event_frame"] if cell["fate"] == MITOSIS else None)
        assert annotation["time_of_death"] == (cell["event_frame"] if cell["fate"] == APOPTOSIS else None)
        assert all(0 <= value <= 1 for value in annotation["bbox"])


def test_boxes_are_centred_on_the_cells_with_a_small_error(written, small):
    coco = json.loads(written["annotations"].read_text())
    exact = small.tracks.set_index(["track_id", "frame"])
    errors = []
    for a in coco["annotations"]:
        if a["category_id"] == 1:
            at = exact.loc[(a["cell_id"], a["time_step"])]
            errors.append((200 * a["bbox"][0] - at["x"], 200 * a["bbox"][1] - at["y"]))
            assert a["bbox"][2:] == pytest.approx([at["box_width"] / 200, at["box_height"] / 200], abs=1e-5)
    errors = np.array(errors)
    assert np.abs(errors.mean(0)).max() < 0.15
    np.testing.assert_allclose(errors.std(0), 0.7, rtol=0.15)


def test_event_boxes_and_ids_out_of_order_are_there_for_readers_to_cope_with(small):
    coco = coco_video(small)
    events = [a for a in coco["annotations"] if a["category_id"] != 1]
    fated = small.cells[small.cells["event_frame"] >= 0].set_index("track_id")
    assert sorted(a["cell_id"] for a in events) == sorted(fated.index)
    for a in events:
        assert a["time_step"] == fated.loc[a["cell_id"], "event_frame"]
        assert a["category_id"] == {MITOSIS: 2, APOPTOSIS: 3}[fated.loc[a["cell_id"], "fate"]]
    steps = [a["time_step"] for a in sorted(coco["annotations"], key=lambda a: a["id"])]
    assert steps != sorted(steps)
    ids = [a["id"] for a in coco["annotations"]]
    assert len(set(ids)) == len(ids)


def test_the_truth_file_gives_back_what_was_simulated(written, small):
    truth = read_truth(written["truth"])
    pd.testing.assert_frame_equal(truth.cells, small.cells)
    pd.testing.assert_frame_equal(truth.tracks, small.tracks)
    assert truth.attributes["dose"] == "medium"
    assert truth.attributes["treatment_frame"] == 6
    assert truth.attributes["settings"]["n_frames"] == 40
    np.testing.assert_array_equal(read_true_masks(written["truth"]), small.masks)
    np.testing.assert_array_equal(read_true_masks(written["truth"], 4), small.masks[4])
    with h5py.File(written["truth"]) as file:
        assert file["masks"].dtype == np.uint16
        assert file["masks"].compression == "gzip"


def test_a_broken_truth_file_is_named(tmp_path):
    path = tmp_path / "broken.h5"
    path.write_bytes(b"no")
    with pytest.raises(InputError, match=r"broken\.h5"):
        read_truth(path)


# settings


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"n_frame": 10}, "simulation.n_frame: unknown key"),
        ({"effects": {"rounding": {"onsett": 2}}}, "simulation.effects.rounding.onsett: unknown key"),
        ({"effects": {"only": ["rouding"]}}, "rouding"),
        ({"effects": {"rounding": {"on": 1}}}, "simulation.effects.rounding.on: a truth value"),
        ({"effects": {"blebbing": {"onset": 0}}}, "simulation.effects.blebbing.onset is 0"),
        ({"camera": 3}, "simulation.camera: a mapping"),
        ({"n_frames": "many"}, "simulation.n_frames: a number"),
        ({"n_frames": 3}, "simulation.n_frames is 3"),
        ({"frame_shape": [384]}, "simulation.frame_shape: 2 numbers"),
        ({"fated_length": [0.9, 0.5]}, "simulation.fated_length"),
        ({"death_probability": {"high": 1.5}}, "simulation.death_probability.high is 1.5"),
        ({"n_cells": 5}, "simulation.n_cells is 5"),
    ],
)
def test_wrong_settings_are_named(mapping, message):
    with pytest.raises(InputError, match=message):
        simulation_settings(mapping)


def test_settings_keep_their_defaults_and_take_nested_changes():
    settings = simulation_settings({"effects": {"rounding": {"onset": 4}}, "death_probability": {"extreme": 0.9}, "speed": 2})
    assert settings.effects.rounding.onset == 4
    assert settings.effects.rounding.on
    assert settings.effects.blebbing == SimulationSettings().effects.blebbing
    assert settings.death_probability["extreme"] == 0.9
    assert settings.death_probability["high"] == 0.55
    assert settings.speed == 2.0
    only = simulation_settings({"effects": {"only": ["rounding"], "rounding": {"onset": 2}}})
    assert [name for name in EFFECTS if getattr(only.effects, name).on] == ["rounding"]
    assert only.effects.rounding.onset == 2


def test_an_unknown_dose_is_named():
    with pytest.raises(InputError, match="recording r7: dose is 'huge'"):
        simulate("r7", SMALL, seed=0, treatment="cisplatin", dose="huge")


def test_montage_has_a_row_per_cell_and_a_column_per_time(small):
    figure = plot_simulation_montage(small, hours=(5, 1, 0), per_fate=2)
    assert len(figure.axes) == 4 * 3
    assert figure.axes[0].get_title() == "5 h"
    shown = np.asarray(figure.axes[1].get_images()[0].get_array())
    assert shown.shape == (88, 88, 3)
    assert shown[34:54, 34:54].mean() > 0.2
