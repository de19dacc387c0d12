"""A real SLURM on this machine, and a copy of the project in which everything has run on it once."""

import os

import node
import pytest
from cluster import Cluster, new_cluster


@pytest.fixture(scope="session")
def slurm() -> None:
    try:
        node.start()
    except node.SlurmError as error:
        if os.environ.get("CELLFATE_NEEDS_SLURM"):
            raise
        pytest.skip(f"NOT CHECKED on a real SLURM: {error}")


@pytest.fixture
def fresh(tmp_path) -> Cluster:
    return new_cluster(tmp_path)


@pytest.fixture(scope="session")
def finished(slurm, tmp_path_factory) -> Cluster:
    """A copy in which the whole workflow has run on SLURM. Tests leave it as they found it."""
    cluster = new_cluster(tmp_path_factory.mktemp("cluster"))
    cluster.run()
    return cluster
