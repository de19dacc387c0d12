"""Which files a job depends on: found in the code's imports, never by running it."""

import ast
from pathlib import Path

import pytest

from cellfate.planning import library

ROOT = Path(__file__).parents[3]
SCRIPTS = sorted(ROOT.glob("scripts/*/*.py"))


def clear():
    for kept in (library.imports_of, library._is_plumbing, library._files, library._with_parts):
        kept.cache_clear()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Writes modules of a package that stands for cellfate; returns the function that writes one and the package's folder."""
    folder = tmp_path / "cellfate"
    monkeypatch.setattr(library, "package_folder", lambda: folder)
    monkeypatch.chdir(tmp_path)
    clear()

    def write(name: str, text: str = "") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    yield write
    clear()


def test_nested_modules_come_with_the_init_files_on_the_way(package):
    package("cellfate/__init__.py")
    package("cellfate/a/__init__.py", "from cellfate.a.early import x")
    package("cellfate/a/b/__init__.py", "A docstring alone computes nothing.".join(['"""'] * 2))
    package("cellfate/a/early.py")
    package("cellfate/a/b/deep.py", "from cellfate.a import plain")
    package("cellfate/a/plain.py", "import numpy\nimport cellfate.a.other as other")
    package("cellfate/a/other.py")
    package("cellfate/a/unused.py")
    script = package("script.py", "from cellfate.a.b.deep import f")
    expected = [f"cellfate/a/{name}.py" for name in ("__init__", "b/deep", "early", "other", "plain")]
    assert library.library_of(script) == expected


def test_imports_within_functions_and_branches_count(package):
    package("cellfate/__init__.py")
    for name in "abcde":
        package(f"cellfate/{name}.py")
    lines = [
        "def f():",
        "    if x:",
        "        from cellfate.a import y",
        "    else:",
        "        from cellfate.b import y",
        "    try:",
        "        from cellfate.c import y",
        "    except ImportError:",
        "        from cellfate.d import y",
        "    finally:",
        "        from cellfate import e",
    ]
    script = package("script.py", "\n".join(lines))
    assert library.library_of(script) == [f"cellfate/{name}.py" for name in "abcde"]


def test_what_a_module_renders_stands_beside_it(package):
    package("cellfate/__init__.py")
    package("cellfate/page.py")
    package("cellfate/page.html.j2")
    script = package("script.py", "from cellfate.page import write")
    assert library.library_of(script) == ["cellfate/page.html.j2", "cellfate/page.py"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("from cellfate.gone import f", r"script\.py: line 2: cellfate\.gone\.f: there is no gone in .*cellfate"),
        ("import cellfate.a.gone", r"script\.py: line 2: cellfate\.a\.gone: a is a module, there is no module in it"),
        ("from cellfate import open_frames", r"script\.py: line 2: cellfate\.open_frames: there is no open_frames in"),
        ("from .a import f", r"script\.py: line 2: a relative import"),
    ],
)
def test_what_cannot_be_found_is_an_error(package, line, message):
    package("cellfate/__init__.py")
    package("cellfate/a.py")
    script = package("script.py", f"import os\n{line}")
    with pytest.raises(ImportError, match=message):
        library.library_of(script)


def test_each_file_is_read_once(package, monkeypatch):
    package("cellfate/__init__.py")
    package("cellfate/a.py")
    scripts = [package(f"s{i}.py", "from cellfate.a import f") for i in range(3)]
    read = []
    read_text = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda path: read.append(path) or read_text(path))
    for _ in range(2):
        for script in scripts:
            library.library_of(script)
    assert len(read) == 4, "the scripts and the module"


def test_the_imports_are_those_that_python_sees():
    """Statements are found by a pattern, for speed: it must find what Python's own parser does, in every file, and nothing else."""
    files = [*ROOT.glob("src/cellfate/**/*.py"), *SCRIPTS]
    assert len(files) > 400
    for file in files:
        text = file.read_text()
        nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, (ast.Import, ast.ImportFrom))]
        ours = [node for node in nodes if "cellfate" in ast.unparse(node) or getattr(node, "level", 0)]
        found = [(line, ast.unparse(node)) for line, node in library._import_statements(text)]
        assert found == sorted((node.lineno, ast.unparse(node)) for node in ours), file


def test_all_scripts_can_be_followed_and_none_depends_on_a_reader():
    assert len(SCRIPTS) > 40
    readers = {f"frames/{name}.py" for name in ("czi", "nd2", "stacks", "folders", "ome_zarr", "image")}
    readers |= {path.relative_to(ROOT / "src/cellfate").as_posix() for path in ROOT.glob("src/cellfate/tracks/readers/*.py")}
    readers -= {"tracks/readers/__init__.py"}
    allowed = {"write_recordings_sheet", "split_annotations"}  # they cut annotation files, which are in that format
    for script in SCRIPTS:
        found = {Path(file).resolve().relative_to(ROOT / "src/cellfate").as_posix() for file in library.library_of(script)}
        assert script.stem in allowed or not found & readers, script


def test_the_engine_of_tables_is_watched_and_plumbing_is_not():
    found = {Path(file).name for file in library.library_of(ROOT / "scripts/trajectories/split_trajectories.py")}
    assert "tables.py" in found
    assert not found & {"logs.py", "files.py", "errors.py", "causes.py", "progress.py"}


@pytest.mark.parametrize(
    ("images", "modules"),
    [
        ("movie.czi", {"czi"}),
        ("movie.nd2", {"nd2"}),
        ("a/movie.OME.TIF", {"stacks", "image", "ome_planes"}),
        ("not/yet/there", {"folders", "image"}),
        ("a/{channel}_{time}.tif", {"folders", "image"}),
        ("a/{channel}.tif", {"folders", "image", "stacks", "ome_planes"}),
        ("a/{channel}.czi", {"folders", "image", "czi"}),
    ],
)
def test_the_readers_of_a_recording_follow_from_its_path(images, modules):
    found = {Path(file).stem for file in library.readers_of(images)}
    assert found - {"reader", "colours", "names"} == modules


def test_an_ome_zarr_is_known_by_what_is_in_it(tmp_path):
    (tmp_path / "zarr.json").write_text("{}")
    assert {Path(file).stem for file in library.readers_of(str(tmp_path))} == {"ome_zarr", "reader"}


def test_the_reader_of_tracks_follows_from_their_format():
    without = set(library.readers_of("movie.czi"))
    assert {Path(file).stem for file in set(library.readers_of("movie.czi", "geff")) - without} >= {"geff", "links", "raw"}
    assert "btrack" not in {Path(file).stem for file in library.readers_of("movie.czi", "geff")}
