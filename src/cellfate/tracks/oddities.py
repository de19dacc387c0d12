"""What is odd about tracks as a whole: relatives that share cells or time, units and counts that look like others, too much left out."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.tracks.raw import LeftOut, RecordingFacts

MOST_LEFT_OUT = 0.05  # of the positions, and of the tracks; one track always
MOST_GAPS = 0.5  # of the frames between the first and last of a track
FEWEST_TRACKS = 5  # by which positions in micrometres, or of other images, can be suspected
CROWDED = 3  # other cells in the median crop, above which a network cannot tell which one is meant
EARLY_END = 0.6  # of the frames of a recording, in which all tracks lie where they may belong to other images
MOST_FRAMES = 20  # of a recording, evenly spread, whose cells are counted
MOST_CELLS = 500  # of a frame, around which the others are counted


def spelled_lineages(labels: pd.Series, path: Path) -> list[str]:
    """A warning for each name of a lineage that is written in two ways: its cells count as strangers."""
    alike: dict[str, list[str]] = {}
    for label in dict.fromkeys(labels.dropna().astype(str)):
        alike.setdefault(label.casefold(), []).append(label)
    return [
        f"{path}: the lineages {', '.join(map(repr, names[:-1]))} and {names[-1]!r} differ in capital letters alone: one lineage? "
        "Here they are two, so relatives can be in training and test"
        for names in alike.values()
        if len(names) > 1
    ]


def refuse_many(rows: pd.DataFrame, left_out: Sequence[LeftOut], path: Path) -> None:
    """Raise an InputError when more than 5 % of the positions were left out, or more than one track and 5 % of them lost something."""
    if not left_out:
        return
    lost = sum(one.what == "position" for one in left_out)
    tracks = len(set(rows["track_id"].astype(str)) | {one.track for one in left_out if one.track is not None})
    hurt = len({one.track for one in left_out if one.track is not None}) + sum(one.track is None for one in left_out)
    if lost > MOST_LEFT_OUT * (lost + len(rows)):
        share = f"{lost} of {lost + len(rows)} positions"
    elif hurt > max(1, MOST_LEFT_OUT * tracks):
        share = f"{hurt} of {tracks} tracks"
    else:
        return
    first = left_out[0]
    raise InputError(
        f"{path}: {first.where}: {first.reason} ({share} have such entries, more than the {MOST_LEFT_OUT:.0%} that are set aside)"
    )


def late_mothers(rows: pd.DataFrame, parents: dict[int, object]) -> list[LeftOut]:
    """Mothers that do not begin before their daughter: they cannot be."""
    first = rows.groupby("track_id")["frame"].min().to_dict()
    late = {track: mother for track, mother in parents.items() if mother is not pd.NA and mother in first and first[mother] >= first[track]}
    where = rows[rows["track_id"].isin(late)].drop_duplicates("track_id").set_index("track_id")["where"] if late else {}
    reason = "track {} begins in frame {}, its mother {} not before it (frame {})"
    return [
        LeftOut("mother", where[track], str(track), first[track], reason.format(track, first[track], mother, first[mother]))
        for track, mother in late.items()
    ]


def lineage_notes(rows: pd.DataFrame, outcomes: pd.DataFrame) -> dict[int, str]:
    """{track: what it shares with others}: a mother that goes on beside her daughters, a first position that is the mother's, one

    position in two tracks. ``rows`` are sorted by track and frame, ``outcomes`` has one row per track.
    """
    shared = _shared_positions(rows)
    first, last = (dict(zip(outcomes["track_id"], outcomes[key], strict=True)) for key in ("first_frame", "last_frame"))
    notes: dict[int, list[str]] = {}
    beside: dict[int, list[int]] = {}
    for track, mother in outcomes[["track_id", "parent_id"]].itertuples(index=False, name=None):
        if pd.isna(mother) or mother not in last or last[mother] < first[track]:
            continue
        common = shared.pop((min(mother, track), max(mother, track)), [])
        if first[track] in common:
            notes.setdefault(track, []).append(f"begins with a position of its mother {mother} (frame {first[track]})")
        if last[mother] > first[track] or not common:
            beside.setdefault(mother, []).append(track)
    for mother, daughters in beside.items():
        begin = min(first[one] for one in daughters)
        text = f"goes on to frame {last[mother]} beside its daughter{'s' * (len(daughters) > 1)} {', '.join(map(str, daughters))}"
        notes.setdefault(mother, []).append(f"{text} (from frame {begin})")
    for (one, other), frames in shared.items():
        times = f"frame {frames[0]}" if len(frames) == 1 else f"{len(frames)} frames from {frames[0]} on"
        notes.setdefault(other, []).append(f"has the same position as track {one} in {times}: one cell in two tracks?")
    return {track: "; ".join(texts) for track, texts in notes.items()}


def _shared_positions(rows: pd.DataFrame) -> dict[tuple[int, int], list[int]]:
    """{(track, later track): frames} where both have the very same position; of several tracks each is held against the first."""
    same = rows[rows.duplicated(["frame", "y", "x"], keep=False)]
    found: dict[tuple[int, int], list[int]] = {}
    for (frame, _, _), tracks in same.groupby(["frame", "y", "x"])["track_id"]:
        one, *others = sorted(tracks.tolist())
        for other in others:
            found.setdefault((one, other), []).append(int(frame))
    return found


def first_frame_warning(rows: pd.DataFrame, path: Path) -> str | None:
    """A line where the first frame is 1, as in files that count frames from 1."""
    if rows["frame"].min() != 1:
        return None
    return f"{path}: no track is in frame 0, the first is in frame 1: are its frames counted from 1? Here they count from 0"


def early_end_warning(rows: pd.DataFrame, path: Path, facts: RecordingFacts) -> str | None:
    """A line where all tracks end in the first 60 % of the frames, as where channels were taken for time points."""
    last = int(rows["frame"].max())
    if last + 1 >= EARLY_END * facts.n_frames or rows["track_id"].nunique() < FEWEST_TRACKS:
        return None
    return (
        f"{path}: no track goes beyond frame {last} of {facts.n_frames} (recording {facts.name}): do tracks and images belong together? "
        "Are channels taken for time points? Tracks that end before the last frame are censored"
    )


def step_warning(rows: pd.DataFrame, path: Path) -> str | None:
    """A line where no track is in two consecutive frames, or where most frames within tracks are without their cell."""
    spans = rows.groupby("track_id")["frame"].agg(["min", "max", "nunique"])
    spanned, there = int((spans["max"] - spans["min"] + 1).sum()), int(spans["nunique"].sum())
    several = spans[spans["nunique"] > 1]
    if several.empty:
        return None
    in_order = rows.sort_values(["track_id", "frame"]).groupby("track_id")["frame"]
    if in_order.diff().min() > 1:
        first = in_order.get_group(several.index[0]).unique()[:3]
        shown = ", ".join(map(str, first))
        question = "are frames counted in another unit of time, or were images left out? Hours, crops and gaps follow these numbers"
        return f"{path}: no track is in two consecutive frames (track {several.index[0]}: {shown} ...): {question}"
    missing = 1 - there / spanned
    if missing > MOST_GAPS:
        return f"{path}: cells are missing in {missing:.0%} of the frames between the first and last of their tracks: are the frames right?"
    return None


def unit_warning(rows: pd.DataFrame, path: Path, facts: RecordingFacts) -> str | None:
    """A line where all positions lie within the part of the image that it would cover if they were micrometres."""
    size = facts.pixel_size_um
    if size is None or not 0 < size < 0.9 or rows["track_id"].nunique() < FEWEST_TRACKS:
        return None
    height, width = facts.frame_shape
    if rows["y"].max() > height * size or rows["x"].max() > width * size:
        return None
    return (
        f"{path}: all positions are within the first {size:.0%} of the image in both directions: are they micrometres (pixel_size_um "
        f"is {size:g})? They are read as pixels"
    )


def outside_hint(rows: pd.DataFrame, facts: RecordingFacts) -> str:
    """The likely cause where positions lie outside the image, as the end of a sentence; nothing where none is likely."""
    y, x = rows["y"].to_numpy(float), rows["x"].to_numpy(float)
    outside = ~_inside(y, x, facts)
    if not outside.any():
        return ""
    known = np.isfinite(y) & np.isfinite(x)
    count = f" ({outside.sum()} of {len(rows)} positions are outside)" if outside.mean() > 0.5 else ""
    if _inside(x[known], y[known], facts).all():
        return f"{count}; all would be inside with x and y exchanged"
    size = facts.pixel_size_um
    if count and size and _inside(y[known] / size, x[known] / size, facts).all():
        return f"{count}; all would be inside if they were micrometres (pixel_size_um is {size:g})"
    return f"{count}; are they in another unit than pixels, such as micrometres or nanometres?" if count else ""


def _inside(y: np.ndarray, x: np.ndarray, facts: RecordingFacts) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return (y >= 0) & (y <= facts.frame_shape[0]) & (x >= 0) & (x <= facts.frame_shape[1])


def median_spacing(tracks: pd.DataFrame) -> float | None:
    """The median distance (pixels) of a cell's centre to the nearest other one in its frame; None where no frame has two.

    ``tracks`` has the columns frame, y, x, and recording where there are several.
    """
    from scipy.spatial import cKDTree  # start-up that the steps of a run are spared, which read this module too

    found = [cKDTree(points).query(points, k=2)[0][:, 1] for points in _positions(tracks) if len(points) > 1]
    return float(np.median(np.concatenate(found))) if found else None


def crowding_warning(tracks: pd.DataFrame, size: int) -> str | None:
    """A line where crops of ``size`` pixels hold more than CROWDED centres of other cells in the median; ``tracks`` as above."""
    inside = np.nextafter(size / 2, 0)  # the square is open at its edge
    found = [(np.abs(_spread(points, MOST_CELLS)[:, None] - points) <= inside).all(axis=2).sum(axis=1) - 1 for points in _positions(tracks)]
    others = float(np.median(np.concatenate(found))) if found else 0.0
    if others <= CROWDED:
        return None
    return f"crops of {size} px hold {others:g} other cells in the median (crops.size): the network cannot tell which one is meant"


def _positions(tracks: pd.DataFrame) -> Iterator[np.ndarray]:
    """The positions (N, 2) of the cells of each frame, of at most MOST_FRAMES frames of each recording."""
    recordings = tracks.groupby("recording") if "recording" in tracks else [(None, tracks)]
    for _, rows in recordings:
        chosen = _spread(np.unique(rows["frame"]), MOST_FRAMES)
        for _, cells in rows[rows["frame"].isin(chosen)].groupby("frame"):
            yield cells[["y", "x"]].to_numpy(float)


def _spread(rows: np.ndarray, most: int) -> np.ndarray:
    """At most so many of the rows, evenly spread."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(int)]
