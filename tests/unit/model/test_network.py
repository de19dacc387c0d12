import math

import pytest
import torch
import torchvision
from torch import nn
from toy_crops import MODEL

from cellfate.base.errors import InputError
from cellfate.model.network import Backbone, FateModel, ModelSettings, device_for, sinusoidal_positions
from cellfate.model.saved.folder import load_model, save_model

PAPER = {
    "block": "bottleneck",
    "layers": [3, 4, 6, 3],
    "width": 64,
    "input_size": 112,
    "encoder_layers": 8,
    "encoder_heads": 4,
    "feedforward": 1024,
    "dropout": 0.0,
    "positions": "start",
    "pad_through_backbone": False,
}


def small(**changes):
    return ModelSettings(**{"channels": 3, **MODEL, **changes})


def random_model(seed=0, **changes):
    torch.manual_seed(seed)
    model = FateModel(small(**changes))
    with torch.no_grad():
        for name, value in [*model.named_parameters(), *model.named_buffers()]:
            if value.is_floating_point():
                value.copy_(torch.rand_like(value) + 0.5 if "running_var" in name else torch.randn_like(value) * 0.3)
    return model.eval()


def test_default_backbone_is_torchvisions_resnet50():
    torch.manual_seed(1)
    reference = torchvision.models.resnet50()
    reference.fc = nn.Identity()
    ours = Backbone(ModelSettings(channels=3, **PAPER))
    assert [(k, v.shape) for k, v in ours.state_dict().items()] == [(k, v.shape) for k, v in reference.state_dict().items()]
    ours.load_state_dict(reference.state_dict())
    frames = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(ours.eval()(frames), reference.eval()(frames))


def test_paper_size_has_208_million_parameters():
    with torch.device("meta"):
        model = FateModel(ModelSettings(channels=3, **PAPER))
    width, feedforward = 2048, 1024
    attention = 4 * width**2 + 4 * width
    layer = attention + 2 * width * feedforward + feedforward + width + 4 * width
    backbone = 23_508_032  # torchvision's resnet50 has 25,557,032 parameters, of which fc has 2,049,000
    assert sum(p.numel() for p in model.backbone.parameters()) == backbone
    total = sum(p.numel() for p in model.parameters())
    assert total == backbone + 8 * layer + attention + 4 * width + width + 1 + width
    assert round(total / 1e6) == 208


@pytest.mark.parametrize(("layers", "width", "features"), [([1, 1, 1, 1], 8, 64), ([2, 1], 6, 12)])
@pytest.mark.parametrize("channels", [1, 4])
def test_narrow_backbone_of_any_channel_count(layers, width, features, channels):
    settings = small(layers=layers, width=width, channels=channels)
    assert settings.features == features
    assert FateModel(settings).embed(torch.randn(5, channels, 32, 32)).shape == (5, features)


def test_positions_by_hand():
    table = sinusoidal_positions(300, 6)
    assert table.shape == (300, 6)
    for position, index in [(0, 0), (0, 1), (1, 0), (7, 2), (7, 3), (299, 4), (299, 5)]:
        angle = position / 10000 ** (2 * (index // 2) / 6)
        expected = math.sin(angle) if index % 2 == 0 else math.cos(angle)
        assert table[position, index].item() == pytest.approx(expected, abs=2e-5)


def test_unknown_positions_are_refused():
    with pytest.raises(InputError, match=r"model\.positions is 'middle', start or end is needed"):
        small(positions="middle")


def test_class_token_starts_at_zero():
    assert not FateModel(small()).class_token.any()


@pytest.mark.parametrize("positions", ["start", "end"])
def test_one_row_of_the_last_attention_equals_the_full_layer(positions):
    model = random_model(positions=positions)
    embeddings, lengths = torch.randn(3, 9, 8), torch.tensor([9, 4, 1])
    logits, attention = model.classify(embeddings, lengths)
    for i, n in enumerate(lengths.tolist()):
        table = sinusoidal_positions(n + 1, 8)
        if positions == "end":
            table = torch.cat([table[:1], table[1:].flip(0)])
        tokens = torch.cat([model.class_token[0], embeddings[i, :n]])[None] + table
        for layer in model.encoder.layers:
            tokens = layer(tokens)
        tokens = model.norm_before(tokens)
        pooled, weights = model.pooling(tokens, tokens, tokens)
        expected = model.output(model.norm_after(pooled))[0, 0, 0]
        torch.testing.assert_close(logits[i], expected, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(attention[i, :n], weights[0, 0, 1:], rtol=1e-5, atol=1e-6)
        assert not attention[i, n:].any()
        assert (attention[i].sum() + weights[0, 0, 0]).item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("positions", ["start", "end"])
def test_padding_and_neighbours_in_the_batch_do_not_matter(positions):
    model = random_model(positions=positions)
    embeddings, lengths = torch.randn(2, 12, 8), torch.tensor([12, 5])
    together, attention = model.classify(embeddings, lengths)
    spoiled = embeddings.clone()
    spoiled[1, 5:] = 1e3
    torch.testing.assert_close(model.classify(spoiled, lengths)[0], together)
    alone, alone_attention = model.classify(embeddings[1:, :5], lengths[1:])
    torch.testing.assert_close(alone[0], together[1], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(alone_attention[0], attention[1, :5], rtol=1e-5, atol=1e-6)


def test_inference_mode_equals_the_differentiable_way():
    """PyTorch's fast path for inference must not give other numbers."""
    model = random_model()
    embeddings, lengths = torch.randn(4, 20, 8), torch.tensor([20, 11, 7, 2])
    slow, slow_attention = model.classify(embeddings, lengths)
    with torch.inference_mode():
        fast, fast_attention = model.classify(embeddings, lengths)
    torch.testing.assert_close(fast, slow, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(fast_attention, slow_attention, rtol=1e-5, atol=1e-6)


def test_forward_is_embed_then_classify():
    model = random_model()
    frames, lengths = torch.randn(10, 3, 16, 16), torch.tensor([7, 3])
    embeddings = model.embed(frames)
    padded = torch.zeros(2, 7, 8)
    padded[0], padded[1, :3] = embeddings[:7], embeddings[7:]
    torch.testing.assert_close(model(frames, lengths)[0], model.classify(padded, lengths)[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("through", "n_seen"), [(False, 10), (True, 14)])
def test_padded_frames_reach_the_batch_statistics_only_when_asked(through, n_seen):
    model = random_model(pad_through_backbone=through)
    frames, lengths = torch.randn(10, 3, 16, 16) + 5, torch.tensor([7, 3])
    seen = []
    model.backbone.bn1.register_forward_hook(lambda module, inputs, output: seen.append(len(inputs[0])))
    evaluated = model(frames, lengths)[0]
    torch.testing.assert_close(evaluated, random_model(pad_through_backbone=False)(frames, lengths)[0], rtol=1e-5, atol=1e-5)
    model.train()(frames, lengths)
    assert seen == [10, n_seen]


def test_every_parameter_learns():
    model = FateModel(small()).train()
    logits, _ = model(torch.randn(12, 3, 16, 16), torch.tensor([5, 7]))
    logits.sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_saved_model_is_the_same_model(tmp_path):
    model = random_model()
    save_model(tmp_path / "model", model, {"channels": ["a", "b", "c"], "crop_size": 16})
    loaded, settings = load_model(tmp_path / "model")
    assert (settings["channels"], settings["crop_size"]) == (["a", "b", "c"], 16)
    assert loaded.settings == model.settings
    assert not loaded.training
    frames, lengths = torch.randn(9, 3, 16, 16), torch.tensor([4, 5])
    assert torch.equal(loaded(frames, lengths)[0], model(frames, lengths)[0])


def test_load_model_names_what_is_wrong(tmp_path):
    with pytest.raises(InputError, match=r"weights.safetensors: no such file"):
        load_model(tmp_path)
    save_model(tmp_path, random_model(), {})
    text = (tmp_path / "settings.json").read_text()
    (tmp_path / "settings.json").write_text(text.replace('"feedforward": 8', '"feedforward": 9'))
    with pytest.raises(InputError, match=r"linear1.weight is \(8, 8\), \(9, 8\) is needed"):
        load_model(tmp_path)
    (tmp_path / "settings.json").write_text(text.replace('"positions"', '"place"'))
    with pytest.raises(InputError, match=r"settings.json: model differs in place, positions from what this version reads"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"block": "wide"}, "wide"), ({"encoder_heads": 3}, "encoder_heads is 3"), ({"width": 0}, "width is 0"), ({"layers": []}, "layers")],
)
def test_bad_settings_are_named(change, message):
    with pytest.raises(InputError, match=message):
        small(**change)


@pytest.mark.parametrize(
    ("accelerator", "there", "device"),
    [("auto", True, "cuda"), ("auto", False, "cpu"), ("cpu", True, "cpu"), ("cpu", False, "cpu"), ("gpu", True, "cuda")],
)
def test_the_device_follows_the_setting_and_the_machine(monkeypatch, accelerator, there, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert device_for(accelerator) == device


def test_a_gpu_that_is_asked_for_and_not_there_is_an_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"training\.accelerator is gpu, but this job sees no GPU"):
        device_for("gpu")
