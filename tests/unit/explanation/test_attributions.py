"""Each method against what it says of itself: sums, parts hidden by hand, a linear network, short cells, one channel."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from toy_attributions import network_cell, risks_cell

from cellfate.base.errors import InputError
from cellfate.explanation.attributions.attention import attention_of_layers
from cellfate.explanation.attributions.gradients import converged, rings_of
from cellfate.explanation.attributions.methods import FUNCTIONS, Fineness, attribute
from cellfate.explanation.attributions.names import METHODS, PUBLISHED, channel_of, served
from cellfate.explanation.attributions.occluded import window_for

HOW = Fineness(window=3, steps=24)


def cell_for(method, n_frames=12, **changes):
    return network_cell(n_frames, **changes) if METHODS[method].model == PUBLISHED else risks_cell(n_frames)


@pytest.mark.parametrize("n_frames", [1, 2, 12])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_a_number_for_each_frame_and_part(method, n_frames):
    found = attribute(method, cell_for(method, n_frames), HOW)
    assert found.values.shape == (n_frames, len(found.parts))
    assert np.isfinite(found.values).all()
    assert found.of_frames.shape == (n_frames,)
    assert METHODS[method].signed or (found.values >= 0).all()
    assert np.isnan(found.expected) != METHODS[method].complete


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if method.complete])
def test_complete_methods_add_up_and_few_steps_are_noticed(method):
    cell = cell_for(method)
    found = attribute(method, cell, HOW)
    assert abs(found.expected) > 0.1  # else the check would say nothing
    assert found.values.sum() == pytest.approx(found.expected, abs=max(0.05, 0.05 * abs(found.expected)))
    assert converged(found) is True
    assert converged(dataclasses.replace(found, expected=found.expected + 1)) is False
    assert converged(attribute("attention", network_cell(), HOW)) is None


def test_the_registry_and_the_names_are_the_same():
    assert list(FUNCTIONS) == list(METHODS)
    assert served(["risks_occlusion", "attention"], [PUBLISHED]) == ["attention"]
    with pytest.raises(InputError, match=r"explanation.methods has 'magic'; known are attention, "):
        attribute("magic", network_cell(), HOW)


def test_the_layers_that_are_rolled_out_are_those_of_the_network():
    """The hidden states that the attention is computed from give the network's own attention in the last layer."""
    cell = network_cell()
    layers, last = attention_of_layers(cell.model, cell.embeddings)
    assert len(layers) == 2
    assert all(np.allclose(weights.sum(axis=1), 1, atol=1e-5) for weights in (*layers, last[None]))
    assert last[1:] == pytest.approx(attribute("attention", cell, HOW).of_frames, abs=1e-6)
    assert not any(layer._forward_pre_hooks for layer in cell.model.encoder.layers)
    by_hand = last @ (0.5 * layers[1] + 0.5 * np.eye(13)) @ (0.5 * layers[0] + 0.5 * np.eye(13))
    assert attribute("rollout", cell, HOW).of_frames == pytest.approx(by_hand[1:])


class Linear(torch.nn.Module):
    """Log-odds that are a sum over frames: what each of them adds is known."""

    def __init__(self, weights):
        super().__init__()
        self.weights = torch.nn.Parameter(torch.as_tensor(weights))

    def classify(self, embeddings, lengths, unseen=None):
        shown = torch.ones(embeddings.shape[:2]) if unseen is None else (~unseen).float()
        return (embeddings @ self.weights * shown).sum(1), torch.full(embeddings.shape[:2], 0.1)


@pytest.mark.parametrize("method", ["gradient_input", "integrated_gradients", "occlusion"])
def test_a_sum_over_frames_gets_its_terms_back(method):
    rng = np.random.default_rng(5)
    embeddings, weights = rng.normal(size=(6, 4)).astype(np.float32), rng.normal(size=4).astype(np.float32)
    cell = dataclasses.replace(network_cell(6), model=Linear(weights), embeddings=embeddings, typical=np.zeros(4, np.float32))
    assert attribute(method, cell, Fineness(window=1, steps=4)).of_frames == pytest.approx(embeddings @ weights, abs=1e-4)


def test_a_hidden_channel_is_replaced_in_its_window_alone():
    cell = network_cell(6)
    found = attribute("channel_occlusion", cell, HOW)
    assert found.parts == ("circadian", "p53", "cell_cycle")
    changed = cell.embeddings.copy()
    changed[1:4] = cell.image.without_channel(cell.model, "p53")[1:4]
    full, without = (dataclasses.replace(cell, embeddings=own).logits(np.zeros((1, 6), bool))[0] for own in (cell.embeddings, changed))
    assert found.values[2, 1] == pytest.approx(full - without, abs=1e-5)


def test_the_cell_and_its_surroundings_are_hidden_apart():
    cell = network_cell(6)
    found = attribute("region_occlusion", cell, HOW)
    assert found.parts == ("cell", "surroundings")
    everywhere = dataclasses.replace(cell, image=dataclasses.replace(cell.image, cell=np.ones_like(cell.image.cell)))
    assert attribute("region_occlusion", everywhere, HOW).values[:, 1] == pytest.approx(np.zeros(6), abs=1e-5)  # nothing is around it
    assert np.abs(found.values[:, 1]).max() > 1e-3


def test_rings_have_the_training_mean_where_they_are_hidden():
    cell = risks_cell(5)
    found = attribute("risks_occlusion", cell, HOW)
    assert found.parts == ("circadian-ring0", "circadian-ring1", "p53-ring0", "p53-ring1", "hours of track")
    assert [channel_of(part) for part in found.parts[1:]] == ["circadian", "p53", "p53", "hours of track"]
    hidden = cell.values.copy()
    hidden[1:4, np.array(rings_of(cell.columns)) == "p53-ring0"] = 0
    assert found.values[2, 2] == pytest.approx(cell.logits_of(cell.values[None])[0] - cell.logits_of(hidden[None])[0], abs=1e-6)


def test_one_channel_alone():
    for method in ("channel_occlusion", "channel_gradients"):
        assert attribute(method, network_cell(5, n_channels=1), HOW).parts == ("circadian",)


def test_windows_leave_a_frame():
    assert [window_for(n, 11) for n in (2, 3, 10, 11, 12)] == [1, 1, 9, 9, 11]


def test_a_network_that_learned_nothing_keeps_its_embeddings_and_says_otherwise():
    for cell, method in ((network_cell(), "integrated_gradients"), (risks_cell(), "risks_integrated_gradients")):
        other = cell.randomised(1)
        own, random = (attribute(method, one, HOW).of_frames for one in (cell, other))
        assert abs(spearmanr(own, random).statistic) < 0.9
        assert np.array_equal(random, attribute(method, cell.randomised(1), HOW).of_frames)
    for own, new in zip(cell.ensemble.members, other.ensemble.members, strict=True):
        assert not torch.equal(own.course.weight_hh_l0, new.course.weight_hh_l0)
    network, new = network_cell().model, network_cell().randomised(1).model
    assert torch.equal(network.backbone.conv1.weight, new.backbone.conv1.weight)
    assert not torch.equal(network.pooling.in_proj_weight, new.pooling.in_proj_weight)
