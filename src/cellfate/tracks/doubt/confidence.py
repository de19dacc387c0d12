"""How likely a track is one cell up to each of its frames: the product over its links."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from cellfate.tracks.doubt.appearance import measure_intensities
from cellfate.tracks.doubt.links import DIVISION, START, STEP, measure_links, read_cells
from cellfate.tracks.doubt.model import LinkModel
from cellfate.tracks.tables import TRACK_CONFIDENCE


def assess_links(tracks: pd.DataFrame, model: LinkModel, read: Callable[[int], np.ndarray] | None = None) -> pd.DataFrame:
    """The table ``track_confidence`` of one recording's ``tracks``.

    ``read`` gives a frame as (C, H, W); needed by the model of images alone. A link between mother and daughter has a doubt of its own,
    which says nothing of whether either track is one cell: ``confidence`` of a daughter begins at 1.
    """
    cells = read_cells(tracks, None if read is None else measure_intensities(tracks, read))
    links = measure_links(cells)
    rows = links["row"].to_numpy(int)
    wrong = np.full(len(cells.table), np.nan)
    wrong[rows] = model.probabilities(links)
    kind = np.full(len(cells.table), START, dtype=object)
    kind[rows] = np.where(links["division"] > 0, DIVISION, STEP)
    rival = pd.Series(pd.NA, cells.table.index, dtype="Int64")
    rival.iloc[rows] = links["rival"].array
    certain = pd.Series(np.where(kind == STEP, 1 - wrong, 1.0))
    table = cells.table[["recording", "track_id", "frame"]].assign(kind=kind, wrong=wrong, rival=rival)
    return table.assign(confidence=certain.groupby(cells.track).cumprod())[list(TRACK_CONFIDENCE.columns)]


def confidence_until(table: pd.DataFrame, tracks: pd.DataFrame, column: str) -> pd.Series:
    """The confidence of each row of ``tracks`` (recording, track_id) up to the frame in ``column``; NaN where the table lacks it.

    ``table`` are tables ``track_confidence`` below one another. Frames without the cell have the value of the last one with it.
    """
    keys = ["recording", "track_id"]
    wanted = tracks[[*keys, column]].rename(columns={column: "frame"}).reset_index(drop=True)
    wanted = wanted.assign(place=np.arange(len(wanted)), frame=wanted["frame"].astype("int64")).sort_values("frame", kind="stable")
    known = table[[*keys, "frame", "confidence"]].sort_values("frame", kind="stable")
    found = pd.merge_asof(wanted, known, on="frame", by=keys).sort_values("place")["confidence"]
    return pd.Series(found.to_numpy(float), tracks.index, name="confidence")


def doubtful_links(table: pd.DataFrame, n: int) -> Sequence[str]:
    """The ``n`` most doubtful steps within tracks in words, then as many links to mothers, for a person who corrects tracks."""
    known = table[table["wrong"].notna()].assign(later=table["kind"] == DIVISION)
    worst = known.sort_values(["later", "wrong"], ascending=[True, False], kind="stable").groupby("later").head(n)
    return [
        (
            f"the link of track {row.track_id} to its mother (into frame {row.frame})"
            if row.later
            else f"track {row.track_id} into frame {row.frame}"
        )
        + f": wrong with probability {row.wrong:.2f}"
        + ("" if pd.isna(row.rival) else f", perhaps {'a daughter' if row.later else 'the cell'} of track {row.rival}")
        for row in worst.itertuples()
    ]
