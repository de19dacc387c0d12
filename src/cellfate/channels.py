"""Whether a trained model can read the channels of a recording, and in which order. Imported while jobs are planned: nothing heavy."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cellfate.errors import InputError


def check_channels(model_settings: Mapping, recording_channels: Sequence[str], source: str | Path) -> list[int]:
    """The positions of the model's channels among the recording's: ``image[order]`` is in the model's order.

    ``model_settings`` is the settings.json of a model folder. Raises InputError, naming both lists, when the recording has
    other channels than the model was trained on; ``source`` is where the recording's channels are given.
    """
    wanted, found = list(model_settings["channels"]), list(recording_channels)
    if sorted(wanted) != sorted(found):
        raise InputError(
            f"{source}: channels are {', '.join(found)}, but the model was trained on {', '.join(wanted)}: "
            "the same channels are needed, in any order"
        )
    return [found.index(name) for name in wanted]
