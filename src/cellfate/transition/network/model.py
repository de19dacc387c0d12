"""The network of phenotype transitions: prediction branch, compression of tokens, Cell Learner, transition logits and fusion.

After the ideas of KD-CPT (Xin et al., 2025), which leaves most formulas open; docs/transition.md says which are the paper's and which
are ours. Shapes: B cells, m genes, n phenotypes, c channels, k kept tokens. Genes stand in the order of the input file, always.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

SELECTORS = ("attention", "token_learner", "none")
LEARNED_MAPS = 4  # of a TokenLearner
KERNELS = {"global": 1, "local": 7}  # of the fusion's convolutions
STRIDE = 2
IDENTITY, DIRECTION = 0.3, 0.1  # sizes of e_g and v_g at the start


@dataclass(frozen=True, kw_only=True)
class TransitionSettings:
    """Sizes of the network, and the parts that an ablation leaves out."""

    n_genes: int
    n_phenotypes: int
    embedding_size: int
    width: int
    heads: int
    layers: int
    keep: int  # k, genes and compressed tokens that are kept
    dropout: float
    prior_weight: float  # lambda, of a list of expected regulators
    absorbing: tuple[int, ...] = ()  # phenotypes that nothing follows
    fusion: bool = True  # the cross-function fusion module; without it the two branches' means are joined
    selector: str = "attention"  # attention: the Cell Learner | token_learner | none: every gene is kept with weight 1/m
    fuse_embedding: bool = False  # the embedding is a token of the fusion: a given one, a PCA would say the genes' tokens again
    regulation: bool = True  # eq. 3, a sum over kept genes in the transition logits


@dataclass
class Outputs:
    """What one pass gives: logits of the present phenotype (B, n) twice, transition logits (B, n, n), gene weights, and what was kept."""

    full: Tensor
    fused: Tensor
    transitions: Tensor
    scores: Tensor  # s (B, m), adds up to 1
    kept: Tensor  # (B, m) bool


class TransitionModel(nn.Module):
    """Prediction branch and regulatory branch with their fusion.

    ``forward`` takes z-scored expression (B, m) and the given embedding of the cells (B, d).
    """

    def __init__(self, settings: TransitionSettings):
        super().__init__()
        self.settings = settings
        m, n, c = settings.n_genes, settings.n_phenotypes, settings.width
        self.tokens = GeneTokens(m, c)
        self.encoder = Encoder(settings)
        self.selector = {"attention": AttentionSelector, "token_learner": TokenLearner, "none": KeepAll}[settings.selector](settings)
        self.register_buffer("prior", torch.zeros(m))  # 1 / |T| for expected regulators, set from outside
        self.prediction = nn.Sequential(
            nn.Linear(settings.embedding_size, 256), nn.ReLU(), nn.Dropout(settings.dropout),
            nn.Linear(256, 64), nn.ReLU(), nn.Dropout(settings.dropout), nn.Linear(64, n),
        )  # fmt: skip
        self.fuse = FusionModule(c, settings.heads) if settings.fusion else JoinedMeans(c)
        self.fused_head = nn.Linear(c, n)
        self.transition_bias = nn.Parameter(torch.zeros(n, n))
        self.transition_context = nn.Linear(c, n * n, bias=False)
        self.regulation = nn.Parameter(torch.zeros(m, n, n)) if settings.regulation else None
        nn.init.zeros_(self.transition_context.weight)
        self.embedding_token = nn.Linear(settings.embedding_size, c) if settings.fuse_embedding else None

    def forward(self, expression: Tensor, embedding: Tensor, keep: int | None = None) -> Outputs:
        """``keep``: how many genes are kept, the settings' k without it; training lowers it from m to k."""
        tokens = self.tokens(expression)
        encoded, attention = self.encoder(tokens)
        scores = self.selector(encoded, attention)
        kept = self._keep(scores, self.settings.keep if keep is None else keep)
        m = self.settings.n_genes
        gates = m * scores * kept
        # with eq. 3 the transitions alone teach the gate; the phenotype's loss would draw it to markers
        shown = gates if self.regulation is None else gates.detach()
        z = self._context(tokens[:, 1:] * shown[..., None], kept, encoded[:, 1:], embedding)
        n = self.settings.n_phenotypes
        # with eq. 3, Uz only reads z: were it to shape z too, the transitions would go that way, which no L1 holds down
        context = z if self.regulation is None else z.detach()
        transitions = self.transition_bias + self.transition_context(context).view(-1, n, n)
        if self.regulation is not None:
            transitions = transitions + ((gates * expression) @ self.regulation.flatten(1)).view(-1, n, n)
        return Outputs(self.prediction(embedding), self.fused_head(z), transitions, scores, kept)

    def _keep(self, scores: Tensor, keep: int) -> Tensor:
        """The ``keep`` genes with the highest s_g + lambda [g in the prior list] / |list|, (B, m) bool; all without a selector."""
        if self.settings.selector == "none" or keep >= scores.shape[1]:
            return torch.ones_like(scores, dtype=torch.bool)
        ranked = scores.detach() + self.settings.prior_weight * self.prior
        return torch.zeros_like(scores, dtype=torch.bool).scatter(1, ranked.topk(keep, dim=1).indices, True)

    def _context(self, gated: Tensor, kept: Tensor, encoded: Tensor, embedding: Tensor) -> Tensor:
        """z (B, c) from E_t, the gated tokens of kept genes in the genes' order, and E_p, the compressed sequence.

        A given embedding is a further token of E_p with half of the weight of its mean: in the paper it is all of E_p.
        """
        compressed, sizes, _ = compress(encoded, self.settings.keep)
        shares = sizes / sizes.sum(dim=1, keepdim=True)
        if self.embedding_token is not None:
            compressed = torch.cat([compressed, self.embedding_token(embedding)[:, None]], dim=1)
            shares = torch.cat([shares / 2, torch.full_like(shares[:, :1], 0.5)], dim=1)
        return self.fuse(compressed, shares, in_order(gated, kept))


def in_order(tokens: Tensor, kept: Tensor) -> Tensor:
    """The tokens (B, m, c) of the kept genes (B, m), as many in each cell, in the genes' order: (B, k, c)."""
    number = int(kept[0].sum())
    if number == kept.shape[1]:
        return tokens
    order = kept.to(torch.int8).sort(dim=1, descending=True, stable=True).indices[:, :number]
    return tokens.gather(1, order[..., None].expand(-1, -1, tokens.shape[2]))


class GeneTokens(nn.Module):
    """t_g = e_g + x_g v_g with [CLS] in front: (B, m) -> (B, m + 1, c).

    The identity e_g starts much larger than v_g: a gene's weight s_g then differs little from cell to cell. Where it differs by half,
    eq. 3 loses a quarter of the regulators, even with the best weights w.
    """

    def __init__(self, n_genes: int, width: int):
        super().__init__()
        self.identity = nn.Parameter(IDENTITY * torch.randn(n_genes, width))
        self.direction = nn.Parameter(DIRECTION * torch.randn(n_genes, width))
        self.cls = nn.Parameter(torch.randn(1, 1, width))

    def forward(self, expression: Tensor) -> Tensor:
        tokens = self.identity + expression[..., None] * self.direction
        return torch.cat([self.cls.expand(len(tokens), -1, -1), tokens], dim=1)


def attend(query: Tensor, key: Tensor, value: Tensor, heads: int) -> tuple[Tensor, Tensor]:
    """softmax(Q K^T / sqrt(c / heads)) V per head: (B, Q, c), (B, T, c) twice -> (B, Q, c) and the weights (B, heads, Q, T).

    Written out, as the weights are read; torch's fused attention was no faster on a CPU for heads this narrow.
    """
    q, k, v = (part.unflatten(2, (heads, -1)).transpose(1, 2) for part in (query, key, value))
    weights = ((q / q.shape[3] ** 0.5) @ k.transpose(2, 3)).softmax(dim=3)
    return (weights @ v).transpose(1, 2).flatten(2), weights


class Block(nn.Module):
    """A Transformer block, normalised before each part; with ``first_only`` just the first token is updated.

    (B, T, c) -> (B, T, c) and the attention row of the first token, (B, heads, T).
    """

    def __init__(self, width: int, heads: int, dropout: float, first_only: bool):
        super().__init__()
        self.heads, self.first_only = heads, first_only
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.feedforward = feedforward(width, dropout)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        normal = self.norm(x)
        asking = normal[:, :1] if self.first_only else normal
        mixed, weights = attend(self.query(asking), *self.key_value(normal).chunk(2, dim=2), self.heads)
        changed = x[:, : asking.shape[1]] + self.out(mixed)
        changed = changed + self.feedforward(changed)
        return torch.cat([changed, x[:, asking.shape[1] :]], dim=1), weights[:, :, 0]


class Encoder(nn.Module):
    """Transformer blocks over [CLS] and genes; the last one updates [CLS] alone, as only its row is read after it.

    Returns the tokens (B, m + 1, c) and the [CLS] rows of all layers, (B, layers, heads, m + 1).
    """

    def __init__(self, settings: TransitionSettings):
        super().__init__()
        last = settings.layers - 1
        self.blocks = nn.ModuleList(
            Block(settings.width, settings.heads, settings.dropout, layer == last) for layer in range(settings.layers)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        rows = []
        for block in self.blocks:
            x, row = block(x)
            rows.append(row)
        return x, torch.stack(rows, dim=1)


def feedforward(width: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(2 * width, width))


class AttentionSelector(nn.Module):
    """The Cell Learner's s_g: a learned mean of the [CLS] rows over layers and heads, over genes only, adding up to 1."""

    def __init__(self, settings: TransitionSettings):
        super().__init__()
        self.mixture = nn.Parameter(torch.zeros(settings.layers * settings.heads))

    def forward(self, encoded: Tensor, attention: Tensor) -> Tensor:
        rows = attention.flatten(1, 2)[:, :, 1:]
        scores = (self.mixture.softmax(0)[:, None] * rows).sum(dim=1)
        return scores / scores.sum(dim=1, keepdim=True)


class TokenLearner(nn.Module):
    """Weights of genes as TokenLearner has them (Ryoo et al., 2021): a few maps from the tokens themselves, here averaged."""

    def __init__(self, settings: TransitionSettings):
        super().__init__()
        c = settings.width
        self.maps = nn.Sequential(nn.LayerNorm(c), nn.Linear(c, c), nn.GELU(), nn.Linear(c, LEARNED_MAPS))

    def forward(self, encoded: Tensor, attention: Tensor) -> Tensor:
        return self.maps(encoded[:, 1:]).softmax(dim=1).mean(dim=2)


class KeepAll(nn.Module):
    """No selection: 1/m for every gene."""

    def __init__(self, settings: TransitionSettings):
        super().__init__()

    def forward(self, encoded: Tensor, attention: Tensor) -> Tensor:
        genes = encoded.shape[1] - 1
        return encoded.new_full((len(encoded), genes), 1 / genes)


def compress(tokens: Tensor, keep: int) -> tuple[Tensor, Tensor, Tensor]:
    """Merge tokens (B, T, c) by bipartite matching until ``keep`` are left, after Bolya et al. (2022), written from their paper.

    In each round the tokens at even places look for their most similar (cosine) token at odd places; the best pairs merge into
    size-weighted means. Returns the tokens (B, k, c), their sizes (B, k), and ``source`` (B, T) with the place of each old token
    among the new ones. Sizes add up to T, the size-weighted sum of the tokens is conserved, and ``keep`` = T changes nothing.
    """
    batch, length, _ = tokens.shape
    sizes = tokens.new_ones(batch, length)
    source = torch.arange(length, device=tokens.device).expand(batch, -1)
    while tokens.shape[1] > keep:
        tokens, sizes, moved = _merge_round(tokens, sizes, min(tokens.shape[1] - keep, tokens.shape[1] // 2))
        source = moved.gather(1, source)
    return tokens, sizes, source


def _merge_round(tokens: Tensor, sizes: Tensor, merges: int) -> tuple[Tensor, Tensor, Tensor]:
    """One round: the ``merges`` best pairs; new tokens keep the order of their first members."""
    length = tokens.shape[1]
    with torch.no_grad():
        direction = functional.normalize(tokens, dim=2)
        best, partner = (direction[:, ::2] @ direction[:, 1::2].transpose(1, 2)).max(dim=2)
        leaving = best.argsort(dim=1, descending=True)[:, :merges]
        heads = torch.arange(length, device=tokens.device).expand(len(tokens), -1).clone()  # the token that each one ends up in
        heads.scatter_(1, 2 * leaving, 2 * partner.gather(1, leaving) + 1)
        stays = torch.ones_like(heads).scatter(1, 2 * leaving, 0)
        moved = (stays.cumsum(dim=1) - 1).gather(1, heads)
    shape = (len(tokens), length - merges)
    total = tokens.new_zeros(shape).scatter_add(1, moved, sizes)
    weighted = tokens * sizes[..., None]
    summed = tokens.new_zeros(*shape, tokens.shape[2]).scatter_add(1, moved[..., None].expand_as(weighted), weighted)
    return summed / total[..., None], total, moved


class FusionModule(nn.Module):
    """The cross-function fusion module: attention over both sequences, with wide kernels for the regulatory one; (B, ., c) twice -> (B, c).

    Q, K and V by convolutions with stride 2, concatenated along the sequence; LayerNorm on Q and K; feed-forward layer; transposed
    convolution back to each sequence; residuals; a linear map of both branches' means,
    the compressed branch's weighted by the ``shares`` (B, k) of genes in its tokens.
    """

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.project = nn.ModuleDict(
            {name: nn.Conv1d(width, 3 * width, kernel, STRIDE, padding=kernel // 2) for name, kernel in KERNELS.items()}
        )
        self.norm_query, self.norm_key = nn.LayerNorm(width), nn.LayerNorm(width)
        self.feedforward = feedforward(width, 0.0)
        self.back = nn.ModuleDict({name: nn.ConvTranspose1d(width, width, STRIDE, STRIDE) for name in KERNELS})
        self.out = nn.Sequential(nn.BatchNorm1d(2 * width), nn.Linear(2 * width, width))

    def forward(self, compressed: Tensor, shares: Tensor, regulatory: Tensor) -> Tensor:
        sequences = {"global": compressed, "local": regulatory}
        projected = [self.project[name](sequence.transpose(1, 2)).transpose(1, 2) for name, sequence in sequences.items()]
        query, key, value = torch.cat(projected, dim=1).chunk(3, dim=2)
        mixed, _ = attend(self.norm_query(query), self.norm_key(key), value, self.heads)
        mixed = mixed + self.feedforward(mixed)
        pieces = mixed.split([projected[0].shape[1], projected[1].shape[1]], dim=1)
        restored = [
            sequence + self.back[name](piece.transpose(1, 2)).transpose(1, 2)[:, : sequence.shape[1]]
            for (name, sequence), piece in zip(sequences.items(), pieces, strict=True)
        ]
        return self.out(torch.cat([weighted_mean(restored[0], shares), restored[1].mean(dim=1)], dim=1))


def weighted_mean(tokens: Tensor, shares: Tensor) -> Tensor:
    """The mean of tokens (B, k, c) by the share of genes in each, (B, k): what no merge changes."""
    return (shares[..., None] * tokens).sum(dim=1)


class JoinedMeans(nn.Module):
    """What stands in for the fusion in its ablation: a linear map of the means of both sequences."""

    def __init__(self, width: int):
        super().__init__()
        self.out = nn.Sequential(nn.BatchNorm1d(2 * width), nn.Linear(2 * width, width))

    def forward(self, compressed: Tensor, shares: Tensor, regulatory: Tensor) -> Tensor:
        return self.out(torch.cat([weighted_mean(compressed, shares), regulatory.mean(dim=1)], dim=1))


def next_phenotype(transitions: Tensor, present: Tensor) -> Tensor:
    """q (B, n) = sum_i o_i softmax_j(l_i): transition logits (B, n, n) and the present phenotype's distribution o (B, n)."""
    return (present[:, :, None] * transitions.softmax(dim=2)).sum(dim=1)
