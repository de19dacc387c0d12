"""What a table with other names of columns may hold: tracks, or outcomes; in words for the person who can rename them."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

LIKE_TRACKS = "looks like tracks"  # begins the reason why such a table is left out
TRACKS = {  # our column: names that may mean it, in small letters without signs
    "track_id": re.compile("(track|cell|object|particle|label|nucleus)?(id|nr|no|number|index|name)?"),
    "frame": re.compile("t|frame(s|no|nr|id|number|index)?|time(point|step|frame|index)?|slice|framei"),
    "y": re.compile("(pos(ition)?|cent(er|re|roid)?|coord(inate)?)?y(pos(ition)?|cent(er|re|roid)|coord|px|pix(el)?|um|micron)?|centroid0"),
    "x": re.compile("(pos(ition)?|cent(er|re|roid)?|coord(inate)?)?x(pos(ition)?|cent(er|re|roid)|coord|px|pix(el)?|um|micron)?|centroid1"),
}
OUTCOMES = {
    "track_id": TRACKS["track_id"],
    "outcome": re.compile("(cell|track|final)?(fate|outcome|event|class|end|ending|result|phenotype)(type|name|label|class)?"),
    "event_frame": re.compile("(event|division|death|end|fate)?(t|frame|time|timepoint|slice)(no|nr|number|index)?"),
}


def other_names(path: Path, names: Sequence[str]) -> str:
    """What is to be done with a table that has no known columns, as the reason why it is left out."""
    has = f"its columns are {', '.join(names[:8])}"
    outcomes, tracks = _meant(OUTCOMES, names), _meant(TRACKS, names)
    if len(tracks) == len(TRACKS):
        return f"{LIKE_TRACKS}, but {has}: rename its header ({_pairs(tracks)})"
    if len(outcomes) == len(OUTCOMES) and not {"y", "x"} & tracks.keys():
        return (
            f"looks like outcomes, but {has}: name it <tracks>_outcomes.csv beside its tracks, and its columns track_id, outcome and "
            f"event_frame, or say in tracks.outcomes_from.columns how they are named ({_pairs(outcomes)}; docs/tracks.md)"
        )
    return f"a table that has not the columns of tracks (track_id, frame, y, x): it has {', '.join(names[:8])}"


def _meant(ours: Mapping[str, re.Pattern], names: Sequence[str]) -> dict[str, str]:
    """{our column: the first name that may mean it}; a name is taken once."""
    found: dict[str, str] = {}
    for column, pattern in ours.items():
        for name in names:
            plain = re.sub("[^a-z0-9]", "", name.lower())
            if plain and name not in found.values() and pattern.fullmatch(plain):
                found[column] = name
                break
    return found


def _pairs(meant: Mapping[str, str]) -> str:
    return ", ".join(f"{ours}: {theirs}" for ours, theirs in meant.items())
