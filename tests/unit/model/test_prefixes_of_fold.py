import numpy as np
import pytest
from toy_fold import SETTINGS, Embeddings, fold_tables, one_by_one, random_model

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.model.calibration import fit_calibration
from cellfate.model.prefixes import BLOCK, predict_prefixes, predict_trajectories, prefix_logits
from cellfate.model.tables import PREDICTIONS, PREFIXES

MIN_FRAMES = 10


@pytest.fixture(scope="module")
def model():
    return random_model()


@pytest.fixture
def tables():
    return fold_tables()


def prefixes_of(model, embeddings, trajectories, split, truncation=(0, 30), every=5, calibration=True):
    options = {"truncation": truncation, "min_frames": MIN_FRAMES, "every": every, "calibration": calibration}
    return predict_prefixes(model, embeddings, trajectories, split, 0, **options)


def predictions_of(model, embeddings, trajectories, split, truncation=(0, 30), treatment="cisplatin", **options):
    prefixes, calibration = prefixes_of(model, embeddings, trajectories, split, truncation, **options)
    shown = {"truncation": truncation, "last_k": [5], "treatment": treatment, "min_frames": MIN_FRAMES}
    known = {"prefixes": prefixes, "calibration": calibration}
    return predict_trajectories(model, embeddings, trajectories, split, 0, **known, **shown), prefixes, calibration


def lengths_of(trajectories, first=15):
    return {name: 11 + i for i, name in enumerate(trajectories["trajectory"]) if i >= first}


def test_a_prefix_is_the_shortened_trajectory(model):
    own = np.random.default_rng(0).normal(size=(50, SETTINGS.features)).astype("float32")
    (logits,) = prefix_logits(model, [own], [range(1, 51)])
    assert logits == pytest.approx([one_by_one(model, own[:n])[0] for n in range(1, 51)], abs=1e-5)


def test_a_value_does_not_depend_on_what_else_is_predicted(model):
    """Bit for bit: other lengths, other trajectories before it, and what comes after the last frame that is seen."""
    rng = np.random.default_rng(1)
    tracks = [rng.normal(size=(n, SETTINGS.features)).astype("float32") for n in (60, 33, 47, 16)]
    together = prefix_logits(model, tracks, [range(1, len(track) + 1) for track in tracks])
    for track, found in zip(tracks, together, strict=True):
        for every in (1, 7):
            lengths = range(3, len(track) + 1, every)
            assert prefix_logits(model, [track], [lengths])[0].tolist() == found[np.array(lengths) - 1].tolist()
        changed = track.copy()
        changed[BLOCK - 1 :] = 9
        assert prefix_logits(model, [changed], [[BLOCK - 1]])[0][0] == found[BLOCK - 2]


def test_the_table_of_prefixes_is_the_declared_one(model, tables):
    trajectories, split = tables
    embeddings = Embeddings(lengths_of(trajectories, first=10))
    table, calibration = prefixes_of(model, embeddings, trajectories, split)
    table = check_table(table, PREFIXES, "p")
    assert set(table["split"]) == {"validation", "test", "unlabelled"}
    seen = table.groupby("trajectory")["n_frames"].apply(list)
    names = trajectories["trajectory"]
    assert seen[names[15]] == [10, 15, 20, 25, 26]
    assert seen[names[37]] == [10, 15, 18, 20, 25, 30, 35, 40, 45, 48]  # 18: without its last 30
    assert seen[names[39]] == [10, 15, 20, 25, 30, 35, 40, 45, 50]  # no label: no truncation
    assert (table["frame"] == table["n_frames"] + 2).all()
    assert table.loc[table["split"] == "unlabelled", "label"].isna().all()
    assert table["probability"].to_numpy() == pytest.approx(calibration.probability(table["logit"], table["n_frames"]))


def test_predictions_are_the_prefixes(model, tables):
    trajectories, split = tables
    embeddings = Embeddings(lengths_of(trajectories, first=10))
    table, prefixes, calibration = predictions_of(model, embeddings, trajectories, split)
    table = check_table(table, PREDICTIONS, "p")
    full = table[table["condition"] == "full"]
    assert full["split"].value_counts().to_dict() == {"train": 5, "validation": 10, "test": 13, "unlabelled": 2}
    shortened = table[table["condition"] != "full"]
    assert set(shortened["split"]) == {"test"}
    assert set(shortened["treatment"]) == {"cisplatin"}
    seen = table[(table["condition"] != "last_k") & (table["split"] != "train")]
    merged = seen.merge(prefixes, on=["trajectory", "n_frames"], suffixes=("", "_prefix"), validate="many_to_one")
    assert len(merged) == len(seen)
    for column in ("logit", "probability"):
        assert (merged[column] == merged[f"{column}_prefix"]).all()
    trained = full[full["split"] == "train"].iloc[0]
    assert trained["logit"] == pytest.approx(one_by_one(model, embeddings.read(trained["trajectory"])[1])[0], abs=1e-5)
    assert table["probability_raw"].to_numpy() == pytest.approx(1 / (1 + np.exp(-table["logit"].to_numpy())))
    assert calibration.prior == pytest.approx(trajectories["label"][:15].astype(float).mean())


def test_the_calibration_is_that_of_the_validation_rows_and_of_the_folds_own_training_labels(model, tables):
    """Whatever the test part, the unlabelled, prefixes too short to be predicted, and other folds say."""
    trajectories, split = tables
    names = trajectories["trajectory"]
    embeddings = Embeddings({name: 6 + 2 * i for i, name in enumerate(names) if i >= 10})
    table, calibration = prefixes_of(model, embeddings, trajectories, split)
    rows = table[(table["split"] == "validation") & (table["n_frames"] >= MIN_FRAMES)]
    expected = fit_calibration(rows.assign(lineage=rows["trajectory"]), trajectories["label"][:15].astype(float).to_numpy())
    assert calibration == expected
    assert (calibration.n_negative, calibration.n_positive) == tuple((trajectories["label"][15:25] == label).sum() for label in (0, 1))
    other = trajectories.assign(label=trajectories["label"].where(names.index < 25, 1 - trajectories["label"]))  # of the test part
    assert prefixes_of(model, embeddings, other, split)[1] == calibration
    other = trajectories.assign(label=trajectories["label"].where(~names.index.isin(range(15, 25)), 1 - trajectories["label"]))
    changed = prefixes_of(model, embeddings, other, split)[1]
    assert changed != calibration
    assert changed.prior == calibration.prior, "the prior is that of training"
    other = trajectories.assign(label=trajectories["label"].where(names.index >= 12, 1))
    assert prefixes_of(model, embeddings, other, split)[1].prior > calibration.prior
    short = Embeddings({name: 11 + i if i >= 20 else 9 for i, name in enumerate(names) if i >= 10})
    few = prefixes_of(model, short, trajectories, split)[1]
    assert (few.n_negative, few.n_positive) == tuple((trajectories["label"][20:25] == label).sum() for label in (0, 1))
    assert few.first_frames >= MIN_FRAMES


def test_without_calibration_probabilities_stay(model, tables):
    trajectories, split = tables
    embeddings = Embeddings(dict.fromkeys(trajectories["trajectory"][15:], 12))
    table, _, calibration = predictions_of(model, embeddings, trajectories, split, (0,), None, calibration=False)
    assert (table["probability"] == table["probability_raw"]).all()
    assert calibration.prior == 0.5
    assert set(table[table["condition"] == "last_k"]["treatment"]) == {"none", "cisplatin"}


def test_an_embedded_trajectory_outside_the_split_is_an_error(model, tables):
    trajectories, split = tables
    with pytest.raises(InputError, match="trajectory r9/9 is not in the split of fold 0"):
        prefixes_of(model, Embeddings({"r9/9": 12}), trajectories, split)
