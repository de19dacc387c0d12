"""The part of a model's card that is about its networks of risks."""

from collections.abc import Mapping

from cellfate.model.saved.members import MEMBERS

PARTS = ("train", "validation", "test")
RESTS_ON = {"hours_of_track": "hours since the track began", "hours_of_film": "hours since the drug came, or else the film began"}


def risks_lines(card: Mapping) -> list[str]:
    """The section in Markdown; of a model without risks, what that means."""
    negative, positive = card["outcomes"]["negative"], card["outcomes"]["positive"]
    risks = card.get("risks")
    if risks is None:
        return [f"None: this model says nothing of whether {negative} or {positive} comes, nor when."]
    *others, last = [f"{value:g}" for value in risks["horizons_hours"]]
    hours = f"{', '.join(others)} and {last}" if others else last
    return [
        f"Other networks give, at each frame of a track, the probability of {negative} and of {positive} within {hours} hours, for",
        "cells in which neither may happen. They learned from all tracks, those without an event too.",
        "",
        f"- {_networks(risks)}",
        f"- they rest on {_inputs(risks)}",
        *_needed(risks),
        f"- values where more than {risks['min_frames']} frames are seen; no training track was followed for longer than"
        f" {risks['followed_hours']:g} hours after its first frame with a value, and nothing is said of what lies farther ahead",
        "",
        *_table(risks, negative, positive),
        "",
        *_measured(risks, negative, positive),
        "",
        "Not for cells that are lost because they die: a lost cell counts as any other alive. Not where the drug comes at another hour",
        "than in training, if hours are among the inputs. Nor for tracks that begin for other reasons than those of the training.",
    ]


def _networks(risks: Mapping) -> str:
    n, each = len(risks[MEMBERS]), len(next(iter(risks[MEMBERS].values()))["weights_sha256"])
    of_fold = f"{each} networks, of which the mean is the prediction"
    return of_fold if n == 1 else f"{of_fold}, in each of {n} folds; a recording is predicted by the folds that did not see it"


def _inputs(risks: Mapping) -> str:
    said = ["intensities in rings around the cell", *(words for key, words in RESTS_ON.items() if risks["inputs"][key])]
    said += ["features of the outline"] * bool(risks["inputs"]["features"])
    said += [f"{risks['embedding']} numbers from a table of the user"] * bool(risks["embedding"])
    return ", ".join(said)


def _needed(risks: Mapping) -> list[str]:
    """What new recordings must bring besides frames and tracks."""
    outlines = (
        "- new recordings need outlines of all tracks, by the segmentation of the training and at its pixel size: `snakemake predict` with"
        " `segmentation: {tracks: all}` makes them; `cellfate predict` refuses this model"
    )
    table = "- new recordings need that table too: `risks: {embedding: table.parquet}`, or `cellfate predict --embedding`"
    return [outlines] * bool(risks["inputs"]["features"]) + [table] * bool(risks["embedding"])


def _table(risks: Mapping, negative: str, positive: str) -> list[str]:
    rows = []
    for name, one in risks[MEMBERS].items():
        cells = [_cells(one["recordings"][part], one["parts"][part]) for part in PARTS]
        rows.append(f"| {name} | {' | '.join(cells)} | {_listed(one['val_loss'])} |")
    head = f"| recordings: tracks ({negative} + {positive}) | train | validation | held out | loss in validation |"
    return [head, "|---|---:|---:|---:|---:|", *rows]


def _cells(recordings: int, counts: Mapping[str, int]) -> str:
    return f"{recordings}: {counts['tracks']} ({counts['negative']} + {counts['positive']})"


def _measured(risks: Mapping, negative: str, positive: str) -> list[str]:
    """Scores of held-out tracks, and what they are of."""
    head = f"| within | skill over a clock (95 % interval) | AUC of {negative} | AUC of {positive} | tracks | frames | units |"
    rows = [
        f"| {one['horizon_hours']:g} h | {_shown(one, 'skill')} | {_shown(one, 'auc_negative')} | {_shown(one, 'auc_positive')} |"
        f" {one['n_tracks']} | {one['n_landmarks']} | {one['units']}: {one['units_negative']} + {one['units_positive']} |"
        for one in risks["scores"]
    ]
    table = [head, "|---|---:|---:|---:|---:|---:|---:|", *rows] if rows else ["No score: no held-out track was followed for as long."]
    return [
        "Measured on held-out tracks at all their frames, each by the fold that did not see it. Skill is 1 less the Brier score as a",
        "share of that of a clock, which knows the hour and the treatment alone. Units are recordings or groups, and those with an event",
        "of either kind.",
        "",
        *table,
        "",
        "The loss in validation is the mean negative log-likelihood of what was seen after a frame, of each network. Its weights were",
        "chosen by it, so that it flatters. **The mean of several folds, on recordings that none of them saw, is unmeasured.**",
    ]


def _shown(score: Mapping, name: str) -> str:
    value, low, high = (score[f"{name}{limit}"] for limit in ("", "_low", "_high"))
    if value is None:
        return "-"
    if low is None or high is None:
        return f"{value:.3f}" + (f" (no interval: {reason})" if (reason := score[f"{name}_reason"]) else "")
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:.3g}" for value in values)
