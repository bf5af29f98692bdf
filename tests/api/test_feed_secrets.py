"""Passwords and tokens in the addresses of feeds: no answer, list, event, message, metric or log line tells them."""

import io
from pathlib import Path

import pytest
from sqlalchemy import text

from echoic.access import Caller
from echoic.db.accounts.accounts import SCOPES
from tests.api.feed_site import Follower, Page
from tests.api.route_table import ROUTES
from tests.sources.feeds import entry, rss

AUDIO = (Path(__file__).parents[2] / "examples" / "jfk.flac").read_bytes()
PASSWORD, QUERY, PATH = "s3cret", "t0psecret", "k3yk3yk3yk3yk3yk3y"
BASIC = "Basic YWRhOnMzY3JldA=="


async def follow_privately(follower: Follower) -> int:
    """A feed behind a password, with a token in its query and one in its path, which names addresses that hold them, too."""
    site = follower.site
    within = f"/{PATH}/feed.xml"
    more = f'<podcast:transcript url="{site.url(f"/{PATH}/1.vtt")}?token={QUERY}" type="text/vtt"/>'
    head = f'<itunes:image href="cover.jpg"/><itunes:new-feed-url>{site.url(within)}</itunes:new-feed-url>'
    feed = rss([entry(1, url=site.url(f"/{PATH}/a.mp3?token={QUERY}"), more=more)], head=head).replace(
        b"https://good.example/<", f"{site.url(f'/{PATH}/')}<".encode()
    )

    def guarded(_: str, headers: dict[str, str]) -> Page:
        return Page(feed) if headers.get("authorization") == BASIC else Page(status="401 Unauthorized")

    site.pages = {
        within: guarded,
        f"/{PATH}/a.mp3": AUDIO,
        f"/{PATH}/1.vtt": b"WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n",
    }
    address = site.url(f"{within}?token={QUERY}").replace("https://", f"https://ada:{PASSWORD}@")
    answer = await follower.ask("POST", "/api/datasets", json={"name": "Private", "feed_url": address})
    assert PATH not in answer.text
    dataset_id: int = answer.json()["id"]
    return dataset_id


async def fail(follower: Follower, dataset_id: int) -> None:
    """Have the feed fail in every way, until webhooks are told."""
    site = follower.site
    away = Page(status="302 Found", headers={"Location": f"https://other.example/{PATH}?token={QUERY}"})
    inside = Page(status="302 Found", headers={"Location": f"https://internal.example/{PATH}?token={QUERY}"})
    odd = Page(status="302 Found", headers={"Location": f"ftp://ada:{PASSWORD}@x/{PATH}"})
    for page in (away, inside, odd, b"<html/>", None):
        site.pages[f"/{PATH}/feed.xml"] = page if page is not None else (lambda *_: None)
        assert (await follower.poll(dataset_id))["error"] is not None
    site.pages[f"/{PATH}/feed.xml"] = Page(status="410 Gone")
    assert (await follower.poll(dataset_id))["state"] == "ended"


async def test_the_secrets_of_a_private_feed_are_told_nowhere(follower: Follower, log: io.StringIO) -> None:
    parts, tenant = follower.components, follower.tenant
    owner = Caller(account_id=tenant.account_id, key_id=None, plan="unlimited", scopes=frozenset(SCOPES))
    async with parts.database.transaction() as session:
        webhook, _ = await parts.outbox.create(
            session, owner, url="https://hooks.example/echoic", events=["feed.failed"]
        )
    dataset_id = await follow_privately(follower)
    await follower.poll(dataset_id)
    await follower.fetch_all()
    assert await follower.publications().fetch_next()
    [item] = await follower.items(dataset_id)
    assert follower.site.asked[-1][1]["authorization"] == BASIC, "what it names lies behind the same password"
    await fail(follower, dataset_id)
    slug = (await follower.ask("GET", f"/api/datasets/{dataset_id}")).json()["library"]
    ids = {
        "dataset_id": dataset_id,
        "item_id": item["id"],
        "slug": slug,
        "text_id": 1,
        "webhook_id": webhook.id,
        "entity": "x",
        "account_id": tenant.account_id,
        "label": "SPEAKER_00",
        "position": 0,
        "number": 1,
    }
    shown = {"log": log.getvalue()}
    for route in ROUTES:
        method, path = route.split(" ")[:2]
        try:
            address = path.format_map(ids)
        except KeyError:
            continue  # of things that there are not
        if method == "GET" and address not in ("/api/events", f"/api/items/{item['id']}/events"):
            shown[route] = (await follower.ask("GET", address)).text
    async with parts.database.transaction() as session:
        told = await session.scalars(text("SELECT row::text FROM outbox_deliveries AS row"))
        shown["deliveries"] = "".join(told)
    assert "feed.failed" in shown["deliveries"]
    assert f"https://good.example:{follower.site.site.port}/…" in shown["GET /api/datasets/{dataset_id}/feed"]
    assert len(shown) > 40
    for where, told_there in shown.items():
        assert not [one for one in (PASSWORD, QUERY, PATH, BASIC[6:]) if one in told_there], where


@pytest.mark.parametrize(
    "address", ["ftp://ada:s3cret@x/", "https://ada:s3cret@[x/", "https://ada:s3cret@x/\0", "s3cret" * 2000]
)
async def test_a_refused_address_is_not_repeated(follower: Follower, log: io.StringIO, address: str) -> None:
    follower.site.pages = {}
    dataset_id = await follower.follow("/known.xml")
    path = f"/api/datasets/{dataset_id}"
    for answer in (
        await follower.ask("PATCH", f"{path}/feed", json={"feed_url": address}),
        await follower.ask("POST", "/api/datasets", json={"name": "New", "feed_url": address}),
    ):
        assert answer.status_code == 400
        assert PASSWORD not in answer.text + log.getvalue()


async def test_an_address_that_is_made_private_takes_others_of_its_host_along(follower: Follower) -> None:
    site = follower.site
    site.pages["/short/feed.xml"] = rss([], head='<itunes:image href="cover.jpg"/>')
    dataset_id = await follower.follow("/short/feed.xml")
    assert (await follower.poll(dataset_id))["podcast"]["image_url"] == site.url("/short/cover.jpg")
    answer = await follower.ask("PATCH", f"/api/datasets/{dataset_id}/feed", json={"private": True})
    assert "/short" not in answer.text
    assert "/short" not in str(await follower.poll(dataset_id))
