"""What one step of a training does: the loss, the optimiser, and the numbers of an epoch."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

import lightning as L
import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional as F

from cellfate.base.errors import InputError
from cellfate.model.network import FateModel
from cellfate.training.dataset import Batch, CountsBatch


@dataclass(frozen=True)
class TrainingSettings:
    """The names are those of the configuration's ``training`` section."""

    shuffle_labels: bool  # learn from exchanged outcomes, as a control
    max_epochs: int
    patience: int  # epochs without a better validation loss
    batch_size: int  # trajectories, over all devices
    learning_rate: float
    weight_decay: float
    precision: str
    devices: int
    accelerator: str  # auto | cpu | gpu
    cache: bool  # keep the downsampled crops in memory
    deterministic: bool  # kernels that give the same bits each time
    channels_last: bool  # memory order of the ResNet
    fused: bool  # Adam in one kernel
    compile: bool  # the ResNet, with any number of frames

    def __post_init__(self) -> None:
        if self.accelerator not in ("auto", "cpu", "gpu"):
            raise InputError(f"training.accelerator is {self.accelerator!r}, one of auto, cpu, gpu is needed")
        if self.batch_size % self.devices:
            raise InputError(f"training.batch_size is {self.batch_size}, a multiple of the {self.devices} devices is needed")


class FateTraining(L.LightningModule):
    """Binary cross-entropy with logits and Adam; keeps the losses and validation logits of the running epoch.

    ``prepare`` makes a batch of what was read, on a given device; it is needed where loaders give :class:`CountsBatch`.
    """

    def __init__(
        self, model: FateModel, settings: TrainingSettings, prepare: Callable[[CountsBatch, torch.device], Batch] | None = None
    ) -> None:
        super().__init__()
        self.model = model.to(memory_format=torch.channels_last) if settings.channels_last else model
        if settings.compile:
            self.model.backbone.compile()  # in place: the names of the weights stay
        self.settings = settings
        self.prepare = prepare
        self.train_losses: list[tuple[Tensor, int]] = []
        self.validation: list[tuple[list[str], list[float], list[float]]] = []

    def transfer_batch_to_device(self, batch: Batch | CountsBatch, device: torch.device, dataloader_idx: int) -> Batch:
        """Frames and labels on the device. Lengths stay on the CPU, where they divide the frames without waiting for the device."""
        if isinstance(batch, CountsBatch):
            batch = self.prepare(batch, device=device)
        frames = batch.frames.to(device, non_blocking=True)
        if self.settings.channels_last:
            frames = frames.contiguous(memory_format=torch.channels_last)
        if self.settings.compile:  # the number of frames alone differs: with sizes of images left open too it takes twice as long
            torch._dynamo.maybe_mark_dynamic(frames, 0)
        return batch._replace(frames=frames, labels=batch.labels.to(device, non_blocking=True))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        logits, _ = self.model(batch.frames, batch.lengths)
        loss = F.binary_cross_entropy_with_logits(logits.float(), batch.labels)
        self.train_losses.append((loss.detach(), len(batch.labels)))
        return loss

    def on_validation_epoch_start(self) -> None:
        """The batch statistics of the first process, which are those that are kept, for all."""
        if dist.is_initialized():
            for buffer in self.model.buffers():
                dist.broadcast(buffer, 0)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        logits, _ = self.model(batch.frames, batch.lengths)
        self.validation.append((batch.trajectories, logits.float().tolist(), batch.labels.tolist()))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        settings = self.settings
        fused = True if settings.fused else None  # None leaves the choice of the loop to torch
        return torch.optim.Adam(self.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=fused)

    def epoch_metrics(self) -> dict[str, float]:
        """Mean training loss, validation loss and validation balanced accuracy of the epoch, over all processes; forgets it.

        Each trajectory counts once, also where two processes validated it.
        """
        losses, sizes = torch.tensor(_gathered([(float(loss), size) for loss, size in self.train_losses]), dtype=torch.float64).T
        found = _gathered(list(chain.from_iterable(zip(*batch, strict=True) for batch in self.validation)))
        logits, labels = torch.tensor(list({name: values for name, *values in found}.values())).T
        self.train_losses, self.validation = [], []
        return {
            "train_loss": float((losses * sizes).sum() / sizes.sum()),
            "val_loss": float(F.binary_cross_entropy_with_logits(logits, labels)),
            "val_balanced_accuracy": balanced_accuracy(logits, labels),
        }


def _gathered(rows: list[tuple]) -> list[tuple]:
    """The rows of all processes."""
    parts = [rows]
    if dist.is_initialized():
        parts = [None] * dist.get_world_size()
        dist.all_gather_object(parts, rows)
    return list(chain.from_iterable(parts))


def balanced_accuracy(logits: Tensor, labels: Tensor) -> float:
    """Mean over the two classes of the fraction that is predicted right (probability above 0.5 is the positive class)."""
    right = (logits > 0) == (labels == 1)
    return float(np.mean([right[labels == label].double().mean() for label in (0, 1)]))
