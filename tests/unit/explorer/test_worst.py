"""The worst errors for the summary page."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from toy_crops import write_crop_file

from cellfate.crops.crop_file import CropFile
from cellfate.explorer.tints import tints
from cellfate.explorer.worst import errors_shown, in_colours, worst_errors


def cells() -> pd.DataFrame:
    rows = [("r/0", 1, 0.99), ("r/1", 0, 0.8), ("r/2", 0, 0.05), ("r/3", None, None), ("r/4", 0, 0.6)]
    table = pd.DataFrame(rows, columns=["trajectory", "right", "probability"]).astype({"right": "Int64"})
    facts = {"recording": "r", "treatment": "none", "outcome": "mitosis", "call": "apoptosis", "n_frames": 30}
    return table.assign(track_id=range(5), **facts)


def test_the_surest_of_the_wrong_calls_are_the_worst():
    assert list(worst_errors(cells(), 2)["trajectory"]) == ["r/2", "r/1"]
    assert worst_errors(cells(), 2)["of_call"].tolist() == pytest.approx([0.95, 0.8])
    assert worst_errors(cells()[:1], 2).empty


def test_each_is_shown_in_frames_from_the_first_to_the_last(tmp_path):
    brightness = np.linspace(0, 1000, 30)[:, None, None, None] * np.ones((30, 1, 8, 8))
    tracks = {track: (np.arange(30), brightness.astype(np.uint16)) for track in range(5)}
    with CropFile(write_crop_file(tmp_path / "r.h5", "r", tracks)) as file:
        found = errors_shown(cells(), 6, {"r": file}, {"r": np.array([[0.0, 1000.0]])}, 8)
    assert found["wrong"] == ["r/1", "r/2", "r/4"]
    assert [one["trajectory"] for one in found["worst"]] == ["r/2", "r/1", "r/4"]
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(found["worst"][0]["picture"]))).convert("L"))
    assert image.shape == (8, 10 * 8 + 9 * 2)
    assert image[4, 4] < 20
    assert image[4, -4] > 235


def test_channels_add_up_in_their_colours():
    crops = np.zeros((1, 2, 1, 1))
    crops[0, 0] = 1
    limits = np.array([[0.0, 1.0], [0.0, 1.0]])
    first = in_colours(crops, limits)[0, 0, 0]
    assert first.tolist() == [int(tints(2)[0][start : start + 2], 16) for start in (1, 3, 5)]
    assert tints(1) == ["#ffffff"]
    assert len(set(tints(7))) == 7
