"""Every route of the document, asked by readers from whom something is hidden: none of it is in any answer."""

import io
import json
import re
import zipfile
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from echoic.api.openapi import DocumentedApi
from echoic.compose import Components
from echoic.db.outbox import webhooks
from echoic.db.outbox.deliveries import Delivery
from echoic.formats import FORMATS
from tests.api.listening import listening
from tests.api.open_paths import OPEN_PATHS
from tests.api.redacted_world import (
    DESCRIPTION,
    NEVER_SAID,
    PLANTED,
    SAID,
    TITLE,
    Reader,
    hide_everything,
    reader_of,
    recording,
    redacted_for,
)
from tests.api.route_table import MAKES_OWN, OUTSIDE, PLACES, ROUTES, of_the_document
from tests.factories import Tenant, World

READERS = ("viewer", "editor", None)
REFUSED = {
    "GET /api/datasets/{dataset_id}/vocabulary/suggestions",
    "GET /api/items/{item_id}/published-texts/{text_id}",
    "GET /api/items/{item_id}/published-texts/{text_id}/file",
    "GET /api/items/{item_id}/transcript/versions",
    "GET /api/items/{item_id}/transcript/versions/{number}",
    "GET /api/speakers",
    "GET /api/libraries/{slug}/speakers",
    "GET /api/libraries/{slug}/speakers/{speaker_id}",
    "GET /api/libraries/{slug}/speakers/{speaker_id}/appearances",
    "GET /api/libraries/{slug}/entity-decisions",
}
"""Reads that are never redacted, and refused instead; to those who are no members the first two are closed anyway."""
SHOWN_TITLE = "Call with [PERSON] on [PERSON], [PHONE]"
SHOWN_DESCRIPTION = "[EMAIL] asks for [PERSON] of [ADDRESS]"
SHOWN_ELSEWHERE = ("GET /api/items/{item_id}/audio", "HEAD /api/items/{item_id}/audio")
"""Sound; its tests are test_redacted_audio.py."""


def leaked(answer: httpx.Response, *, sent: str = "") -> list[str]:
    """What of the planted values an answer tells that the request did not say."""
    content = answer.content
    texts = [content.decode("utf-8", "replace"), *(f"{name}: {value}" for name, value in answer.headers.items())]
    if content[:2] == b"PK":
        texts += _unpacked(content)
    found = []
    for text in texts:
        lowered = re.sub(r"<[^>]*>", "", text).lower()
        closed = re.sub(r"[\s().,+/-]", "", lowered)
        found += [one for one in PLANTED if (one in lowered or one in closed) and one not in sent.lower()]
    return found


def _unpacked(content: bytes) -> list[str]:
    """Texts and names of all files, those of archives within included."""
    texts = []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            inner = archive.read(name)
            texts += [name, *(_unpacked(inner) if inner[:2] == b"PK" else [inner.decode("utf-8", "replace")])]
    return texts


async def test_planted_values_are_told_to_owners(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    """Or the other tests could not fail."""
    owner = await world.tenant("Owner")
    ids, ask = await recording(client, world, components, owner)
    await hide_everything(ask)
    path = f"/api/items/{ids['item_id']}"
    answer = await client.get(f"{path}/transcript?format=json&format=docx&format=csv", headers=owner.headers)
    assert set(leaked(answer)) == set(PLANTED)
    for route in (
        f"{path}/entities",
        f"{path}/speakers",
        f"{path}/transcript/versions",
        f"/api/datasets/{owner.dataset_id}",
    ):
        assert leaked(await client.get(route, headers=owner.headers)), route


@pytest.mark.parametrize("role", READERS)
async def test_no_route_tells_what_is_hidden(
    client: httpx.AsyncClient, app: DocumentedApi, world: World, components: Components, role: Reader
) -> None:
    ids, _, reader = await redacted_for(client, world, components, role)
    outside = [
        (method.upper(), path, "")
        for path in OUTSIDE
        for method in app.openapi()["paths"].get(path, {})
        if path not in OPEN_PATHS
    ]
    routes = [*of_the_document(app), *outside]
    assert {path for _, path, _ in routes} | set(OPEN_PATHS) >= set(app.openapi()["paths"]), "a route that nobody asks"
    # What removes things comes last, or nothing would be there for the others.
    routes.sort(key=lambda route: (route[0] != "GET", route[0] == "DELETE" or route[1].endswith("/delete")))
    for method, path, name in routes:
        if name in SHOWN_ELSEWHERE or path.endswith("/events"):
            continue
        if name:
            request = ROUTES[name][1](ids)
        elif method == "GET":
            request = {}
        else:  # makes or ends what is the caller's own
            continue
        answer = await client.request(
            method,
            path.format(**{**ids, **PLACES}),
            **{**request, "headers": {**reader.headers, **request.get("headers", {})}},
        )
        assert leaked(answer, sent=str(request)) == [], (name, answer.status_code, answer.text)
        if method == "GET" and name:
            own_account = path.startswith(("/api/accounts/", "/api/workers", "/api/stages", "/api/failures"))
            closed = (
                own_account or path in ("/api/installation", "/api/storage") or "members" in path or "invit" in path
            )
            # For members of the library alone.
            closed = closed or "/feed" in path or "/sources" in path
            assert closed or (answer.status_code == 403) == (name in REFUSED), (name, answer.status_code, answer.text)


@pytest.mark.parametrize("role", READERS)
async def test_no_format_and_no_part_tells_what_is_hidden(
    client: httpx.AsyncClient, world: World, components: Components, role: Reader
) -> None:
    ids, _, reader = await redacted_for(client, world, components, role)
    path = f"/api/items/{ids['item_id']}/transcript"
    forms = [*FORMATS, "&format=".join(FORMATS)]
    queries = [f"?format={form}" for form in forms]
    queries += ["?start=85&end=95", "?offset=9&limit=1", "?speaker=SPEAKER_01", "?format=srt&speakers=true&limit=2"]
    for query in queries:
        for older in (path, path.replace("/items/", "/episodes/")):
            answer = await client.get(older + query, headers=reader.headers)
            assert answer.status_code == 200, answer.text
            assert answer.headers["X-Item-Notices"] == "redacted"
            assert leaked(answer) == [], query
    whole = (await client.get(path, headers=reader.headers)).json()
    assert [part["text"] for part in whole["segments"]] == [
        "Hello this is [PERSON] speaking",
        "my number is [PHONE] thanks",
        "or [PHONE]",
        "write to [EMAIL] or [EMAIL]",
        "the card is [CARD] indeed",
        "and the account [IBAN] please",
        "we live at [ADDRESS]",
        # A speaker has the name of the project.
        "the project is called [PERSON] inside",
        "please call [PHONE]",
        "[PHONE] tomorrow",
        SAID[10],
        "my name is [PERSON]",
        "we asked doctor [PERSON] as well",
        "over to [PERSON] now",
    ]
    assert whole["speaker_names"] == {}
    assert whole["notices"][-1]["detail"]["by_kind"] == {
        "email": 2,
        "iban": 1,
        "card": 1,
        "phone": 3,
        "address": 1,
        "person": 5,
    }
    for query in ("&chapters=vtt&chapters=podcast", *(f"&format={form}" for form in FORMATS)):
        answer = await client.get(f"/api/datasets/{ids['dataset_id']}/export?format=txt{query}", headers=reader.headers)
        assert answer.status_code == 200
        assert leaked(answer) == []
    if role is not None:
        assert (await client.get(path + "?version=1", headers=reader.headers)).status_code == 403
    for name in ("Zebulon Quartermaine", "Jane Falcon"):
        for form in ("json", "rttm"):
            by_name, nobody = [
                (await client.get(path, params={"speaker": one, "format": form}, headers=reader.headers)).text
                for one in (name, NEVER_SAID)
            ]
            assert by_name == nobody


async def test_nothing_hidden_is_found_out_by_asking_for_it(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    """Each search is answered as one for a word that was never said."""
    owner = await world.tenant("Owner")
    ids, ask = await recording(client, world, components, owner)
    await hide_everything(ask)
    roles: tuple[Reader, ...] = ("viewer", "editor")
    for role in roles:
        reader = await reader_of(world, components, owner, role)
        asked = [
            *("Zebulon", "zebul*", "Zebulom", '"Zebulon Quartermaine"', '"this is Zebulon"', "falcon OR quartermaine"),
            *(
                "0171",
                "555 2368",
                "2368",
                '"my number is 0171"',
                "evergreen",
                "springfield",
                "DE89",
                "4111",
                '"call 030 98 76"',
            ),
            *('"please call" NOT xylophonist', "hello NOT zebulon"),
        ]
        for kind in ("text", "semantic", "hybrid"):
            for query in asked:
                for filters in ({}, {"speakers": ["Zebulon Quartermaine"]}, {"entities": ["Blue Falcon"]}):
                    found = await _searched(client, reader, query, kind, filters)
                    assert leaked_texts(found, query) == [], (query, kind, found)
        narrowed: dict[str, dict[str, str]] = {
            "/api/entities": {"q": "zebul"},
            "/api/entities/mentions": {"name": "Zebulon Quartermaine"},
            "/api/entities/neighbors": {"name": "Harmless"},
            f"/api/items/{ids['item_id']}/entities": {"type": "person"},
            f"/api/datasets/{owner.dataset_id}/items": {"speaker": "Zebulon Quartermaine"},
            "/api/items": {"speaker": "Zebulon Quartermaine"},
        }
        of_titles = {route: {"title": "zebul"} for route in (f"/api/datasets/{owner.dataset_id}/items", "/api/items")}
        for route, params in (*narrowed.items(), *of_titles.items()):
            found = (await client.get(route, params=params, headers=reader.headers)).json()
            assert found["total"] == 0, (route, found)


async def test_titles_and_descriptions_are_redacted_wherever_they_are_shown(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    """Each way out is read by the owner as well, or nobody would see that it shows no title any more."""
    owner = await world.tenant("Owner")
    ids, ask = await recording(client, world, components, owner)
    await hide_everything(ask)
    reader = await reader_of(world, components, owner, "editor")
    item, dataset = f"/api/items/{ids['item_id']}", f"/api/datasets/{owner.dataset_id}"
    lists = ("/api/items", f"{dataset}/items")
    for route in (item, f"{item}/transcript", *lists):
        told, original = [(await client.get(route, headers=one.headers)).json() for one in (reader, owner)]
        told, original = [one["items"][0] if route in lists else one for one in (told, original)]
        assert (told["title"], original["title"]) == (SHOWN_TITLE, TITLE), route
        if "description" in original:
            assert (told["description"], original["description"]) == (SHOWN_DESCRIPTION, DESCRIPTION), route
    for route in (f"{item}/audio", f"{item}/transcript?format=srt", f"{item}/transcript?format=docx&format=txt"):
        answers = [await client.get(route, headers=one.headers) for one in (reader, owner)]
        assert [bool(leaked(answer)) for answer in answers] in ([False, True], [False, False]), route
    exported = await client.get(f"{dataset}/export?format=txt&format=docx", headers=reader.headers)
    assert leaked(exported) == []
    # Who changes what cannot be read is answered with what may be read.
    changed = await client.patch(item, headers=reader.headers, json={"description": "Notes of Monday"})
    assert (changed.json()["title"], changed.json()["description"]) == (SHOWN_TITLE, "Notes of Monday")


async def test_webhooks_are_told_titles_by_the_role_of_their_account(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    owner = await world.tenant("Owner")
    ids, ask = await recording(client, world, components, owner)
    await hide_everything(ask)
    reader = await reader_of(world, components, owner, "editor")
    async with components.database.transaction() as session:
        made = {
            one.account_id: await webhooks.create(
                session,
                account_id=one.account_id,
                dataset_id=None,
                url="https://hook.example",
                description=None,
                events=["transcript.edited"],
                secret=b"sealed",
            )
            for one in (owner, reader)
        }
    await ask("PATCH", f"/api/items/{ids['item_id']}/transcript/segments/13", json={"speaker": "Jane Falcon"})
    async with components.database.transaction() as session:
        rows = await session.execute(select(Delivery.account_id, Delivery.body))
        bodies = {row.account_id: row.body for row in rows}
    assert set(bodies) == set(made)
    assert TITLE in bodies[owner.account_id]
    told = json.loads(bodies[reader.account_id])["data"]
    assert (told["title"], told["speakers"], told["item_id"]) == (None, [], ids["item_id"])


async def test_events_tell_each_listener_the_title_that_may_be_read(
    app: DocumentedApi, client: httpx.AsyncClient, world: World, components: Components
) -> None:
    owner = await world.tenant("Owner")
    ids, ask = await recording(client, world, components, owner)
    await hide_everything(ask)
    reader = await reader_of(world, components, owner, "viewer")
    async with listening(app, owner) as full, listening(app, reader) as redacted:
        for listener in (full, redacted):
            await listener.until("look")
        await ask("PATCH", f"/api/items/{ids['item_id']}/transcript/segments/13", json={"text": SAID[13] + " again"})
        for listener, title in ((full, TITLE), (redacted, SHOWN_TITLE)):
            ((_, told, _),) = [one for one in await listener.until("look", "item") if one[0] == "item"]
            assert told["title"] == title


async def _searched(
    client: httpx.AsyncClient, reader: Tenant, query: str, kind: str, filters: dict[str, Any]
) -> dict[str, Any]:
    options = {"include_context": True, "include_aggregations": True}
    body = {"query": query, "search_type": kind, "filters": filters, "options": options}
    answer = await client.post("/api/search", headers=reader.headers, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def leaked_texts(found: dict[str, Any], query: str) -> list[Any]:
    """Results that hold, or stand beside, what is hidden; in a recording that is redacted there are none."""
    return [hit["text"] for hit in found["results"]] + [one for one in found["meta"]["corrections"] if one not in query]


async def test_owners_read_what_they_read_without_a_policy(
    client: httpx.AsyncClient, app: DocumentedApi, world: World, components: Components
) -> None:
    owner = await world.tenant("Owner")
    ids, ask = await recording(client, world, components, owner)

    async def answers() -> dict[str, Any]:
        told = {}
        for method, path, name in of_the_document(app):
            scope, request = ROUTES[name]
            if scope != "read" or name in (*SHOWN_ELSEWHERE, *MAKES_OWN) or path.endswith("/events"):
                continue
            answer = await client.request(
                method, path.format(**{**ids, **PLACES}), **{**request(ids), "headers": owner.headers}
            )
            text = re.sub(r'"took_ms":\d+|"request_id":"\w+"', "", answer.text)
            told[f"{method} {path}"] = (answer.status_code, re.sub(r'"redaction":(null|\{[^}]*\})', "", text))
        return told

    before = await answers()
    await hide_everything(ask)
    assert await answers() == before
