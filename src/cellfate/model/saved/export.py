"""The models of a run's folds as one folder that can be copied: members with their calibrations, shared settings, and a card."""

import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cellfate.base.files import keep_last, read_json, replacing, sha256, write_json
from cellfate.base.software import SOFTWARE
from cellfate.model.saved.card import CARD, CARD_TEXT, card_text, seen, shown_scores
from cellfate.model.saved.export_risks import RisksOfRun
from cellfate.model.saved.exported import is_control, statement
from cellfate.model.saved.members import CALIBRATION, MEMBERS, RISKS, SETTINGS, WEIGHTS
from cellfate.model.saved.sets import SETS, promises
from cellfate.model.shift.seen import TRAINING

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Run:
    """The tables of a run that the export reads, each as it is declared; ``digests`` are those of the recordings' crop files."""

    sheet: pd.DataFrame
    trajectories: pd.DataFrame
    split: pd.DataFrame
    metrics: pd.DataFrame  # of the full test trajectories
    reliability: pd.DataFrame  # the calibration table
    baselines: pd.DataFrame
    digests: Mapping[str, str | None]

    def members_of(self, fold: int) -> pd.DataFrame:
        """The usable trajectories of a fold with their part."""
        rows = self.trajectories.merge(self.split[self.split["fold"] == fold], on="trajectory")
        return rows[rows["usable"] & rows["split"].isin(PARTS)]


def export_model(
    folder: str | Path,
    models: Sequence[str | Path],
    calibrations: Sequence[str | Path],
    run: Run,
    *,
    risks: RisksOfRun | None,
    sets: str | Path,
    training: str | Path,
    dataset: str,
    protocol: str,
    verdict: str,
    embedding: Mapping,
    min_frames: int,
    config_digest: str,
    repository: str | Path,
) -> None:
    """Write the portable folder of the models of all folds, each with its calibration.

    settings.json has what the members share; ``frame_intervals_min`` and ``pixel_sizes_um`` of the recordings that any was trained on
    (ascending; a size that the sheet does not give is not there); ``min_frames``, the number of frames from which on they were calibrated;
    ``embedding``, how frames were embedded; and the recordings of each member's training and validation parts with their digests.
    ``sets`` is the file of limits of sets of outcomes, ``training`` says what the recordings look like
    (:mod:`cellfate.model.shift.seen`); both are copied. ``verdict`` is what the run says of its baselines, ``repository`` the folder
    whose git commit the card names. ``risks`` are the networks of risks of the same folds, None where the run has none.
    """
    folds = [read_json(Path(model) / SETTINGS) for model in models]
    rows = {f"fold-{one['fold']}": run.members_of(one["fold"]) for one in folds}
    settings = _settings(folds[0], rows, run) | {"min_frames": min_frames, "embedding": dict(embedding)}
    settings |= {} if risks is None else {RISKS: risks.settings(run.sheet, run.digests)}
    pieces = zip(rows, folds, map(read_json, calibrations), models, strict=True)
    shared = {key: settings[key] for key in ("outcomes", "channels", "crop_size", "frame_intervals_min", "pixel_sizes_um", "min_frames")}
    card = {
        "dataset": dataset,
        "protocol": protocol,
        "given": statement(settings["outcomes"]),
        **shared,
        MEMBERS: {name: _member(one, rows[name], calibration, model) for name, one, calibration, model in pieces},
        "seen": seen(run.trajectories[run.trajectories["trajectory"].isin(_trajectories(rows.values()))], settings["outcomes"]),
        "held_out": shown_scores(run.metrics, run.reliability),
        "baselines": _baselines(run.baselines),
        "verdict": verdict,
        "sets": promises(sets, (settings["outcomes"]["negative"], settings["outcomes"]["positive"])),
        RISKS: None if risks is None else risks.card(run.trajectories, settings["outcomes"]),
        "config_digest": config_digest,
        "commit": commit_of(repository),
        "software": SOFTWARE,
    }
    with replacing(folder) as temporary:
        temporary.mkdir()
        for name, model, calibration in zip(rows, models, calibrations, strict=True):
            shutil.copytree(model, temporary / MEMBERS / name)
            shutil.copy(calibration, temporary / MEMBERS / name / CALIBRATION)
        if risks is not None:
            risks.copy_to(temporary)
        shutil.copy(sets, temporary / SETS)
        shutil.copy(training, temporary / TRAINING)
        write_json(settings, temporary / SETTINGS)
        write_json(card, temporary / CARD)
        (temporary / CARD_TEXT).write_text(card_text(card))
    keep_last(folder)


def _settings(first: Mapping, rows: Mapping[str, pd.DataFrame], run: Run) -> dict:
    """What the members share, and which recordings each of them saw; ``first`` are the settings of one fold, ``rows`` of each."""
    names = {name for own in rows.values() for name in own.loc[own["split"] == "train", "recording"]}
    trained = run.sheet[run.sheet["recording"].isin(names)]
    return {key: first[key] for key in ("channels", "crop_size", "outcomes", "model")} | {
        "frame_intervals_min": sorted({float(value) for value in trained["frame_interval_min"]}),
        "pixel_sizes_um": sorted({float(value) for value in trained["pixel_size_um"].dropna()}),
        MEMBERS: {name: {part: _digests(own, part, run.digests) for part in PARTS[:2]} for name, own in rows.items()},
    }


def _trajectories(rows: Iterable[pd.DataFrame]) -> set[str]:
    """All that some member was trained on or chosen by."""
    return {name for own in rows for name in own.loc[own["split"] != "test", "trajectory"]}


def _digests(rows: pd.DataFrame, part: str, digests: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name: digests.get(name) for name in sorted(set(rows.loc[rows["split"] == part, "recording"]))}


def _member(settings: Mapping, rows: pd.DataFrame, calibration: Mapping, model: str | Path) -> dict:
    """One member on the card: how much it saw, its calibration and its weights."""
    parts = dict(iter(rows.groupby("split")))
    return {
        "fold": settings["fold"],
        "recordings": {part: int(own["recording"].nunique()) for part, own in parts.items()},
        "trajectories": {part: {k: int(n) for k, n in own["outcome"].value_counts().items()} for part, own in parts.items()},
        "calibration": dict(calibration),
        "shuffle_labels": is_control(settings),
        "checkpoint_sha256": settings.get("checkpoint_sha256"),
        "weights_sha256": sha256(Path(model) / WEIGHTS),
    }


def _baselines(baselines: pd.DataFrame) -> list[dict]:
    """Balanced accuracy of network and baselines on the full held-out trajectories, and the network's lead; missing values are null."""
    rows = baselines[(baselines["scope"] == "all") & (baselines["condition"] == "full")]
    columns = ["method", "value", "ci_low", "ci_high", "lead", "lead_low", "lead_high"]
    return [{key: None if pd.isna(value) else value for key, value in row.items()} for row in rows[columns].to_dict("records")]


def commit_of(repository: str | Path) -> str | None:
    """The git commit of a folder, with ``-dirty`` where files differ from it; None where there is no git or it is no repository.

    A folder within a repository is none: a copy of this workflow among a user's files is not described by their commits.
    """
    if _git(repository, "rev-parse", "--show-cdup") != "":
        return None
    return _git(repository, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")


def _git(repository: str | Path, *command: str) -> str | None:
    try:
        return subprocess.run(["git", "-C", str(repository), *command], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
