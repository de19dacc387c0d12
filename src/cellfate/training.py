"""Training the network on one fold, or importing a trained one, into a model folder."""

import logging
import math
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path

import lightning as L
import numpy as np
import pandas as pd
import torch
import torch.distributed as dist
from lightning.pytorch.plugins.environments import LightningEnvironment
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import Tensor
from torch.nn import functional as F
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader, Sampler

from cellfate.augmentation import AugmentationSettings
from cellfate.cropset import CropSet, fold_trajectories
from cellfate.dataset import (
    BalancedSampler,
    Batch,
    CountsBatch,
    CountsDataset,
    SharedSampler,
    TrajectoryDataset,
    check_classes,
    collate,
    collate_counts,
    prepare_batch,
)
from cellfate.errors import InputError
from cellfate.files import replacing, sha256
from cellfate.importer import import_checkpoint
from cellfate.model import CURVES, FateModel, ModelSettings, device_for, save_model
from cellfate.progress import meter
from cellfate.resume import ResumeFolder, training_key
from cellfate.scaling import Scaling, reference_scaling

CURVE_COLUMNS = ["epoch", "train_loss", "val_loss", "val_balanced_accuracy", "learning_rate", "seconds"]
DROPOUT_STREAM = 3
BATCH_LINE_EVERY = 10.0  # seconds between progress lines within an epoch


@dataclass(frozen=True)
class TrainingSettings:
    """The names are those of the configuration's ``training`` section."""

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
            self.model.backbone.compile(dynamic=True)  # in place: the names of the weights stay
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


class EpochEnd(L.Callback):
    """What happens between epochs: learning rate, best weights, early stopping, curves, progress line, resume state.

    Lightning's own checkpoints are not used for this: they do not step the plateau scheduler of the epoch that they resume
    after, so that a resumed training would differ.
    """

    def __init__(self, folder: ResumeFolder, settings: TrainingSettings, seed: int, label: str) -> None:
        self.folder = folder
        self.settings = settings
        self.seed = seed
        self.label = label
        self.stored = folder.load()
        fresh = {
            "epoch": 0,
            "stopped": False,
            "waited": 0,
            "lowest_loss": math.inf,
            "best": {},
            "best_file": None,
            "rows": [],
        }
        self.state = {key: (self.stored or fresh)[key] for key in fresh}

    def on_train_start(self, trainer: L.Trainer, module: FateTraining) -> None:
        optimizer = trainer.optimizers[0]
        self.scheduler = ReduceLROnPlateau(optimizer)
        if self.stored:
            optimizer.load_state_dict(self.stored["optimizer"])
            self.scheduler.load_state_dict(self.stored["scheduler"])
            trainer.precision_plugin.load_state_dict(self.stored["precision"])
        self.stored = None

    def on_train_epoch_start(self, trainer: L.Trainer, module: FateTraining) -> None:
        self.started = self.last_line = time.monotonic()

    def on_train_batch_start(self, trainer: L.Trainer, module: FateTraining, batch: Batch, batch_idx: int) -> None:
        """Dropout's random numbers follow from the epoch and batch alone; loaders draw from the same generator between batches."""
        words = np.random.SeedSequence([DROPOUT_STREAM, self.seed, self.state["epoch"], batch_idx, trainer.global_rank]).generate_state(1)
        torch.manual_seed(int(words[0]))

    def on_train_batch_end(self, trainer: L.Trainer, module: FateTraining, outputs: object, batch: Batch, batch_idx: int) -> None:
        now = time.monotonic()
        if trainer.is_global_zero and now - self.last_line > BATCH_LINE_EVERY:
            epoch = f"{self.label}: epoch {self.state['epoch'] + 1}/{self.settings.max_epochs}"
            _say(meter(batch_idx + 1, trainer.num_training_batches, now - self.started, epoch, "batch"))
            self.last_line = now

    def on_train_epoch_end(self, trainer: L.Trainer, module: FateTraining) -> None:
        metrics = trainer.strategy.broadcast(module.epoch_metrics())  # every process decides on the numbers of the first
        state = self.state
        state["epoch"] += 1
        if not all(map(math.isfinite, metrics.values())):
            raise InputError(
                f"{self.label}: loss not finite in epoch {state['epoch']}; training.learning_rate is {self._rate():g}, lower it"
            )
        row = {"epoch": state["epoch"], **metrics, "learning_rate": self._rate(), "seconds": time.monotonic() - self.started}
        state["rows"].append([row[column] for column in CURVE_COLUMNS])
        self.scheduler.step(metrics["val_loss"])
        self._count_patience(metrics["val_loss"])
        better = not state["best"] or _score(row) > _score(state["best"])
        if better:
            state["best"] = {name: row[name] for name in ("epoch", "val_balanced_accuracy", "val_loss")}
        if trainer.is_global_zero:
            if better:
                state["best_file"] = self.folder.save_best(module.model.state_dict(), state["epoch"])
            self._store(trainer, module)
            self._print(row)
        trainer.strategy.barrier()
        trainer.should_stop = state["stopped"]

    def _rate(self) -> float:
        return self.scheduler.optimizer.param_groups[0]["lr"]

    def _count_patience(self, loss: float) -> None:
        state = self.state
        state["waited"] = 0 if loss < state["lowest_loss"] else state["waited"] + 1
        state["lowest_loss"] = min(loss, state["lowest_loss"])
        state["stopped"] = state["waited"] >= self.settings.patience or state["epoch"] >= self.settings.max_epochs

    def _store(self, trainer: L.Trainer, module: FateTraining) -> None:
        parts = {
            "model": module.model.state_dict(),
            "optimizer": trainer.optimizers[0].state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "precision": trainer.precision_plugin.state_dict(),
        }
        self.folder.save({**self.state, **parts})

    def _print(self, row: dict[str, float]) -> None:
        seconds = np.mean([r[CURVE_COLUMNS.index("seconds")] for r in self.state["rows"][-5:]])
        left = seconds * (self.settings.max_epochs - row["epoch"])
        end = "stops early" if self.state["waited"] >= self.settings.patience else f"at most {_duration(left)} left"
        _say(
            f"{self.label}: epoch {row['epoch']}/{self.settings.max_epochs}, train loss {row['train_loss']:.3f}, "
            f"validation loss {row['val_loss']:.3f}, balanced accuracy {row['val_balanced_accuracy']:.3f}, {seconds:.1f} s/epoch, {end}"
        )


def _score(row: dict[str, float]) -> tuple[float, float]:
    return row["val_balanced_accuracy"], -row["val_loss"]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    minutes, hours = seconds / 60, seconds / 3600
    return f"{seconds:.0f} s" if seconds < 120 else f"{minutes:.0f} min" if minutes < 120 else f"{hours:.1f} h"


def train(
    crops: list[str | Path],
    trajectories: pd.DataFrame,
    split: pd.DataFrame,
    scaling: Scaling,
    folder: str | Path,
    *,
    fold: int,
    seed: int,
    outcomes: dict[str, str],
    model: dict,
    training: dict,
    augmentation: dict,
    resume: str | Path,
    code: list[str | Path] = (),
    checkpoint: str | Path | None,
    threads: int,
) -> None:
    """Train on the fold's training part and write the model folder: weights, settings.json, curves.csv.

    The kept weights are those of the best validation balanced accuracy (ties: lower validation loss, then earlier). With
    ``checkpoint`` the published weights are imported instead, and the published scaling with them. ``model``, ``training``
    and ``augmentation`` are the configuration's sections. The state after each epoch lies below ``resume``, a folder for this
    fold alone, under a hash of all settings, the data and the source files in ``code``, until the model folder is written.
    Deterministic: the same seed gives the same weights on the same kind of machine with the same number of ``threads``, which
    compute on a CPU and read crops for a GPU.

    Raises InputError when a part of the fold lacks an outcome, a GPU is asked for and there is none, or settings disagree.
    """
    cropset = CropSet(crops)
    sizes = ModelSettings(channels=len(cropset.channels), **model)
    chosen = TrainingSettings(**training)
    record = {
        "channels": cropset.channels,
        "crop_size": cropset.crop_size,
        "scaling": asdict(scaling),
        "outcomes": dict(outcomes),
        "fold": int(fold),
        "seed": seed,
        "training": training,
        "augmentation": augmentation,
    }
    if checkpoint:
        imported = import_checkpoint(checkpoint, replace(sizes, positions="start"))  # as it was trained
        record |= {"scaling": asdict(reference_scaling(cropset.channels)), "checkpoint_sha256": sha256(checkpoint)}
        _write_model(folder, imported, record, [])
        return
    rows = fold_trajectories(trajectories, split, fold, ["train", "validation"])
    for part in ("train", "validation"):
        check_classes(rows[rows["split"] == part], part, fold, outcomes)
    key = training_key({**record, "model": model}, rows, cropset.paths(rows["recording"].unique()), code)
    state = ResumeFolder(resume, key)
    data = {"cropset": cropset, "scaling": scaling, "input_size": sizes.input_size, "seed": seed, "cache": chosen.cache}
    trained = _fit(rows, data, sizes, chosen, AugmentationSettings(**augmentation), state, fold, seed, threads)
    if trained is not None:
        network, epochs, best = trained
        _write_model(folder, network, {**record, "best": best}, epochs)
        state.remove()


def _fit(
    rows: pd.DataFrame,
    data: dict,
    sizes: ModelSettings,
    settings: TrainingSettings,
    augmentation: AugmentationSettings,
    folder: ResumeFolder,
    fold: int,
    seed: int,
    threads: int,
) -> tuple[FateModel, list[list[float]], dict] | None:
    """Train to the end, from the stored state where there is one; the best model, the curve's rows and the best scores.

    None in the helper processes of a training on several devices.
    """
    accelerator = choose_accelerator(settings.accelerator, settings.devices)
    torch.set_num_threads(threads if accelerator == "cpu" else 1)
    torch.manual_seed(seed)
    prepare = partial(prepare_batch, scaling=data["scaling"], augmentation=augmentation)
    module = FateTraining(FateModel(sizes), settings, prepare)
    label = f"train_model fold {fold}"
    callback = EpochEnd(folder, settings, seed, label)
    if callback.stored:
        module.model.load_state_dict(callback.stored["model"])
        _say(f"{label}: continues after epoch {callback.state['epoch']} of {settings.max_epochs}")
    if not callback.state["stopped"]:
        with _quiet_lightning():
            trainer = _trainer(settings, accelerator, settings.max_epochs - callback.state["epoch"], callback, folder)
            train_rows, validation_rows = rows[rows["split"] == "train"], rows[rows["split"] == "validation"]
            train_set = TrajectoryDataset(train_rows, **data, augmentation=augmentation, label=f"{label}: reading crops")
            validation_set = TrajectoryDataset(validation_rows, **data, label=f"{label}: reading validation crops")
            data["cropset"].close()
            samplers = _samplers(train_rows, validation_rows, seed, callback.state["epoch"], trainer)
            workers = 0 if settings.cache or accelerator == "cpu" else threads // settings.devices - 1
            batch_size = settings.batch_size // settings.devices
            loaders = [
                loader(dataset, batch_size, max(0, workers), sampler, on_gpu=accelerator == "gpu")
                for dataset, sampler in zip([train_set, validation_set], samplers, strict=True)
            ]
            try:
                trainer.fit(module, *loaders)
            except SIGTERMException:  # Lightning leaves with 0, which a workflow manager takes for success
                raise SystemExit(128 + signal.SIGTERM) from None
        if not trainer.is_global_zero:
            return None
    best = FateModel(sizes)
    best.load_state_dict(folder.load_best(callback.state["best_file"]))
    return best.eval(), callback.state["rows"], callback.state["best"]


def choose_accelerator(wanted: str, devices: int) -> str:
    """``cpu`` or ``gpu``; raises an InputError when a GPU, or more of them than there are, is asked for."""
    accelerator = "gpu" if device_for(wanted) == "cuda" else "cpu"
    n_gpus = torch.cuda.device_count() if accelerator == "gpu" else 0
    if devices > 1 and wanted != "cpu" and devices > n_gpus:
        raise InputError(f"training.devices is {devices}, but this job sees {n_gpus} GPU{'s' * (n_gpus != 1)}")
    return accelerator


def _trainer(settings: TrainingSettings, accelerator: str, epochs: int, callback: EpochEnd, folder: ResumeFolder) -> L.Trainer:
    return L.Trainer(
        accelerator=accelerator,
        devices=settings.devices,
        strategy="ddp" if settings.devices > 1 else "auto",
        precision=settings.precision,
        max_epochs=epochs,
        callbacks=[callback],
        plugins=[LightningEnvironment()],  # within a SLURM job too, one task starts the processes of all GPUs of its node
        deterministic=settings.deterministic,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,  # the samplers divide the draws themselves
        default_root_dir=folder.path,
    )


def _samplers(
    train_rows: pd.DataFrame, validation_rows: pd.DataFrame, seed: int, first_epoch: int, trainer: L.Trainer
) -> tuple[BalancedSampler, SharedSampler]:
    place = {"rank": trainer.global_rank, "world": trainer.world_size}
    return BalancedSampler(train_rows["label"].to_numpy(int), seed, first_epoch, **place), SharedSampler(len(validation_rows), **place)


def loader(dataset: TrajectoryDataset, batch_size: int, workers: int, sampler: Sampler, on_gpu: bool) -> DataLoader:
    """Batches of ``dataset``, read by ``workers`` processes (0: this one); for a GPU as they were read, for it to prepare."""
    return DataLoader(
        CountsDataset(dataset) if on_gpu else dataset,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=workers,
        collate_fn=collate_counts if on_gpu else collate,
        pin_memory=on_gpu,
        persistent_workers=workers > 0,
        prefetch_factor=4 if workers else None,
    )


def _write_model(folder: str | Path, model: FateModel, record: dict, epochs: list[list[float]]) -> None:
    with replacing(folder) as temporary:
        save_model(temporary, model, record)
        pd.DataFrame(epochs, columns=CURVE_COLUMNS).astype({"epoch": "int64"}).to_csv(temporary / CURVES, index=False)


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Lightning's notes about devices, and its advice on loader processes, say nothing about this training."""
    loggers = [logging.getLogger(name) for name in ("lightning", "lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            warnings.filterwarnings("ignore", message=".*GPU available but not used.*")
            warnings.filterwarnings("ignore", message=".*LeafSpec.*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
