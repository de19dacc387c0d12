"""A first recordings sheet and settings for a folder of recordings: what the files say, filled in; what they do not, left empty."""

import contextlib
import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cellfate.base.causes import in_words
from cellfate.base.errors import InputError
from cellfate.base.files import replacing
from cellfate.recordings.discovery.folder import FoundRecording, Survey
from cellfate.recordings.discovery.metadata import take_trackmate
from cellfate.recordings.discovery.tracks import Assignment, FoundTracks, assign, rename_after_videos
from cellfate.recordings.tables import RECORDINGS
from cellfate.tracks.fates import fates_beside
from cellfate.tracks.oddities import median_spacing
from cellfate.tracks.outcomes import read_tracks
from cellfate.tracks.raw import RecordingFacts
from cellfate.tracks.readers.coco_video import DEATH, DIVISION
from cellfate.tracks.tables import CENSORED, NO_EVENT

SHEET, SETTINGS = "recordings.tsv", "my_config.yaml"
SMALLEST_CROP, LARGEST_CROP = 16, 112  # pixels, of those that are proposed; the largest is the published network's input
ENOUGH_RECORDINGS = 3  # for training, validation and test to have one each


@dataclass
class Draft:
    """What the survey found, which tracks belong to which recording, and the outcomes in them."""

    survey: Survey
    assignment: Assignment
    counts: dict[str, Counter] = field(default_factory=dict)  # tracks by outcome, for each recording whose tracks could be read
    fates: Counter = field(default_factory=Counter)  # outcomes in the tables beside tracks that could not be read yet
    problems: list[str] = field(default_factory=list)  # of tracks that could not
    spacings: list[float] = field(default_factory=list)  # pixels to the nearest other cell, the median of each recording

    @property
    def crop_size(self) -> int | None:
        """A side (pixels) for crops that hold one cell and little of others: twice the distance to the nearest; None if it is unknown."""
        if not self.spacings:
            return None
        return int(np.clip(8 * round(2 * float(np.median(self.spacings)) / 8), SMALLEST_CROP, LARGEST_CROP))

    @property
    def events(self) -> Counter:
        """Outcomes that are events, with the number of their tracks."""
        total = sum(self.counts.values(), self.fates)
        return Counter({name: number for name, number in total.items() if name not in (NO_EVENT, CENSORED)})

    @property
    def channels(self) -> list[str]:
        """The channels of the first recording."""
        return self.survey.recordings[0].channels


def draft_project(survey: Survey) -> Draft:
    """Find the tracks of each recording and read them."""
    draft = Draft(survey, assign(survey.tracks, survey.recordings))
    rename_after_videos(draft.assignment, survey.recordings)
    for recording in survey.recordings:
        if recording.name in draft.assignment.found:
            _read(recording, draft)
    return draft


def _read(recording: FoundRecording, draft: Draft) -> None:
    """Count the tracks of a recording by the outcome that their file gives, however late after a track's end the event is."""
    tracks, _ = draft.assignment.found[recording.name]
    if tracks.path.suffix.lower() == ".xml":
        take_trackmate(tracks.path, recording.metadata)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            positions, outcomes = read_tracks(tracks.path, tracks.tracks_format, _facts(recording), event_gap=recording.n_frames)
    except Exception as error:  # one damaged file must not hide all others
        draft.problems.append(in_words(error, tracks.path))
        draft.fates += _fates_beside(tracks, recording)
        return
    draft.counts[recording.name] = Counter(outcomes["outcome"])
    spacing = median_spacing(positions)
    draft.spacings += [] if spacing is None else [spacing]


def _facts(recording: FoundRecording) -> RecordingFacts:
    known = recording.metadata
    return RecordingFacts(recording.name, recording.n_frames, recording.shape, known.pixel_size_um, known.frame_interval_min)


def _fates_beside(tracks: FoundTracks, recording: FoundRecording) -> Counter:
    """Rows by outcome of the table beside tracks that cannot be read themselves; empty without such a table."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            fates, _ = fates_beside(tracks.path, _facts(recording), {})
    except InputError:  # the check tells it
        return Counter()
    return Counter() if fates is None else Counter(fates["outcome"].dropna())


def write_project(draft: Draft, output: str | Path, force: bool) -> tuple[Path, Path]:
    """Write the sheet and the settings into ``output``; returns their paths.

    Raises InputError when there is no recording, and, unless ``force``, when one of the files is there already.
    """
    sheet, settings = Path(output) / SHEET, Path(output) / SETTINGS
    if not draft.survey.recordings:
        raise InputError(f"{draft.survey.folder}: no recording found, so nothing was written")
    refuse_existing(output, force)
    with replacing(sheet) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(RECORDINGS.columns), delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(sheet_rows(draft))
    with replacing(settings) as temporary:
        temporary.write_text(settings_text(draft, sheet), encoding="utf-8")
    return sheet, settings


def refuse_existing(output: str | Path, force: bool) -> None:
    """Raise an InputError that names the files that are there already, unless ``force``."""
    there = [str(path) for path in (Path(output) / SHEET, Path(output) / SETTINGS) if path.exists()]
    if there and not force:
        raise InputError(f"{' and '.join(there)}: there already, not overwritten; --force replaces, --output names another folder")


def sheet_rows(draft: Draft) -> list[dict[str, object]]:
    """The rows of the sheet; '' is what is not known."""
    rows = []
    for one in draft.survey.recordings:
        tracks, _ = draft.assignment.found.get(one.name, (None, ""))
        rows.append(
            {
                "recording": one.name,
                "images": one.images,
                "tracks": "" if tracks is None else str(tracks.path),
                "tracks_format": "" if tracks is None else tracks.tracks_format,
                "frame_interval_min": _plain(one.metadata.frame_interval_min),
                "pixel_size_um": _plain(one.metadata.pixel_size_um),
                "channels": ",".join(one.channels),
                "channel_labels": ",".join(one.labels or []),
            }
        )
    return rows


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def settings_text(draft: Draft, sheet: Path) -> str:
    """The settings that differ from config.yaml, with a comment on each that is not known."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", draft.survey.folder.resolve().name).strip("_.-") or "mine"
    lines = [
        f"# Settings for {draft.survey.folder}: only what differs from config.yaml. Written by cellfate init; please read through.",
        f"# Paths count from the folder where cellfate init was run; run there: snakemake --configfile {sheet.parent / SETTINGS} --cores 8",
        "",
        f"dataset: {_quoted(name)}",
        f"recordings: {_quoted(str(sheet))}",
        "source: {kind: local}",
        "",
        *_outcome_lines(draft.events),
        "",
        *_split_lines(len(draft.survey.recordings)),
        "",
        *_segmentation_lines(draft),
        "",
        *_crop_lines(draft.crop_size),
        "",
        "evaluation:",
        "  treatment: null               # all recordings: the sheet names no treatment yet. Fill in its columns treatment, dose and",
        "                                # treatment_start_h, then you may name the one whose recordings the figures use",
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z_./][A-Za-z0-9_./-]*", text) else "'" + text.replace("'", "''") + "'"


def _found(events: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({number} tracks)" for name, number in sorted(events.items()))


def _outcome_lines(events: Mapping[str, int]) -> list[str]:
    if len(events) == 2:
        first, second = (DEATH, DIVISION) if set(events) == {DEATH, DIVISION} else sorted(events)
        pair = f"outcomes: {{negative: {_quoted(first)}, positive: {_quoted(second)}}}"
        return [f"# found: {_found(events)}. Probabilities are those of the positive one; exchange them if you like", pair]
    if events:
        return [
            f"# Which two outcomes are compared? Found: {_found(events)}. Choose two, without the # in front:",
            "# outcomes: {negative: ..., positive: ...}",
        ]
    return [
        "# No outcomes were found. They stand in <tracks>_outcomes.csv beside the tracks (track_id,outcome,event_frame). Name two:",
        "# outcomes: {negative: ..., positive: ...}",
    ]


def _split_lines(n_recordings: int) -> list[str]:
    if n_recordings >= ENOUGH_RECORDINGS:
        why = f"{n_recordings} recordings: none is in training and in test. Where some belong together, such as the wells of"
        more = "                                # one day, write the day into the column group of the sheet, and here: group"
        return ["split:", f"  unit: recording               # {why}", more]
    number = f"{n_recordings} recording{'s' * (n_recordings != 1)}"
    return [
        "split:",
        f"  unit: lineage                 # {number}: three are needed to keep recordings apart, so relatives are kept together instead;",
        "                                # the result then says nothing about how well other recordings are predicted",
    ]


def _segmentation_lines(draft: Draft) -> list[str]:
    channels = draft.channels
    size = "  # diameter: 40                # the cells' width in pixels, not known: measure some, and take the # away"
    if len(channels) == 1:
        return ["segmentation:", f"  channel: {channels[0]:<22}# the only one", size]
    return [
        "# Which channel shows each cell best (its nucleus or body)? Choose one, and take the # in front of the three lines away:",
        "# segmentation:",
        f"#   channel: ...                # one of {', '.join(channels)}",
        "#   diameter: 40                # the cells' width in pixels",
    ]


def _crop_lines(size: int | None) -> list[str]:
    """How large crops are: a proposal from the tracks, or lines to fill in."""
    why = "# The side of the square around each cell, in pixels: it should hold one cell with some surroundings, not its neighbours."
    if size is None:
        more = "# No tracks tell how far apart the cells are: about twice a cell's width serves, a multiple of 8. The default is 112:"
        return [why, more, "# crops: {size: ...}", "# model: {input_size: ...}        # at most crops.size"]
    more = (
        "# Proposed from the tracks: about twice the distance to the nearest other cell, at most 112. Look at some crops, and change both:"
    )
    return [why, more, f"crops: {{size: {size}}}", f"model: {{input_size: {size}}}         # at most crops.size"]


def unknown_cells(recordings: Sequence[FoundRecording]) -> dict[str, list[str]]:
    """{column of the sheet: recordings where it is empty}, of frame_interval_min and pixel_size_um."""
    empty: dict[str, list[str]] = {}
    for one in recordings:
        for column in ("frame_interval_min", "pixel_size_um"):
            if getattr(one.metadata, column) is None:
                empty.setdefault(column, []).append(one.name)
    return empty
