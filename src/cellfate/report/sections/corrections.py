"""What people said of tracks: what was corrected or edited, how many of each outcome there were before and are after, who labelled."""

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from cellfate.base.plot_style import readable
from cellfate.tracks.edits.file import EditedRecording
from cellfate.tracks.tables import WRONG_TRACK

SET_ASIDE = "set aside, the track is wrong"


def corrections_section(corrections: Sequence[Mapping], trajectories: pd.DataFrame) -> dict:
    """``rows``, one for each correction, and ``counts`` of tracks by outcome before and after; both empty where nothing was corrected.

    ``trajectories`` are those of the run, after the corrections.
    """
    if not corrections:
        return {"rows": [], "counts": []}
    after = Counter(trajectories["outcome"])
    became = Counter(row["outcome"] for row in corrections if row["what"] != WRONG_TRACK)
    were = Counter(row["was"] for row in corrections)
    names = dict.fromkeys([*sorted(after), *were, *became])
    counts = [(readable(name), after[name] - became[name] + were[name], after[name]) for name in names]
    return {"rows": [_row(row) for row in corrections], "counts": counts}


def _row(row: Mapping) -> dict:
    event = "" if row["event_frame"] is None else f", event in frame {row['event_frame']}"
    after = SET_ASIDE if row["what"] == WRONG_TRACK else f"{readable(row['outcome'])}{event}"
    name = f"{row['recording']}/{row['track_id']}"
    return {"name": name, "before": readable(row["was"]), "after": after, "note": row["note"] or ""}


def labels_section(labels: Sequence[Mapping]) -> dict:
    """``head`` and ``rows`` of a table with one row for each person, and ``twice`` in words; empty where nothing was labelled.

    ``labels`` are the rows of the files of labels that the run was given.
    """
    if not labels:
        return {"head": [], "rows": [], "twice": ""}
    words = list(dict.fromkeys(row["outcome"] for row in labels))
    people = {name: Counter(row["outcome"] for row in labels if row["by"] == name) for name in sorted({row["by"] for row in labels})}
    rows = [[name, counts.total(), *(counts[word] for word in words)] for name, counts in people.items()]
    return {"head": ["by", "cells", *map(readable, words)], "rows": rows, "twice": _twice(labels)}


def _twice(labels: Sequence[Mapping]) -> str:
    said: dict[tuple, list[str]] = {}
    for row in labels:
        said.setdefault((row["recording"], row["track_id"]), []).append(row["outcome"])
    several = [own for own in said.values() if len(own) > 1]
    cells = f"{len(said)} cell{'s' * (len(said) != 1)} labelled"
    if not several:
        return f"{cells}, each by one person."
    differ = sum(len(set(own)) > 1 for own in several)
    return f"{cells}, {len(several)} of them by more than one person, who gave {differ} of these different labels: such a cell is censored."


def edits_section(edited: Sequence[EditedRecording]) -> dict:
    """``rows``, one for each change of a track that was edited elsewhere, ``counts`` of tracks by outcome before and after, in words which
    ``recordings``; all empty where none was edited.
    """
    rows, counts = [], {}
    for one in edited:
        for row in one.differences.itertuples(index=False):
            frames = f"{row.first_frame}" if row.first_frame == row.last_frame else f"{row.first_frame} to {row.last_frame}"
            rows.append({"name": f"{row.recording}/{row.track_id}", "what": row.what, "frames": frames, "detail": row.detail or ""})
        for outcome, pair in one.counts.items():
            before, after = counts.get(outcome, (0, 0))
            counts[outcome] = (before + pair[0], after + pair[1])
    named = [(readable(outcome), *pair) for outcome, pair in sorted(counts.items())]
    return {"rows": rows, "counts": named, "recordings": ", ".join(one.recording for one in edited)}
