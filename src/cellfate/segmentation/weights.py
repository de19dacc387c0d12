"""Cellpose weights: which file a model name means, and how it gets there. Imports nothing heavy.

Cellpose itself only warns about a mistyped path and then loads (or downloads) its default model; here each name is resolved
before Cellpose sees it, and an unknown or missing one is an error.
"""

from pathlib import Path

from cellfate.base.errors import InputError
from cellfate.base.files import replacing, sha256
from cellfate.recordings.transfer import address, fetch

FOLDER = Path("resources/cellpose")
URL = "https://www.cellpose.org/models"
SIMULATED = "simulated"  # trained here by the rule train_segmentation_network
# the CPnet models of Cellpose 3: our name -> file on the server
SERVER_FILES = {
    "cyto3": "cyto3",
    "nuclei": "nucleitorch_0",
    "cyto2": "cyto2torch_0",
    "cyto": "cytotorch_0",
    "cyto2_cp3": "cyto2_cp3",
    "tissuenet_cp3": "tissuenet_cp3",
    "livecell_cp3": "livecell_cp3",
    "yeast_PhC_cp3": "yeast_PhC_cp3",
    "yeast_BF_cp3": "yeast_BF_cp3",
    "bact_phase_cp3": "bact_phase_cp3",
    "bact_fluor_cp3": "bact_fluor_cp3",
    "deepbacs_cp3": "deepbacs_cp3",
}


def weights_path(model: str, folder: str | Path = FOLDER) -> Path:
    """Where the weights of ``model`` are: ``folder``/name for a known name; a path (with a ``/`` or an ending) as it stands.

    The file need not exist yet. Raises InputError for a name that is none of Cellpose's CPnet models nor ``simulated``.
    """
    if model in SERVER_FILES or model == SIMULATED:
        return Path(folder) / model
    if "/" in model or Path(model).suffix:
        return Path(model).expanduser()
    raise InputError(
        f"segmentation.model is {model!r}, which is no path (a path has a '/' or an ending) and no known name; "
        f"known are {', '.join([*SERVER_FILES, SIMULATED])}"
    )


def server_address(model: str, url: str = URL) -> str:
    """The address from which Cellpose's weights of that name are downloaded."""
    if model not in SERVER_FILES:
        raise InputError(f"segmentation.model is {model!r}: only {', '.join(SERVER_FILES)} can be downloaded")
    return address(url, SERVER_FILES[model])


def fetch_weights(model: str, path: str | Path, url: str = URL, **options) -> None:
    """Download the weights of ``model`` to ``path`` and write their SHA-256 to ``<path>.sha256``, as sha256sum would.

    ``url`` is the folder on the server, ``options`` are those of :func:`cellfate.recordings.transfer.fetch` (``sha256`` to check against).
    """
    source = server_address(model, url)
    fetch(source, path, advice=f"download {source} by hand and save it as {path}", **options)
    with replacing(f"{path}.sha256") as temporary:
        temporary.write_text(f"{sha256(path)}  {Path(path).name}\n")
