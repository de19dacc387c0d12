import json
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest
from toy_crops import toy_data, toy_trajectory, write_crop_file

from cellfate.base.errors import InputError
from cellfate.crops.levels import centre_disc
from cellfate.model.inputs import prepare
from cellfate.model.scaling import Scaling, compute_scaling, read_scaling, write_scaling


def pixels_by_hand(trajectories, split, parts, tables):
    """All pixels (n, C) of the given parts up to each trajectory's last frame, from the arrays the files were made of."""
    chosen = trajectories[trajectories["trajectory"].isin(split.loc[split["split"].isin(parts), "trajectory"])]
    found = []
    for row in chosen.itertuples():
        frames, crops = tables[row.recording][row.track_id]
        found.append(np.moveaxis(crops[frames <= row.last_frame], 1, -1).reshape(-1, crops.shape[1]))
    return np.concatenate(found).astype(np.float64)


@pytest.fixture
def data(tmp_path):
    paths, trajectories, split = toy_data(tmp_path, n_recordings=4, n_tracks=4, size=9)
    rng = np.random.default_rng(5)
    tables = {}
    for r, path in enumerate(paths):
        tables[f"r{r}"] = {t: (np.arange(3, 20), (toy_trajectory(rng, t % 2, 17, 9) * (r + 1)).astype(np.uint16)) for t in range(4)}
        write_crop_file(path, f"r{r}", tables[f"r{r}"])
    return paths, trajectories, split, tables


def test_equals_numpy_over_the_training_pixels_before_the_cut(data):
    paths, trajectories, split, tables = data
    found = compute_scaling(paths, trajectories, split, 0, "corrected", scaling_frames=5)
    pixels = pixels_by_hand(trajectories, split, ["train"], tables)
    np.testing.assert_allclose(found.mean, pixels.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(found.std, pixels.std(axis=0), rtol=1e-12)
    assert (found.mode, found.divisor, found.channels) == ("corrected", 1.0, ("circadian", "p53", "cell_cycle"))
    everything = pixels_by_hand(trajectories, split, ["train", "test", "validation"], tables)
    assert abs(found.mean[0] - everything.mean(axis=0)[0]) > 100


def test_unusable_training_trajectories_are_left_out(data):
    paths, trajectories, split, tables = data
    trajectories.loc[trajectories["recording"] == "r3", "usable"] = False
    found = compute_scaling(paths, trajectories, split, 0, "corrected", scaling_frames=5)
    kept = pixels_by_hand(trajectories[trajectories["usable"]], split, ["train"], tables)
    np.testing.assert_allclose(found.mean, kept.mean(axis=0), rtol=1e-14)


def test_saturated_crops_stay_exact(tmp_path):
    crops = np.full((40, 1, 64, 64), 65535, np.uint16)
    crops[0, 0, 0, 0] = 65534
    paths, trajectories, split = toy_data(tmp_path, n_recordings=3, n_tracks=2, n_channels=1, size=64)
    write_crop_file(paths[2], "r2", {0: (np.arange(40), crops), 1: (np.arange(40), crops)})
    trajectories[["first_frame", "last_frame"]] = 0, 39
    found = compute_scaling(paths[2:], trajectories, split, 0, "corrected", scaling_frames=5)
    n = 40 * 64 * 64
    assert found.mean[0] == pytest.approx(65535 - 1 / n, abs=1e-10)
    assert found.std[0] == pytest.approx((1 / n - 1 / n**2) ** 0.5, rel=1e-12)


def test_reference_is_the_published_input(data):
    paths, trajectories, split, _ = data
    found = compute_scaling(paths, trajectories, split, 0, "reference", scaling_frames=5)
    counts = 40000.0
    published = (counts / 65535 / 65535 - 4.0051e-07) / 0.0421
    assert (counts / found.divisor - found.mean[1]) / found.std[1] == pytest.approx(published, rel=1e-12)


def test_reference_needs_three_channels(tmp_path):
    paths, trajectories, split = toy_data(tmp_path, n_channels=2)
    with pytest.raises(InputError, match="3 channels, the crops have 2"):
        compute_scaling(paths, trajectories, split, 0, "reference", scaling_frames=5)


def test_faults_are_named(data):
    paths, trajectories, split, _ = data
    with pytest.raises(InputError, match="fold 7 is not in the split table, which has 0"):
        compute_scaling(paths, trajectories, split, 7, "corrected", scaling_frames=5)
    with pytest.raises(InputError, match="no usable training trajectory"):
        compute_scaling(paths, trajectories, split.assign(split="test"), 0, "corrected", scaling_frames=5)
    with pytest.raises(InputError, match="scaling is 'median'"):
        compute_scaling(paths, trajectories, split, 0, "median", scaling_frames=5)
    with pytest.raises(InputError, match="no crop file of recording r3"):
        compute_scaling(paths[:3], trajectories, split, 0, "corrected", scaling_frames=5)


def test_an_empty_channel_is_named(data):
    paths, trajectories, split, tables = data
    for r in (2, 3):
        for _, crops in tables[f"r{r}"].values():
            crops[:, 2] = 7
        write_crop_file(paths[r], f"r{r}", tables[f"r{r}"])
    with pytest.raises(InputError, match="channel cell_cycle has the value 7"):
        compute_scaling(paths, trajectories, split, 0, "corrected", scaling_frames=5)


def test_written_and_read_again(tmp_path):
    scaling = Scaling("corrected", 1.0, (0.1, 1e-17), (2.0, 1 / 3), ("a", "b"))
    write_scaling(scaling, tmp_path / "scaling.json")
    assert read_scaling(tmp_path / "scaling.json") == scaling


def test_starts_without_torch():
    """The job takes seconds; loading torch would double that."""
    code = "import sys, cellfate.model.scaling; sys.exit('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def brighter(paths, tables, gains, offset):
    """The same recordings with a gain and an offset of their own; the background is the offset."""
    for path, gain in zip(paths, gains, strict=True):
        changed = {t: (frames, (crops * gain + offset).astype(np.uint16)) for t, (frames, crops) in tables[path.stem].items()}
        write_crop_file(path, path.stem, changed)
        with h5py.File(path, "r+") as file:
            file["background"][...] = offset


def test_recording_takes_counts_relative_to_the_recordings_own_level(data):
    """By hand: background 0 in the toy files, the signal is the median over the first crops of the mean of the centre."""
    paths, trajectories, split, tables = data
    found = compute_scaling(paths, trajectories, split, 0, "recording", scaling_frames=5)
    disc = centre_disc(9)
    pixels = []
    for name in ("r2", "r3"):  # those that train
        first = np.concatenate([crops[:5] for _, crops in tables[name].values()])[:, :, disc].mean(axis=2)
        signal = np.median(first, axis=0)
        np.testing.assert_allclose(found.levels[name].signal, signal)
        own = trajectories[trajectories["recording"] == name]
        kept = [tables[name][row.track_id] for row in own.itertuples()]
        cut = [crops[frames <= row.last_frame] for (frames, crops), row in zip(kept, own.itertuples(), strict=True)]
        pixels.append(np.moveaxis(np.concatenate(cut), 1, -1).reshape(-1, 3) / signal)
    np.testing.assert_allclose(found.mean, np.concatenate(pixels).mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(found.std, np.concatenate(pixels).std(axis=0), rtol=1e-9)
    assert set(found.levels) == {"r0", "r1", "r2", "r3"}


def test_with_recording_gain_and_offset_change_nothing(data):
    paths, trajectories, split, tables = data
    before = compute_scaling(paths, trajectories, split, 0, "recording", scaling_frames=5)
    brighter(paths, tables, (2, 1, 3, 2), 100)
    after = compute_scaling(paths, trajectories, split, 0, "recording", scaling_frames=5)
    np.testing.assert_allclose(after.mean, before.mean, rtol=1e-9)
    for name, gain in (("r0", 2), ("r3", 2)):
        counts = tables[name][0][1].astype(np.float32)
        same, other = prepare(counts, before.of(name)), prepare(counts * gain + 100, after.of(name))
        np.testing.assert_allclose(same, other, rtol=1e-3, atol=1e-3)
    plain = compute_scaling(paths, trajectories, split, 0, "corrected", scaling_frames=5)
    assert plain.of("r0") is plain


def test_counts_are_not_scaled_without_the_level_of_their_recording(data):
    paths, trajectories, split, tables = data
    found = compute_scaling(paths, trajectories, split, 0, "recording", scaling_frames=5)
    with pytest.raises(ValueError, match="level of their recording"):
        prepare(tables["r0"][0][1], found)
    with pytest.raises(InputError, match="level of recording r9"):
        found.of("r9")
    assert found.with_level("r9", found.levels["r0"]).of("r9") == found.of("r0")


def test_recording_scaling_is_read_as_it_was_written(tmp_path, data):
    paths, trajectories, split, _ = data
    found = compute_scaling(paths, trajectories, split, 0, "recording", scaling_frames=5)
    write_scaling(found, tmp_path / "scaling.json")
    assert read_scaling(tmp_path / "scaling.json") == found


def test_scalings_of_earlier_versions_are_read(tmp_path):
    old = {"mode": "corrected", "divisor": 1.0, "mean": [1.0], "std": [2.0], "channels": ["a"]}
    (tmp_path / "scaling.json").write_text(json.dumps(old))
    assert read_scaling(tmp_path / "scaling.json").of("any").std == (2.0,)
