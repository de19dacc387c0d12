"""What the network says of trajectories while they go on: from their first n frames alone, for many n.

Every call of the network has a shape that depends on n alone (``BLOCK`` rows, padded to the next multiple of ``BLOCK`` frames), so the
logit of n frames is the same, bit for bit, whichever other lengths or trajectories are predicted, and whether the track goes on or
stops there. So it is on one thread of the CPU, where a row does not depend on its place in a block; more threads, or a GPU, may change
last bits.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from scipy.special import expit

from cellfate.base.progress import progress
from cellfate.model.calibration import Calibration, fit_calibration
from cellfate.model.embedding_file import EmbeddingFile
from cellfate.model.inference import GROUP, kept_frames, members_of_fold, predict
from cellfate.model.network import FateModel
from cellfate.model.tables import PREDICTIONS, PREFIXES

BLOCK = 16  # prefixes in one call of the transformer, and the step by which padded lengths grow


def prefix_logits(model: FateModel, embeddings: Sequence[np.ndarray], lengths: Sequence[Sequence[int]]) -> list[np.ndarray]:
    """Logits of the first n frames of each of ``embeddings`` ((T, D) each), for each n of its own ``lengths`` (each at most T)."""
    logits = [np.empty(len(own)) for own in lengths]
    wanted: dict[int, list[tuple[int, int, int]]] = {}
    for i, own in enumerate(lengths):
        for place, n in enumerate(own):
            wanted.setdefault(-(-int(n) // BLOCK) * BLOCK, []).append((i, place, int(n)))
    device = model.class_token.device
    with torch.inference_mode():
        for padded, rows in sorted(wanted.items()):
            for start in range(0, len(rows), BLOCK):
                block = rows[start : start + BLOCK]
                frames = torch.zeros(BLOCK, padded, model.settings.features)
                sizes = torch.ones(BLOCK, dtype=torch.long)
                for row, (i, _, n) in enumerate(block):
                    frames[row, :n], sizes[row] = torch.as_tensor(embeddings[i][:n]), n
                found = model.classify(frames.to(device), sizes.to(device))[0].double().cpu().numpy()
                for value, (i, place, _) in zip(found, block, strict=False):  # the rest of a block is filler
                    logits[i][place] = value
    return logits


def prefix_lengths(n_frames: int, min_frames: int, every: int) -> range:
    """The numbers of frames that a track of ``n_frames`` is predicted from: ``min_frames``, and every ``every``-th after it."""
    return range(min_frames, n_frames + 1, every)


def predict_prefixes(
    model: FateModel,
    embeddings: EmbeddingFile,
    trajectories: pd.DataFrame,
    split: pd.DataFrame,
    fold: int,
    *,
    truncation: Sequence[int],
    min_frames: int,
    every: int,
    calibration: bool,
) -> tuple[pd.DataFrame, Calibration]:
    """The prefixes table of one fold, and the calibration that is fitted on its validation rows.

    Validation, test and unlabelled trajectories of ``embeddings`` are predicted at :func:`prefix_lengths`, in full and, those with a
    label, without their last n frames for each n of ``truncation`` that applies. Without ``calibration`` probabilities stay raw.
    Raises InputError when the fold's training part is of one outcome.
    """
    known = members_of_fold(embeddings.trajectories, trajectories, split, fold)
    known = known[known["split"] != "train"].reset_index(drop=True)
    tables = []
    for start in progress(range(0, len(known), GROUP), f"predict_prefixes fold {fold}", unit="group"):
        rows = list(known.iloc[start : start + GROUP].itertuples())
        read = [embeddings.read(row.trajectory) for row in rows]
        steps = [() if row.split == "unlabelled" else truncation for row in rows]
        lengths = [_lengths(len(frames), own, min_frames, every) for (frames, _), own in zip(read, steps, strict=True)]
        logits = prefix_logits(model, [vectors for _, vectors in read], lengths)
        for row, (frames, _), n, found in zip(rows, read, lengths, logits, strict=True):
            tables.append(pd.DataFrame({"row": row.Index, "n_frames": n, "frame": frames[np.array(n) - 1], "logit": found}))
    columns = {"row": int, "n_frames": int, "frame": int, "logit": float}
    found = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(columns)).astype(columns)
    table = found.merge(known.assign(fold=fold), left_on="row", right_index=True, how="left")
    fitted = _fitted(table, trajectories, split, fold, min_frames) if calibration else Calibration()
    probability = fitted.probability(table["logit"].to_numpy(), table["n_frames"].to_numpy())
    return table.assign(probability=probability)[list(PREFIXES.columns)], fitted


def _lengths(n_frames: int, truncation: Sequence[int], min_frames: int, every: int) -> list[int]:
    kept = [kept_frames(n_frames, "truncation", n, min_frames) for n in truncation]
    return sorted({n_frames, *prefix_lengths(n_frames, min_frames, every), *(span[1] for span in kept if span)})


def _fitted(table: pd.DataFrame, trajectories: pd.DataFrame, split: pd.DataFrame, fold: int, min_frames: int) -> Calibration:
    training = split.loc[(split["fold"] == fold) & (split["split"] == "train"), "trajectory"]
    known = trajectories.set_index("trajectory")
    validation = table[(table["split"] == "validation") & (table["n_frames"] >= min_frames)]
    validation = validation.assign(lineage=validation["trajectory"].map(known["lineage"]))
    return fit_calibration(validation, known["label"].reindex(training).dropna().to_numpy(float))


def predict_trajectories(
    model: FateModel,
    embeddings: EmbeddingFile,
    trajectories: pd.DataFrame,
    split: pd.DataFrame,
    fold: int,
    *,
    prefixes: pd.DataFrame,
    calibration: Calibration,
    truncation: Sequence[int],
    last_k: Sequence[int],
    treatment: str | None,
    min_frames: int,
) -> pd.DataFrame:
    """The predictions table of one fold, with the logits of ``prefixes``, the table of :func:`predict_prefixes`, where it has them.

    Every trajectory of ``embeddings`` is predicted in full; those of the test part in recordings of ``treatment`` (None: all) also
    without their last n frames for each n of ``truncation``, and from their last k frames alone.
    """
    known = members_of_fold(embeddings.trajectories, trajectories, split, fold)
    tested = known[(known["split"] == "test") & ((known["treatment"] == treatment) if treatment is not None else True)]
    lengths = {name: len(embeddings.read(name)[0]) for name in known["trajectory"]}
    rows = [(name, "full", 0, lengths[name]) for name in known["trajectory"]]
    for name in tested["trajectory"]:
        kept = ((n, kept_frames(lengths[name], "truncation", n, min_frames)) for n in truncation)
        rows += [(name, "truncation", n, span[1]) for n, span in kept if span]
    shortened = pd.DataFrame(rows, columns=["trajectory", "condition", "n", "n_frames"])
    shortened["logit"] = _looked_up(shortened, prefixes, model, embeddings)
    conditions = [("last_k", k) for k in last_k]
    ends = predict(model, embeddings.read, tested["trajectory"], conditions, min_frames=min_frames, label="predict_trajectories last k")
    rows = pd.concat([table for table in (shortened, ends) if len(table)], ignore_index=True) if len(shortened) else shortened
    rows = rows.merge(known, on="trajectory", how="left").assign(fold=fold)
    logits = rows["logit"].to_numpy(float)
    probability = calibration.probability(logits, rows["n_frames"].to_numpy(float))
    return rows.assign(probability=probability, probability_raw=expit(logits))[list(PREDICTIONS.columns)]


def _looked_up(rows: pd.DataFrame, prefixes: pd.DataFrame, model: FateModel, embeddings: EmbeddingFile) -> list[float]:
    """The logit of each of ``rows`` (trajectory, n_frames); of those that ``prefixes`` lacks (training trajectories) by a pass."""
    known: Mapping = prefixes.set_index(["trajectory", "n_frames"])["logit"].to_dict()
    wanted = list(zip(rows["trajectory"], rows["n_frames"], strict=True))
    missing = list(dict.fromkeys(key for key in wanted if key not in known))
    for start in range(0, len(missing), GROUP):
        group = missing[start : start + GROUP]
        found = prefix_logits(model, [embeddings.read(name)[1] for name, _ in group], [[n] for _, n in group])
        known |= {key: own[0] for key, own in zip(group, found, strict=True)}
    return [known[key] for key in wanted]
