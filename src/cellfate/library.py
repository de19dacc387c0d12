"""Which files of the package a job depends on, found by reading their imports; nothing is run.

Snakemake watches scripts but not what they import, so each rule lists these files as an input: editing one makes its jobs stale.
"""

import ast
import os
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from cellfate.frames import reader_modules
from cellfate.track_formats import FORMATS

PACKAGE = "cellfate"
# they move and check data, or name what else is watched, but compute nothing: editing them makes no result stale
PLUMBING = {"", "errors", "files", "logs", "progress", "disk", "software", "frames", "track_formats"}


@cache
def package_folder() -> Path:
    """Where Python finds the package: in a clone's ``src``, or installed."""
    return Path(find_spec(PACKAGE).submodule_search_locations[0])


def library_of(script: str | Path) -> list[str]:
    """The files of the package that ``script`` imports, directly or not, as paths seen from the working directory.

    Raises ImportError for an import from the package that cannot be found.
    """
    return _shown(_reached(_imports(Path(script))))


def readers_of(images: str, tracks_format: str | None = None) -> list[str]:
    """The files of the package that read a recording: what opens its ``images`` (as in the sheet) and, where given, its tracks."""
    modules = [*reader_modules(images), *([] if tracks_format is None else [FORMATS[tracks_format].module])]
    return _shown(_reached(_files(module, "a registry of readers") for module in modules))


def _shown(files: Iterable[Path]) -> list[str]:
    return sorted(os.path.relpath(file) for file in files)


def _reached(direct: Iterable[tuple[Path, ...]]) -> set[Path]:
    """The files that can be reached from those of ``direct``, without plumbing."""
    found: set[Path] = set()
    queue = [file for files in direct for file in files]
    while queue:
        file = queue.pop()
        if file not in found and _module(file) not in PLUMBING:
            found.add(file)
            queue += [further for files in _imports(file) for further in files]
    return found


def _module(file: Path) -> str:
    """The dotted name within the package, '' for the package itself."""
    parts = file.relative_to(package_folder()).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _imports(file: Path) -> tuple[tuple[Path, ...], ...]:
    """What a Python file imports from the package: for each import the module's file and the ``__init__`` of each folder above it."""
    found = []
    for node in _statements(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            if node.level:
                raise ImportError(f"{file}: line {node.lineno}: a relative import; {PACKAGE} imports by whole names")
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found += [_files(name, f"{file}: line {node.lineno}") for name in names if name.split(".")[0] == PACKAGE]
    return tuple(found)


def _statements(block: ast.AST) -> Iterator[ast.stmt]:
    """Every statement in a block at any depth; expressions, in which nothing is imported, are not looked through."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        for statement in getattr(block, name, ()):
            yield statement
            yield from _statements(statement)


def _files(name: str, source: str) -> tuple[Path, ...]:
    """The file of a module, or of the module that has the last part of ``name`` in it, after the ``__init__`` files on the way."""
    folder, files = package_folder(), []
    parts = name.split(".")[1:]
    for place, part in enumerate(parts):
        files.append(folder / "__init__.py")
        if (folder / f"{part}.py").is_file():
            if place < len(parts) - 2:
                raise ImportError(f"{source}: {name}: {part} is a module, it has no modules in it")
            return (*files, folder / f"{part}.py")
        folder /= part
        if not (folder / "__init__.py").is_file():
            raise ImportError(f"{source}: {name}: there is no {part} in {folder.parent}")
    return (*files, folder / "__init__.py")
