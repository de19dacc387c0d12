from dataclasses import replace

import numpy as np
import pytest
import torch
from cellpose.train import _loss_fn_seg

from cellfate.base.errors import InputError
from cellfate.segmentation.cellpose import load_network
from cellfate.simulation import cellpose_training
from cellfate.simulation.cellpose_training import (
    NetworkTraining,
    _cut_at_edge,
    _example,
    draw_batch,
    fit,
    flow_loss,
    score_network,
    simulate_fields,
    train_network,
    trained_with,
    training_settings,
)

TINY = {
    "widths": (2, 4, 8, 8, 16),
    "n_fields": 2,
    "n_sparse": 1,
    "n_empty": 1,
    "n_checked": 0,
    "field_size": 96,
    "n_cells": 4,
    "diameter": 24.0,
    "network_diameter": 24.0,
    "patch": 48,
    "n_steps": 3,
    "batch_size": 2,
}


def test_one_seed_gives_the_same_weights_and_leaves_the_global_generators_alone(tmp_path):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train_network(tmp_path / name, seed, TINY, threads=1)
    states = {name: torch.load(tmp_path / name, weights_only=True) for name in "abc"}
    assert all(torch.equal(states["a"][key], states["b"][key]) for key in states["a"])
    assert not torch.equal(states["a"]["output.2.weight"], states["c"]["output.2.weight"])
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002


def test_the_one_file_holds_network_and_settings(tmp_path):
    train_network(tmp_path / "net", 7, TINY, threads=1)
    network = load_network(tmp_path / "net", device="cpu", threads=1)
    assert network.net.nbase == list(TINY["widths"])
    assert network.diam_mean == 24
    assert trained_with(tmp_path / "net")["seed"] == 7
    assert trained_with(tmp_path / "net")["n_steps"] == 3
    torch.save({}, tmp_path / "other")
    with pytest.raises(InputError, match="no settings in it"):
        trained_with(tmp_path / "other")


@pytest.mark.parametrize(("found", "warned"), [(0.29, True), (0.97, False)])
def test_a_network_that_finds_few_cells_is_warned_of(tmp_path, monkeypatch, capsys, found, warned):
    monkeypatch.setattr(cellpose_training, "score_network", lambda *_: {"cell_found": found})
    train_network(tmp_path / "net", 7, TINY, threads=1)
    words = f"WARNING: {tmp_path / 'net'}: the network finds 29 % of the cells"
    assert (words in capsys.readouterr().err) == warned


def test_the_network_sees_cells_at_its_own_diameter(tmp_path):
    """Fields are scaled for the training as Cellpose scales what it segments; the score is that of crops at their own size."""
    settings = training_settings({**TINY, "network_diameter": 12.0})
    image, labels = simulate_fields(np.random.default_rng(0), settings)[0]
    light, targets = _example(image, labels, settings.scale)
    assert (light.shape, targets.shape) == ((1, 48, 48), (3, 48, 48))
    assert targets[0].mean() == pytest.approx((labels > 0).mean(), abs=0.02)
    means = image.reshape(48, 2, 48, 2).mean(axis=(1, 3))
    assert np.ptp(light[0] - means) < 0.01  # the same but for the level of the background
    train_network(tmp_path / "net", 7, {**TINY, "network_diameter": 12.0}, threads=1)
    assert load_network(tmp_path / "net", device="cpu", threads=1).diam_mean == 12


def test_unknown_setting_is_an_error():
    with pytest.raises(InputError, match=r"segmentation\.training\.n_epochs: unknown key"):
        training_settings({"n_epochs": 3})


def test_fields_range_from_full_to_empty():
    settings = training_settings({**TINY, "n_fields": 3, "n_sparse": 2, "field_size": 160, "n_cells": 8})
    fields = simulate_fields(np.random.default_rng(0), settings)
    counts = [len(np.unique(labels[labels > 0])) for _, labels in fields]
    assert counts[3:] == [1, 2, 0]
    assert counts[0] <= 2
    assert counts[0] < counts[1] < counts[2] <= 8


def test_loss_is_that_of_cellpose():
    rng = np.random.default_rng(0)
    targets = np.concatenate([rng.integers(0, 2, (2, 1, 8, 8)), rng.normal(size=(2, 2, 8, 8))], axis=1).astype(np.float32)
    output = torch.from_numpy(rng.normal(size=(2, 3, 8, 8)).astype(np.float32))
    expected = _loss_fn_seg(targets, output, torch.device("cpu"))
    assert flow_loss(output, torch.from_numpy(targets)).item() == pytest.approx(expected.item(), rel=1e-6)


def test_patches_are_scaled_one_by_one_and_flows_point_to_the_cell():
    np.random.seed(3)  # noqa: NPY002  Cellpose draws its patches from the global generator
    labels = np.zeros((96, 96), np.uint16)
    labels[36:60, 36:60] = 1
    image = np.where(labels > 0, 900, 100).astype(np.uint16)
    settings = training_settings({**TINY, "batch_size": 12, "edge": 0.0})
    images, targets = draw_batch([_example(image, labels, settings.scale)], settings)
    assert images.shape == (12, 2, 48, 48)
    assert targets.shape == (12, 3, 48, 48)
    assert not images[:, 1].any()
    y, x = np.mgrid[:48, :48]
    checked = 0
    for patch, (inside, flow_y, flow_x) in zip(images[:, 0].numpy(), targets.numpy(), strict=True):
        if 0.05 < inside.mean() < 0.95:
            assert np.percentile(patch, [1, 99]) == pytest.approx([0, 1], abs=0.01)
            assert ((patch > 0.5) == (inside > 0)).mean() > 0.97
        whole = inside.any() and not (inside[[0, -1]].any() or inside[:, [0, -1]].any())
        if whole:
            cy, cx = (axis[inside > 0].mean() for axis in (y, x))
            along = (flow_y * (cy - y) + flow_x * (cx - x))[inside > 0]
            assert (along > 0).mean() > 0.95
            checked += 1
    assert checked


def test_edge_of_a_frame_is_flat_and_without_targets():
    sides = set()
    for seed in range(20):
        np.random.seed(seed)  # noqa: NPY002
        image, target = np.arange(1, 1601, dtype=np.float32).reshape(1, 40, 40), np.ones((3, 40, 40), np.float32)
        original = image.copy()
        _cut_at_edge(image, target, probability=1.0)
        outside = target[0] == 0
        assert 0 < outside.mean() <= 0.5
        assert len(np.unique(image[0][outside])) == 1
        assert image[0][outside][0] == pytest.approx(np.percentile(original[0][~outside], 10))
        np.testing.assert_array_equal(image[0][~outside], original[0][~outside])
        sides.add(tuple(bool(edge.all()) for edge in (outside[0], outside[-1], outside[:, 0], outside[:, -1])))
    assert len(sides) == 4


def test_a_few_steps_learn_to_tell_cells_from_background(tmp_path):
    settings = training_settings({**TINY, "widths": (2, 8, 16, 16, 16), "n_steps": 60, "n_fields": 4, "learning_rate": 0.01, "edge": 0.0})
    examples = [_example(*field, settings.scale) for field in simulate_fields(np.random.default_rng(0), settings)]

    def loss(network) -> float:
        with torch.no_grad():
            return flow_loss(network(images)[0], targets).item()

    images, targets = draw_batch(examples, settings)
    trained = fit(examples, settings, 0)
    assert loss(trained) < 0.8 * loss(fit(examples, replace(settings, learning_rate=0.0), 0))
    trained.save_model(tmp_path / "net")
    scores = score_network(tmp_path / "net", np.random.default_rng(1), training_settings({**TINY, "n_checked": 1}))
    assert set(scores) == {"field_ap50", "cell_found", "cell_iou", "empty_clean"}
    assert all(0 <= value <= 1 for value in scores.values())


def test_scores_are_means_over_cells_fields_and_empty_crops(monkeypatch):
    """Two fields of three cells; the network finds every other region of an empty field."""
    overlaps = iter([np.array([0.9, 0.6, 0.0]), np.array([0.8, 0.5, 0.2])])
    exactly = iter([1.0, 0.5])
    monkeypatch.setattr(cellpose_training, "load_network", lambda *_: None)
    monkeypatch.setattr(cellpose_training, "_score_cells", lambda *_: next(overlaps))
    monkeypatch.setattr(cellpose_training, "average_precision", lambda *_, threshold: [[[next(exactly)]]])
    regions = np.zeros((4, 96, 96), bool)
    regions[::2, 40:50, 40:50] = True
    monkeypatch.setattr(cellpose_training, "segment_crops", lambda _network, crops, _how: (regions[: len(crops)], None))
    settings = NetworkTraining(n_checked=2, field_size=96, patch=96, n_cells=3)
    found = score_network("weights", np.random.default_rng(0), settings)
    assert found == pytest.approx({"field_ap50": 0.75, "cell_found": 3 / 6, "cell_iou": 0.5, "empty_clean": 0.5})
    assert score_network("weights", np.random.default_rng(0), replace(settings, n_checked=0)) == {}
