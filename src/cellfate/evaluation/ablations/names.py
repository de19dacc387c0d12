"""What can be hidden, by name and in words. Imports nothing heavy."""

WHOLE = "whole"
CELL, CHANNELS, FRAMES = "cell", "channels", "frames"  # kinds, the values of evaluation.ablations
KINDS = (CELL, CHANNELS, FRAMES)
ONLY, WITHOUT = "only-", "without-"  # and the name of a channel
LABELS = {
    WHOLE: "the whole input",
    "cell_hidden": "cell hidden",
    "surroundings_hidden": "surroundings hidden",
    "centre_hidden": "disc at the centre hidden",
    "frames_shuffled": "frames shuffled",
    "frames_reversed": "frames reversed",
    "positions_removed": "positions removed",
    "last_frame": "last frame alone",
    "first_half": "first half alone",
}


def label_of(ablation: str) -> str:
    """An ablation in words."""
    for prefix, words in ((ONLY, "only channel"), (WITHOUT, "without channel")):
        if ablation.startswith(prefix):
            return f"{words} {ablation.removeprefix(prefix).replace('_', ' ')}"
    return LABELS[ablation]


def kind_of(ablation: str) -> str | None:
    """The kind of an ablation; None for the whole input."""
    if ablation.startswith((ONLY, WITHOUT)):
        return CHANNELS
    return None if ablation == WHOLE else CELL if ablation in ("cell_hidden", "surroundings_hidden", "centre_hidden") else FRAMES
