import pickle

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader
from toy_crops import AUGMENTATION, CHANNELS, OUTCOMES, toy_data, toy_trajectory, write_crop_file

from cellfate.base.errors import InputError
from cellfate.crops.crop_set import CropSet
from cellfate.model.inputs import downsample
from cellfate.model.scaling import Scaling
from cellfate.training import dataset
from cellfate.training.augmentation import AugmentationSettings
from cellfate.training.dataset import TrajectoryDataset, check_cache_fits, check_classes, collate
from cellfate.training.samplers import BalancedSampler, Draw
from cellfate.trajectories.folds import fold_trajectories

SCALING = Scaling("corrected", 1.0, (1000.0,) * 3, (100.0,) * 3, tuple(CHANNELS))


@pytest.fixture
def data(tmp_path):
    return toy_data(tmp_path, n_recordings=4, n_tracks=4)


def training_set(data, **changes):
    paths, trajectories, split = data
    rows = fold_trajectories(trajectories, split, 0, ["train"])
    return TrajectoryDataset(rows, CropSet(paths), SCALING, **{"input_size": 8, "seed": 0, "cache": False, **changes})


def test_area_downsampling_by_hand():
    crops = np.random.default_rng(0).integers(0, 65536, (3, 2, 12, 12)).astype(np.uint16)
    small = downsample(crops, 4)
    assert small.dtype == np.uint16
    np.testing.assert_array_equal(small, np.rint(crops.reshape(3, 2, 4, 3, 4, 3).mean(axis=(3, 5))))
    uneven = downsample(crops, 5)  # the windows of 12 -> 5 pixels begin at floor(12 i / 5) and end at ceil(12 (i + 1) / 5)
    assert uneven[1, 1, 2, 4] == pytest.approx(crops[1, 1, 4:8, 9:12].mean(), abs=0.51)
    assert downsample(crops, 12) is crops
    with pytest.raises(InputError, match="input_size is 13, the crops have 12 px"):
        downsample(crops, 13)


def test_eight_bit_crops_stay_eight_bit():
    crops = np.full((2, 1, 8, 8), 255, np.uint8)
    assert (downsample(crops, 3) == 255).all()
    assert downsample(crops, 3).dtype == np.uint8


def test_fold_trajectories_keeps_usable_rows_of_the_parts_and_all_unlabelled():
    trajectories = pd.DataFrame(
        {"trajectory": list("abcd"), "recording": ["r1", "r1", "r0", "r0"], "track_id": [2, 1, 1, 2], "usable": [True, False, True, False]}
    )
    split = pd.DataFrame({"trajectory": list("abcda"), "fold": [0, 0, 0, 0, 1], "split": ["train", "train", "test", "unlabelled", "test"]})
    assert fold_trajectories(trajectories, split, 0, ["train", "test"])["trajectory"].tolist() == ["c", "a"]
    assert fold_trajectories(trajectories, split, 0, ["test", "unlabelled"])["trajectory"].tolist() == ["c", "d"]
    assert fold_trajectories(trajectories, split, "1", ["test"])[["trajectory", "split"]].values.tolist() == [["a", "test"]]


def test_crop_files_must_agree(tmp_path):
    crops = np.zeros((3, 2, 6, 6), np.uint16)
    first = write_crop_file(tmp_path / "a.h5", "a", {1: (np.arange(3), crops)})
    other = write_crop_file(tmp_path / "b.h5", "b", {1: (np.arange(3), crops)}, channels=["x", "y"])
    again = write_crop_file(tmp_path / "c.h5", "a", {1: (np.arange(3), crops)})
    with pytest.raises(InputError, match=r"b.h5: crops of 6 px with channels x, y, but .*a.h5 has 6 px with channels circadian, p53"):
        CropSet([first, other])
    with pytest.raises(InputError, match=r"c.h5: recording a is also in .*a.h5"):
        CropSet([first, again])
    with pytest.raises(InputError, match="track 1 has no crops in frames 7 to 9"):
        CropSet([first]).read("a", 1, 7, 9)


def test_crop_files_of_the_same_images_are_refused(tmp_path):
    crops = np.zeros((3, 2, 6, 6), np.uint16)
    paths = [write_crop_file(tmp_path / f"{name}.h5", name, {1: (np.arange(3), crops)}) for name in "abc"]
    assert CropSet(paths).channels == ["circadian", "p53"]  # files of cellfate 0.1 have no digest
    for path, digest in zip(paths, ("1f", "2e", "1f"), strict=True):
        with h5py.File(path, "a") as file:
            file.attrs["content_digest"] = digest
    assert CropSet(paths[:2]).paths(["b"]) == [paths[1]]
    with pytest.raises(InputError, match=r"c.h5: it has the same images as .*a.h5: the same cells would be in two recordings"):
        CropSet(paths)


def test_example_stops_at_the_last_frame(data):
    paths, trajectories, split = data
    trajectories["last_frame"] -= 4
    dataset = training_set((paths, trajectories, split), input_size=16)
    row = dataset.rows[1]
    frames, crops = CropSet(paths).read(row.recording, row.track_id, 0, 10_000)
    example = dataset[1]
    assert len(example.frames) == len(frames) - 4
    np.testing.assert_allclose(example.frames, (crops[:-4].astype(float) - 1000) / 100, rtol=1e-5, atol=1e-5)
    assert (example.label, example.trajectory) == (float(row.label), row.trajectory)


def test_cached_examples_are_the_same_examples(data):
    augmentation = AugmentationSettings(**AUGMENTATION)
    lazy, cached = (training_set(data, cache=cache, augmentation=augmentation, seed=3) for cache in (False, True))
    for item in (0, 5, Draw(5, 2, 0), Draw(5, 2, 1), Draw(1, 0, 9)):
        assert torch.equal(lazy[item].frames, cached[item].frames)
    assert torch.equal(lazy[Draw(5, 2, 1)].frames, lazy[Draw(5, 2, 1)].frames)


def test_draws_differ_by_epoch_place_and_seed(data):
    augmentation = AugmentationSettings(**{**AUGMENTATION, "jitter": 1.0})
    one, two = (training_set(data, augmentation=augmentation, seed=seed, cache=True) for seed in (1, 2))
    frames = [d[Draw(0, e, p)].frames[:4] for d in (one, two) for e in (0, 1) for p in (0, 1)]
    assert len({round(f.sum().item(), 3) for f in frames}) == 8


def test_collate_joins_frames_without_padding(data):
    dataset = training_set(data)
    batch = collate([dataset[0], dataset[3]])
    lengths = [len(dataset[0].frames), len(dataset[3].frames)]
    assert batch.lengths.tolist() == lengths
    assert batch.frames.shape == (sum(lengths), 3, 8, 8)
    assert torch.equal(batch.frames[lengths[0] :], dataset[3].frames)
    assert batch.labels.tolist() == [0.0, 1.0]
    assert batch.trajectories == [dataset[0].trajectory, dataset[3].trajectory]


def test_loader_processes_give_the_same_batches(data):
    dataset = training_set(data, augmentation=AugmentationSettings(**AUGMENTATION))
    len(dataset[0].frames)  # a file is open before the processes start
    sampler = BalancedSampler(np.array([r.label for r in dataset.rows]), seed=0)
    alone, helped = (list(DataLoader(dataset, 3, sampler=sampler, collate_fn=collate, num_workers=n)) for n in (0, 2))
    assert all(torch.equal(a.frames, b.frames) and a.trajectories == b.trajectories for a, b in zip(alone, helped, strict=True))
    assert pickle.loads(pickle.dumps(dataset.cropset)).channels == CHANNELS


def test_sampler_balances_the_classes_with_replacement():
    labels = np.array([1] * 90 + [0] * 10)
    sampler = BalancedSampler(labels, seed=4)
    rows = np.concatenate([[draw.row for draw in epoch_of(sampler, e)] for e in range(100)])
    assert len(rows) == 10_000
    assert labels[rows].mean() == pytest.approx(0.5, abs=0.02)
    counts = np.bincount(rows, minlength=100)
    assert counts[90:].mean() == pytest.approx(500, rel=0.03)
    assert counts[:90].mean() == pytest.approx(5000 / 90, rel=0.03)


def epoch_of(sampler, epoch):
    sampler.set_epoch(epoch)
    return list(sampler)


def test_sampler_depends_on_seed_and_epoch_alone():
    labels = np.array([0, 1, 1, 1, 0, 1])
    one, later = BalancedSampler(labels, seed=4), BalancedSampler(labels, seed=4, first_epoch=3)
    assert epoch_of(one, 5) == epoch_of(later, 2)
    assert epoch_of(one, 5) != epoch_of(one, 6)
    assert [d.row for d in epoch_of(one, 0)] != [d.row for d in epoch_of(BalancedSampler(labels, seed=5), 0)]
    assert [d.place for d in epoch_of(one, 5)] == list(range(6))


def test_processes_share_the_draws():
    labels = np.array([0, 1, 1, 1, 0])
    parts = [BalancedSampler(labels, seed=4, rank=rank, world=2) for rank in (0, 1)]
    assert [len(part) for part in parts] == [3, 3]
    shares = [list(part) for part in parts]
    assert sorted(shares[0] + shares[1], key=lambda d: d.place) == parts[0].draws()
    assert len(parts[0].draws()) == 6


def test_channels_must_be_those_of_the_scaling(data):
    paths, trajectories, _ = data
    other = Scaling("corrected", 1.0, (0.0,) * 3, (1.0,) * 3, ("p53", "circadian", "cell_cycle"))
    with pytest.raises(InputError, match="the crops have channels circadian, p53, cell_cycle, the scaling has p53, circadian"):
        TrajectoryDataset(trajectories, CropSet(paths), other, 8, seed=0, cache=False)


def test_a_cache_that_does_not_fit_is_refused_before_anything_is_read(data, monkeypatch):
    paths, trajectories, split = data
    cropset, rows = CropSet(paths), fold_trajectories(trajectories, split, 0, ["train", "validation"])
    cached = TrajectoryDataset(rows, cropset, SCALING, 8, seed=0, cache=True)
    needed = sum(crops.nbytes for crops in cached._cached)
    monkeypatch.setattr(dataset, "available_bytes", lambda: needed)
    check_cache_fits(rows, cropset, 8, devices=1)
    monkeypatch.setattr(dataset, "available_bytes", lambda: None)
    check_cache_fits(rows, cropset, 8, devices=2)
    monkeypatch.setattr(dataset, "available_bytes", lambda: needed)
    words = rf"training\.cache is true, and the crops of {len(rows)} trajectories, .* in 2 processes, but 0\.0 GB are left for this job"
    with pytest.raises(InputError, match=words):
        check_cache_fits(rows, cropset, 8, devices=2)


def test_a_part_with_one_class_is_named():
    rows = pd.DataFrame({"label": [1, 1, 1]})
    with pytest.raises(InputError, match="the validation part of fold 2 has 0 apoptosis and 3 mitosis"):
        check_classes(rows, "validation", 2, OUTCOMES)
    with pytest.raises(InputError, match="0 apoptosis and 0 mitosis"):
        check_classes(rows[:0], "train", 0, OUTCOMES)
    check_classes(pd.DataFrame({"label": [1, 0]}), "train", 0, OUTCOMES)


def test_gaps_in_a_track_are_kept_as_they_are(tmp_path):
    frames = np.array([2, 3, 7, 8, 9])
    crops = toy_trajectory(np.random.default_rng(0), 0, 5)
    cropset = CropSet([write_crop_file(tmp_path / "a.h5", "a", {4: (frames, crops)})])
    found, read = cropset.read("a", 4, 3, 8)
    assert found.tolist() == [3, 7, 8]
    np.testing.assert_array_equal(read, crops[1:4])
