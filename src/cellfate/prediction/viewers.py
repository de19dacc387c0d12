"""Predictions in the files that viewers read: GEFF graphs and napari's tracks. All tracks are in them, also those without a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.files import replacing
from cellfate.base.software import SOFTWARE
from cellfate.model.saved.exported import outcome_columns, read_settings, statement
from cellfate.prediction.ensemble import SPREAD
from cellfate.prediction.viewer_images import related_objects
from cellfate.tracks.links import track_edges


def with_probabilities(
    tracks: pd.DataFrame, predictions: pd.DataFrame | None, outcomes: Mapping[str, str], risks: pd.DataFrame | None
) -> pd.DataFrame:
    """Every row of ``tracks``, sorted by track and frame, with what is said of it, NaN where there is nothing.

    ``predictions`` are those of the published network, ``risks`` a table of :func:`risks_by_frame`; None where the model has none.
    """
    said = [] if predictions is None else [predictions[["track_id", "frame", *said_columns(outcomes)]]]
    for table in [*said, *([] if risks is None else [risks])]:
        tracks = tracks.merge(table, on=["track_id", "frame"], how="left", validate="one_to_one")
    return tracks.sort_values(["track_id", "frame"], ignore_index=True)


def said_columns(outcomes: Mapping[str, str]) -> list[str]:
    """The columns of predictions that viewers show."""
    return ["n_frames_seen", *outcome_columns(outcomes), "call", "set", *SPREAD, "seen_in_training"]


def risks_by_frame(fates: pd.DataFrame, outcomes: Mapping[str, str]) -> pd.DataFrame | None:
    """The table NEW_FATES with one row per track and frame: a column for each number of hours and outcome; None of a model without risks.

    Columns track_id, frame, and for 5 hours ``mitosis_within_5h``, ``apoptosis_within_5h``, ``mitosis_given_event_5h`` and so on.
    """
    if not len(fates) or fates["horizon_hours"].isna().all():
        return None
    names = {"negative": f"{outcomes['negative']}_within", "positive": f"{outcomes['positive']}_within"}
    names["positive_given_event"] = f"{outcomes['positive']}_given_event"
    wide = fates.pivot(index=["track_id", "frame"], columns="horizon_hours", values=list(names))
    wide = wide.swaplevel(axis="columns").sort_index(axis="columns")
    wide.columns = [f"{names[value]}_{hours:g}h" for hours, value in wide.columns]
    return wide.reset_index()


def write_viewer_files(
    tracks: pd.DataFrame,
    predictions: pd.DataFrame | None,
    fates: pd.DataFrame,
    model_folder: str | Path,
    geff: str | Path,
    napari: str | Path,
    *,
    frame_interval_min: float,
    pixel_size_um: float | None,
    images: str | Path | None,
) -> None:
    """Write the tracks of one recording with what an exported model says of them as a GEFF folder and as napari's tracks.

    ``predictions`` are None where the model has networks of risks alone, ``images`` is the folder of :func:`write_viewer_images`, None
    where there is none.
    """
    outcomes = read_settings(model_folder)["outcomes"]
    risks = risks_by_frame(fates, outcomes)
    write_napari_tracks(tracks, predictions, risks, napari, outcomes)
    scales = {"frame_interval_min": frame_interval_min, "pixel_size_um": pixel_size_um}
    write_geff(tracks, predictions, risks, geff, outcomes, **scales, images=images)


def write_napari_tracks(
    tracks: pd.DataFrame, predictions: pd.DataFrame | None, risks: pd.DataFrame | None, path: str | Path, outcomes: Mapping[str, str]
) -> None:
    """Write ``track_id, t, y, x, parent``, then the properties; t in frames, y and x in pixels, parent empty where there is none."""
    rows = with_probabilities(tracks, predictions, outcomes, risks).rename(columns={"frame": "t", "parent_id": "parent"})
    columns = ["track_id", "t", "y", "x", "parent"]
    if predictions is not None:
        rows = rows.assign(n_frames_seen=rows["n_frames_seen"].astype("Int64"), given=statement(outcomes))
        columns += said_columns(outcomes)
    with replacing(path) as temporary:
        rows[[*columns, *_names(risks), *["given"] * (predictions is not None)]].to_csv(temporary, index=False)


def _names(risks: pd.DataFrame | None) -> list[str]:
    return [] if risks is None else [name for name in risks.columns if name not in ("track_id", "frame")]


def write_geff(
    tracks: pd.DataFrame,
    predictions: pd.DataFrame | None,
    risks: pd.DataFrame | None,
    path: str | Path,
    outcomes: Mapping[str, str],
    frame_interval_min: float,
    pixel_size_um: float | None,
    images: str | Path | None,
) -> None:
    """Write a GEFF folder (zarr format 2): a node per track and frame, with t, y, x, track_id, the predictions and the risks.

    Edges are those of :func:`track_edges`. Nodes count from 1, as 0 is the background where viewers paint labels by them. The arrays in
    the folder ``images`` are its related objects.
    Positions are in frames and pixels; the axes carry their scale to minutes and, where it is known, micrometres. Values that are
    not there are marked missing. What the probabilities are conditional on is in the properties' descriptions and in ``extra``.
    """
    from geff.core_io import write_arrays
    from geff_spec import Axis, DisplayHint, GeffMetadata, PropMetadata, RelatedObject

    rows = with_probabilities(tracks, predictions, outcomes, risks)
    space = {} if pixel_size_um is None else {"scale": pixel_size_um, "scaled_unit": "micrometer"}
    places = [Property("t", rows["frame"], dtype=np.int64), Property("y", rows["y"]), Property("x", rows["x"])]
    said = [] if predictions is None else _said_by_network(rows, outcomes)
    said += [Property(name, rows[name], _said_of_risk(name), np.float64, rows[name].isna().to_numpy()) for name in _names(risks)]
    properties = {one.name: one.arrays for one in [*places, Property("track_id", rows["track_id"], dtype=np.int64), *said]}
    given = {} if predictions is None else {"probabilities_given": statement(outcomes)}
    edges = track_edges(rows)
    metadata = GeffMetadata(
        directed=True,
        axes=[
            Axis(name="t", type="time", unit="frame", scale=frame_interval_min, scaled_unit="minute"),
            Axis(name="y", type="space", unit="pixel", **space),
            Axis(name="x", type="space", unit="pixel", **space),
        ],
        node_props_metadata={one.name: PropMetadata(identifier=one.name, dtype=one.kind, description=one.text) for one in said},
        edge_props_metadata={},
        track_node_props={"tracklet": "track_id"} if _are_tracklets(rows, edges) else None,
        related_objects=None if images is None else [RelatedObject(**one) for one in related_objects(images, path)],
        display_hints=DisplayHint(display_horizontal="x", display_vertical="y", display_time="t"),
        extra={"cellfate": {"software": SOFTWARE, **given}},
    )
    with replacing(path) as temporary:
        nodes = np.arange(1, len(rows) + 1, dtype=np.uint64)
        write_arrays(temporary, nodes, properties, edges + np.uint64(1), {}, metadata, zarr_format=2)


def _are_tracklets(rows: pd.DataFrame, edges: np.ndarray) -> bool:
    """Whether tracks are what GEFF calls tracklets: none goes on beside a daughter, and no mother has one daughter alone."""
    if not len(edges):
        return True
    track, followers = rows["track_id"].to_numpy(), np.bincount(edges[:, 0].astype(np.int64), minlength=len(rows))[edges[:, 0]]
    within = track[edges[:, 0]] == track[edges[:, 1]]
    return bool(np.all(followers[within] == 1) and np.all(followers[~within] > 1))


@dataclass(frozen=True)
class Property:
    """A property of nodes: its values, in words what they are, their type in the file, and which are missing (None: none is)."""

    name: str
    values: pd.Series
    text: str = ""
    dtype: type = np.float64
    missing: np.ndarray | None = None

    @property
    def kind(self) -> str:
        """The type as GEFF names it."""
        return "str" if self.dtype is str else np.dtype(self.dtype).name

    @property
    def arrays(self) -> dict[str, np.ndarray | None]:
        """As GEFF writes them; what stands at a missing value is not read."""
        filler = {str: "", np.int64: 0}.get(self.dtype, np.nan)
        return {"values": self.values.fillna(filler).to_numpy(self.dtype), "missing": self.missing}


def _said_by_network(rows: pd.DataFrame, outcomes: Mapping[str, str]) -> list[Property]:
    unknown, given = rows["n_frames_seen"].isna().to_numpy(), statement(outcomes)
    seen = Property("n_frames_seen", rows["n_frames_seen"], "frames of the track up to this one", np.int64, unknown)
    texts = {name: name.removeprefix("probability_") for name in outcome_columns(outcomes)}
    texts = {name: f"probability of {one}, given that {given}, from the frames of the track up to this one" for name, one in texts.items()}
    texts |= _said_of_members(outcomes)
    words = {name: str if rows[name].dtype == object else np.float64 for name in texts}
    return [seen, *(Property(name, rows[name], text, words[name], unknown) for name, text in texts.items())]


def _said_of_risk(name: str) -> str:
    """The description of a column of :func:`risks_by_frame`."""
    what, hours = name.removesuffix("h").rsplit("_", 1)
    if what.endswith("_given_event"):
        return f"probability of {what.removesuffix('_given_event')}, given that an event comes within {hours} hours"
    return f"probability of {what.removesuffix('_within')} within {hours} hours, before the other outcome; neither may come"


def _said_of_members(outcomes: Mapping[str, str]) -> dict[str, str]:
    """Further properties of a node and their descriptions."""
    positive = f"probability of {outcomes['positive']} by the member of the model that gives the"
    return {
        "call": f"{outcomes['positive']} where its probability exceeds its share in training, else {outcomes['negative']}",
        "set": "the outcomes that cannot be excluded at the level that the model's card names; both: cannot tell yet",
        **{name: f"{positive} {word}" for name, word in zip(SPREAD, ("lowest", "highest"), strict=True)},
        "seen_in_training": "whether the recording was in the training or validation part of the model: then the values are optimistic",
    }
