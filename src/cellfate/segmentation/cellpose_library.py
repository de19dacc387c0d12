"""What is used of Cellpose 3, imported without compiling what nothing here calls.

``cellpose.dynamics`` has numba compile three functions whenever it is imported, none of which masks of crops and frames need: 3.6 s
of every process on a core of an AMD EPYC. Here they are compiled when they are first called.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numba


@contextmanager
def compiled_when_called() -> Iterator[None]:
    """Inside, a function that declares one signature for numba to compile at once is compiled at its first call instead."""
    at_once = numba.njit

    def when_called(*declared, **options) -> Callable:
        at_import = declared and isinstance(declared[0], str)
        return at_once(*(() if at_import else declared), **options)

    numba.njit = when_called
    try:
        yield
    finally:
        numba.njit = at_once


with compiled_when_called():
    from cellpose.dynamics import masks_to_flows
    from cellpose.metrics import average_precision
    from cellpose.models import CellposeModel
    from cellpose.resnet_torch import CPnet
    from cellpose.transforms import normalize99, random_rotate_and_resize, resize_image

__all__ = ["CPnet", "CellposeModel", "average_precision", "masks_to_flows", "normalize99", "random_rotate_and_resize", "resize_image"]
