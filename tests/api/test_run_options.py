"""What can be asked of the work: by an upload, by a dataset for all of its own, and for work taken up again."""

import json
from base64 import b64encode
from typing import Any

import httpx
import pytest

from echoic.api.upload_bodies import UPLOAD_FORM
from echoic.compose import Components
from echoic.db.runs import runs
from echoic.errors import FieldInvalid, FieldTypeInvalid
from echoic.intake.fields import form_metadata, parse_url_request
from echoic.intake.run_options import LANGUAGES
from tests.api.tus import Tus
from tests.api.uploading import form, post
from tests.factories import World, talk


async def options_of(components: Components, item_id: int) -> dict[str, Any]:
    async with components.database.transaction() as session:
        run = await runs.newest_run(session, item_id)
        assert run is not None
        return run.options


async def test_what_an_upload_says_is_asked_of_its_run(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    answer = await post(client, tenant, **form(min_speakers="2", max_speakers=" 4 ", num_speakers=""))
    assert answer.status_code == 200, answer.text
    assert await options_of(components, answer.json()["item_id"]) == {"min_speakers": 2, "max_speakers": 4}


async def test_a_form_may_hold_every_field_there_is(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    documented = set(UPLOAD_FORM["properties"]) - {"audio"}
    said = {"title": "T", "description": "D", "language": "en", "tier": "fast", "engine": "fake", "model": "only"}
    answer = await post(client, tenant, **form() | {"data": dict.fromkeys(documented, "") | said})
    assert answer.status_code == 200, answer.text
    asked = {name: said[name] for name in ("language", "tier", "engine", "model")}
    assert await options_of(components, answer.json()["item_id"]) == asked


async def test_a_stored_upload_keeps_what_it_said_until_it_is_transcribed(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant(auto_transcribe=False)
    first, second = [(await post(client, tenant, **form(num_speakers="3"))).json()["item_id"] for _ in range(2)]
    await client.post(f"/api/items/{first}/transcribe", headers=tenant.headers)
    assert await options_of(components, first) == {"num_speakers": 3}
    answer = await client.post(f"/api/items/{second}/transcribe", headers=tenant.headers, json={"max_speakers": 2})
    assert answer.status_code == 200, answer.text
    said = await options_of(components, second)
    assert {name: number for name, number in said.items() if number} == {"max_speakers": 2}


async def test_work_taken_up_again_may_be_told_otherwise(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, status="failed")
    url = f"/api/items/{item_id}/transcribe"
    refused = await client.post(url, headers=tenant.headers, json={"num_speakers": 0})
    assert (refused.status_code, refused.json()["code"]) == (400, "field_invalid")
    answer = await client.post(url, headers=tenant.headers, json={"num_speakers": 2})
    assert answer.status_code == 200, answer.text
    assert (await options_of(components, item_id))["num_speakers"] == 2


async def test_a_dataset_says_it_for_all_its_uploads(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    url = f"/api/datasets/{tenant.dataset_id}"

    async def patch(**change: Any) -> httpx.Response:
        return await client.patch(url, headers=tenant.headers, json=change)

    assert (await patch(min_speakers=2, max_speakers=5)).status_code == 200
    refused = await patch(max_speakers=1)
    assert (refused.status_code, refused.json()["message"]) == (
        400,
        "'min_speakers' must not be greater than 'max_speakers'.",
    )
    assert (await patch(num_speakers=2)).json()["code"] == "field_invalid", "not beside the other two"
    kept = (await client.get(url, headers=tenant.headers)).json()
    assert (kept["num_speakers"], kept["min_speakers"], kept["max_speakers"]) == (None, 2, 5)
    changed = await patch(num_speakers=2, min_speakers=None, max_speakers=None)
    assert changed.json()["num_speakers"] == 2
    for wrong in (True, 1.5, "2", 101):
        assert (await patch(num_speakers=wrong)).status_code == 400


@pytest.mark.parametrize("digits", ["0", "-1", "two", "2.0", "1e1", "٢", "101", "9" * 5000])
def test_a_number_in_a_form_is_written_in_digits_and_within_bounds(digits: str) -> None:
    with pytest.raises(FieldInvalid, match="'max_speakers' must be a whole number from 1 to 100"):
        form_metadata("a.mp3", {"max_speakers": digits})


@pytest.mark.parametrize("number", ["2", 2.5, True, [2]])
def test_a_number_in_json_is_a_whole_number(number: object) -> None:
    body = json.dumps({"audio_url": "https://example.com/a.mp3", "num_speakers": number}).encode()
    with pytest.raises(FieldTypeInvalid, match="'num_speakers' must be a whole number"):
        parse_url_request(body)


def test_a_whole_number_in_json_may_have_a_fraction_of_zero() -> None:
    body = b'{"audio_url": "https://example.com/a.mp3", "num_speakers": 2.0}'
    assert parse_url_request(body).metadata.options == {"num_speakers": 2}


async def test_language_and_tier_can_be_asked_for_in_either_kind_of_upload(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    answer = await post(client, tenant, **form(language="de", tier="careful"))
    assert await options_of(components, answer.json()["item_id"]) == {"language": "de", "tier": "careful"}
    body = {"audio_url": "https://a.example/b.mp3", "language": "de", "tier": None}
    assert parse_url_request(json.dumps(body).encode()).metadata.options == {"language": "de"}


async def test_several_languages_can_be_asked_for_in_either_kind_of_upload(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    answer = await post(client, tenant, **form(languages="de, en,de"))
    assert await options_of(components, answer.json()["item_id"]) == {"languages": ["de", "en"]}
    assert answer.json().get("notices") in (None, [])
    body = {"audio_url": "https://a.example/b.mp3", "languages": ["de", "en"], "language": None}
    assert parse_url_request(json.dumps(body).encode()).metadata.options == {"languages": ["de", "en"]}
    for wrong in ("de", [5], {"de": True}):
        with pytest.raises(FieldTypeInvalid, match="'languages' must be a list of strings"):
            parse_url_request(json.dumps(body | {"languages": wrong}).encode())
    with pytest.raises(FieldInvalid, match="at most 20"):
        parse_url_request(json.dumps(body | {"languages": ["de"] * 21}).encode())


@pytest.mark.parametrize("code", ["xx", "English", "e"])
async def test_several_languages_of_which_one_is_not_known_are_refused_at_every_door(
    client: httpx.AsyncClient, world: World, code: str
) -> None:
    tenant = await world.tenant()
    dataset = f"/api/datasets/{tenant.dataset_id}"
    item_id = await world.item(tenant.dataset_id, status="stored")
    body = {"languages": ["de", code]}
    answers = {
        "form": await post(client, tenant, **form(languages=f"de,{code}")),
        "json": await client.post(
            f"{dataset}/items", headers=tenant.headers, json={"audio_url": "https://a.example/b.mp3"} | body
        ),
        "dataset": await client.patch(dataset, headers=tenant.headers, json=body),
        "run": await client.post(f"/api/items/{item_id}/transcribe", headers=tenant.headers, json=body),
    }
    for door, answer in answers.items():
        assert (answer.status_code, answer.json()["code"]) == (400, "field_invalid"), door
        assert "languages" in answer.json()["message"], door


KNOWN = f"must be the ISO 639 code of a language that some engine knows: {', '.join(LANGUAGES)}"


@pytest.mark.parametrize("code", ["xx", "tlh", "English", "e", ""])
async def test_a_language_that_no_engine_knows_is_refused_at_every_door(
    client: httpx.AsyncClient, world: World, code: str
) -> None:
    tenant = await world.tenant()
    tus, dataset = Tus(client, tenant), f"/api/datasets/{tenant.dataset_id}"
    item_id = await world.item(tenant.dataset_id, status="stored")
    body = {"language": code}
    url = {"audio_url": "https://a.example/b.mp3"}
    answers = {
        "form": await post(client, tenant, **form(language=code)) if code else None,
        "json": await client.post(f"{dataset}/items", headers=tenant.headers, json=url | body),
        "tus": await tus.create(language=code) if code else None,
        "dataset": await client.patch(dataset, headers=tenant.headers, json=body),
        "new dataset": await client.post("/api/datasets", headers=tenant.headers, json={"name": "New"} | body),
        "run": await client.post(f"/api/items/{item_id}/transcribe", headers=tenant.headers, json=body),
    }
    for door, answer in answers.items():
        if answer is not None:
            assert (answer.status_code, answer.json()["code"]) == (400, "field_invalid"), door
            assert "language" in answer.json()["message"], door
            assert ", de, el, en, es," in answer.json()["message"], door


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"language": "German"}, f"'language' {KNOWN} ('de' may be meant)."),
        ({"language": "en-US"}, f"'language' {KNOWN} ('en' may be meant)."),
        ({"language": "EN"}, f"'language' {KNOWN} ('en' may be meant)."),
        ({"language": "xx"}, f"'language' {KNOWN}."),
        ({"language": "tlh"}, f"'language' {KNOWN}."),
        ({"tier": "best"}, "'tier' must be one of: fast, careful."),
    ],
)
def test_what_cannot_be_asked_for_is_refused_with_what_can(fields: dict[str, str], message: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        form_metadata("a.mp3", fields)
    assert refused.value.message == message
    with pytest.raises(FieldTypeInvalid):
        parse_url_request(json.dumps({"audio_url": "https://a.example/b.mp3", "language": 5}).encode())


async def test_a_dataset_says_how_its_recordings_are_transcribed(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    url = f"/api/datasets/{tenant.dataset_id}"
    settings = {
        "tier": "careful",
        "initial_prompt": "A talk about birds.",
        "vocabulary": ["Echoic", "Kai Bäcker"],
        "replacements": [{"find": "echo ick", "replace": "Echoic"}],
    }
    answer = await client.patch(url, headers=tenant.headers, json=settings)
    assert answer.status_code == 200, answer.text
    assert settings.items() <= (await client.get(url, headers=tenant.headers)).json().items()
    for wrong in (
        {"tier": None},
        {"vocabulary": [" "]},
        {"replacements": [{"find": "a"}]},
        {"vocabulary": ["a"] * 101},
    ):
        refused = await client.patch(url, headers=tenant.headers, json=wrong)
        assert (refused.status_code, refused.json()["code"]) == (400, "field_invalid"), wrong


async def test_what_is_published_can_be_transcribed_again_and_stays_readable_meanwhile(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("Good morning."))
    url = f"/api/items/{item_id}"
    refused = await client.post(f"{url}/transcribe", headers=tenant.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "run_not_active")
    again = await client.post(f"{url}/transcribe", headers=tenant.headers, json={"again": True, "tier": "careful"})
    assert (again.status_code, again.json()["status"], again.json()["stage"]) == (200, "published", "decode")
    assert await options_of(components, item_id) == {"tier": "careful"}
    assert (await client.get(f"{url}/transcript?format=txt", headers=tenant.headers)).text == "Good morning.\n"


OFFERED = "'engine' and 'model' may be: 'fake' with the model 'only'; 'faster-whisper' with the model 'small'."


async def test_an_upload_may_choose_a_transcriber_that_is_offered_and_no_other(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    chosen = await post(client, tenant, **form(engine="faster-whisper", model="small"))
    assert await options_of(components, chosen.json()["item_id"]) == {"engine": "faster-whisper", "model": "small"}
    refused = await post(client, tenant, **form(model="large-v3"))
    assert (refused.status_code, refused.json()["code"]) == (400, "transcriber_not_offered")
    assert refused.json()["message"].endswith(OFFERED)
    fetched = {"audio_url": "https://a.example/b.mp3", "engine": "openai"}
    answer = await client.post(f"/api/datasets/{tenant.dataset_id}/items", headers=tenant.headers, json=fetched)
    assert (answer.status_code, answer.json()["code"]) == (400, "transcriber_not_offered")


async def test_a_resumable_upload_is_told_at_once_of_a_transcriber_that_is_not_offered(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant()
    metadata = f"filename {b64encode(b'a.wav').decode()},engine {b64encode(b'openai').decode()}"
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Metadata": metadata}
    answer = await client.post(f"/api/datasets/{tenant.dataset_id}/uploads", headers=tenant.headers | headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "transcriber_not_offered")


async def test_a_dataset_chooses_a_transcriber_and_work_taken_up_again_another(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    url = f"/api/datasets/{tenant.dataset_id}"

    async def patch(**change: Any) -> httpx.Response:
        return await client.patch(url, headers=tenant.headers, json=change)

    assert (await patch(model="small")).json()["model"] == "small"
    refused = await patch(engine="fake")
    assert (refused.status_code, refused.json()["code"]) == (400, "transcriber_not_offered"), "fake has no such model"
    assert (await patch(engine="faster-whisper", model=None)).json()["engine"] == "faster-whisper"
    for wrong in ("", " small", 5, "x" * 201):
        assert (await patch(engine=wrong)).json()["code"] == "field_invalid", wrong
    made = {"name": "Calls", "engine": "whisperx"}
    assert (await client.post("/api/datasets", headers=tenant.headers, json=made)).status_code == 400
    item_id = await world.item(tenant.dataset_id, status="failed")
    again = f"/api/items/{item_id}/transcribe"
    assert (await client.post(again, headers=tenant.headers, json={"engine": "openai"})).status_code == 400
    assert (await client.post(again, headers=tenant.headers, json={"engine": "fake"})).status_code == 200
    assert await options_of(components, item_id) == {"engine": "fake", "model": None}
