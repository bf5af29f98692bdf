"""All tables in one place, for migrations and the drift check: importing this module registers every model."""

from echoic.db import loops, server_secrets
from echoic.db.accounts import accounts, guesses, identities, minutes, request_rates, sessions, sign_in_tokens, sign_ins
from echoic.db.base import Base
from echoic.db.catalog import group_roles, invitations, libraries
from echoic.db.items import counts, items, peaks
from echoic.db.oauth import clients, codes, grants, tokens
from echoic.db.outbox import alert_checks, alerts, deliveries, digests, email_addresses, webhooks
from echoic.db.receipts import receipts
from echoic.db.runs import job_queue, runs, totals, workers
from echoic.db.search import copies, index, refused_items, stale_embeddings
from echoic.db.sharing import shares
from echoic.db.sources import entries as feed_entries, feeds, published, watched, watched_files
from echoic.db.speakers import diarizations, speakers
from echoic.db.subjects import days, decisions, subjects
from echoic.db.transcripts import edits, entities, transcripts, written_chapters
from echoic.db.uploads import idempotency, upload_links, uploads

metadata = Base.metadata

FAMILIES = (
    accounts,
    sign_ins,
    sign_in_tokens,
    sessions,
    guesses,
    request_rates,
    identities,
    clients,
    grants,
    codes,
    tokens,
    libraries,
    invitations,
    group_roles,
    items,
    counts,
    peaks,
    runs,
    job_queue,
    minutes,
    transcripts,
    written_chapters,
    edits,
    diarizations,
    speakers,
    entities,
    subjects,
    days,
    decisions,
    index,
    stale_embeddings,
    copies,
    refused_items,
    totals,
    workers,
    loops,
    uploads,
    idempotency,
    upload_links,
    shares,
    feeds,
    feed_entries,
    published,
    watched,
    watched_files,
    server_secrets,
    receipts,
    webhooks,
    email_addresses,
    deliveries,
    alerts,
    alert_checks,
    digests,
)
