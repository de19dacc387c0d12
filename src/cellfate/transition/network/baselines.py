"""What the transition network has to beat: logistic regression, and networks without a choice of genes."""

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.nn import functional

from cellfate.transition.cells import Cells
from cellfate.transition.network.model import Encoder, GeneTokens, Outputs, TransitionSettings

STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)  # C of the logistic regressions; the smallest shrinks most
NETWORKS = ("mlp", "transformer", "resnet", "convnext")


class LogisticTransitions:
    """Multinomial logistic regressions on z-scored genes: one for the present phenotype, and one for the next from each phenotype.

    C is chosen on the validation cells by their log-likelihood, apart for each regression. From a phenotype without a training cell, or
    without a validation cell to choose C by, which resampled cells may lack, nothing is known: its q is NaN.
    """

    def __init__(self, train: Cells, validation: Cells, n_phenotypes: int):
        self.n = n_phenotypes
        labels = np.eye(n_phenotypes)
        self.present = _fit(train.expression, labels[train.phenotype], validation.expression, labels[validation.phenotype])
        self.rows = []
        for i in range(n_phenotypes):
            parts = []
            for cells in (train, validation):
                chosen = (cells.phenotype == i) & ~np.isnan(cells.targets).any(axis=1)
                parts += [cells.expression[chosen], cells.targets[chosen]]
            self.rows.append(_fit(*parts) if len(parts[0]) and len(parts[2]) else None)

    def phenotype(self, expression: np.ndarray) -> np.ndarray:
        """Probabilities of the present phenotype, (N, n)."""
        return _probabilities(self.present, expression, self.n)

    def __call__(self, expression: np.ndarray, embedding: np.ndarray, phenotype: np.ndarray) -> np.ndarray:
        """q (N, n) of the next phenotype given the observed present one; the embedding is not used."""
        q = np.full((len(expression), self.n), np.nan)
        for i, model in enumerate(self.rows):
            chosen = phenotype == i
            if chosen.any() and model is not None:
                q[chosen] = _probabilities(model, expression[chosen], self.n)
        return q

    def gene_scores(self) -> np.ndarray:
        """The largest |coefficient| of each gene over all edges, (m,); of the present phenotypes where no transition is known."""
        known = [model for model in self.rows if isinstance(model, LogisticRegression)] or [self.present]
        return np.max([np.abs(model.coef_).max(axis=0) for model in known], axis=0)


def _fit(x: np.ndarray, target: np.ndarray, x_validation: np.ndarray, target_validation: np.ndarray) -> LogisticRegression | int:
    """A regression on soft targets (each cell counts once per phenotype, by its weight); the phenotype itself where there is but one."""
    codes = np.flatnonzero(target.sum(axis=0) > 0)
    if len(codes) == 1:
        return int(codes[0])
    cell, code = np.nonzero(target)
    best, best_loss = None, np.inf
    for strength in STRENGTHS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = LogisticRegression(C=strength, max_iter=1000).fit(x[cell], code, sample_weight=target[cell, code])
        p = _probabilities(model, x_validation, target.shape[1])
        loss = -(target_validation * np.log(np.clip(p, 1e-4, 1))).sum()
        if best is None or loss < best_loss:
            best, best_loss = model, loss
    return best


def _probabilities(model: LogisticRegression | int, x: np.ndarray, n: int) -> np.ndarray:
    found = np.zeros((len(x), n))
    if isinstance(model, int):
        found[:, model] = 1
    else:
        found[:, model.classes_] = model.predict_proba(x)
    return found


class BaselineNetwork(nn.Module):
    """A network that looks at all genes and has the same heads, but neither choice of genes, fusion nor eq. 3.

    ``kind``: mlp (the prediction branch on the embedding alone), transformer (all tokens), resnet or convnext (blocks over the genes in
    the file's order). Its two predictions of the present phenotype are the same, so its uncertainty is 0 and says nothing.
    """

    def __init__(self, kind: str, settings: TransitionSettings):
        super().__init__()
        self.settings = settings
        width = settings.width
        size = 64 if kind == "mlp" else width
        self.body = {
            "mlp": lambda: EmbeddingLayers(settings.embedding_size, settings.dropout),
            "transformer": lambda: PlainTransformer(settings),
            "resnet": lambda: GeneConvolutions(width, ResidualBlock),
            "convnext": lambda: GeneConvolutions(width, ConvNextBlock),
        }[kind]()
        n = settings.n_phenotypes
        self.head = nn.Linear(size, n)
        self.transition_bias = nn.Parameter(torch.zeros(n, n))
        self.transition_context = nn.Linear(size, n * n, bias=False)

    def forward(self, expression: Tensor, embedding: Tensor, keep: int | None = None) -> Outputs:
        z = self.body(expression, embedding)
        n, m = self.settings.n_phenotypes, self.settings.n_genes
        logits = self.head(z)
        transitions = self.transition_bias + self.transition_context(z).view(-1, n, n)
        even = expression.new_full((len(expression), m), 1 / m)
        return Outputs(logits, logits, transitions, even, torch.ones_like(even, dtype=torch.bool))


class EmbeddingLayers(nn.Module):
    """The first two layers of the prediction branch."""

    def __init__(self, size: int, dropout: float):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(size, 256), nn.ReLU(), nn.Dropout(dropout), nn.Linear(256, 64), nn.ReLU(), nn.Dropout(dropout)
        )

    def forward(self, expression: Tensor, embedding: Tensor) -> Tensor:
        return self.layers(embedding)


class PlainTransformer(nn.Module):
    """The same tokens and encoder, read at [CLS]."""

    def __init__(self, settings: TransitionSettings):
        super().__init__()
        self.tokens, self.encoder = GeneTokens(settings.n_genes, settings.width), Encoder(settings)
        self.norm = nn.LayerNorm(settings.width)

    def forward(self, expression: Tensor, embedding: Tensor) -> Tensor:
        return self.norm(self.encoder(self.tokens(expression))[0][:, 0])


class GeneConvolutions(nn.Module):
    """Two stages of 1-D blocks over the genes, each after a convolution with stride 2, then all places side by side through one layer."""

    def __init__(self, width: int, block: type[nn.Module]):
        super().__init__()
        self.stages = nn.Sequential(nn.Conv1d(1, width, 7, 2, 3), block(width), nn.Conv1d(width, width, 3, 2, 1), block(width), nn.ReLU())
        self.out = nn.LazyLinear(width)

    def forward(self, expression: Tensor, embedding: Tensor) -> Tensor:
        return self.out(self.stages(expression[:, None]).flatten(1)).relu()


class ResidualBlock(nn.Module):
    """He et al. (2016) in one dimension: (B, c, T) -> (B, c, T)."""

    def __init__(self, width: int):
        super().__init__()
        self.first, self.second = nn.Conv1d(width, width, 3, padding=1), nn.Conv1d(width, width, 3, padding=1)
        self.norms = nn.ModuleList([nn.BatchNorm1d(width), nn.BatchNorm1d(width)])

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.norms[1](self.second(self.norms[0](self.first(x)).relu()))).relu()


class ConvNextBlock(nn.Module):
    """Liu et al. (2022) in one dimension: depthwise kernel of 7, LayerNorm, widening by 4, GELU; (B, c, T) -> (B, c, T)."""

    def __init__(self, width: int):
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        changed = self.norm(self.depthwise(x).transpose(1, 2))
        return x + self.narrow(functional.gelu(self.wide(changed))).transpose(1, 2)


def differential_expression(values: np.ndarray, groups: np.ndarray, within: Sequence[int] | np.ndarray | None = None) -> np.ndarray:
    """The largest |difference of means over its standard error| of each gene between one group and the others, (m,).

    With ``within`` (codes of each cell, such as the present phenotype) groups are compared inside each code alone.
    """
    within = np.zeros(len(groups), int) if within is None else np.asarray(within)
    best = np.zeros(values.shape[1])
    for code in np.unique(within):
        rows, labels = values[within == code], groups[within == code]
        for group in np.unique(labels):
            a, b = rows[labels == group], rows[labels != group]
            if len(a) > 2 and len(b) > 2:
                error = np.sqrt(a.var(axis=0, ddof=1) / len(a) + b.var(axis=0, ddof=1) / len(b))
                best = np.maximum(best, np.abs(a.mean(axis=0) - b.mean(axis=0)) / np.maximum(error, 1e-12))
    return best
