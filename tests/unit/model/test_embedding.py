from functools import partial

import numpy as np
import pytest
import torch
from toy_crops import CHANNELS, MODEL, toy_data

from cellfate.base.errors import InputError
from cellfate.base.files import sha256
from cellfate.crops.crop_set import CropSet
from cellfate.model.embedding import crop_loader, embed_frames
from cellfate.model.embedding_file import EmbeddingFile
from cellfate.model.network import FateModel, ModelSettings
from cellfate.model.saved.folder import save_model
from cellfate.trajectories.folds import fold_trajectories

SCALING = {"mode": "corrected", "divisor": 1.0, "mean": [1000.0] * 3, "std": [100.0] * 3, "channels": CHANNELS}
PLAIN = {"batch_size": 64, "precision": "32-true", "channels_last": False, "compile": False, "threads": 1, "accelerator": "auto"}


@pytest.fixture
def data(tmp_path):
    paths, trajectories, split = toy_data(tmp_path / "crops", n_recordings=3, n_tracks=4)
    torch.manual_seed(0)
    model = FateModel(ModelSettings(channels=3, **MODEL))
    for _ in range(3):  # batch statistics that are not the initial ones
        model.embed(torch.randn(8, 3, 16, 16) * 2 + 1)
    save_model(tmp_path / "model", model, {"channels": CHANNELS, "crop_size": 16, "scaling": SCALING})
    return paths, trajectories, split, model.eval(), tmp_path


def embed(data, path="embeddings.h5", **changes):
    paths, trajectories, split, _, folder = data
    wanted = {"fold": 0, "splits": ["validation", "test"], **PLAIN, **changes}
    embed_frames(paths, trajectories, split, folder / "model", folder / path, **wanted)
    return folder / path


def test_embeddings_are_those_of_the_model_frame_by_frame(data):
    paths, trajectories, _, model, folder = data
    trajectories.loc[trajectories["trajectory"] == "r1/2", "last_frame"] -= 5
    with EmbeddingFile(embed(data, batch_size=7)) as file:
        assert file.trajectories == [f"r{r}/{t}" for r in (0, 1) for t in range(4)]
        assert file.attrs["fold"] == 0
        assert file.attrs["model_sha256"] == sha256(folder / "model/weights.safetensors")
        for row in trajectories[trajectories["recording"] != "r2"].itertuples():
            frames, crops = CropSet(paths).read(row.recording, row.track_id, 0, row.last_frame)
            found_frames, found = file.read(row.trajectory)
            assert found_frames.tolist() == frames.tolist() == list(range(row.first_frame, row.last_frame + 1))
            with torch.no_grad():
                expected = torch.cat([model.embed((torch.from_numpy(c.astype(np.float32)) - 1000)[None] / 100) for c in crops])
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_logits_from_embeddings_equal_the_direct_computation(data):
    """Also for a shortened trajectory: truncation and last-k need no frame again."""
    paths, trajectories, _, model, _ = data
    row = next(trajectories[trajectories["trajectory"] == "r1/3"].itertuples())
    _, crops = CropSet(paths).read(row.recording, row.track_id, row.first_frame, row.last_frame)
    frames = (torch.from_numpy(crops.astype(np.float32)) - 1000) / 100
    with EmbeddingFile(embed(data)) as file:
        embeddings = torch.from_numpy(file.read("r1/3")[1])
    for part in (slice(None), slice(0, 7), slice(-5, None)):
        n = torch.tensor([len(frames[part])])
        with torch.no_grad():
            direct, cached = model(frames[part], n), model.classify(embeddings[None, part], n)
        torch.testing.assert_close(cached, direct, rtol=1e-4, atol=1e-5)


def test_unlabelled_tracks_are_embedded_where_they_have_crops(data, capsys):
    _, _, split, _, _ = data
    split.loc[split["trajectory"].isin(["r2/0", "r2/1"]), "split"] = "unlabelled"
    data[1].loc[data[1]["trajectory"].isin(["r2/0", "r2/1"]), "usable"] = False
    data[1].loc[data[1]["trajectory"] == "r2/1", "track_id"] = 99
    with EmbeddingFile(embed(data, splits=["unlabelled"])) as file:
        assert file.trajectories == ["r2/0"]
    assert "embed_frames fold 0: 1 tracks without a fate have no crops" in capsys.readouterr().err


def test_a_labelled_trajectory_without_crops_is_an_error(data):
    data[1].loc[data[1]["trajectory"] == "r1/1", "track_id"] = 99
    with pytest.raises(InputError, match=r"r1.h5: no crops of track 99"):
        embed(data)
    assert not (data[-1] / "embeddings.h5").exists()


def test_no_trajectories_give_an_empty_file(data):
    with EmbeddingFile(embed(data, splits=["unlabelled"])) as file:
        assert file.trajectories == []
        with pytest.raises(InputError, match="no embeddings of trajectory r0/0"):
            file.read("r0/0")


def test_crops_of_other_channels_are_named(data):
    *_, model, folder = data
    save_model(folder / "model", model, {"channels": ["a", "b", "c"], "crop_size": 16, "scaling": SCALING})
    with pytest.raises(InputError, match=r"trained with channels \['a', 'b', 'c'\], the crops have \['circadian'"):
        embed(data)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nothing.h5: no such file .a file of embeddings"):
        EmbeddingFile(tmp_path / "nothing.h5")


def test_blocks_of_any_size_give_the_same_embeddings(data):
    """Blocks reach over the ends of trajectories."""
    with EmbeddingFile(embed(data, "a.h5")) as a:
        for size, options in ((1, {}), (5, {"channels_last": True}), (500, {})):
            with EmbeddingFile(embed(data, f"{size}.h5", batch_size=size, **options)) as b:
                assert b.trajectories == a.trajectories
                for name in a.trajectories:
                    assert a.read(name)[0].tolist() == b.read(name)[0].tolist()
                    np.testing.assert_allclose(a.read(name)[1], b.read(name)[1], rtol=1e-4, atol=1e-5)


def test_bf16_embeddings_differ_by_their_rounding(data):
    """Eight bits within the ResNet: about a hundredth of the spread of the embeddings; stored as float32."""
    with EmbeddingFile(embed(data, "a.h5")) as a, EmbeddingFile(embed(data, "b.h5", precision="bf16-mixed")) as b:
        exact, rounded = (np.concatenate([file.read(name)[1] for name in a.trajectories]) for file in (a, b))
    assert rounded.dtype == np.float32
    error = np.sqrt(np.mean((rounded - exact) ** 2)) / exact.std()
    assert 1e-5 < error < 0.03


def test_a_compiled_resnet_gives_the_same_embeddings(data, monkeypatch):
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    with EmbeddingFile(embed(data, "a.h5")) as a, EmbeddingFile(embed(data, "b.h5", batch_size=16, compile=True)) as b:
        for name in a.trajectories:
            np.testing.assert_allclose(a.read(name)[1], b.read(name)[1], rtol=1e-4, atol=1e-5)


def test_reading_ahead_changes_nothing(data):
    paths, trajectories, split, *_ = data
    rows = fold_trajectories(trajectories, split, 0, ["test", "train"])
    cropset = CropSet(paths)
    cropset.read("r1", 0, 0, 100)  # a file is open before the processes start
    alone, helped = (list(crop_loader(rows, cropset, 8, workers, pin_memory=False)) for workers in (0, 2))
    assert len(alone) == len(rows)
    for (frames, crops), (other_frames, other_crops) in zip(alone, helped, strict=True):
        assert crops.dtype == torch.uint16
        assert crops.shape[1:] == (3, 8, 8)
        assert torch.equal(frames, other_frames)
        assert torch.equal(crops, other_crops)
