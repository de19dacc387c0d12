"""``cellfate edits``: what a person changed in tracks in another program, in files that the next run applies."""

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.tables import read_table, write_table
from cellfate.frames.formats import open_frames
from cellfate.planning.checks import checked_sheet, corrections_of, outcome_rows
from cellfate.planning.config_files import DEFAULTS, merged, read_settings
from cellfate.recordings.sheet import frames_arguments
from cellfate.tracks.edits.apply import completed, with_edits
from cellfate.tracks.edits.compare import edited_tracks
from cellfate.tracks.edits.file import PLACES, EditedRecording, read_edited, write_edited
from cellfate.tracks.edits.match import match_nodes
from cellfate.tracks.outcomes import complete_tracks, read_raw
from cellfate.tracks.raw import RawTracks, RecordingFacts
from cellfate.tracks.readers.geff import read_graph
from cellfate.tracks.statements import OutcomesFrom
from cellfate.tracks.tables import EDITS, TRACKS, WRONG_TRACK

SETTINGS = (".yaml", ".yml", ".json")
TABLE = "differences.csv"
SHOWN = 40
DESCRIPTION = """\
Take tracks back that were edited in napari, motile tracker or another program that writes GEFF.

PATH is your settings (.yaml, several are laid over each other as by "snakemake --configfile"), then the edited GEFF of each recording:
its name must be the recording's (wellA1.geff), or say which it is: wellA1=edited/tracks.geff. Each is compared with the tracks of the
recording as they are without any edits: those of its file, or those that were made here. The differences are printed. For each
recording that has some, the folder of --out gets a file; a recording without loses its file there. Nothing else is changed.

With "tracks: {edited: FOLDER}" in the settings the next run takes these tracks, and computes again what depends on them.
"""
EPILOG = """\
example:
  cellfate edits my_config.yaml results/mine/predictions/wellA1.geff wellB2=edited/b2.geff
"""


@dataclass(frozen=True)
class Base:
    """The tracks of a recording without edits: as read, in the columns PLACES, and how many there are of each outcome."""

    raw: RawTracks
    tracks: pd.DataFrame
    outcomes: pd.DataFrame
    facts: RecordingFacts
    path: Path
    outcomes_from: OutcomesFrom
    event_gap: int


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command ``edits``."""
    parser = subparsers.add_parser(
        "edits",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        help="take back tracks that were edited in another program",
    )
    parser.add_argument("paths", metavar="PATH", nargs="+", help="your settings, then edited GEFFs, WELL.geff or WELL=PATH")
    parser.add_argument("--out", metavar="FOLDER", type=Path, default=Path("edited"), help="where the files go (default: edited)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare all, then write; an InputError of any recording before anything is written."""
    files = [Path(path) for path in arguments.paths if Path(path).suffix.lower() in SETTINGS]
    graphs = [path for path in arguments.paths if Path(path).suffix.lower() not in SETTINGS]
    if not files or not graphs:
        raise InputError(
            f"{'settings (.yaml)' if not files else 'an edited GEFF'} is needed, as in: cellfate edits my_config.yaml wellA1.geff"
        )
    config = read_settings(DEFAULTS)
    for file in files:
        config = merged(config, read_settings(file))
    sheet = checked_sheet(config, [DEFAULTS, *files])
    if sheet is None:
        raise InputError(f"{config['recordings']}: no such file yet; the first run of snakemake writes it")
    named = recordings_of_graphs(graphs, list(sheet["recording"]))
    corrections, out = corrections_of(config, sheet), arguments.out
    found = []
    for name, path in named.items():
        base = base_of(next(row for row in sheet.itertuples(index=False) if row.recording == name), config, sheet, out)
        aside = [row["track_id"] for row in corrections.get(name, []) if row["what"] == WRONG_TRACK]
        found.append(compare(base, path, aside))
    for edited in found:
        file = out / f"{edited.recording}.json"
        if len(edited.differences):
            write_edited(edited, file)
        else:
            file.unlink(missing_ok=True)
    together = [read_edited(path).differences for path in sorted(out.glob("*.json"))]
    if out.is_dir():
        write_table(pd.concat(together) if together else pd.DataFrame(columns=list(EDITS.columns)), out / TABLE, EDITS)
    print("\n".join([*lines_of(found), "", *_advice(found, out, config["tracks"]["edited"])]))
    return 0


def recordings_of_graphs(paths: Sequence[str], recordings: Sequence[str]) -> dict[str, Path]:
    """{recording: its GEFF} of ``RECORDING=PATH``, or a path named after its recording. Raises InputError for one that names none."""
    found: dict[str, Path] = {}
    for text in paths:
        name, equals, path = text.partition("=")
        if not equals or name not in recordings:
            path = text
            name = next((one for one in (Path(text).name, Path(text).stem) if one in recordings), "")
        if not name:
            shown = ", ".join(recordings[:5])
            raise InputError(f"{text}: no recording has this name, they are {shown}; say which it is: {recordings[0]}={text}")
        if name in found:
            raise InputError(f"{text}: recording {name} has {found[name]} already")
        found[name] = Path(path)
    return found


def base_of(row, config: Mapping, sheet: pd.DataFrame, out: Path) -> Base:
    """The tracks of one row of the sheet without edits."""
    frames = open_frames(**frames_arguments(row.images, row.channels, row.channel_labels, row.last_image))
    known = {name: None if pd.isna(getattr(row, name)) else getattr(row, name) for name in ("pixel_size_um", "frame_interval_min")}
    last = None if pd.isna(row.last_image) else int(row.last_image)
    facts = RecordingFacts(row.recording, frames.n_frames, frames.shape, **known, last_image=last)
    settings = config["tracks"]
    if pd.isna(row.tracks):
        raw, path = _made_here(row.recording, config["dataset"], out)
        outcomes_from, event_gap = OutcomesFrom({}, None, None, {}, ()), 0
    else:
        outcomes_from = OutcomesFrom(**settings["outcomes_from"], rows=outcome_rows(config, sheet).get(row.recording, []))
        path, event_gap = Path(row.tracks), settings["event_gap"]
        raw = read_raw(path, row.tracks_format, facts, outcomes_from)
    checked = complete_tracks(raw, path, facts, event_gap, outcomes_from)
    return Base(raw, checked.tracks[list(PLACES)], checked.outcomes, facts, path, outcomes_from, event_gap)


def _made_here(recording: str, dataset: str, out: Path) -> tuple[RawTracks, Path]:
    """The tracks that were made here; where they were edited before, those before that."""
    path, earlier = Path(f"results/{dataset}/tracks/{recording}.parquet"), out / f"{recording}.json"
    if not path.is_file():
        raise InputError(f"{path}: no such file; the tracks of {recording} are made by a run, which comes first")
    rows = read_edited(earlier).before if earlier.is_file() else read_table(path, TRACKS)
    return RawTracks(rows.assign(where=[f"frame {frame}" for frame in rows["frame"]])), path


def compare(base: Base, path: Path, aside: Sequence[int]) -> EditedRecording:
    """The edited tracks in the GEFF ``path``, checked as a run checks them; ``aside`` are tracks that corrections set aside."""
    if not path.exists():
        raise InputError(f"{path}: no such folder (an edited GEFF)")
    before = base.tracks[~base.tracks["track_id"].isin(aside)].reset_index(drop=True)
    matched = match_nodes(before, read_graph(path, base.facts), str(path), base.facts.pixel_size_um)
    for line in (*matched.graph.lines, *matched.lines):
        print(f"NOTE: {line}")
    edited = edited_tracks(before, matched, str(path))
    rows = pd.DataFrame(edited.differences, columns=list(EDITS.columns)).assign(recording=base.facts.name)
    found = EditedRecording(base.facts.name, str(path), before, edited.tracks, edited.ends_as, tuple(aside), rows, {})
    if not len(rows):
        return found
    raw = with_edits(base.raw, found, path, base.facts)
    try:
        after = completed(raw, found, base.path, base.facts, base.event_gap, base.outcomes_from).outcomes
    except InputError as error:
        raise InputError(f"{path}: after these edits, {error}") from error
    counts = [Counter(table.loc[~table["track_id"].isin(aside), "outcome"]) for table in (base.outcomes, after)]
    both = {outcome: (counts[0][outcome], counts[1][outcome]) for outcome in sorted({*counts[0], *counts[1]})}
    return EditedRecording(**{**vars(found), "counts": both})


def lines_of(found: Sequence[EditedRecording]) -> list[str]:
    """A line for each difference, and how many tracks of each outcome there are before and after."""
    lines = []
    for edited in found:
        n = [table["track_id"].nunique() for table in (edited.before, edited.after)]
        if not len(edited.differences):
            lines.append(f"{edited.recording}: no differences in {n[0]} tracks")
            continue
        many = len(edited.differences)
        lines.append(f"{edited.recording}: {many} difference{'s' * (many != 1)}, {n[0]} tracks before, {n[1]} after")
        for row in edited.differences.head(SHOWN).itertuples(index=False):
            one = row.first_frame == row.last_frame
            frames = f"frame {row.first_frame}" if one else f"frames {row.first_frame} to {row.last_frame}"
            lines.append(f"  track {row.track_id}: {row.what}, {frames}{'' if pd.isna(row.detail) else f', {row.detail}'}")
        lines += [f"  and {len(edited.differences) - SHOWN} more"] * (len(edited.differences) > SHOWN)
        changed = [f"{outcome} {pair[0]} to {pair[1]}" for outcome, pair in edited.counts.items() if pair[0] != pair[1]]
        lines += [f"  tracks by outcome: {', '.join(changed)}"] * bool(changed)
    return lines


def _advice(found: Sequence[EditedRecording], out: Path, named: str | None) -> list[str]:
    if not any(len(edited.differences) for edited in found):
        return ["Nothing is to be taken back."]
    written = f"All differences are in {out}/{TABLE}."
    return (
        [written]
        if named == str(out)
        else [written, f"To take them: tracks: {{edited: {out}}} in your settings, then run snakemake again."]
    )
