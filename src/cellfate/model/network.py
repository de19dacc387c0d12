"""The network: a ResNet per frame, a transformer over the frames, and one attention layer that says where it looked.

Architecture of Bürger et al. 2026 at its default settings; every size is a setting.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torchvision.models.resnet import BasicBlock, Bottleneck

from cellfate.base.errors import InputError

BLOCKS = {"basic": BasicBlock, "bottleneck": Bottleneck}


@dataclass(frozen=True)
class ModelSettings:
    """Sizes of a :class:`FateModel`; the names are those of the configuration's ``model`` section."""

    channels: int
    block: str  # basic | bottleneck
    layers: tuple[int, ...]  # blocks per stage; ResNet-50 is bottleneck 3, 4, 6, 3
    width: int  # channels of the first stage; each further stage doubles it
    input_size: int  # pixels, the side of a frame
    encoder_layers: int
    encoder_heads: int
    feedforward: int
    dropout: float
    positions: str  # start | end: a frame's position counts from the first frame (the published way), or back from the last
    pad_through_backbone: bool  # True: in training, padded frames pass the ResNet and its batch statistics (the published way)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        if self.block not in BLOCKS:
            raise InputError(f"model.block is {self.block!r}, one of {', '.join(BLOCKS)} is needed")
        if not self.layers or min(self.layers) < 1:
            raise InputError(f"model.layers is {list(self.layers)}, at least one block per stage is needed")
        if self.positions not in ("start", "end"):
            raise InputError(f"model.positions is {self.positions!r}, start or end is needed")
        for name in ("channels", "width", "input_size", "encoder_layers", "encoder_heads", "feedforward"):
            if getattr(self, name) < 1:
                raise InputError(f"model.{name} is {getattr(self, name)}, at least 1 is needed")
        if self.features % self.encoder_heads or self.features % 2:
            raise InputError(f"model.encoder_heads is {self.encoder_heads}: the {self.features} features must be even and divisible by it")

    @property
    def features(self) -> int:
        """Length of a frame's embedding, which is the width of the transformer."""
        return self.width * 2 ** (len(self.layers) - 1) * BLOCKS[self.block].expansion


class Backbone(nn.Module):
    """torchvision's ResNet for any width, depth and number of channels, without its ``fc``; the parameters keep its names."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        width = settings.width
        self.conv1 = nn.Conv2d(settings.channels, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stages = [f"layer{i}" for i in range(1, len(settings.layers) + 1)]
        inputs = width
        for i, (name, n_blocks) in enumerate(zip(self.stages, settings.layers, strict=True)):
            stage, inputs = _stage(BLOCKS[settings.block], inputs, width * 2**i, n_blocks, stride=1 if i == 0 else 2)
            self.add_module(name, stage)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, frames: Tensor) -> Tensor:
        """(N, C, S, S) -> (N, D)"""
        x = self.maxpool(self.relu(self.bn1(self.conv1(frames))))
        for name in self.stages:
            x = getattr(self, name)(x)
        return x.float().mean(dim=(2, 3))  # in full precision also where the convolutions are not


def _stage(block: type[nn.Module], inputs: int, planes: int, n_blocks: int, stride: int) -> tuple[nn.Sequential, int]:
    """One stage of residual blocks and the number of channels it gives; the first block changes the size."""
    outputs = planes * block.expansion
    downsample = None
    if stride != 1 or inputs != outputs:
        downsample = nn.Sequential(nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False), nn.BatchNorm2d(outputs))
    blocks = [block(inputs, planes, stride, downsample)]
    blocks += [block(outputs, planes) for _ in range(n_blocks - 1)]
    return nn.Sequential(*blocks), outputs


def sinusoidal_positions(n: int, features: int, device: torch.device | None = None) -> Tensor:
    """Positions 0 .. n-1 as (n, features): sine on even, cosine on odd indices, base 10000 (Vaswani et al. 2017)."""
    rate = torch.exp(torch.arange(0, features, 2, device=device) * (-math.log(10000.0) / features))
    angle = torch.arange(n, device=device)[:, None] * rate
    return torch.stack([angle.sin(), angle.cos()], dim=2).reshape(n, features)


class FateModel(nn.Module):
    """From the frames of a trajectory to one logit (positive outcome) and the attention that each frame received."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.settings = settings
        features = settings.features
        self.backbone = Backbone(settings)
        self.class_token = nn.Parameter(torch.zeros(1, 1, features))
        layer = nn.TransformerEncoderLayer(features, settings.encoder_heads, settings.feedforward, settings.dropout, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, settings.encoder_layers, enable_nested_tensor=False)
        self.norm_before = nn.LayerNorm(features)
        self.pooling = nn.MultiheadAttention(features, num_heads=1, batch_first=True)
        self.norm_after = nn.LayerNorm(features)
        self.output = nn.Linear(features, 1)

    def embed(self, frames: Tensor) -> Tensor:
        """Normalised frames (N, C, S, S) -> (N, D), each by itself (in evaluation mode)."""
        return self.backbone(frames)

    def classify(self, embeddings: Tensor, lengths: Tensor, unseen: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Logits (B,) and attention (B, T) of trajectories from the embeddings of their frames.

        ``embeddings`` is (B, T, D), padded at the end with anything; ``lengths`` (B,) is the number of real frames. Real frames
        that are True in ``unseen`` (B, T) are hidden too; the others keep their positions.
        The attention is the class token's row of the last layer without its own column, zero on padding: it adds up to
        less than 1. Of the last layer only that row is computed; there is no residual around it. The class token has position
        0; the frames have 1 ... n from the first on, or from the last back (``positions``).
        """
        n_batch, n_frames, features = embeddings.shape
        tokens = torch.cat([self.class_token.expand(n_batch, 1, features), embeddings], dim=1)
        place = torch.arange(n_frames + 1, device=tokens.device).expand(n_batch, -1)
        last = lengths.to(tokens.device)[:, None]
        hidden = place > last  # never the class token
        if self.settings.positions == "end":
            place = torch.where((place > 0) & ~hidden, last + 1 - place, 0)
        if unseen is not None:
            hidden = hidden | nn.functional.pad(unseen, (1, 0))
        tokens = tokens + sinusoidal_positions(n_frames + 1, features, tokens.device)[place]
        tokens = self.norm_before(self.encoder(tokens, src_key_padding_mask=hidden))
        pooled, attention = self.pooling(tokens[:, :1], tokens, tokens, key_padding_mask=hidden)
        return self.output(self.norm_after(pooled))[:, 0, 0], attention[:, 0, 1:]

    def forward(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`classify`, from the normalised frames of all trajectories one after another, (sum of lengths, C, S, S)."""
        if self.settings.pad_through_backbone and self.training:
            padded = pad_sequence(frames.split(lengths.tolist()), batch_first=True)
            return self.classify(self.embed(padded.flatten(0, 1)).unflatten(0, padded.shape[:2]), lengths)
        return self.classify(pad_sequence(self.embed(frames).split(lengths.tolist()), batch_first=True), lengths)


def device_for(accelerator: str) -> str:
    """``cuda`` or ``cpu`` for training.accelerator (auto, cpu or gpu); an InputError when a GPU is asked for and there is none."""
    available = torch.cuda.is_available()
    if accelerator == "gpu" and not available:
        raise InputError("training.accelerator is gpu, but this job sees no GPU: ask the cluster for one, or set it to auto or cpu")
    return "cuda" if available and accelerator != "cpu" else "cpu"
