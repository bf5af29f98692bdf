"""A recording in which every word and every second can be told from all others, and links to it of every kind."""

import io
import wave
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
from sqlalchemy import text

from echoic.compose import Components
from echoic.db.catalog import libraries
from echoic.db.items import items
from tests.api.people import ANNA, A, Asking, heard_item
from tests.factories import Tenant, World, segment
from tests.stored import store

RATE = 16_000
SECONDS = 40
WORDS = [f"word{chr(97 + number // 10)}{chr(97 + number % 10)}" for number in range(SECONDS * 2)]
"""Two a second."""
NAME = "Zebulon"
TITLE = "Board meeting"
PHONE_AT = 20
"""The word from which on a telephone number is said, for a second and a half."""
SAID = [
    segment(
        " ".join(["0171", "555", "2368", *WORDS[23:30]] if first == PHONE_AT else WORDS[first : first + 10]),
        start=first / 2,
        speaker=A,
    )
    for first in range(0, len(WORDS), 10)
]
Change = Callable[["Shelf"], Awaitable[None]]


def sound() -> bytes:
    """A WAV file whose samples say in which second they are."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(np.repeat(1000 + 100 * np.arange(SECONDS), RATE).astype("<i2").tobytes())
    return content.getvalue()


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """The recording, its owner, and a member who shares it."""

    client: httpx.AsyncClient
    components: Components
    owner: Tenant
    member: Tenant
    item_id: int

    async def sql(self, statement: str, **values: Any) -> None:
        async with self.components.database.transaction() as session:
            await session.execute(text(statement), values)


async def shelf(client: httpx.AsyncClient, world: World, components: Components) -> Shelf:
    owner, member = await world.tenant("Owner"), await world.tenant("Member")
    item_id = await heard_item(world, components, owner, SAID, ANNA)
    blob_id = await store(components, sound())
    async with components.database.transaction() as session:
        await libraries.add_member(session, library_id=owner.library_id, account_id=member.account_id, role="viewer")
        item = await items.get_item(session, item_id)
        assert item is not None
        item.audio_blob_id, item.original_filename = blob_id, "talk.wav"
        item.title, item.duration_seconds = TITLE, float(SECONDS)
    slug = (await client.get(f"/api/datasets/{owner.dataset_id}", headers=owner.headers)).json()["library"]
    await Asking(client, components, owner, slug).name(item_id, A, NAME)
    return Shelf(client=client, components=components, owner=owner, member=member, item_id=item_id)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A link, and what of the recording may be had by it."""

    name: str
    body: dict[str, Any]
    words: frozenset[str] = frozenset()
    seconds: tuple[float, float] | None = None
    """Of the sound; None: there is none."""
    silent: tuple[float, float] | None = None
    shows_name: bool = True
    is_embeddable: bool = False
    password: str | None = None
    afterwards: Change | None = None
    """What happens to the link or to the recording once it is made."""
    moments: int = 1
    state: str | None = "open"
    """As its maker's list has it; None: it is in no list, or its maker sees none."""

    @property
    def is_gone(self) -> bool:
        return not self.words


async def _hide_phones(world: Shelf) -> None:
    answer = await world.client.patch(
        f"/api/datasets/{world.owner.dataset_id}", json={"redaction": {"kinds": ["phone"]}}, headers=world.owner.headers
    )
    assert answer.status_code == 200, answer.text


async def _revoke(world: Shelf) -> None:
    made = (await world.client.get("/api/shares", headers=world.member.headers)).json()["shares"][0]
    answer = await world.client.delete(f"/api/shares/{made['id']}", headers=world.member.headers)
    assert answer.status_code == 204


async def _expire(world: Shelf) -> None:
    await world.sql("UPDATE shares SET expires_at = now() - interval '1 second'")


async def _put_out(world: Shelf) -> None:
    await world.sql("DELETE FROM library_members WHERE account_id = :account", account=world.member.account_id)


async def _lock(world: Shelf) -> None:
    await world.sql("UPDATE accounts SET locked_at = now() WHERE id = :account", account=world.member.account_id)


async def _end_key(world: Shelf) -> None:
    await world.sql("UPDATE api_keys SET revoked_at = now() WHERE account_id = :id", id=world.member.account_id)


async def _delete(world: Shelf) -> None:
    answer = await world.client.delete(f"/api/items/{world.item_id}", headers=world.owner.headers)
    assert answer.is_success, answer.text


async def _fail(world: Shelf) -> None:
    await world.sql("UPDATE items SET status = 'failed' WHERE id = :item", item=world.item_id)


ALL = frozenset(WORDS) - frozenset(WORDS[20:23])
PHONE = frozenset({"0171", "555", "2368"})
SPAN = {"start": 5.0, "end": 8.0}
KINDS = (
    Kind(name="recording", body={}, words=ALL | PHONE, seconds=(0, SECONDS)),
    Kind(name="span", body=SPAN, words=frozenset(WORDS[10:16]), seconds=(5, 8)),
    Kind(name="span within words", body={"start": 5.2, "end": 7.9}, words=frozenset(WORDS[11:15]), seconds=(5.2, 7.9)),
    Kind(
        name="embedded span",
        body={**SPAN, "embed_origins": ["https://blog.example.org"], "title": "A moment"},
        words=frozenset(WORDS[10:16]),
        seconds=(5, 8),
        is_embeddable=True,
    ),
    Kind(
        name="search",
        body={"search": {"query": '"worddd" OR "wordfc"', "search_type": "text", "sort": {"field": "date"}}},
        words=frozenset(WORDS[30:40]) | frozenset(WORDS[50:60]),
        seconds=(15, 20),
        moments=2,
    ),
    Kind(name="without sound", body={**SPAN, "audio": False}, words=frozenset(WORDS[10:16])),
    Kind(name="without names", body={"names": False}, words=ALL | PHONE, seconds=(0, SECONDS), shows_name=False),
    Kind(
        name="with a password",
        body={**SPAN, "password": "open sesame"},
        words=frozenset(WORDS[10:16]),
        seconds=(5, 8),
        password="open sesame",
    ),
    Kind(
        name="redacted since",
        body={},
        words=ALL,
        seconds=(0, SECONDS),
        silent=(9.75, 11.75),
        afterwards=_hide_phones,
    ),
    Kind(
        name="redacted span",
        body={"start": 10.5, "end": 14.0},
        words=frozenset(WORDS[23:28]),
        seconds=(10.5, 14),
        silent=(10.5, 11.75),
        afterwards=_hide_phones,
    ),
    Kind(
        name="search in what is redacted since",
        body={"search": {"query": "2368", "search_type": "text"}},
        afterwards=_hide_phones,
        state="unreadable",
    ),
    Kind(name="revoked", body={}, afterwards=_revoke, state=None),
    Kind(
        name="of a deleted recording, with a password",
        body={"password": "open sesame"},
        afterwards=_delete,
        state="unreadable",
    ),
    Kind(name="run out", body={}, afterwards=_expire, state="expired"),
    Kind(name="of somebody who was put out", body={}, afterwards=_put_out, state="unreadable"),
    Kind(name="of a locked account", body={}, afterwards=_lock, state=None),
    Kind(name="of a key that was revoked", body={}, afterwards=_end_key, state=None),
    Kind(name="of a deleted recording", body=SPAN, afterwards=_delete, state="unreadable"),
    Kind(name="of a recording that failed later", body=SPAN, afterwards=_fail, state="unreadable"),
)
