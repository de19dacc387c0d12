"""Short digests of the configuration, which say whether two results were made with the same settings."""

import json
from collections.abc import Mapping
from hashlib import sha256

# sections that come after the model and its scores
AFTER_MODEL = {"segmentation", "features", "attention", "statistics", "figures", "notes", "prediction", "transition", "states", "explorer"}

# settings that change what is measured of an outline, and not speed alone
OUTLINES = {
    "segmentation": ("model", "ladder", "channel", "diameter", "flow_threshold", "cellprob_threshold", "whole_frames_from"),
    "features": ("region", "intensity", "min_area"),
}


def config_digest(config: Mapping) -> str:
    """Of the whole configuration; 12 hexadecimal digits."""
    return sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:12]


def as_text(value: object) -> str:
    """A value as JSON in which nothing can be taken for markup: Snakemake's report prints the params of rules inside a script element."""
    return json.dumps(value).replace("<", "\\u003c")


def model_digest(config: Mapping) -> str:
    """Of the sections that a model and its scores depend on."""
    return config_digest({key: value for key, value in config.items() if key not in AFTER_MODEL})


def digest_without_corrections(config: Mapping) -> str:
    """Of the whole configuration but for what was corrected and edited by hand: results that differ by that alone are compared."""
    tracks = {key: value for key, value in config["tracks"].items() if key not in ("corrections", "edited")}
    return config_digest({**config, "tracks": tracks})


def outlines_of(config: Mapping) -> dict[str, object]:
    """How cells are segmented and measured."""
    return {f"{section}.{key}": config[section][key] for section, keys in OUTLINES.items() for key in keys}
