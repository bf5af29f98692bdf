"""Names of files, by every way in: what one way takes, the others take, and the item is called the same."""

import json

import httpx
import pytest

from echoic.compose import Components
from echoic.db.items import items
from echoic.intake.fields import parse_url_request
from tests.api.tus import AUDIO, Tus
from tests.factories import World

TAKEN = (
    "Recording 2024-05-01 at 3.15.10\u202fPM.flac",
    "Entretien\u00a0: Paul.flac",
    "会議\u30002024年.flac",
    "می\u200cخواهم.flac",
    "Team \U0001f468\u200d\U0001f469\u200d\U0001f467.flac",
    "\u202eright to left\u202c.flac",
    "soft\u00adhyphen\ufeff.flac",
)
REFUSED = ("bell\x07.flac", "tab\t.flac", "next\u0085line.flac", "x" * 1000 + ".flac")


async def _by_form(client: httpx.AsyncClient, tus: Tus, name: str) -> httpx.Response:
    head = f'--b\r\nContent-Disposition: form-data; name="audio"; filename="{name}"\r\n\r\n'.encode()
    return await client.post(
        f"/api/datasets/{tus.tenant.dataset_id}/items",
        headers={**tus.tenant.headers, "Content-Type": "multipart/form-data; boundary=b"},
        content=head + AUDIO + b"\r\n--b--\r\n",
    )


@pytest.mark.parametrize("name", TAKEN)
async def test_a_name_is_taken_by_every_way_and_gives_the_same_title(
    client: httpx.AsyncClient, world: World, components: Components, name: str
) -> None:
    tus = Tus(client, await world.tenant())
    formed = (await _by_form(client, tus, name)).json()["item_id"]
    resumed = int((await tus.patch(await tus.begin(filename=name), 0, AUDIO)).headers["Item-Id"])
    url = parse_url_request(json.dumps({"audio_url": f"https://files.example.com/{name}"}).encode())
    async with components.database.transaction() as session:
        found = [await items.get_item(session, item_id) for item_id in (formed, resumed)]
    assert [item and (item.original_filename, item.title) for item in found] == [(name, name.removesuffix(".flac"))] * 2
    assert (url.metadata.file_name, url.metadata.default_title) == (name, name)


@pytest.mark.parametrize("name", REFUSED)
async def test_what_one_way_refuses_the_others_refuse(client: httpx.AsyncClient, world: World, name: str) -> None:
    tus = Tus(client, await world.tenant())
    formed = await _by_form(client, tus, name)
    resumed = await tus.create(filename=name)
    assert (formed.status_code, resumed.status_code) == (400, 400)
    assert resumed.json()["code"] == "field_invalid"
