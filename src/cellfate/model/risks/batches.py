"""Tracks of different lengths as one batch of the network of risks."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cellfate.model.risks.tracks import RiskTrack


@dataclass(frozen=True)
class Batch:
    """Tracks of different lengths, filled up behind: values (B, T, F), hours (B, T), event (B,), and landmarks (B, T).

    A landmark is a frame that a prediction is made at and judged, those of padding are none.
    """

    values: Tensor
    hours: Tensor
    event: Tensor
    landmarks: Tensor


def batch_of(tracks: Sequence[RiskTrack], first_landmarks: Sequence[int]) -> Batch:
    """A batch; each track's landmarks begin at its place in ``first_landmarks``, counted in frames."""
    longest = max(len(track.frames) for track in tracks)
    values = torch.zeros(len(tracks), longest, tracks[0].values.shape[1])
    hours, landmarks = torch.zeros(len(tracks), longest), torch.zeros(len(tracks), longest, dtype=torch.bool)
    for place, (track, first) in enumerate(zip(tracks, first_landmarks, strict=True)):
        n = len(track.frames)
        values[place, :n], hours[place, :n] = torch.from_numpy(track.values), torch.from_numpy(track.hours)
        landmarks[place, first:n] = True
    return Batch(values, hours, torch.tensor([track.event for track in tracks]), landmarks)
