"""A fresh copy of the project, and one in which everything has run once."""

import pytest
from project import Project, copy_project


@pytest.fixture
def fresh(tmp_path) -> Project:
    """An unused copy of the project."""
    return copy_project(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Project:
    """A copy of the project in which the whole workflow has run on tiny recordings. Tests leave it as they found it."""
    project = copy_project(tmp_path_factory.mktemp("project"))
    project.snakemake()
    return project
