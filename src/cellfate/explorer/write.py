"""The page of some cells, from what is said of them and the files of their crops."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cellfate.base.files import write_json
from cellfate.base.software import SOFTWARE
from cellfate.crops.crop_file import CropFile
from cellfate.explorer.cells import choose_cells
from cellfate.explorer.data import Facts, limits_of, pack
from cellfate.explorer.page import EXPLORER_PAGE, write_page
from cellfate.explorer.said import Said
from cellfate.explorer.strips import ImageSettings
from cellfate.explorer.worst import errors_shown

WORST = 6  # errors on the summary page


@dataclass(frozen=True)
class PageSettings:
    """How many cells, how many frames of each recording, side and quality of the pictures, and the seed of what is drawn at random."""

    max_cells: int
    fields: int
    image_size: int
    quality: int
    seed: int


def write_explorer(
    path: str | Path,
    errors: str | Path | None,
    title: str,
    said: Said,
    crops: Sequence[str | Path],
    sheet: Mapping[str, Mapping[str, float | None]],
    *,
    outcomes: Mapping[str, str],
    notes: Sequence[str],
    corrections: Sequence[Mapping] | None,
    shown: Collection[str],
    settings: PageSettings,
) -> None:
    """Write the page, and the worst errors for the summary page as ``errors`` where a file is given.

    ``crops`` are crop files named after their recordings, ``sheet`` has frame_interval_min and treatment_start_h (hours, may be None) of
    each recording, ``notes`` are what must be kept in mind, ``corrections`` what was corrected by hand (None:
    nothing can be), ``shown`` the cells that figures show. Raises InputError for a cell without
    crops and for a damaged crop file.
    """
    chosen, words = choose_cells(said.cells, shown, settings.max_cells, settings.seed)
    how = {"outcomes": outcomes, "notes": notes, "corrections": corrections, "settings": settings}
    write_chosen(path, errors, title, said, chosen, words, crops, sheet, **how)


def write_chosen(
    path: str | Path,
    errors: str | Path | None,
    title: str,
    said: Said,
    chosen: pd.DataFrame,
    words: Sequence[str],
    crops: Sequence[str | Path],
    sheet: Mapping[str, Mapping[str, float | None]],
    *,
    outcomes: Mapping[str, str],
    notes: Sequence[str],
    corrections: Sequence[Mapping] | None,
    settings: PageSettings,
) -> None:
    """Write the page of the ``chosen`` rows of the cells, as :func:`write_explorer`; ``words`` say which these are."""
    facts = {
        name: Facts(one["frame_interval_min"] / 60, one["treatment_start_h"], bool(one.get("fated", True))) for name, one in sheet.items()
    }
    about = {"title": title, "rule": list(words), "outcomes": dict(outcomes), "notes": list(notes), "software": SOFTWARE}
    about["corrections"] = corrections
    wanted = set(chosen["recording"])
    with ExitStack() as opened:
        files = {Path(file).stem: opened.enter_context(CropFile(file)) for file in crops if Path(file).stem in wanted}
        images = ImageSettings(settings.image_size, settings.quality)
        limits = limits_of(chosen, files)
        packed = pack(said, chosen, files, limits, facts, about, fields=settings.fields, images=images)
        if errors is not None:
            write_json(errors_shown(chosen, WORST, files, limits, settings.image_size), errors)
    write_page(path, title, packed, EXPLORER_PAGE)
