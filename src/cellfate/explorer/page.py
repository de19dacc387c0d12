"""The page: one HTML file that holds everything it shows, opens from the disk and asks no address for anything."""

import base64
import hashlib
import html
from collections.abc import Sequence
from pathlib import Path
from string import Template

from cellfate.base.files import replacing
from cellfate.base.plot_style import OKABE_ITO
from cellfate.base.software import SOFTWARE
from cellfate.explorer.data import Packed

PARTS = Path(__file__).with_suffix("")  # the folder of what the page is made of
SCRIPTS = ("data", "state", "colours", "table", "film", "axis", "charts", "lineage", "field", "marks", "cell", "keys", "main")


def write_page(path: str | Path, title: str, packed: Packed) -> None:
    """Write the page that :func:`page` makes."""
    text = page(title, packed)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def page(title: str, packed: Packed) -> str:
    """The page as HTML. What comes from users is in the blocks, as base64, but for the ``title``, which is escaped.

    Its policy lets run the one script that is written here, and nothing that names, notes or outcomes could bring along.
    """
    style, script = _style(), "\n".join(_part(f"{name}.js") for name in SCRIPTS)
    blocks = [("table", packed.table), *_numbered("cell", packed.cells), *_numbered("field", packed.fields)]
    return Template(_part("page.html")).substitute(
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


def _style() -> str:
    colours = " ".join(f"--{name}: {value};" for name, value in OKABE_ITO.items())
    return f"\n:root {{ {colours} }}\n{_part('page.css')}"


def _policy(style: str, script: str) -> str:
    sources = [f"{name}-src 'sha256-{_digest(text)}'" for name, text in (("style", style), ("script", script))]
    return "; ".join(["default-src 'none'", "img-src data: blob:", *sources, "base-uri 'none'", "form-action 'none'"])


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
