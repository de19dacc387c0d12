"""The expected network is built here from torch.nn and torchvision alone, so that an error in ours cannot hide."""

import math
import re

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models.resnet import Bottleneck, ResNet

from cellfate.base.errors import InputError
from cellfate.model.network import ModelSettings
from cellfate.model.saved.published import import_checkpoint, import_state


class PublishedBackbone(nn.Module):
    def __init__(self, layers, narrow):
        super().__init__()
        resnet = ResNet(Bottleneck, layers)
        if narrow:  # a ResNet with 4 channels in its first stage: the same children, built by hand
            resnet = nn.Sequential(
                nn.Conv2d(3, 4, 7, 2, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(3, 2, 1),
                *[narrow_stage(i) for i in range(4)], nn.AdaptiveAvgPool2d(1), nn.Identity(),
            )  # fmt: skip
        self.model = nn.Sequential(*list(resnet.children())[:-1])

    def forward(self, frames):
        return self.model(frames).flatten(1)


def narrow_stage(i):
    inputs, planes, stride = (4 if i == 0 else 4 * 2 ** (i - 1) * 4), 4 * 2**i, 1 if i == 0 else 2
    shortcut = nn.Sequential(nn.Conv2d(inputs, planes * 4, 1, stride, bias=False), nn.BatchNorm2d(planes * 4))
    return nn.Sequential(Bottleneck(inputs, planes, stride, shortcut), Bottleneck(planes * 4, planes))


class Published(nn.Module):
    """The published network under its own names, written to be read: one trajectory at a time, no padding."""

    def __init__(self, layers=(3, 4, 6, 3), n_layers=8, feedforward=1024, width=2048, narrow=False):
        super().__init__()
        self.backbone = PublishedBackbone(list(layers), narrow)
        self.class_token = nn.Parameter(torch.zeros(1, width))
        layer = nn.TransformerEncoderLayer(width, 4, feedforward, 0.0, activation="relu", batch_first=True, norm_first=False)
        self.transformer_encoder = nn.TransformerEncoder(layer, n_layers, enable_nested_tensor=False)
        self.norm_layer_1 = nn.LayerNorm(width)
        self.final_attn = nn.MultiheadAttention(width, 1, batch_first=True)
        self.norm_layer_2 = nn.LayerNorm(width)
        self.fc = nn.Linear(width, 1)

    def forward(self, frames, residual=False):
        tokens = torch.cat([self.class_token, self.backbone(frames)])
        n, width = tokens.shape
        positions = torch.zeros(n, width)
        for k in range(0, width, 2):
            angle = torch.arange(n, dtype=torch.float64) / 10000 ** (k / width)
            positions[:, k], positions[:, k + 1] = angle.sin(), angle.cos()
        x = self.norm_layer_1(self.transformer_encoder((tokens + positions)[None]))
        attended, weights = self.final_attn(x, x, x)
        if residual:
            attended = attended + x
        return self.fc(self.norm_layer_2(attended))[0, 0, 0], weights[0, 0, 1:]


NARROW = ModelSettings(
    channels=3, block="bottleneck", layers=(2, 2, 2, 2), width=4, input_size=32, encoder_layers=2, encoder_heads=4,
    feedforward=24, dropout=0.0, positions="start", pad_through_backbone=True,
)  # fmt: skip


@pytest.fixture(scope="module")
def published():
    torch.manual_seed(3)
    network = Published(n_layers=2, feedforward=24, width=128, narrow=True).eval()
    with torch.no_grad():
        for name, value in [*network.named_parameters(), *network.named_buffers()]:
            if "running_var" in name:
                value.copy_(torch.rand_like(value) + 0.5)
            elif value.is_floating_point() and value.ndim <= 2:
                value.add_(torch.randn_like(value) * 0.2)
    assert network.class_token.any()
    assert network.backbone.model[1].running_mean.any()
    return network


@pytest.fixture
def trajectories():
    return [torch.randn(n, 3, 32, 32, generator=torch.Generator().manual_seed(n)) for n in (11, 4, 7)]


def run(model, trajectories):
    with torch.no_grad():
        return model(torch.cat(trajectories), torch.tensor([len(t) for t in trajectories]))


def test_imported_checkpoint_gives_the_logits_of_the_published_network(published, trajectories, tmp_path):
    save_file(published.state_dict(), tmp_path / "published.safetensors")
    logits, attention = run(import_checkpoint(tmp_path / "published.safetensors", NARROW), trajectories)
    wrong = []
    for i, frames in enumerate(trajectories):
        with torch.no_grad():
            logit, weights = published(frames)
            wrong.append(published(frames, residual=True)[0])
        assert logits[i].item() == pytest.approx(logit.item(), abs=2e-5)
        torch.testing.assert_close(attention[i, : len(frames)], weights, rtol=1e-4, atol=1e-6)
    assert (logits - torch.stack(wrong)).abs().min() > 1e-2, "a residual around the last attention would go unnoticed"


def test_every_published_tensor_matters(published, trajectories):
    """Each tensor reaches the output: a mapping that swaps or drops one cannot pass the test above."""
    expected, _ = run(import_state(published.state_dict(), NARROW, "x"), trajectories[1:2])
    for key, value in published.state_dict().items():
        if "num_batches_tracked" in key or re.search(r"model\.[4-7]\.1\.|layers\.1\.", key):  # the second block or layer is like the first
            continue
        state = published.state_dict()
        state[key] = value + torch.linspace(0.5, 1.5, value.numel()).reshape(value.shape)
        changed, _ = run(import_state(state, NARROW, "x"), trajectories[1:2])
        assert not torch.equal(changed, expected), key


@pytest.mark.parametrize("shape", [(128,), (1, 128), (1, 1, 128)])
def test_class_token_may_have_axes_of_length_one(published, shape):
    state = published.state_dict()
    state["class_token"] = state["class_token"].reshape(shape)
    assert torch.equal(import_state(state, NARROW, "x").class_token.flatten(), published.class_token.flatten())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("final_attn.in_proj_weight", "last_attn.in_proj_weight", r"last_attn.in_proj_weight is not a name"),
        (
            "backbone.model.5.0.conv1.weight",
            "backbone.model.5.0.conv9.weight",
            r"backbone.model.5.0.conv1.weight is missing.*conv9.weight is unknown",
        ),
        ("class_token", None, "class_token is missing"),
        ("transformer_encoder.layers.1.norm2.bias", None, r"transformer_encoder.layers.1.norm2.bias is missing"),
        (None, "transformer_encoder.layers.2.norm2.bias", r"transformer_encoder.layers.2.norm2.bias is unknown"),
    ],
)
def test_keys_must_match_both_ways(published, old, new, message):
    state = published.state_dict()
    value = state.pop(old) if old else torch.zeros(128)
    if new:
        state[new] = value
    with pytest.raises(InputError, match=message):
        import_state(state, NARROW, "published.safetensors")


def test_wrong_sizes_and_files_are_named(published, tmp_path):
    with pytest.raises(InputError, match=r"fc.weight is \(1, 127\), \(1, 128\) is needed"):
        import_state({**published.state_dict(), "fc.weight": torch.zeros(1, 127)}, NARROW, "x")
    with pytest.raises(InputError, match="no such file"):
        import_checkpoint(tmp_path / "nothing.safetensors", NARROW)
    (tmp_path / "half.safetensors").write_bytes(b"\x10\x00\x00")
    with pytest.raises(InputError, match=r"half.safetensors: not a safetensors file"):
        import_checkpoint(tmp_path / "half.safetensors", NARROW)


def test_full_size_shapes_fit():
    with torch.device("meta"):
        published = Published()
    assert round(sum(p.numel() for p in published.parameters()) / 1e6) == 208
    settings = ModelSettings(
        channels=3, block="bottleneck", layers=(3, 4, 6, 3), width=64, input_size=112, encoder_layers=8, encoder_heads=4,
        feedforward=1024, dropout=0.0, positions="start", pad_through_backbone=True,
    )  # fmt: skip
    model = import_state(published.state_dict(), settings, "published.safetensors")
    assert len(model.state_dict()) == len(published.state_dict())
    assert math.prod(model.output.weight.shape) == 2048
