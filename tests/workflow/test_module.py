"""The workflow where it is not the working folder: used by another one, deployed, called from elsewhere, with an installed package."""

import re
import shutil
import subprocess

import pytest
from project import TINY, Project, copy_project, environment, tiny_rows

MODULE = """
configfile: "config/config.yaml"


module cellfate:
    snakefile:
        {snakefile}
    config:
        config


use rule * from cellfate{renamed}
"""
CROPS, SPLIT = "results/tiny/crops/r0.h5", "results/tiny/corrected/split.parquet"
OVERLAYS = ("demo.yaml", "tiny.yaml")
EVERYTHING = {"simulate_recording": 4, "extract_crops": 4, "train_model": 1, "plot_effects": 1, "write_summary": 1, "export_model": 1}


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Project:
    """A copy of the project in which nothing may be written."""
    return copy_project(tmp_path_factory.mktemp("clone"))


@pytest.fixture
def other(tmp_path, clone) -> Project:
    """Another folder, with a sheet and overlays alone."""
    project = Project(tmp_path / "other")
    project.folder.mkdir()
    shutil.copy(clone.folder / "demo/config.yaml", project.folder / "demo.yaml")
    project.write_config("tiny.yaml", TINY)
    project.write_sheet("tiny.tsv", tiny_rows(4))
    return project


def use(project: Project, snakefile: str, path: str = "Snakefile", renamed: str = "") -> None:
    """Write a workflow that uses another one, and the configuration that it hands on."""
    written = project.folder / path
    written.parent.mkdir(exist_ok=True)
    written.write_text(MODULE.format(snakefile=snakefile, renamed=renamed))


def take(clone: Project, project: Project, *folders: str) -> None:
    for folder in folders:
        shutil.copytree(clone.folder / folder, project.folder / folder)


def files_in(folder) -> dict:
    """Every file with its time of change; what Python compiles is none of the workflow's."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if "__pycache__" not in path.parts}


def counted(planned: dict) -> dict:
    """How many jobs of the rules in EVERYTHING are planned."""
    return {name: planned.get(name, 0) for name in EVERYTHING}


@pytest.mark.whole
def test_another_workflow_uses_this_one(clone, other):
    take(clone, other, "config")
    use(other, repr(str(clone.folder / "workflow/Snakefile")))
    before = files_in(clone.folder)
    other.snakemake("--", CROPS, SPLIT, overlays=OVERLAYS)
    assert {(other.folder / path).is_file() for path in (CROPS, SPLIT, "logs/tiny/corrected/split_trajectories.log")} == {True}
    assert other.jobs("--", CROPS, SPLIT, overlays=OVERLAYS) == {}
    assert counted(other.jobs(overlays=OVERLAYS)) == EVERYTHING | {"simulate_recording": 0, "extract_crops": 3}
    assert files_in(clone.folder) == before


@pytest.mark.whole
def test_the_rules_may_be_given_a_prefix(clone, other):
    take(clone, other, "config")
    use(other, repr(str(clone.folder / "workflow/Snakefile")), renamed=" as cells_*")
    planned = other.jobs(overlays=OVERLAYS)
    assert counted({name.removeprefix("cells_"): number for name, number in planned.items()}) == EVERYTHING
    assert {name for name in planned if not name.startswith("cells_")} == set()
    assert other.jobs("--", "cells_figures", overlays=OVERLAYS)["cells_plot_effects"] == 1


@pytest.mark.whole
def test_a_deployed_copy_has_its_configuration_and_profiles_alone(clone, other):
    take(clone, other, "config", "profiles")
    use(other, repr(str(clone.folder / "workflow/Snakefile")), "workflow/Snakefile")
    done = other.snakemake("--", "results/tiny/tracks/r0.parquet", overlays=OVERLAYS)
    assert "profiles/default" in done.output
    assert (other.folder / "results/tiny/tracks/r0.parquet").is_file()
    assert counted(other.jobs(overlays=OVERLAYS)) == EVERYTHING | {"simulate_recording": 3}


@pytest.mark.whole
def test_the_table_of_failed_jobs_can_be_asked_for(clone, other):
    take(clone, other, "config")
    use(other, repr(str(clone.folder / "workflow/Snakefile")))
    with open(other.folder / "Snakefile", "a") as file:
        file.write("\n\nonerror:\n    cellfate.onerror()\n")
    other.write_sheet("tiny.tsv", [{**row, "tracks": "bad.json"} for row in tiny_rows(1)])
    other.write_config("local.yaml", {"source": {"kind": "local"}, "split": {"unit": "track"}})
    (other.folder / "bad.json").write_text("no JSON")
    (other.folder / "resources/tiny/images/r0").mkdir(parents=True)
    target = ("--", "results/tiny/tracks/r0.parquet")
    done = other.snakemake(*target, overlays=(*OVERLAYS, "local.yaml"), check=False)
    assert done.returncode != 0
    assert "1 jobs failed:" in done.output
    assert re.search(r"r0 +read_tracks +Input error: ", done.output)


@pytest.mark.whole
def test_github_is_asked_for_what_the_workflow_consists_of(clone, other, tmp_path):
    """The site is a repository on this disk, by git's own replacement of addresses; the package is an installed one."""
    take(clone, other, "config")
    use(other, 'github("me/cellfate", path="workflow/Snakefile", tag="v1")')
    repository = tmp_path / "sites/me/cellfate"
    for folder in ("workflow", "scripts", "envs"):
        shutil.copytree(clone.folder / folder, repository / folder)
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(repository))
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "all"), ("tag", "v1")):
        subprocess.run([*git, *command], check=True)
    replaced = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{tmp_path}/sites/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
    }
    env = environment() | replaced | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONPATH": str(clone.folder / "src")}
    other.snakemake("--", "results/tiny/tracks/r0.parquet", overlays=OVERLAYS, env=env)
    assert (other.folder / "results/tiny/tracks/r0.parquet").is_file()
    assert counted(other.jobs(overlays=OVERLAYS, env=env)) == EVERYTHING | {"simulate_recording": 3}


@pytest.mark.whole
def test_it_runs_from_anywhere_for_any_folder(clone, other, tmp_path):
    before = files_in(clone.folder)
    called = ("-s", str(clone.folder / "workflow/Snakefile"), "--directory", str(other.folder))
    overlays = tuple(str(other.folder / name) for name in OVERLAYS)
    other.snakemake(*called, "--", "results/tiny/tracks/r0.parquet", overlays=overlays, cwd=tmp_path)
    assert (other.folder / "results/tiny/tracks/r0.parquet").is_file()
    assert counted(other.jobs(*called, overlays=overlays, cwd=tmp_path)) == EVERYTHING | {"simulate_recording": 3}
    assert files_in(clone.folder) == before


@pytest.mark.whole
def test_a_folder_may_have_a_configuration_of_its_own_that_says_what_differs(clone, other):
    (other.folder / "config").mkdir()
    other.write_config("config/config.yaml", {"segmentation": {"batch_size": 0}})
    called = ("-n", "-s", str(clone.folder / "workflow/Snakefile"))
    done = other.snakemake(*called, overlays=("demo.yaml",), check=False)
    assert done.returncode != 0
    assert "Input error: config/config.yaml: segmentation.batch_size is 0, at least 1 is needed" in done.output


@pytest.mark.whole
@pytest.mark.parametrize("used", [False, True], ids=["called", "used by another workflow"])
def test_without_src_beside_it_the_installed_package_is_used(clone, other, tmp_path, used):
    for folder in ("workflow", "scripts", "envs"):
        shutil.copytree(clone.folder / folder, tmp_path / "bare" / folder)
    installed = tmp_path / "site-packages"
    shutil.copytree(clone.folder / "src", installed)
    snakefile, called = str(tmp_path / "bare/workflow/Snakefile"), ()
    if used:
        take(clone, other, "config")
        use(other, repr(snakefile))
    else:
        called = ("-s", snakefile)
    options = {"overlays": OVERLAYS, "env": environment() | {"PYTHONPATH": str(installed)}}
    target = ("--", "results/tiny/tracks/r0.parquet")
    other.snakemake(*called, *target, **options)
    assert counted(other.jobs(*called, **options)) == EVERYTHING | {"simulate_recording": 3}
    edited = installed / "cellfate/tracks/outcomes.py"
    edited.write_text(edited.read_text() + "# edited\n")
    assert other.jobs(*called, *target, **options) == {"read_tracks": 1}, "the code that jobs depend on is that of the installed package"
