"""Metrics for Prometheus: counts and times, no titles and no texts. They need no key, but a token where one is set."""

import hmac

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from echoic.api.context import ComponentsDep, MetricsDep
from echoic.db import loops
from echoic.db.runs import totals
from echoic.db.search.copy_figures import look_at_copy
from echoic.errors import Unauthorized
from echoic.metrics import CONTENT_TYPE, LoopSnapshot, ReplicaSnapshot

router = APIRouter(tags=["metrics"])


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    operation_id="getMetrics",
)
async def get(components: ComponentsDep, metrics: MetricsDep, request: Request) -> Response:
    """Requests and uploads of the answering process; the pipeline and what goes on in the background of all processes.

    Asks for the header `Authorization: Bearer TOKEN` where the server has a token for it; API keys do not count.
    """
    token = components.settings.metrics_token
    if token is not None and not _bears(request, token.get_secret_value()):
        raise Unauthorized("Invalid or missing token of the metrics")
    async with components.database.transaction() as session:
        stages = await totals.look_at_stages(session)
        known = await loops.list_loops(session)
        copy = await look_at_copy(session) if components.settings.search_url else None
    background = {loop.name: LoopSnapshot(failures=loop.failures, keeps_failing=loop.keeps_failing) for loop in known}
    replica = None
    if components.reads.has_replica:
        state = components.reads.state
        replica = ReplicaSnapshot(is_usable=state.is_usable, lag_bytes=state.lag_bytes, answered=state.answered)
    return Response(metrics.render(stages, background, replica, copy), media_type=CONTENT_TYPE)


def _bears(request: Request, token: str) -> bool:
    """Return whether the request carries the token; the time taken does not tell how much of it was right."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    return kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
