import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from toy_crops import CHANNELS
from toy_model import ToyFrames, toy_tracks, write_model

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.crops.appearance import Appearance
from cellfate.model.embedding import embed_crops
from cellfate.model.embedding_file import EmbeddingFile
from cellfate.model.inference import classify_sequences, open_model
from cellfate.model.prefixes import prefix_logits
from cellfate.model.scaling import Scaling
from cellfate.prediction.embedding import _blocks, embed_recording
from cellfate.prediction.prefixes import predict_recording
from cellfate.prediction.tables import FATE_PREDICTIONS

ON_CPU = {"accelerator": "cpu", "threads": 1}
SPANS = {1: (0, 29), 2: (4, 25), 7: (10, 15)}


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "model")


def predicted(tmp_path, model_folder, frames, tracks, min_frames=5, every=1, **changes):
    options = {"recording": "r0", "frame_interval_min": 30, "pixel_size_um": 0.5, "allow_other_interval": False, **ON_CPU} | changes
    path = tmp_path / "embeddings.h5"
    embed_recording(frames, tracks, model_folder, path, min_frames=min_frames, **options)
    shown = {"recording": "r0", "frame_interval_min": 30, "min_frames": min_frames, "every": every}
    return predict_recording(path, tracks, model_folder, **shown, **ON_CPU)


def test_the_table_is_the_declared_one(tmp_path, model_folder):
    table = check_table(predicted(tmp_path, model_folder, ToyFrames(), toy_tracks(SPANS)), FATE_PREDICTIONS, "test")
    assert table.groupby("track_id").size().to_dict() == {1: 26, 2: 18, 7: 2}
    one = table[table["track_id"] == 2]
    assert one["frame"].tolist() == list(range(8, 26))
    assert one["n_frames_seen"].tolist() == list(range(5, 23))
    assert one["hours_since_start"].tolist() == [n / 2 for n in range(4, 22)]
    positions = toy_tracks(SPANS).set_index(["track_id", "frame"]).loc[2].loc[one["frame"]]
    np.testing.assert_array_equal(one[["y", "x"]], positions[["y", "x"]])
    assert set(table["given"]) == {"the track ends in apoptosis or mitosis"}


def test_probabilities_are_the_calibrated_logits(tmp_path, model_folder):
    table = predicted(tmp_path, model_folder, ToyFrames(), toy_tracks(SPANS))
    temperature = 2 * np.sqrt(16 / table["n_frames_seen"].clip(upper=20))  # fitted on 4 to 20 frames
    np.testing.assert_allclose(table["probability_mitosis"], expit(table["logit"] / temperature + logit(0.8)))
    np.testing.assert_allclose(table["probability_mitosis"] + table["probability_apoptosis"], 1)
    assert table["probability_mitosis"].std() > 0.01


def test_a_value_is_that_of_the_shortened_track(model_folder):
    """By an independent way through the network: the first n frames as a trajectory of their own."""
    model = open_model(model_folder, **ON_CPU)
    embeddings = np.random.default_rng(0).normal(size=(50, model.settings.features)).astype("float32")
    lengths = range(3, 51)
    (logits,) = prefix_logits(model, [embeddings], [lengths])
    np.testing.assert_allclose(logits, classify_sequences(model, [embeddings[:n] for n in lengths])[0], rtol=1e-4, atol=1e-5)


def test_later_frames_change_nothing(tmp_path, model_folder):
    """Bit for bit: the images from frame 18 on are others, and the cells are elsewhere."""
    tracks, frames = toy_tracks(SPANS), ToyFrames()
    before = predicted(tmp_path, model_folder, frames, tracks)
    frames.images[18:] = 60000 - frames.images[18:]
    late = tracks["frame"] >= 18
    tracks.loc[late, ["y", "x"]] = 80 - tracks.loc[late, ["y", "x"]]
    after = predicted(tmp_path, model_folder, frames, tracks)
    pd.testing.assert_frame_equal(before[before["frame"] < 18], after[after["frame"] < 18], check_exact=True)
    assert (before.loc[before["frame"] >= 18, "logit"] != after.loc[after["frame"] >= 18, "logit"]).all()


@pytest.mark.parametrize("last", [8, 13, 21, 28])
def test_a_recording_that_stops_earlier_gives_the_same_values(tmp_path, model_folder, last):
    tracks = toy_tracks(SPANS)
    whole = predicted(tmp_path, model_folder, ToyFrames(), tracks)
    stopped = predicted(tmp_path, model_folder, ToyFrames(), tracks[tracks["frame"] <= last])
    there = whole[whole["frame"] <= last].reset_index(drop=True)
    pd.testing.assert_frame_equal(stopped.reset_index(drop=True), there, check_exact=True)


def test_every_nth_value_is_the_same(tmp_path, model_folder):
    each = predicted(tmp_path, model_folder, ToyFrames(), toy_tracks(SPANS))
    third = predicted(tmp_path, model_folder, ToyFrames(), toy_tracks(SPANS), every=3)
    assert third.loc[third["track_id"] == 1, "n_frames_seen"].tolist() == list(range(5, 31, 3))
    merged = third.merge(each, on=["track_id", "frame"], suffixes=("", "_each"))
    assert len(merged) == len(third)
    np.testing.assert_array_equal(merged["logit"], merged["logit_each"])


def test_channels_in_another_order_are_brought_into_the_models(tmp_path, model_folder):
    frames, swapped = ToyFrames(), ToyFrames(channels=[CHANNELS[i] for i in (2, 0, 1)])
    swapped.images = frames.images[:, [2, 0, 1]]
    tracks = toy_tracks(SPANS)
    expected = predicted(tmp_path, model_folder, frames, tracks)
    pd.testing.assert_frame_equal(predicted(tmp_path, model_folder, swapped, tracks), expected, check_exact=True)


def test_a_finer_pixel_size_gives_a_larger_crop(tmp_path, model_folder):
    """A recording with pixels half as large is the first one with each pixel doubled."""
    coarse, fine, tracks = ToyFrames(), ToyFrames(), toy_tracks({1: (0, 9)})
    tracks[["y", "x"]] = tracks[["y", "x"]].round()
    fine.images, fine.shape = coarse.images.repeat(2, axis=2).repeat(2, axis=3), (160, 160)
    doubled = tracks.assign(y=2 * tracks["y"], x=2 * tracks["x"])
    expected = predicted(tmp_path, model_folder, coarse, tracks)
    found = predicted(tmp_path, model_folder, fine, doubled, pixel_size_um=0.25)
    np.testing.assert_allclose(found["logit"], expected["logit"], rtol=1e-5)


def test_embeddings_are_those_of_the_crops_around_the_cell(tmp_path, model_folder):
    frames, tracks = ToyFrames(), toy_tracks({1: (0, 5)})
    tracks[["y", "x"]] = 40.0
    embed_recording(
        frames,
        tracks,
        model_folder,
        tmp_path / "e.h5",
        recording="r0",
        frame_interval_min=30,
        pixel_size_um=None,
        min_frames=5,
        allow_other_interval=False,
        **ON_CPU,
    )
    model = open_model(model_folder, **ON_CPU)
    scaling = Scaling("corrected", 1, (1000,) * 3, (100,) * 3, tuple(CHANNELS))
    expected = embed_crops(model, frames.images[:6, :, 32:48, 32:48], scaling, precision="32-true", channels_last=True)
    with EmbeddingFile(tmp_path / "e.h5", "model") as file:
        assert file.trajectories == ["r0/1"]
        np.testing.assert_allclose(file.read("r0/1")[1], expected, rtol=1e-4, atol=1e-5)


def test_crops_come_in_full_blocks_and_the_last_one_is_filled_up():
    frames = ToyFrames(4)
    frames.path = "nowhere"
    rows = toy_tracks({1: (0, 3), 2: (1, 3)})
    looks = Appearance(16, 16)
    blocks = [(places.tolist(), crops.copy()) for places, crops in _blocks(frames, rows, [0, 1, 2], looks, 16, 3, "test")]
    assert [len(places) for places, _ in blocks] == [3, 3, 1]
    assert sorted(place for places, _ in blocks for place in places) == list(range(7))
    assert all(crops.shape == (3, 3, 16, 16) for _, crops in blocks)
    assert blocks[0][1].any(axis=(1, 2, 3)).all()
    assert blocks[2][1].any(axis=(1, 2, 3)).tolist() == [True, False, False]


def test_no_track_is_long_enough(tmp_path, model_folder):
    message = r"recording r0: no track has 5 frames, .* the longest has 4: .* prediction.min_frames \(--min-frames\) .* model's own is 5"
    with pytest.raises(InputError, match=message):
        predicted(tmp_path, model_folder, ToyFrames(), toy_tracks({1: (0, 3)}))


def test_gaps_count_the_frames_that_are_there(tmp_path, model_folder):
    tracks = toy_tracks({1: (0, 12)})
    tracks = tracks[~tracks["frame"].isin([4, 5])]
    table = predicted(tmp_path, model_folder, ToyFrames(), tracks)
    assert table["frame"].tolist() == [6, 7, 8, 9, 10, 11, 12]
    assert table["n_frames_seen"].tolist() == [5, 6, 7, 8, 9, 10, 11]


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"frame_interval_min": 10}, "frame_interval_min is 10"), ({"pixel_size_um": 2.0}, "pixel_size_um is 2")],
)
def test_what_the_model_cannot_be_used_with_is_refused(tmp_path, model_folder, changes, message):
    with pytest.raises(InputError, match=f"recording r0: {message}"):
        predicted(tmp_path, model_folder, ToyFrames(), toy_tracks(SPANS), **changes)


def test_another_interval_may_be_allowed(tmp_path, model_folder, capsys):
    tracks = toy_tracks({1: (0, 9)})
    options = {"recording": "r0", "frame_interval_min": 10, "pixel_size_um": 0.5, **ON_CPU}
    embed_recording(ToyFrames(), tracks, model_folder, tmp_path / "e.h5", min_frames=5, allow_other_interval=True, **options)
    assert "WARNING: recording r0: frame_interval_min is 10, but the model was trained at 30 min" in capsys.readouterr().err
