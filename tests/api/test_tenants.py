"""Every route of the document against other people's things: nothing is read, changed, or told from what is not there."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from echoic import access
from echoic.alerts.alerts import Told
from echoic.api.openapi import DocumentedApi
from echoic.compose import Components
from echoic.db.accounts import sessions
from echoic.db.accounts.accounts import SCOPES, create_key
from echoic.db.catalog import invitations, libraries
from echoic.db.catalog.libraries import Role
from echoic.db.items import items, peaks
from echoic.db.items.items import ItemStatus
from echoic.db.outbox import email_addresses
from echoic.db.receipts import receipts
from echoic.db.receipts.receipts import Gone
from echoic.db.sources import feeds
from echoic.outbox import webhooks as outbox
from tests.api.mentions import name_in, subject_named
from tests.api.oauth_flow import connected
from tests.api.people import ANNA, BERT, A, Asking, B, heard_item
from tests.api.published import publish_text
from tests.api.route_table import (
    ABSENT,
    FREE,
    MAKES_OWN,
    MEMBERS_ONLY,
    OUTSIDERS,
    OWN,
    OWNERS_ONLY,
    PLACES,
    ROUTES,
    Ids,
    of_the_document,
)
from tests.api.tus import VERSION, creation
from tests.api.watched.watcher import made_source
from tests.factories import Tenant, World, segment


async def names_of(world: World, ask: Asking, slug: str, item_id: int) -> Ids:
    """What the item names, and a decision about one of the names."""
    await name_in(world, item_id, *(("person", f"{name} of {slug}", 0) for name in ("Ada", "Ada Bea", "Ada Cid")))
    hidden = await subject_named(world, f"Ada Cid of {slug}")
    decided = await ask("POST", f"/api/libraries/{slug}/entities/{hidden}/hide")
    return {
        "entity": f"Ada of {slug}",
        "entity_id": await subject_named(world, f"Ada of {slug}"),
        "other_entity_id": await subject_named(world, f"Ada Bea of {slug}"),
        "decision_id": decided["id"],
    }


async def thing_of(client: httpx.AsyncClient, world: World, components: Components, tenant: Tenant) -> Ids:
    """One of everything that a tenant may have."""
    slug = (await client.get(f"/api/datasets/{tenant.dataset_id}", headers=tenant.headers)).json()["library"]
    ask = Asking(client, components, tenant, slug)
    said = [segment(f"word {n} here", start=10.0 * n, speaker=(A, B)[n % 2]) for n in range(4)]
    item_id = await heard_item(world, components, tenant, said, ANNA, BERT)
    named = await names_of(world, ask, slug, item_id)
    begun = await client.post(
        f"/api/datasets/{tenant.dataset_id}/uploads", headers={**tenant.headers, **VERSION, **creation(1000, {})}
    )
    shared = await client.post("/api/shares", headers=tenant.headers, json={"item_id": item_id})
    keys = (await client.get("/api/keys", headers=tenant.headers)).json()["keys"]
    async with components.blobs.stage() as staged:
        await staged.write(b"sound")
        stored = await staged.finish()
    async with components.database.transaction() as session:
        item = await items.get_item(session, item_id)
        assert item is not None
        audio = await items.get_blob(session, item.audio_blob_id)
        assert audio is not None
        audio.key, audio.size_bytes = stored.key, stored.size_bytes
        await peaks.keep_peaks(session, item_id, bytes(4))
        await feeds.create_feed(
            session,
            dataset_id=tenant.dataset_id,
            account_id=tenant.account_id,
            url=f"https://good.example/{slug}.xml",
            newest=1,
        )
        source = await made_source(session, tenant)
        opened = await sessions.create(session, account_id=tenant.account_id, program="Test")
        program = await connected(session, tenant)
        invited, _ = await invitations.create(
            session,
            library_id=tenant.library_id,
            account_id=tenant.account_id,
            role="viewer",
            lifetime=timedelta(days=1),
            max_uses=1,
        )
        told = await told_ids(session, components, tenant)
        told["receipt_id"] = await receipt_of(session, tenant)
        told["text_id"] = await publish_text(session, item_id, "WEBVTT\n\n00:01.000 --> 00:02.000\nWord here\n")
    return {
        "slug": slug,
        "dataset_id": tenant.dataset_id,
        "item_id": item_id,
        "speaker_id": await ask.name(item_id, A, "Anna"),
        "other_id": await ask.name(item_id, B, "Bert"),
        "account_id": tenant.account_id,
        "key_id": keys[0]["id"],
        "session_id": opened.id,
        "program_id": program.id,
        "invitation_id": invited.id,
        "share_id": shared.json()["id"],
        "source_id": source.id,
        "upload_id": begun.headers["Location"].rpartition("/")[2],
        **told,
        **named,
    }


async def receipt_of(session: AsyncSession, tenant: Tenant) -> str:
    """A receipt of something that was deleted."""
    gone = Gone(
        item_id=ABSENT["item_id"] + 1,
        dataset_id=tenant.dataset_id,
        library_id=tenant.library_id,
        owner_account_id=tenant.account_id,
        uploaded_at=datetime.now(UTC),
        sha256="0" * 64,
        size_bytes=1,
        keys=(),
        rows={},
    )
    await receipts.write(session, [gone], receipts.BY_REQUEST)
    (found, *_), _ = await receipts.list_for(session, account_id=tenant.account_id, item_id=None, limit=1, offset=0)
    return found.id


async def told_ids(session: AsyncSession, components: Components, tenant: Tenant) -> Ids:
    """A webhook of a tenant, with a message and an alert."""
    owner = access.Caller(account_id=tenant.account_id, key_id=None, plan="unlimited", scopes=frozenset(SCOPES))
    webhook, _ = await components.outbox.create(session, owner, url="https://hooks.example/echoic")
    delivery = await outbox.test(session, webhook)
    told = Told(webhook_id=webhook.id)
    alert, _ = await components.alerts.create(session, owner, query="word", filters={}, told=told)
    address = await email_addresses.create(session, account_id=tenant.account_id, address="a@example.org")
    return {
        "webhook_id": webhook.id,
        "delivery_id": delivery.id,
        "notification_id": alert.id,
        "address_id": address.id,
    }


async def everything(components: Components) -> dict[str, str]:
    """A digest of each table; that keys are used is no change."""
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE api_keys SET last_used_at = NULL"))
        names = list(await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")))
        query = "SELECT md5(coalesce(string_agg(row::text, '|' ORDER BY row::text), '')) FROM {} AS row"
        return {name: str(await session.scalar(text(query.format(name)))) for name in names}


class Caller:
    """Asks the routes of the document with one key."""

    def __init__(self, client: httpx.AsyncClient, key: str) -> None:
        self.client, self.key = client, key

    async def __call__(self, method: str, path: str, request: dict[str, Any], **ids: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}", "X-Request-ID": "same", **request.get("headers", {})}
        filled = path.format(**{**ids, **PLACES})
        return await self.client.request(method, filled, **{**request, "headers": headers})


def told(answer: httpx.Response) -> tuple[int, dict[str, str], str]:
    """All that an answer says, but for how long it took, and the id that it repeats."""
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    return answer.status_code, headers, re.sub(r'("took_ms":|"item_id":|speaker |item )\d+', "", answer.text)


def test_every_route_is_in_the_table(app: DocumentedApi) -> None:
    assert {name for _, _, name in of_the_document(app)} == set(ROUTES)


async def test_each_route_takes_the_scope_it_should_and_no_other(
    client: httpx.AsyncClient, app: DocumentedApi, world: World
) -> None:
    callers = {scope: Caller(client, (await world.tenant(scopes=(scope,))).key) for scope in SCOPES}
    for method, path, name in of_the_document(app):
        needed, request = ROUTES[name]
        for scope, ask in callers.items():
            answer = await ask(method, path, request(ABSENT), **ABSENT)
            # A HEAD has no body to name it in.
            missing = answer.status_code == 403 and (method == "HEAD" or "scope_missing" in answer.text)
            assert missing == (scope != needed), (name, scope, answer.status_code, answer.text)


async def test_a_stranger_learns_nothing_and_changes_nothing(
    client: httpx.AsyncClient, app: DocumentedApi, world: World, components: Components
) -> None:
    """Another's ids and ids of nothing are answered alike: in the path, in the body, and behind an own one in the path."""
    owner, stranger = await world.tenant("Owner"), await world.tenant("Stranger")
    theirs = await thing_of(client, world, components, owner)
    own = await thing_of(client, world, components, stranger)
    ask = Caller(client, stranger.key)
    before = await everything(components)
    for method, path, name in of_the_document(app):
        request = ROUTES[name][1]
        pairs = [((theirs, theirs), (ABSENT, ABSENT))]
        if request(theirs) != request(ABSENT):
            pairs.append(((own, theirs), (own, ABSENT)))
        inner = [one for one in ("speaker_id", "upload_id", "invitation_id", "delivery_id") if f"{{{one}}}" in path]
        pairs += [(({**own, one: theirs[one]}, own), ({**own, one: ABSENT[one]}, own)) for one in inner]
        for hidden, absent in pairs:
            of_hidden, of_absent = [
                await ask(method, path, request(in_body), **in_path) for in_path, in_body in (hidden, absent)
            ]
            assert told(of_hidden) == told(of_absent), name
            # 400: a speaker does not speak in that item, wherever it is.
            assert "{" not in path or of_hidden.status_code in (400, 404), (name, of_hidden.text)
    assert await everything(components) == before


TRANSCRIBED: tuple[ItemStatus, ...] = ("queued", "processing", "failed", "cancelled")
"""In which an item may have a transcript, though it is not published: a later stage failed, or is still to come."""


async def unpublished(world: World, components: Components, owner: Tenant, status: ItemStatus) -> Ids:
    """An item that says, names and is spoken by what no published one of its library is, and by somebody known."""
    if status == "stored":
        return {"item_id": await world.item(owner.dataset_id, status=status)}
    said = [segment(f"word secret {n}", start=10.0 * n, speaker=(A, B)[n % 2]) for n in range(4)]
    item_id = await heard_item(world, components, owner, said, ANNA, BERT, status=status)
    await name_in(world, item_id, ("person", f"Eve {status}", 0))
    name = f"Eve {status}"
    return {"item_id": item_id, "entity": name, "entity_id": await subject_named(world, name)}


async def test_to_who_is_no_member_of_a_public_library_what_is_not_published_is_not_there(
    client: httpx.AsyncClient, app: DocumentedApi, world: World, components: Components
) -> None:
    """No answer changes by it, in no list and no number; by its ids it is answered as what never was."""
    owner, stranger = await world.tenant("Owner", visibility="public"), await world.tenant("Stranger")
    theirs = await thing_of(client, world, components, owner)
    ask = Caller(client, stranger.key)
    reads = [route for route in of_the_document(app) if ROUTES[route[2]][0] == "read" and route[2] not in MAKES_OWN]

    async def answers() -> dict[str, tuple[int, dict[str, str], str]]:
        return {
            f"{method} {path}": told(await ask(method, path, ROUTES[name][1](theirs), **theirs))
            for method, path, name in reads
        }

    before = await answers()
    as_owner = Asking(client, components, owner, theirs["slug"])
    hidden = [await unpublished(world, components, owner, status) for status in (*TRANSCRIBED, "stored")]
    for number, ids in enumerate(hidden[:-1]):
        await as_owner.name(ids["item_id"], A, "Anna")
        ids["speaker_id"] = await as_owner.name(ids["item_id"], B, f"Secret {number}")
    assert await answers() == before
    untouched = await everything(components)
    for method, path, name in of_the_document(app):
        request = ROUTES[name][1]
        for ids in hidden:
            absent = {one: ABSENT[one] for one in ids}
            of_hidden, of_absent = [
                await ask(method, path, request({**theirs, **change}), **{**theirs, **change})
                for change in (ids, absent)
            ]
            assert told(of_hidden) == told(of_absent), (name, ids)
    assert await everything(components) == untouched


SECRETS = ("word", "Ada", "Bert", "Anna", "Owner's", "Item ", "SPEAKER_")
"""In what the owner's things say: transcripts, names, titles, descriptions, labels."""


@pytest.mark.parametrize("scopes", [("upload",), ("manage",), ("upload", "manage")], ids=" and ".join)
async def test_a_key_that_may_not_read_is_told_nothing_by_changing(
    client: httpx.AsyncClient, app: DocumentedApi, world: World, components: Components, scopes: tuple[str, ...]
) -> None:
    """Its changes are made; those that change nothing tell nothing either."""
    owner = await world.tenant("Owner")
    theirs = await thing_of(client, world, components, owner)
    async with components.database.transaction() as session:
        _, key = await create_key(session, account_id=owner.account_id, name="Narrow", scopes=scopes)
    ask = Caller(client, key)
    path = f"/api/items/{theirs['item_id']}"
    if "upload" in scopes:
        for harmless in ({}, {"description": None}):
            answer = await ask("PATCH", path, {"json": harmless})
            assert (answer.status_code, answer.content) == (204, b"")
        answer = await ask("PATCH", path, {"json": {"description": "Told by the change"}})
        assert (answer.status_code, answer.content) == (204, b"")
        assert (await client.get(path, headers=owner.headers)).json()["description"] == "Told by the change"
    # What removes things comes last, or nothing would be there for the others.
    routes = sorted(of_the_document(app), key=lambda route: route[0] == "DELETE" or route[1].endswith("/delete"))
    for method, route, name in routes:
        scope, request = ROUTES[name]
        if scope not in scopes or method in ("GET", "HEAD", "OPTIONS"):
            continue
        answer = await ask(method, route, request(theirs), **theirs)
        if answer.is_success:
            sent = str(request(theirs))
            assert [secret for secret in SECRETS if secret in answer.text and secret not in sent] == [], name
            assert answer.status_code in (201, 204) or "item_id" in answer.json(), name


@pytest.mark.parametrize("role", ["editor", "viewer", "subscriber", None])
async def test_who_may_see_a_library_changes_what_the_role_allows_and_nothing_else(
    client: httpx.AsyncClient,
    app: DocumentedApi,
    world: World,
    components: Components,
    role: Role | Literal["subscriber"] | None,
) -> None:
    owner = await world.tenant("Owner", visibility="public" if role in OUTSIDERS else "private")
    guest = await world.tenant("Guest")
    theirs = await thing_of(client, world, components, owner)
    ask = Caller(client, guest.key)
    if role == "subscriber":
        await ask("POST", "/api/libraries/{slug}/subscribe", {}, **theirs)
    elif role is not None:
        async with components.database.transaction() as session:
            await libraries.add_member(session, library_id=owner.library_id, account_id=guest.account_id, role=role)
    before = await everything(components)
    for method, path, name in of_the_document(app):
        scope, request = ROUTES[name]
        if name in FREE or (role == "editor" and scope != "read" and name not in (*OWNERS_ONLY, *OWN)):
            continue
        answer = await ask(method, path, request(theirs), **theirs)
        expected = 200 if scope == "read" else 403
        if name in OWN:
            expected = 404
        elif name in MEMBERS_ONLY and role in OUTSIDERS:
            expected = 403
        assert answer.status_code == expected, (name, answer.text)
    assert await everything(components) == before
