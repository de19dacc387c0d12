"""``cellfate predict``: an exported model on recordings with tracks, in this process, without Snakemake.

Every step is the function that the rule of the same name calls, so the files are those of ``snakemake predict``. The default of
``--min-frames`` stands in the model's own settings.json; those of the other options are the configuration's (config.yaml is not part
of the installed package, so a test holds them to it).
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.tables import read_table
from cellfate.frames.formats import open_frames
from cellfate.frames.pixels import check_frames
from cellfate.frames.reader import MAX_PIXELS
from cellfate.model.risks.inputs import check_embedding, read_frame_embedding
from cellfate.model.saved.exported import check_lengths, check_recording, first_prediction, read_settings
from cellfate.model.saved.members import has_network
from cellfate.model.saved.risks import read_risks
from cellfate.planning.config_files import DEFAULTS
from cellfate.planning.config_files import read_settings as read_settings_file
from cellfate.prediction.tables import FATE_PREDICTIONS, NEW_FATES
from cellfate.recordings.sheet import frames_arguments, read_sheet
from cellfate.tracks.outcomes import read_tracks
from cellfate.tracks.raw import RecordingFacts

DESCRIPTION = """\
Predict the fate of each tracked cell at each frame, from the frames up to it, with an exported model.

SHEET is a recordings sheet as for the workflow, one row per recording; outcomes are not needed. Paths in it start at
the current folder. Everything is opened and checked before anything is computed. For each recording the folder of
--output gets its predictions as .parquet and .csv, the risks over time (.fates.parquet), how far it lies from the training
recordings (.shift.csv), the tracks for viewers (.geff, with the frames as .images.zarr, and .napari.csv), a picture (.png,
.pdf) and the network's .embeddings.h5, and all together a page of single cells, explorer.html: the files of "snakemake
predict". Files that are there already are replaced.
"""
EPILOG = """\
examples:
  cellfate predict model recordings.tsv
  cellfate predict model recordings.tsv --recording A1 A2 --output predictions --accelerator cpu --threads 8

Probabilities are conditional, given that the track ends in one of the model's two outcomes; but for those of .fates.parquet,
where the model has networks of risks: there either outcome may come within so many hours, or neither.
"""

OUTPUTS = ("embeddings.h5", "shift.csv", "parquet", "csv", "fates.parquet", "geff", "images.zarr", "napari.csv", "pdf", "png")


@dataclass(frozen=True)
class Opened:
    """One recording that was opened and checked: its row of the sheet, and its tracks."""

    recording: str
    frames: dict  # arguments of open_frames
    frame_interval_min: float
    pixel_size_um: float | None
    treatment_start_h: float | None
    tracks: pd.DataFrame
    outcomes: pd.DataFrame  # which tracks are related, and reach the last frame
    treatment: str | None
    embedding: pd.DataFrame | None  # numbers of its frames that a user brings


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command ``predict``."""
    parser = subparsers.add_parser(
        "predict",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        help="predict recordings that have tracks",
    )
    add = parser.add_argument
    add("model", metavar="MODEL", help="folder of an exported model, results/<dataset>/<protocol>/model of a finished run")
    add("sheet", metavar="SHEET", help="recordings sheet (.tsv, or .csv)")
    add("--output", metavar="FOLDER", type=Path, default=Path("predictions"), help="where the files go (default: predictions)")
    add("--recording", metavar="NAME", nargs="+", default=[], help="only these recordings (default: all that have tracks)")
    add("--accelerator", choices=("auto", "cpu", "gpu"), default="auto", help="auto takes the GPU where there is one (default: auto)")
    add("--every", metavar="N", type=_count, default=1, help="frames of a track from one value to the next (default: 1, each frame)")
    add("--min-frames", metavar="N", type=_count, help="a track has values from this many frames on (default: as the model was calibrated)")
    add(
        "--allow-other-interval",
        action="store_true",
        help="also recordings whose frame interval differs by more than 5 %% from the model's",
    )
    add("--embedding", metavar="TABLE", help="numbers of each frame of your own, for models whose risks were trained with such a table")
    add("--no-images", action="store_true", help="do not write the frames beside the GEFF (.images.zarr), with which napari opens it")
    add("--no-explorer", action="store_true", help="do not write the page of single cells (explorer.html)")
    add("--max-pixels", metavar="N", type=_count, default=MAX_PIXELS, help=f"pixels of one image at most (default: {MAX_PIXELS:,})")
    add("--threads", metavar="N", type=_count, default=1, help="threads of the CPU (default: 1)")
    parser.set_defaults(run=run)


def _count(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Predict the recordings of a sheet; an InputError before anything is computed names all that is wrong."""
    model, output = arguments.model, arguments.output
    min_frames = arguments.min_frames or first_prediction(model)
    rows = chosen_rows(read_sheet(arguments.sheet), arguments.recording, arguments.sheet, snakemake_command(model, arguments.sheet))
    embedding = read_frame_embedding(arguments.embedding) if arguments.embedding else None
    recordings = open_recordings(rows, arguments.sheet, model, min_frames, arguments.allow_other_interval, embedding, arguments.max_pixels)
    for number, one in enumerate(recordings, start=1):
        print(f"{one.recording}: {one.tracks['track_id'].nunique()} tracks ({number} of {len(recordings)})", file=sys.stderr, flush=True)
        network = {"min_frames": min_frames, "threads": arguments.threads, "accelerator": arguments.accelerator}
        predict_one(one, model, output, network, arguments.every, arguments.allow_other_interval, images=not arguments.no_images)
    if not arguments.no_explorer:
        explore(recordings, model, output)
    print(f"The predictions of {len(recordings)} recording{'s' * (len(recordings) != 1)} are in {output}/")
    return 0


def snakemake_command(model: str | Path, sheet: str | Path) -> str:
    """What segments, tracks and predicts recordings without tracks, to be typed in a copy of the repository."""
    settings = ["dataset=new", f"recordings={sheet}", "source={kind: local}", f"prediction={{model: {model}}}"]
    return f"snakemake --cores 2 --config {' '.join(map(shlex.quote, settings))} -- predict"


def chosen_rows(sheet: pd.DataFrame, names: Sequence[str], source: str | Path, otherwise: str) -> pd.DataFrame:
    """The rows of ``names`` (none: of all recordings that have tracks), which keep their index.

    Recordings without tracks are left out with one line on standard error that says what to run for them, ``otherwise``. Raises
    InputError for a name that is not in the sheet or has no tracks there, and when no recording has tracks.
    """
    unknown = [name for name in names if name not in set(sheet["recording"])]
    if unknown:
        raise InputError(f"{source}: no recording {', '.join(unknown)}; there are {', '.join(sheet['recording'])}")
    rows = sheet[sheet["recording"].isin(names)] if names else sheet
    untracked = rows["tracks"].isna()
    advice = f"{source}: no tracks of recording {', '.join(rows.loc[untracked, 'recording'])}; to track and predict: {otherwise}"
    if untracked.any() and (names or untracked.all()):
        raise InputError(advice)
    if untracked.any():
        print(f"Left out: {advice}", file=sys.stderr, flush=True)
    return rows[~untracked]


def open_recordings(
    rows: pd.DataFrame,
    source: str | Path,
    model: str | Path,
    min_frames: int,
    allow_other_interval: bool,
    embedding: pd.DataFrame | None,
    max_pixels: int,
) -> list[Opened]:
    """Open and check the frames and tracks of every row, then raise one InputError with the problems of all.

    ``embedding`` is a table of numbers of a user's own, for all recordings.
    """
    settings, risks = read_settings(model), read_risks(model)
    if risks is not None:
        risks.check_available(features=False, embedding=embedding is not None)
    opened, problems = [], []
    for row in rows.itertuples():
        try:
            check_recording(settings, row, f"{source}: line {row.Index + 2}", allow_other_interval)
            one = open_recording(row, embedding, max_pixels)
            check_lengths(one.tracks, min_frames, model, one.recording)
            if risks is not None:
                check_embedding(risks, one.tracks, one.recording, embedding)
            opened.append(one)
        except InputError as error:
            problems.append(str(error))
    if problems:
        several = f"{len(problems)} recordings cannot be predicted:\n  " if len(problems) > 1 else ""
        raise InputError(several + "\n  ".join(problems))
    return opened


def open_recording(row, embedding: pd.DataFrame | None, max_pixels: int) -> Opened:
    """Check the frames of one row of the sheet and read its tracks; the frames are opened again when they are needed."""
    source = frames_arguments(row.images, row.channels, row.channel_labels, row.last_image, max_pixels)
    frames = open_frames(**source)
    check_frames(frames)
    pixel_size_um = None if pd.isna(row.pixel_size_um) else row.pixel_size_um
    facts = RecordingFacts(row.recording, frames.n_frames, frames.shape, pixel_size_um, row.frame_interval_min, source.get("last_image"))
    tracks, outcomes = read_tracks(row.tracks, row.tracks_format, facts, event_gap=frames.n_frames)  # no outcome is needed, so none is late
    start, treatment = (None if pd.isna(value) else value for value in (row.treatment_start_h, row.treatment))
    return Opened(row.recording, source, row.frame_interval_min, pixel_size_um, start, tracks, outcomes, treatment, embedding)


def predict_one(
    one: Opened, model: str | Path, output: Path, network: dict, every: int, allow_other_interval: bool, *, images: bool
) -> None:
    """Write all files of one recording that the model can give; ``network`` is min_frames, threads and accelerator.

    ``images`` says whether its frames are written for viewers, too.
    """
    from cellfate.prediction.risks import NewRecording, write_fates  # torch: seconds, which a mistake in the sheet is spared
    from cellfate.prediction.viewer_images import write_viewer_images
    from cellfate.prediction.viewers import write_viewer_files

    path = {kind: output / f"{one.recording}.{kind}" for kind in OUTPUTS}
    scales = {"frame_interval_min": one.frame_interval_min, "pixel_size_um": one.pixel_size_um}
    by_network = predict_by_network(one, model, path, network, every, allow_other_interval) if has_network(model) else None
    write_fates(
        open_frames(**one.frames),
        one.tracks,
        model,
        path["fates.parquet"],
        recording=NewRecording(one.recording, **scales, treatment_start_h=one.treatment_start_h),
        predictions=by_network,
        features=None,
        embedding=one.embedding,
        allow_other_interval=allow_other_interval,
        threads=network["threads"],
    )
    fates = read_table(path["fates.parquet"], NEW_FATES)
    if images:
        write_viewer_images(path["images.zarr"], open_frames(**one.frames), None, None, **scales)
    beside = path["images.zarr"] if images else None
    write_viewer_files(one.tracks, by_network, fates, model, path["geff"], path["napari.csv"], **scales, images=beside)
    if by_network is not None:
        draw(one, model, by_network, path)


def predict_by_network(
    one: Opened, model: str | Path, path: dict[str, Path], network: dict, every: int, allow_other_interval: bool
) -> pd.DataFrame:
    """Write what the published network says of one recording, and return it; ``path`` are the files of each kind."""
    from cellfate.prediction.embedding import embed_recording
    from cellfate.prediction.prefixes import write_predictions
    from cellfate.prediction.shift import write_shift

    named = {"recording": one.recording, "frame_interval_min": one.frame_interval_min}
    frames = open_frames(**one.frames)
    how = {"pixel_size_um": one.pixel_size_um, "allow_other_interval": allow_other_interval, **named, **network}
    embedded = embed_recording(frames, one.tracks, model, path["embeddings.h5"], **how)
    known = {**named, "pixel_size_um": one.pixel_size_um, "min_frames": network["min_frames"]}
    write_shift(embedded, one.tracks, model, path["shift.csv"], n_frames=frames.n_frames, **known)
    write_predictions(path["embeddings.h5"], one.tracks, model, path["parquet"], path["csv"], every=every, **named, **network)
    return read_table(path["parquet"], FATE_PREDICTIONS)


def draw(one: Opened, model: str | Path, predictions: pd.DataFrame, path: dict[str, Path]) -> None:
    """Write the picture of one recording, where matplotlib is installed."""
    if find_spec("matplotlib") is None:
        print(f"{one.recording}: no picture: matplotlib is not installed (pip install 'cellfate[figures]')", file=sys.stderr, flush=True)
        return
    from cellfate.figures.recording.predictions import write_picture

    named = {"recording": one.recording, "frame_interval_min": one.frame_interval_min}
    write_picture(open_frames(**one.frames), one.tracks, predictions, model, path["pdf"], path["png"], **named)


def explore(recordings: Sequence[Opened], model: str | Path, output: Path) -> None:
    """Write the page of the cells of all recordings from their files in ``output``, where matplotlib is installed."""
    if find_spec("matplotlib") is None:
        print("No page of cells: matplotlib is not installed (pip install 'cellfate[figures]')", file=sys.stderr, flush=True)
        return
    from cellfate.explorer.predicted import PredictedRecording, write_predicted_explorer
    from cellfate.explorer.write import PageSettings

    config = read_settings_file(DEFAULTS)
    settings = {key: config["explorer"][key] for key in ("max_cells", "fields", "image_size", "quality")}
    predicted = [
        PredictedRecording(
            one.recording,
            partial(open_frames, **one.frames),
            one.tracks,
            one.outcomes,
            read_table(output / f"{one.recording}.parquet", FATE_PREDICTIONS) if has_network(model) else None,
            read_table(output / f"{one.recording}.fates.parquet", NEW_FATES),
            one.frame_interval_min,
            one.pixel_size_um,
            one.treatment_start_h,
            one.treatment,
        )
        for one in recordings
    ]
    how = PageSettings(**settings, seed=config["seed"])
    write_predicted_explorer(output / "explorer.html", "Predicted cells", predicted, model, notes=(), corrections=None, settings=how)
