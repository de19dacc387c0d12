import numpy as np
import pytest

from cellfate.base.errors import InputError
from cellfate.segmentation.detections import FrameMasks, keep_large, measure_cells, writing_frame_masks


def labels(squares, shape=(20, 30)):
    image = np.zeros(shape, np.uint16)
    for name, (top, left, height, width) in squares.items():
        image[top : top + height, left : left + width] = name
    return image


def test_small_regions_go_and_the_rest_is_numbered_anew():
    kept = keep_large(labels({3: (0, 0, 2, 2), 5: (4, 4, 3, 3), 9: (10, 10, 4, 4)}), 9)
    assert kept.max() == 2
    assert (kept == labels({1: (4, 4, 3, 3), 2: (10, 10, 4, 4)})).all()
    assert kept.dtype == np.uint16
    assert keep_large(labels({}), 5).max() == 0


def test_masks_come_back_frame_by_frame_with_their_cells(tmp_path):
    path = tmp_path / "m.h5"
    images = [labels({1: (2, 4, 3, 5), 2: (0, 20, 2, 4)}), labels({}), labels({1: (3, 4, 3, 5)})]
    with writing_frame_masks(path, 3, (20, 30), {"diameter": 5}) as writer:
        for image in images:
            writer.add(image)
    with FrameMasks(path) as masks:
        assert (masks.n_frames, masks.shape, masks.settings) == (3, (20, 30), {"diameter": 5})
        assert all((masks.read(t) == image).all() for t, image in enumerate(images))
    assert measure_cells(path).values.tolist() == [[0, 1, 3, 6, 15], [0, 2, 0.5, 21.5, 8], [2, 1, 4, 6, 15]]


def test_an_interrupted_file_has_no_name_and_another_file_is_an_error(tmp_path):
    path = tmp_path / "m.h5"
    with pytest.raises(TypeError, match=r"broadcast"), writing_frame_masks(path, 3, (20, 30), {}) as writer:
        writer.add(np.zeros((5, 5), np.uint16))
    assert not list(tmp_path.iterdir())
    path.write_text("text")
    with pytest.raises(InputError, match=r"m.h5: not readable as HDF5, masks of a recording is needed"):
        FrameMasks(path)
