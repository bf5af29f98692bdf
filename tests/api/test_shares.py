"""Share links: made by people who may read, with bounds; listed, revoked; their pages, and what others see of them."""

import io
import re
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from echoic.compose import Components
from tests.api.shared_world import TITLE, WORDS, Shelf, shelf
from tests.api.uploading import assert_refused
from tests.factories import World, segment

HOSTILE = '"><script>alert(1)</script>&amp;'


class Tags(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    @classmethod
    def of(cls, page: str) -> "Tags":
        tags = cls()
        tags.feed(page)
        return tags

    def meta(self) -> dict[str, str | None]:
        return {
            str(each.get("property") or each.get("name")): each.get("content")
            for tag, each in self.found
            if tag == "meta"
        }


@pytest.fixture
async def place(client: httpx.AsyncClient, world: World, components: Components) -> Shelf:
    return await shelf(client, world, components)


async def share(place: Shelf, **body: Any) -> dict[str, Any]:
    answer = await place.client.post(
        "/api/shares", json={"item_id": place.item_id, **body}, headers=place.member.headers
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def path_of(made: dict[str, Any]) -> str:
    return str(httpx.URL(made["url"]).path)


async def test_links_are_made_listed_with_their_addresses_and_revoked(place: Shelf, world: World) -> None:
    span = await share(place, start=5, end=8, title="A moment", embed_origins=["https://Blog.example.org:443/"])
    whole = await share(place, expires_in_days=None)
    assert (whole["kind"], whole["moments"][0]["start"], whole["expires_at"]) == ("item", None, None)
    assert (span["kind"], span["moments"], span["embed_origins"]) == (
        "span",
        [{"item_id": place.item_id, "start": 5, "end": 8}],
        ["https://blog.example.org"],
    )
    listed = (await place.client.get("/api/shares", headers=place.member.headers)).json()
    assert listed["shares"] == [whole, span]
    assert (await place.client.get(whole["url"])).status_code == 200
    narrowed = await place.client.get("/api/shares?item_id=987654", headers=place.member.headers)
    assert narrowed.json()["total"] == 0
    stranger = await world.tenant("Stranger")
    assert (await place.client.get("/api/shares", headers=stranger.headers)).json()["total"] == 0
    theirs = await place.client.delete(f"/api/shares/{span['id']}", headers=stranger.headers)
    assert_refused(theirs, 404, "share_not_found")
    assert_refused(
        await place.client.post("/api/shares", json={"item_id": place.item_id}, headers=stranger.headers),
        404,
        "item_not_found",
    )
    await place.client.delete(f"/api/shares/{span['id']}", headers=place.member.headers)
    assert (await place.client.get(span["url"])).status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"start": 8, "end": 5}, "share_unfit"),
        ({"start": 40}, "share_unfit"),
        ({"password": "open sesame", "embed_origins": ["https://blog.example.org"]}, "share_unfit"),
        ({"item_id": None, "search": {"query": "xylophonist", "search_type": "text"}}, "share_unfit"),
        ({"search": {"query": "wordba"}}, "field_invalid"),
        ({"embed_origins": ["blog.example.org"]}, "field_invalid"),
        ({"embed_origins": ["https://a.example *"]}, "field_invalid"),
        ({"embed_origins": ["*"]}, "field_invalid"),
        ({"expires_in_days": 0}, "field_invalid"),
        ({"password": "short"}, "field_invalid"),
    ],
)
async def test_what_cannot_be_shared_is_refused_with_the_reason(place: Shelf, body: dict[str, Any], code: str) -> None:
    wanted = {"item_id": place.item_id, **body}
    answer = await place.client.post("/api/shares", json=wanted, headers=place.member.headers)
    assert_refused(answer, 400, code)
    assert (await place.client.get("/api/shares", headers=place.member.headers)).json()["total"] == 0


async def test_a_page_can_be_read_without_a_script_and_tells_other_sites_what_it_is(place: Shelf) -> None:
    await place.sql("UPDATE items SET title = :title", title=HOSTILE)
    made = await share(place, start=5, end=8, embed_origins=["https://blog.example.org"])
    page = await place.client.get(made["url"], headers={"Accept-Language": "de-CH,en;q=0.5"})
    assert "<script>alert" not in page.text
    assert (await place.client.head(made["url"])).headers["content-type"] == page.headers["content-type"]
    assert "0:05 bis 0:08 der Aufnahme" in page.text
    tags = Tags.of(page.text)
    meta = tags.meta()
    assert (meta["robots"], meta["og:title"], meta["og:url"]) == ("noindex, nofollow", HOSTILE, made["url"])
    assert meta["og:description"] == " ".join(WORDS[10:16])
    assert (await place.client.get(str(meta["og:audio"]))).headers["content-type"] == "audio/wav"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert (page.headers["referrer-policy"], page.headers["cache-control"]) == ("no-referrer", "no-store")
    (oembed,) = [each["href"] for tag, each in tags.found if each.get("type") == "application/json+oembed"]
    told = (await place.client.get(str(oembed), params={"maxwidth": 320, "url": made["url"]})).json()
    assert (told["type"], told["width"], told["title"]) == ("rich", 320, HOSTILE)
    (frame,) = Tags.of(told["html"]).found
    assert frame[1]["src"] == made["embed_url"]
    player = await place.client.get(made["embed_url"])
    assert player.headers["content-security-policy"].endswith("frame-ancestors https://blog.example.org")
    assert "x-frame-options" not in player.headers
    plain = await share(place)
    assert (await place.client.get(f"{plain['url']}/player")).status_code == 404
    link = await place.client.get("/share/oembed", params={"url": plain["url"]})
    none = await place.client.get("/share/oembed", params={"url": "https://[" + plain["url"]})
    assert (none.status_code, none.json()["code"]) == (404, "share_not_found")
    assert (link.json()["type"], "html" in link.json()) == ("link", False)


async def test_a_title_turns_no_line_round(place: Shelf) -> None:
    await place.sql("UPDATE items SET title = :title", title="\u202egpj.\u2067exe")
    made = await share(place)
    page = (await place.client.get(made["url"])).text
    assert "<title>gpj.exe</title>" in page
    assert page.count("\u202e") == page.count('<h1 dir="auto">\u202e') == 1


async def test_guessing_the_password_of_a_link_is_slowed_and_the_mark_is_of_one_link_alone(
    place: Shelf, components: Components
) -> None:
    made, other = await share(place, password="open sesame"), await share(place, password="open sesame")
    right = await place.client.post(path_of(made), data={"password": "open sesame"})
    cookie = right.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert f"Path={path_of(made)}" in cookie
    mark = cookie.partition("=")[2].partition(";")[0]
    place.client.cookies.clear()
    for made_link, status in ((made, 200), (other, 403)):
        answer = await place.client.get(path_of(made_link), headers={"Cookie": f"echoic_share={mark}"})
        assert answer.status_code == status
    forged = re.sub(r"^\d+", "9999999999", mark)
    answer = await place.client.get(path_of(made), headers={"Cookie": f"echoic_share={forged}"})
    assert answer.status_code == 403
    statuses = [
        (await place.client.post(path_of(other), data={"password": f"wrong {number}"})).status_code
        for number in range(10)
    ]
    assert statuses[:5] == [403] * 5
    assert statuses[-1] == 429
    refused = await place.client.post(path_of(other), data={"password": "open sesame"})
    assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (429, True)
    opened = await components.shares.find(other["url"].rpartition("/")[2])
    assert await components.shares.unlock(opened, "open sesame", address="203.0.113.9"), "others still open it"


async def test_a_shared_search_shows_what_was_found_then_and_loses_what_is_deleted(place: Shelf, world: World) -> None:
    other = await world.item(place.owner.dataset_id, [segment("here is wordba again")], title="Other")
    made = await share(place, item_id=None, search={"query": '"wordba"', "search_type": "text"})
    assert (made["kind"], len(made["moments"]), made["query"]) == ("search", 2, '"wordba"')
    await world.item(place.owner.dataset_id, [segment("later wordba")], title="Later")
    page = (await place.client.get(made["url"])).text
    assert "2 moments found for “&#34;wordba&#34;”" in page
    assert "Later" not in page
    await place.client.delete(f"/api/items/{other}", headers=place.owner.headers)
    page = (await place.client.get(made["url"])).text
    assert "1 moment found" in page
    assert (TITLE in page, "Other" in page) == (True, False)


async def test_no_token_and_no_password_of_a_link_stand_in_the_database_or_in_the_log(
    place: Shelf, log: io.StringIO
) -> None:
    made = await share(place, password="open sesame")
    token = path_of(made).rpartition("/")[2]
    await place.client.post(path_of(made), data={"password": "open sesame"})
    assert "/share/to/[masked]" in log.getvalue()
    assert token not in log.getvalue()
    assert "sesame" not in log.getvalue()
    async with place.components.database.transaction() as session:
        kept = str((await session.execute(text("SELECT row_to_json(one) FROM shares one"))).all())
    assert "sha256" in kept
    assert token not in kept
    assert "sesame" not in kept
