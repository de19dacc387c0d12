"""From live-cell recordings to calibrated, explained predictions of cell fate.

The public names are loaded when they are first used, so that ``import cellfate`` takes no time and the console command starts at once.
"""

from importlib import import_module

from cellfate.base.software import VERSION

__version__ = VERSION
_HOMES = {
    "CropFile": "cellfate.crops.crop_file",
    "InputError": "cellfate.base.errors",
    "extract_crops": "cellfate.crops.extraction",
    "load_model": "cellfate.model.saved.folder",
    "open_frames": "cellfate.frames.formats",
    "predict_recording": "cellfate.prediction.prefixes",
    "read_table": "cellfate.base.tables",
    "read_tracks": "cellfate.tracks.outcomes",
}
__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> object:
    """The public name from the module where it lives, kept here from then on."""
    if name not in _HOMES:
        raise AttributeError(f"module 'cellfate' has no attribute {name!r}")
    globals()[name] = getattr(import_module(_HOMES[name]), name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
