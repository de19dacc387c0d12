"""The registry: from a method's name to its values for a cell."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from cellfate.base.errors import InputError
from cellfate.explanation.attributions.attention import attention, rollout
from cellfate.explanation.attributions.cells import Attribution, ExplainedCell
from cellfate.explanation.attributions.gradients import (
    channel_gradients,
    converged,
    gradient_input,
    integrated_gradients,
    risks_gradient_input,
    risks_integrated_gradients,
)
from cellfate.explanation.attributions.names import METHODS
from cellfate.explanation.attributions.occluded import channel_occlusion, frame_occlusion, region_occlusion, risks_occlusion

FINER = 8  # times as many steps at most, where values do not add up to what they must: a network that is sure is steep in between


@dataclass(frozen=True)
class Fineness:
    """``window``: frames that are hidden at once (odd); ``steps`` of integrated gradients, more where they are too few."""

    window: int
    steps: int


FUNCTIONS: dict[str, Callable[..., Attribution]] = {
    "attention": lambda cell, how: attention(cell),
    "rollout": lambda cell, how: rollout(cell),
    "gradient_input": lambda cell, how: gradient_input(cell),
    "integrated_gradients": lambda cell, how: integrated_gradients(cell, how.steps),
    "occlusion": lambda cell, how: frame_occlusion(cell, how.window),
    "channel_occlusion": lambda cell, how: channel_occlusion(cell, how.window),
    "channel_gradients": lambda cell, how: channel_gradients(cell, how.steps),
    "region_occlusion": lambda cell, how: region_occlusion(cell, how.window),
    "risks_gradient_input": lambda cell, how: risks_gradient_input(cell),
    "risks_integrated_gradients": lambda cell, how: risks_integrated_gradients(cell, how.steps),
    "risks_occlusion": lambda cell, how: risks_occlusion(cell, how.window),
}


def attribute(method: str, cell: ExplainedCell, how: Fineness) -> Attribution:
    """The attribution of ``cell`` by a method of METHODS, which must serve its kind of model. InputError for an unknown name.

    Where a complete method does not add up, its steps are doubled, up to FINER times as many.
    """
    if method not in METHODS:
        raise InputError(f"explanation.methods has {method!r}; known are {', '.join(METHODS)}")
    found, most = FUNCTIONS[method](cell, how), FINER * how.steps
    while converged(found) is False and how.steps < most:
        how = replace(how, steps=min(2 * how.steps, most))
        found = FUNCTIONS[method](cell, how)
    return found
