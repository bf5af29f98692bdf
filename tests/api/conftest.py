"""The application on a real database and store, asked in-process."""

import dataclasses
import io
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from echoic.accounts.sign_in import SignIns
from echoic.api.app import create_app
from echoic.api.openapi import DocumentedApi
from echoic.compose import Components, open_components
from echoic.db.catalog import libraries
from echoic.logs import configure_logging
from echoic.plans import Plan, Plans
from echoic.settings import Settings
from tests.api.browser import NAME, PASSWORD, QUICK, browser, signed_in
from tests.api.documented import undocumented
from tests.api.feed_site import FeedSite, Follower
from tests.api.oauth_flow import Program, program
from tests.api.people import Asking
from tests.factories import Tenant, World
from tests.sites import SiteMaker

PLANS = Plans(
    Plan(name="ten-minutes", monthly_minutes=10),
    Plan(name="three-requests", requests_per_minute=3),
    Plan(name="one-mb", stored_mb=1),
    Plan(name="two-items", stored_items=2),
    Plan(name="no-room", stored_items=0),
    Plan(name="nothing", monthly_minutes=0, stored_items=0),
)
"""Beside the built-in ones."""
LOGGED = Settings(_env_file=None, log_format="json", log_level="debug")
SETTINGS = Settings(
    _env_file=None,
    transcriber="fake",
    transcribers_offered=("faster-whisper/small",),
    entity_tagger="fake",
    text_encoder="fake",
    diarizer="fake",
)
"""Made once: reading the environment takes longer than most requests."""


@pytest.fixture
def log() -> io.StringIO:
    """What is logged, one JSON object a line."""
    lines = io.StringIO()
    configure_logging(LOGGED, lines)
    return lines


@pytest.fixture
async def components(database_url: str, tmp_path: Path) -> AsyncIterator[Components]:
    """The open parts of a process, with engines that need no models."""
    settings = SETTINGS.model_copy(update={"data_dir": tmp_path})
    async with open_components(settings, database_url, plans=PLANS) as opened:
        yield dataclasses.replace(opened, sign_ins=SignIns(opened.database, QUICK))


@pytest.fixture
def app(components: Components, log: io.StringIO) -> DocumentedApi:
    """The application; a test may add routes to it."""
    return create_app(components)


@pytest.fixture
async def client(app: DocumentedApi) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application. A failure that the API's document does not tell of fails the test."""
    transport = httpx.ASGITransport(app=app)
    surprises: list[str] = []

    async def look(answer: httpx.Response) -> None:
        if answer.is_error:
            await answer.aread()
            surprises.extend(filter(None, [undocumented(app, answer)]))

    hooks = {"response": [look]}
    async with httpx.AsyncClient(transport=transport, base_url="http://echoic.test", event_hooks=hooks) as opened:
        yield opened
    assert not surprises


@pytest.fixture
def world(components: Components) -> World:
    """A way to fill the database."""
    return World(components.database)


@pytest.fixture
async def ask(client: httpx.AsyncClient, components: Components, world: World) -> Asking:
    """Somebody with a library, who asks and changes who speaks."""
    tenant = await world.tenant()
    async with components.database.transaction() as session:
        library = await libraries.first_own_library(session, tenant.account_id)
        assert library is not None
        return Asking(client, components, tenant, library.slug)


@pytest.fixture
async def ada(components: Components, world: World) -> Tenant:
    """Somebody who may sign in."""
    tenant = await world.tenant("Ada")
    await components.sign_ins.reset(tenant.account_id, name=NAME, password=PASSWORD)
    return tenant


@pytest.fixture
async def page(app: DocumentedApi) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at a page of the server, on the same machine."""
    async with browser(app) as opened:
        yield opened


@pytest.fixture
async def person(page: httpx.AsyncClient, ada: Tenant) -> httpx.AsyncClient:
    """The browser of somebody who is signed in."""
    assert (await signed_in(page)).status_code == 200
    return page


@pytest.fixture
async def agent(client: httpx.AsyncClient) -> Program:
    """A program that has registered."""
    return await program(client)


@pytest.fixture
async def follower(
    client: httpx.AsyncClient,
    components: Components,
    world: World,
    make_site: SiteMaker,
    trusting: ssl.SSLContext,
) -> Follower:
    site = await FeedSite().open(make_site)
    return Follower.of(client, components, await world.tenant(), site, trusting)
