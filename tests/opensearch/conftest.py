"""Tests of the engine on OpenSearch; ``make test-opensearch`` runs them, with a server of its own."""

import os

import pytest

URL = os.environ.get("TESTS_OPENSEARCH_URL")
"""Of a server that was started for the tests."""

needs_opensearch = pytest.mark.skipif(URL is None, reason="make test-opensearch runs the tests that need OpenSearch")
