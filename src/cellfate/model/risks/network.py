"""The network of risks: a recurrent one, so that what it says at a frame rests on that frame and those before it."""

from dataclasses import dataclass

from torch import Tensor, nn

QUIET = 4.0  # log-odds that nothing happens in a bin, before anything is learned


@dataclass(frozen=True)
class RiskSizes:
    """Sizes of the network: numbers of a frame, units, bins of hours ahead, and the share of units that training leaves out."""

    inputs: int
    width: int
    bins: int
    dropout: float


class RiskNetwork(nn.Module):
    """Numbers of each frame -> logits of neither, the negative and the positive outcome in each bin of hours ahead."""

    def __init__(self, sizes: RiskSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.frame = nn.Sequential(nn.Linear(sizes.inputs, sizes.width), nn.LayerNorm(sizes.width), nn.GELU())
        self.course = nn.GRU(sizes.width, sizes.width, batch_first=True)
        self.head = nn.Sequential(nn.Dropout(sizes.dropout), nn.Linear(sizes.width, sizes.bins * 3))
        nn.init.zeros_(self.head[1].bias)
        self.head[1].bias.data[::3] = QUIET

    def forward(self, values: Tensor) -> Tensor:
        """Logits (B, T, K, 3) of ``values`` (B, T, F); frames that are padding stand behind those that are not."""
        frames = self.frame(values)
        return self.head(frames + self.course(frames)[0]).unflatten(-1, (self.sizes.bins, 3))
