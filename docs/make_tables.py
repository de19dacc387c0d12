"""docs/tables.md: every table that one step hands to the next, with its columns, their types and bounds, from the declarations in the code.

``make tables-page`` writes it again. What a table may hold is a promise to whoever reads it, so a change of it shows in this page.
"""

import importlib
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from cellfate.base.tables import Column, Table

ROOT = Path(__file__).parents[1]
PAGE, PACKAGE = "docs/tables.md", "src/cellfate"
KINDS = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}
HEAD = """\
# The tables

Made from the declarations in the code by `make tables-page`. Every table that is read or written is checked against its declaration:
a value that does not fit is an error with file, row and value. Rows are known by the columns of their key, each once.
"""


def main() -> None:
    """Write the page of this project, and say where."""
    (ROOT / PAGE).write_text(page(), encoding="utf-8")
    print(f"written: {PAGE}")


def page() -> str:
    """The whole page: a section a room, a paragraph a table."""
    parts = [HEAD]
    for room, declared in groupby(declarations(), key=lambda one: one[0]):
        parts.append(f"## {room}\n")
        parts += [paragraph(lines, name, table) for _, lines, name, table in declared]
    return "\n".join(parts)


def declarations() -> Iterator[tuple[str, str, str, Table]]:
    """(room, the comment above, the name in the code, table) of every declared table, in the order of the files."""
    for file in sorted((ROOT / PACKAGE).rglob("*.py")):
        source = file.read_text(encoding="utf-8").splitlines()
        if not any(" = Table(" in line for line in source):
            continue
        inside = file.relative_to(ROOT / "src").with_suffix("")
        module = importlib.import_module(".".join(inside.parts))
        for number, line in enumerate(source):
            name, _, rest = line.partition(" = ")
            if rest.startswith("Table(") and name.isidentifier():
                yield inside.parts[1], comment_above(source, number), name, getattr(module, name)


def comment_above(source: list[str], number: int) -> str:
    """The comment that stands above a line, as one text."""
    lines = []
    while number and source[number - 1].startswith("# "):
        number -= 1
        lines.insert(0, source[number][2:])
    return " ".join(lines)


def paragraph(said: str, name: str, table: Table) -> str:
    """One table: its name, what it is, its key, and its columns, neighbours of one kind together."""
    key = f" Key: {', '.join(f'`{column}`' for column in table.key)}." if table.key else ""
    more = " It may have further columns." if table.open else ""
    text = f": {said.replace('<', '&lt;')}." if said else "."
    lines = [f"**{table.name}** (`{name}`){text}{key}{more}\n"]
    for spec, columns in groupby(table.columns.items(), key=lambda one: one[1]):
        lines.append(f"- {', '.join(f'`{column}`' for column, _ in columns)}: {in_words(spec)}")
    return "\n".join([*lines, ""])


def in_words(spec: Column) -> str:
    """What a column may hold."""
    bounds = [f"at least {spec.low:g}"] if spec.low is not None else []
    bounds += [f"at most {spec.high:g}"] if spec.high is not None else []
    allowed = [f"one of {', '.join(map(str, spec.allowed))}"] if spec.allowed is not None else []
    return ", ".join([KINDS[spec.kind], *bounds, *allowed, *(["may be empty"] if spec.nullable else [])])


if __name__ == "__main__":
    sys.exit(main())
