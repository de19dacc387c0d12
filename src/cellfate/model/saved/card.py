"""The card of an exported model: what was measured, on what, what it has never seen, and for whom it is not meant."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from cellfate.base.files import read_json
from cellfate.model.saved.card_risks import risks_lines

CARD, CARD_TEXT = "card.json", "MODEL_CARD.md"
NETWORK = "network"  # its row among the baselines
SCORES = ("balanced_accuracy", "auroc", "f1_macro", "log_loss")


def seen(trajectories: pd.DataFrame, outcomes: Mapping[str, str]) -> dict:
    """What the members were trained on and chosen by, together: recordings, treatments, lengths, and the cells of either outcome.

    ``hours`` are from a track's first to its last frame.
    """
    frames = trajectories["n_frames"]
    hours = (trajectories["last_frame"] - trajectories["first_frame"]) * trajectories["frame_interval_min"] / 60
    counts = trajectories["outcome"].value_counts()
    return {
        "recordings": sorted(set(trajectories["recording"])),
        "treatments": sorted(set(trajectories["treatment"])),
        "trajectories": {name: int(counts.get(name, 0)) for name in (outcomes["negative"], outcomes["positive"])},
        "n_frames": [int(frames.min()), float(frames.median()), int(frames.max())] if len(frames) else [],
        "hours": [round(float(value), 3) for value in (hours.min(), hours.median(), hours.max())] if len(frames) else [],
    }


def shown_scores(metrics: pd.DataFrame, reliability: pd.DataFrame) -> dict[str, dict]:
    """{score: value, interval where there is one, n, units of each outcome} of the full test trajectories; missing values are null."""
    rows = metrics[(metrics["scope"] == "all") & (metrics["class"] == "all") & metrics["metric"].isin(SCORES)]
    found = {}
    for row in rows.itertuples():
        values = {"value": row.value, "ci_low": row.ci_low, "ci_high": row.ci_high}
        found[row.metric] = {key: None if pd.isna(v) else float(v) for key, v in values.items()} | {"n": int(row.n_trajectories)}
        found[row.metric] |= {"units": [int(row.units_negative), int(row.units_positive)], "method": row.method, "reason": row.reason}
    full = reliability[reliability["condition"] == "full"]
    for stage, one in full.groupby("stage"):
        for score in ("ece", "brier", "brier_skill"):
            value = one[score].iloc[0]
            found[f"{score}_{stage}"] = {"value": None if pd.isna(value) else float(value), "n": int(one["count"].sum())}
    return found


def held_out_line(folder: str | Path) -> str:
    """What a prediction by the exported model in ``folder`` is worth, in a sentence: its held-out score beside its best baseline's."""
    try:
        card = read_json(Path(folder) / CARD)
    except FileNotFoundError:
        return f"How good the model is on held-out cells is not known: its folder has no {CARD}."
    control = "The model learned from outcomes exchanged at random and predicts nothing. " if _control(card) else ""
    own = card.get("held_out", {}).get("balanced_accuracy", {"value": None})
    if own["value"] is None:
        return f"{control}How good the model is on held-out cells was not measured; see its card, {CARD_TEXT}."
    bounded = own.get("ci_low") is not None
    limits = f"{own['ci_low']:.2f} to {own['ci_high']:.2f}" if bounded else f"no interval: {own.get('reason') or 'not known why'}"
    return (
        f"{control}Held-out balanced accuracy of the model {own['value']:.2f} ({limits}), {_beside_best(card)}; see its card, {CARD_TEXT}."
    )


def _beside_best(card: Mapping) -> str:
    rows = card.get("baselines", [])  # cards of 0.1 have none
    simple = [one for one in rows if one["method"] != NETWORK and one["value"] is not None and one["lead"] is not None]
    if not simple:
        return "not compared with simple baselines"
    best = max(simple, key=lambda one: one["value"])
    words = "not better than" if best["lead"] <= 0 else "better than"
    if best["lead"] > 0 and not (best["lead_low"] is not None and best["lead_low"] > 0):
        words = "not shown to be better than"
    return f"{words} the best simple baseline ({best['method'].replace('_', ' ')}, {best['value']:.2f})"


def card_text(card: Mapping) -> str:
    """The card for a reader, in Markdown."""
    negative, positive = card["outcomes"]["negative"], card["outcomes"]["positive"]
    lines = [
        f"# Model of {card['dataset']}, protocol {card['protocol']}",
        "",
        *_control(card),
        f"Gives the probability of {positive} against {negative}, **given that {card['given']}**. That says nothing about whether",
        "either happens: a cell that does neither gets a probability all the same.",
        "",
        f"- {_members_line(card)}",
        f"- channels, in this order: {', '.join(card['channels'])}",
        f"- crop: {card['crop_size']} pixels; pixel size in micrometres: {_listed(card['pixel_sizes_um'])}; frame interval in minutes:"
        f" {_listed(card['frame_intervals_min'])}",
        f"- calibrated from {card['min_frames']} frames on",
        f"- configuration {card['config_digest']}, commit {card['commit'] or 'not known'}, {card['software']}",
        "",
        "## What was measured",
        "",
        *_measured(card),
        "",
        "## Sets of outcomes: when it cannot tell yet",
        "",
        *[f"- {line}" for line in card["sets"]],
        "",
        "## Risks over time",
        "",
        *risks_lines(card),
        "",
        "## What it has seen",
        "",
        *_seen(card),
        "",
        "## What it has never seen",
        "",
        *_never_seen(card),
        "",
        "## Calibration",
        "",
        *_calibrations(card),
    ]
    return "\n".join(lines) + "\n"


def _control(card: Mapping) -> list[str]:
    """What is said before all else of a model that learned from exchanged outcomes."""
    if not any(member["shuffle_labels"] for member in card.get("members", {}).values()):
        return []
    words = "It learned from outcomes that were exchanged at random (training.shuffle_labels), and predicts nothing."
    return [f"**A control, not a model for use. {words}**", ""]


def _members_line(card: Mapping) -> str:
    n = len(card["members"])
    if n == 1:
        return "one network"
    return f"{n} networks, one for each fold; a recording is predicted by those that did not see it in training or validation"


def _measured(card: Mapping) -> list[str]:
    n = len(card["members"])
    one = "Each score is of cells that the network saw neither in training nor in validation."
    several = (
        f"Each member was scored on the cells that it saw neither in training nor in validation, and these scores are pooled over the {n}"
        " members. **The ensemble's own score, on recordings that no member saw, is unmeasured.**"
    )
    units = next((score["units"] for score in card["held_out"].values() if "units" in score), None)
    names = (card["outcomes"]["negative"], card["outcomes"]["positive"])
    have = (
        ""
        if units is None
        else " Recordings or groups with held-out cells: "
        + ", ".join(f"{name} in {count}" for name, count in zip(names, units, strict=True))
    )
    rows = [f"| {name.replace('_', ' ')} | {_shown(score)} | {score['n']} |" for name, score in card["held_out"].items()]
    table = ["| held-out score, whole trajectories | value (95 % interval) | n |", "|---|---:|---:|", *rows]
    return [(one if n == 1 else several) + have + ("." if have else ""), "", *table, "", card["verdict"]]


def _seen(card: Mapping) -> list[str]:
    names, found = (card["outcomes"]["negative"], card["outcomes"]["positive"]), card["seen"]
    rows = []
    for name, member in card["members"].items():
        cells = []
        for part in ("train", "validation", "test"):
            counts = member["trajectories"].get(part, {})
            cells.append(f"{member['recordings'].get(part, 0)}: " + " + ".join(str(counts.get(outcome, 0)) for outcome in names))
        rows.append(f"| {name} | {' | '.join(cells)} |")
    head = f"| recordings: trajectories of {names[0]} + {names[1]} | train | validation | held out |"
    lengths = " to ".join(f"{value:g}" for value in found["n_frames"][::2])
    hours = " to ".join(f"{value:g}" for value in found["hours"][::2])
    imported = [f"- {name} is an imported checkpoint: what it was trained on before is not known here" for name in _imported(card)]
    return [
        f"- {len(found['recordings'])} recordings: {', '.join(found['recordings'])}",
        f"- treatments: {', '.join(found['treatments'])}",
        f"- tracks of {lengths} frames, {hours} h",
        *imported,
        "",
        head,
        "|---|---:|---:|---:|",
        *rows,
    ]


def _imported(card: Mapping) -> list[str]:
    return [name for name, member in card["members"].items() if member["checkpoint_sha256"]]


def _never_seen(card: Mapping) -> list[str]:
    negative, positive = card["outcomes"]["negative"], card["outcomes"]["positive"]
    return [
        f"- treatments other than {', '.join(card['seen']['treatments'])}",
        f"- frame intervals other than {_listed(card['frame_intervals_min'])} min: it counts frames",
        f"- cells that end in neither {negative} nor {positive}, or in nothing before the recording ends",
        "- other cell lines, stains, microscopes and exposures than those of these recordings",
        "",
        "Not for decisions about patients, nor for counting fates where many cells have neither. On recordings of another kind, label some",
        "cells and compare before the numbers are used.",
    ]


def _calibrations(card: Mapping) -> list[str]:
    positive = card["outcomes"]["positive"]
    lines = []
    for name, member in card["members"].items():
        fitted = member["calibration"]
        form = {
            "none": "no calibration",
            "prior": "the prior alone",
            "temperature": f"prior and temperature {fitted['temperature']:.3g}",
            "temperature_by_frames": f"prior and temperature {fitted['temperature']:.3g} x (n / {fitted['reference_frames']:g}) ^"
            f" {fitted['slope']:.3g} for n frames seen, n from {fitted['first_frames']} to {fitted['last_frames']}",
        }[fitted["form"]]
        lines.append(f"- {name}: {form}; called {positive} above {fitted['prior']:.3g}. {fitted['why']}")
    return lines


def _listed(values: Sequence[float]) -> str:
    return " and ".join(f"{value:g}" for value in values) or "not known"


def _shown(score: Mapping) -> str:
    if score["value"] is None:
        return "-"
    limits = [score.get("ci_low"), score.get("ci_high")]
    if None in limits:
        return f"{score['value']:.3f}" + (f" (no interval: {score['reason']})" if score.get("reason") else "")
    return f"{score['value']:.3f} ({limits[0]:.3f} to {limits[1]:.3f})"
