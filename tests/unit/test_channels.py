import pytest

from cellfate.channels import check_channels
from cellfate.errors import InputError

SETTINGS = {"channels": ["circadian", "p53", "cell_cycle"]}


def test_the_order_brings_the_recordings_channels_into_the_models():
    recording = ["cell_cycle", "circadian", "p53"]
    order = check_channels(SETTINGS, recording, "sheet.tsv: line 2")
    assert [recording[i] for i in order] == SETTINGS["channels"]


@pytest.mark.parametrize("channels", [["p53", "circadian"], ["circadian", "p53", "phase"]])
def test_other_channels_are_refused_with_both_lists(channels):
    with pytest.raises(InputError, match=r"sheet.tsv: line 2: channels are .*trained on circadian, p53, cell_cycle") as error:
        check_channels(SETTINGS, channels, "sheet.tsv: line 2")
    assert ", ".join(channels) in str(error.value)
