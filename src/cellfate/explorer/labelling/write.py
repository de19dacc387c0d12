"""The label page of a data set, from its tracks and crops alone."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.software import SOFTWARE
from cellfate.crops.crop_file import CropFile
from cellfate.explorer.data import Facts, limits_of, pack
from cellfate.explorer.labelling.order import in_order
from cellfate.explorer.page import LABEL_PAGE, write_page
from cellfate.explorer.said import CELL, nothing_said
from cellfate.explorer.strips import ImageSettings
from cellfate.explorer.write import PageSettings
from cellfate.tracks.labels.digest import track_digests
from cellfate.tracks.labels.rows import EVENTLESS
from cellfate.tracks.tables import CENSORED, NO_EVENT

ALL = "all"
HIDDEN = "not shown"  # in place of what could sway who labels: treatments, outcomes


@dataclass(frozen=True)
class LabelSettings:
    """Which tracks (``without_outcome``, ``all``), and in which order (see ``order``)."""

    tracks: str
    order: str


def write_label_page(
    path: str | Path,
    dataset: str,
    tracks: pd.DataFrame,
    outcomes: pd.DataFrame,
    crops: Sequence[str | Path],
    sheet: Mapping[str, Mapping[str, float | None]],
    *,
    words: Sequence[str],
    labels: Sequence[Mapping],
    predictions: Sequence[str | Path],
    label: LabelSettings,
    settings: PageSettings,
) -> None:
    """Write the page.

    ``tracks`` and ``outcomes`` are the tables TRACKS and OUTCOMES of the recordings with given tracks, ``crops`` the files of all their
    tracks' crops; ``sheet`` as of :func:`cellfate.explorer.write.write_explorer`, ``words`` the outcomes
    that can be given, ``labels`` the rows that this run was given (a track that has its outcome from them is among those without one).
    Raises InputError where there is nothing to label, and for an order by predictions that are not there.
    """
    with ExitStack() as opened:
        files = {file.recording: file for file in (opened.enter_context(CropFile(path)) for path in crops)}
        cells, rule = cells_to_label(tracks, outcomes, files, labels, label)
        ordered, order = in_order(cells, label.order, predictions, settings.seed)
        chosen = ordered.head(settings.max_cells).reset_index(drop=True)
        rule.append(order)
        if len(chosen) < len(cells):
            rule.append(f"The first {len(chosen)} are on this page (explorer.max_cells).")
        about = {
            "title": f"Label cells of {dataset}",
            "dataset": dataset,
            "rule": rule,
            "words": list(words),
            "given": [{name: value for name, value in row.items() if name != "file"} for row in labels],
            "software": SOFTWARE,
        }
        facts = {name: Facts(one["frame_interval_min"] / 60, None) for name, one in sheet.items()}
        images = ImageSettings(settings.image_size, settings.quality)
        limits = limits_of(chosen, files)
        said = nothing_said(chosen, outcomes.head(0))  # nobody must be swayed
        packed = pack(said, chosen, files, limits, facts, about, fields=settings.fields, images=images)
    write_page(path, f"Label cells of {dataset}", packed, LABEL_PAGE)


def cells_to_label(
    tracks: pd.DataFrame, outcomes: pd.DataFrame, files: Mapping[str, CropFile], labels: Sequence[Mapping], label: LabelSettings
) -> tuple[pd.DataFrame, list[str]]:
    """The cells of :class:`cellfate.explorer.said.Said` that are to be labelled, and in words which they are and which have no crops.

    Besides: ``data`` (the digest of the track), ``ends`` (whether the recording goes on after it), ``daughters`` (their tracks, in words).
    """
    given = {(row["recording"], row["track_id"]) for row in labels if row["outcome"] not in EVENTLESS}
    by_hand = pd.Series([key in given for key in zip(outcomes["recording"], outcomes["track_id"], strict=True)], index=outcomes.index)
    wanted = outcomes if label.tracks == ALL else outcomes[outcomes["outcome"].isin([CENSORED, NO_EVENT]) | by_hand]
    cut = {(name, int(track)) for name, file in files.items() for track in file.track_ids}
    there = [key in cut for key in zip(wanted["recording"], wanted["track_id"], strict=True)]
    kind = "" if label.tracks == ALL else " without an outcome"
    if not any(there):
        raise InputError(f"there is nothing to label: {len(wanted)} of {len(outcomes)} tracks are{kind or ' there'}, and none has crops")
    words = [f"{sum(there)} tracks{kind}, of {len(outcomes)}."]
    if missing := len(there) - sum(there):
        words.append(f"{missing} more are shorter than crops.min_frames and have no crops.")
    cells = wanted[there].reset_index(drop=True)
    digests = {(name, track): one for name, own in tracks.groupby("recording") for track, one in track_digests(own).items()}
    keys = list(zip(cells["recording"], cells["track_id"], strict=True))
    last = cells["recording"].map({name: file.n_frames - 1 for name, file in files.items()})
    hidden = {"treatment": HIDDEN, "dose": None, "outcome": HIDDEN, "event_frame": pd.NA} | dict.fromkeys(CELL[11:])
    cells = cells.assign(trajectory=[f"{name}/{track}" for name, track in keys], **hidden)
    cells["event_frame"] = cells["event_frame"].astype("Int64")
    return cells[list(CELL)].assign(
        data=[digests[key] for key in keys],
        ends=(cells["last_frame"] < last).to_numpy(),
        daughters=[_daughters(outcomes, *key) for key in keys],
    ), words


def _daughters(outcomes: pd.DataFrame, recording: str, track: int) -> str | None:
    rows = outcomes[(outcomes["recording"] == recording) & outcomes["parent_id"].eq(track).fillna(False)]
    return ", ".join(f"{row.track_id} from frame {row.first_frame}" for row in rows.itertuples()) or None
