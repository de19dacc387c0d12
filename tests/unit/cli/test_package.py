"""The package as others install it: what it declares, and the wheel in an environment of its own, away from this copy."""

import ast
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from packaging.requirements import Requirement
from toy_model import write_model
from toy_recording import toy_row, write_sheet
from toy_scores import write_baselines, write_design_lines, write_metrics

import cellfate
from cellfate.base.software import VERSION
from cellfate.base.tables import read_table
from cellfate.cli.main import COMMANDS
from cellfate.frames import formats
from cellfate.prediction.tables import FATE_PREDICTIONS
from cellfate.tracks.formats import FORMATS as TRACK_FORMATS

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = dict(line.split("==") for line in (ROOT / "requirements.txt").read_text().split() if "==" in line)
BY_NAME = {"nd2", "pylibCZIrw"}  # readers that only users with such files install: imported by names in texts
IMPORTED_AS = {  # where the two names differ
    "PIL": "pillow",
    "ctc_metrics": "py-ctcmetrics",
    "geff_spec": "geff-spec",
    "jinja2": "Jinja2",
    "markupsafe": "MarkupSafe",
    "ot": "POT",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
}
READERS = {
    kind.module for kind in (*formats.FORMATS, formats.FILES_OF_PATTERN, formats.JOINED, *TRACK_FORMATS.values())
}  # named by strings
BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", "src", "config", "workflow")  # the last two are behind links in src


def declared(*extras: str) -> list[Requirement]:
    """The dependencies, and those of the extras, without the extras that name other extras of this package."""
    texts = PROJECT["dependencies"] + [text for extra in extras for text in PROJECT["optional-dependencies"][extra]]
    return [requirement for requirement in map(Requirement, texts) if requirement.name != "cellfate"]


def imports(path: Path) -> set[str]:
    """The dotted names that a module imports, at the top or later: of modules, and of what is taken from them."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def others(names: set[str]) -> set[str]:
    """The packages of others among imported names, by the names under which they are installed."""
    packages = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - {"cellfate"}
    return {IMPORTED_AS.get(name, name) for name in packages}


def reached(start: set[str]) -> set[str]:
    """Everything that the modules ``start`` import, and the modules of this package among it, and so on."""
    seen, queue = set(), sorted(start | READERS)
    while queue:
        name = queue.pop()
        path = ROOT / "src" / name.replace(".", "/")
        files = [file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()]
        found = set().union(*map(imports, files)) - seen
        seen |= found
        queue += sorted(one for one in found if one.startswith("cellfate."))
    return seen


def test_every_import_is_declared_and_nothing_else():
    extras = [extra for extra in PROJECT["optional-dependencies"] if extra != "test"]
    everything = {requirement.name for requirement in declared(*extras)}
    not_imported = {"snakemake", "snakemake-executor-plugin-slurm", "openpyxl"}  # the workflow itself; pandas reads workbooks with it
    imported = others(set().union(*map(imports, (ROOT / "src/cellfate").rglob("*.py"))))
    assert everything - BY_NAME == (imported | not_imported) - BY_NAME


def test_commands_and_public_names_need_no_extra_but_the_picture():
    """Optimal transport is imported where it runs; a check of cells reaches that module and not that line."""
    modules = {module for module, _ in COMMANDS.values()} | set(cellfate._HOMES.values())
    assert others(reached(modules)) - BY_NAME - {"POT"} <= {one.name for one in declared("figures")}
    public = others(reached(set(cellfate._HOMES.values())))
    assert {"torch", "zarr"} <= public <= {one.name for one in declared()}


def test_the_pinned_versions_are_in_the_declared_ranges():
    requirements = declared(*PROJECT["optional-dependencies"])
    outside = [str(one) for one in requirements if not one.specifier.contains(PINS[one.name])]
    assert outside == []
    assert all(one.specifier for one in requirements)


def test_the_build_uses_a_pinned_setuptools():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]
    (needed,) = map(Requirement, build["requires"])
    assert needed.specifier.contains(PINS[needed.name])


def run(*command: object, **options) -> subprocess.CompletedProcess:
    """Run a command without what points Python back to this copy; its output as text."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    options.setdefault("env", environment)
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **options)


def succeed(*command: object, **options) -> str:
    """Run a command that must succeed and return its standard output."""
    done = run(*command, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy of what it is built from, so that nothing is left in this one."""
    folder = tmp_path_factory.mktemp("wheel")
    (folder / "copy").mkdir()
    for part in BUILT_FROM:
        if (ROOT / part).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(ROOT / part, folder / "copy" / part, symlinks=True, ignore=ignored)
        else:
            shutil.copy(ROOT / part, folder / "copy" / part)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    succeed(*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", folder, folder / "copy", env=None)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The folder of commands of a new environment that has the wheel, and sees the pinned packages by a path file."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "pinned.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", folder / "bin/python")
    succeed(*pip, "install", "--no-deps", "--no-index", wheel)
    return folder / "bin"


def test_the_wheel_carries_every_file_of_the_package_and_the_licence(wheel):
    assert wheel.name == f"cellfate-{VERSION}-py3-none-any.whl"
    listing = succeed(sys.executable, "-m", "zipfile", "-l", wheel)
    names = {line.split()[0] for line in listing.splitlines()[1:]}
    ours = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src/cellfate").rglob("*") if path.is_file()}
    ours = {name for name in ours if "__pycache__" not in name}
    assert {name for name in names if ".dist-info/" not in name} == ours
    assert f"cellfate-{VERSION}.dist-info/licenses/LICENSE" in names


def test_the_wheel_carries_the_default_configuration_and_its_schema(wheel):
    with zipfile.ZipFile(wheel) as file:
        for name, original in (("config.yaml", "config/config.yaml"), ("config.schema.yaml", "workflow/schemas/config.schema.yaml")):
            assert file.read(f"cellfate/planning/{name}") == (ROOT / original).read_bytes(), name


def test_the_installed_package_is_the_one_that_runs(installed, tmp_path):
    code = "import cellfate; print(cellfate.__file__, cellfate.__version__, cellfate.open_frames.__module__)"
    path, version, module = succeed(installed / "python", "-c", code, cwd=tmp_path).split()
    assert Path(path).is_relative_to(installed.parent)
    assert version == VERSION
    assert module.startswith("cellfate.")


def test_the_installed_command_helps(installed, tmp_path):
    assert "usage: cellfate" in succeed(installed / "cellfate", "--help", cwd=tmp_path)
    assert succeed(installed / "cellfate", "--version", cwd=tmp_path) == f"cellfate {VERSION}\n"


def test_the_installed_command_says_what_is_wrong_in_one_line(installed, tmp_path):
    done = run(installed / "cellfate", "headline", "nowhere", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "Input error: nowhere/tables/test_metrics.csv: no such file (metrics table)\n")


def test_the_installed_command_prints_the_headline(installed, tmp_path):
    write_metrics(tmp_path, all=40)
    write_design_lines(tmp_path)
    write_baselines(tmp_path, 0.6)
    out = succeed(installed / "cellfate", "headline", tmp_path, cwd=tmp_path)
    assert "\nHeld-out trajectories: 40, outcomes in 4 and 3 recordings or groups\n  balanced accuracy  0.900" in out


def test_the_installed_command_checks_a_sheet(installed, tmp_path):
    write_sheet(tmp_path / "sheet.tsv", [toy_row(tmp_path)])
    out = succeed(installed / "cellfate", "check", "sheet.tsv", cwd=tmp_path)
    assert "Nothing is wrong: 1 recording, 12 frames and 3 tracks can be read." in out


def test_the_installed_command_names_file_row_and_value_of_what_is_wrong(installed, tmp_path):
    write_sheet(tmp_path / "sheet.tsv", [toy_row(tmp_path), toy_row(tmp_path, "r1", frame_interval_min=-5)])
    (tmp_path / "mine.yaml").write_text("dataset: mine\nrecordings: sheet.tsv\nsource: {kind: local}\ncrops: {size: 3}\n")
    bad_sheet = run(installed / "cellfate", "check", "sheet.tsv", cwd=tmp_path)
    assert bad_sheet.returncode == 1
    assert "sheet.tsv: line 3: frame_interval_min is -5" in bad_sheet.stdout
    bad_settings = run(installed / "cellfate", "check", "mine.yaml", cwd=tmp_path)
    assert bad_settings.returncode == 1
    assert "mine.yaml: crops.size is 3, at least 8 is needed" in bad_settings.stdout


def test_the_installed_command_drafts_a_sheet_and_settings(installed, tmp_path):
    toy_row(tmp_path / "data")
    out = succeed(installed / "cellfate", "init", "data", cwd=tmp_path)
    assert "Found in data: 1 recording, 1 of them with tracks." in out
    drafted = pd.read_csv(tmp_path / "recordings.tsv", sep="\t", dtype=str)
    assert drafted[["recording", "images", "tracks"]].to_numpy().tolist() == [["r0", "data/images/r0", "data/r0.csv"]]
    assert "recordings: recordings.tsv" in (tmp_path / "my_config.yaml").read_text()


def test_the_installed_command_predicts(installed, tmp_path):
    write_model(tmp_path / "model")
    write_sheet(tmp_path / "sheet.tsv", [toy_row(tmp_path)])
    out = succeed(installed / "cellfate", "predict", "model", "sheet.tsv", "--accelerator", "cpu", cwd=tmp_path)
    assert out == "The predictions of 1 recording are in predictions/\n"
    table = read_table(tmp_path / "predictions/r0.parquet", FATE_PREDICTIONS)
    assert table.groupby("track_id").size().to_dict() == {1: 8, 2: 6}
    assert {path.name.removeprefix("r0.") for path in (tmp_path / "predictions").iterdir()} >= {"csv", "geff", "napari.csv", "png"}
