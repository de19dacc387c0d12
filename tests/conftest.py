"""What tests of several modules need."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORKFLOW_SECONDS, WHOLE_SECONDS = 3600, 7200  # that a test may take which runs the workflow, or is one of those that take minutes
COSTLY = ("finished", "tracked_here", "simulated")  # projects that several tests share; one worker of xdist makes each and runs them


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items) -> None:
    for item in items:
        for name in COSTLY:
            if name in item.fixturenames:
                item.add_marker(pytest.mark.xdist_group(name))
        if item.get_closest_marker("timeout") is None and (longer := _longer_limit(item)):
            item.add_marker(pytest.mark.timeout(longer))


def _longer_limit(item) -> int | None:
    """Seconds for a test that may take longer than others."""
    if item.get_closest_marker("whole"):
        return WHOLE_SECONDS
    return WORKFLOW_SECONDS if item.path.relative_to(ROOT).parts[1] in ("workflow", "slurm") else None


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """The folder with real recordings and reference tables: CELLFATE_SHARED, or ../shared beside the project."""
    folder = Path(os.environ.get("CELLFATE_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"NOT CHECKED against real data: {folder} does not exist (set CELLFATE_SHARED to the folder that holds data/)")
    return folder
