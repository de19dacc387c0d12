"""Draw the fixed list of mutants, mutants.tsv: small changes of the source, each of which some test should notice.

python tests/mutants/draw_mutants.py writes the list anew, from the same seed. That is for a source that has changed so much that many
mutants of the list are not in it any more; to draw again until the score is better would make the score worthless.
"""

import ast
import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("mutants.tsv")
SEED = 20261129
ROOMS = {  # how many mutants of each: 60
    "base": 4,
    "recordings": 4,
    "tracks": 5,
    "crops": 4,
    "trajectories": 4,
    "model": 4,
    "prediction": 4,
    "evaluation": 5,
    "statistics": 4,
    "explanation": 4,
    "transition": 5,
    "planning": 5,
    "figures": 4,
    "simulation": 4,
}
COMPARED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "in": "not in", "not in": "in", "is": "is not"}
COMPARED["is not"] = "is"
COMBINED = {"+": "-", "-": "+", "*": "/", "/": "*", "//": "/", "%": "//", "&": "|", "|": "&", "and": "or", "or": "and"}
CALLED = {"min": "max", "max": "min", "any": "all", "all": "any", "sum": "max", "mean": "max", "ceil": "floor", "first": "last"}
UNHEARD = {"strict", "encoding", "check", "ensure_ascii"}  # keywords without which nothing else comes out
SAID = {"info", "debug", "print", "annotate", "set_title"}


@dataclass(frozen=True)
class Mutant:
    """One changed line. ``line`` counts from 1; ``before`` and ``after`` are the line without the spaces at its ends."""

    room: str
    file: str
    line: int
    kind: str
    before: str
    after: str
    tests: str  # what is run, one after another, until something fails


class _Candidates(ast.NodeVisitor):
    """All changes of one file, each as (kind, line, column, end column, new text); texts, types, decorators and errors are passed over."""

    def __init__(self, source: str) -> None:
        self.lines = source.splitlines()
        self.found: list[tuple[str, int, int, int, str]] = []
        self.visit(ast.parse(source))

    def add(self, kind: str, line: int, start: int, end: int, text: str) -> None:
        self.found.append((kind, line, start, end, text))

    def between(self, kind: str, left: ast.expr, right: ast.expr, words: dict[str, str]) -> None:
        """The operator that stands between two parts of one line."""
        if left.end_lineno != right.lineno:
            return
        text = self.lines[right.lineno - 1][left.end_col_offset : right.col_offset]
        word = text.strip("() ")
        if word in words:
            start = left.end_col_offset + text.index(word)
            self.add(kind, right.lineno, start, start + len(word), words[word])

    def visit_Compare(self, node: ast.Compare) -> None:
        for left, right in zip([node.left, *node.comparators], node.comparators, strict=False):
            self.between("comparison", left, right, COMPARED)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        texts = [isinstance(one, ast.JoinedStr) or isinstance(getattr(one, "value", None), str) for one in (node.left, node.right)]
        if not any(texts):
            self.between("arithmetic", node.left, node.right, COMBINED)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for left, right in zip(node.values, node.values[1:], strict=False):
            self.between("and, or", left, right, COMBINED)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not) and node.lineno == node.operand.lineno:
            self.add("not", node.lineno, node.col_offset, node.operand.col_offset, "")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self.add("number", node.lineno, node.col_offset, node.end_col_offset, str(not value))
        elif isinstance(value, int | float):
            new = value + 1 if isinstance(value, int) or value == 0 else 2 * value
            self.add("number", node.lineno, node.col_offset, node.end_col_offset, repr(new))

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in SAID:
            return
        if name in CALLED:
            self.add("function", node.func.end_lineno, node.func.end_col_offset - len(name), node.func.end_col_offset, CALLED[name])
        before = [*node.args, *node.keywords]
        for number, keyword in enumerate(node.keywords, len(node.args)):
            previous = before[number - 1] if number else None
            if keyword.arg in (None, *UNHEARD) or keyword.lineno != keyword.end_lineno:
                continue
            if previous is not None and previous.end_lineno == keyword.lineno:
                self.add("keyword", keyword.lineno, previous.end_col_offset, keyword.end_col_offset, "")
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        if node.test.lineno == node.test.end_lineno:
            text = self.lines[node.test.lineno - 1][node.test.col_offset : node.test.end_col_offset]
            self.add("condition", node.test.lineno, node.test.col_offset, node.test.end_col_offset, f"not ({text})")
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        plain = isinstance(node.value, ast.Constant) and node.value.value is None
        if node.value is not None and not plain and node.lineno == node.end_lineno:
            self.add("return", node.lineno, node.col_offset, node.end_col_offset, "return None")
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        name = getattr(getattr(node.value, "func", None), "attr", getattr(getattr(node.value, "func", None), "id", ""))
        if isinstance(node.value, ast.Call) and name not in SAID:
            if node.lineno == node.end_lineno:
                self.add("statement", node.lineno, node.col_offset, node.end_col_offset, "pass")
            self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        if node.lineno == node.end_lineno:
            self.add("statement", node.lineno, node.col_offset, node.end_col_offset, "pass")

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for part in (*node.args.defaults, *(one for one in node.args.kw_defaults if one), *node.body):
            self.visit(part)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in node.body:
            self.visit(part)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Words for users are not changed."""


def candidates(source: str) -> dict[str, list[tuple[int, str, str]]]:
    """Of a source, by kind: the changes as (line, the line before, the line after), all of which can be parsed."""
    lines, kinds = source.splitlines(), {}
    for kind, number, start, end, text in _Candidates(source).found:
        line = lines[number - 1].encode()  # columns of ast are bytes
        after = (line[:start] + text.encode() + line[end:]).decode()
        try:
            ast.parse("\n".join([*lines[: number - 1], after, *lines[number:]]))
        except SyntaxError:
            continue
        kinds.setdefault(kind, []).append((number, line.decode().strip(), after.strip()))
    return kinds


def tests_of(room: str, file: str) -> str:
    """The room's test files that name the module most often, then the whole room."""
    module = ".".join(Path(file).with_suffix("").parts[1:]).removesuffix(".__init__")
    named = {}
    for path in sorted((ROOT / "tests/unit" / room).rglob("test_*.py")):
        parts = module.rpartition(".")
        text = path.read_text()
        named[path] = text.count(f"{module} ") + text.count(f"from {parts[0]} import {parts[2]}")
    if Path(file).stem == "tables":
        return f"tests/unit/base/test_declared_tables.py tests/unit/{room}"
    first = [path.relative_to(ROOT).as_posix() for path in sorted(named, key=lambda path: -named[path])[:2] if named[path]]
    return " ".join([*first, f"tests/unit/{room}"])


def draw() -> Iterator[Mutant]:
    """The list: in each room as many files as mutants, in each file first a kind of change and then one such change."""
    for room, wanted in ROOMS.items():
        chance = random.Random(f"{SEED} {room}")
        files = sorted(path for path in (ROOT / "src/cellfate" / room).rglob("*.py"))
        chance.shuffle(files)
        for path in files:
            kinds = candidates(path.read_text())
            if not kinds or not wanted:
                continue
            kind = chance.choice(sorted(kinds))
            line, before, after = chance.choice(kinds[kind])
            file = path.relative_to(ROOT).as_posix()
            yield Mutant(room, file, line, kind, before, after, tests_of(room, file))
            wanted -= 1


def read_list(path: Path = LIST) -> list[Mutant]:
    """The mutants of a list; quotes in it are those of the source."""
    with open(path, newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Mutant(**(row | {"line": int(row["line"])})) for row in rows]


if __name__ == "__main__":
    with open(LIST, "w") as stream:
        names = list(Mutant.__dataclass_fields__)
        stream.write("\t".join(names) + "\n")
        stream.writelines("\t".join(str(getattr(mutant, name)) for name in names) + "\n" for mutant in draw())
