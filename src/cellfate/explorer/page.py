"""The page: one HTML file that holds everything it shows, opens from the disk and asks no address for anything."""

import base64
import hashlib
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from cellfate.base.files import replacing
from cellfate.base.plot_style import OKABE_ITO
from cellfate.base.software import SOFTWARE
from cellfate.explorer.data import Packed

PARTS = Path(__file__).with_suffix("")  # the folder of what the page is made of
FILMS = ("data", "state", "colours", "csv", "film", "field", "film_view", "keys", "shown")  # of all pages that show films of cells


@dataclass(frozen=True)
class PageParts:
    """The files of the folder that a page is made of: its body, its styles and its scripts, in their order, without endings."""

    body: str
    styles: tuple[str, ...]
    scripts: tuple[str, ...]


EXPLORER_PAGE = PageParts("page", ("page",), (*FILMS, "table", "axis", "charts", "lineage", "marks", "cell", "actions", "main"))
OF_LABELS = tuple(f"label/{name}" for name in ("store", "resume", "view", "lists", "main"))
LABEL_PAGE = PageParts("label/page", ("page", "label/page"), (*FILMS, *OF_LABELS))


def write_page(path: str | Path, title: str, packed: Packed, parts: PageParts) -> None:
    """Write the page that :func:`page` makes."""
    text = page(title, packed, parts)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def page(title: str, packed: Packed, parts: PageParts) -> str:
    """The page as HTML. What comes from users is in the blocks, as base64, but for the ``title``, which is escaped.

    Its policy lets run the one script that is written here, and nothing that names, notes or outcomes could bring along.
    """
    style, script = _style(parts.styles), "\n".join(_part(f"{name}.js") for name in parts.scripts)
    blocks = [("table", packed.table), *_numbered("cell", packed.cells), *_numbered("field", packed.fields)]
    return Template(_part("head.html") + _part(f"{parts.body}.html")).substitute(
        policy=_policy(style, script),
        title=html.escape(title),
        program=SOFTWARE,
        style=style,
        script=script,
        blocks="\n".join(f'<script type="text/plain" id="{name}">{text}</script>' for name, text in blocks),
    )


def _numbered(kind: str, blocks: Sequence[str]) -> list[tuple[str, str]]:
    return [(f"{kind}-{place}", text) for place, text in enumerate(blocks)]


def _part(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")


def _style(names: Sequence[str]) -> str:
    colours = " ".join(f"--{name}: {value};" for name, value in OKABE_ITO.items())
    return "\n".join([f"\n:root {{ {colours} }}", *(_part(f"{name}.css") for name in names)])


def _policy(style: str, script: str) -> str:
    sources = [f"{name}-src 'sha256-{_digest(text)}'" for name, text in (("style", style), ("script", script))]
    return "; ".join(["default-src 'none'", "img-src data: blob:", *sources, "base-uri 'none'", "form-action 'none'"])


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
