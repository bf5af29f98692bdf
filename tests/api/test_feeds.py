"""Datasets that follow feeds: what odd feeds and odd hosts do, what becomes an item, what is told and what is never shown."""

import asyncio
import gzip
import io
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from echoic.compose import Components
from echoic.sources import episodes as episodes_module, fetching
from echoic.sources.opml import read_opml
from echoic.sources.poll import Polls
from tests.api.feed_site import Follower, Page
from tests.factories import World, talk
from tests.sources.feeds import entry, rss

AUDIO = (Path(__file__).parents[2] / "examples" / "jfk.flac").read_bytes()
NEWEST = "Sat, 03 Jan 2026 08:00:00 GMT"


def day(number: int) -> str:
    return f"{number:02} Jan 2026 08:00:00 GMT"


async def test_the_newest_episodes_become_items_and_only_new_ones_later(follower: Follower, log: io.StringIO) -> None:
    site = follower.site
    told = [entry(n, url=site.url(f"/{n}.mp3"), date=day(n)) for n in range(1, 6)]
    site.pages = {f"/{n}.mp3": AUDIO for n in range(1, 8)}
    site.pages["/feed.xml"] = Page(rss(told), headers={"ETag": 'W/"1"', "Last-Modified": NEWEST})
    dataset_id = await follower.follow(newest=2)
    feed = await follower.poll(dataset_id)
    assert (feed["seen"], feed["waiting"], feed["left_out"], feed["state"]) == (5, 2, {"older": 3}, "active")
    assert feed["podcast"]["title"] == "Talks"
    assert await follower.fetch_all() == 2
    assert site.paths()[1:] == ["/5.mp3", "/4.mp3"], "the newest first"
    newest = (await follower.items(dataset_id))[-1]
    assert (newest["title"], newest["source_type"], newest["status"]) == ("Episode 5", "podcast_episode", "queued")
    assert (newest["description"], newest["publish_date"]) == ("About 5", "2026-01-05T08:00:00Z")
    # Asked with what it said of itself, unchanged.
    site.pages["/feed.xml"] = lambda _, headers: Page(
        status="304 Not Modified" if headers.get("if-none-match") == 'W/"1"' else "500 Oh", declared=False
    )
    assert (await follower.poll(dataset_id))["error"] is None
    assert site.asked[-1][1]["if-modified-since"] == NEWEST
    # New ones are taken however old the dataset is; old ones that come up under new GUIDs are not.
    site.pages["/feed.xml"] = rss(
        [
            entry(6, url=site.url("/6.mp3"), date=day(6)),
            entry(7, url=site.url("/7.mp3"), date="01 Jan 2020 08:00:00 GMT"),
            entry(5, guid="moved-5", url=site.url("/5.mp3"), date=day(5)),
        ]
    )
    feed = await follower.poll(dataset_id)
    assert (feed["seen"], feed["waiting"], feed["left_out"]) == (8, 1, {"older": 4, "repeated": 1})
    assert await follower.fetch_all() == 1
    older = [one["id"] for one in await follower.entries(dataset_id) if one["title"] == "Episode 7"]
    taken = await follower.ask("POST", f"/api/datasets/{dataset_id}/feed/take", json={"entries": older})
    assert taken.json() == {"waiting": 1}
    strange = await follower.ask("POST", f"/api/datasets/{dataset_id}/feed/take", json={"entries": [*older, 999_999]})
    assert (strange.status_code, "no episodes 999999;" in strange.json()["message"]) == (400, True)
    homeless = await follower.ask("POST", "/api/datasets", json={"name": "Without an address", "newest": 3})
    assert (homeless.status_code, homeless.json()["message"].partition(":")[0]) == (400, "newest")
    assert await follower.fetch_all() == 1
    assert sorted(one["title"] for one in await follower.items(dataset_id)) == [f"Episode {n}" for n in (4, 5, 6, 7)]


async def test_odd_recordings_are_taken_by_their_content_and_the_reasons_of_others_are_told(follower: Follower) -> None:
    site = follower.site
    hops = {f"/hop{n}": Page(status="302 Found", headers={"Location": f"/hop{n + 1}"}) for n in range(6)}
    site.pages = {
        **hops,
        "/hop6": AUDIO,
        "/wrong.php": Page(AUDIO, headers={"Content-Type": "text/html"}),
        "/notes.mp3": b"no sound at all",
        "/inside": Page(status="302 Found", headers={"Location": "https://internal.example/secret"}),
        "/clear.mp3": AUDIO,
        "/round": Page(status="302 Found", headers={"Location": "/round"}),
        "/feed.xml": rss(
            [
                entry(1, url=site.url("/hop0"), length="17", date=day(1)),
                entry(2, url=site.url("/wrong.php"), media="text/html", length="0", date=day(2)),
                entry(3, url=site.url("/notes.mp3"), date=day(3)),
                entry(4, url=site.url("/inside"), date=day(4)),
                entry(5, url=site.url("/gone.mp3"), date=day(5)),
                entry(6, guid=None, url=site.url("/clear.mp3").replace("https:", "http:"), date=day(6)),
                "<item><guid>7</guid><title>Without a recording</title></item>",
                entry(8, guid="guid-1", url=site.url("/hop0")),
                entry(9, url=site.url("/round"), date=day(9)),
            ]
        ),
    }
    dataset_id = await follower.follow()
    feed = await follower.poll(dataset_id)
    assert feed["left_out"] == {"no_enclosure": 1, "repeated": 1}
    await follower.fetch_all()
    found = {one["title"]: (one["state"], one["reason"]) for one in await follower.entries(dataset_id)}
    assert found == {
        "Episode 1": ("taken", None),
        "Episode 2": ("taken", None),
        "Episode 3": ("left_out", "not_audio"),
        "Episode 4": ("failed", "url_forbidden"),
        "Episode 5": ("waiting", "url_status_unusable"),
        "Episode 6": ("taken", None),
        "Episode 9": ("waiting", "url_redirects_too_many"),
        "Without a recording": ("left_out", "no_enclosure"),
    }
    assert len(await follower.items(dataset_id)) == 3
    for _ in range(len(episodes_module.RETRY_SECONDS)):
        await follower.pass_time()
        await follower.fetch_all()
    assert (await follower.feed(dataset_id))["failed"] == 3


async def test_an_episode_is_known_by_its_guid_whatever_its_recording_does(follower: Follower) -> None:
    site = follower.site
    site.pages = {"/a.mp3": AUDIO, "/b.mp3": AUDIO + b"\0"}
    first = entry(1, url=site.url("/a.mp3?updated=1"), date=day(1))
    bare = entry(2, guid=None, url=site.url("/redirect.mp3/tracker.example/track/1/good.example/x.mp3?modified=7"))
    site.pages["/feed.xml"] = rss([first, bare])
    dataset_id = await follower.follow()
    await follower.poll(dataset_id)
    await follower.fetch_all()
    # Another parameter is the same recording, another path is another one; neither is another episode.
    site.pages["/feed.xml"] = rss(
        [
            first.replace("updated=1", "updated=2"),
            bare.replace("tracker.example/track/1", "other.example/e").replace("modified=7", "modified=8"),
        ]
    )
    feed = await follower.poll(dataset_id)
    assert feed["seen"] == 2
    assert {one["changed_at"] for one in await follower.entries(dataset_id)} == {None}
    site.pages["/feed.xml"] = rss([first.replace("/a.mp3", "/b.mp3"), bare])
    assert (await follower.poll(dataset_id))["seen"] == 2
    [changed] = [one for one in await follower.entries(dataset_id) if one["title"] == "Episode 1"]
    assert changed["changed_at"] is not None
    assert (changed["state"], len(await follower.items(dataset_id))) == ("taken", 1)


async def test_a_recording_that_breaks_off_is_fetched_on_where_its_bytes_end(
    follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "PART_BYTES", 50_000)
    site = follower.site
    tags = ["one"]

    def part(_: str, headers: dict[str, str]) -> Page:
        validators = {"ETag": f'"{tags[0]}"', "Accept-Ranges": "bytes"}
        asked = headers.get("range", "")
        if asked and headers.get("if-range") == f'"{tags[0]}"':
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            ranged = {**validators, "Content-Range": f"bytes {start}-{len(AUDIO) - 1}/{len(AUDIO)}"}
            return Page(AUDIO[start:], status="206 Partial Content", headers=ranged)
        return Page(AUDIO[:120_000], headers={**validators, "Content-Length": str(len(AUDIO))})

    site.pages = {"/a.mp3": part, "/feed.xml": rss([entry(1, url=site.url("/a.mp3"))])}
    dataset_id = await follower.follow()
    await follower.poll(dataset_id)
    assert await follower.fetch_all() == 1
    assert [one["reason"] for one in await follower.entries(dataset_id)] == ["url_answer_unusable"]
    tags[0] = "two"  # as where advertisements are put in for each listener: the rest belongs to other bytes
    await follower.pass_time()
    await follower.fetch_all()
    assert site.asked[-1][1]["range"] == "bytes=120000-"
    await follower.pass_time()
    await follower.fetch_all()
    [item] = await follower.items(dataset_id)
    assert item["size_bytes"] == len(AUDIO)
    assert (site.asked[-1][1]["range"], site.asked[-1][1]["if-range"]) == ("bytes=120000-", '"two"')
    assert [one["state"] for one in await follower.entries(dataset_id)] == ["taken"]


async def test_two_processes_take_an_episode_once_and_a_killed_one_loses_nothing(
    follower: Follower, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = follower.site
    site.pages = {"/a.mp3": AUDIO, "/feed.xml": rss([entry(1, url=site.url("/a.mp3"))])}
    dataset_id = await follower.follow()
    polls = [Polls(components.database, follower.egress) for _ in range(2)]
    assert sorted(await asyncio.gather(*(one.poll_next() for one in polls))) == [False, True]
    # One that stops renewing its lease, as a killed one does, is overtaken; what it does afterwards counts nothing.
    monkeypatch.setattr(episodes_module, "LEASE_SECONDS", 0.0)
    assert any(await asyncio.gather(*(follower.episodes().fetch_next() for _ in range(3))))
    assert len(await follower.items(dataset_id)) == 1


async def test_hostile_and_endless_feeds_are_bounded_and_what_was_read_of_them_counts(
    follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("echoic.sources.answers.MAX_FEED_BYTES", 300_000)
    site = follower.site
    head = rss([entry(n, url=site.url(f"/{n}.mp3"), date=day(n % 28 + 1)) for n in range(5)]).removesuffix(
        b"</channel></rss>"
    )
    endless = head + b"".join(entry(n, url=site.url(f"/{n}.mp3")).encode() for n in range(5, 3000))
    bomb = gzip.compress(head + b" " * 200_000_000, compresslevel=1)
    for body, headers in ((endless, {}), (bomb, {"Content-Encoding": "gzip"})):
        site.pages["/feed.xml"] = Page(body, headers=headers)
        dataset_id = await follower.follow(newest=3)
        feed = await follower.poll(dataset_id)
        assert (feed["error"]["code"], feed["waiting"], feed["state"]) == ("feed_too_large", 3, "active")
    for body, code in (
        (b'<!DOCTYPE rss [<!ENTITY a "b">]><rss><channel/></rss>', "feed_dtd_refused"),
        (b"<html>Not here</html>", "feed_malformed"),
        (gzip.compress(head)[:100], "url_answer_unusable"),
    ):
        site.pages["/feed.xml"] = Page(body, headers={"Content-Encoding": "gzip"} if body[:1] == b"\x1f" else {})
        dataset_id = await follower.follow()
        feed = await follower.poll(dataset_id)
        assert (feed["error"]["code"], feed["state"], feed["failed_in_a_row"]) == (code, "failing", 1)


async def test_a_feed_moves_ends_and_waits_by_its_hosts_word(follower: Follower) -> None:
    site = follower.site
    site.pages = {
        "/feed.xml": Page(status="301 Moved", headers={"Location": "/halfway.xml"}),
        "/halfway.xml": Page(status="308 Moved", headers={"Location": "/new.xml"}),
        "/new.xml": rss([], head=f"<itunes:new-feed-url>{site.url('/own.xml')}</itunes:new-feed-url>"),
        "/own.xml": rss([]),
    }
    dataset_id = await follower.follow()
    feed = await follower.poll(dataset_id)
    assert feed["feed_url"] == site.url("/new.xml")
    site.pages["/new.xml"] = Page(status="302 Found", headers={"Location": "/own.xml"})
    assert (await follower.poll(dataset_id))["feed_url"] == site.url("/new.xml"), "for now only"
    site.pages["/new.xml"] = Page(status="429 Too Many", headers={"Retry-After": "86000"})
    feed = await follower.poll(dataset_id)
    assert feed["error"]["code"] == "feed_asked_too_often"
    wait = datetime.fromisoformat(feed["next_poll_at"]) - datetime.fromisoformat(feed["polled_at"])
    assert wait.total_seconds() >= 86_000
    site.pages["/new.xml"] = Page(status="401 Unauthorized")
    assert (await follower.poll(dataset_id))["error"]["code"] == "feed_login_required"
    site.pages["/new.xml"] = Page(status="410 Gone")
    feed = await follower.poll(dataset_id)
    assert (feed["state"], feed["next_poll_at"]) == ("ended", None)
    await follower.pass_time()
    assert not await Polls(follower.components.database, follower.egress).poll_next()
    changed = await follower.ask(
        "PATCH", f"/api/datasets/{dataset_id}/feed", json={"feed_url": site.url("/own.xml"), "paused": True}
    )
    assert changed.json()["state"] == "paused"


async def test_a_feed_of_ten_thousand_episodes_is_read_and_few_are_taken(follower: Follower) -> None:
    site = follower.site
    site.pages["/feed.xml"] = rss(entry(n, url=site.url(f"/{n}.mp3"), date=day(n % 28 + 1)) for n in range(10_000))
    dataset_id = await follower.follow()
    feed = await follower.poll(dataset_id)
    assert (feed["seen"], feed["waiting"], feed["left_out"]) == (10_000, 10, {"older": 9_990})


async def test_minutes_and_rights_are_those_of_whoever_follows(
    follower: Follower, world: World, components: Components
) -> None:
    site = follower.site
    site.pages = {"/a.mp3": AUDIO, "/feed.xml": rss([entry(1, url=site.url("/a.mp3"))])}
    follower.tenant = await world.tenant(plan="nothing")
    dataset_id = await follower.follow()
    await follower.poll(dataset_id)
    await follower.fetch_all()
    [waiting] = await follower.entries(dataset_id)
    assert (waiting["state"], waiting["reason"]) == ("waiting", "quota_exhausted")
    assert "/a.mp3" not in site.paths(), "nothing is fetched that cannot be taken"
    other = await world.tenant()
    strange = await follower.client.get(f"/api/datasets/{dataset_id}/feed", headers=other.headers)
    assert strange.status_code == 404
    plain = await follower.ask(
        "PATCH", f"/api/datasets/{follower.tenant.dataset_id}/feed", json={"feed_url": site.url("/f")}
    )
    assert plain.json()["error"] is not None


async def test_podcasts_and_episodes_are_found_by_title_and_language(follower: Follower) -> None:
    site = follower.site
    head = '<itunes:image href="/cover.jpg"/><itunes:author>Ruth Sander</itunes:author>'
    site.pages = {
        "/a.mp3": AUDIO,
        "/feed.xml": rss([entry(1, url=site.url("/a.mp3"), date=day(1))], head=head, language="de-DE"),
    }
    dataset_id = await follower.follow()
    await follower.poll(dataset_id)
    await follower.fetch_all()
    for query in ("q=TALK", "language=de", "q=talk&language=de"):
        [podcast] = (await follower.ask("GET", f"/api/podcasts?{query}")).json()["podcasts"]
        assert podcast == {
            "id": dataset_id,
            "title": "Talks",
            "slug": f"talks-{dataset_id}",
            "description": "All talks",
            "language": "de",
            "image_url": site.url("/cover.jpg"),
            "link": "https://good.example/",
            "author": "Ruth Sander",
            "episode_count": 1,
            "latest_publish_date": "2026-01-01T08:00:00Z",
        }
    assert (await follower.ask("GET", "/api/podcasts?language=fr")).json()["total"] == 0
    for query in ("q=episode", f"podcast_id={dataset_id}", f"q=EPISODE%201&podcast_id={dataset_id}"):
        [episode] = (await follower.ask("GET", f"/api/episodes?{query}")).json()["episodes"]
        assert (episode["publish_date"], episode["slug"]) == ("2026-01-01T08:00:00Z", f"episode-1-{episode['id']}")
        told = {"id": dataset_id, "title": "Talks", "slug": f"talks-{dataset_id}", "image_url": site.url("/cover.jpg")}
        assert episode["podcast"] == told
    assert (await follower.ask("GET", "/api/episodes?q=nothing")).json()["total"] == 0
    assert (await follower.ask("GET", "/api/episodes?language=fr")).json()["total"] == 0


async def test_search_dates_an_episode_by_its_publishers_word(follower: Follower, world: World) -> None:
    site = follower.site
    site.pages["/feed.xml"] = rss([], head='<itunes:image href="/cover.jpg"/>')
    dataset_id = await follower.follow()
    await follower.poll(dataset_id)
    item_id = await world.item(dataset_id, talk("good morning from the harbor"))
    await world.item(dataset_id, talk("another harbor"))
    async with follower.components.database.transaction() as session:
        await session.execute(
            text("UPDATE items SET publish_date = '2024-02-03T04:05:06Z' WHERE id = :id"), {"id": item_id}
        )
    found = await follower.ask(
        "POST", "/api/search", json={"query": "harbor", "sort": {"field": "date", "order": "asc"}}
    )
    first = found.json()["results"][0]
    assert first["episode"]["publish_date"] == "2024-02-03T04:05:06Z"
    assert first["podcast"]["image_url"] == site.url("/cover.jpg")
    grouped = (await follower.ask("GET", "/api/search?q=morning")).json()["results"]
    assert [one["episode"]["pub_date"] for one in grouped] == ["2024-02-03T04:05:06Z"]
    dated = {"query": "harbor", "filters": {"date_range": {"start": "2024-02-01", "end": "2024-03-01"}}}
    answer = (await follower.ask("POST", "/api/search", json=dated)).json()
    assert [one["item_id"] for one in answer["results"]] == [item_id]


async def test_lists_of_feeds_go_in_and_out_without_private_ones(follower: Follower) -> None:
    site = follower.site
    slug = (await follower.ask("GET", f"/api/datasets/{follower.tenant.dataset_id}")).json()["library"]
    await follower.follow("/private.xml?token=t0psecret")
    await follower.follow("/known.xml")
    path = f"/api/libraries/{slug}/feeds/opml"
    given = "".join(
        f'<outline text="{name}" xmlUrl="{url}"/>'
        for name, url in (
            ("A &amp; B", site.url("/a.xml")),
            ("Again", site.url("/a.xml")),
            ("Known", site.url("/known.xml")),
            ("Private", site.url("/private.xml?token=t0psecret")),
            ("Bad", "ftp://ada:s3cret@x/t0psecret"),
            ("Worse", "talks.example.com/feed"),
        )
    )
    document = f'<?xml version="1.0"?><opml version="2.0"><body><outline text="Group">{given}</outline></body></opml>'
    answer = (await follower.ask("POST", path, json={"opml": document, "newest": 2})).json()
    assert [one["name"] for one in answer["followed"]] == ["A & B"]
    assert [tuple(one[key] for key in ("name", "reason", "url", "message")) for one in answer["left_out"]] == [
        ("Known", "known", site.url("/known.xml"), "The library follows it already."),
        ("Private", "known", site.url("/…"), "The library follows it already."),
        ("Bad", "field_invalid", "ftp://x/…", "Its address must begin with https://."),
        ("Worse", "field_invalid", None, "Its address must be an https:// URL."),
    ]
    assert (await follower.feed(answer["followed"][0]["dataset_id"]))["newest"] == 2
    listed = (await follower.ask("GET", path)).text
    assert [(one.title, one.url) for one in read_opml(listed)] == [
        ("A & B", site.url("/a.xml")),
        ("Talks", site.url("/known.xml")),
    ]
    for broken in ("<opml", "<rss/>", '<!DOCTYPE opml [<!ENTITY a "b">]><opml/>'):
        assert (await follower.ask("POST", path, json={"opml": broken})).status_code == 400
