"""A recording that says what is to be hidden, in every place where it may be told, and readers of it."""

from typing import Literal

import httpx

from echoic.compose import Components
from echoic.db.catalog import libraries
from echoic.db.items import peaks
from echoic.db.sources import entries, feeds, watched_files
from echoic.records import JsonObject
from echoic.redaction.policy import DETECTED
from tests.api.mentions import name_in, subject_named
from tests.api.people import ANNA, BERT, A, Asking, B, heard_item
from tests.api.published import publish_text
from tests.api.route_table import Ids
from tests.api.tus import VERSION, creation
from tests.api.watched.watcher import made_source
from tests.factories import Tenant, World, segment

SAID = (
    "Hello this is Zebulon Quartermaine speaking",
    "my number is 0171 555 2368 thanks",
    "or zero one six two, four four four, three three one",
    "write to zeb.quarter@example.org or quarterzeb at example dot net",
    "the card is 4111 1111 1111 1111 indeed",
    "and the account DE89 3704 0044 0532 0130 00 please",
    "we live at 12 Evergreen Terrace, Springfield",
    "the project is called Blue Falcon inside",
    "please call 030 98",
    "76 543 tomorrow",
    "nothing harmless is hidden here",
    "my name is Zebulon",
    "we asked doctor ablow ghast as well",
    "over to Anna now",
)
CORRECTED = "we asked doctor Oblomov-Ghast as well"
PLANTED = (
    *(
        "anna",
        "zebulon",
        "quartermaine",
        "zeb.quarter",
        "quarterzeb",
        "evergreen",
        "springfield",
        "falcon",
        "oblomov",
        "ghast",
    ),
    *("01715552368", "5552368", "zero one six", "three three one", "4111111111111111", "11111111"),
    *("de8937040044053201300", "370400440532", "76543", "030 98"),
)
"""In small letters; digits without what may stand between them."""
TITLE = "Call with Zebulon Quartermaine on Blue_Falcon, 0171 555 2368"
DESCRIPTION = "Zeb.Quarter@example.org asks for Oblomov-Ghast of 12 Evergreen Terrace, Springfield."
NEVER_SAID = "xylophonist"
Reader = Literal["viewer", "editor"] | None


async def names_of(world: World, ask: Asking, slug: str) -> Ids:
    """What the recording names, and a decision about one of the names."""
    springfield = await subject_named(world, "Springfield")
    decided = await ask("PATCH", f"/api/libraries/{slug}/entities/{springfield}", json={"name": "Springfield Falcon"})
    return {
        "entity": "Harmless",
        "entity_id": await subject_named(world, "Zebulon Quartermaine"),
        "other_entity_id": await subject_named(world, "Blue Falcon"),
        "decision_id": decided["id"],
    }


async def recording(
    client: httpx.AsyncClient, world: World, components: Components, owner: Tenant
) -> tuple[Ids, Asking]:
    """An item that says what is planted, in text, entities, names of speakers, versions and settings."""
    slug = (await client.get(f"/api/datasets/{owner.dataset_id}", headers=owner.headers)).json()["library"]
    ask = Asking(client, components, owner, slug)
    said = [segment(text, start=10.0 * place, speaker=(A, B)[place % 2]) for place, text in enumerate(SAID)]
    item_id = await heard_item(world, components, owner, said, ANNA, BERT)
    await ask("PATCH", f"/api/items/{item_id}", json={"title": TITLE, "description": DESCRIPTION})
    await name_in(
        world,
        item_id,
        ("person", "Zebulon Quartermaine", 0),
        ("organization", "Blue Falcon", 7),
        ("place", "Springfield", 6),
        ("product", "Harmless", 10),
    )
    speaker_id = await ask.name(item_id, A, "Zebulon Quartermaine")
    other_id = await ask.name(item_id, B, "Anna Falcon")
    path = f"/api/items/{item_id}/transcript/segments"
    await ask("PATCH", f"{path}/10", json={"text": "once it said falcon 0171 555 2368"})
    await ask("PATCH", f"{path}/10", json={"text": SAID[10]})
    await ask("PATCH", f"{path}/11", json={"speaker": "Jane Falcon"})
    # Written by a person, where the tagger found nothing.
    await ask("PATCH", f"{path}/12", json={"text": CORRECTED})
    begun = await client.post(
        f"/api/datasets/{owner.dataset_id}/uploads", headers={**owner.headers, **VERSION, **creation(1000, {})}
    )
    async with components.database.transaction() as session:
        await peaks.keep_peaks(session, item_id, b"\x81\x7f" * 2000)
    text_id = await follow_a_feed(components, owner, item_id)
    await ask(
        "PATCH",
        f"/api/datasets/{owner.dataset_id}",
        json={
            "vocabulary": ["Zebulon"],
            "initial_prompt": "Falcon",
            "replacements": [{"find": "falcon", "replace": "x"}],
        },
    )
    named = await names_of(world, ask, slug)
    receipt_id = await deleted(client, world, ask)
    return {
        "slug": slug,
        "dataset_id": owner.dataset_id,
        "item_id": item_id,
        "speaker_id": speaker_id,
        "other_id": other_id,
        "account_id": owner.account_id,
        "key_id": (await ask("GET", "/api/keys"))["keys"][0]["id"],
        **dict.fromkeys(("session_id", "program_id", "invitation_id", "share_id"), 1),
        "source_id": await watch_a_folder(components, owner),
        **dict.fromkeys(("webhook_id", "address_id", "notification_id"), 1),
        "delivery_id": "msg_" + "0" * 32,
        "text_id": text_id,
        "receipt_id": receipt_id,
        "upload_id": begun.headers["Location"].rpartition("/")[2],
        **named,
    }, ask


async def deleted(client: httpx.AsyncClient, world: World, ask: Asking) -> str:
    """Delete a recording whose title says what is planted; returns the id of its receipt."""
    item_id = await world.item(ask.tenant.dataset_id)
    await ask("PATCH", f"/api/items/{item_id}", json={"title": TITLE, "description": DESCRIPTION})
    answer = await client.delete(f"/api/items/{item_id}", headers=ask.tenant.headers)
    return answer.headers["Deletion-Receipt"]


async def follow_a_feed(components: Components, owner: Tenant, item_id: int) -> int:
    """A feed of the dataset that says what is planted, as does the publisher's transcript; returns the id of that."""
    told: JsonObject = {"identity": "1", "title": TITLE, "description": DESCRIPTION, "details": {}}
    async with components.database.transaction() as session:
        url = "https://good.example/feed.xml"
        feed = await feeds.create_feed(
            session, dataset_id=owner.dataset_id, account_id=owner.account_id, url=url, newest=1
        )
        await entries.put_entries(session, feed.id, [told])
        return await publish_text(session, item_id, f"WEBVTT\n\n00:01.000 --> 00:02.000\n{TITLE}\n")


async def watch_a_folder(components: Components, owner: Tenant) -> int:
    """A watched folder whose file is named for what is planted."""
    told: JsonObject = {"identity": "1", "path": f"{TITLE}.wav", "fingerprint": "1", "size_bytes": 1}
    told |= {"modified_at": "2026-01-01T00:00:00Z", "reason": "not_audio", "message": f"{TITLE}.wav"}
    async with components.database.transaction() as session:
        source = await made_source(session, owner)
        await watched_files.put_files(session, source, [told], look=1, moves=False)
        return source.id


async def hide_everything(ask: Asking) -> None:
    policy = {"kinds": list(DETECTED), "words": ["Blue Falcon", "falcon"]}
    await ask("PATCH", f"/api/datasets/{ask.tenant.dataset_id}", json={"redaction": policy})


async def redacted_for(
    client: httpx.AsyncClient, world: World, components: Components, role: Reader
) -> tuple[Ids, Asking, Tenant]:
    """The recording of an owner, who hides everything, and a reader; None reads in a public library."""
    owner = await world.tenant("Owner", visibility="private" if role else "public")
    ids, ask = await recording(client, world, components, owner)
    await hide_everything(ask)
    return ids, ask, await reader_of(world, components, owner, role)


async def reader_of(world: World, components: Components, owner: Tenant, role: Reader) -> Tenant:
    reader = await world.tenant(f"Reader {role}")
    if role is not None:
        async with components.database.transaction() as session:
            await libraries.add_member(session, library_id=owner.library_id, account_id=reader.account_id, role=role)
    return reader
