"""The outcome of cells that have one, so many hours before it: log-loss and balanced accuracy of risks, baselines and published network."""

import numpy as np
import pandas as pd

from cellfate.base.causes import counted
from cellfate.evaluation.risks.forecasts import LEADS, RISKS, Forecasts, at_lead
from cellfate.evaluation.risks.scores import FEWEST
from cellfate.evaluation.risks.tables import FATE_BEFORE
from cellfate.evaluation.scoring import Units
from cellfate.statistics.scores import balanced_accuracy, difference, log_loss


def tabulate_fates(test: Forecasts, units: Units) -> pd.DataFrame:
    """The fate_before table: at each of LEADS the cells that have so many frames before their outcome, the same for all methods."""
    found = []
    for lead in LEADS:
        cells = test.of(at_lead(test.table, lead))
        rows = cells.table.assign(label=cells.table["ended"].astype(int))
        labels = rows["label"].to_numpy(int)
        counts = [int((labels == outcome).sum()) for outcome in (0, 1)]
        key = {"hours_before": lead, "n_trajectories": len(rows), "n_negative": counts[0], "n_positive": counts[1], **units.counts(rows)}
        reason = _too_few(counts, lead, units)
        base = log_loss(labels, cells.base).value if reason is None else np.nan
        for method, odds in cells.fate.items():
            why = reason or ("it says nothing of these cells" if np.isnan(odds).any() else None)
            scores = {"reason": why} if why else _scores(method, labels, cells, rows, units)
            found.append(key | {"method": method, "log_loss_base": base} | scores)
    return pd.DataFrame(found, columns=list(FATE_BEFORE.columns))


def _too_few(counts: list[int], lead: float, units: Units) -> str | None:
    """Why nothing is measured at a number of hours before the outcome."""
    if min(counts) >= FEWEST:
        return None
    rare = units.names[int(np.argmin(counts))]
    long = f"followed for more than crops.min_frames frames up to {lead:g} h before it"
    are = "is" if min(counts) == 1 else "are"
    return f"{counted(min(counts), 'held-out cell')} of {rare} {are} {long}, at least {FEWEST} are needed (split.fractions)"


def _scores(method: str, labels: np.ndarray, cells: Forecasts, rows: pd.DataFrame, units: Units) -> dict:
    odds = cells.fate[method]
    own = log_loss(labels, odds)
    found = units.named("log_loss", own, rows)
    found |= units.named("balanced_accuracy", balanced_accuracy(labels, (odds > cells.base).astype(int)), rows)
    if method != RISKS and not np.isnan(cells.fate[RISKS]).any():
        found |= units.named("lead", difference(own, log_loss(labels, cells.fate[RISKS])), rows)
    return found
