"""What a search finds, in which order, and what it must never show."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st
from sqlalchemy import text

from echoic.db import items, libraries, search
from echoic.db.index import DIMENSIONS
from echoic.db.search import FUSION_CANDIDATES, FUSION_K, Filters, Hits, Meaning, Page
from echoic.engines.fake import FakeTextEncoder
from tests.factories import Tenant, World, segment, talk

ENCODER = FakeTextEncoder()
FIRST_PAGE = Page(limit=20, offset=0)


def meaning_of(query: str) -> Meaning:
    return Meaning(model=ENCODER.id.label, vector=ENCODER.encode([query], "query")[0].tolist())


async def find(
    world: World,
    reader: Tenant,
    query: str,
    *,
    kind: str = "text",
    filters: Filters | None = None,
    page: Page = FIRST_PAGE,
    highlight: bool = True,
) -> Hits:
    async with world.database.transaction() as session:
        return await search.find(
            session,
            account_id=reader.account_id,
            query=query,
            words=kind != "semantic",
            meaning=None if kind == "text" else meaning_of(query),
            filters=filters or Filters(),
            page=page,
            highlight=highlight,
        )


def texts(found: Hits) -> list[str]:
    return [hit.text for hit in found.hits]


KINDS = pytest.mark.parametrize("kind", ["text", "semantic", "hybrid"])


async def test_words_are_found_in_their_other_forms_and_without_accents(world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("The cafés were closing.", "We met in a garden."))
    for query in ("cafe", "CAFÉS", "close", "closed café"):
        assert texts(await find(world, tenant, query)) == ["The cafés were closing."]
    assert texts(await find(world, tenant, "opening")) == []


async def test_phrases_and_excluded_words_are_understood(world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("the red car", "a car that is red", "red wine"))
    assert texts(await find(world, tenant, '"red car"')) == ["the red car"]
    assert sorted(texts(await find(world, tenant, "red -car"))) == ["red wine"]
    assert sorted(texts(await find(world, tenant, "wine OR car"))) == ["a car that is red", "red wine", "the red car"]


async def test_more_of_the_words_searched_for_ranks_higher(world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("deadline and other things", "deadline after deadline", "nothing of it"))
    found = await find(world, tenant, "deadline")
    assert texts(found) == ["deadline after deadline", "deadline and other things"]
    assert found.hits[0].score > found.hits[1].score


async def test_a_hit_says_where_and_when_it_was_said(world: World) -> None:
    tenant = await world.tenant("Anna")
    moment = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    said = segment("the deadline is near", start=125.4, speaker="Anna")
    item_id = await world.item(tenant.dataset_id, [said], title="Meeting", published_at=moment)
    (hit,) = (await find(world, tenant, "deadline")).hits
    assert (hit.start, hit.end, hit.speaker) == (125.4, 127.4, "Anna")
    assert (hit.item_id, hit.item_title, hit.published_at) == (item_id, "Meeting", moment)
    assert (hit.dataset_id, hit.dataset_name) == (tenant.dataset_id, "Anna's dataset")


@KINDS
async def test_only_our_marks_are_tags_in_a_highlighted_text(world: World, kind: str) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("<script>alert(1)</script> & <mark>deadline</mark>, AT&amp;T"))
    (hit,) = (await find(world, tenant, "deadline", kind=kind)).hits
    assert hit.highlighted == (
        "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;mark&gt;<mark>deadline</mark>&lt;/mark&gt;, AT&amp;amp;T"
    )
    assert hit.text == "<script>alert(1)</script> & <mark>deadline</mark>, AT&amp;T"
    (plain,) = (await find(world, tenant, "deadline", kind=kind, highlight=False)).hits
    assert plain.highlighted is None


async def test_a_query_of_stop_words_alone_finds_no_words_but_may_mean_something(world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("to be or not to be"))
    assert await find(world, tenant, "to be") == Hits(hits=(), total=0)
    (hit,) = (await find(world, tenant, "to be", kind="semantic")).hits
    assert hit.highlighted == "to be or not to be"


async def test_meaning_ranks_the_nearest_first(world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("velvet lantern meadow", "budget meeting paper", "river bridge"))
    found = await find(world, tenant, "budget meeting", kind="semantic")
    assert texts(found)[0] == "budget meeting paper"
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)
    assert found.total == 3


async def test_vectors_of_another_model_are_not_compared(world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("budget meeting"))
    async with world.database.transaction() as session:
        found = await search.find(
            session,
            account_id=tenant.account_id,
            query="budget",
            words=False,
            meaning=replace(meaning_of("budget"), model="another@1"),
            filters=Filters(),
            page=FIRST_PAGE,
            highlight=False,
        )
    assert found == Hits(hits=(), total=0)


async def test_hybrid_adds_up_the_ranks_in_both_lists(world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("meetings all day", "meeting", "velvet lantern meadow"))
    found = await find(world, tenant, "meeting", kind="hybrid")
    scores = {hit.text: hit.score for hit in found.hits}
    # By words both forms are found, the shorter segment first; by meaning the third one is somewhere, too.
    assert scores["meeting"] == pytest.approx(2 / (FUSION_K + 1))
    assert scores["meetings all day"] > 1 / (FUSION_K + 2)
    assert scores["velvet lantern meadow"] <= 1 / (FUSION_K + 2)
    assert texts(found)[:2] == ["meeting", "meetings all day"]
    assert found.total == 3


@KINDS
async def test_what_a_reader_may_not_read_is_neither_found_nor_counted(world: World, kind: str) -> None:
    mine, other, public = await world.tenant(), await world.tenant(), await world.tenant(visibility="public")
    await world.item(mine.dataset_id, talk("my secret deadline"))
    await world.item(other.dataset_id, talk("their secret deadline"))
    await world.item(public.dataset_id, talk("no secret deadline"))
    found = await find(world, mine, "secret deadline", kind=kind)
    assert sorted(texts(found)) == ["my secret deadline", "no secret deadline"]
    assert found.total == 2
    asked_for = Filters(datasets=(other.dataset_id,))
    assert await find(world, mine, "secret deadline", kind=kind, filters=asked_for) == Hits(hits=(), total=0)


async def test_every_role_in_a_library_reads(world: World) -> None:
    owner, guest = await world.tenant(), await world.tenant()
    await world.item(owner.dataset_id, talk("the deadline"))
    async with world.database.transaction() as session:
        await libraries.add_member(session, library_id=owner.library_id, account_id=guest.account_id, role="viewer")
    assert texts(await find(world, guest, "deadline")) == ["the deadline"]


@KINDS
@pytest.mark.parametrize("status", ["processing", "failed", "cancelled"])
async def test_an_item_that_is_not_published_is_not_found(world: World, kind: str, status: str) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("the deadline"), status=status)
    assert (await find(world, tenant, "deadline", kind=kind)).total == 0


@KINDS
async def test_a_transcript_that_was_replaced_is_not_found(world: World, kind: str) -> None:
    tenant = await world.tenant()
    old = await world.item(tenant.dataset_id, talk("the old deadline"))
    new = await world.item(tenant.dataset_id, talk("the new deadline"))
    async with world.database.transaction() as session:
        first, second = await items.get_item(session, old), await items.get_item(session, new)
        assert first is not None
        assert second is not None
        second.transcript_id, transcript_id = None, second.transcript_id
        await session.flush()
        first.transcript_id = transcript_id
    assert texts(await find(world, tenant, "deadline", kind=kind)) == ["the new deadline"]


@KINDS
async def test_filters_narrow_by_dataset_item_speaker_and_date(world: World, kind: str) -> None:
    tenant = await world.tenant()
    async with world.database.transaction() as session:
        second = await libraries.create_dataset(session, library_id=tenant.library_id, name="Second")
    january, march = datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
    early = await world.item(tenant.dataset_id, talk("deadline one", speaker="Anna"), published_at=january)
    await world.item(second.id, talk("deadline two", speaker="Ben"), published_at=march)

    async def narrowed(filters: Filters) -> list[str]:
        return texts(await find(world, tenant, "deadline", kind=kind, filters=filters))

    assert await narrowed(Filters(datasets=(second.id,))) == ["deadline two"]
    assert await narrowed(Filters(items=(early,))) == ["deadline one"]
    assert await narrowed(Filters(speakers=("anna", "Nobody"))) == ["deadline one"]
    assert await narrowed(Filters(published_from=march)) == ["deadline two"]
    assert await narrowed(Filters(published_before=march)) == ["deadline one"]
    assert await narrowed(Filters(items=())) == []
    assert await narrowed(Filters(datasets=(second.id,), items=(early,))) == []


@KINDS
async def test_results_are_sorted_by_date_where_asked(world: World, kind: str) -> None:
    tenant = await world.tenant()
    for month in (2, 1, 3):
        await world.item(
            tenant.dataset_id, talk(f"deadline {month}"), published_at=datetime(2026, month, 1, tzinfo=UTC)
        )
    newest_first = await find(world, tenant, "deadline", kind=kind, page=Page(limit=9, offset=0, sort="date"))
    assert texts(newest_first) == ["deadline 3", "deadline 2", "deadline 1"]
    oldest_first = await find(
        world, tenant, "deadline", kind=kind, page=Page(limit=9, offset=0, sort="date", ascending=True)
    )
    assert texts(oldest_first) == ["deadline 1", "deadline 2", "deadline 3"]


@KINDS
async def test_pages_follow_each_other_without_gap_or_repetition(world: World, kind: str) -> None:
    tenant = await world.tenant()
    for _ in range(3):
        await world.item(tenant.dataset_id, talk(*["deadline"] * 3))
    seen = []
    for offset in range(0, 12, 2):
        found = await find(world, tenant, "deadline", kind=kind, page=Page(limit=2, offset=offset))
        assert found.total == 9
        seen += [hit.segment_id for hit in found.hits]
    assert len(seen) == len(set(seen)) == 9


async def test_a_semantic_search_counts_only_the_nearest(world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk(*[f"deadline {number}" for number in range(FUSION_CANDIDATES + 20)]))
    assert (await find(world, tenant, "deadline", kind="semantic")).total == FUSION_CANDIDATES
    assert (await find(world, tenant, "deadline", kind="text")).total == FUSION_CANDIDATES + 20


async def test_indexing_again_replaces_what_was_there(world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("the old words"))
    async with world.database.transaction() as session:
        item = await items.get_item(session, item_id)
        assert item is not None
        assert item.transcript_id is not None
        await session.execute(text("UPDATE segments SET text = 'fresh sentences'"))
        await search.index_transcript(session, transcript_id=item.transcript_id)
        await search.store_embeddings(
            session, segment_ids=[1], model=ENCODER.id.label, vectors=ENCODER.encode(["fresh sentences"], "passage")
        )
    assert (await find(world, tenant, "old")).total == 0
    assert (await find(world, tenant, "fresh")).total == 1
    (hit,) = (await find(world, tenant, "fresh sentences", kind="semantic")).hits
    assert hit.score == pytest.approx(1.0, abs=0.01)


async def test_vectors_of_the_wrong_shape_are_refused(world: World) -> None:
    async with world.database.transaction() as session:
        with pytest.raises(ValueError, match=str(DIMENSIONS)):
            await search.store_embeddings(
                session, segment_ids=[1], model="m", vectors=ENCODER.encode(["a", "b"], "query")
            )


async def test_a_database_without_the_vector_extension_keeps_the_vectors_and_says_so(world: World) -> None:
    async with world.database.transaction() as session:
        assert await search.has_vectors(session)
        await session.execute(text("DROP INDEX ix_segment_embeddings_vector"))
        await session.execute(text("ALTER TABLE segment_embeddings ALTER vector TYPE real[]"))
        await session.execute(text("DROP EXTENSION vector"))
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("the deadline"))
    async with world.database.transaction() as session:
        assert not await search.has_vectors(session)
        kept = await session.scalar(text("SELECT vector FROM segment_embeddings"))
    assert kept == pytest.approx(ENCODER.encode(["the deadline"], "passage")[0].tolist())
    assert texts(await find(world, tenant, "deadline")) == ["the deadline"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200),
        st.lists(st.sampled_from(["-", '"', "(", ")", " ", " or ", "a", "b ", "!"]), max_size=150).map("".join),
        st.text(alphabet="ab \"'()&|!<>:*-\\ ORNTAD", max_size=60),
    )
)
@example("(" * 1000)
@example("a" * 1000)
@example("漢" * 1000)
@example("ﷺ" * 1000)
@example("-" * 1000)
@example('"' * 999)
@example("a OR " * 200)
async def test_no_query_is_an_error(world: World, query: str) -> None:
    reader = Tenant(account_id=1, key="", library_id=1, dataset_id=1)
    assert await find(world, reader, query) == Hits(hits=(), total=0)
