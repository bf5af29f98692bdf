"""What downloads are called."""

import httpx
import pytest

from echoic.api.downloads import MAX_STEM_BYTES, disposition, file_name
from tests.factories import World, segment


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Board meeting", "Board meeting.srt"),
        ("会議の録音", "会議の録音.srt"),
        ("Café “so” ½", "Café “so” ½.srt"),
        ("Cafe\u0301", "Café.srt"),
        ("a/b\\c: d? <e> |f*", "a_b_c_ d_ _e_ _f_.srt"),
        ("../../etc/passwd", "_.._etc_passwd.srt"),
        (".hidden", "hidden.srt"),
        ("ends with dots...", "ends with dots.srt"),
        ("line\nbreak\ttab\x00", "line break tab.srt"),
        ("CON", "_CON.srt"),
        ("nul.txt", "_nul.txt.srt"),
        ("talk.srt", "talk.srt"),
        ("\u202egpj.exe\u202c", "gpj.exe.srt"),
        ("می\u200cخواهم", "می\u200cخواهم.srt"),
        ("...", "item-3.srt"),
        ("\u2028", "item-3.srt"),
        ("é" * 300, "é" * (MAX_STEM_BYTES // 2) + ".srt"),
    ],
)
def test_a_title_becomes_a_name_that_every_file_system_takes(title: str, name: str) -> None:
    assert file_name(title, "srt", otherwise="item-3") == name


@pytest.mark.parametrize(
    ("title", "header"),
    [
        ("Talk", "inline; filename=\"Talk.srt\"; filename*=UTF-8''Talk.srt"),
        ("会議", "inline; filename=\"item-3.srt\"; filename*=UTF-8''%E4%BC%9A%E8%AD%B0.srt"),
        ("50% off", "inline; filename=\"item-3.srt\"; filename*=UTF-8''50%25%20off.srt"),
        ('a"; x="b', "inline; filename=\"a_; x=_b.srt\"; filename*=UTF-8''a_%3B%20x%3D_b.srt"),
    ],
)
def test_the_header_says_it_to_old_clients_and_new_ones(title: str, header: str) -> None:
    assert disposition(title, "srt", otherwise="item-3") == header


async def test_transcripts_are_downloaded_under_the_title_of_their_item(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, [segment("Good morning.")], title="Über die Brücke")
    for query, name in (
        ("srt", "%C3%9Cber%20die%20Br%C3%BCcke.srt"),
        ("srt&format=vtt", "%C3%9Cber%20die%20Br%C3%BCcke.zip"),
    ):
        answer = await client.get(f"/api/items/{item_id}/transcript?format={query}", headers=tenant.headers)
        assert answer.headers["content-disposition"].endswith(f"filename*=UTF-8''{name}")
