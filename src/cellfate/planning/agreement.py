"""Whether the configuration and the recordings sheet agree."""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError, raise_first
from cellfate.evaluation.published import PUBLISHED_DATASET, published_values
from cellfate.planning.config import is_broken
from cellfate.planning.config_files import Source, file_of, unset_hint
from cellfate.recordings.sheet import images_folder, sheet_line
from cellfate.segmentation.tables import FEATURES
from cellfate.tracks.formats import FORMATS
from cellfate.tracks.raw import outcomes_beside


def check_sheet_agreement(config: dict, sheet: pd.DataFrame, config_files: Sequence[Source], analysis: bool = True) -> None:
    """Check that what the configuration names is in the recordings sheet; raise an InputError that names both files.

    Channels are the same in all rows of a checked sheet. Recordings without tracks are segmented in the channel of ``tracking``.
    Without ``analysis`` only what tracks and predictions need is checked: settings of split, segmentation and evaluation may then
    name what is not there.
    """
    raise_first(sheet_agreement_problems(config, sheet, config_files, analysis))


def sheet_agreement_problems(
    config: dict, sheet: pd.DataFrame, config_files: Sequence[Source], analysis: bool = True, broken: Collection[str] = ()
) -> Iterator[str]:
    """Every disagreement of configuration and sheet; what needs a key that is ``broken`` is left out."""
    for keys, only_analysis, disagreements in AGREEMENTS:
        if (analysis or not only_analysis) and not any(is_broken(key, broken) for key in keys):
            for key, value, message in disagreements(config, sheet):
                hint = _prediction_hint(config, sheet, broken) if only_analysis else ""
                blamed = _blamed(key, value, config_files)
                yield f"{blamed}, {message}{hint}" if key else message


def _blamed(key: str, value: object, config_files: Sequence[Source]) -> str:
    path = key.split(".")
    return f"{file_of(path, config_files)}: {key} is {value!r}{unset_hint(path, config_files)}"


def _prediction_hint(config: dict, sheet: pd.DataFrame, broken: Collection[str]) -> str:
    """What may be meant where the tracks are there and nothing says how they ended, as the end of a sentence."""
    if (
        "tracks_format" not in sheet
        or any(is_broken(key, broken) for key in ("tracks", "source.kind"))
        or config["source"]["kind"] == "crops"
    ):
        return ""
    tracks, elsewhere = config["tracks"], ("words", "divisions", "table", "events")
    rows = sheet.loc[sheet["tracks"].notna(), ["tracks", "tracks_format"]].values.tolist()
    there = [(path, kind) for path, kind in rows if Path(path).exists()]
    told = any(outcomes_beside(path).exists() or kind not in FORMATS or FORMATS[kind].own_events for path, kind in there)
    if not there or told or tracks["labels"] is not None or any(tracks["outcomes_from"][name] for name in elsewhere):
        return ""
    return "; no tracks have outcomes: is `snakemake predict` meant, with prediction.model?"


Disagreements = Iterator[tuple[str, object, str]]  # the key to blame, its value and the reason; without a key, the message


def _first_channels(sheet: pd.DataFrame) -> list[str]:
    known = sheet["channels"].dropna()
    return known.iloc[0].split(",") if len(known) else []


def _segmented_channel(config: dict, sheet: pd.DataFrame) -> Disagreements:
    settings, channels = config["segmentation"], _first_channels(sheet)
    if channels and settings["ladder"] == "single" and settings["channel"] not in channels:
        yield "segmentation.channel", settings["channel"], f"but the channels in {config['recordings']} are {', '.join(channels)}"


def _tracked_channel(config: dict, sheet: pd.DataFrame) -> Disagreements:
    channels = _first_channels(sheet)
    channel = config["tracking"]["channel"] or config["segmentation"]["channel"]
    if config["source"]["kind"] != "crops" and channels and sheet["tracks"].isna().any() and channel not in channels:
        line = sheet_line(sheet, int(sheet["tracks"].isna().to_numpy().argmax()))
        found = f"but the channels in {config['recordings']} are {', '.join(channels)}, and line {line} has no tracks"
        yield "tracking.channel", channel, f"{found}, so its cells are segmented"


def _treatment(config: dict, sheet: pd.DataFrame) -> Disagreements:
    treatment, found = config["evaluation"]["treatment"], set(sheet["treatment"])
    if treatment is not None and treatment not in found:
        known = ", ".join(sorted(found))
        yield "evaluation.treatment", treatment, f"but the treatments in {config['recordings']} are {known}; null means all"


def _published_scaling(config: dict, sheet: pd.DataFrame) -> Disagreements:
    channels = _first_channels(sheet)
    chosen = {
        "scaling": config["scaling"] == "reference",
        "segmentation.ladder": config["segmentation"]["ladder"] == "published",
        "features.intensity": config["features"]["intensity"] == "published",
    }
    for key in [key for key, published in chosen.items() if published and len(channels) not in (0, 3)]:
        value = "reference" if key == "scaling" else "published"
        yield key, value, f"the published constants are for 3 channels, {config['recordings']} has {len(channels)}"


def _units(config: dict, sheet: pd.DataFrame) -> Disagreements:
    unit, needed, here = config["split"]["unit"], max(3, config["split"]["folds"]), config["recordings"]
    if unit == "recording" and len(sheet) < needed:
        named = ", as its column recording names them," if config["source"]["kind"] == "crops" else ""
        found = f"but {here} has {len(sheet)} recordings{named} and {needed} are needed"
        yield "split.unit", unit, f"{found}; alternatives: group, lineage, track"
    if unit == "group" and sheet["group"].isna().any():
        line = sheet_line(sheet, int(sheet["group"].isna().to_numpy().argmax()))
        yield "split.unit", unit, f"but group is empty in {here}: line {line}"


def _paths(config: dict, sheet: pd.DataFrame) -> Disagreements:
    made_here = {
        "simulate": ("images", "tracks"),
        "download": ("images", "tracks"),
        "files": ("images",),
        "local": (),
        "crops": ("images", "tracks"),
    }
    for column in [name for name in ("images", "tracks") if name not in made_here[config["source"]["kind"]]]:
        for row, path in enumerate(sheet[column]):
            if path is not None and not Path(images_folder(path) if column == "images" else path).exists():
                here = f"{config['recordings']}: line {sheet_line(sheet, row)}"
                yield "", path, f"{here}: {column} is {path!r}, which does not exist (paths are relative to {Path.cwd()})"


def _checkpoint(config: dict, _sheet: pd.DataFrame) -> Disagreements:
    checkpoint = config["training"]["checkpoint"]
    yield from _missing("training.checkpoint", checkpoint)
    if checkpoint is not None and config["scaling"] != "reference":
        yield "training.checkpoint", checkpoint, "but the published model was trained with scaling: reference"


def _weights(config: dict, _sheet: pd.DataFrame) -> Disagreements:
    model = config["segmentation"]["model"]
    if "/" in model or "." in model:
        yield from _missing("segmentation.model", model)


def _embedding(config: dict, _sheet: pd.DataFrame) -> Disagreements:
    return _missing("risks.embedding", config["risks"]["embedding"])


def _published_tables(config: dict, _sheet: pd.DataFrame) -> Disagreements:
    """Their curves are read now, as the jobs that put ours beside them are the last of a run."""
    folder = config["figures"]["reference"]
    yield from _missing("figures.reference", folder, folder_needed=True)
    if folder is not None and Path(folder).is_dir() and config["dataset"] == PUBLISHED_DATASET:
        try:
            published_values(config["outcomes"], reference=folder)
        except InputError as error:
            yield "figures.reference", folder, str(error)


def _missing(key: str, path: str | None, folder_needed: bool = False) -> Disagreements:
    """What is wrong with the file or folder that a key names."""
    found = None if path is None else Path(path).expanduser()
    if found is not None and not (found.is_dir() if folder_needed else found.is_file()):
        kind, other = ("folder", "file") if folder_needed else ("file", "folder")
        yield key, path, f"a {other}, a {kind} is needed" if found.exists() else f"no such {kind}"


def _registered_channel(config: dict, sheet: pd.DataFrame) -> Disagreements:
    registration, channels = config["registration"], _first_channels(sheet)
    if channels and registration["method"] != "none" and registration["channel"] not in channels:
        yield "registration.channel", registration["channel"], f"but the channels in {config['recordings']} are {', '.join(channels)}"


def _deadly_recordings(config: dict, sheet: pd.DataFrame) -> Disagreements:
    deadly = config.get("simulation", {}).get("recording_fates", {}).get("deadly", [])
    for name in [name for name in deadly if name not in set(sheet["recording"])]:
        yield "simulation.recording_fates.deadly", deadly, f"but {config['recordings']} has no recording {name}"


# the keys that a check needs, whether it concerns the analysis only, and the check; in this order
AGREEMENTS: tuple[tuple[tuple[str, ...], bool, Callable[[dict, pd.DataFrame], Disagreements]], ...] = (
    (("segmentation.ladder", "segmentation.channel"), True, _segmented_channel),
    (("tracking.channel", "segmentation.channel", "source.kind"), False, _tracked_channel),
    (("evaluation.treatment",), True, _treatment),
    (("scaling", "segmentation.ladder", "features.intensity"), True, _published_scaling),
    (("split.unit", "split.folds", "source.kind"), True, _units),
    (("source.kind",), False, _paths),
    (("training.checkpoint", "scaling"), False, _checkpoint),
    (("segmentation.model",), False, _weights),
    (("risks.embedding",), False, _embedding),
    (("figures.reference", "dataset", "outcomes"), True, _published_tables),
    (("registration",), False, _registered_channel),
    (("simulation",), False, _deadly_recordings),
)


def check_states(config: dict, sheet: pd.DataFrame, config_files: Sequence[Source]) -> None:
    """Check the section ``states`` against the recordings sheet; raise an InputError that names both files.

    Every feature is measured, all recordings have one frame interval (the lag counts frames), and ``group_by`` is filled in.
    """
    raise_first(states_problems(config, sheet, config_files))


def states_problems(config: dict, sheet: pd.DataFrame, config_files: Sequence[Source]) -> Iterator[str]:
    """Every disagreement of the section ``states`` with the recordings sheet."""
    here, settings = config["recordings"], config["states"]

    def refusal(key: str, value: object, message: str) -> str:
        return f"{_blamed(f'states.{key}', value, config_files)}, {message}"

    shapes = [name for name in FEATURES.columns if name not in FEATURES.key]
    known = [*shapes, *(f"intensity_mean-{channel}" for channel in _first_channels(sheet)), "intensity_mean"]
    for name in settings["features"]:
        if name not in known:
            yield refusal("features", name, f"one of {', '.join(known)} is needed (the channels are those of {here})")
    intervals = sorted(sheet["frame_interval_min"].dropna().unique())
    if len(intervals) > 1:
        found = ", ".join(f"{value:g}" for value in intervals)
        yield refusal("lag", settings["lag"], f"in frames, but the frame intervals in {here} differ ({found} min): one is needed")
    fewest = 20 * len(settings["steps"])  # with fewer no p-value is below 0.05 / steps
    if settings["bootstrap"] < fewest:
        yield refusal("bootstrap", settings["bootstrap"], f"at least {fewest} are needed to judge {len(settings['steps'])} steps")
    empty = sheet[settings["group_by"]].isna()
    if empty.any():
        line = sheet_line(sheet, int(empty.to_numpy().argmax()))
        yield refusal("group_by", settings["group_by"], f"but {settings['group_by']} is empty in {here}: line {line}")
