"""The networks of risks of a run's folds as a part of the exported model: its section of the settings and of the card, and its files."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cellfate.base.files import read_json, sha256
from cellfate.model.saved.members import MEMBERS, RISKS, SETTINGS
from cellfate.model.saved.risks import FROM_EMBEDDING, weights_name

PARTS = ("train", "validation")


@dataclass(frozen=True)
class RisksOfRun:
    """The folders of the networks of each fold; ``fates``, what they say of tracks that they did not learn from (FATES), and ``scores``,
    how good that is (the run's table of scores of risks); and with which settings they were made: ``rings`` of tracks with more than
    ``longer_than`` frames, ``outlines``, hours ahead."""

    models: Sequence[str | Path]
    fates: pd.DataFrame
    scores: pd.DataFrame
    rings: Mapping[str, float]
    longer_than: int
    outlines: Mapping[str, object]
    horizons_hours: Sequence[float]

    def settings(self, sheet: pd.DataFrame, digests: Mapping[str, str | None]) -> dict:
        """What :func:`cellfate.model.saved.risks.read_risks` reads; ``digests`` are those of the recordings' crop files."""
        folds = [read_json(Path(model) / SETTINGS) for model in self.models]
        trained = {name for one in folds for name in one["recordings"]["train"]}
        starts = sheet.loc[sheet["recording"].isin(trained), "treatment_start_h"].dropna()
        return {
            MEMBERS: {_name(one): {part: {name: digests.get(name) for name in one["recordings"][part]} for part in PARTS} for one in folds},
            "rings": dict(self.rings),
            "longer_than": self.longer_than,
            "inputs": folds[0]["inputs"],
            "embedding": [name.removeprefix(FROM_EMBEDDING) for name in folds[0]["columns"] if name.startswith(FROM_EMBEDDING)],
            "outlines": dict(self.outlines) if folds[0]["inputs"]["features"] else {},
            "horizons_hours": list(self.horizons_hours),
            "treatment_starts_h": sorted({float(value) for value in starts}),
        }

    def card(self, trajectories: pd.DataFrame, outcomes: Mapping[str, str]) -> dict:
        """What each fold learned from, and the tracks that it was not shown, with their events; ``trajectories`` is the run's table."""
        folds = [read_json(Path(model) / SETTINGS) for model in self.models]
        held_out = self.fates.loc[self.fates["split"] == "test", ["trajectory", "fold"]].drop_duplicates()
        held_out = held_out.merge(trajectories[["trajectory", "recording", "outcome"]], on="trajectory")
        return {
            "horizons_hours": list(self.horizons_hours),
            "inputs": folds[0]["inputs"],
            "embedding": sum(name.startswith(FROM_EMBEDDING) for name in folds[0]["columns"]),
            "min_frames": folds[0]["min_frames"],
            "followed_hours": min(one["followed_hours"] for one in folds),
            "scores": _scores(self.scores),
            MEMBERS: {_name(one): _fold(one, model, held_out, outcomes) for one, model in zip(folds, self.models, strict=True)},
        }

    def copy_to(self, folder: Path) -> None:
        """Copy the networks of each fold into the exported folder."""
        for model in self.models:
            shutil.copytree(model, folder / RISKS / _name(read_json(Path(model) / SETTINGS)))


def _scores(scores: pd.DataFrame) -> list[dict]:
    """Those of held-out tracks at all their frames, for each number of hours ahead; missing values are null."""
    rows = scores[(scores["scope"] == "all frames") & (scores["method"] == "risks")]
    shown = ("skill", "auc_negative", "auc_positive")
    values = ["brier", *(f"{name}{limit}" for name in shown for limit in ("", "_low", "_high", "_reason"))]
    columns = ["horizon_hours", *values, "n_landmarks", "n_tracks", "n_negative", "n_positive", "units", "units_negative", "units_positive"]
    return [{key: None if pd.isna(value) else value for key, value in row.items()} for row in rows[columns].to_dict("records")]


def _name(settings: Mapping) -> str:
    return f"fold-{settings['fold']}"


def _fold(settings: Mapping, model: str | Path, held_out: pd.DataFrame, outcomes: Mapping[str, str]) -> dict:
    """One fold on the card: tracks, events and recordings of each part, the likelihood of its networks, and their weights."""
    own = held_out[held_out["fold"] == settings["fold"]]
    counts = own["outcome"].value_counts()
    parts = {part: {"tracks": settings["tracks"][part], **settings["events"][part]} for part in PARTS}
    parts["test"] = {"tracks": len(own), **{role: int(counts.get(outcomes[role], 0)) for role in ("negative", "positive")}}
    recordings = {part: len(settings["recordings"][part]) for part in PARTS} | {"test": int(own["recording"].nunique())}
    weights = [sha256(Path(model) / weights_name(number)) for number in range(settings["members"])]
    return {"parts": parts, "recordings": recordings, "val_loss": settings["val_loss"], "weights_sha256": weights}
