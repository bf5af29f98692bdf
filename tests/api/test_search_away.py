"""While the engine of searches for words is away, these say so, and nothing else notices."""

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from echoic.api.openapi import DocumentedApi
from echoic.compose import Components
from echoic.errors import SettingInvalid
from echoic.opensearch.client import OpenSearchClient
from echoic.opensearch.open import open_opensearch
from tests.factories import World, talk

NOWHERE = SecretStr("http://somebody:a%20secret@127.0.0.1:9")


@pytest.fixture(params=["refuse", "database"])
async def components(components: Components, request: pytest.FixtureRequest) -> AsyncIterator[Components]:
    """Those of a server whose OpenSearch is away."""
    settings = components.settings.model_copy(update={"search_url": NOWHERE, "search_when_away": request.param})
    async with open_opensearch(settings, components.database) as opensearch:
        assert opensearch is not None
        yield dataclasses.replace(components, settings=settings, search_index=opensearch.index)


async def test_only_searches_for_words_say_that_they_cannot_be_answered(
    client: httpx.AsyncClient,
    app: DocumentedApi,
    world: World,
    components: Components,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("the deadline"))
    for search_type in ("text", "hybrid", "semantic"):
        body = {"query": "deadline", "search_type": search_type}
        answer = await client.post("/api/search", headers=tenant.headers, json=body)
        if search_type == "semantic" or components.settings.search_when_away == "database":
            assert (answer.status_code, answer.json()["meta"]["total"]) == (200, 1)
        else:
            assert (answer.status_code, answer.json()["code"]) == (503, "search_unavailable")
    assert (await client.get(f"/api/items/{item_id}", headers=tenant.headers)).status_code == 200
    assert "secret" not in caplog.text


@pytest.mark.parametrize("url", ["ftp://host", "https://", "https://host:port", "host:9200"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(SettingInvalid, match="ECHOIC_SEARCH_URL must be an address"):
        OpenSearchClient(url)


def test_a_file_of_authorities_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="ECHOIC_SEARCH_CA_FILE"):
        OpenSearchClient("https://host:9200", ca_file=tmp_path / "none.pem")
