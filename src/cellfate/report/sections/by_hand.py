"""The scores of a run as they stood before its tracks were corrected or edited by hand: kept beside its results, shown beside those now.

Snakemake deletes the outputs of a job before it runs it again, so the file is none of them.
"""

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.files import read_json, sha256, write_json
from cellfate.tracks.edits.file import EditedRecording

FILE = ".scores_by_hand.json"
SCORES = {"balanced_accuracy": "balanced accuracy", "auroc": "AUROC", "f1_macro": "macro F1", "log_loss": "log-loss"}
MOST = 20  # states of which scores are kept


@dataclass(frozen=True)
class StateByHand:
    """How many tracks were ``corrected`` and how many changes of tracks ``edited``; ``content`` is a digest of both, ``settings`` of all
    else that a score depends on and that settings say. Scores are compared where ``settings`` are the same.
    """

    settings: str
    content: str
    corrected: int
    edited: int

    @property
    def nothing(self) -> bool:
        return self.corrected == self.edited == 0


def state_of(
    settings: str, labels: str, corrections: Sequence[Mapping], files: Sequence[str | Path], edited: Sequence[EditedRecording]
) -> StateByHand:
    """The state of a run: a digest of its other ``settings``, its ``labels`` as text, its corrections, and its ``files`` of edits."""
    content = json.dumps([list(corrections), [sha256(file) for file in files]], sort_keys=True)
    digests = [hashlib.sha256(text.encode()).hexdigest()[:12] for text in (settings + labels, content)]
    return StateByHand(*digests, corrected=len(corrections), edited=sum(len(one.differences) for one in edited))


def keep_scores(folder: str | Path, state: StateByHand, metrics: pd.DataFrame, date: str) -> list[dict]:
    """Write the headline scores of a run in ``folder`` under its ``state``; returns all that are kept there, the latest last.

    ``metrics`` is the table METRICS of full trajectories. A file that cannot be read is passed over with a warning.
    """
    path = Path(folder) / FILE
    try:
        kept = read_json(path)["scores"] if path.exists() else []
    except (InputError, KeyError) as error:
        print(f"WARNING: {path}: earlier scores cannot be read and are passed over: {error}", file=sys.stderr, flush=True)
        kept = []
    shown = metrics[(metrics["scope"] == "all") & (metrics["class"] == "all")].set_index("metric")
    own = {"date": date, **asdict(state), "cells": int(shown["n_trajectories"].max())}
    own["scores"] = {name: [_plain(shown.loc[name, column]) for column in ("value", "ci_low", "ci_high")] for name in SCORES}
    others = [one for one in kept if (one["settings"], one["content"]) != (state.settings, state.content)]
    kept = [*others[1 - MOST :], own]
    write_json({"scores": kept}, path)
    return kept


def _plain(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def scores_section(kept: Sequence[Mapping], state: StateByHand) -> dict:
    """``head`` and ``rows`` of a table with a column for each state whose scores are known, and what is missing in ``words``.

    The states are: without anything by hand, the last that was another, and this one. Empty where nothing was done by hand.
    """
    if state.nothing:
        return {"head": [], "rows": [], "words": ""}
    same = [one for one in kept if one["settings"] == state.settings]
    now = next(one for one in reversed(same) if one["content"] == state.content)
    without = next((one for one in reversed(same) if one["corrected"] == one["edited"] == 0), None)
    last = next((one for one in reversed(same) if one not in (now, without)), None)
    columns = [one for one in (without, last, now) if one is not None]
    head = [f"{_name(one, now)} ({one['date']})" for one in columns]
    rows = [["held-out trajectories", *(str(one["cells"]) for one in columns)]]
    rows += [[label, *(_number(one["scores"].get(name)) for one in columns)] for name, label in SCORES.items()]
    words = "" if without else "The scores without any of it are not known: no run with these settings was finished before."
    return {"head": head, "rows": rows, "words": words}


def _name(one: Mapping, now: Mapping) -> str:
    if one["corrected"] == one["edited"] == 0:
        return "nothing by hand"
    counts = {"corrected": one["corrected"], "changes of tracks": one["edited"]}
    said = ", ".join(f"{n} {what}" for what, n in counts.items() if n)
    return f"now: {said}" if one is now else f"before: {said}"


def _number(score: Sequence[float | None] | None) -> str:
    if score is None or score[0] is None:
        return "–"
    value, low, high = score
    return f"{value:.3f}" if None in (low, high) else f"{value:.3f} ({low:.3f} to {high:.3f})"
