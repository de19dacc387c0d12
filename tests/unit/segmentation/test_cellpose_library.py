import subprocess
import sys


def test_importing_cellpose_compiles_only_what_numba_keeps_on_disk():
    """Compiling the others took most of the seconds of a start; numba itself is left as it was."""
    code = (
        "import numba; before = numba.njit\n"
        "import cellfate.simulation.cellpose_training\n"
        "import cellpose.dynamics as dynamics\n"
        "assert numba.njit is before\n"
        "compiled = {name: value for name, value in vars(dynamics).items() if isinstance(value, numba.core.registry.CPUDispatcher)}\n"
        "assert {'steps2D', 'steps3D', '_extend_centers', 'map_coordinates'} <= set(compiled)\n"
        "print(sorted(name for name, value in compiled.items() if value.signatures))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (run.returncode, run.stdout.strip()) == (0, "['map_coordinates']"), run.stderr


def test_what_is_compiled_at_its_first_call_gives_what_it_gave():
    code = (
        "import numpy as np\n"
        "from cellfate.segmentation.cellpose_library import masks_to_flows\n"
        "from cellpose.dynamics import _extend_centers\n"
        "y, x = (part.ravel().astype(np.int32) for part in np.mgrid[1:6, 1:6])\n"
        "heat = _extend_centers(np.zeros(49), y, x, np.int32(3), np.int32(3), np.int32(7), np.int32(9))\n"
        "own = np.zeros(49)\n"
        "for _ in range(9):\n"
        "    own[3 * 7 + 3] += 1\n"
        "    own[y * 7 + x] = sum(own[(y + dy) * 7 + x + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)) / 9\n"
        "assert np.allclose(heat, own), (heat, own)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
