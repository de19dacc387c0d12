"""`cellfate init`: look through a folder of recordings, say what is there, and write a first sheet and settings."""

import argparse
import logging
import sys
from collections import defaultdict
from pathlib import Path

from cellfate.base.errors import InputError
from cellfate.recordings.discovery.draft import SETTINGS, SHEET, Draft, draft_project, refuse_existing, unknown_cells, write_project
from cellfate.recordings.discovery.folder import FoundRecording, survey_folder
from cellfate.recordings.discovery.headers import LIKE_TRACKS
from cellfate.tracks.tables import CENSORED, NO_EVENT

DESCRIPTION = f"""\
Looks through a folder of recordings and writes a first {SHEET} and {SETTINGS}.

FOLDER holds the images of your recordings (a folder of frames each, or TIFF stacks, OME-TIFF, OME-Zarr, ND2, CZI)
and, beside them or in a folder of their own, their tracks (CSV, napari, TrackMate, btrack, GEFF, Cell-ACDC,
celldetective, Cell Tracking Challenge, COCO-video) with tables of outcomes, <tracks>_outcomes.csv. Pixel size, frame interval and names of
channels are taken from the files' own metadata. Nothing is guessed: what the files do not say stays empty, and is
listed. Images are only read.
"""
EPILOG = """\
example:
  cellfate init data/plate1
  cellfate check my_config.yaml

Run it where you will run the workflow: paths in the sheet count from there. No file is overwritten without --force.
"""
MOST_LISTED = 10  # files of one kind that are left out


def add_parser(subparsers) -> None:
    """Add the command to the program's subparsers."""
    parser = subparsers.add_parser(
        "init",
        help="look through a folder of recordings and write a first sheet and settings",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="where the images and tracks are, also in folders below")
    parser.add_argument("--output", metavar="FOLDER", type=Path, default=Path(), help="where the two files are written (default: here)")
    parser.add_argument("--force", action="store_true", help="replace the two files where they are there already")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Look, say what was found, write the two files, and return the exit status."""
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what it says of damaged files comes from our own checks
    try:
        refuse_existing(arguments.output, arguments.force)
        draft = draft_project(survey_folder(arguments.folder))
        print("\n".join(report(draft)))
        sheet, settings = write_project(draft, arguments.output, arguments.force)
    except InputError as error:
        print(f"Input error: {error}", file=sys.stderr)
        return 1
    print("\n".join(["", *next_steps(draft, sheet, settings)]))
    return 0


def report(draft: Draft) -> list[str]:
    """What was found, for a person: recordings that are alike together, then what is not sure and what was left out."""
    recordings, n_tracked = draft.survey.recordings, len(draft.assignment.found)
    lines = [f"Found in {draft.survey.folder}: {_count(len(recordings), 'recording')}, {n_tracked} of them with tracks."]
    alike: dict[tuple, list[FoundRecording]] = defaultdict(list)
    for one in recordings:
        alike[tuple(_facts(one))].append(one)
    for facts, group in alike.items():
        lines += ["", _count(len(group), "recording"), *facts, *_each(group, draft)]
    for title, texts in (
        ("Tracks that cannot be read yet (the sheet names them all the same):", draft.problems),
        ("Tracks that are not in the sheet, as it is not sure where they belong:", draft.assignment.open),
        ("Left out:", _left_out(draft.survey.not_used)),
    ):
        if texts:
            lines += ["", title, *(f"  {text}" for text in texts)]
    return lines


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _facts(recording: FoundRecording) -> list[str]:
    """What recordings may have in common."""
    (height, width), metadata = recording.shape, recording.metadata
    named = "" if recording.named else " (the files do not name them)"
    interval = "not known" if metadata.frame_interval_min is None else f"{metadata.frame_interval_min:g} min"
    pixel = "not known" if metadata.pixel_size_um is None else f"{metadata.pixel_size_um:g} µm"
    return [
        f"  format      {recording.kind}",
        f"  pixels      {height} x {width}, {recording.dtype}",
        f"  channels    {', '.join(recording.labels or recording.channels)}{named}",
        f"  interval    {interval}",
        f"  pixel size  {pixel}",
        *(f"  note        {note}" for note in dict.fromkeys(metadata.notes)),
    ]


def _each(group: list[FoundRecording], draft: Draft) -> list[str]:
    """The lines of each recording by itself."""
    lines = []
    for one in group:
        lines += [f"  {one.name}: {_count(one.n_frames, 'frame')} in {one.images}", f"      {_tracks(one, draft)}"]
        lines += [f"      {note}" for note in dict.fromkeys(one.notes)]
    return lines


def _tracks(recording: FoundRecording, draft: Draft) -> str:
    if recording.name not in draft.assignment.found:
        return "no tracks: its cells would be segmented and tracked, for prediction only"
    tracks, how = draft.assignment.found[recording.name]
    text = f"tracks in {tracks.path} ({tracks.tracks_format}; {how})"
    counts = draft.counts.get(recording.name)
    if counts is None:
        return f"{text}: cannot be read yet, see below"
    fates = [f"{number} {name}" for name, number in sorted(counts.items(), key=lambda one: (one[0] in (NO_EVENT, CENSORED), one[0]))]
    return f"{text}: {_count(sum(counts.values()), 'track')}, {', '.join(fates)}"


def _left_out(not_used: list[tuple[Path, str]]) -> list[str]:
    """One line per reason and ending, with the first files."""
    by_reason: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for path, reason in not_used:
        by_reason[path.suffix.lower(), reason].append(path)
    lines = []
    for (_, reason), paths in by_reason.items():
        shown = ", ".join(map(str, paths[:MOST_LISTED])) + (f" and {len(paths) - MOST_LISTED} more" if len(paths) > MOST_LISTED else "")
        lines.append(f"{shown}: {reason}")
    return lines


def next_steps(draft: Draft, sheet: Path, settings: Path) -> list[str]:
    """What was written, and what a person must still fill in."""
    lines = [f"Written: {sheet} (one row per recording) and {settings}.", "", "To fill in:"]
    recordings, todo = draft.survey.recordings, []
    empty = unknown_cells(recordings)
    if "frame_interval_min" in empty:
        todo.append(f"frame_interval_min in {sheet}: minutes between frames, of {_some(empty['frame_interval_min'], recordings)} (needed)")
    if "pixel_size_um" in empty:
        when = "needed, as tracks are in micrometres" if any("pixel_size_um" in text for text in draft.problems) else "if you know it"
        todo.append(f"pixel_size_um in {sheet}: micrometres per pixel, of {_some(empty['pixel_size_um'], recordings)} ({when})")
    if any(not one.named for one in recordings):
        todo.append(
            f"channels in {sheet}: give them names of your own, such as nuclei, instead of {', '.join(draft.channels)}, in {settings} too"
        )
    if len({tuple(one.channels) for one in recordings}) > 1:
        todo.append(f"channels in {sheet}: they differ between recordings, and must be the same in the same order")
    without = [one.name for one in recordings if one.name not in draft.assignment.found]
    if without:
        alike = any(reason.startswith(LIKE_TRACKS) for _, reason in draft.survey.not_used)
        hint = "; tables that look like tracks are under `Left out`" if alike else "; without, cells are tracked here, for prediction only"
        todo.append(f"tracks and tracks_format in {sheet}, of {_some(without, recordings)}{hint}")
    if len(draft.events) != 2:
        todo.append(f"outcomes in {settings}: the two that are compared")
    if len(draft.channels) > 1:
        todo.append(f"segmentation.channel in {settings}: the channel that shows each cell best, and the cells' width")
    if draft.crop_size is None:
        todo.append(f"crops.size and model.input_size in {settings}: pixels that hold one cell and not its neighbours (the default is 112)")
    else:
        todo.append(f"crops.size and model.input_size in {settings}: {draft.crop_size} pixels is proposed from the tracks; see the comment")
    todo.append(f"treatment, dose, treatment_start_h and group in {sheet}, where there are any")
    return [*lines, *(f"  - {text}" for text in todo), "", f"Then: cellfate check {settings}"]


def _some(names: list[str], recordings: list[FoundRecording]) -> str:
    if len(names) == len(recordings):
        return "all recordings" if len(names) > 1 else names[0]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
