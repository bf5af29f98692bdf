"""The real OpenSearch that other tests ask is one, and goes on when a node is gone."""

import json
import urllib.request

import pytest

from tests.opensearch.cluster import VERSION, cluster, health, wait_for_nodes
from tests.opensearch.copied import needs_opensearch

pytestmark = [needs_opensearch, pytest.mark.processes]


def test_three_nodes_are_one_cluster_and_two_go_on_without_the_third() -> None:
    with cluster(nodes=3) as nodes:
        with urllib.request.urlopen(nodes[2].url) as answer:
            assert json.load(answer)["version"]["number"] == VERSION
        nodes[0].kill()
        wait_for_nodes(nodes[1:], 2)
        left = health(nodes[1].url)
        assert left is not None
        assert left["status"] == "green"
        assert left["number_of_nodes"] == 2
