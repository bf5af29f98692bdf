"""What a search finds, in which order, and what it must never show."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from echoic.db.catalog import libraries
from echoic.db.items import items
from echoic.db.runs import runs
from echoic.db.search import index_write
from echoic.db.search.lexemes import DICTIONARIES
from echoic.db.transcripts import entities, transcripts
from echoic.db.transcripts.entities import FoundMention
from echoic.records import Transcription
from echoic.search.question import Filters, Order
from echoic.search.ranking import FUSED, FUSION_K, MAX_NEAREST, WORDS_WEIGHT
from tests.factories import ENGINE, World, segment, talk
from tests.search.conftest import ENCODER, Find, texts

KINDS = pytest.mark.parametrize("kind", ["text", "semantic", "semantic, by the index", "hybrid"])


async def test_words_are_found_in_their_other_forms_in_every_language(find: Find, world: World) -> None:
    tenant = await world.tenant()
    said = {
        "de": ("Die Häuser wurden verkauft.", "Haus"),
        "fr": ("Les chevaux étaient là.", "cheval"),
        "es": ("Las canciones españolas.", "cancion"),
        "ru": ("Мы читали новые книги", "книга"),
        "xx": ("Iqbal kept quiet", "quiet"),
    }
    for language, (sentence, _) in said.items():
        await world.item(tenant.dataset_id, talk(sentence), language=language)
    for sentence, query in said.values():
        assert texts(await find(tenant, query)) == [sentence]
    # Stop words of one language do not stand in the way in another.
    assert texts(await find(tenant, "die Häuser")) == ["Die Häuser wurden verkauft."]


@pytest.mark.parametrize("slip", ["Thorntn", "Thronton", "Thorntton", "Thorbton"])
async def test_a_word_with_one_slip_is_found_and_the_right_one_named(find: Find, world: World, slip: str) -> None:
    tenant, other = await world.tenant(), await world.tenant()
    await world.item(tenant.dataset_id, talk("Mr. Thornton came late", "nothing else"))
    await world.item(other.dataset_id, talk("Thorntons and Thorntn are ours alone"))
    found = await find(tenant, f"{slip} late")
    assert texts(found) == ["Mr. Thornton came late"]
    assert found.corrections == {slip.lower(): ("thornton",)}
    assert found.hits[0].highlighted == "Mr. <mark>Thornton</mark> came <mark>late</mark>"
    assert texts(await find(tenant, f'"{slip}"')) == texts(await find(tenant, f"{slip[:-3]}zzn")) == []


async def test_words_as_they_are_written_come_before_words_like_them(find: Find, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("a marsh", "a march march march", "another marsh"))
    found = await find(tenant, "marsh")
    assert texts(found) == ["a marsh", "another marsh", "a march march march"]


async def test_a_phrase_is_found_across_the_end_of_a_segment(find: Find, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("we came to the river", "Thames", "in the early morning of May"))
    found = await find(tenant, '"river thames in the early"')
    assert texts(found) == ["we came to the river"]
    assert found.hits[0].highlighted == "we came to the <mark>river</mark>"
    # What is said in the next segment alone is not found in this one.
    assert texts(await find(tenant, '"early morning"')) == ["in the early morning of May"]
    assert texts(await find(tenant, "earl*")) == ["in the early morning of May"]
    assert texts(await find(tenant, "early")) == ["in the early morning of May"]
    assert texts(await find(tenant, "river -morning")) == ["we came to the river"]


async def test_titles_and_descriptions_are_found_and_shown(find: Find, world: World) -> None:
    tenant = await world.tenant()
    long = "word " * 100 + "the Budget <b> is here " + "word " * 100
    item_id = await world.item(
        tenant.dataset_id, talk("numbers and more numbers"), title="Quarterly meeting", description=long
    )
    (hit,) = (await find(tenant, "quarterly meetings")).hits
    assert (hit.item_id, hit.field, hit.text, hit.segment_id) == (item_id, "title", "Quarterly meeting", None)
    assert hit.highlighted == "<mark>Quarterly</mark> <mark>meeting</mark>"
    (hit,) = (await find(tenant, "budget")).hits
    assert (hit.field, hit.text) == ("description", long)
    assert "the <mark>Budget</mark> &lt;b&gt; is" in (hit.highlighted or "")
    assert len(hit.highlighted or "") < 300
    (hit,) = (await find(tenant, "numbers OR quarterly")).hits[:1]
    assert [snippet.field for snippet in hit.snippets] == ["transcription", "title"]


async def test_a_language_whose_stemmer_the_server_lacks_is_found_word_by_word_and_shown(
    find_in_postgres: Find, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DICTIONARIES, "et", "stem_of_a_newer_server")
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("Tere hommikust"), title="Uudised", language="et")
    (said,) = (await find_in_postgres(tenant, "hommikust")).hits
    assert said.highlighted == "Tere <mark>hommikust</mark>"
    (titled,) = (await find_in_postgres(tenant, "uudised")).hits
    assert titled.highlighted == "<mark>Uudised</mark>"


async def test_a_word_longer_than_a_snippet_is_shown_as_far_as_it_goes(find: Find, world: World) -> None:
    tenant = await world.tenant()
    endless = "b" * 300
    description = "before " * 40 + endless
    await world.item(tenant.dataset_id, talk("one"), description=description)
    (hit,) = (await find(tenant, endless)).hits
    shown = (hit.highlighted or "").removeprefix("…").removesuffix("…")
    assert "<mark>bbb" in shown
    assert shown.replace("<mark>", "").replace("</mark>", "") in description


async def test_a_new_title_is_found_and_the_old_one_no_longer(find: Find, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("words"), title="First")
    async with world.database.transaction() as session:
        item = await items.get_item(session, item_id)
        assert item is not None
        item.title = "Second"
        await index_write.index_title(session, item=item)
    assert texts(await find(tenant, "second")) == ["Second"]
    assert texts(await find(tenant, "first")) == []


async def test_more_of_the_words_searched_for_ranks_higher(find: Find, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("deadline and other things", "deadline after deadline", "nothing of it"))
    found = await find(tenant, "deadline")
    assert texts(found) == ["deadline after deadline", "deadline and other things"]
    assert found.hits[0].score > found.hits[1].score


async def test_of_equal_matches_the_newest_item_comes_first_and_in_it_what_was_said_first(
    find: Find, world: World
) -> None:
    tenant = await world.tenant()
    for name in ("old", "new"):
        await world.item(tenant.dataset_id, talk(f"{name} deadline one", f"{name} deadline two"))
    assert texts(await find(tenant, "deadline")) == [
        "new deadline one",
        "new deadline two",
        "old deadline one",
        "old deadline two",
    ]


@KINDS
async def test_only_our_marks_are_tags_in_a_highlighted_text(find: Find, world: World, kind: str) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("<script>alert(1)</script> & <mark>deadline</mark>, AT&amp;T"))
    query = "deadline OR script" if kind == "text" else "deadline alert 1 mark mark script"
    (hit,) = (await find(tenant, query, kind=kind)).hits
    shown = hit.highlighted or ""
    plain = shown.replace("<mark>", "").replace("</mark>", "")
    assert "<" not in plain
    assert plain == ("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;mark&gt;deadline&lt;/mark&gt;, AT&amp;amp;T")
    assert "<mark>deadline</mark>" in shown or kind.startswith("semantic")
    (plainer,) = (await find(tenant, query, kind=kind, highlight=False)).hits
    assert (plainer.highlighted, plainer.snippets) == (None, ())


async def test_meaning_ranks_the_nearest_first_and_leaves_out_what_is_far(find: Find, world: World) -> None:
    tenant = await world.tenant()
    far = "velvet lantern meadow winter silver simple copper corner danger castle candle bridge valley rabbit"
    await world.item(tenant.dataset_id, talk(far, "budget meeting paper", "budget river bridge"))
    found = await find(tenant, "budget meeting", kind="semantic")
    assert texts(found) == ["budget meeting paper", "budget river bridge"]
    assert found.total == 2


async def test_vectors_of_another_model_are_not_compared(find: Find, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("budget meeting"))
    assert (await find(tenant, "budget", kind="semantic", model="another@1")).total == 0


async def test_hybrid_adds_up_the_ranks_in_both_lists_and_begins_with_the_words(find: Find, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("meeting", "meetings all day", "velvet"))
    found = await find(tenant, "meeting", kind="hybrid")
    scores = {hit.text: hit.score for hit in found.hits}
    assert scores["meeting"] == pytest.approx((WORDS_WEIGHT + 1) / (FUSION_K + 1))
    assert scores["meetings all day"] > WORDS_WEIGHT / (FUSION_K + 2)
    assert texts(found)[:2] == ["meeting", "meetings all day"]
    assert WORDS_WEIGHT / (FUSION_K + FUSED) > 1 / (FUSION_K + 1)


async def test_hybrid_shows_what_holds_the_words_before_what_is_only_near_them(find: Find, world: World) -> None:
    tenant = await world.tenant()
    near = ["budget meeting paper", "budget meeting river", "meeting paper"]
    await world.item(tenant.dataset_id, talk("velvet lantern budget meadow winter silver copper meeting deadline"))
    await world.item(tenant.dataset_id, talk(*near))
    found = texts(await find(tenant, "budget meeting deadline", kind="hybrid"))
    assert found[0].startswith("velvet")
    assert set(found[1:]) == set(near)


@KINDS
async def test_what_a_reader_may_not_read_is_neither_found_nor_counted(find: Find, world: World, kind: str) -> None:
    mine, other, public = await world.tenant(), await world.tenant(), await world.tenant(visibility="public")
    for tenant, sentence in ((mine, "my secret deadline"), (other, "their secret deadline"), (public, "no secret")):
        await world.item(tenant.dataset_id, talk(sentence, speaker=f"Speaker of {sentence}"), title=sentence)
    found = await find(mine, "secret OR deadline", kind=kind, facets=True)
    assert set(texts(found)) == {"my secret deadline", "no secret"}
    assert found.total == len(found.hits)
    assert found.facets is not None
    assert {bucket.label for bucket in found.facets.speakers} <= {
        "Speaker of my secret deadline",
        "Speaker of no secret",
    }
    assert {bucket.value for bucket in found.facets.datasets} == {str(mine.dataset_id), str(public.dataset_id)}
    nothing = await find(mine, "secret", kind=kind, filters=Filters(datasets=(other.dataset_id,)), facets=True)
    assert (nothing.hits, nothing.total) == ((), 0)


async def test_every_role_in_a_library_reads(find: Find, world: World) -> None:
    owner, guest = await world.tenant(), await world.tenant()
    await world.item(owner.dataset_id, talk("the deadline"))
    assert texts(await find(guest, "deadline")) == []
    async with world.database.transaction() as session:
        await libraries.add_member(session, library_id=owner.library_id, account_id=guest.account_id, role="viewer")
    assert texts(await find(guest, "deadline")) == ["the deadline"]


@KINDS
@pytest.mark.parametrize("status", ["processing", "failed", "cancelled"])
async def test_an_item_that_is_not_published_is_not_found(find: Find, world: World, kind: str, status: str) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("the deadline"), status=status, title="The deadline")
    assert (await find(tenant, "deadline", kind=kind)).total == 0


@KINDS
async def test_a_new_transcript_is_found_once_it_is_the_items_and_the_old_one_no_longer(
    find: Find, world: World, kind: str
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("the old deadline"))
    async with world.database.transaction() as session:
        run = await runs.create_run(session, item_id=item_id, stage="decode", priority=100, options={})
        heard = Transcription(segments=tuple(talk("the new deadline")), language="en", language_probability=1.0)
        new = await transcripts.create_transcript(
            session, item_id=item_id, run_id=run.id, transcription=heard, engine=ENGINE
        )
        await index_write.index_transcript(session, transcript_id=new.id)
        (row,) = await transcripts.list_segments(session, new.id)
        await index_write.store_embeddings(
            session, segment_ids=[row.id], model=ENCODER.id.label, vectors=ENCODER.encode([row.text], "passage")
        )
    assert texts(await find(tenant, "deadline", kind=kind)) == ["the old deadline"]
    async with world.database.transaction() as session:
        item = await items.get_item(session, item_id)
        assert item is not None
        item.transcript_id = new.id
    assert texts(await find(tenant, "deadline", kind=kind)) == ["the new deadline"]


async def test_what_was_corrected_is_found_at_once(find: Find, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("the old words"))
    async with world.database.transaction() as session:
        item = await items.get_item(session, item_id)
        assert item is not None
        assert item.transcript_id is not None
        (row,) = await transcripts.list_segments(session, item.transcript_id)
        row.text = "fresh sentences"
        await session.flush()
        await index_write.index_transcript(session, transcript_id=item.transcript_id)
        vectors = ENCODER.encode(["fresh sentences"], "passage")
        await index_write.store_embeddings(session, segment_ids=[row.id], model=ENCODER.id.label, vectors=vectors)
    assert (await find(tenant, "old")).total == 0
    assert (await find(tenant, "fresh")).total == 1
    (hit,) = (await find(tenant, "fresh sentences", kind="semantic")).hits
    assert hit.score == pytest.approx(1.0, abs=0.01)


@KINDS
async def test_filters_narrow_the_results(find: Find, world: World, kind: str) -> None:
    tenant, other = await world.tenant(), await world.tenant(visibility="public")
    january, march = datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
    anna = [segment("deadline one", speaker="Anna", confidence=0.9)]
    ben = [segment("deadline two", speaker="Ben", confidence=0.4)]
    early = await world.item(tenant.dataset_id, anna, published_at=january)
    late = await world.item(other.dataset_id, ben, published_at=march, language="de", source_type="podcast_episode")
    async with world.database.transaction() as session:
        item = await items.get_item(session, early)
        assert item is not None
        assert item.transcript_id is not None
        (row,) = await transcripts.list_segments(session, item.transcript_id)
        mention = FoundMention(
            type="person", name="Ada Lovelace", segment_id=row.id, start=0, end=1, text="Ada", confidence=None
        )
        await entities.replace_entities(session, item_id=early, transcript_id=item.transcript_id, found=[mention])
        known = await session.scalar(
            text("INSERT INTO speakers (library_id, name) VALUES (:library, 'Anna Bell') RETURNING id"),
            {"library": tenant.library_id},
        )
        await session.execute(
            text(
                "INSERT INTO item_speakers (item_id, transcript_id, label, speaker_id, how) "
                "VALUES (:item, :transcript, 'Anna', :speaker, 'by_hand')"
            ),
            {"item": early, "transcript": item.transcript_id, "speaker": known},
        )
        slug = await session.scalar(text("SELECT slug FROM libraries WHERE id = :id"), {"id": other.library_id})
    (entity,) = await entities.list_entities(world.database, early)

    async def narrowed(**filters: object) -> list[str]:
        return sorted(texts(await find(tenant, "deadline", kind=kind, filters=Filters(**filters))))  # type: ignore[arg-type]

    one, two = ["deadline one"], ["deadline two"]
    assert await narrowed() == one + two
    assert await narrowed(datasets=(other.dataset_id,)) == two
    assert await narrowed(libraries=(slug,)) == two
    assert await narrowed(items=(early,)) == one
    assert await narrowed(source_types=("podcast_episode", "radio")) == two
    assert await narrowed(languages=("de",)) == two
    assert await narrowed(speakers=("anna", "Nobody")) == one
    assert await narrowed(speakers=("Anna BELL",)) == one
    assert await narrowed(speaker_ids=(known,)) == one
    assert await narrowed(speaker_ids=(known + 1,)) == []
    assert await narrowed(entities=("ADA lovelace",)) == one
    assert await narrowed(entity_ids=(entity.id,)) == one
    assert await narrowed(min_confidence=0.9) == one
    assert await narrowed(published_from=march) == two
    assert await narrowed(published_before=march) == one
    assert await narrowed(items=()) == []
    assert await narrowed(speakers=()) == []
    assert await narrowed(datasets=(other.dataset_id,), items=(early,)) == []
    assert await narrowed(datasets=(tenant.dataset_id, other.dataset_id), items=(early, late)) == one + two


@KINDS
async def test_results_are_sorted_by_date_where_asked(find: Find, world: World, kind: str) -> None:
    tenant = await world.tenant()
    for month in (2, 1, 3):
        await world.item(
            tenant.dataset_id, talk(f"deadline {month}"), published_at=datetime(2026, month, 1, tzinfo=UTC)
        )
    newest = await find(tenant, "deadline", kind=kind, order=Order(sort="date"))
    assert texts(newest) == ["deadline 3", "deadline 2", "deadline 1"]
    oldest = await find(tenant, "deadline", kind=kind, order=Order(sort="date", ascending=True))
    assert texts(oldest) == ["deadline 1", "deadline 2", "deadline 3"]


@KINDS
async def test_pages_follow_each_other_without_gap_or_repetition(find: Find, world: World, kind: str) -> None:
    tenant = await world.tenant()
    for _ in range(3):
        await world.item(tenant.dataset_id, talk(*["deadline"] * 3))
    seen = []
    for offset in range(0, 12, 2):
        found = await find(tenant, "deadline", kind=kind, limit=2, offset=offset)
        assert found.total == 9
        seen += [hit.segment_id for hit in found.hits]
    assert len(seen) == len(set(seen)) == 9


async def test_a_semantic_search_counts_only_the_nearest(find: Find, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk(*[f"deadline {number}" for number in range(MAX_NEAREST + 20)]))
    assert (await find(tenant, "deadline", kind="semantic")).total == MAX_NEAREST
    assert (await find(tenant, "deadline", kind="text")).total == MAX_NEAREST + 20
    hybrid = await find(tenant, "deadline", kind="hybrid")
    assert not hybrid.exact


async def test_what_was_said_around_a_hit_is_shown(find: Find, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("one", "two", "three", "four deadline", "five", speaker="Anna"))
    (hit,) = (await find(tenant, "deadline", context_segments=2)).hits
    assert [said.text for said in hit.before] == ["two", "three"]
    assert [(said.text, said.start, said.speaker) for said in hit.after] == [("five", 40.0, "Anna")]


async def test_facets_count_all_results_of_the_search_not_only_the_page(find: Find, world: World) -> None:
    tenant = await world.tenant("Anna")
    for month, speaker in ((1, "Anna"), (1, "Anna"), (2, "Ben")):
        moment = datetime(2026, month, 1, tzinfo=UTC)
        await world.item(tenant.dataset_id, talk("deadline", "other", speaker=speaker), published_at=moment)
    found = await find(tenant, "deadline", limit=1, facets=True)
    assert found.facets is not None
    assert [(bucket.label, bucket.count) for bucket in found.facets.speakers] == [("Anna", 2), ("Ben", 1)]
    assert [(bucket.label, bucket.count) for bucket in found.facets.datasets] == [("Anna's dataset", 3)]
    assert [(bucket.value, bucket.count) for bucket in found.facets.months] == [("2026-01", 2), ("2026-02", 1)]
    (library,) = found.facets.libraries
    assert (library.value, library.count) == (found.hits[0].item.library_slug, 3)
    assert [(bucket.value, bucket.count) for bucket in found.facets.languages] == [("en", 3)]
    assert found.facets.exact


async def test_an_empty_index_finds_nothing(find: Find, world: World) -> None:
    tenant = await world.tenant()
    for kind in ("text", "semantic", "hybrid"):
        assert (await find(tenant, "anything (at OR all) -here", kind=kind)).hits == ()
