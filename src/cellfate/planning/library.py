"""Which files of the package a job depends on, found by reading their imports; nothing is run.

Snakemake watches scripts but not what they import, so each rule lists these files as an input: editing one makes its jobs stale.
"""

import ast
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from cellfate.frames.formats import reader_modules
from cellfate.tracks.formats import FORMATS

PACKAGE = "cellfate"
IMPORTS = re.compile(rf"^[ \t]*(?:from (?:\.|{PACKAGE}\b)\S* import (?:\([^)]*\)|.*)|import .*\b{PACKAGE}\b.*)", re.MULTILINE)
# they move and check data, or name what else is watched, but compute nothing: editing them makes no result stale
PLUMBING = {
    "base.causes",
    "base.errors",
    "base.files",
    "base.hdf5",
    "base.logs",
    "base.progress",
    "base.disk",
    "base.software",
    "frames.formats",
    "tracks.formats",
}


@cache
def package_folder() -> Path:
    """Where Python finds the package: in a clone's ``src``, or installed."""
    return Path(find_spec(PACKAGE).submodule_search_locations[0])


def library_of(script: str | Path) -> list[str]:
    """The files of the package that ``script`` imports, directly or not, as paths seen from the working directory.

    Raises ImportError for an import from the package that cannot be found.
    """
    return _shown(_reached(imports_of(Path(script))))


def readers_of(images: str | Sequence[str], tracks_format: str | None = None) -> list[str]:
    """The files of the package that read a recording: what opens its ``images`` (as in the sheet) and, where given, its tracks."""
    paths = [images] if isinstance(images, str) else images
    opened = dict.fromkeys(module for one in paths for module in reader_modules(one))
    modules = [*opened, *([] if tracks_format is None else [FORMATS[tracks_format].module])]
    return _shown(_reached(file for module in modules for file in _files(module)))


def _shown(files: Iterable[Path]) -> list[str]:
    """Paths of the files and of what belongs to them, seen from the working directory."""
    folder = os.getcwd()
    return sorted(path for file in files for path in _with_parts(file, folder))


@cache
def _with_parts(file: Path, folder: str) -> tuple[str, ...]:
    """Paths from ``folder`` of the file, of the templates that stand beside it under its name, and of what is in a folder of its name."""
    parts = [part for part in file.with_suffix("").glob("*.*") if part.suffix != ".py"]
    return tuple(os.path.relpath(path, folder) for path in [file, *file.parent.glob(f"{file.stem}.*.j2"), *parts])


def _reached(direct: Iterable[Path]) -> list[Path]:
    """The files that can be reached from ``direct``, without plumbing."""
    found: dict[Path, None] = {}
    queue = list(direct)
    while queue:
        file = queue.pop()
        if file not in found and not _is_plumbing(file):
            found[file] = None
            queue += imports_of(file)
    return list(found)


@cache
def _is_plumbing(file: Path) -> bool:
    """Whether it is one of ``PLUMBING``, the package's own ``__init__``, which names what others import, or holds a docstring alone."""
    parts = file.relative_to(package_folder()).with_suffix("").parts
    if parts[-1] == "__init__":
        return len(parts) == 1 or all(isinstance(statement, ast.Expr) for statement in ast.parse(file.read_text()).body)
    return ".".join(parts) in PLUMBING


@cache
def imports_of(file: Path) -> tuple[Path, ...]:
    """What a Python file imports from the package: for each import the module's file, and the ``__init__`` of each folder above it."""
    found: list[Path] = []
    for line, node in _import_statements(file.read_text()):
        here = f"{file}: line {line}"
        if isinstance(node, ast.ImportFrom) and node.level:
            raise ImportError(f"{here}: a relative import; {PACKAGE} imports by whole names")
        try:
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    found += _files(f"{node.module}.{alias.name}", or_attribute=node.module != PACKAGE)
            else:
                for name in [alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE]:
                    found += _files(name)
        except ImportError as error:
            raise ImportError(f"{here}: {error}") from None
    return tuple(dict.fromkeys(found))


def _import_statements(text: str) -> Iterator[tuple[int, ast.Import | ast.ImportFrom]]:
    """Each statement that imports from the package, or relatively, with its line. Only these are parsed, which is fast."""
    for match in IMPORTS.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, ast.parse(match.group().strip()).body[0]


@cache
def _files(name: str, or_attribute: bool = False) -> list[Path]:
    """The file of a module of that dotted name, after the ``__init__`` files on the way.

    With ``or_attribute`` the last part of the name may be something in a module. Raises ImportError where there is no such module.
    """
    folder, files = package_folder(), [package_folder() / "__init__.py"]
    parts = name.split(".")[1:]
    for place, part in enumerate(parts):
        if (folder / f"{part}.py").is_file():
            if len(parts) - 1 - place > or_attribute:
                raise ImportError(f"{name}: {part} is a module, there is no module in it")
            return [*files, folder / f"{part}.py"]
        if not (folder / part / "__init__.py").is_file():
            if or_attribute and place and place == len(parts) - 1:
                return files  # in the __init__ of a folder
            raise ImportError(f"{name}: there is no {part} in {folder}")
        folder /= part
        files.append(folder / "__init__.py")
    return files
