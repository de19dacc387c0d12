"""A trained model as one folder that can be copied: weights, settings, calibration, and a card that says what it is."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cellfate.base.files import read_json, replacing, sha256, write_json
from cellfate.base.software import SOFTWARE
from cellfate.model.saved.exported import CALIBRATION, SETTINGS, WEIGHTS, statement

CARD, CARD_TEXT = "card.json", "MODEL_CARD.md"
SCORES = ("balanced_accuracy", "auroc", "f1_macro", "log_loss")


def export_model(
    folder: str | Path,
    fold_model: str | Path,
    calibration: str | Path,
    *,
    dataset: str,
    protocol: str,
    folds: int,
    sheet: pd.DataFrame,
    trajectories: pd.DataFrame,
    split: pd.DataFrame,
    metrics: pd.DataFrame,
    reliability: pd.DataFrame,
    min_frames: int,
    config_digest: str,
    repository: str | Path,
) -> None:
    """Write the portable folder of one fold's model.

    settings.json is the fold's own with ``frame_intervals_min`` and ``pixel_sizes_um`` of the recordings that it was trained on
    (ascending; a size that the sheet does not give is not there), and ``min_frames``, the number of frames from which on it was
    calibrated. ``metrics`` and ``reliability`` are the declared tables ``metrics`` (of the full test trajectories) and
    ``calibration``. ``repository`` is the folder whose git commit the card names.
    """
    settings = read_json(Path(fold_model) / SETTINGS)
    members = trajectories.merge(split[split["fold"] == settings["fold"]], on="trajectory")
    members = members[members["usable"]]
    trained = sheet[sheet["recording"].isin(members.loc[members["split"] == "train", "recording"])]
    settings |= {
        "min_frames": min_frames,
        "frame_intervals_min": sorted({float(value) for value in trained["frame_interval_min"]}),
        "pixel_sizes_um": sorted({float(value) for value in trained["pixel_size_um"].dropna()}),
    }
    parts = {part: rows for part, rows in members.groupby("split") if part != "unlabelled"}
    card = {
        "dataset": dataset,
        "protocol": protocol,
        "fold": settings["fold"],
        "folds": folds,
        "outcomes": settings["outcomes"],
        "given": statement(settings["outcomes"]),
        "channels": settings["channels"],
        "crop_size": settings["crop_size"],
        "frame_intervals_min": settings["frame_intervals_min"],
        "pixel_sizes_um": settings["pixel_sizes_um"],
        "recordings": {part: int(rows["recording"].nunique()) for part, rows in parts.items()},
        "trajectories": {part: {k: int(n) for k, n in rows["outcome"].value_counts().items()} for part, rows in parts.items()},
        "held_out": _held_out(metrics, reliability),
        "calibration": read_json(calibration),
        "config_digest": config_digest,
        "commit": commit_of(repository),
        "software": SOFTWARE,
        "weights_sha256": sha256(Path(fold_model) / WEIGHTS),
    }
    with replacing(folder) as temporary:
        shutil.copytree(fold_model, temporary)
        shutil.copy(calibration, temporary / CALIBRATION)
        write_json(settings, temporary / SETTINGS)
        write_json(card, temporary / CARD)
        (temporary / CARD_TEXT).write_text(card_text(card))


def _held_out(metrics: pd.DataFrame, reliability: pd.DataFrame) -> dict[str, dict]:
    """{score: value, interval where there is one, n} of the full test trajectories; missing values are null."""
    rows = metrics[(metrics["scope"] == "all") & (metrics["class"] == "all") & metrics["metric"].isin(SCORES)]
    found = {}
    for row in rows.itertuples():
        values = {"value": row.value, "ci_low": row.ci_low, "ci_high": row.ci_high}
        found[row.metric] = {key: None if pd.isna(v) else float(v) for key, v in values.items()} | {"n": int(row.n_trajectories)}
        found[row.metric] |= {"units": [int(row.units_negative), int(row.units_positive)], "method": row.method, "reason": row.reason}
    full = reliability[reliability["condition"] == "full"]
    for score in ("ece", "brier"):
        for stage, one in full.groupby("stage"):
            value = one[score].iloc[0]
            found[f"{score}_{stage}"] = {"value": None if pd.isna(value) else float(value), "n": int(one["count"].sum())}
    return found


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


def card_text(card: Mapping) -> str:
    """The card for a reader, in Markdown."""
    negative, positive = card["outcomes"]["negative"], card["outcomes"]["positive"]
    intervals = " and ".join(f"{value:g}" for value in card["frame_intervals_min"]) or "not known"
    sizes = " and ".join(f"{value:g}" for value in card["pixel_sizes_um"]) or "not known"
    counts = [
        f"| {part} | {card['recordings'].get(part, 0)} | {rows.get(negative, 0)} | {rows.get(positive, 0)} |"
        for part, rows in ((part, card["trajectories"].get(part, {})) for part in ("train", "validation", "test"))
    ]
    scores = [f"| {name.replace('_', ' ')} | {_shown(one)} | {one['n']} |" for name, one in card["held_out"].items()]
    pooled = f"; the scores pool the held-out trajectories of all {card['folds']} folds" if card["folds"] > 1 else ""
    fitted = card["calibration"]
    lines = [
        f"# Model of {card['dataset']}, protocol {card['protocol']}",
        "",
        f"Gives the probability of {positive} against {negative}, **given that {card['given']}**. It says nothing about whether",
        "either happens: a cell that does neither gets a probability all the same.",
        "",
        f"- channels, in this order: {', '.join(card['channels'])}",
        f"- crop: {card['crop_size']} pixels; pixel size in micrometres: {sizes}; frame interval in minutes: {intervals}",
        f"- fold {card['fold']} of {card['folds']}{pooled}",
        f"- configuration {card['config_digest']}, commit {card['commit'] or 'not known'}, {card['software']}",
        f"- SHA-256 of the weights: {card['weights_sha256']}",
        "",
        f"| trajectories | recordings | {negative} | {positive} |",
        "|---|---:|---:|---:|",
        *counts,
        "",
        "| held-out score, whole trajectories | value (95 % interval by recording) | n |",
        "|---|---:|---:|",
        *scores,
        "",
        f"Calibration: prior {fitted['prior']:.3g} of {positive}; temperature {fitted['temperature']:.3g} x (n /"
        f" {fitted['reference_frames']:g}) ^ {fitted['slope']:.3g} for n frames seen,",
        f"n from {fitted['first_frames']} to {fitted['last_frames']}, fitted on the prefixes of {fitted['n_validation']} validation"
        " trajectories. The held-out scores above are of whole",
        "trajectories with one temperature for all.",
    ]
    return "\n".join(lines) + "\n"


def _shown(score: Mapping) -> str:
    if score["value"] is None:
        return "-"
    limits = [score.get("ci_low"), score.get("ci_high")]
    if None in limits:
        return f"{score['value']:.3f}" + (f" (no interval: {score['reason']})" if score.get("reason") else "")
    return f"{score['value']:.3f} ({limits[0]:.3f} to {limits[1]:.3f})"
