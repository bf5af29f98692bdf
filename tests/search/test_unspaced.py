"""Words of scripts that put no blanks between them, in texts, titles and queries."""

import pytest
from sqlalchemy import text

from echoic.db.search.lexemes import lexeme_at
from echoic.db.search.reindex import reindex
from echoic.text.words import words
from tests.factories import World, talk
from tests.search.conftest import Find, texts

SAID = {
    "meeting": "今日は新しい会議室でプロジェクトの予算について話しました。",
    "film": "昨日は友達と映画を見に行って、とても楽しかったです。",
    "ramen": "駅の近くに美味しいラーメン屋があります。",
    "review": "明天下午三点开项目评审会议讨论排期。",
    "thai": "อยากให้ช่วยดูแผนงานการประชุมวันพรุ่งนี้",
    "khmer": "ខ្ញុំទៅផ្សារនៅភ្នំពេញ",
    "lao": "ຂ້ອຍຮຽນພາສາລາວທຸກມື້",
    "burmese": "ကျွန်တော်မြန်မာစကားပြောတတ်တယ်",
    "korean": "내일 회의에서 예산을 논의합니다",
    "mixed": "明日のiPhone15の発表をYouTubeで見る。",
    "english": "The meeting about the budget is tomorrow.",
}

FOUND: list[tuple[str, list[str]]] = [
    ("会議", ["meeting"]),
    ("予算", ["meeting"]),
    ("映画", ["film"]),
    ("友達", ["film"]),
    ("ラーメン", ["ramen"]),
    ("ﾗｰﾒﾝ", ["ramen"]),
    ("评审", ["review"]),
    ("会议", ["review"]),
    ("ประชุม", ["thai"]),
    ("ផ្សារ", ["khmer"]),
    ("ພາສາ", ["lao"]),
    ("မြန်မာ", ["burmese"]),
    ("회의", ["korean"]),
    ("会議室", ["meeting"]),
    ("議会", []),
    ("室会", []),
    ("会", ["meeting", "review"]),
    ("室", ["meeting"]),
    ("会議 予算", ["meeting"]),
    ("会議 映画", []),
    ("会議 OR 映画", ["film", "meeting"]),
    ("会 -室", ["review"]),
    ("の -会議 -駅", ["mixed"]),
    ('"会議室で"', ["meeting"]),
    ('"会議で"', []),
    ("会議*", ["meeting"]),
    ("会*", ["meeting", "review"]),
    ("プロジェ*", ["meeting"]),
    ("iphone15", ["mixed"]),
    ("iPhone15の発表", ["mixed"]),
    ('"の youtube"', []),
    ('"を youtube"', ["mixed"]),
    ("発表 YouTube", ["mixed"]),
    ("budget", ["english"]),
]


@pytest.mark.parametrize("language", ["ja", "en"])
async def test_words_are_found_where_no_blanks_part_them(find: Find, world: World, language: str) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk(*SAID.values()), language=language)
    names = {sentence: name for name, sentence in SAID.items()}
    found = {query: sorted(names[hit] for hit in texts(await find(tenant, query))) for query, _ in FOUND}
    assert found == dict(FOUND)


@pytest.mark.parametrize("query", ["会議", "予算", "映画", "ラーメン", "评审", "ประชุม", "회의"])
async def test_by_default_the_sentence_with_the_word_comes_first(find: Find, world: World, query: str) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk(*SAID.values()), language="ja")
    assert query in texts(await find(tenant, query, kind="hybrid"))[0]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("会議", "今日は新しい<mark>会議</mark>室でプロジェクトの予算について話しました。"),
        ("会議 予算", "今日は新しい<mark>会議</mark>室でプロジェクトの<mark>予算</mark>について話しました。"),
        ("室", "今日は新しい会議<mark>室</mark>でプロジェクトの予算について話しました。"),
        ("会議室で*", "今日は新しい<mark>会議室で</mark>プロジェクトの予算について話しました。"),
        ("ประชุม", "อยากให้ช่วยดูแผนงานการ<mark>ประชุม</mark>วันพรุ่งนี้"),
        ("iphone15の発表", "明日の<mark>iPhone15の発表</mark>をYouTubeで見る。"),
    ],
)
async def test_the_word_is_marked_and_nothing_else(find: Find, world: World, query: str, shown: str) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk(*SAID.values()), language="ja")
    assert [hit.highlighted for hit in (await find(tenant, query)).hits] == [shown]


async def test_a_word_is_found_in_titles_and_descriptions(find: Find, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("hello"), title="会議の録音", description="การประชุมประจำเดือน")
    (hit,) = (await find(tenant, "録音")).hits
    assert (hit.field, hit.highlighted) == ("title", "会議の<mark>録音</mark>")
    (hit,) = (await find(tenant, "ประชุม")).hits
    assert (hit.field, hit.highlighted) == ("description", "การ<mark>ประชุม</mark>ประจำเดือน")


async def test_a_word_is_found_across_the_end_of_a_segment(find: Find, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("次の会", "議は明日です"), language="ja")
    found = await find(tenant, "会議は明日")
    assert [hit.highlighted for hit in found.hits] == ["次の<mark>会</mark>"]
    assert texts(await find(tenant, "明日")) == ["議は明日です"]


async def test_entries_of_the_version_before_are_made_again(find_in_postgres: Find, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("新しい会議室で", "the river thames"), language="ja")
    async with world.database.transaction() as session:
        await session.execute(
            text(
                "UPDATE search_entries SET schema_version = 2, vector = "
                "CAST(quote_literal(segments.text) || '\\:1 ' || quote_literal('~' || segments.text) || '\\:1' AS tsvector) "
                "FROM segments WHERE segments.id = segment_id"
            )
        )
    assert texts(await find_in_postgres(tenant, "会議")) == []
    assert await reindex(world.database) == 1
    assert texts(await find_in_postgres(tenant, "会議")) == ["新しい会議室で"]


def test_a_character_is_indexed_together_with_the_next_one() -> None:
    spoken = words("iPhoneの発表 done")
    assert [lexeme_at(spoken, place) for place in range(len(spoken))] == ["iphone", "の発", "発表", "表", "done"]
