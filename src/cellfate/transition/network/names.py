"""What tables and figures call the variants of the network."""

NAMES = {
    "full": "full network",
    "no_fusion": "no fusion",
    "no_cell_learner": "no Cell Learner",
    "neither": "neither of both",
    "no_regulation": "without eq. 3",
    "literal": "literal reading",
    "token_learner": "TokenLearner",
    "mlp": "MLP",
    "transformer": "Transformer",
    "resnet": "1-D ResNet",
    "convnext": "1-D ConvNeXt",
    "logistic": "logistic regression",
}


def variant_name(variant: str) -> str:
    """The words for a variant; of one without a name its own."""
    return NAMES.get(variant, variant.replace("_", " "))
