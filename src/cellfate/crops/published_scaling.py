"""The published scaling of crops: its constants, and crops as the published network sees them."""

import numpy as np

from cellfate.base.errors import InputError

# Constants of the published checkpoint, which was trained on counts / 65535 / 65535
REFERENCE_DIVISOR = 65535.0 * 65535.0
REFERENCE_MEAN = (2.1058e-07, 4.0051e-07, 2.8826e-07)
REFERENCE_STD = (0.0221, 0.0421, 0.0303)


def reference_input(crops: np.ndarray) -> np.ndarray:
    """Crops (T, 3, S, S) in counts, over the divisor, less the mean and over the deviation of each channel, float32.

    Raises InputError unless there are three channels.
    """
    if crops.shape[1] != len(REFERENCE_MEAN):
        raise InputError(f"the published scale has constants for {len(REFERENCE_MEAN)} channels, the crops have {crops.shape[1]}")
    mean, std = (np.array(values, np.float32)[:, None, None] for values in (REFERENCE_MEAN, REFERENCE_STD))
    return (crops.astype(np.float32) / np.float32(REFERENCE_DIVISOR) - mean) / std
