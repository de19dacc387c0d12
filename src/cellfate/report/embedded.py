"""Figures within a page: each PNG as text, with its title and caption."""

import base64
import struct
from collections.abc import Sequence
from pathlib import Path

from cellfate.base.errors import InputError
from cellfate.base.plot_style import readable

PNG_SCALE = 0.62  # screen pixels per pixel of a 200 dpi figure


def embedded_figures(figures: Sequence[str | Path], captions: Sequence[str | Path]) -> list[dict]:
    """Each figure with its title, caption, width on the screen and the PNG as text. Raises InputError when a figure has no caption."""
    texts = {Path(path).stem: Path(path).read_text(encoding="utf-8").strip() for path in captions}
    found = []
    for path in map(Path, figures):
        if path.stem not in texts:
            raise InputError(f"{path}: no caption file {path.stem}.rst is given; there are {', '.join(sorted(texts))}")
        data = path.read_bytes()
        width = round(struct.unpack(">I", data[16:20])[0] * PNG_SCALE)  # width in the header of a PNG file
        encoded = base64.b64encode(data).decode()
        found.append(
            {"name": path.stem, "title": readable(path.stem).capitalize(), "caption": texts[path.stem], "width": width, "data": encoded}
        )
    return found
