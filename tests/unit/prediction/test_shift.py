"""New recordings against those that a model saw, measured while they are embedded; and the scaling by a recording's own level."""

import json

import numpy as np
import pandas as pd
import pytest
from toy_crops import CHANNELS
from toy_model import SCALING, ToyFrames, settings_of, toy_tracks, write_model

from cellfate.base.errors import InputError
from cellfate.base.tables import read_table
from cellfate.crops.cutting import background_level
from cellfate.model.embedding_file import EmbeddingFile
from cellfate.model.scaling import Scaling
from cellfate.model.shift.seen import TRAINING, Facts, Seen, value_table, write_seen
from cellfate.model.tables import SHIFT
from cellfate.prediction.embedding import embed_recording
from cellfate.prediction.levels import Recording, scaling_here
from cellfate.prediction.shift import write_shift

SPANS = {1: (0, 29), 2: (4, 25), 7: (10, 15)}
LEVELLED = SCALING | {"mode": "recording", "mean": [1.0] * 3, "std": [0.5] * 3, "n_first": 5, "levels": {}}


def embedded(tmp_path, folder, frames, tracks, **changes):
    """What was measured of the crops, and the embeddings of track 1."""
    options = {"recording": "r0", "frame_interval_min": 30, "pixel_size_um": 0.5, "allow_other_interval": False, "min_frames": 5} | changes
    found = embed_recording(frames, tracks, folder, tmp_path / "e.h5", accelerator="cpu", threads=1, **options)
    with EmbeddingFile(tmp_path / "e.h5", "model") as file:
        return found, file.read("r0/1")[1]


def compared(tmp_path, folder, frames, tracks, capsys, pixel_size_um=0.5):
    found, _ = embedded(tmp_path, folder, frames, tracks, pixel_size_um=pixel_size_um)
    known = {"recording": "r0", "n_frames": frames.n_frames, "frame_interval_min": 30, "pixel_size_um": pixel_size_um, "min_frames": 5}
    capsys.readouterr()
    write_shift(found, tracks, folder, tmp_path / "shift.csv", **known)
    return read_table(tmp_path / "shift.csv", SHIFT), capsys.readouterr().err.splitlines()


def remember(folder, n_recordings, tmp_path, pixel_size_um=0.5):
    """Let the model have seen recordings like the toy one, of other noise and other cells."""
    values = []
    for seed in range(1, n_recordings + 1):
        tracks = toy_tracks(SPANS, seed=seed)
        appearance = embedded(tmp_path, folder, ToyFrames(seed=seed), tracks)[0].appearance
        facts = Facts(30, pixel_size_um, 30, [30, 22, 6])
        values.append(value_table(facts, CHANNELS, appearance).assign(recording=f"t{seed}"))
    write_seen(Seen(pd.concat(values, ignore_index=True), {0: [f"t{i}" for i in range(1, n_recordings + 1)]}), folder / TRAINING)


@pytest.fixture
def folder(tmp_path):
    return write_model(tmp_path / "model")


def test_a_recording_like_the_others(tmp_path, folder, capsys):
    remember(folder, 8, tmp_path)
    table, lines = compared(tmp_path, folder, ToyFrames(), toy_tracks(SPANS), capsys)
    assert (table["position"] == "outside").sum() == 0
    assert (table["n_recordings"] == 8).sum() > 30
    assert lines[-1].startswith("recording r0: of ")
    assert not any("WARNING" in line for line in lines)


def test_a_gain_is_outside_and_a_warning(tmp_path, folder, capsys):
    remember(folder, 8, tmp_path)
    frames = ToyFrames()
    frames.images[:, 1] = frames.images[:, 1] * 3
    table, lines = compared(tmp_path, folder, frames, toy_tracks(SPANS), capsys)
    far = table[table["position"] == "outside"]
    assert set(far["channel"]) == {"p53"}
    assert {"raw_q50", "background"} <= set(far["quantity"])
    assert lines[0].startswith("WARNING: recording r0 is unlike the 8 recordings that the model was trained with: p53")


def test_channels_in_another_order_are_compared_with_their_own(tmp_path, folder, capsys):
    remember(folder, 4, tmp_path)
    frames, swapped = ToyFrames(), ToyFrames(channels=[CHANNELS[i] for i in (2, 0, 1)])
    frames.images[:, 1] = frames.images[:, 1] * 3
    swapped.images = frames.images[:, [2, 0, 1]]
    first, _ = compared(tmp_path, folder, frames, toy_tracks(SPANS), capsys)
    second, _ = compared(tmp_path, folder, swapped, toy_tracks(SPANS), capsys)
    pd.testing.assert_frame_equal(first, second)


def test_what_is_measured_is_what_training_measures(tmp_path, folder):
    """Of the same crops, cut out of frames or read from a crop file."""
    from cellfate.crops.extraction import extract_crops
    from cellfate.model.shift.seen import describe_recordings

    tracks, frames = toy_tracks({1: (0, 29), 2: (4, 25)}), ToyFrames()
    frames.path = tmp_path / "frames"
    outcomes = pd.DataFrame({"track_id": [1, 2], "outcome": "mitosis", "event_frame": [None, None]})
    extract_crops(
        frames,
        tracks,
        outcomes,
        tmp_path / "r0.h5",
        recording="r0",
        size=16,
        which="all",
        outcomes_wanted=["mitosis", "apoptosis"],
        min_frames=5,
        frame_interval_min=30,
        pixel_size_um=0.5,
    )
    trajectories = pd.DataFrame(
        {"trajectory": ["r0/1", "r0/2"], "recording": "r0", "track_id": [1, 2], "first_frame": [0, 4], "last_frame": [29, 25]}
    ).assign(n_frames=[30, 22], usable=True)
    split = pd.DataFrame({"trajectory": ["r0/1", "r0/2"], "fold": 0, "split": "train"})
    sheet = pd.DataFrame({"recording": ["r0"], "frame_interval_min": 30.0, "pixel_size_um": 0.5})
    trained = describe_recordings([tmp_path / "r0.h5"], trajectories, split, sheet).of(["r0"])
    appearance = embedded(tmp_path, folder, frames, tracks)[0].appearance
    new = value_table(Facts(30, 0.5, 30, [30, 22]), CHANNELS, appearance)
    both = trained.merge(new, on=["channel", "quantity"], suffixes=("", "_new"))
    assert len(both) == len(new) == len(trained)
    np.testing.assert_allclose(both["value"], both["value_new"], rtol=1e-5)


def test_a_folder_of_an_earlier_version_cannot_tell(tmp_path, folder, capsys):
    table, lines = compared(tmp_path, folder, ToyFrames(), toy_tracks(SPANS), capsys)
    assert set(table["position"]) == {"unknown"}
    assert table["value"].notna().sum() > 30
    assert sum("cannot be told: its folder has no training.json" in line for line in lines) == 1


def test_a_constant_recording_without_pixel_size(tmp_path, folder, capsys):
    remember(folder, 8, tmp_path, pixel_size_um=None)
    frames = ToyFrames()
    frames.images[:], frames.where, frames.path = 1000, str, "frames"
    table, lines = compared(tmp_path, folder, frames, toy_tracks(SPANS), capsys, pixel_size_um=None)
    rows = table.set_index("quantity")
    assert rows.loc["pixel_size_um", "position"] == "unknown"
    assert rows["value"].loc["radius"].isna().all()
    assert lines[0].startswith("WARNING: recording r0 is unlike")


def test_with_their_own_level_gain_and_offset_change_nothing(tmp_path):
    folder = write_model(tmp_path / "levelled", scaling=LEVELLED)
    frames, other, tracks = ToyFrames(), ToyFrames(), toy_tracks(SPANS)
    tracks[["y", "x"]] = tracks[["y", "x"]].clip(10, 70)  # pixels outside the image are 0 whatever the offset
    gains, offsets = np.array([2, 3, 1])[:, None, None], np.array([500, 0, 200])[:, None, None]
    other.images = (frames.images * gains + offsets).astype(np.uint16)
    _, before = embedded(tmp_path, folder, frames, tracks)
    _, after = embedded(tmp_path, folder, other, tracks)
    np.testing.assert_allclose(before, after, rtol=1e-3, atol=1e-3)
    plain = write_model(tmp_path / "plain")
    assert not np.allclose(*(embedded(tmp_path, plain, one, tracks)[1] for one in (frames, other)), rtol=0.05)


def test_with_their_own_level_later_frames_change_nothing(tmp_path):
    """Bit for bit, as without: neither later images, nor how long the tracks become."""
    folder = write_model(tmp_path / "levelled", scaling=LEVELLED)
    frames, tracks = ToyFrames(), toy_tracks({1: (0, 29), 2: (1, 25), 3: (2, 4), 7: (10, 15)})
    _, before = embedded(tmp_path, folder, frames, tracks)
    frames.images[9:] = 60000 - frames.images[9:]
    _, after = embedded(tmp_path, folder, frames, tracks[tracks["frame"] < 12])
    np.testing.assert_array_equal(before[:9], after[:9])
    assert not np.array_equal(before[9:12], after[9:12])


def test_the_level_of_a_new_recording_is_that_of_its_first_frames(tmp_path):
    frames, tracks = ToyFrames(), toy_tracks({1: (3, 29)})
    found = Recording(frames, tracks, [0, 1, 2], 16, "r0", "digest").levels(5)
    expected = np.median([background_level(frames.images[t], 5) for t in range(3, 8)], axis=0)
    np.testing.assert_allclose(found.background, expected)


def test_a_recording_of_the_models_own_data_keeps_its_level():
    """Found by what it shows, not by its name: its probabilities are those of the run."""
    level = {"background": [900.0] * 3, "signal": [50.0] * 3, "digest": "abc"}
    scaling = Scaling(**LEVELLED | {"levels": {"other_name": level, "old": {"background": [1] * 3, "signal": [2] * 3}}})
    recording = Recording(ToyFrames(), toy_tracks(SPANS), [0, 1, 2], 16, "r0", "abc")
    assert scaling_here(scaling, recording).mean == (950.0,) * 3
    recording.digest = "another"
    assert scaling_here(scaling, recording).mean != (950.0,) * 3


def test_a_recording_without_signal_is_refused_with_the_way_out(tmp_path):
    folder, frames = write_model(tmp_path / "levelled", scaling=LEVELLED), ToyFrames()
    frames.images[:, 2] = 300
    with pytest.raises(InputError, match=r"recording r0, channel cell_cycle, cells are 0 counts above the background.*scaling: corrected"):
        embedded(tmp_path, folder, frames, toy_tracks(SPANS))


def test_values_before_the_level_is_known_are_a_warning(tmp_path, capsys):
    folder = write_model(tmp_path / "levelled", scaling=LEVELLED)
    embedded(tmp_path, folder, ToyFrames(), toy_tracks(SPANS), min_frames=5)
    assert "WARNING" not in capsys.readouterr().err
    embedded(tmp_path, folder, ToyFrames(), toy_tracks(SPANS), min_frames=4)
    assert (
        "WARNING: recording r0: values from 4 frames of a track on, but the model takes the recording's level from its first 5"
        in capsys.readouterr().err
    )


def test_the_levelled_model_says_that_a_gain_matters_little(tmp_path, capsys):
    folder = write_model(tmp_path / "levelled", scaling=LEVELLED)
    remember(folder, 8, tmp_path)
    assert settings_of(folder)["scaling"]["mode"] == "recording"
    assert json.loads((folder / TRAINING).read_text())["trained"]["0"] == [f"t{i}" for i in range(1, 9)]
    frames = ToyFrames()
    frames.images *= 3
    _, lines = compared(tmp_path, folder, frames, toy_tracks(SPANS), capsys)
    assert lines[-1].endswith("a gain or an offset alone matters little")
