"""A real SLURM on this machine, and a copy of the project with simulated frames."""

import node
import pytest
from cluster import Cluster, new_cluster


def pytest_sessionstart(session) -> None:
    session.config.slurm_ran_before = node.running()


def pytest_sessionfinish(session) -> None:
    """Stop what was started here: not by a worker, as others may still run."""
    if not hasattr(session.config, "workerinput") and not getattr(session.config, "slurm_ran_before", True):
        node.stop()


@pytest.fixture(scope="session")
def slurm() -> None:
    try:
        node.start()
    except node.SlurmError as error:
        pytest.skip(f"NOT CHECKED on a real SLURM: {error}")


@pytest.fixture
def fresh(tmp_path) -> Cluster:
    return new_cluster(tmp_path)


@pytest.fixture(scope="session")
def simulated(slurm, tmp_path_factory) -> Cluster:
    """A copy with the frames of two recordings, made without SLURM. Tests leave it as they found it."""
    cluster = new_cluster(tmp_path_factory.mktemp("cluster"))
    cluster.snakemake("--", *(f"resources/tiny/annotations/r{i}.json" for i in range(2)))
    return cluster
