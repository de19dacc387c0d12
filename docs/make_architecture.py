"""The parts of docs/architecture.md that are made from the code: the drawing of the layers, the laws, the rooms.

They stand between marks in the page; the rest is written by hand. ``make architecture-page`` writes them again.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

PAGE, CONTRACTS, PACKAGE = "docs/architecture.md", "pyproject.toml", "src/cellfate"
WIDTH = 108  # characters of the drawing


def main() -> None:
    """Write the made parts of the page of this project, and say where."""
    root = Path(__file__).parents[1]
    page = root / PAGE
    page.write_text(with_made_parts(page.read_text(encoding="utf-8"), made_parts(root)), encoding="utf-8")
    print(f"written: {PAGE}")


def made_parts(root: Path) -> dict[str, str]:
    """{name of a mark: the text between its two ends} for the project in ``root``."""
    contracts = tomllib.loads((root / CONTRACTS).read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    layers = layers_of(contracts)
    said = {room: docstring_of(root / PACKAGE / room / "__init__.py") for line in layers for room in line}
    return {"layers": drawing(layers), "laws": laws(contracts), "rooms": room_table(said)}


def layers_of(contracts: Sequence[Mapping]) -> list[list[str]]:
    """The rooms of each layer, the top one first, as the one contract of type layers has them."""
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    return [[room.strip() for room in line.split("|")] for line in layers]


def drawing(layers: Sequence[Sequence[str]]) -> str:
    """The layers as boxes in text, those of one layer side by side in equal parts of the width."""
    rule = "+" + "-" * (WIDTH - 2) + "+"
    lines = [rule]
    for rooms in layers:
        inner = WIDTH - 1 - len(rooms)  # without the bars
        widths = [inner // len(rooms) + (i < inner % len(rooms)) for i in range(len(rooms))]
        lines += ["|" + "|".join(room.center(width) for room, width in zip(rooms, widths, strict=True)) + "|", rule]
    return "\n".join(["```text", *lines, "```"])


def laws(contracts: Sequence[Mapping]) -> str:
    """The names of the contracts as a list; each is a sentence."""
    return "\n".join(f"- {contract['name']}." for contract in contracts)


def docstring_of(file: Path) -> str:
    """The docstring of a room as one line. Raises ValueError where there is none."""
    said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    if not said:
        raise ValueError(f"{file}: a docstring is needed that says what the room is for")
    return " ".join(said.split())


def room_table(said: Mapping[str, str]) -> str:
    """One row per room; ``said`` is {room: its docstring}."""
    rows = [f"| `{room}` | {text.replace('``', '`').replace('|', chr(92) + '|')} |" for room, text in said.items()]
    return "\n".join(["| room | what it is for |", "|---|---|", *rows])


def with_made_parts(page: str, parts: Mapping[str, str]) -> str:
    """The page with ``parts`` between their marks. Raises ValueError for a mark that the page does not have exactly once."""
    for name, text in parts.items():
        begin, end = f"<!-- made: {name} -->\n", f"<!-- end: {name} -->"
        if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
            raise ValueError(f"{PAGE}: {begin.strip()} and {end.strip()} are needed once each, in this order")
        page = page[: page.index(begin) + len(begin)] + text + "\n" + page[page.index(end) :]
    return page


def paths_named(page: str) -> Iterator[str]:
    """Files and folders of the project that the page names as code, with a slash or a known ending; those with <...> stand for others."""
    for code in re.findall(r"`([^`\n]+)`", page):
        if re.fullmatch(r"\.?[\w.-]+(/[\w.-]+)*/?", code) and ("/" in code or code.endswith((".md", ".toml", ".yaml", ".txt"))):
            yield code


if __name__ == "__main__":
    sys.exit(main())
