"""What a run says of its held-out cells, from its tables."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.evaluation.sets import held_out_sets, labelled_prefixes
from cellfate.explorer.said import BASELINES, CELL, FEATURES, LINKS, NETWORK, RESTS_ON, RISKS, Said, nothing
from cellfate.model.calibration import called_positive
from cellfate.tracks.doubt.confidence import confidence_until


@dataclass(frozen=True)
class RunTables:
    """The tables of a run, folds and recordings below one another; ``fates``, ``features`` and ``confidence`` may be None."""

    trajectories: pd.DataFrame
    prefixes: pd.DataFrame
    baselines: pd.DataFrame
    attention: pd.DataFrame
    outcomes: pd.DataFrame
    fates: pd.DataFrame | None
    features: pd.DataFrame | None
    confidence: pd.DataFrame | None


def said_of_run(run: RunTables, outcomes: Mapping[str, str], *, unit: str, set_level: float) -> Said:
    """The held-out cells: those with a fate, and those whose risks were predicted.

    ``unit`` is split.unit, ``set_level`` the level of sets; each recording (or group) is judged by the limits that the others give.
    """
    network = _network(run, unit, set_level)
    fates = _held_out(run.fates)
    names = pd.Index(network["trajectory"].unique()).union(fates["trajectory"].unique())
    known = run.trajectories[run.trajectories["trajectory"].isin(names)].reset_index(drop=True)
    rests_on = _held_out(run.attention).rename(columns={"scaled": "attention"})
    return Said(
        cells=_cells(known, network, run.confidence, outcomes),
        network=network[list(NETWORK)],
        risks=fates[list(RISKS)] if len(fates) else nothing(RISKS),
        baselines=_baselines(run.baselines, run.trajectories),
        rests_on=rests_on[list(RESTS_ON)] if len(rests_on) else nothing(RESTS_ON),
        features=_features(run.features, known),
        links=_links(run.confidence, known),
        relatives=run.outcomes,
    )


def _held_out(table: pd.DataFrame | None) -> pd.DataFrame:
    return nothing(("trajectory",)) if table is None else table[table["split"] == "test"]


def _network(run: RunTables, unit: str, set_level: float) -> pd.DataFrame:
    """The test prefixes with their calls and sets, by trajectory and frame."""
    rows = labelled_prefixes(run.prefixes, run.trajectories, unit).sort_values(["trajectory", "n_frames"], ignore_index=True)
    holds = held_out_sets(rows, set_level).holds
    return rows.assign(set=holds[:, 0] + 2 * holds[:, 1], positive=called_positive(rows["logit"].to_numpy(float)))


def _cells(known: pd.DataFrame, network: pd.DataFrame, confidence: pd.DataFrame | None, outcomes: Mapping[str, str]) -> pd.DataFrame:
    """The cells with what is said of them at their last frame."""
    last = network.drop_duplicates("trajectory", keep="last").set_index("trajectory").reindex(known["trajectory"])
    right = (last["positive"].astype("Float64") == last["label"].astype("Float64")).astype("Int64")
    hours = known["trajectory"].map(lead_frames(network)) * known["frame_interval_min"] / 60
    cells = known.assign(
        call=last["positive"].map({True: outcomes["positive"], False: outcomes["negative"]}).to_numpy(),
        right=right.array,
        probability=last["probability"].to_numpy(float),
        set=last["set"].astype("Int64").array,
        lead_hours=hours.to_numpy(float),
        confidence=np.nan if confidence is None else confidence_until(confidence, known, "last_frame").to_numpy(float),
    )
    return cells[list(CELL)]


def lead_frames(network: pd.DataFrame) -> pd.Series:
    """Frames from the first one from which on the call is right to the last one, of trajectories whose last call is right.

    ``network`` has trajectory, frame, label and ``positive`` (the call), sorted by frame.
    """
    right = network["positive"].astype(int) == network["label"]
    wrong_after = (~right)[::-1].groupby(network["trajectory"]).cumsum().sort_index()  # calls that are wrong from here to the end
    stays = network[wrong_after == 0].groupby("trajectory")["frame"].agg(["min", "max"])
    return stays["max"] - stays["min"]


def _baselines(baselines: pd.DataFrame, trajectories: pd.DataFrame) -> pd.DataFrame:
    """At which frame each baseline says what; n frames were dropped. The majority says the same of all."""
    rows = baselines[baselines["method"] != "majority"]
    if rows.empty:
        return nothing(BASELINES)
    last = rows["trajectory"].map(trajectories.set_index("trajectory")["last_frame"])
    rows = rows.assign(frame=last.astype(int) - rows["n"])
    return rows.sort_values(["trajectory", "method", "frame"])[list(BASELINES)]


def _features(features: pd.DataFrame | None, known: pd.DataFrame) -> pd.DataFrame:
    if features is None or features.empty:
        return nothing(FEATURES)
    names = known[["trajectory", "recording", "track_id"]]
    found = features.merge(names, on=["recording", "track_id"], how="inner").drop(columns=["recording", "track_id"])
    numbers = [name for name in found.columns if name != "trajectory" and np.issubdtype(found[name].dtype, np.number)]
    return found[["trajectory", *numbers]].sort_values(["trajectory", "frame"], ignore_index=True)


def _links(confidence: pd.DataFrame | None, known: pd.DataFrame) -> pd.DataFrame:
    if confidence is None:
        return nothing(LINKS)
    names = known[["trajectory", "recording", "track_id"]]
    return confidence.merge(names, on=["recording", "track_id"], how="inner").sort_values(["trajectory", "frame"])[list(LINKS)]
