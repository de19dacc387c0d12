import math

import numpy as np
import pytest
import torch

from cellfate.model.risks.hazards import cumulative_incidence, exposure, log_likelihood

EDGES = torch.tensor([0, 0.5, 2, 5, 9.0], dtype=torch.float64)


def hazards_of(logits):
    """(K, 2) hazards an hour of one frame's logits (K, 3), as they are defined."""
    found = []
    for k, row in enumerate(logits):
        p = np.exp(row - row.max())
        p /= p.sum()
        total = -math.log(p[0]) / float(EDGES[k + 1] - EDGES[k])
        found.append([total * p[1] / (p[1] + p[2]), total * p[2] / (p[1] + p[2])])
    return np.array(found)


def plain_likelihood(logits, hours, event):
    """The definition: survive, hour by hour at the hazard of the bin, until the end; then the hazard of what came."""
    hazards, value = hazards_of(logits), 0.0
    for k in range(len(EDGES) - 1):
        left, right = float(EDGES[k]), float(EDGES[k + 1])
        if hours > left:
            value -= (min(hours, right) - left) * hazards[k].sum()
        if event >= 0 and left < hours <= right:
            value += math.log(hazards[k][event])
    return value


def test_the_likelihood_is_that_of_its_definition():
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(6, 5, 4, 3)) * 3
    hours = np.sort(rng.uniform(0, 11, (6, 5)))[:, ::-1].copy()
    hours[0] = [9, 5, 2, 0.5, 0.25]  # on the edges of bins
    event = np.array([1, -1, 0, 1, -1, 0])
    found = log_likelihood(torch.tensor(logits), torch.tensor(hours), torch.tensor(event), EDGES)
    for b in range(6):
        for t in range(5):
            assert float(found[b, t]) == pytest.approx(plain_likelihood(logits[b, t], hours[b, t], event[b]), abs=1e-9)


def test_hours_are_spent_in_bins():
    spent = exposure(torch.tensor([0.0, 0.25, 3.0, 20.0], dtype=torch.float64), EDGES)
    assert spent.tolist() == [[0, 0, 0, 0], [0.25, 0, 0, 0], [0.5, 1.5, 1, 0], [0.5, 1.5, 3, 4]]


def test_over_whole_bins_the_probabilities_are_those_of_the_softmax():
    logits = torch.randn(3, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = cumulative_incidence(logits, EDGES[1:].tolist(), EDGES)
    p, alive = logits.softmax(-1), torch.ones(3, dtype=torch.float64)
    known = torch.zeros(3, 2, dtype=torch.float64)
    for k in range(4):
        known = known + alive[:, None] * p[:, k, 1:]
        alive = alive * p[:, k, 0]
        assert torch.allclose(found[:, k], known)


def test_within_a_bin_incidence_is_the_integral_of_the_hazard():
    logits = np.random.default_rng(2).normal(size=(4, 3))
    hazards = hazards_of(logits)
    steps = np.linspace(0, 7, 700_001)
    middle = (steps[1:] + steps[:-1]) / 2
    at = hazards[np.searchsorted(EDGES.numpy(), middle) - 1]
    alive = np.exp(-np.concatenate([[0], np.cumsum(at.sum(1))[:-1]]) * 1e-5)
    known = (at * alive[:, None]).sum(0) * 1e-5
    assert cumulative_incidence(torch.tensor(logits), [7.0], EDGES)[0].tolist() == pytest.approx(known.tolist(), rel=1e-4)


def test_rare_and_certain_events_stay_finite_in_32_bits():
    logits = torch.tensor([[[60.0, 0, 0]] * 4, [[-60.0, 0, 0]] * 4, [[0.0, 80, -80]] * 4], requires_grad=True)
    edges, hours = EDGES.float(), torch.full((3, 1), 3.0)
    value = log_likelihood(logits[:, None], hours, torch.tensor([1, 0, 0]), edges)
    value.sum().backward()
    assert torch.isfinite(value).all()
    assert torch.isfinite(logits.grad).all()
    incidence = cumulative_incidence(logits.detach(), [2.0, 9.0], edges)
    assert torch.isfinite(incidence).all()
    assert (incidence >= 0).all()
    assert (incidence.sum(-1) <= 1 + 1e-6).all()


def test_hazards_of_known_size_come_back():
    """Constant hazards, lost tracks: the maximum of the likelihood is events over hours in each bin, and near the truth."""
    rng, truth, n = np.random.default_rng(3), np.array([0.05, 0.12]), 4000
    time, kind = rng.exponential(1 / truth.sum(), n), (rng.random(n) < truth[1] / truth.sum()).astype(int)
    lost = rng.uniform(0, 15, n)
    hours = torch.tensor(np.minimum(time, lost))[:, None]
    event = torch.tensor(np.where(time <= lost, kind, -1))
    logits = torch.zeros(4, 3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=200, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        value = -log_likelihood(logits.expand(n, 1, 4, 3), hours, event, EDGES).mean()
        value.backward()
        return value

    optimizer.step(loss)
    found = hazards_of(logits.detach().numpy())
    spent = exposure(hours[:, 0], EDGES).sum(0).numpy()
    for k in range(4):
        inside = (hours[:, 0] > EDGES[k]) & (hours[:, 0] <= EDGES[k + 1])
        events = np.array([int((inside & (event == j)).sum()) for j in (0, 1)])
        assert found[k] == pytest.approx(events / spent[k], rel=1e-3)
        assert (abs(found[k] - truth) < 3 * np.sqrt(truth / spent[k])).all()
