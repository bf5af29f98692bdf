"""Who speaks when, as RTTM: by the diarizer or by the words, in both as people corrected it."""

import io
import zipfile

import httpx
import pytest

from echoic.compose import Components
from echoic.db.items.items import get_item
from echoic.db.speakers import diarizations
from echoic.records import Diarization, EngineId, SpeakerTurn
from tests.api.people import ANNA, BERT, A, Asking, B, heard_item
from tests.api.talk import Talk
from tests.factories import World, segment

ENGINE = EngineId(name="fake", model="pitch", version="1")
HEARD = ((A, 0.0, 8.0), (B, 3.0, 4.0), (B, 9.0, 14.0))

Row = tuple[str, float, float]


@pytest.fixture
async def said(ask: Asking, world: World, components: Components) -> Talk:
    """A speaks twice; B says something at the same time, without words, and then a sentence."""
    segments = [
        segment("good morning", start=1.0, speaker=A),
        segment("how are you", start=5.0, speaker=A),
        segment("fine", start=10.0, speaker=B),
    ]
    item_id = await heard_item(world, components, ask.tenant, segments, ANNA, BERT)
    turns = tuple(SpeakerTurn(speaker=label, start=start, end=end) for label, start, end in HEARD)
    async with components.database.transaction() as session:
        item = await get_item(session, item_id)
        assert item is not None
        assert item.transcript_id is not None
        heard = Diarization(turns=turns, exclusive=(), speakers=(A, B))
        await diarizations.store_diarization(
            session, transcript_id=item.transcript_id, diarization=heard, engine=ENGINE
        )
    return Talk(ask.client, ask.tenant, item_id)


async def written(said: Talk, query: str = "") -> str:
    answer = await said.client.get(f"{said.path}?format=rttm{query}", headers=said.tenant.headers)
    assert answer.status_code == 200, answer.text
    return answer.text


async def turns(said: Talk, query: str = "") -> list[Row]:
    rows = [line.split() for line in (await written(said, query)).splitlines()]
    return [(row[7], float(row[3]), round(float(row[3]) + float(row[4]), 3)) for row in rows if row[0] == "SPEAKER"]


async def test_turns_are_the_diarizers_unless_those_of_words_are_asked_for(said: Talk) -> None:
    assert await turns(said) == await turns(said, "&turns=speech") == list(HEARD)
    assert await turns(said, "&turns=words") == [(A, 1.0, 2.0), (A, 5.0, 6.5), (B, 10.0, 10.5)]
    assert ";;" not in await written(said) + await written(said, "&turns=words")


async def test_speakers_named_and_corrected_by_people_are_in_both(ask: Asking, said: Talk) -> None:
    await ask.name(said.item_id, A, "Anna Lee")
    await said.change_one(1, speaker="Carl")
    assert await turns(said) == [("Anna_Lee", 0.0, 3.5), (B, 3.0, 4.0), ("Carl", 3.5, 8.0), (B, 9.0, 14.0)]
    assert [who for who, _, _ in await turns(said, "&turns=words")] == ["Anna_Lee", "Carl", B]
    assert await turns(said, "&version=0") == list(HEARD)
    assert await turns(said, "&version=1") == [("Anna_Lee", 0.0, 8.0), (B, 3.0, 4.0), (B, 9.0, 14.0)]
    await ask("POST", f"/api/items/{said.item_id}/speakers/{B}/merge", json={"into": "Carl"})
    assert await turns(said) == [("Anna_Lee", 0.0, 3.5), ("Carl", 3.0, 8.0), ("Carl", 9.0, 14.0)]
    await said.post("versions/0/restore")
    assert await turns(said) == list(HEARD)


async def test_a_part_is_taken_by_speaker_and_time(ask: Asking, said: Talk) -> None:
    await ask.name(said.item_id, A, "Anna")
    assert await turns(said, "&speaker=anna") == [("Anna", 0.0, 8.0)]
    assert await turns(said, "&start=8.5") == [(B, 9.0, 14.0)]
    assert await turns(said, "&end=3.5") == [("Anna", 0.0, 8.0), (B, 3.0, 4.0)]


async def test_where_there_are_no_turns_of_the_diarizer_the_words_make_them_and_it_is_said(
    ask: Asking, world: World, components: Components, said: Talk
) -> None:
    other = await heard_item(world, components, ask.tenant, [segment("good morning", start=1.0, speaker=A)], ANNA)
    text = await written(Talk(ask.client, ask.tenant, other))
    assert text.startswith(";; These turns are made of the words")
    assert f" 1.000 1.000 <NA> <NA> {A} " in text
    page = await written(said, "&offset=2&limit=1")
    assert page.startswith(";; These turns are made of the words")
    assert " 10.000 0.500 " in page


async def test_the_export_of_a_dataset_has_the_same_files(ask: Asking, said: Talk) -> None:
    for query in ("", "&turns=words"):
        path = f"/api/datasets/{ask.tenant.dataset_id}/export?format=rttm{query}"
        answer = await ask.client.get(path, headers=ask.tenant.headers)
        assert (await written(said, query)).encode() in unpacked(answer)


async def test_other_formats_have_no_such_option(said: Talk) -> None:
    answer = await said.client.get(f"{said.path}?format=txt&turns=words", headers=said.tenant.headers)
    assert answer.status_code == 400
    assert answer.json()["message"] == "turns: is no option of txt; the formats that have it are rttm."


def unpacked(answer: httpx.Response) -> list[bytes]:
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    return [archive.read(name) for name in archive.namelist()]
