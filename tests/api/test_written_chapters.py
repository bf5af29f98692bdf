"""Titles and summaries of chapters by a language model: who may have them written, what is sent, what is kept, and until when."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from echoic.api.openapi import DocumentedApi
from echoic.asking.answers import Asking
from echoic.compose import Components
from echoic.db.catalog import libraries
from echoic.engines.remote.chat import ChatEndpoint
from tests.api.council import BUDGET, talk
from tests.api.uploading import assert_refused
from tests.chat_endpoint import MODEL, StandIn, Wrote, chat_endpoint
from tests.factories import Tenant, World

HONEST = (
    'TITLE: Harbor workers\nThe harbor needs another crane. [1 "harbor needs another crane"] Bob stole 9 million. [1]'
)
LYING = "TITLE: Bob stole millions\nBob stole 9 million. [1]"


class Writer:
    """The stand-in, which writes of a chapter what ``says`` holds at the time."""

    def __init__(self) -> None:
        self.says = HONEST
        self.ends_with: str | None = "stop"
        self.at: StandIn

    def write(self, body: dict[str, Any], _before: int) -> Wrote:
        if "budget" in body["messages"][1]["content"].split("</moment>")[0]:
            return Wrote(pieces=[LYING])
        return Wrote(pieces=re.split(r"(?<=o)", self.says), ends_with=self.ends_with)


@pytest.fixture
def writer(components: Components, app: DocumentedApi) -> Iterator[Writer]:
    """A language model for the application."""
    made = Writer()
    with chat_endpoint(made.write) as made.at:
        asking = Asking(
            ChatEndpoint(components.settings, url=made.at.url, model=MODEL),
            index=components.search_index,
            encoder=components.engines.text_encoder,
        )
        object.__setattr__(components, "asking", asking)
        yield made


async def events(client: httpx.AsyncClient, path: str, tenant: Tenant) -> list[tuple[str, dict[str, Any]]]:
    answer = await client.post(path, headers=tenant.headers)
    assert answer.status_code == 200, answer.text
    frames = [dict(line.split(": ", 1) for line in frame.splitlines()) for frame in answer.text.strip().split("\n\n")]
    return [(frame["event"], json.loads(frame["data"])) for frame in frames if "event" in frame]


async def test_what_is_supported_is_kept_beside_the_rest_until_the_text_changes(
    client: httpx.AsyncClient, world: World, writer: Writer
) -> None:
    tenant = await world.tenant(chapters_by_model=True)
    item_id = await talk(world, tenant)
    path = f"/api/items/{item_id}/chapters"
    before = (await client.get(path, headers=tenant.headers)).json()["chapters"]
    (name, told), end = await events(client, f"{path}/write", tenant)
    assert (name, end) == ("chapter", ("end", {"incomplete": None}))
    first, second = (await client.get(path, headers=tenant.headers)).json()["chapters"]
    assert told == {"start": first["start"], "end": first["end"], "written": first["written"]}
    assert first["written"].pop("written_at").endswith("Z")
    (place,) = first["written"]["sentences"][0]["citations"]
    assert place["quote"] == "harbor needs another crane"
    assert first["written"] == {
        "title": "Harbor workers",
        "sentences": [{"text": "The harbor needs another crane.", "citations": [place]}],
        "written_by": MODEL,
    }
    # Nothing of the lie is kept, and what was found without a model stays.
    assert second["written"] is None
    assert [{**one, "written": None} for one in (first, second)] == before
    # Who speaks is not sent.
    assert "SPEAKER" not in writer.at.told
    asked = len(writer.at.asked)
    await events(client, f"{path}/write", tenant)
    assert len(writer.at.asked) == asked + 1, "what is there is written once"
    writer.says = HONEST.replace("Harbor workers", "Workers at night")
    await events(client, f"{path}/write?again=true", tenant)
    assert (await client.get(path, headers=tenant.headers)).json()["chapters"][0]["written"][
        "title"
    ] == "Workers at night"
    changed = {"segments": [{"id": 40, "text": BUDGET[1]}]}
    await client.patch(path.replace("chapters", "transcript/segments"), json=changed, headers=tenant.headers)
    assert {one["written"] for one in (await client.get(path, headers=tenant.headers)).json()["chapters"]} == {None}


async def test_a_model_that_fails_is_told_and_nothing_of_that_chapter_is_kept(
    client: httpx.AsyncClient, world: World, writer: Writer
) -> None:
    tenant = await world.tenant(chapters_by_model=True)
    path = f"/api/items/{await talk(world, tenant)}/chapters"
    writer.ends_with = None
    (end,) = await events(client, f"{path}/write", tenant)
    assert end[1]["incomplete"]["code"] == "chat_unavailable"
    assert (await client.get(path, headers=tenant.headers)).json()["chapters"][0]["written"] is None


async def test_nothing_is_sent_or_shown_where_that_is_not_allowed(
    client: httpx.AsyncClient, world: World, components: Components, writer: Writer
) -> None:
    tenant = await world.tenant()
    dataset = f"/api/datasets/{tenant.dataset_id}"
    path = f"/api/items/{await talk(world, tenant)}/chapters"

    async def refused(asker: Tenant, status: int, code: str) -> None:
        assert_refused(await client.post(f"{path}/write", headers=asker.headers), status, code)

    async def setting(**change: Any) -> None:
        assert (await client.patch(dataset, json=change, headers=tenant.headers)).status_code == 200

    await refused(tenant, 409, "chapters_not_written")
    await setting(chapters_by_model=True)
    viewer = await world.tenant("Viewer")
    await refused(viewer, 404, "item_not_found")
    async with components.database.transaction() as session:
        await libraries.add_member(session, library_id=tenant.library_id, account_id=viewer.account_id, role="viewer")
    await refused(viewer, 403, "forbidden")
    await setting(redaction={"kinds": ["person"]})
    await refused(tenant, 409, "chapters_not_written")
    assert writer.at.asked == []
    await setting(redaction=None)
    assert len(await events(client, f"{path}/write", tenant)) == 2
    # What was written before something was hidden is shown to those alone who read the original.
    await setting(redaction={"kinds": ["person"]})
    for reader, shown in ((tenant, True), (viewer, False)):
        chapters = (await client.get(path, headers=reader.headers)).json()["chapters"]
        assert any(one["written"] for one in chapters) is shown
    components.asking.model = None
    await setting(redaction=None)
    await refused(tenant, 409, "chapters_not_written")
