"""What was corrected by hand: which tracks, and how many of each outcome there were before and are after."""

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from cellfate.base.plot_style import readable
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
