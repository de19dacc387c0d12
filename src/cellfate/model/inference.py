"""Predictions and attention from cached frame embeddings: the part of evaluation that runs the network (never the ResNet)."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from cellfate.base.errors import InputError
from cellfate.base.progress import progress
from cellfate.model.attention_rows import attention_rows
from cellfate.model.network import FateModel, device_for
from cellfate.model.occlusion import BATCH_TOKENS, occlusion
from cellfate.model.saved.folder import load_model

Read = Callable[[str], tuple[np.ndarray, np.ndarray]]  # trajectory -> frames (T,), embeddings (T, D)
GROUP = 64  # trajectories in memory at once


def kept_frames(n_frames: int, condition: str, n: int, min_frames: int) -> tuple[int, int] | None:
    """First and one past the last frame (as positions) that a condition keeps of ``n_frames``; None where it does not apply.

    ``truncation`` drops the last n and needs more than max(min_frames, n) frames. ``last_k`` keeps the last n, or the whole
    trajectory where it is shorter: the published recalls at every k are multiples of 1/243 and 1/242, so all test trajectories
    are in at each k.
    """
    if condition == "truncation":
        return (0, n_frames - n) if n_frames > max(min_frames, n) else None
    if condition == "last_k":
        return (max(0, n_frames - n), n_frames)
    if condition == "full":
        return (0, n_frames)
    raise InputError(f"condition is {condition!r}; full, truncation or last_k is needed")


def classify_sequences(model: FateModel, sequences: Sequence[np.ndarray | Tensor]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Logits (N,) and attention ((T_i,) each) of N embedding sequences (T_i, D), batched by similar length.

    Runs on the model's device, in evaluation mode; sequences that lie there already are not copied. Equal to one sequence at a
    time but for rounding.
    """
    device = next(model.parameters()).device
    logits, attention = np.empty(len(sequences)), [np.empty(0)] * len(sequences)
    lengths = np.array([len(sequence) for sequence in sequences])
    order = np.argsort(-lengths, kind="stable")
    model.eval()
    start = 0
    with torch.inference_mode():
        while start < len(order):
            batch = order[start : start + max(1, BATCH_TOKENS // lengths[order[start]])]
            padded = pad_sequence([torch.as_tensor(sequences[i], device=device) for i in batch], batch_first=True)
            found, weights = model.classify(padded, torch.as_tensor(lengths[batch], device=device))
            logits[batch] = found.double().cpu().numpy()
            for i, row in zip(batch, weights.double().cpu().numpy(), strict=True):
                attention[i] = row[: lengths[i]]
            start += len(batch)
    return logits, attention


def predict(
    model: FateModel,
    read: Read,
    trajectories: Iterable[str],
    conditions: Sequence[tuple[str, int]] = (("full", 0),),
    *,
    min_frames: int,
    label: str = "predict",
) -> pd.DataFrame:
    """Rows (trajectory, condition, n, n_frames, logit) for each trajectory and each condition that applies to it.

    ``n_frames`` is the number of frames the network saw; positions are counted within them. Frames that several conditions
    share are classified once.
    """
    names = list(trajectories)
    device = next(model.parameters()).device
    found_rows = []
    for start in progress(range(0, len(names), GROUP), label, unit="group"):
        group = names[start : start + GROUP]
        embeddings = [torch.as_tensor(read(name)[1], device=device) for name in group]  # once, for all conditions
        rows = [
            (i, condition, n, kept_frames(len(embeddings[i]), condition, n, min_frames))
            for i in range(len(group))
            for condition, n in conditions
        ]
        rows = [row for row in rows if row[3] is not None]
        spans = sorted({(i, span) for i, _, _, span in rows})
        logits, _ = classify_sequences(model, [embeddings[i][first:stop] for i, (first, stop) in spans])
        found = dict(zip(spans, logits, strict=True))
        found_rows += [(group[i], condition, n, span[1] - span[0], found[i, span]) for i, condition, n, span in rows]
    return pd.DataFrame(found_rows, columns=["trajectory", "condition", "n", "n_frames", "logit"])


def members_of_fold(names: Sequence[str], trajectories: pd.DataFrame, split: pd.DataFrame, fold: int) -> pd.DataFrame:
    """Recording, treatment, label and split of the embedded trajectories, in their order."""
    known = trajectories[["trajectory", "recording", "treatment", "label"]].merge(
        split.loc[split["fold"] == fold, ["trajectory", "split"]], on="trajectory"
    )
    members = pd.DataFrame({"trajectory": list(names)}).merge(known, on="trajectory", how="left")
    unknown = members.loc[members["split"].isna(), "trajectory"]
    if len(unknown):
        raise InputError(f"embeddings: trajectory {unknown.iloc[0]} is not in the split of fold {fold}")
    return members


def compute_attention(
    model: FateModel,
    embeddings,
    trajectories: pd.DataFrame,
    split: pd.DataFrame,
    fold: int,
    *,
    splits: Sequence[str],
    occlusion_window: int | None,
) -> pd.DataFrame:
    """The attention table of the embedded trajectories of ``splits`` in one fold, at full length.

    With ``occlusion_window`` (frames, odd) also what each trajectory's prediction loses without the frames around each frame; null
    for trajectories that have no more frames than that, of which nothing would be left.
    """
    members = members_of_fold(embeddings.trajectories, trajectories, split, fold)
    members = members[members["split"].isin(splits)]
    tables = []
    for start in progress(range(0, len(members), GROUP), "compute_attention", unit="group"):
        group = members.iloc[start : start + GROUP]
        read = [embeddings.read(name) for name in group["trajectory"]]
        _, weights = classify_sequences(model, [vectors for _, vectors in read])
        for name, part, (frames, vectors), own in zip(group["trajectory"], group["split"], read, weights, strict=True):
            hides_all = occlusion_window is None or len(vectors) <= occlusion_window
            changes = None if hides_all else occlusion(model, vectors, occlusion_window)
            tables.append(attention_rows(name, frames, own, fold, part, changes))
    columns = ["trajectory", "recording", "fold", "split", "frame", "frames_before_end", "weight", "scaled", "occlusion"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def open_model(folder: str | Path, *, threads: int, accelerator: str) -> FateModel:
    """The model of a folder in evaluation mode, on the device for ``accelerator`` (auto, cpu or gpu), with ``threads`` of the CPU."""
    torch.set_num_threads(threads)
    model, _ = load_model(folder)
    return model.to(device_for(accelerator))
