"""The wiring of a server: settings become an open database, storage, queue and engines, closed again in reverse order.

Workers and their children open the few parts that they use, without loading all others (``server``).
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from echoic import wording
from echoic.accounts.admission import Admission, ReservedNames
from echoic.accounts.passwords import Passwords
from echoic.accounts.proxied import TrustedProxy
from echoic.accounts.sign_in import SignIns
from echoic.alerts.alerts import Alerts
from echoic.alerts.digests import Digests
from echoic.alerts.mails import AlertMails
from echoic.alerts.schedule import require_zone
from echoic.asking.answers import Asking
from echoic.db.aside import Aside
from echoic.db.connect import Database
from echoic.db.replica import Reads, ReplicaState
from echoic.db.search.postgres import PostgresIndex
from echoic.db.urls import checked_url
from echoic.engines.media.parent import Confinement, DecoderWatch, MediaLimits, SpareChild, spare_child
from echoic.engines.registry import Engines
from echoic.errors import SettingInvalid
from echoic.intake.accept import Acceptor
from echoic.intake.admission import Admissions
from echoic.intake.egress import Egress, EgressProxy
from echoic.intake.held_requests import HeldRequests
from echoic.intake.muted_audio import MutedAudio
from echoic.intake.networks import AllowList
from echoic.intake.peaks import LatePeaks
from echoic.intake.receive import Receiver
from echoic.intake.resumable import ResumableUploads
from echoic.intake.retries import Retries
from echoic.intake.run_options import check_language
from echoic.oauth.server import AuthorizationServer
from echoic.opensearch.copier import Copier
from echoic.opensearch.open import open_opensearch
from echoic.origins import Origins
from echoic.outbox.mailing import Mailing
from echoic.outbox.webhooks import Outbox
from echoic.pipeline.queue import JobQueue
from echoic.pipeline.state_machine import RunStateMachine
from echoic.plans import Plans
from echoic.search.port import SearchIndex
from echoic.settings import Settings
from echoic.sharing.shares import Shares
from echoic.sources.watched.work import WatchWork
from echoic.sources.work import FeedWork
from echoic.stages import STAGES
from echoic.storage.blobs import Blobs
from echoic.storage.open import open_blobs

if TYPE_CHECKING:
    from echoic.accounts.oidc import OidcProvider


@dataclass(frozen=True, kw_only=True)
class Intake:
    """The ways in which recordings come, and the checks that they share."""

    admissions: Admissions
    acceptor: Acceptor
    receiver: Receiver
    held_requests: HeldRequests
    resumable: ResumableUploads

    @classmethod
    def of(
        cls, settings: Settings, database: Database, blobs: Blobs, *, acceptor: Acceptor, plans: Plans, egress: Egress
    ) -> "Intake":
        """Put the ways in together."""
        admissions = Admissions(settings, database=database, plans=plans)
        return cls(
            admissions=admissions,
            acceptor=acceptor,
            receiver=Receiver(settings, blobs=blobs, admissions=admissions, acceptor=acceptor, egress=egress),
            held_requests=HeldRequests(
                settings, database=database, blobs=blobs, admissions=admissions, acceptor=acceptor
            ),
            resumable=ResumableUploads(
                settings, database=database, blobs=blobs, admissions=admissions, acceptor=acceptor, plans=plans
            ),
        )

    def watching(self, settings: Settings, database: Database, blobs: Blobs) -> WatchWork:
        """Return the work for watched places, which takes in what lies there."""
        return WatchWork.of(settings, database, blobs, admissions=self.admissions, acceptor=self.acceptor)


@dataclass(frozen=True, kw_only=True)
class Components:
    """The open parts of one process."""

    settings: Settings
    database: Database
    reads: Reads
    """Reads of requests: by the replica, where there is one that is up to date, else by the database."""
    aside: Aside
    """The event loop and the connections for whole transcripts."""
    blobs: Blobs
    queue: JobQueue
    runs: RunStateMachine
    retries: Retries
    engines: Engines
    confinement: Confinement
    decoder: DecoderWatch
    spare_decoder: SpareChild
    intake: Intake
    feed_work: FeedWork
    watch_work: WatchWork
    late_peaks: LatePeaks
    muted_audio: MutedAudio
    shares: Shares
    plans: Plans
    sign_ins: SignIns
    admission: Admission
    oidc: "OidcProvider | None"
    """None: people do not sign in by OpenID Connect."""
    trusted_proxy: TrustedProxy | None
    origins: Origins
    """The origins whose pages may use the API with a key."""
    search_index: SearchIndex
    search_copier: Copier | None
    """None: searches go to the database."""
    asking: Asking
    outbox: Outbox
    oauth: AuthorizationServer | None
    """None: programs cannot be connected, for the server does not know its own address."""

    @property
    def alerts(self) -> Alerts:
        """Return the alerts of all accounts, which are told by the outbox."""
        return Alerts(self.outbox, Digests(self.database, self.settings))


def read_plans(settings: Settings) -> Plans:
    """Read the plans that accounts may have.

    Raises:
        SettingInvalid: the plans file cannot be read, or not be used.
    """
    path = settings.plans_file
    if path is None:
        return Plans()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingInvalid(
            f"The plans file {path} (ECHOIC_PLANS_FILE) cannot be read: {wording.os_reason(error)}."
        ) from error
    return Plans.parse(text, source=str(path))


def open_egress(settings: Settings) -> Egress:
    """Open the way in which audio URLs are fetched. Raises SettingInvalid."""
    url = settings.fetch_proxy_url
    proxy = None
    if url is not None:
        proxy = EgressProxy.parse(url.get_secret_value(), resolves_names=settings.fetch_proxy_resolves)
    return Egress(allowed=AllowList.parse(settings.fetch_allowed_networks), proxy=proxy)


def open_outbox(settings: Settings, database: Database, egress: Egress, engines: Engines) -> Outbox:
    """Open what tells others: webhooks, and e-mail where the settings name a mail server. Raises SettingInvalid."""
    require_zone(settings.digest_time_zone)
    mails = AlertMails(database, PostgresIndex(database), engines.text_encoder)
    return Outbox(database, egress, Mailing.of(settings, database, mails.writers()))


def open_oidc(settings: Settings, egress: Egress) -> "OidcProvider | None":
    """Open the provider that people sign in with, where the settings name one. Raises SettingInvalid."""
    if settings.oidc_issuer is None and settings.oidc_client_id is None:
        return None
    # Half a second of imports, for those alone who need them.
    from echoic.accounts.oidc import OidcProvider
    from echoic.intake.outgoing import OutgoingTransport

    return OidcProvider(settings, OutgoingTransport(egress, named=settings.oidc_issuer or ""))


def _opening(settings: Settings, database_url: str) -> Callable[[int], Reads]:
    """Return what opens the database, and its replica where the settings name one. Raises SettingInvalid."""
    state, given = ReplicaState(), settings.database_replica_url
    replica_url = None if given is None else checked_url(given.get_secret_value(), "ECHOIC_DATABASE_REPLICA_URL")

    def opened(pool_size: int) -> Reads:
        database = Database(database_url, pool_size=pool_size, direct_url=settings.direct_database_url)
        replica = None if replica_url is None else Database(replica_url, pool_size=pool_size)
        return Reads(database, replica, state=state, wait_seconds=settings.database_replica_wait_seconds)

    return opened


@asynccontextmanager
async def open_components(settings: Settings, url: str, *, plans: Plans | None = None) -> AsyncIterator[Components]:
    """Open everything a process works with; nothing heavy is loaded before its first use.

    ``plans`` are the API's alone: other processes never stumble over the operator's file.
    """
    opening = _opening(settings, url)
    reads, aside = opening(settings.database_pool_size), Aside(opening)
    database, engines = reads.primary, Engines(settings)
    queue, limits = JobQueue(database), MediaLimits.from_settings(settings)
    runs = RunStateMachine(STAGES, queue, max_attempts=settings.stage_max_attempts)
    decoder, plans, passwords = DecoderWatch(limits), plans or Plans(), Passwords()
    try:
        check_language(settings)
        blobs, egress = open_blobs(settings), open_egress(settings)
        async with (
            LatePeaks(settings, database=database, blobs=blobs) as late_peaks,
            spare_child(ahead=settings.engines_load_ahead) as spare,
            open_opensearch(settings, database) as opensearch,
        ):
            index: SearchIndex = opensearch.index if opensearch else PostgresIndex(database, reads)
            acceptor = Acceptor(settings, database=database, blobs=blobs, runs=runs, spare=spare)
            intake = Intake.of(settings, database, blobs, acceptor=acceptor, plans=plans, egress=egress)
            yield Components(
                settings=settings,
                database=database,
                reads=reads,
                aside=aside,
                blobs=blobs,
                queue=queue,
                runs=runs,
                retries=Retries(database, runs, plans, longest_seconds=settings.max_duration_seconds),
                engines=engines,
                confinement=Confinement(limits),
                decoder=decoder,
                spare_decoder=spare,
                intake=intake,
                watch_work=intake.watching(settings, database, blobs),
                feed_work=FeedWork.of(database, blobs, admissions=intake.admissions, acceptor=acceptor, egress=egress),
                late_peaks=late_peaks,
                muted_audio=MutedAudio(settings, blobs=blobs),
                shares=Shares(database, passwords, MutedAudio(settings, blobs=blobs)),
                plans=plans,
                sign_ins=SignIns(database, passwords, reserved=ReservedNames.of(settings)),
                admission=Admission(settings),
                oidc=open_oidc(settings, egress),
                trusted_proxy=TrustedProxy.of(settings),
                origins=Origins.parse(settings.cors_origins),
                search_index=index,
                search_copier=opensearch.copier if opensearch else None,
                asking=Asking(engines.chat, index=index, encoder=engines.text_encoder),
                outbox=open_outbox(settings, database, egress, engines),
                oauth=AuthorizationServer.of(settings, database, egress),
            )
    finally:
        await decoder.close()
        engines.close()
        await aside.close()
        await reads.close()
