"""One cluster for all tests of this folder; each leaves it whole."""

from collections.abc import Iterator

import pytest

from tests.replica.cluster import Cluster, cluster


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The running cluster."""
    with cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture
def replicas(shared: Cluster) -> Iterator[Cluster]:
    """The cluster, with every replica running and every way open again afterwards."""
    yield shared
    for way in shared.ways:
        way.heal()
    for replica in shared.replicas:
        if replica.process is None or replica.process.poll() is not None:
            replica.launch()
        replica.resume()
    for replica in shared.replicas:
        replica.wait_ready()
