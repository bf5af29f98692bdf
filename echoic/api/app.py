"""The application: routes, error handlers and middleware around the open parts of a process."""

import asyncio

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from echoic import __version__
from echoic.api import (
    account,
    accounts,
    all_events,
    asking,
    audio,
    authorizations,
    batches,
    chapters,
    confinement,
    connected_programs,
    corrections,
    datasets,
    deletions,
    digests,
    email_addresses,
    entities,
    entity_decisions,
    events,
    export,
    failures,
    feed_lists,
    feeds,
    health,
    ietf_uploads,
    installation,
    invitations,
    item_lists,
    item_speakers,
    items,
    keys,
    learned_vocabulary,
    libraries,
    mail_pages,
    members,
    metrics,
    notifications,
    oauth,
    oidc,
    peaks,
    people,
    published_texts,
    queue,
    replacing,
    resumable_uploads,
    search,
    sessions,
    shared_pages,
    shares,
    sign_in,
    speakers,
    subjects,
    suggestions,
    transcripts,
    trending,
    upload_links,
    uploads,
    versions,
    watched_sources,
    webhook_deliveries,
    webhooks,
    work,
    written_chapters,
)
from echoic.api.cross_origin import CrossOrigin
from echoic.api.dispatch import Dispatch
from echoic.api.docs import add_docs
from echoic.api.document.enums import ENUMS
from echoic.api.document.refusals import RaisedErrors, read_raised
from echoic.api.document.tags import described_tags
from echoic.api.live import Live
from echoic.api.observe import Observed
from echoic.api.older import aliases, podcasts
from echoic.api.openapi import DocumentedApi
from echoic.api.page import add_page
from echoic.api.problems import HANDLERS
from echoic.api.withheld import Withholding
from echoic.compose import Components
from echoic.metrics import Metrics
from echoic.openai_api import routes as openai_routes

ROUTERS: tuple[APIRouter, ...] = (
    libraries.router,
    members.router,
    invitations.router,
    datasets.router,
    feeds.router,
    published_texts.router,
    feed_lists.router,
    watched_sources.router,
    uploads.router,
    ietf_uploads.router,
    resumable_uploads.router,
    upload_links.router,
    shares.router,
    shared_pages.router,
    item_lists.router,
    items.router,
    batches.router,
    deletions.router,
    audio.router,
    peaks.router,
    transcripts.router,
    chapters.router,
    written_chapters.router,
    export.router,
    corrections.router,
    replacing.router,
    learned_vocabulary.router,
    versions.router,
    speakers.router,
    people.router,
    item_speakers.router,
    suggestions.router,
    entities.router,
    subjects.router,
    entity_decisions.router,
    trending.router,
    events.router,
    all_events.router,
    search.router,
    asking.router,
    queue.router,
    confinement.router,
    sign_in.router,
    oidc.router,
    sessions.router,
    authorizations.router,
    connected_programs.router,
    oauth.router,
    keys.router,
    account.router,
    digests.router,
    notifications.router,
    email_addresses.router,
    mail_pages.router,
    webhooks.router,
    webhook_deliveries.router,
    accounts.router,
    work.router,
    failures.router,
    installation.router,
    podcasts.router,
    aliases.router,
    health.router,
    metrics.router,
    openai_routes.router,
)


def _operation_id(route: APIRoute) -> str:
    """Stand in for the ``operation_id`` that a route lacks; `scripts/document_rules.py` refuses it."""
    return f"{route.tags[0]}_{route.name}"


API = APIRouter(generate_unique_id_function=_operation_id)
"""All routes as the document of the API tells of them, put together once for all applications of a process."""
for _router in ROUTERS:
    API.include_router(_router)
ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
DISPATCH = Dispatch(ROUTES)

DESCRIPTION = """\
Push audio in, get a searchable transcript out. Every call but those under *health* and *metrics*, and those
that sign in, needs an API key or a session.
The key comes in the header `Authorization: Bearer …`; `?api_key=…` works too, but URLs end up in logs.
Whatever fails is answered with the same body (`Problem`): a sentence in `message`, a stable `code`, and a `request_id`
under which the server's log tells more."""

SERVERS = [
    {"url": "/", "description": "The server that this document comes from."},
    {"url": "http://localhost:8080", "description": "A server on this machine, as `make run` starts it."},
]


async def _on_http_error(request: Request, error: HTTPException) -> Response:
    """Answer a request that the framework refuses by itself: in the shape of the API that the path is of."""
    answer: Response = await HANDLERS[HTTPException](request, error)
    if not openai_routes.is_below(request.url.path):
        return answer
    return openai_routes.unknown(request, error.status_code, allow=answer.headers.get("Allow"))


def create_app(components: Components, *, raised: RaisedErrors | None = None) -> DocumentedApi:
    """The API over open components; who opened them closes them, after the application has been stopped.

    ``raised`` are the codes of errors by operation, for the document; those that were read from the code unless given.

    ``app.state.stopping`` is an event: set it when the server is asked to stop, and streams end by themselves.
    """
    app = DocumentedApi(
        title="Echoic",
        version=__version__,
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        servers=SERVERS,
        openapi_tags=described_tags(),
        enums=ENUMS,
        raised=read_raised() if raised is None else raised,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        # A redirected upload would be sent twice.
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        described=API.routes,
        routes=[DISPATCH],
        exception_handlers={**HANDLERS, HTTPException: _on_http_error},
    )
    app.state.components = components
    app.state.metrics = Metrics()
    app.state.stopping = asyncio.Event()
    app.state.live = Live(components)
    app.state.routes = ROUTES
    app.add_middleware(Withholding)
    app.add_middleware(CrossOrigin)
    app.add_middleware(Observed, metrics=app.state.metrics)
    add_docs(app)
    add_page(app)
    return app
