"""Frames hidden in the order of a method, the scores made of that, their verdicts, and whole folds of few, short or plain cells."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from toy_attributions import random_ensemble, random_network
from toy_crops import toy_data
from toy_risks import INPUTS

from cellfate.base.tables import check_table
from cellfate.crops.crop_set import CropSet
from cellfate.crops.rings import ring_columns
from cellfate.evaluation.ablations.inputs import FoldFiles
from cellfate.evaluation.scoring import Units
from cellfate.explanation.attributions.deletion import SIGNED, SIZE, STEPS, delete_frames, hidden_by, hidden_counts, order_of
from cellfate.explanation.attributions.fold import Explanation, PublishedNetwork, RisksNetwork, explain_fold
from cellfate.explanation.attributions.names import METHODS, PUBLISHED, RANDOM, RECENCY, RISKS
from cellfate.explanation.attributions.scores import GAP, attribution_curves, cell_scores, score_attributions, verdict
from cellfate.explanation.tables import ATTRIBUTED, ATTRIBUTION_CURVES, ATTRIBUTION_SCORES, ATTRIBUTIONS, DELETIONS
from cellfate.model.embedding import embed_crops
from cellfate.model.risks.inputs import FrameInputs
from cellfate.model.scaling import compute_scaling
from cellfate.report.sections.attributions import attributions_section, missing_attributions

UNITS = Units("recording", ("apoptosis", "mitosis"))
CHEAP = [name for name in METHODS if name != "channel_gradients"]


class Sum:
    """A cell whose log-odds are the sum of what its frames say."""

    def __init__(self, said):
        self.said, self.frames = np.asarray(said, float), np.arange(len(said))

    def logits(self, hidden):
        return (~np.asarray(hidden) * self.said).sum(axis=1)


def test_frames_are_ordered_by_what_they_say_for_the_predicted_outcome_or_by_size():
    values = np.array([1.0, -3.0, 2.0, 0.0])
    assert order_of(values, 1.0, SIGNED).tolist() == [2, 0, 3, 1]
    assert order_of(values, -1.0, SIGNED).tolist() == [1, 3, 0, 2]
    assert order_of(values, 1.0, SIZE).tolist() == [1, 2, 0, 3]
    assert hidden_by(np.array([2, 0, 1])).sum(axis=1).tolist() == hidden_counts(3).tolist() == [0, 0, 1, 1, 1, 2, 2, 2, 2, 2]
    assert all(hidden_counts(n).max() == n - 1 for n in (2, 5, 9))


def test_a_sum_is_scored_by_hand():
    """With ten frames one goes at each step: what is lost is the mean of cumulative sums."""
    said = np.array([0.1, 0.0, 0.0, 3.0, 2.0, 1.0, 0.0, 0.0, 0.0, -0.5])
    deletions = delete_frames(Sum(said), "r/1", {"occlusion": said}, seed=1)
    deletions = check_table(deletions.assign(trajectory="r/1", recording="r", fold=0, label=1, model="published"), DELETIONS, "test")
    scores = cell_scores(deletions).set_index(["method", "order"])
    best = np.sort(said)[::-1]
    assert scores.loc[("occlusion", SIGNED), "removed"] == pytest.approx(np.cumsum(best)[:9].mean())
    assert scores.loc[("occlusion", SIGNED), "kept"] == pytest.approx(np.cumsum(best[::-1])[:9].mean())
    assert scores.loc[(RECENCY, SIGNED), "removed"] == pytest.approx(np.cumsum(said[::-1])[:9].mean())
    by_size = said[np.argsort(-np.abs(said), kind="stable")]
    assert scores.loc[("occlusion", SIZE), "prediction_difference"] == pytest.approx(np.abs(by_size[:9]).sum())
    assert scores.loc[("occlusion", SIZE), "preservation"] == pytest.approx(np.abs(by_size[::-1][:9]).sum())
    assert scores.loc[("occlusion", SIGNED), GAP] > scores.loc[(RECENCY, SIGNED), GAP]
    assert scores.loc[(RANDOM, SIGNED), GAP] < scores.loc[("occlusion", SIGNED), GAP]
    assert (deletions.groupby(["method", "order", "repeat"]).size() == STEPS).all()


def deletions_of(makes, n_recordings=5, n_cells=6, seed=0):
    """Cells of sums, explained by ``makes``(said): right methods know what frames say."""
    rng, tables = np.random.default_rng(seed), []
    for recording in range(n_recordings):
        for number in range(n_cells):
            label = number % 2
            said = (2 * label - 1) * np.abs(rng.normal(size=20))
            found = delete_frames(Sum(said), f"r{recording}/{number}", {name: make(said) for name, make in makes.items()}, seed=1)
            facts = {"trajectory": f"r{recording}/{number}", "recording": f"r{recording}", "fold": 0, "label": label, "model": "published"}
            tables.append(found.assign(**facts))
    return pd.concat(tables, ignore_index=True)


def attributed_of(deletions, method="occlusion"):
    cells = deletions.drop_duplicates("trajectory")[["trajectory", "recording", "fold", "label", "model"]]
    known = {"n_frames": 20, "seconds": 0.1, "expected": None, "delta": None, "converged": None, "randomised": 0.1}
    return cells.assign(method=method, **known)[list(ATTRIBUTED.columns)]


def score(deletions, attributed=None):
    attributed = attributed_of(deletions) if attributed is None else attributed
    groups = dict.fromkeys(deletions["trajectory"].unique(), "g")
    return check_table(score_attributions(deletions, attributed, groups, UNITS), ATTRIBUTION_SCORES, "test")


def gaps_of(table):
    rows = table[(table["score"] == GAP) & (table["order"] == SIGNED)]
    return rows.set_index(["method", "class"])


def test_verdicts_of_methods_that_know_that_know_nothing_and_that_are_wrong():
    rng = np.random.default_rng(3)
    makes = {"occlusion": lambda said: said, "attention": lambda said: rng.normal(size=len(said)), "gradient_input": lambda said: -said}
    table = score(deletions_of(makes))
    gaps = gaps_of(table)
    assert gaps["verdict"].loc[[("occlusion", "all"), ("attention", "all"), ("gradient_input", "all")]].tolist() == [
        "beats",
        "not shown",
        "does not beat",
    ]
    assert gaps.loc[("occlusion", "all"), "against_recency_above"] == 30
    assert gaps.loc[("occlusion", "all"), "against_recency_p"] < 1e-6
    assert gaps.loc[("occlusion", "mitosis"), ["n", "units"]].tolist() == [15, 5]
    assert gaps.loc[(RECENCY, "all"), "verdict"] is None or pd.isna(gaps.loc[(RECENCY, "all"), "verdict"])
    section = attributions_section(table, skill(0.9, 0.7))
    assert "Occlusion of frames: beats looking at the last frames (+" in section["lines"][2]
    assert "more in 30, less in 0 of 30 cells, sign test p below 0.001" in section["lines"][2]
    assert section["rows"][1]["label"] == "gradient x input"
    assert section["rows"][-1]["label"] == "the last frames first"


def test_random_values_rarely_beat_the_last_frames():
    """The verdict of a method that knows nothing, on cells whose frames say the same everywhere: a false one in 40 is promised."""
    rng = np.random.default_rng(8)
    verdicts = [
        gaps_of(score(deletions_of({"attention": lambda said: rng.normal(size=len(said))}, seed=seed)))["verdict"][("attention", "all")]
        for seed in range(12)
    ]
    assert verdicts.count("beats") <= 2  # probability 0.003 where a false one comes in 40


def test_without_an_interval_nothing_is_shown_and_an_absent_outcome_is_said():
    few = deletions_of({"occlusion": lambda said: said}, n_recordings=1, n_cells=3)
    gaps = gaps_of(score(few[few["label"] == 0]))
    assert gaps.loc[("occlusion", "all"), "verdict"] == "not shown"
    assert gaps.loc[("occlusion", "all"), "against_recency_reason"] == "1 recording, at least 3 are needed"
    assert gaps.loc[("occlusion", "mitosis"), ["n", "reason"]].tolist() == [0, "no cell"]
    line = attributions_section(score(few[few["label"] == 0]), skill(0.9, 0.7))["lines"][0]
    assert "not shown to beat looking at the last frames" in line
    assert "no interval: 1 recording, at least 3 are needed" in line
    assert verdict(np.nan, np.nan) == "not shown"


def test_sums_that_are_off_are_said_with_what_helps():
    deletions = deletions_of({"integrated_gradients": lambda said: said})
    cells = attributed_of(deletions, "integrated_gradients").assign(expected=1.0, delta=0.5, converged="False")
    lines = attributions_section(score(deletions, cells), skill(0.9, 0.7))["lines"]
    assert lines[-1].endswith(
        "in 100 % of 30 cells the values do not add up to the difference of log-odds; more explanation.gradient_steps are needed."
    )


def skill(value, low):
    """The network's balanced accuracy on held-out cells, as the metrics table has it."""
    row = {"scope": "all", "condition": "full", "metric": "balanced_accuracy", "class": "all", "value": value, "ci_low": low}
    return pd.DataFrame([row])


def test_the_section_says_first_that_the_network_is_not_shown_to_be_better_than_chance():
    table = score(deletions_of({"occlusion": lambda said: said}))
    assert "not shown to be better than chance" in attributions_section(table, skill(0.55, 0.4))["lines"][0]
    assert "cannot be told from the recordings" in attributions_section(table, skill(0.9, np.nan))["lines"][0]
    assert attributions_section(table, skill(0.9, 0.7))["lines"][0].startswith("Occlusion of frames: beats")
    assert attributions_section(table.iloc[:0], skill(0.55, 0.4))["lines"] == []


@pytest.mark.parametrize("toward", [1.0, -1.0])
def test_a_method_without_sign_names_the_frames_that_count_whatever_is_predicted(toward):
    """Attention that lies where the frames speak is as good as signed values, also where the negative outcome is predicted."""
    said = toward * np.array([0.1, 0.1, 5.0, 4.0, 0.1, 0.1, 3.0, 0.1, 0.1, 0.1])
    rows = delete_frames(Sum(said), "r/1", {"attention": np.abs(said), "rollout": -np.abs(said) + 9, "occlusion": said}, 0)
    rows = rows.assign(trajectory="r/1", recording="r", fold=0, label=int(toward > 0), model="published")
    gaps = cell_scores(rows).set_index(["method", "order"])[GAP]
    assert gaps["attention", SIGNED] == pytest.approx(gaps["occlusion", SIGNED])
    assert gaps["attention", SIGNED] == pytest.approx(gaps["attention", SIZE])
    assert gaps["rollout", SIGNED] == pytest.approx(-gaps["occlusion", SIGNED])
    assert gaps["attention", SIGNED] > 5


def test_what_was_not_explained_is_named():
    table = score(deletions_of({"occlusion": lambda said: said}))
    assert missing_attributions(None, None) == ["Not measured: what single predictions rest on; explanation.methods is null."]
    assert missing_attributions(["occlusion"], table) == []
    assert "the models that explanation.methods explain are not there" in missing_attributions(["risks_occlusion"], None)[0]
    assert "occlusion of rings; the model that it explains is not there" in missing_attributions(["occlusion", "risks_occlusion"], table)[0]
    assert "no held-out cell with a fate" in missing_attributions(["occlusion"], table.iloc[:0])[0]


class Embedded:
    """Stands in for the embeddings file, made of the crops when it is read."""

    def __init__(self, model, cropset, scaling, trajectories):
        self.trajectories = trajectories["trajectory"].tolist()
        self._made = (model, cropset, scaling, trajectories.set_index("trajectory"))

    def read(self, name):
        model, cropset, scaling, rows = self._made
        row = rows.loc[name]
        frames, crops = cropset.read(row.recording, row.track_id, row.first_frame, row.last_frame)
        return frames, embed_crops(model, crops, scaling, precision="32-true", channels_last=False)


settings = partial(
    Explanation,
    cells_per_outcome=None,
    window=5,
    gradient_steps=8,
    radius=4.0,
    region="centre",
    min_area=5,
    seed=1,
    batch_size=5,
    precision="32-true",
    channels_last=False,
)


def explained(folder, methods, examples=(), *, n_tracks=4, frames=(12, 16), n_channels=3, keep=None, without=None, **changes):
    """The tables of a fold of random networks; r1 tests. ``keep``: the only label of its cells; ``without``: a model that is not there."""
    paths, trajectories, split = toy_data(folder, n_tracks=n_tracks, frames=frames, size=16, n_channels=n_channels)
    trajectories = trajectories.assign(event_frame=pd.NA, outcome="mitosis", frame_interval_min=30.0)
    if keep is not None:
        trajectories["label"] = trajectories["label"].where((trajectories["recording"] != "r1") | (trajectories["label"] == keep))
    model = random_network(n_channels)
    scaling = compute_scaling(paths, trajectories, split, 0, "corrected", scaling_frames=10)
    published = PublishedNetwork(model, Embedded(model, CropSet(paths), scaling, trajectories), scaling)
    columns = ring_columns(["a"], 2)
    rows = [
        {"recording": row.recording, "track_id": row.track_id, "frame": frame} | dict.fromkeys(columns, 100.0 + frame)
        for row in trajectories.itertuples()
        for frame in range(row.first_frame, row.last_frame + 1)
    ]
    risks = RisksNetwork(random_ensemble(columns), FrameInputs(pd.DataFrame(rows), None, None, {}, INPUTS), 5.0)
    files = FoldFiles(trajectories, split, paths, (), 0)
    models = {PUBLISHED: published, RISKS: risks} | {without: None}
    found = explain_fold(models[PUBLISHED], models[RISKS], files, list(examples), settings(methods=methods, **changes))
    declared = {"attributions": ATTRIBUTIONS, "attributed": ATTRIBUTED, "deletions": DELETIONS}
    return {name: check_table(table, declared[name], name) for name, table in found.items()}


def test_a_fold_without_masks_is_explained_by_every_method(tmp_path, capsys):
    tables = explained(tmp_path, list(METHODS))
    cells = tables["attributed"]
    assert cells["method"].nunique() == len(METHODS)
    assert (cells.groupby("method").size() == 4).all()
    assert "occlusion of channels: " in capsys.readouterr().err
    values = tables["attributions"]
    complete = cells[cells["expected"].notna()].set_index(["trajectory", "method"])
    sums = values.groupby(["trajectory", "method"])["value"].sum().loc[complete.index]
    assert (sums - complete["expected"]).to_numpy() == pytest.approx(complete["delta"].to_numpy())
    assert set(values.loc[values["method"] == "region_occlusion", "part"]) == {"cell", "surroundings"}
    table = score_attributions(tables["deletions"], cells, {}, UNITS)
    assert len(check_table(table, ATTRIBUTION_SCORES, "scores"))
    assert len(check_table(attribution_curves(tables["deletions"], UNITS), ATTRIBUTION_CURVES, "curves"))


def test_short_tracks_of_one_outcome_and_one_channel(tmp_path):
    tables = explained(tmp_path, CHEAP, n_tracks=6, frames=(11, 11), n_channels=1, keep=0, window=11)
    assert set(tables["attributed"]["label"]) == {0}
    assert tables["attributed"]["n_frames"].unique().tolist() == [11]
    assert np.isfinite(tables["attributions"]["value"]).all()
    gaps = gaps_of(score(tables["deletions"], tables["attributed"]))
    assert set(gaps["verdict"].dropna()) == {"not shown"}


def test_examples_are_explained_beside_those_that_are_drawn(tmp_path):
    names = set(explained(tmp_path / "a", ["attention"], cells_per_outcome=1, n_tracks=6)["attributed"]["trajectory"])
    assert len(names) == 2
    other = sorted({f"r1/{track}" for track in range(6)} - names)[0]
    more = explained(tmp_path / "b", ["attention"], [other, "r2/0"], cells_per_outcome=1, n_tracks=6)["attributed"]["trajectory"]
    assert set(more) == names | {other}  # r2 is a training recording


def test_no_method_and_no_cell_give_empty_tables(tmp_path):
    assert all(len(table) == 0 for table in explained(tmp_path / "a", []).values())
    empty = explained(tmp_path / "b", ["attention"], keep=5)
    assert all(len(table) == 0 for table in empty.values())
    assert len(score_attributions(empty["deletions"], empty["attributed"], {}, UNITS)) == 0
    assert len(attribution_curves(empty["deletions"], UNITS)) == 0


@pytest.mark.parametrize("absent", [PUBLISHED, RISKS])
def test_a_model_that_is_not_there_leaves_the_other_explained(tmp_path, absent):
    """Without the published network there is no attention at all, and nothing of it in the scores."""
    tables = explained(tmp_path, CHEAP, without=absent)
    there = {name for name in CHEAP if METHODS[name].model != absent}
    assert set(tables["attributed"]["method"]) == set(tables["attributions"]["method"]) == there
    table = score(tables["deletions"], tables["attributed"])
    assert set(table["method"]) == there | {RECENCY, RANDOM}
    assert set(table["model"]) == {RISKS if absent == PUBLISHED else PUBLISHED}
    assert len(missing_attributions(CHEAP, table)) >= 1
