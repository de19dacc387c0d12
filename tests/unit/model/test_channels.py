"""Whether the channels of a recording are those that a model was trained on."""

import numpy as np
import pytest

from cellfate.base.errors import InputError
from cellfate.model.saved.exported import check_channels

SETTINGS = {"channels": ["circadian", "p53", "cell_cycle"]}


def test_the_same_channels_in_the_same_order():
    assert check_channels(SETTINGS, ("circadian", "p53", "cell_cycle"), "mine.tsv") == [0, 1, 2]


def test_another_order_gives_the_positions_that_put_an_image_into_the_models_order():
    found = ["cell_cycle", "circadian", "p53"]
    image = np.arange(3)[:, np.newaxis, np.newaxis] * np.ones((3, 4, 5))
    order = check_channels(SETTINGS, found, "mine.tsv")
    assert [found[i] for i in order] == SETTINGS["channels"]
    assert image[order][:, 0, 0].tolist() == [1, 2, 0]


@pytest.mark.parametrize(
    "found", [["circadian", "p53"], ["circadian", "p53", "phase"], ["circadian", "p53", "cell_cycle", "phase"], ["circadian", "p53", "p53"]]
)
def test_other_channels_are_refused_with_both_lists(found):
    with pytest.raises(InputError, match=rf"mine\.tsv: channels are {', '.join(found)}, but .* circadian, p53, cell_cycle"):
        check_channels(SETTINGS, found, "mine.tsv")
