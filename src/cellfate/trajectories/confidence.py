"""How likely each trajectory is one cell, and which are left out because they may not be."""

import sys

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.tracks.doubt.confidence import confidence_until

DOUBTFUL = "confidence below tracks.min_confidence"  # the reason, word for word, of what is left out so


def with_confidence(trajectories: pd.DataFrame, table: pd.DataFrame, *, min_confidence: float | None) -> pd.DataFrame:
    """The trajectories with the column ``confidence``: the probability that the track is one cell up to its last frame that is kept.

    ``table`` are tables ``track_confidence`` of all recordings. Trajectories below ``min_confidence`` (None: none is) become unusable for
    the reason DOUBTFUL, also those without a fate, which would otherwise be learned from; what was left out for another reason keeps it.
    Raises InputError when a class has no usable trajectory left.
    """
    found = trajectories.assign(confidence=confidence_until(table, trajectories, "last_frame"))
    if min_confidence is None:
        return found
    open_ended = found["label"].isna()
    doubtful = (found["confidence"] < min_confidence) & (found["usable"] | open_ended)
    found["reason"] = found["reason"].mask(doubtful, DOUBTFUL)
    found["usable"] &= ~doubtful
    fated = doubtful & ~open_ended
    said = f"{int(fated.sum())} of {int(trajectories['usable'].sum())} trajectories with a fate and {int((doubtful & open_ended).sum())}"
    print(f"tracks.min_confidence {min_confidence:g}: {said} without one are left out as doubtful", file=sys.stderr, flush=True)
    left = np.unique(found.loc[found["usable"], "label"].astype(int))
    if len(left) < 2:
        best = found[fated].groupby("outcome")["confidence"].max()
        raise InputError(
            f"tracks.min_confidence is {min_confidence:g}: of the trajectories above it not both outcomes are left; the highest confidence "
            f"of those left out is {', '.join(f'{name} {value:.2g}' for name, value in best.items())}"
        )
    return found
