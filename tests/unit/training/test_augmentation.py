import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d
from toy_crops import AUGMENTATION

from cellfate.base.errors import InputError
from cellfate.model.inputs import prepare
from cellfate.model.scaling import Scaling
from cellfate.training.augmentation import AugmentationSettings, augment, jitter, n_masked, n_masked_at_start, prepare_augmented

OFF = {**AUGMENTATION, "flip": 0.0, "jitter": 0.0, "blur": 0.0, "end_mask": 0.0}


def settings(**changes):
    return AugmentationSettings(**{**OFF, **changes})


def frames(n=20, channels=3, size=16):
    return torch.rand(n, channels, size, size, generator=torch.Generator().manual_seed(0))


def rng(seed=0):
    return np.random.default_rng(seed)


def test_without_augmentation_only_the_scaling_applies():
    crops = np.arange(2 * 2 * 4, dtype=np.uint16).reshape(2, 2, 2, 2) * 4000
    scaling = Scaling("corrected", 2.0, (10.0, 20.0), (3.0, 5.0), ("a", "b"))
    found = prepare(crops, scaling)
    assert found.dtype == torch.float32
    expected = (crops / 2.0 - np.array([10.0, 20.0])[:, None, None]) / np.array([3.0, 5.0])[:, None, None]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    unchanged = prepare_augmented(crops, scaling, settings(), (1, 2))
    assert torch.equal(unchanged, found)


def test_normalise_comes_last():
    """A flat image at the mean becomes zero, and brightness 1 + s makes it s * mean / std: jitter acted before."""
    crops = np.full((12, 1, 8, 8), 1000, np.uint16)
    scaling = Scaling("corrected", 1.0, (1000.0,), (100.0,), ("a",))
    values = {prepare_augmented(crops, scaling, settings(jitter=1.0), (s,))[0, 0, 0, 0].item() for s in range(200)}
    assert -2.0 < min(values) < -1.8
    assert 1.8 < max(values) < 2.0


@pytest.mark.parametrize(
    ("n", "fraction", "dropped"),
    [
        (100, 0.1, 10),
        (100, 0.5, 50),
        (100, 0.499, 49),
        (30, 0.1, 5),
        (11, 0.1, 5),
        (11, 0.5, 5),
        (10, 0.5, 5),
        (10, 0.1, 1),
        (4, 0.1, 0),
        (1, 0.5, 0),
    ],
)
def test_number_of_masked_frames(n, fraction, dropped):
    assert n_masked(n, fraction) == dropped


def test_end_mask_drops_the_end_uniformly_and_keeps_the_beginning():
    start = frames(200, 1, 2)
    lengths = []
    for seed in range(300):
        masked = augment(start, settings(end_mask=1.0), rng(seed))
        assert torch.equal(masked, start[: len(masked)])
        lengths.append(200 - len(masked))
    assert (min(lengths), max(lengths)) == (pytest.approx(20, abs=2), pytest.approx(99, abs=2))
    assert np.mean(lengths) == pytest.approx(60, abs=4)  # uniform in 20..100


def test_start_mask_drops_the_start_and_leaves_five_frames():
    start = frames(100, 1, 2)
    lengths = []
    for seed in range(300):
        masked = augment(start, settings(start_mask=1.0, start_mask_fraction=[0.5, 0.99]), rng(seed))
        assert torch.equal(masked, start[100 - len(masked) :])
        lengths.append(len(masked))
    assert (min(lengths), max(lengths)) == (5, pytest.approx(50, abs=2))
    assert np.mean(lengths) == pytest.approx(25.5, abs=2)  # uniform in 1..50, but not below 5
    for n in (3, 5, 6):
        assert n - n_masked_at_start(n, 0.9) == min(n, 5)


def test_without_a_start_mask_the_other_draws_stay():
    both = [augment(frames(), settings(flip=0.5, end_mask=0.5, start_mask_fraction=f), rng(4)) for f in ([0.1, 0.2], [0.5, 0.6])]
    assert torch.equal(*both)


def test_flips_are_the_same_for_all_frames_and_each_of_the_four_comes():
    start = frames(3)
    kinds = {"none": start, "x": start.flip(3), "y": start.flip(2), "both": start.flip(2, 3)}
    counts = dict.fromkeys(kinds, 0)
    for seed in range(400):
        flipped = augment(start, settings(flip=0.5), rng(seed))
        counts[next(name for name, kind in kinds.items() if torch.equal(kind, flipped))] += 1
    assert min(counts.values()) > 70


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_jitter_by_hand(channels):
    start = frames(4, channels)
    brightness, contrast = np.linspace(0.8, 1.2, channels), np.linspace(1.2, 0.8, channels)
    found = jitter(start, brightness, contrast)
    for c in range(channels):
        bright = start[:, c].double() * brightness[c]
        expected = (bright - bright.mean()) * contrast[c] + bright.mean()
        torch.testing.assert_close(found[:, c].double(), expected, rtol=1e-5, atol=1e-6)


def test_jitter_stays_within_its_strength_and_differs_between_channels():
    flat = torch.ones(2, 3, 4, 4)
    factors = np.array([augment(flat, settings(jitter=1.0), rng(seed))[0, :, 0, 0].numpy() for seed in range(300)])
    assert 0.8 <= factors.min() < 0.81
    assert 1.19 < factors.max() <= 1.2
    assert np.abs(np.corrcoef(factors.T) - np.eye(3)).max() < 0.2


def test_blur_is_a_gaussian_of_5_by_9():
    sigma = 1.3
    start = frames(2)
    found = augment(start, settings(blur=1.0, blur_sigma=[sigma, sigma]), rng())
    kernels = [np.exp(-0.5 * (np.arange(-half, half + 1) / sigma) ** 2) for half in (2, 4)]
    expected = correlate1d(start.double().numpy(), kernels[0] / kernels[0].sum(), axis=3, mode="mirror")
    expected = correlate1d(expected, kernels[1] / kernels[1].sum(), axis=2, mode="mirror")
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_probabilities():
    start = frames(12, 1, 8)
    chosen = settings(**{**AUGMENTATION, "flip": 0.0, "end_mask": 0.0, "blur": 0.0, "jitter": 0.2})
    changed = [not torch.equal(augment(start, chosen, rng(seed)), start) for seed in range(1000)]
    assert np.mean(changed) == pytest.approx(0.2, abs=0.04)


def test_the_seed_alone_decides():
    crops = np.random.default_rng(0).integers(0, 4000, (20, 2, 12, 12)).astype(np.uint16)
    scaling = Scaling("corrected", 1.0, (2000.0, 2000.0), (1000.0, 1000.0), ("a", "b"))
    chosen = AugmentationSettings(**AUGMENTATION)
    draws = [prepare_augmented(crops, scaling, chosen, (1, 2, k)) for k in range(20)]
    np.random.default_rng(0).random(1000)
    torch.rand(10)
    assert torch.equal(prepare_augmented(crops, scaling, chosen, (1, 2, 7)), draws[7])
    assert len({(*d.shape, round(d.sum().item(), 3), round(d[0, 0, 0, 0].item(), 3)) for d in draws}) > 15


def test_bad_settings_are_named():
    with pytest.raises(InputError, match="odd numbers"):
        settings(blur_kernel=[4, 9])
    with pytest.raises(InputError, match="less than 1"):
        settings(end_mask_fraction=[0.1, 1.0])
    with pytest.raises(InputError, match=r"start_mask_fraction .* less than 1"):
        settings(start_mask_fraction=[0.1, 1.0])
