"""Tools: what they answer, page by page, how they wait, and what they say where something is wrong."""

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from mcp.shared.exceptions import MCPError
from sqlalchemy import text

from echoic import errors
from echoic.compose import Components
from echoic.errors import EchoicError
from echoic.intake.egress import Egress
from echoic.intake.networks import AllowList
from echoic.intake.receive import Receiver
from echoic.mcp_server.refusals import ADVICE
from echoic.mcp_server.tools import search
from echoic.server.application import whole_application
from tests.api.listening import happen
from tests.api.mentions import name_in
from tests.api.people import ANNA, BERT, A, B, heard_item
from tests.api.uploading import AUDIO, EXAMPLE
from tests.factories import World, segment, talk
from tests.mcp_server.clients import Mcp, Mode, at_port, fields, links, words
from tests.sites import ScriptedResolver, SiteMaker


async def test_search_filters_sorts_pages_and_leads_to_the_second(mcp: Mcp, world: World) -> None:
    tenant = await world.tenant()
    old, new = [
        await world.item(
            tenant.dataset_id,
            talk("we open the meeting", "the deadline is near", "let us go on", speaker=A),
            published_at=datetime(2026, month, 1, tzinfo=UTC),
        )
        for month in (1, 3)
    ]
    result = await mcp.call(
        tenant, "search_audio", query="deadline", search_type="text", sort_by="date", include_context=True
    )
    found = fields(result)["results"]
    assert [one["item_id"] for one in found] == [new, old]
    assert found[0]["url"] == f"{mcp.base}/items/{new}?t=10"
    assert links(result)[0] == found[0]["url"]
    assert (found[0]["before"][0]["text"], found[0]["after"][0]["text"]) == ("we open the meeting", "let us go on")

    async def ids(**asked: Any) -> list[int]:
        answer = await mcp.ask(tenant, "search_audio_content", query="deadline", **asked)
        return [one["item_id"] for one in answer["results"]]

    assert await ids(filters={"date_to": "2026-01-01"}) == [old]
    assert await ids(filters={"date_from": "2026-01-02"}) == [new]
    assert await ids(filters={"podcast_ids": [str(tenant.dataset_id)], "item_ids": [old]}) == [old]
    assert await ids(filters={"speakers": ["nobody"]}) == []
    nested = await mcp.call(tenant, "search_audio", query="deadline", filters={"speakers": ["no\0body"]})
    assert "'filters' must not hold a NUL character" in words(nested)
    page = await mcp.ask(tenant, "search_audio", query="deadline", search_type="text", limit=1, sort_by="date")
    assert (page["total"], page["next_offset"]) == (2, 1)
    pair = await mcp.ask(tenant, "search", query="deadline near")
    assert {one["id"] for one in pair["results"]} == {str(old), str(new)}
    document = await mcp.ask(tenant, "fetch", id=str(old))
    assert document["text"].startswith("[0:00] SPEAKER_00: we open the meeting")
    assert sorted(document) == ["id", "metadata", "text", "title", "url"]


async def test_a_public_link_opens_for_everybody_and_takes_more_than_reading(mcp: Mcp, world: World) -> None:
    tenant = await world.tenant(scopes=("read", "upload"))
    said = talk("before it", "the moment itself", "and after it")
    item_id = await world.item(tenant.dataset_id, said, title="Kept", duration_seconds=30.0)
    asked = {"item_id": item_id, "start_seconds": 10, "end_seconds": 19, "public": True, "expires_in_days": 2}
    shared = await mcp.ask(tenant, "create_share_link", **asked)
    assert shared["is_public"]
    left = datetime.fromisoformat(shared["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=1, hours=23) < left <= timedelta(days=2)
    async with httpx.AsyncClient(trust_env=False) as stranger:
        page = await stranger.get(shared["url"])
        assert page.status_code == 200
        assert "the moment itself" in page.text
        assert "before it" not in page.text
        assert "and after it" not in page.text
        linked = await mcp.ask(tenant, "create_share_link", item_id=item_id)
        assert "the moment itself" not in (await stranger.get(linked["url"])).text
    for alone in ("read", "upload"):
        refused = await mcp.call(await world.tenant(scopes=(alone,)), "create_share_link", **asked)
        assert "[scope_missing]" in words(refused), alone
    unfit = await mcp.call(tenant, "create_share_link", **(asked | {"end_seconds": 5}))
    assert "[share_unfit]" in words(unfit)
    for span in ({"start_seconds": 31}, {"start_seconds": 10, "end_seconds": 5}):
        unfit = await mcp.call(tenant, "create_share_link", item_id=item_id, **span)
        assert "[share_unfit]" in words(unfit), "a link for people with accounts leads somewhere, too"


async def test_results_come_by_title_as_far_as_all_of_them_are_at_hand(
    mcp: Mcp, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await world.tenant()
    said = talk("the deadline is near", "no deadline is far")
    items = {title: await world.item(tenant.dataset_id, said, title=title) for title in ("beta", "Alpha", "gamma")}

    async def titles(**asked: Any) -> list[str]:
        answer = await mcp.ask(tenant, "search_audio", query="deadline", sort_by="episode_title", **asked)
        assert [one["item_id"] for one in answer["results"]] == [items[one["title"]] for one in answer["results"]]
        return [one["title"] for one in answer["results"]]

    by_title = ["Alpha", "Alpha", "beta", "beta", "gamma", "gamma"]
    assert await titles(search_type="text", sort_order="asc") == by_title
    assert await titles(search_type="text") == by_title[::-1]
    assert await titles(search_type="text", sort_order="asc", offset=1, limit=2) == by_title[1:3]
    monkeypatch.setattr(search, "MAX_RESULTS", 5)
    refused = await mcp.call(tenant, "search_audio", query="deadline", search_type="text", sort_by="episode_title")
    assert refused.is_error
    assert "[field_invalid]" in words(refused)
    assert "at most 5 results" in words(refused)


async def test_a_long_transcript_comes_in_pages_that_a_cursor_joins(
    mcp: Mcp, client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant()
    said = [segment(f"sentence number {n} " + "word " * 30, start=20.0 * n, speaker=(A, B)[n % 2]) for n in range(400)]
    item_id = await world.item(tenant.dataset_id, said)
    pages: list[dict[str, Any]] = []
    cursor = None
    while not pages or cursor is not None:
        pages.append(await mcp.ask(tenant, "get_transcript", item_id=item_id, cursor=cursor))
        cursor = pages[-1]["next_cursor"]
    assert len(pages) == 4
    assert all(18_000 < len(page["text"]) < 25_000 for page in pages[:-1])
    whole = "\n".join(page["text"] for page in pages)
    assert [whole.count(f"sentence number {n} ") for n in range(400)] == [1] * 400
    assert (pages[1]["start"], pages[1]["url"]) == (
        pages[0]["end"] - 16.5 + 20,
        f"{mcp.base}/items/{item_id}?t={pages[1]['start']:g}",
    )
    for where, why in (({"speaker": "Nobody"}, "No speaker has that name here"), ({"start": 9000}, "ends after")):
        nothing = await mcp.ask(tenant, "get_transcript", item_id=item_id, **where)
        assert (nothing["text"], why in nothing["notices"][-1]) == ("", True)
    one = await mcp.ask(tenant, "get_transcript", item_id=item_id, speaker=B, start=100, end=200)
    assert "number 5 " in one["text"]
    assert "number 6 " not in one["text"]
    first = pages[0]["next_cursor"]
    for arguments, why in (
        ({"cursor": first, "speaker": A}, "other arguments"),
        ({"cursor": "abc"}, "none of this tool"),
        ({"start": 5, "end": 5}, "greater than start"),
        ({"speaker": "A\0"}, "'speaker' must not hold a NUL character"),
    ):
        refused = await mcp.call(tenant, "get_transcript", item_id=item_id, **arguments)
        assert refused.is_error
        assert why in words(refused)
    edited = f"/api/items/{item_id}/transcript/segments/0"
    assert (await client.patch(edited, headers=tenant.headers, json={"text": "corrected"})).is_success
    assert "corrected meanwhile" in words(await mcp.call(tenant, "get_transcript", item_id=item_id, cursor=first))


async def test_people_names_and_recordings_are_told_with_addresses(
    mcp: Mcp, client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant("Owner")
    said = [segment(f"here is Ada again {n}", start=10.0 * n, speaker=(A, B)[n % 2]) for n in range(4)]
    item_id = await heard_item(world, components, tenant, said, ANNA, BERT)
    await name_in(world, item_id, ("person", "Ada", 0), ("place", "Oslo", 1), ("product", "Anvil", 3))
    named = {"headers": tenant.headers, "json": {"name": "Anna"}}
    assert (await client.post(f"/api/items/{item_id}/speakers/{A}", **named)).is_success  # type: ignore[arg-type]
    (anna,) = (await mcp.ask(tenant, "search_speakers", query="ann"))["speakers"]
    assert (anna["name"], anna["seconds"]) == ("Anna", 5.0)
    by_rest = (await client.get("/api/speakers", params={"q": "ann"}, headers=tenant.headers)).json()["speakers"]
    assert [(one["id"], one["library"]) for one in by_rest] == [(anna["speaker_id"], anna["library"])]
    person = await mcp.ask(tenant, "get_speaker", library=anna["library"], speaker_id=anna["speaker_id"])
    assert person["appearances"][0]["url"] == f"{mcp.base}/items/{item_id}?t=0"
    ada = await mcp.ask(tenant, "get_entity", name="Ada")
    assert ada["mentions"][0]["said"] == "here is Ada again 0"
    assert {one["name"] for one in ada["neighbors"]} == {"Oslo", "Anvil"}
    graph = await mcp.ask(tenant, "get_entity_graph", name="Ada", depth=2)
    assert {one["name"]: one["distance"] for one in graph["nodes"]} == {"Ada": 0, "Oslo": 1, "Anvil": 1}
    assert len(graph["edges"]) == 3
    (listed,) = (await mcp.ask(tenant, "search_entities", query="osl", type="place"))["entities"]
    assert listed["name"] == "Oslo"
    seen = await mcp.ask(tenant, "get_episode_overview", item_id=item_id)
    assert [(one["label"], one["name"]) for one in seen["speakers"]] == [(A, "Anna"), (B, None)]
    assert [one["name"] for one in seen["entities"]] == ["Ada", "Anvil", "Oslo"]
    (chapter,) = seen["chapters"]
    assert (chapter["title"], chapter["url"]) == ("Ada, Anvil, Oslo", f"{mcp.base}/items/{item_id}?t=0")
    assert [one["url"].partition("?t=")[2] for one in seen["excerpts"]] == ["0", "10", "20", "30"]
    recent = await mcp.ask(tenant, "list_recent_transcripts", speaker="Anna")
    assert [one["item_id"] for one in recent["recordings"]] == [item_id]
    (dataset,) = (await mcp.ask(tenant, "list_my_datasets"))["datasets"]
    assert (dataset["can_upload"], dataset["role"], dataset["published_recordings"]) == (True, "owner", 1)
    shared = await mcp.ask(tenant, "create_share_link", item_id=item_id, start_seconds=12.34)
    assert shared["url"] == f"{mcp.base}/items/{item_id}?t=12.3"
    assert not shared["is_public"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_who_waits_for_a_transcription_is_told_of_its_progress(mcp: Mcp, world: World, mode: Mode) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, status="processing", duration_seconds=100.0)
    told: list[tuple[float, float | None, str | None]] = []
    more = asyncio.Event()

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))
        more.set()

    async with mcp.client(tenant.key, mode=mode) as client:
        now = fields(await client.call_tool("get_transcription_status", {"item_id": item_id}))
        assert (now["status"], now["is_done"]) == ("processing", False)
        arguments = {"item_id": item_id, "wait_seconds": 50}
        waiting = asyncio.create_task(client.call_tool("get_transcription_status", arguments, progress_callback=note))
        async with asyncio.timeout(30):
            for stage, seconds in (("transcribe", 50.0), ("diarize", None)):
                await happen(world, item_id, stage=stage, progress_seconds=seconds)
                while not told or told[-1][2] != stage:
                    more.clear()
                    await more.wait()
            await happen(world, item_id, state="succeeded")
            done = fields(await waiting)
    assert (done["status"], done["is_done"]) == ("published", True)
    assert (1.5, 9.0, "transcribe") in told
    assert (2.0, 9.0, "diarize") in told
    assert [one[0] for one in told] == sorted({one[0] for one in told}), "progress may only rise"


async def test_a_recording_comes_in_by_its_address_and_by_a_link(
    world: World, components: Components, make_site: SiteMaker, trusting: Any
) -> None:
    tenant = await world.tenant()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(AUDIO)}\r\n\r\n"
    site = await make_site(head.encode() + AUDIO)
    resolver = ScriptedResolver(good_example=[["127.0.0.1"]], internal_example=[["10.0.0.1"]])
    egress = Egress(allowed=AllowList.parse(["127.0.0.1"]), resolve=resolver, ssl_context=trusting)
    receiver = Receiver(
        components.settings,
        blobs=components.blobs,
        admissions=components.intake.admissions,
        acceptor=components.intake.acceptor,
        egress=egress,
    )
    async with at_port(
        whole_application(
            dataclasses.replace(components, intake=dataclasses.replace(components.intake, receiver=receiver))
        )
    ) as base:
        mcp = Mcp(base)
        made = await mcp.ask(
            tenant, "transcribe_audio", audio_url=site.url("/talk.flac"), title="A talk", num_speakers=2
        )
        assert made["message"] == "Audio fetched from URL and queued for transcription"
        state = await mcp.ask(tenant, "get_transcription_status", item_id=made["item_id"])
        assert (state["title"], state["status"]) == ("A talk", "queued")
        refusals = {
            "http://good.example/talk.flac": "audio_url_not_https",
            f"https://internal.example:{site.port}/talk.flac": "url_forbidden",
            site.url("/talk.txt"): "format_not_allowed",
        }
        for url, code in refusals.items():
            refused = await mcp.call(tenant, "transcribe_audio", audio_url=url)
            assert refused.is_error
            assert f"[{code}]" in words(refused)
        assert "'language'" in words(await mcp.call(tenant, "transcribe_audio", language="xx"))
        offer = await mcp.ask(tenant, "transcribe_audio", title="It's mine", language="en")
        assert offer["upload"]["command"].startswith("curl -F 'title=It'\"'\"'s mine' -F language=en -F audio=@FILE ")
        command = offer["upload"]["command"].replace("FILE", str(EXAMPLE)).replace("curl ", "curl -s ", 1)
        process = await asyncio.create_subprocess_shell(command, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        accepted = httpx.Response(200, content=output).json()
        state = await mcp.ask(tenant, "get_transcription_status", item_id=accepted["item_id"])
        assert state["title"] == "It's mine"


async def test_where_a_dataset_has_to_be_chosen_the_agent_is_told_among_which(
    mcp: Mcp, client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant("Ada")
    made = await client.post("/api/datasets", headers=tenant.headers, json={"name": "Second"})
    refused = words(await mcp.call(tenant, "transcribe_audio"))
    assert f"{tenant.dataset_id} (Ada's dataset), {made.json()['id']} (Second)" in refused
    key = await client.post("/api/keys", headers=tenant.headers, json={"name": "Uploads", "scopes": ["upload"]})
    told = words(await mcp.call(dataclasses.replace(tenant, key=key.json()["key"]), "transcribe_audio"))
    assert f"which of the datasets it is for: {tenant.dataset_id}, {made.json()['id']}." in told
    reader = await world.tenant("Reader")
    async with world.database.transaction() as session:
        await session.execute(text("DELETE FROM datasets WHERE id = :id"), {"id": reader.dataset_id})
    assert "no dataset that the user may upload to" in words(await mcp.call(reader, "transcribe_audio"))


async def test_an_argument_that_no_tool_knows_is_refused_by_name(mcp: Mcp, world: World) -> None:
    tenant = await world.tenant()
    refused = await mcp.call(tenant, "search_audio", query="word", dataset_ids=[1])
    assert refused.is_error
    assert words(refused).startswith("There is no argument 'dataset_ids'; there are query, search_type,")
    inner = await mcp.call(tenant, "search_audio", query="word", filters={"dataset": 1})
    assert inner.is_error
    assert "filters.dataset" in words(inner)
    wrong = words(await mcp.call(tenant, "get_transcript", item_id="seven", start=-1))
    assert wrong.startswith("item_id: must be a whole number. start: must be at least 0. [field_invalid]")
    either = words(await mcp.call(tenant, "search_audio", query="word", sort_by="size"))
    assert either.startswith("sort_by: must be 'relevance' or 'date', or must be 'episode_title'. [")
    async with mcp.client(tenant.key) as agent:
        with pytest.raises(MCPError, match="more than 2,000 characters"):
            await agent.get_prompt("x" * 100_000)
    strange = words(await mcp.call(tenant, "x" * 100_000))
    assert strange.startswith("There is no tool 'xxx")
    assert len(strange) < 1000


def test_every_family_of_errors_comes_with_advice() -> None:
    assert set(ADVICE) == {family for family in EchoicError.__subclasses__() if family.__module__ == errors.__name__}
