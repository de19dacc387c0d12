import numpy as np
import pytest
import torch
from toy_fold import SETTINGS, Embeddings, fold_tables, one_by_one, random_model

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.model.inference import classify_sequences, compute_attention, kept_frames, open_model, predict
from cellfate.model.occlusion import occlusion
from cellfate.model.saved.folder import save_model
from cellfate.model.tables import ATTENTION


@pytest.fixture(scope="module")
def model():
    return random_model()


@pytest.mark.parametrize(
    ("case", "span"),
    [
        ((60, "full", 0), (0, 60)),
        ((60, "truncation", 50), (0, 10)),
        ((51, "truncation", 50), (0, 1)),
        ((50, "truncation", 50), None),
        ((10, "truncation", 0), None),
        ((11, "truncation", 5), (0, 6)),
        ((60, "last_k", 20), (40, 60)),
        ((12, "last_k", 20), (0, 12)),
    ],
)
def test_kept_frames(case, span):
    assert kept_frames(*case, min_frames=10) == span


def test_unknown_condition():
    with pytest.raises(InputError, match="'first_k'"):
        kept_frames(20, "first_k", 5, min_frames=10)


def test_batches_equal_one_trajectory_at_a_time(model):
    rng = np.random.default_rng(1)
    sequences = [rng.normal(size=(n, SETTINGS.features)).astype("float32") for n in (7, 30, 1, 30, 12, 200, 3)]
    logits, attention = classify_sequences(model, sequences)
    for sequence, logit, weights in zip(sequences, logits, attention, strict=True):
        expected, row = one_by_one(model, sequence)
        assert logit == pytest.approx(expected, abs=1e-4)
        assert weights == pytest.approx(row, abs=1e-5)
        assert 0 < weights.sum() < 1


def test_conditions_equal_the_direct_computation(model):
    embeddings = Embeddings({f"a/{n}": n for n in (11, 14, 25, 40)})
    conditions = [("full", 0), ("truncation", 0), ("truncation", 12), ("last_k", 5), ("last_k", 20)]
    table = predict(model, embeddings.read, embeddings.trajectories, conditions, min_frames=10).set_index(["trajectory", "condition", "n"])
    expected = {}
    for name in embeddings.trajectories:
        own = embeddings.read(name)[1]
        expected |= {(name, "full", 0): own, (name, "truncation", 0): own, (name, "last_k", 5): own[-5:], (name, "last_k", 20): own[-20:]}
        if len(own) > 12:
            expected[name, "truncation", 12] = own[:-12]
    assert set(table.index) == set(expected)
    for key, own in expected.items():
        assert table.loc[key, "logit"] == pytest.approx(one_by_one(model, own)[0], abs=1e-4)
        assert table.loc[key, "n_frames"] == len(own)


def test_cached_embeddings_equal_the_whole_network_on_shortened_crops(model):
    torch.manual_seed(2)
    crops = torch.randn(24, 2, 16, 16)
    with torch.inference_mode():
        embeddings = model.embed(crops).numpy()
        direct = {
            ("full", 0): model(crops, torch.tensor([24]))[0],
            ("truncation", 10): model(crops[:-10], torch.tensor([14]))[0],
            ("last_k", 6): model(crops[-6:], torch.tensor([6]))[0],
        }
    table = predict(model, lambda name: (np.arange(24), embeddings), ["a/1"], list(direct), min_frames=10).set_index(["condition", "n"])
    values = [float(v[0]) for v in direct.values()]
    assert max(values) - min(values) > 1e-3  # the conditions differ
    for key, value in zip(direct, values, strict=True):
        assert table.loc[key, "logit"] == pytest.approx(value, abs=1e-4)


@pytest.fixture
def tables():
    return fold_tables()


def test_attention_table(model, tables):
    trajectories, split = tables
    embeddings = Embeddings({name: 11 + i for i, name in enumerate(trajectories["trajectory"]) if i >= 15})
    table = check_table(
        compute_attention(model, embeddings, trajectories, split, 0, splits=["test"], occlusion_window=None), ATTENTION, "a"
    )
    assert set(table["trajectory"]) == set(trajectories["trajectory"][25:38])
    name = trajectories["trajectory"][30]
    own = table[table["trajectory"] == name]
    frames, vectors = embeddings.read(name)
    assert list(own["frame"]) == list(frames)
    assert list(own["frames_before_end"]) == list(range(len(frames) - 1, -1, -1))
    weights = one_by_one(model, vectors)[1]
    assert own["weight"].to_numpy() == pytest.approx(weights, abs=1e-5)
    assert own["scaled"].to_numpy() == pytest.approx((weights - weights.min()) / (weights.max() - weights.min()), abs=1e-3)
    assert own["occlusion"].isna().all()
    assert compute_attention(model, embeddings, trajectories, split, 0, splits=["train"], occlusion_window=None).empty


def test_attention_table_with_occlusion(model, tables):
    trajectories, split = tables
    embeddings = Embeddings({name: 11 + i for i, name in enumerate(trajectories["trajectory"]) if i >= 25})
    table = check_table(compute_attention(model, embeddings, trajectories, split, 0, splits=["test"], occlusion_window=3), ATTENTION, "a")
    name = trajectories["trajectory"][30]
    vectors = embeddings.read(name)[1]
    assert table.loc[table["trajectory"] == name, "occlusion"].to_numpy() == pytest.approx(occlusion(model, vectors, 3), abs=1e-9)


def test_trajectories_that_the_window_would_hide_have_no_occlusion(model, tables):
    trajectories, split = tables
    embeddings = Embeddings({name: 11 + i % 2 for i, name in enumerate(trajectories["trajectory"]) if i >= 25})
    found = compute_attention(model, embeddings, trajectories, split, 0, splits=["test"], occlusion_window=11)
    lengths = check_table(found, ATTENTION, "a").groupby("trajectory")["frame"].transform("size")
    assert set(lengths) == {11, 12}
    assert (found["occlusion"].isna() == (lengths == 11)).all()


def test_open_model(model, tmp_path):
    save_model(tmp_path, model, {})
    opened = open_model(tmp_path, threads=1, accelerator="auto").cpu()
    own = np.random.default_rng(0).normal(size=(9, SETTINGS.features)).astype("float32")
    assert one_by_one(opened, own)[0] == pytest.approx(one_by_one(model, own)[0], rel=1e-5)
    assert not opened.training


def test_without_conditions_there_is_nothing_to_predict(model):
    """As with evaluation.last_k: null."""
    table = predict(model, Embeddings({"a": 20}).read, ["a"], [], min_frames=10)
    assert (list(table), len(table)) == (["trajectory", "condition", "n", "n_frames", "logit"], 0)
