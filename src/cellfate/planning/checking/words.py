"""What the words of ``tracks.outcomes_from`` and those of the recordings say of each other, once all recordings are read."""

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches

import pandas as pd

from cellfate.tracks.statements import DISAGREES


def word_doubts(outcomes_from: Mapping, compared: Collection[str], sources: pd.DataFrame) -> Iterator[str]:
    """Words that no recording has, and words for divisions that are not mapped to the outcome of divisions.

    ``sources`` are the tables ``outcome_sources`` of all recordings, ``compared`` the two outcomes.
    """
    said = [*dict.fromkeys(sources["said"].dropna())]
    for word in outcomes_from["words"]:
        if word not in said:
            meant = get_close_matches(str(word), [one for one in said if one not in outcomes_from["words"]], n=1)
            hint = f"; is {meant[0]!r} meant?" if meant else ""
            yield f"tracks.outcomes_from.words names {word!r}, which stands in no table of outcomes and no file of tracks{hint}"
    if outcomes_from["divisions"] is None:
        return
    quarrels = sources[(sources["result"] == DISAGREES) & ~sources["outcome"].isin([*compared, outcomes_from["divisions"]])]
    for word, rows in quarrels.groupby("outcome", sort=False):
        number = len(rows.drop_duplicates(["recording", "track_id"]))
        yield (
            f"tracks.outcomes_from.divisions is {outcomes_from['divisions']!r}, but {number} tracks that divide are {word!r} in "
            f"{rows['source'].iloc[0]}, so they are censored. If that is the same, write words: {{{word}: {outcomes_from['divisions']}}}"
        )
