import numpy as np
import pytest
import torch

from cellfate.base.errors import InputError
from cellfate.model import occlusion as module
from cellfate.model.network import FateModel, ModelSettings
from cellfate.model.occlusion import hidden_windows, occlusion

SIZES = {"channels": 1, "block": "basic", "layers": (1,), "width": 8, "input_size": 16, "encoder_layers": 2, "encoder_heads": 2}


def random_model(positions="end"):
    torch.manual_seed(0)
    model = FateModel(ModelSettings(**SIZES, feedforward=16, dropout=0.0, positions=positions, pad_through_backbone=False))
    with torch.no_grad():
        model.class_token.normal_()
        model.output.weight.normal_(0, 2)
    return model.eval()


def embeddings(n_frames, seed=0):
    return np.random.default_rng(seed).normal(size=(n_frames, 8)).astype("float32")


def logit(model, vectors):
    with torch.inference_mode():
        return float(model.classify(torch.as_tensor(vectors)[None], torch.tensor([len(vectors)]))[0][0])


def test_windows_are_centred_and_cut_at_the_ends():
    assert hidden_windows(4, 3).astype(int).tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]]
    assert hidden_windows(2, 1).tolist() == [[True, False], [False, True]]
    for window in (0, 4, -1):
        with pytest.raises(InputError, match=f"occlusion_window is {window}; an odd number"):
            hidden_windows(4, window)


def test_hiding_the_start_equals_a_trajectory_that_begins_later():
    """With positions from the end, frames that are hidden at the start are frames that never were."""
    model, vectors = random_model("end"), embeddings(9)
    changes = occlusion(model, vectors, 5)
    assert changes[0] == pytest.approx(logit(model, vectors) - logit(model, vectors[3:]), abs=1e-5)
    assert changes[2] == pytest.approx(logit(model, vectors) - logit(model, vectors[5:]), abs=1e-5)


def test_hiding_the_end_equals_truncation_where_positions_count_from_the_start():
    model, vectors = random_model("start"), embeddings(9)
    assert occlusion(model, vectors, 5)[8] == pytest.approx(logit(model, vectors) - logit(model, vectors[:6]), abs=1e-5)


def test_hidden_frames_do_not_matter():
    model, vectors = random_model(), embeddings(9)
    spoiled = vectors.copy()
    spoiled[4] = 50
    without = logit(model, vectors) - occlusion(model, vectors, 1)[4]
    assert logit(model, spoiled) - occlusion(model, spoiled, 1)[4] == pytest.approx(without, abs=1e-4)
    assert logit(model, spoiled) != pytest.approx(logit(model, vectors), abs=1e-2)


def test_batches_do_not_matter(monkeypatch):
    model, vectors = random_model(), embeddings(12)
    together = occlusion(model, vectors, 3)
    monkeypatch.setattr(module, "BATCH_TOKENS", 30)  # two rows at a time
    assert occlusion(model, vectors, 3) == pytest.approx(together, abs=1e-5)


@pytest.mark.parametrize("window", [3, 11])
def test_a_window_that_hides_the_whole_trajectory_is_an_error(window):
    with pytest.raises(InputError, match=f"attention.occlusion_window is {window}, which hides all 3 frames"):
        occlusion(random_model(), embeddings(3), window)
    assert np.isfinite(occlusion(random_model(), embeddings(window + 1), window)).all()


def test_the_frame_that_carries_the_answer_is_found():
    """A network whose pooling copies what it sees: the one frame that differs is the one whose hiding changes the logit most."""
    model, vectors = random_model(), np.zeros((15, 8), "float32")
    vectors[6] = np.linspace(-9, 9, 8)
    assert np.abs(occlusion(model, vectors, 1)).argmax() == 6
