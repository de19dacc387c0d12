"""Methods of attribution by name: in words, which model they explain, what they resolve and what they promise. Imports nothing heavy."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

PUBLISHED, RISKS = "published", "risks"  # kinds of model, as in prediction.kind
FRAME, CHANNEL, REGION, RING = "frame", "channel", "region", "ring"  # what a method resolves beside time
ALL = "all"  # the only part of a method that resolves frames alone
CELL, SURROUNDINGS = "cell", "surroundings"  # the parts of a method that resolves regions
RECENCY, RANDOM = "recency", "random"  # orders of frames that methods are compared with
COMPARED = {RECENCY: "the last frames first", RANDOM: "frames in random order"}


@dataclass(frozen=True)
class Method:
    """``signed``: values below 0 speak against the positive outcome. ``complete``: values add up to a difference of log-odds.

    ``images``: the ResNet runs again over each crop, or is differentiated.
    """

    label: str
    model: str
    resolves: str
    signed: bool = True
    complete: bool = False
    images: bool = False


METHODS = {
    "attention": Method("attention of the last layer (the paper's)", PUBLISHED, FRAME, signed=False),
    "rollout": Method("attention rollout", PUBLISHED, FRAME, signed=False),
    "gradient_input": Method("gradient x input", PUBLISHED, FRAME),
    "integrated_gradients": Method("integrated gradients", PUBLISHED, FRAME, complete=True),
    "occlusion": Method("occlusion of frames", PUBLISHED, FRAME),
    "channel_occlusion": Method("occlusion of channels", PUBLISHED, CHANNEL, images=True),
    "channel_gradients": Method("integrated gradients of the image", PUBLISHED, CHANNEL, complete=True, images=True),
    "region_occlusion": Method("occlusion of the cell and its surroundings", PUBLISHED, REGION, images=True),
    "risks_gradient_input": Method("gradient x input of rings", RISKS, RING),
    "risks_integrated_gradients": Method("integrated gradients of rings", RISKS, RING, complete=True),
    "risks_occlusion": Method("occlusion of rings", RISKS, RING),
}


def label_of(method: str) -> str:
    """A method, or an order that methods are compared with, in words."""
    return COMPARED[method] if method in COMPARED else METHODS[method].label


def served(methods: Iterable[str], models: Iterable[str]) -> list[str]:
    """The ``methods`` that explain one of ``models``, in the order of METHODS."""
    wanted, there = set(methods), set(models)
    return [name for name, method in METHODS.items() if name in wanted and method.model in there]


def channel_of(part: str) -> str:
    """The channel that a part belongs to: of a ring that of its name, else the part itself."""
    return part.split("-ring")[0]


def needs_images(methods: Iterable[str]) -> bool:
    return any(METHODS[name].images for name in methods)


def needs_masks(methods: Iterable[str]) -> bool:
    return any(METHODS[name].resolves == REGION for name in methods)


def models_of(methods: Iterable[str]) -> Mapping[str, list[str]]:
    """The methods of each kind of model."""
    return {model: served(methods, [model]) for model in (PUBLISHED, RISKS)}
