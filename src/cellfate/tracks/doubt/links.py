"""The links of tracks with what speaks for and against each: its cost, and the cost of the best exchange with other cells.

Every length is divided by the recording's own typical step, every intensity by the recording's own typical change, so that neither pixel
size nor frame interval nor camera matters.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

START, STEP, DIVISION = "start", "step", "division"
NEAREST = 5  # cells of the later frame that are looked at as alternatives
ENDED_FRAMES = 3  # a track that ended so many frames before at most may have gone on instead
FEWEST_MOVES = 5  # links of a frame, from which on their median is the motion of the whole field
RAYLEIGH_MEDIAN = 1.1774  # median length of a step in two dimensions / standard deviation of each
NORMAL_MAD = 1.4826  # standard deviation of a normal distribution / its median absolute deviation
FARTHEST = np.log1p(200.0)  # of a margin: links without an alternative, and those whose alternatives are as far
LARGEST_COST = 15.0  # of a step; longer ones are as doubtful
LOOK_FARTHEST = 2.0  # of a margin of intensities: they alone make no link sure
SPARSEST = -np.log(100.0)  # crowding where no other cell is near
FEATURES = ("step", "margin", "crowding", "gap", "division", "change", "look_margin")


@dataclass(frozen=True)
class Cells:
    """Positions of tracks in arrays (N,), in the order of track and frame; ``before`` is the row of the cell before, or -1.

    ``places`` (N, 2) are in units of the typical step, the motion of the whole field taken off. ``looks`` (N, C) are intensities in units
    of their typical change, NaN where unknown. ``spacing`` is the median distance to the nearest other cell, in steps; NaN: none.
    """

    table: pd.DataFrame
    frame: np.ndarray
    track: np.ndarray
    places: np.ndarray
    before: np.ndarray
    is_last: np.ndarray
    looks: np.ndarray
    spacing: float

    def cost(self, early: np.ndarray, late: np.ndarray) -> np.ndarray:
        """Minus the log-likelihood of the way from one cell to another, as a random walk of the recording's typical step."""
        gap = np.maximum(self.frame[late] - self.frame[early], 1)
        return ((self.places[late] - self.places[early]) ** 2).sum(axis=-1) / (2 * gap)

    def change(self, early: np.ndarray, late: np.ndarray) -> np.ndarray:
        """The same of the change in intensity, the mean over channels; 0 where it is unknown."""
        squares = (self.looks[late] - self.looks[early]) ** 2 / 2
        known = np.isfinite(squares)
        return np.where(known, squares, 0).sum(axis=-1) / np.maximum(known.sum(axis=-1), 1)


def read_cells(tracks: pd.DataFrame, intensities: np.ndarray | None = None) -> Cells:
    """The cells of the table ``tracks``, with their ``intensities`` (N, C) in its order, in any unit; None: unknown.

    Where all cells are in each k-th frame alone (0, 2, 4 ...), these are taken for consecutive ones.
    """
    order = np.lexsort((tracks["frame"], tracks["track_id"]))
    table = tracks.iloc[order].reset_index(drop=True)
    frame, track = table["frame"].to_numpy(int), table["track_id"].to_numpy(int)
    frame = frame // frames_apart(frame)  # a new array: the other is the table's own
    before = _before(table, frame, track)
    is_last = np.ones(len(table), bool)
    is_last[before[before >= 0]] = False
    places = table[["y", "x"]].to_numpy(float)
    places = places - _field_motion(places, frame, track, before)
    places = places / _typical_step(places, frame, track, before)
    looks = np.full((len(table), 1), np.nan) if intensities is None else np.asarray(intensities, float)[order]
    return Cells(table, frame, track, places, before, is_last, _in_changes(looks, track, before), _spacing(places, frame))


def _before(table: pd.DataFrame, frame: np.ndarray, track: np.ndarray) -> np.ndarray:
    """The row before each in its track; of a track's first row the mother's last one before it; -1: none."""
    rows = np.arange(len(table))
    first = np.r_[True, track[1:] != track[:-1]] if len(table) else np.zeros(0, bool)
    before = np.where(first, -1, rows - 1)
    spans = pd.Series(rows, track).groupby(level=0).agg(["min", "max"])
    mothers = table["parent_id"].to_numpy()
    for row in np.flatnonzero(first & table["parent_id"].notna().to_numpy()):
        if (mother := int(mothers[row])) in spans.index:
            low, high = spans.loc[mother]
            place = low + int(np.searchsorted(frame[low : high + 1], frame[row])) - 1
            before[row] = place if place >= low else -1
    return before


def frames_apart(frames: np.ndarray) -> int:
    """The largest k for which all ``frames`` are k, or a multiple of it, apart; 1 with fewer than two frames."""
    return max(1, int(np.gcd.reduce(np.diff(np.unique(frames)), initial=0)))


def _steps(frame: np.ndarray, track: np.ndarray, before: np.ndarray) -> np.ndarray:
    """The rows that a track reaches from the frame before."""
    return np.flatnonzero((before >= 0) & (track == track[before]) & (frame - frame[before] == 1))


def _field_motion(places: np.ndarray, frame: np.ndarray, track: np.ndarray, before: np.ndarray) -> np.ndarray:
    """How far (N, 2) the field has moved until each row's frame: the median of the steps into each frame, added up."""
    if not len(frame):
        return np.zeros_like(places)
    rows = _steps(frame, track, before)
    moves = pd.DataFrame(places[rows] - places[before[rows]]).groupby(frame[rows])
    medians = moves.median()[moves.size() >= FEWEST_MOVES]
    return medians.reindex(np.arange(frame.max() + 1), fill_value=0.0).cumsum().to_numpy()[frame]


def _typical_step(places: np.ndarray, frame: np.ndarray, track: np.ndarray, before: np.ndarray) -> float:
    """The standard deviation of a step along one axis, from the median step; of cells that hardly move, from the mean; never 0.

    Where no cell is in two consecutive frames, it is taken from all links, as a random walk.
    """
    rows = _steps(frame, track, before)
    rows = rows if len(rows) else np.flatnonzero((before >= 0) & (track == track[before]))
    lengths = np.linalg.norm(places[rows] - places[before[rows]], axis=1) / np.sqrt(frame[rows] - frame[before[rows]])
    for typical in (np.median(lengths), lengths.mean()) if len(lengths) else ():
        if typical > 0:
            return float(typical / RAYLEIGH_MEDIAN)
    return 1.0


def _spacing(places: np.ndarray, frame: np.ndarray) -> float:
    nearest = [
        KDTree(places[rows]).query(places[rows], k=2)[0][:, 1] for rows in pd.Series(frame).groupby(frame).indices.values() if len(rows) > 1
    ]
    return float(np.median(np.concatenate(nearest))) if nearest else np.nan


def _in_changes(looks: np.ndarray, track: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Intensities in units of the typical change from a cell to the next of its track, channel by channel; NaN without any change."""
    rows = np.flatnonzero((before >= 0) & (track == track[before]))
    changes = pd.DataFrame(np.abs(looks[rows] - looks[before[rows]]))
    typical = NORMAL_MAD * changes.median().to_numpy(float)
    return looks / np.where(typical > 0, typical, np.nan)


def measure_links(cells: Cells) -> pd.DataFrame:
    """One row per row of ``cells.table`` that has one before it: ``row``, ``rival`` (a track, or NA), FEATURES and ``breaks``.

    ``step``: its cost, at most LARGEST_COST. ``margin``: how much more the best alternative costs, in which another track goes on as
    this one, or both as one another; signed log(1 + difference). ``crowding``: log of typical step / spacing, the same for all links.
    ``gap``: log of the frames it bridges. ``change``: log(1 + cost of the change in intensity), ``look_margin``: as margin, of
    intensities, for the same alternative. ``rival``: the track of it. ``breaks``: how often a cell is missed, or a track begins after
    the first frame without a mother, / cells; the same for all links.
    """
    links = pd.DataFrame({"row": np.flatnonzero(cells.before >= 0)})
    late = links["row"].to_numpy(int)
    early = cells.before[late]
    best = _alternatives(cells, late)
    cost = cells.cost(early, late)
    gap = cells.frame[late] - cells.frame[early]
    crowding = max(-np.log(cells.spacing), SPARSEST) if cells.spacing > 0 else SPARSEST
    return links.assign(
        rival=pd.array(np.where(best.rival >= 0, cells.track[best.rival], -1), dtype="Int64"),
        step=np.minimum(cost, LARGEST_COST),
        margin=np.where(best.rival >= 0, _signed_log(best.margin), FARTHEST),
        crowding=crowding,
        gap=np.log(gap),
        division=(cells.track[early] != cells.track[late]).astype(float),
        change=np.log1p(cells.change(early, late)),
        look_margin=np.where(best.rival >= 0, np.clip(_signed_log(best.look_margin), -LOOK_FARTHEST, LOOK_FARTHEST), 0.0),
        breaks=_breaks(cells),
    ).replace({"rival": {-1: pd.NA}})


def _breaks(cells: Cells) -> float:
    """Frames that tracks bridge and tracks that begin late without a mother, / cells and bridged frames."""
    if not len(cells.frame):
        return 0.0
    fresh = (cells.before < 0) & (cells.frame > cells.frame.min())
    rows = np.flatnonzero((cells.before >= 0) & (cells.track == cells.track[cells.before]))
    bridged = (cells.frame[rows] - cells.frame[cells.before[rows]] - 1).sum()
    return float((fresh.sum() + bridged) / (len(cells.frame) + bridged))


def _signed_log(values: np.ndarray) -> np.ndarray:
    return np.clip(np.sign(values) * np.log1p(np.abs(values)), -FARTHEST, FARTHEST)


@dataclass
class _Best:
    """The best alternative of each link (L,): how much more it costs, the row of the cell that it brings in, and its intensities' cost."""

    margin: np.ndarray
    look_margin: np.ndarray
    rival: np.ndarray

    def offer(self, links: np.ndarray, margin: np.ndarray, look_margin: np.ndarray, rival: np.ndarray) -> None:
        """Take an alternative of each of ``links`` where it is better than what was found before."""
        better = margin < self.margin[links]
        at = links[better]
        self.margin[at], self.look_margin[at], self.rival[at] = margin[better], look_margin[better], rival[better]


def _alternatives(cells: Cells, late: np.ndarray) -> _Best:
    best = _Best(np.full(len(late), np.inf), np.zeros(len(late)), np.full(len(late), -1))
    ended = pd.Series(np.flatnonzero(cells.is_last)).groupby(cells.frame[cells.is_last]).indices
    ended = {frame: np.flatnonzero(cells.is_last)[rows] for frame, rows in ended.items()}
    by_frame = pd.Series(cells.frame).groupby(cells.frame).indices
    for frame, links in pd.Series(cells.frame[late]).groupby(cells.frame[late]).indices.items():
        _offer_exchanges(cells, best, links, late[links], by_frame[frame])
        for earlier in range(frame - ENDED_FRAMES, frame):
            _offer_others(cells, best, links, late[links], ended.get(earlier, np.zeros(0, int)))
        born = links[cells.track[late[links]] != cells.track[cells.before[late[links]]]]
        for link in born:
            mothers = by_frame[cells.frame[cells.before[late[link]]]]
            far = np.linalg.norm(cells.places[mothers] - cells.places[late[link]], axis=1)
            _offer_others(cells, best, np.array([link]), late[[link]], mothers[np.argsort(far)[:NEAREST]])
    return best


def _offer_exchanges(cells: Cells, best: _Best, links: np.ndarray, late: np.ndarray, there: np.ndarray) -> None:
    """The cell goes on as another one of the same frame, whose own track, where it has one, goes on as this."""
    early = cells.before[late]
    n = min(NEAREST, len(there))
    near = there[KDTree(cells.places[there]).query(cells.places[early], k=[*range(1, n + 1)])[1]]
    for other in near.T:
        partner = cells.before[other]
        has = partner >= 0
        valid = (other != late) & (partner != early) & (~has | (cells.frame[partner] < cells.frame[late]))
        margins = []
        for cost in (cells.cost, cells.change):
            exchanged = cost(early, other) - cost(early, late)
            margins.append(exchanged + np.where(has, cost(partner, late) - cost(partner, other), 0))
        best.offer(links[valid], margins[0][valid], margins[1][valid], other[valid])


def _offer_others(cells: Cells, best: _Best, links: np.ndarray, late: np.ndarray, others: np.ndarray) -> None:
    """Another cell, which does not go on elsewhere, goes on as this one."""
    if not len(others):
        return
    early = cells.before[late]
    for other in others:
        valid = (early != other) & (cells.track[late] != cells.track[other])
        rows = np.full(len(late), other)
        margins = [cost(rows, late) - cost(early, late) for cost in (cells.cost, cells.change)]
        best.offer(links[valid], margins[0][valid], margins[1][valid], rows[valid])
