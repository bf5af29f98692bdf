"""Transcripts and chapters that publishers give with their episodes: fetched, kept beside ours, and said where they are bad."""

import json
from pathlib import Path
from typing import Any

import pytest

from echoic.sources import publications as publications_module
from tests.api.feed_site import Follower, Page
from tests.sources.feeds import entry, rss

AUDIO = (Path(__file__).parents[2] / "examples" / "jfk.flac").read_bytes()
VTT = b"WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ruth>Only the publisher says gesundheit.\n"
CHAPTERS = json.dumps({"version": "1.2.0", "chapters": [{"startTime": 0, "title": "Harbor"}]}).encode()


def named(*texts: tuple[str, str]) -> str:
    return "".join(f'<podcast:transcript url="{url}" type="{media}" language="en-gb"/>' for url, media in texts)


async def episode(follower: Follower, *texts: tuple[str, str], more: str = "") -> str:
    """Take an episode and what its publisher gives with it; returns the path of the texts of its item."""
    site = follower.site
    site.pages |= {"/a.mp3": AUDIO, "/feed.xml": rss([entry(1, url=site.url("/a.mp3"), more=named(*texts) + more)])}
    dataset_id = await follower.follow()
    await follower.poll(dataset_id)
    assert not await follower.publications().fetch_next(), "there is no item yet"
    await follower.fetch_all()
    [item] = await follower.items(dataset_id)
    return f"/api/items/{item['id']}/published-texts"


async def listed_at(follower: Follower, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await follower.ask("GET", path)).json()["texts"]
    return found


async def test_bad_texts_of_a_publisher_say_why_and_break_nothing(
    follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publications_module, "MAX_TEXT_BYTES", 10_000)
    site = follower.site
    site.pages = {"/lost.srt": b"<!doctype html><p>We are sorry</p>", "/large.json": b"[" * 20_000}
    path = await episode(
        follower,
        (site.url("/lost.srt"), "application/x-subrip"),
        (site.url("/large.json"), "application/json"),
        ("https://internal.example/x.vtt", "text/vtt"),
    )
    while await follower.publications().fetch_next():
        pass
    listed = await listed_at(follower, path)
    assert [(one["state"], one["error"]["code"]) for one in listed] == [
        ("failed", "published_text_unreadable"),
        ("failed", "published_text_too_large"),
        ("failed", "url_forbidden"),
    ]
    refused = await follower.ask("GET", f"{path}/{listed[0]['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_published")
    assert (await follower.ask("GET", f"{path}/999999")).json()["code"] == "published_text_not_found"


async def test_what_a_publisher_gives_stands_beside_ours(follower: Follower) -> None:
    site = follower.site
    site.pages = {
        "/1.vtt": Page(status="302 Found", headers={"Location": "/2.vtt?token=t0psecret"}),
        "/2.vtt": Page(VTT, headers={"Content-Type": "text/html"}),
        "/page.html": b"<p>Said <script>alert(1)</script>aloud</p>",
        "/chapters.json": CHAPTERS,
    }
    texts = ((site.url("/1.vtt?token=t0psecret"), "text/vtt"), (site.url("/page.html"), "text/html"))
    chapters = f'<podcast:chapters url="{site.url("/chapters.json")}" type="application/json+chapters"/>'
    path = await episode(follower, *texts, more=chapters)
    while await follower.publications().fetch_next():
        pass
    listed = await listed_at(follower, path)
    assert [(one["kind"], one["form"], one["source"]) for one in listed] == [
        ("transcript", "vtt", "good.example"),
        ("transcript", "html", "good.example"),
        ("chapters", "json", "good.example"),
    ]
    first, page, told = (one["id"] for one in listed)
    read = (await follower.ask("GET", f"{path}/{first}")).json()
    said = {"start": 1.0, "end": 2.0, "speaker": "Ruth", "text": "Only the publisher says gesundheit."}
    assert (read["segments"], read["language"]) == ([said], "en-gb")
    read = (await follower.ask("GET", f"{path}/{told}")).json()
    assert read["chapters"] == [{"start": 0.0, "end": None, "title": "Harbor"}]
    came = await follower.ask("GET", f"{path}/{first}/file")
    assert (came.content, came.headers["content-type"].partition(";")[0]) == (VTT, "text/vtt")
    html = await follower.ask("GET", f"{path}/{page}/file")
    assert html.headers["content-type"].startswith("text/plain")
    assert html.headers["content-disposition"].startswith("attachment")
    assert "t0psecret" not in (await follower.ask("GET", path)).text
    # Written days later, for an episode that was taken long ago; what is known already is not fetched again.
    site.pages["/late.srt"] = b"1\n00:00:01,000 --> 00:00:02,000\nLate\n"
    more = named(*texts, (site.url("/late.srt"), "application/x-subrip")) + chapters
    site.pages["/feed.xml"] = rss([entry(1, url=site.url("/a.mp3"), more=more)])
    [dataset] = {one["id"] for one in (await follower.ask("GET", "/api/podcasts?q=talks")).json()["podcasts"]}
    await follower.poll(dataset)
    assert await follower.publications().fetch_next()
    assert not await follower.publications().fetch_next()
    assert [one["form"] for one in await listed_at(follower, path)][-1] == "srt"


async def test_a_text_whose_host_is_away_is_asked_for_again_and_given_up_at_last(follower: Follower) -> None:
    follower.site.pages = {"/1.vtt": Page(status="503 Away")}
    path = await episode(follower, (follower.site.url("/1.vtt"), "text/vtt"))
    states = []
    while await follower.publications().fetch_next():
        states += [one["state"] for one in await listed_at(follower, path)]
        assert not await follower.publications().fetch_next(), "not before its time"
        await follower.pass_time()
    assert states == [*["waiting"] * len(publications_module.RETRY_SECONDS), "failed"]
