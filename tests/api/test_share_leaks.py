"""Every route below a link, for links of every kind: the shared span and nothing else, or what a link that never was gets."""

import io
import re
import wave
from typing import Any

import httpx
import numpy as np
from fastapi.routing import APIRoute

from echoic.api import shared_pages
from echoic.compose import Components
from tests.api.shared_world import KINDS, NAME, PHONE, RATE, SECONDS, TITLE, WORDS, Kind, shelf
from tests.factories import World

UNKNOWN = "/share/to/es_0123456789012345678901234567890123456789012"
ROUTES: dict[str, dict[str, Any]] = {
    "GET /share/to/{token}": {},
    "HEAD /share/to/{token}": {},
    "POST /share/to/{token}": {"data": {"password": "wrong word"}},
    "GET /share/to/{token}/player": {},
    "HEAD /share/to/{token}/player": {},
    "GET /share/to/{token}/audio/{moment}": {},
    "HEAD /share/to/{token}/audio/{moment}": {},
    "GET /share/oembed": {},
    "HEAD /share/oembed": {},
}
TEXTS = {*WORDS, *PHONE}
Told = tuple[int, dict[str, str], str]
"""Status, headers and body of an answer."""


def test_every_route_is_in_the_table() -> None:
    routes = [route for route in shared_pages.router.routes if isinstance(route, APIRoute)]
    assert {f"{method} {route.path}" for route in routes for method in route.methods or ()} == set(ROUTES)


async def asked(client: httpx.AsyncClient, name: str, path: str, moment: int, **more: Any) -> httpx.Response:
    method, _, template = name.partition(" ")
    filled = template.replace("/share/to/{token}", path).replace("{moment}", str(moment))
    params = {"url": f"http://echoic.test{path}"} if "oembed" in template else None
    return await client.request(method, filled, params=params, **ROUTES[name], **more)


def told(answer: httpx.Response) -> Told:
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return answer.status_code, headers, body(answer)


def body(answer: httpx.Response) -> str:
    """A body without the request's id and without tokens: they are random and may contain the digits of a telephone number."""
    return re.sub(r'"request_id":"\w+"|es_[\w-]{43}', "", answer.text)


async def test_a_link_gives_its_span_and_nothing_else_on_every_route(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    of_nothing = {name: told(await asked(client, name, UNKNOWN, 0)) for name in ROUTES}
    assert {status for status, _, _ in of_nothing.values()} == {404}
    for kind in KINDS:
        client.cookies.clear()
        place = await shelf(client, world, components)
        body = {**({} if "search" in kind.body else {"item_id": place.item_id}), **kind.body}
        made = await client.post("/api/shares", json=body, headers=place.member.headers)
        assert made.status_code == 201, (kind.name, made.text)
        path = httpx.URL(made.json()["url"]).path
        if kind.password is not None:
            await assert_locked(client, kind, path)
        if kind.afterwards is not None:
            await kind.afterwards(place)
        listed = await client.get("/api/shares", headers=place.member.headers)
        states = [one["state"] for one in listed.json()["shares"]] if listed.is_success else []
        assert states == ([] if kind.state is None else [kind.state]), kind.name
        for name in ROUTES:
            for moment in range(-1, kind.moments + 1) if name.startswith("GET") and "audio" in name else (0,):
                answer = await asked(client, name, path, moment)
                assert_shown(kind, name, moment, answer, of_nothing[name])


async def assert_locked(client: httpx.AsyncClient, kind: Kind, path: str) -> None:
    """Nothing is told before the password is given; afterwards the link is open."""
    for name in ROUTES:
        locked = await asked(client, name, path, 0)
        assert locked.status_code in (403, 404), (kind.name, name)
        assert not any(word in body(locked) for word in (*TEXTS, NAME, TITLE)), (kind.name, name)
    opened = await client.post(path, data={"password": kind.password or ""})
    assert (opened.status_code, opened.headers["location"]) == (303, path)


def assert_shown(kind: Kind, name: str, moment: int, answer: httpx.Response, of_nothing: Told) -> None:
    place = (kind.name, name, moment)
    exists = not kind.is_gone and (
        ("audio" not in name or (kind.seconds is not None and 0 <= moment < kind.moments))
        and ("player" not in name or kind.is_embeddable)
        and ("oembed" not in name or kind.password is None)
    )
    if not exists:
        assert told(answer) == of_nothing, place
        return
    of_form = 303 if kind.password is None else 403
    assert answer.status_code == (of_form if name.startswith("POST") else 200), (place, answer.text)
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    if "audio" in name:
        assert_sound_of(kind, answer, first=moment == 0)
        return
    said = {word for word in TEXTS if word in body(answer)}
    assert said <= kind.words, (place, said - kind.words)
    is_page = name in ("GET /share/to/{token}", "GET /share/to/{token}/player")
    assert (said == kind.words) == is_page, (place, kind.words - said)
    assert (NAME in answer.text) == (is_page and kind.shows_name), place


def assert_sound_of(kind: Kind, answer: httpx.Response, *, first: bool) -> None:
    assert kind.seconds is not None
    start, end = kind.seconds if first else (25, 30)
    length = int(answer.headers["content-length"])
    assert length == 44 + round((end - start) * RATE) * 2
    if not answer.content:
        return
    with wave.open(io.BytesIO(answer.content)) as file:
        heard = np.frombuffer(file.readframes(SECONDS * RATE), dtype="<i2")
    times = np.arange(round(start * RATE), round(end * RATE)) / RATE
    expected = 1000 + 100 * np.floor(times + 1e-9)
    if kind.silent is not None:
        expected[(times >= kind.silent[0]) & (times < kind.silent[1])] = 0
    assert np.array_equal(heard, expected)


async def test_ranges_are_those_of_the_span_and_never_of_the_recording(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    place = await shelf(client, world, components)
    body = {"item_id": place.item_id, "start": 12.25, "end": 14.5}
    made = (await client.post("/api/shares", json=body, headers=place.member.headers)).json()
    path = f"{httpx.URL(made['url']).path}/audio/0"
    whole = (await client.get(path)).content
    for start, end in ((3, 51), (20_001, 60_044), (len(whole) - 7, len(whole))):
        answer = await client.get(path, headers={"Range": f"bytes={start}-{end - 1}"})
        assert answer.status_code == 206
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(whole)}"
        assert answer.content == whole[start:end], (start, end)
    assert (await client.get(path, headers={"Range": f"bytes={len(whole)}-"})).status_code == 416
    etag = (await client.head(path)).headers["etag"]
    assert (await client.get(path, headers={"If-None-Match": etag})).status_code == 304
    await client.delete(f"/api/shares/{made['id']}", headers=place.member.headers)
    assert (await client.get(path, headers={"If-None-Match": etag})).status_code == 404
