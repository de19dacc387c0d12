"""Training the network on one fold, or importing a trained one, into a model folder."""

import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import lightning as L
import pandas as pd
import torch
from lightning.pytorch.plugins.environments import LightningEnvironment
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch.utils.data import DataLoader, Sampler

from cellfate.base.errors import InputError
from cellfate.base.files import keep_last, replacing, sha256
from cellfate.crops.crop_set import CropSet
from cellfate.model.network import FateModel, ModelSettings, device_for
from cellfate.model.saved.folder import CURVES, save_model
from cellfate.model.saved.published import import_checkpoint
from cellfate.model.scaling import Scaling, reference_scaling
from cellfate.training.augmentation import AugmentationSettings
from cellfate.training.dataset import (
    CountsDataset,
    TrajectoryDataset,
    check_cache_fits,
    check_classes,
    collate,
    collate_counts,
    prepare_batch,
    shuffled_labels,
)
from cellfate.training.epochs import CURVE_COLUMNS, EpochEnd, say
from cellfate.training.module import FateTraining, TrainingSettings
from cellfate.training.resume import ResumeFolder, training_key
from cellfate.training.samplers import BalancedSampler, SharedSampler
from cellfate.trajectories.folds import fold_trajectories


def train(
    crops: list[str | Path],
    trajectories: pd.DataFrame,
    split: pd.DataFrame,
    scaling: Scaling | None,
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
    ``checkpoint`` the published weights are imported instead, and the published scaling in place of ``scaling``. ``model``, ``training``
    and ``augmentation`` are the configuration's sections. The state after each epoch lies below ``resume``, a folder for this
    fold alone, under a hash of all settings, the data and the source files in ``code``, until the model folder is written.
    Deterministic: the same seed gives the same weights on the same kind of machine with the same number of ``threads``, which
    compute on a CPU and read crops for a GPU. With ``shuffle_labels`` it learns from :func:`shuffled_labels`, which settings.json says.

    Raises InputError when a part of the fold lacks an outcome, a GPU is asked for and there is none, or settings disagree.
    """
    cropset = CropSet(crops)
    sizes = ModelSettings(channels=len(cropset.channels), **model)
    chosen = TrainingSettings(**training)
    record = {
        "channels": cropset.channels,
        "crop_size": cropset.crop_size,
        "scaling": asdict(reference_scaling(cropset.channels) if checkpoint else scaling),
        "outcomes": dict(outcomes),
        "fold": int(fold),
        "seed": seed,
        "training": training,
        "augmentation": augmentation,
    }
    if checkpoint:
        imported = import_checkpoint(checkpoint, replace(sizes, positions="start"))  # as it was trained
        _write_model(folder, imported, {**record, "checkpoint_sha256": sha256(checkpoint)}, [])
        return
    rows = fold_trajectories(trajectories, split, fold, ["train", "validation"])
    for part in ("train", "validation"):
        check_classes(rows[rows["split"] == part], part, fold, outcomes)
    if chosen.cache:
        check_cache_fits(rows, cropset, sizes.input_size, chosen.devices)
    if chosen.shuffle_labels:
        rows = shuffled_labels(rows, seed)
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
        say(f"{label}: continues after epoch {callback.state['epoch']} of {settings.max_epochs}")
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
    keep_last(folder)


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
