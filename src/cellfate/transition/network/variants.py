"""The variants of the network, what each leaves out or puts in its place, and their files."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from cellfate.base.causes import in_words
from cellfate.base.errors import InputError
from cellfate.base.files import replacing
from cellfate.base.software import SOFTWARE
from cellfate.transition.cells import Model
from cellfate.transition.network.baselines import NETWORKS, BaselineNetwork
from cellfate.transition.network.model import TransitionModel, TransitionSettings
from cellfate.transition.network.training import transition_function

# what each variant changes in the network, the training or the data; None of it is tuned apart
VARIANTS: dict[str, dict] = {
    "full": {},
    "no_fusion": {"model": {"fusion": False}},
    "no_cell_learner": {"model": {"selector": "none"}},
    "neither": {"model": {"fusion": False, "selector": "none"}},
    "no_regulation": {"model": {"regulation": False}},
    "literal": {"model": {"regulation": False}, "training": {"warm_up": 0.0}, "standardise": False, "phenotype_held": False},
    "token_learner": {"model": {"selector": "token_learner"}},
    **{name: {"network": name} for name in NETWORKS},
}


def build_network(variant: str, settings: TransitionSettings) -> nn.Module:
    """The untrained network of ``variant``."""
    kind = VARIANTS[variant].get("network")
    if kind is None:
        return TransitionModel(settings)
    network = BaselineNetwork(kind, settings)
    network(torch.zeros(2, settings.n_genes), torch.zeros(2, settings.embedding_size))  # sets the sizes of lazy layers
    return network


def save_networks(networks: Sequence[nn.Module], path: str | Path, variant: str) -> None:
    """Variant, settings and the weights of each seed in one file."""
    with replacing(path) as temporary:
        described = {"software": SOFTWARE, "variant": variant, "settings": asdict(networks[0].settings)}
        torch.save({**described, "weights": [network.state_dict() for network in networks]}, temporary)


def load_networks(path: str | Path) -> tuple[str, list[nn.Module]]:
    """The variant and the networks that :func:`save_networks` wrote, one of each seed, ready to predict."""
    try:
        content = torch.load(path, weights_only=True)
    except Exception as error:  # a damaged file fails in many ways
        raise InputError(in_words(error, path, "no networks of transitions, or damaged")) from error
    found = []
    for weights in content["weights"]:
        network = build_network(content["variant"], TransitionSettings(**content["settings"]))
        network.load_state_dict(weights)
        found.append(network.eval())
    return content["variant"], found


def model_of(variant: str, network: nn.Module) -> Model:
    """q as a function of expression; the present phenotype is held at the observed one but in the literal reading of the paper."""
    return transition_function(network, VARIANTS[variant].get("phenotype_held", True))
