"""The limits of sets of outcomes as a file: fitted by the evaluation, carried by the exported model, used on new recordings."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from cellfate.base.files import load_json, write_json
from cellfate.statistics.conformal import BandedLimits, ClassLimit

SETS, NEITHER = "sets.json", "neither"


def save_sets(limits: BandedLimits | None, level: float, path: str | Path) -> None:
    """Write the limits, which may be none, and the ``level`` that was asked for."""
    bands = [] if limits is None else zip(limits.first_frames, limits.limits, strict=True)
    found = [{"first_frames": first, "limits": [_known(asdict(limit)) for limit in both]} for first, both in bands]
    write_json({"level": level, "bands": found}, path)


def read_sets(path: str | Path) -> BandedLimits | None:
    """What :func:`save_sets` wrote; None where there are no limits, or no such file, as in models that were exported before."""
    path = Path(path)
    bands = load_json(path)["bands"] if path.is_file() else []
    if not bands:
        return None
    limits = tuple(tuple(_limit(**limit) for limit in band["limits"]) for band in bands)
    return BandedLimits(tuple(band["first_frames"] for band in bands), limits)


def promises(path: str | Path, names: tuple[str, str]) -> list[str]:
    """What the sets of a file promise for each outcome, in words; that of its weakest band."""
    limits = read_sets(path)
    if limits is None:
        return ["No sets of outcomes: no held-out cell was there to fit them."]
    found = []
    for label, name in enumerate(names):
        bands = [band[label] for band in limits.limits]
        weakest = min(bands, key=lambda limit: -1 if np.isnan(limit.level) else limit.level)
        said = f"{weakest.reason}; every set holds it" if weakest.reason else f"promised in {weakest.level:.0%} of its cells"
        found.append(
            f"{name}: {said}, from {weakest.n_units} held-out {'recording or group' if weakest.n_units == 1 else 'recordings or groups'}"
        )
    return found


def _known(limit: dict) -> dict:
    """JSON has no NaN and no infinity: null stands for both."""
    return limit | {name: value if np.isfinite(value := limit[name]) else None for name in ("level", "threshold")}


def _limit(n_units: int, level: float | None, threshold: float | None, reason: str | None) -> ClassLimit:
    return ClassLimit(n_units, np.nan if level is None else level, np.inf if threshold is None else threshold, reason)


def set_words(holds: np.ndarray, names: tuple[str, str]) -> list[str]:
    """The set of each cell in words, ``holds`` (N, 2): an outcome, both with a bar between them, or NEITHER."""
    words = {(True, False): names[0], (False, True): names[1], (True, True): f"{names[0]}|{names[1]}", (False, False): NEITHER}
    return [words[bool(first), bool(second)] for first, second in holds]
