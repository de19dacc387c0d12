"""What happens at the end of each epoch: scores, the best model so far, the learning rate, the resume checkpoint, and when to stop."""

import math
import sys
import time

import lightning as L
import numpy as np
import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

from cellfate.base.errors import InputError
from cellfate.base.progress import meter
from cellfate.training.dataset import Batch
from cellfate.training.module import FateTraining, TrainingSettings
from cellfate.training.resume import ResumeFolder

CURVE_COLUMNS = ["epoch", "train_loss", "val_loss", "val_balanced_accuracy", "learning_rate", "seconds"]
DROPOUT_STREAM = 3
BATCH_LINE_EVERY = 10.0  # seconds between progress lines within an epoch


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
            say(meter(batch_idx + 1, trainer.num_training_batches, now - self.started, epoch, "batch"))
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
        say(
            f"{self.label}: epoch {row['epoch']}/{self.settings.max_epochs}, train loss {row['train_loss']:.3f}, "
            f"validation loss {row['val_loss']:.3f}, balanced accuracy {row['val_balanced_accuracy']:.3f}, {seconds:.1f} s/epoch, {end}"
        )


def _score(row: dict[str, float]) -> tuple[float, float]:
    return row["val_balanced_accuracy"], -row["val_loss"]


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    minutes, hours = seconds / 60, seconds / 3600
    return f"{seconds:.0f} s" if seconds < 120 else f"{minutes:.0f} min" if minutes < 120 else f"{hours:.1f} h"
