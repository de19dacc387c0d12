"""What an exported model says of itself, and whether it fits a recording. Imported while jobs are planned: nothing heavy."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.files import load_json
from cellfate.model.saved.members import SETTINGS, read_members

SHUFFLED = "a control that learned from outcomes exchanged at random (training.shuffle_labels)"
INTERVAL_TOLERANCE = 0.05 + 1e-9  # fraction; clocks and rounded sheets differ by less


def statement(outcomes: Mapping[str, str]) -> str:
    """What every probability is conditional on, in words; ``outcomes`` is {"negative": name, "positive": name}."""
    return f"the track ends in {outcomes['negative']} or {outcomes['positive']}"


def read_settings(folder: str | Path) -> dict:
    """The settings.json of an exported model. Raises InputError when a file of the folder is missing."""
    folder = Path(folder)
    members = read_members(folder)
    settings = load_json(folder / SETTINGS)
    if any(is_control(load_json(member.folder / SETTINGS)) for member in members):
        raise InputError(f"prediction.model: {folder}: {SHUFFLED}; it predicts nothing")
    absent = [key for key in ("channels", "crop_size", "outcomes", "frame_intervals_min", "pixel_sizes_um") if key not in settings]
    if absent:
        raise InputError(f"prediction.model: {folder / SETTINGS}: {', '.join(absent)} not found; it was not written by export_model")
    return settings


def is_control(settings: Mapping) -> bool:
    """Whether the network of a settings.json learned from exchanged outcomes; those of 0.1 do not say, and did not."""
    return bool(settings.get("training", {}).get("shuffle_labels", False))


def first_prediction(folder: str | Path) -> int:
    """The number of frames from which on a track is predicted where nobody asks for another: that from which on it was calibrated."""
    settings = read_settings(folder)
    if "min_frames" not in settings:
        raise InputError(
            f"{Path(folder) / SETTINGS}: min_frames not found, as in a model of cellfate 0.1; "
            "say it with prediction.min_frames (--min-frames)"
        )
    return settings["min_frames"]


def check_lengths(tracks: pd.DataFrame, min_frames: int, folder: str | Path, recording: str) -> None:
    """Raise an InputError when no track has ``min_frames`` frames, as nothing would be predicted."""
    longest = int(tracks["track_id"].value_counts().max()) if len(tracks) else 0
    if longest < min_frames:
        own = read_settings(folder).get("min_frames", "not known")
        raise InputError(
            f"recording {recording}: no track has {min_frames} frames, from which on a track is predicted, the longest has {longest}: "
            f"nothing to predict. prediction.min_frames (--min-frames) sets the number; the model's own is {own}"
        )


def check_recordings(model: str | Path, sheet: pd.DataFrame, source: str | Path, allow_other_interval: bool) -> None:
    """Raise an InputError when the model cannot be used on a recording of the sheet, whose rows begin in line 2 of ``source``."""
    settings = read_settings(model)
    for line, row in enumerate(sheet.itertuples(), start=2):
        check_recording(settings, row, f"{source}: line {line}", allow_other_interval)


def check_recording(settings: Mapping, row, source: str, allow_other_interval: bool) -> None:
    """Raise an InputError when the model of ``settings`` cannot be used on one recording, a row of a sheet that stands in ``source``."""
    here = f"{source}: recording {row.recording}"
    check_channels(settings, row.channels.split(","), here)
    check_interval(settings, row.frame_interval_min, here, allow_other_interval)
    crop_size(settings, row.pixel_size_um, here)


def check_interval(settings: Mapping, frame_interval_min: float, source: str, allow_other_interval: bool) -> str | None:
    """A warning when the recording's frame interval is not the model's and that is allowed, else None.

    The network counts frames, not minutes: at another interval it sees everything faster or slower than it has learned. So an
    interval that differs by more than 5 % from every interval in training is an InputError unless ``allow_other_interval``.
    """
    known = settings["frame_intervals_min"]
    if any(abs(frame_interval_min / value - 1) <= INTERVAL_TOLERANCE for value in known):
        return None
    shown = " and ".join(f"{value:g}" for value in known)
    problem = f"{source}: frame_interval_min is {frame_interval_min:g}, but the model was trained at {shown} min and counts frames"
    if not allow_other_interval:
        raise InputError(
            f"{problem}; to predict all the same, set prediction.allow_other_interval: true (cellfate predict: --allow-other-interval)"
        )
    return f"{problem}: its probabilities cannot be trusted"


def crop_size(settings: Mapping, pixel_size_um: float | None, source: str) -> int:
    """Pixels of a crop that shows as many micrometres as the crops in training; it is scaled to the network's input later.

    Without a pixel size, of the recording or of the training, or with several in training: as many pixels as in training. Raises
    InputError when the crop has fewer pixels than the network's input.
    """
    known = settings["pixel_sizes_um"]
    if pixel_size_um is None or pd.isna(pixel_size_um) or len(known) != 1:
        return int(settings["crop_size"])
    size = round(settings["crop_size"] * known[0] / pixel_size_um)
    needed = settings["model"]["input_size"]
    if size < needed:
        raise InputError(
            f"{source}: pixel_size_um is {pixel_size_um:g}, the model was trained at {known[0]:g}: its crops of {settings['crop_size']} "
            f"pixels are {size} pixels here, fewer than the {needed} that the network takes"
        )
    return size


def outcome_columns(outcomes: Mapping[str, str]) -> Sequence[str]:
    """The names of the two columns of probabilities, negative first."""
    return [f"probability_{outcomes[role]}" for role in ("negative", "positive")]


def check_channels(model_settings: Mapping, recording_channels: Sequence[str], source: str | Path) -> list[int]:
    """The positions of the model's channels among the recording's: ``image[order]`` is in the model's order.

    ``model_settings`` is the settings.json of a model folder. Raises InputError, naming both lists, when the recording has
    other channels than the model was trained on; ``source`` is where the recording's channels are given.
    """
    wanted, found = list(model_settings["channels"]), list(recording_channels)
    if sorted(wanted) != sorted(found):
        raise InputError(
            f"{source}: channels are {', '.join(found)}, but the model was trained on {', '.join(wanted)}: "
            "the same channels are needed, in any order"
        )
    return [found.index(name) for name in wanted]
