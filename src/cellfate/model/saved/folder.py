"""A trained model as a folder: weights and settings, written and read."""

from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path

import torch
from torch import Tensor, nn

from cellfate.base.errors import InputError
from cellfate.base.files import load_json, write_json
from cellfate.model.network import FateModel, ModelSettings
from cellfate.model.saved.members import SETTINGS, WEIGHTS
from cellfate.model.weights import read_weights, write_weights

CURVES = "curves.csv"


def load_strictly(model: nn.Module, state: dict[str, Tensor], source: str | Path, named: Callable[[str], str] = str) -> None:
    """Put ``state`` into ``model`` (which may be on the meta device); every key and shape must match, both ways.

    ``named`` turns a key into the name that ``source`` has for it, for the message of the InputError.
    """
    wanted = model.state_dict()
    problems = [f"{named(key)} is missing" for key in wanted if key not in state]
    problems += [f"{named(key)} is unknown" for key in state if key not in wanted]
    problems += [
        f"{named(key)} is {tuple(state[key].shape)}, {tuple(wanted[key].shape)} is needed"
        for key in wanted
        if key in state and state[key].shape != wanted[key].shape
    ]
    if problems:
        more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise InputError(f"{source}: does not fit the network of the model settings: {'; '.join(problems[:5])}{more}")
    model.load_state_dict(state, assign=True)


def save_model(folder: str | Path, model: FateModel, settings: dict) -> None:
    """Write weights and settings to ``folder``, all that :func:`load_model` needs. ``settings`` is stored beside the model's sizes."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(model.state_dict(), folder / WEIGHTS)
    write_json({**settings, "model": asdict(model.settings)}, folder / SETTINGS)


def load_model(folder: str | Path) -> tuple[FateModel, dict]:
    """The model of a folder, on the CPU and in evaluation mode, and everything in its settings.json.

    Raises an InputError when a file is missing or the weights do not fit the settings.
    """
    folder = Path(folder)
    for name in (WEIGHTS, SETTINGS):
        if not (folder / name).exists():
            raise InputError(f"{folder / name}: no such file; a model folder holds {WEIGHTS} and {SETTINGS}")
    settings = load_json(folder / SETTINGS)
    wanted, found = {field.name for field in fields(ModelSettings)}, set(settings["model"])
    if wanted != found:
        names = ", ".join(sorted(wanted ^ found))
        raise InputError(f"{folder / SETTINGS}: model differs in {names} from what this version reads; train or export it again")
    with torch.device("meta"):
        model = FateModel(ModelSettings(**settings["model"]))
    load_strictly(model, read_weights(folder / WEIGHTS), folder / WEIGHTS)
    return model.eval(), settings
