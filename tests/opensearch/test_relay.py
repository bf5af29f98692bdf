"""An OpenSearch behind TLS and a password, as ``ECHOIC_SEARCH_URL`` and ``ECHOIC_SEARCH_CA_FILE`` name it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme
from typer.testing import CliRunner, Result

from echoic.cli import app
from echoic.errors import SearchUnavailable, SettingInvalid
from echoic.opensearch.client import OpenSearchClient
from tests.factories import World, talk
from tests.opensearch.copied import OPENSEARCH_URL, copied_index, found_by, needs_opensearch
from tests.opensearch.relay import Relay, relaying

pytestmark = needs_opensearch

USER, PASSWORD, WRONG = "search", "a p@ss:w/rd#ü€%", "another-password"


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture
async def relay(authority: trustme.CA) -> AsyncIterator[Relay]:
    assert OPENSEARCH_URL is not None
    async with relaying(OPENSEARCH_URL, authority, user=USER, password=PASSWORD) as opened:
        yield opened


async def asked(url: str, ca_file: Path | None) -> str:
    """The sentence with which a request fails."""
    client = OpenSearchClient(url, ca_file=ca_file)
    try:
        with pytest.raises(SearchUnavailable) as failure:
            await client.has_alias("echoic-search")
        return failure.value.message
    finally:
        await client.close()


async def reindexed(world: World, monkeypatch: pytest.MonkeyPatch, url: str, ca_file: Path) -> Result:
    """What the command says."""
    monkeypatch.setenv("ECHOIC_DATABASE_URL", world.database.url)
    monkeypatch.setenv("ECHOIC_SEARCH_URL", url)
    monkeypatch.setenv("ECHOIC_SEARCH_CA_FILE", str(ca_file))
    return await asyncio.to_thread(CliRunner().invoke, app, ["reindex"])


async def test_copying_and_searching_go_through_tls_with_a_password(relay: Relay, ca_file: Path, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("a quiet river", "schöne Grüße"))
    async with copied_index(world.database, url=relay.url(), ca_file=ca_file) as copied:
        await copied.catch_up()
        assert await found_by(copied, tenant, "river") == ["a quiet river"]
        assert await found_by(copied, tenant, "grüße") == ["schöne Grüße"]
        through = relay.let_through
        assert await found_by(copied, tenant, "harbor") == []
        assert relay.let_through > through
    assert relay.refused == 0


async def test_a_wrong_password_is_named_and_not_shown(
    relay: Relay, ca_file: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence = "OpenSearch does not accept the user and the password in ECHOIC_SEARCH_URL."
    assert await asked(relay.url(password=WRONG), ca_file) == sentence
    result = await reindexed(world, monkeypatch, relay.url(password=WRONG), ca_file)
    assert result.exit_code == 1
    assert f"echoic: {sentence}" in result.stderr
    assert WRONG not in result.output
    assert PASSWORD not in result.output
    assert relay.let_through == 0


async def test_an_unknown_authority_is_named(
    relay: Relay, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    for ca_file in (other, None):
        said = await asked(relay.url(), ca_file)
        assert said.startswith("The certificate of the OpenSearch in ECHOIC_SEARCH_URL is not trusted: ")
        assert said.endswith("ECHOIC_SEARCH_CA_FILE may name the authority that vouches for it.")
    result = await reindexed(world, monkeypatch, relay.url(), other)
    assert result.exit_code == 1
    assert "The certificate of the OpenSearch in ECHOIC_SEARCH_URL is not trusted" in result.stderr
    assert "a%20p" not in result.output
    assert "a p@ss" not in result.output
    assert (relay.let_through, relay.refused) == (0, 0)


async def test_a_file_that_holds_no_certificate_is_refused_at_once(relay: Relay, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate")
    with pytest.raises(SettingInvalid, match="ECHOIC_SEARCH_CA_FILE"):
        OpenSearchClient(relay.url(), ca_file=wrong)


async def test_who_searches_is_not_told_of_settings(relay: Relay, ca_file: Path, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("a quiet river"))
    async with copied_index(world.database, url=relay.url(), ca_file=ca_file) as copied:
        await copied.catch_up()
        relay.password = "changed"
        with pytest.raises(SearchUnavailable) as failure:
            await found_by(copied, tenant, "river")
        assert "ECHOIC" not in failure.value.message
        relay.password = PASSWORD
        assert await found_by(copied, tenant, "river") == ["a quiet river"]
