"""Compression, gates, fusion and transition logits of the network."""

import pandas as pd
import pytest
import torch

from cellfate.transition.metrics import late_fall
from cellfate.transition.network import training
from cellfate.transition.network.model import FusionModule, TransitionModel, TransitionSettings, compress, next_phenotype

SETTINGS = {"n_genes": 20, "n_phenotypes": 3, "embedding_size": 5, "width": 8, "heads": 2, "layers": 1, "keep": 6}
SETTINGS |= {"dropout": 0.1, "prior_weight": 0.0}


def network(**changes) -> TransitionModel:
    torch.manual_seed(0)
    return TransitionModel(TransitionSettings(**(SETTINGS | changes))).eval()


def batch(cells: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(cells, 20, generator=generator), torch.randn(cells, 5, generator=generator)


@pytest.mark.parametrize("keep", [1, 3, 7, 10, 15])
def test_compression_partitions_the_tokens_and_conserves_their_sum(keep):
    tokens = torch.randn(3, 15, 4, generator=torch.Generator().manual_seed(0))
    merged, sizes, source = compress(tokens, keep)
    assert merged.shape == (3, keep, 4)
    assert sizes.sum(dim=1).tolist() == [15] * 3
    for b in range(3):
        assert torch.bincount(source[b], minlength=keep).tolist() == sizes[b].tolist()
    torch.testing.assert_close((sizes[..., None] * merged).sum(dim=1), tokens.sum(dim=1))
    means = torch.stack([tokens[0][source[0] == place].mean(dim=0) for place in range(keep)])
    torch.testing.assert_close(merged[0], means)


def test_compression_to_all_tokens_changes_nothing():
    tokens = torch.randn(2, 9, 4)
    merged, sizes, source = compress(tokens, 9)
    torch.testing.assert_close(merged, tokens)
    assert (sizes == 1).all()
    assert (source == torch.arange(9)).all()


def test_equal_tokens_merge_first():
    tokens = torch.eye(6)[None].clone()
    tokens[0, 3] = tokens[0, 0]
    _, _, source = compress(tokens, 5)
    assert source[0, 0] == source[0, 3]


def test_outputs_have_their_shapes_and_scores_add_up_to_one():
    out = network()(*batch())
    assert out.full.shape == out.fused.shape == (4, 3)
    assert out.transitions.shape == (4, 3, 3)
    torch.testing.assert_close(out.scores.sum(dim=1), torch.ones(4))
    assert out.kept.sum(dim=1).tolist() == [6] * 4


def test_the_best_genes_are_kept_and_a_prior_brings_its_own_in():
    model = network()
    out = model(*batch())
    assert (out.scores.where(out.kept, 1.0).min(dim=1).values >= out.scores.where(~out.kept, 0.0).max(dim=1).values).all()
    worst = int(out.scores.mean(dim=0).argmin())
    assert not out.kept[:, worst].all()
    listed = network(prior_weight=10.0)
    listed.prior[worst] = 1.0
    assert listed(*batch()).kept[:, worst].all()


def test_eq_3_is_the_sum_over_kept_genes():
    model = network()
    torch.nn.init.normal_(model.regulation)
    torch.nn.init.normal_(model.transition_bias)
    x, e = batch()
    out = model(x, e)
    expected = model.transition_bias.expand(4, -1, -1).clone()  # U is zero at the start
    for b in range(4):
        for g in range(20):
            if out.kept[b, g]:
                expected[b] += 20 * out.scores[b, g] * model.regulation[g] * x[b, g]
    torch.testing.assert_close(out.transitions, expected)


def test_only_the_transitions_teach_the_gate_when_there_is_eq_3():
    for regulation in (True, False):
        model = network(regulation=regulation)
        model(*batch()).fused.sum().backward()
        learned = model.selector.mixture.grad
        assert (learned is None or bool((learned == 0).all())) == regulation


@pytest.mark.parametrize(
    "changes", [{"fusion": False}, {"selector": "none"}, {"selector": "token_learner"}, {"layers": 3}, {"regulation": False}]
)
def test_ablations_run(changes):
    out = network(**changes)(*batch())
    assert out.transitions.shape == (4, 3, 3)
    if changes.get("selector") == "none":
        assert out.kept.all()
        torch.testing.assert_close(out.scores, torch.full((4, 20), 1 / 20))


@pytest.mark.parametrize(("first", "second"), [(6, 6), (5, 7), (1, 1)])
def test_the_fusion_takes_sequences_of_any_length(first, second):
    fusion = FusionModule(8, 2)
    shares = torch.full((2, first), 1 / first)
    assert fusion(torch.randn(2, first, 8), shares, torch.randn(2, second, 8)).shape == (2, 8)


def test_the_next_phenotype_comes_from_the_row_of_the_present_one():
    logits = torch.randn(2, 3, 3)
    q = next_phenotype(logits, torch.eye(3)[[1, 2]])
    torch.testing.assert_close(q[0], logits[0, 1].softmax(0))
    torch.testing.assert_close(q[1], logits[1, 2].softmax(0))


def test_a_given_embedding_takes_part_in_every_prediction_and_pca_only_in_its_own_branch():
    expression, embedding = batch()
    for fusion in (True, False):
        given, plain = network(fuse_embedding=True, fusion=fusion), network(fusion=fusion)
        torch.nn.init.normal_(given.transition_context.weight)
        one, other = given(expression, embedding), given(expression, embedding + 1)
        assert (one.fused != other.fused).any()
        assert (one.transitions != other.transitions).any()
        assert (plain(expression, embedding).fused == plain(expression, embedding + 1).fused).all()
    same = network().state_dict()
    assert all((same[name] == value).all() for name, value in network(fuse_embedding=True).state_dict().items() if name in same)


def test_a_late_fall_is_that_of_the_last_fifth():
    assert late_fall(pd.DataFrame({"val_loss": [3.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]})) == 0
    assert late_fall(pd.DataFrame({"val_loss": [3.0, 2.5, 2.4, 2.3, 2.2, 2.1, 2.0, 2.0, 1.5, 1.0]})) == pytest.approx(0.5)
    assert late_fall(pd.DataFrame({"val_loss": [1.0]})) == 0


def test_validation_cells_are_looked_at_in_batches_with_the_losses_of_one_pass(monkeypatch):
    """In one pass the memory of attention and compression grows with the cells: 4.6 GiB for 15,000 cells and 200 genes."""
    model, (expression, embedding) = network(), batch(10)
    phenotype = torch.arange(10) % 3
    targets = torch.nn.functional.one_hot((phenotype + 1) % 3, 3).float()
    targets[[0, 1, 2, 7]] = float("nan")  # most of them in the first batch
    seen = []
    model.register_forward_hook(lambda module, given, out: seen.append(len(given[0])))
    monkeypatch.setattr(training, "BATCH", 4)
    with torch.no_grad():
        whole = {name: float(value) for name, value in training.losses(model(expression, embedding, 6), phenotype, targets).items()}
    found = training._validation_losses(model, (expression, embedding, phenotype, targets), 6)
    assert seen == [10, 4, 4, 2]
    assert found == pytest.approx(whole, abs=1e-6)
    assert training._validation_losses(model, (expression, embedding, phenotype, targets * float("nan")), 6)["transition"] == 0
