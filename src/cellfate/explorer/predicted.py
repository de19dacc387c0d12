"""What a model predicts of the cells of new recordings, as a page of single cells: their crops are cut for it, and not kept."""

import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.crops.extraction import extract_crops
from cellfate.explorer.cells import choose_cells, how_many
from cellfate.explorer.fields import field_frames
from cellfate.explorer.said import CELL, NETWORK, RISKS, Said, nothing, nothing_said
from cellfate.explorer.write import PageSettings, write_chosen
from cellfate.frames.reader import Frames
from cellfate.model.saved.card import held_out_line
from cellfate.model.saved.exported import crop_size, read_settings
from cellfate.tracks.tables import CENSORED, NO_EVENT

NOTE = "Predictions of new recordings: nothing on this page was compared with what the cells did."
CONDITIONAL = (
    "Probabilities of the network are conditional: given that the cell ends in one of the two outcomes; nothing in them says that it will."
)
SEEN = "In training or validation of every member of the model, so that their probabilities are too good: {}."


@dataclass(frozen=True)
class PredictedRecording:
    """A recording with what is predicted of it; ``frames`` opens its frames.

    ``tracks`` and ``outcomes`` are the declared tables, ``predictions`` the table FATE_PREDICTIONS (None: the model has no published
    network), ``fates`` the table NEW_FATES.
    """

    name: str
    frames: Callable[[], Frames]
    tracks: pd.DataFrame
    outcomes: pd.DataFrame
    predictions: pd.DataFrame | None
    fates: pd.DataFrame
    frame_interval_min: float
    pixel_size_um: float | None
    treatment_start_h: float | None
    treatment: str | None


def write_predicted_explorer(
    path: str | Path,
    title: str,
    recordings: Sequence[PredictedRecording],
    model_folder: str | Path,
    *,
    notes: Sequence[str],
    corrections: Sequence[Mapping] | None,
    settings: PageSettings,
) -> None:
    """Write the page of the cells of ``recordings`` of which the exported model says something; ``corrections`` as in
    :func:`cellfate.explorer.write.write_explorer`. Raises InputError where it says nothing of any.
    """
    path, model = Path(path), read_settings(model_folder)
    outcomes = model["outcomes"]
    said = said_of_predictions(recordings, outcomes)
    if said.cells.empty:
        raise InputError(f"{model_folder}: the model says nothing of any cell of {', '.join(one.name for one in recordings)}")
    chosen, _ = choose_cells(said.cells, (), settings.max_cells, settings.seed)
    words = [how_many("of which something is predicted", len(said.cells), len(chosen), settings.seed)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".explorer-", dir=path.parent) as folder:
        wanted = [one for one in recordings if (chosen["recording"] == one.name).any()]
        crops = [_cut(one, chosen, model, settings.fields, Path(folder)) for one in wanted]
        sheet = {one.name: _facts(one, outcomes.values()) for one in recordings}
        texts = [NOTE, held_out_line(model_folder), *_cautions(recordings), *notes]
        how = {"outcomes": outcomes, "notes": texts, "corrections": corrections, "settings": settings}
        write_chosen(path, None, title, said, chosen, words, crops, sheet, **how)


def _facts(one: PredictedRecording, ends: Collection[str]) -> dict[str, float | None]:
    """What the page needs to know of a recording; ``fated``: any of its tracks has an outcome of those, or another event."""
    eventless = {NO_EVENT, CENSORED} - set(ends)
    fated = not one.outcomes["outcome"].isin(eventless).all()
    return {"frame_interval_min": one.frame_interval_min, "treatment_start_h": one.treatment_start_h, "fated": fated}


def _cautions(recordings: Sequence[PredictedRecording]) -> list[str]:
    tables = {one.name: one.predictions for one in recordings if one.predictions is not None}
    seen = [name for name, table in tables.items() if (table["seen_in_training"] == "yes").any()]
    return [CONDITIONAL] * bool(tables) + [SEEN.format(", ".join(seen))] * bool(seen)


def _cut(one: PredictedRecording, chosen: pd.DataFrame, model: Mapping, fields: int, folder: Path) -> Path:
    """The crops of the chosen cells, and of all others in the frames that show the surroundings, as a crop file."""
    wanted = one.tracks["track_id"].isin(chosen.loc[chosen["recording"] == one.name, "track_id"])
    around = one.tracks["frame"].isin(field_frames(one.tracks.loc[wanted, "frame"], fields))
    path = folder / f"{one.name}.h5"
    extract_crops(
        one.frames(),
        one.tracks[wanted | around],
        one.outcomes,
        path,
        recording=one.name,
        size=crop_size(model, one.pixel_size_um, f"recording {one.name}"),
        which="all",
        outcomes_wanted=(),
        min_frames=0,
        frame_interval_min=one.frame_interval_min,
        pixel_size_um=one.pixel_size_um,
    )
    return path


def said_of_predictions(recordings: Sequence[PredictedRecording], outcomes: Mapping[str, str]) -> Said:
    """The cells of which anything is predicted; none of them is right or wrong."""
    parts = [_said_of_one(one, outcomes) for one in recordings]
    tables = {
        name: [getattr(part, name) for part in parts if len(getattr(part, name))] for name in ("cells", "network", "risks", "relatives")
    }
    empty = nothing_said(nothing(CELL), parts[0].relatives.iloc[:0])
    found = {name: pd.concat(own, ignore_index=True) if own else getattr(empty, name) for name, own in tables.items()}
    return Said(**{**vars(empty), **found})


def _said_of_one(one: PredictedRecording, outcomes: Mapping[str, str]) -> Said:
    names = f"{one.name}/" + one.outcomes["track_id"].astype(str)
    network = nothing(NETWORK) if one.predictions is None else _network(one, outcomes)
    fates = one.fates[one.fates["horizon_hours"].notna()]
    known = one.outcomes.assign(trajectory=names, treatment=one.treatment, dose=None)
    known = known[known["trajectory"].isin({*network["trajectory"], *fates["trajectory"]})].reset_index(drop=True)
    last = network.drop_duplicates("trajectory", keep="last").set_index("trajectory").reindex(known["trajectory"])
    cells = known.assign(
        call=last["call"].to_numpy(object) if "call" in last else None,
        right=pd.array([pd.NA] * len(known), dtype="Int64"),
        probability=last["probability"].to_numpy(float),
        set=last["set"].astype("Int64").array,
        lead_hours=np.nan,
        confidence=np.nan,
    )
    empty = nothing_said(cells[list(CELL)], one.outcomes)
    return Said(**{**vars(empty), "network": network[list(NETWORK)], "risks": fates[list(RISKS)] if len(fates) else nothing(RISKS)})


def _network(one: PredictedRecording, outcomes: Mapping[str, str]) -> pd.DataFrame:
    """The rows of NETWORK and the call at each frame; a set as :class:`Said` codes it."""
    rows = one.predictions.sort_values(["track_id", "frame"], ignore_index=True)
    held = rows["set"].str.split("|", regex=False)
    codes = [1 * (outcomes["negative"] in own) + 2 * (outcomes["positive"] in own) for own in held]
    return pd.DataFrame(
        {
            "trajectory": f"{one.name}/" + rows["track_id"].astype(str),
            "frame": rows["frame"],
            "probability": rows[f"probability_{outcomes['positive']}"],
            "set": codes,
            "call": rows["call"],
        }
    )
