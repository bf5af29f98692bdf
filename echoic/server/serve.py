"""The server: the database, the API and a worker, in one process tree."""

import asyncio
import contextlib
import errno
import functools
import gc
import os
import signal
import socket
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import uvicorn
import uvloop
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from echoic import tracing
from echoic.alerts import checks, digests
from echoic.alerts.checks import AlertChecker
from echoic.api.peers import Peers
from echoic.compose import Components, open_components, read_plans
from echoic.corrections import embeddings
from echoic.corrections.embeddings import embed_corrected, embed_outdated
from echoic.db import replica
from echoic.db.accounts import accounts
from echoic.db.connect import Database
from echoic.db.folding import FOLD_INTERVAL_SECONDS
from echoic.db.items.counts import fold_counts
from echoic.db.loops import LoopNotes
from echoic.db.replica import Reads
from echoic.db.runs.job_queue import fold_waiting
from echoic.db.search import reindex
from echoic.db.search.copies import FORGET_INTERVAL_SECONDS, drop_abandoned
from echoic.db.search.postgres import PostgresIndex
from echoic.db.search.reindex import reindex_outdated
from echoic.engines.media.parent import MediaLimits, rehearse
from echoic.engines.models.whisper import require_known
from echoic.errors import SettingInvalid, StartupFailed
from echoic.intake import removal, sweep, temporary
from echoic.logs import get_logger
from echoic.metrics import Metrics
from echoic.oauth.server import INTERVAL_SECONDS, forget_expired
from echoic.opensearch import copier as copying
from echoic.origins import Origins
from echoic.outbox import sender
from echoic.plans import Plans
from echoic.server import exposure
from echoic.server.application import whole_application
from echoic.server.bounded_heads import BoundedHeadProtocol
from echoic.server.database import own_database, owner_url, patience_with
from echoic.server.exposure import log_egress, log_mail, warn_of_strangers
from echoic.server.first_start import ensure_first_start
from echoic.server.open_files import LOOK_SECONDS, Watch, connections_allowed, raise_limit
from echoic.server.own_address import keep_address
from echoic.server.patience import Patience
from echoic.server.way_in import sign_in_link
from echoic.server.worker_process import WorkerProcess
from echoic.settings import Settings
from echoic.sources import episodes, poll, publications
from echoic.sources.watched import looks, takes
from echoic.storage.blobs import Blobs
from echoic.upkeep import Upkeep

ANSWER_GRACE_SECONDS = 2
"""Time that requests under way get at the end; uploads cut off by it leave nothing behind."""

WORKER_GRACE_EXTRA_SECONDS = 2.0

TRUSTED_VARIABLE, TRUSTED_ADDRESSES = "FORWARDED_ALLOW_IPS", "127.0.0.1,::1"
"""Uvicorn's variable and default: whose X-Forwarded-For and X-Forwarded-Proto are believed."""

logger = get_logger(__name__)


class OnListening(Protocol):
    """A callback for the moment at which the server listens; ``key`` is the API key where the first start made one.

    ``sign_in_link`` signs a browser in, once; None where no browser may sign in.
    """

    def __call__(self, host: str, port: int, *, key: str | None, sign_in_link: str | None) -> None: ...


def run_server(settings: Settings, *, with_worker: bool, on_listening: OnListening) -> None:
    """Start the database unless DATABASE_URL is set, the API and a worker, and serve until SIGINT or SIGTERM.

    Raises:
        DatabaseNotReady: the database did not answer or take writes in time.
        DatabaseUnavailable: it refuses this role, this password or this database.
        StartupFailed: something else cannot start, or the address is taken.
        SettingInvalid: a setting is found wrong only now.
    """
    plans = read_plans(settings)
    # Before anything is started.
    Origins.parse(settings.cors_origins)
    if with_worker:
        require_known(settings)
    listener = _listen(settings)
    asyncio.run(rehearse(MediaLimits.from_settings(settings)))
    with listener, own_database(settings) as url, tracing.kept("server"):
        keep_address(settings.address_file, *listener.getsockname()[:2])
        # Faster than asyncio's own loop, which also leaves Nagle's delay on: 40 ms for each answer.
        uvloop.run(_serve(settings, url, listener, plans, with_worker=with_worker, on_listening=on_listening))


def _listen(settings: Settings) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        return socket.create_server((settings.host, settings.port), family=family, backlog=512)
    except OSError as error:
        advice = "Set ECHOIC_HOST to an address or a name of this machine."
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            advice = "Stop what listens there, or set ECHOIC_PORT to another port."
        reason = str(error.strerror).partition(" (")[0]
        raise StartupFailed(f"Cannot listen on {settings.host} port {settings.port}: {reason}. {advice}") from error


async def _serve(
    settings: Settings,
    url: str,
    listener: socket.socket,
    plans: Plans,
    *,
    with_worker: bool,
    on_listening: OnListening,
) -> None:
    max_files = raise_limit()
    max_connections = connections_allowed(settings.max_connections, max_files)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, stop.set)
    async with open_components(settings, url, plans=plans) as components:
        host, port = listener.getsockname()[:2]
        begun = await _unless(stop, _begin(components, patience_with(settings, owner_url(settings, url)), host, port))
        if begun is None:
            return
        components.watch_work.permits.require_readable()
        app = whole_application(components)
        # Objects loaded until now stay for good: a search for garbage among them would delay every answer by 0.2 s.
        gc.collect()
        gc.freeze()
        server = _Server(
            uvicorn.Config(
                _with_proxies(app),
                proxy_headers=False,
                http=_protocol(components),
                ws="none",
                limit_concurrency=max_connections,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=ANSWER_GRACE_SECONDS,
            )
        )
        log_egress(settings)
        watch = Watch(
            server.server_state.connections,
            max_connections=max_connections,
            max_files=max_files,
            metrics=app.state.metrics,
        )
        upkeep = _upkeep(components, watch, app.state.metrics)
        worker = WorkerProcess(url)
        if with_worker:
            worker.keep(upkeep)
        async with upkeep.kept():
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            on_listening(host, port, key=begun.key, sign_in_link=begun.sign_in_link)
            warn_of_strangers(host)
            await asyncio.wait({serving, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
            logger.info("stopping")
            app.state.stopping.set()
            server.should_exit = True
        await asyncio.gather(
            serving, worker.stop(wait_seconds=settings.worker_grace_seconds + WORKER_GRACE_EXTRA_SECONDS)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Begun:
    """Things that a start has made in the database, for the person who starts it."""

    key: str | None
    sign_in_link: str | None


async def _begin(components: Components, patience: Patience, host: str, port: int) -> _Begun:
    """Do all that a start has to do in the database, through its failover. Raises DatabaseNotReady and SettingInvalid."""
    key = await patience.through_async(lambda: ensure_first_start(components))
    await patience.through_async(lambda: _require_known_plans(components))
    link = await patience.through_async(lambda: sign_in_link(components, host, port))
    return _Begun(key=key, sign_in_link=link)


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, _Begun]) -> _Begun | None:
    """Return the result of the work; None where the server is asked to stop before."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        stopping.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)


def _protocol(components: Components) -> Any:
    """Return the maker of connections, whose own answers pages of other origins may read as well."""
    return functools.partial(BoundedHeadProtocol, origins=components.origins)


def _with_proxies(app: Any) -> Any:
    """The application behind the headers of proxies, as uvicorn would have it, but with a note of who the proxy is."""
    trusted = os.environ.get(TRUSTED_VARIABLE, TRUSTED_ADDRESSES)
    inner: Any = ProxyHeadersMiddleware(app, trusted_hosts=trusted)
    return Peers(inner)


def _upkeep(components: Components, watch: Watch, metrics: Metrics) -> Upkeep:
    """Return the loops that run beside the requests until the server stops."""
    database, encoder = components.database, components.engines.text_encoder
    upkeep = Upkeep(LoopNotes(database))
    _add_replica(upkeep, components.reads)
    _add_search_copies(upkeep, components)
    upkeep.add("reindex", lambda: components.aside.run(reindex_outdated), every_seconds=reindex.INTERVAL_SECONDS)
    upkeep.add(
        "meanings",
        lambda: embed_corrected(database, encoder),
        every_seconds=embeddings.INTERVAL_SECONDS,
        longest_wait_seconds=embeddings.LONGEST_WAIT_SECONDS,
        busy=True,
    )
    upkeep.add(
        "embeddings",
        lambda: embed_outdated(database, encoder),
        every_seconds=embeddings.OUTDATED_INTERVAL_SECONDS,
        busy=True,
    )
    upkeep.add("sweep", lambda: sweep.sweep(database, components.blobs), every_seconds=sweep.INTERVAL_SECONDS)
    upkeep.add(
        "abandoned_uploads",
        lambda: components.intake.resumable.finish_abandoned(ended=metrics.upload_ended),
        every_seconds=sweep.INTERVAL_SECONDS,
    )
    upkeep.add("feeds", components.feed_work.polls.poll_next, every_seconds=poll.INTERVAL_SECONDS, busy=True)
    upkeep.add("episodes", components.feed_work.episodes.fetch_next, every_seconds=episodes.INTERVAL_SECONDS, busy=True)
    upkeep.add(
        "published_texts",
        components.feed_work.publications.fetch_next,
        every_seconds=publications.INTERVAL_SECONDS,
        busy=True,
    )
    watching = components.watch_work
    upkeep.add("watched_places", watching.looks.look_next, every_seconds=looks.INTERVAL_SECONDS, busy=True)
    upkeep.add("watched_files", watching.takes.take_next, every_seconds=takes.INTERVAL_SECONDS, busy=True)
    upkeep.add("oauth", lambda: forget_expired(database), every_seconds=INTERVAL_SECONDS)
    _add_deletions(upkeep, database, components.blobs)
    outbox = components.outbox.sender
    # An engine outside of the database may know of what was published a little later than the alerts do.
    alerts = AlertChecker(database, PostgresIndex(database), encoder)
    upkeep.add("alerts", alerts.check_due, every_seconds=checks.INTERVAL_SECONDS, busy=True)
    upkeep.add("digests", components.alerts.digests.make_due, every_seconds=digests.INTERVAL_SECONDS, busy=True)
    upkeep.add(
        "mail_server", lambda: log_mail(components.outbox.mailing), every_seconds=exposure.MAIL_SERVER_INTERVAL_SECONDS
    )
    upkeep.add("outbox", outbox.send_due, every_seconds=sender.INTERVAL_SECONDS)
    upkeep.add("old_deliveries", outbox.forget_old, every_seconds=sender.FORGET_INTERVAL_SECONDS)
    upkeep.add("item_counts", lambda: fold_counts(database), every_seconds=FOLD_INTERVAL_SECONDS)
    upkeep.add("waiting_counts", lambda: fold_waiting(database), every_seconds=FOLD_INTERVAL_SECONDS)
    upkeep.add("open_files", watch.look, every_seconds=LOOK_SECONDS)
    return upkeep


def _add_replica(upkeep: Upkeep, reads: Reads) -> None:
    """Add the loop that looks at the replica of the database, where there is one."""
    every = replica.LOOK_SECONDS
    if reads.has_replica:
        upkeep.add("replica", reads.look, every_seconds=every, longest_wait_seconds=every)


def _add_search_copies(upkeep: Upkeep, components: Components) -> None:
    """Add the loops that keep copies of the index, where there are any, and drop those that nobody uses any more."""
    if (copier := components.search_copier) is not None:
        upkeep.add("search_copy", copier.ensure, every_seconds=copying.CHECK_SECONDS)
        upkeep.add(
            "search_outbox",
            copier.write_due,
            every_seconds=copying.INTERVAL_SECONDS,
            longest_wait_seconds=copying.LONGEST_WAIT_SECONDS,
            busy=True,
        )
        # A loop of its own: one that fails waits, and nobody else shall wait for an item that is refused.
        every = copying.CHECK_SECONDS
        upkeep.add("search_refused", copier.tell_refused, every_seconds=every, longest_wait_seconds=every)
    database = components.database
    upkeep.add("old_search_copies", lambda: drop_abandoned(database), every_seconds=FORGET_INTERVAL_SECONDS)


def _add_deletions(upkeep: Upkeep, database: Database, blobs: Blobs) -> None:
    """Add the loops that delete items whose time is over, and that confirm on receipts that their bytes are gone."""
    upkeep.add(
        "temporary_items",
        lambda: temporary.delete_temporary(database, blobs),
        every_seconds=temporary.INTERVAL_SECONDS,
    )
    upkeep.add(
        "expired_items",
        lambda: temporary.delete_expired(database, blobs),
        every_seconds=temporary.EXPIRED_INTERVAL_SECONDS,
    )
    upkeep.add(
        "deletion_receipts",
        lambda: removal.confirm_removed(database, blobs),
        every_seconds=removal.INTERVAL_SECONDS,
    )


async def _require_known_plans(components: Components) -> None:
    """Raise SettingInvalid where an account has a plan that is not defined: the account could do nothing at all."""
    async with components.database.transaction() as session:
        in_use = await accounts.plans_in_use(session)
    missing = sorted(name for name in in_use if name not in components.plans)
    if missing:
        known = ", ".join(plan.name for plan in components.plans)
        raise SettingInvalid(
            f"Accounts have plans that are not there: {', '.join(missing)}. The plans are {known}; add the missing ones "
            "to the plans file (ECHOIC_PLANS_FILE), or give the accounts another with 'echoic accounts plan'."
        )


class _Server(uvicorn.Server):
    """Uvicorn's server without its handling of signals: we stop the worker and the database as well, in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
