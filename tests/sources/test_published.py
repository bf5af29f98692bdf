"""Transcripts and chapters of publishers: each form as it is really written, and whatever else comes."""

import json
import time

import pytest
from hypothesis import given, settings, strategies as st

from echoic.errors import PublishedTextUnreadable
from echoic.sources.feed.published import form_of, read_chapters, read_transcript

VTT = """\ufeffWEBVTT - talk

STYLE
::cue { color: red }

1
00:01.500 --> 00:00:03.000 align:start
<v.loud Ruth Sander>Good <i>morning</i>,

NOTE nothing
00:00:03.100 --> 00:00:05.000
<v Ruth Sander>Tom &amp; all.

00:05.000 --> 00:06.000
<v Tom>Hello.
"""
SRT = "1\r\n00:00:01,500 --> 00:00:03,000\r\nGood morning,\r\nall.\r\n\r\n2\r\n00:00:03,100 --> 00:00:05,000\r\n\r\nno cue\r\n"
JSON = json.dumps(
    {
        "version": "1.0.0",
        "segments": [
            {"speaker": "Ruth", "startTime": 1.5, "endTime": 2, "body": "Good"},
            {"speaker": "Ruth", "startTime": "2.0", "endTime": 3, "body": "morning."},
            {"speaker": "Tom", "startTime": 4, "body": "Hello."},
            {"startTime": "NaN", "body": "never"},
            {"startTime": 1e300, "body": "never"},
            "odd",
        ],
    }
)
HTML = "<html><style>p{}</style><cite>Ruth:</cite><time>0:01</time><p>Good &amp; fine</p><p>More</p><cite>Tom:</cite><p>Hello</p>"


def test_each_form_is_known_by_its_content_and_read() -> None:
    found = {
        name: [
            (one.start, one.end, one.speaker, one.text)
            for one in read_transcript(text, form_of(text.lstrip("\ufeff"), media))
        ]
        for name, text, media in (
            ("vtt", VTT.lstrip("\ufeff"), "application/x-subrip"),
            ("srt", SRT, "text/vtt"),
            ("json", JSON, "text/plain"),
            ("html", HTML, "text/html; charset=utf-8"),
            ("txt", "One.\n\nTwo < three.", "text/plain"),
        )
    }
    assert found == {
        "vtt": [(1.5, 5.0, "Ruth Sander", "Good morning, Tom & all."), (5.0, 6.0, "Tom", "Hello.")],
        "srt": [(1.5, 3.0, None, "Good morning, all.")],
        "json": [(1.5, 3.0, "Ruth", "Good morning."), (4.0, 4.0, "Tom", "Hello.")],
        "html": [
            (1.0, None, "Ruth", "Good & fine"),
            (None, None, "Ruth", "More"),
            (None, None, "Tom", "Hello"),
        ],
        "txt": [(None, None, None, "One."), (None, None, None, "Two < three.")],
    }


def test_chapters_are_sorted_and_end_where_the_next_begins() -> None:
    told = [
        {"startTime": 60, "title": "Two"},
        {"startTime": 0, "title": " One\n"},
        {"startTime": 9, "toc": False},
        {"startTime": 90},
    ]
    found = read_chapters(json.dumps({"version": "1.2.0", "chapters": told}))
    assert [(one.start, one.end, one.title) for one in found] == [
        (0, 60, "One"),
        (60, 90, "Two"),
        (90, None, "Chapter 3"),
    ]


@pytest.mark.parametrize(
    ("text", "media"),
    [
        ("<!doctype html><title>Not found</title>", "text/vtt"),
        ("<html>Not found</html>", "text/plain"),
        ("", "text/html"),
        ("WEBVTT\n\nNOTE nothing is said\n", "text/vtt"),
        ("[" * 200_000, "application/json"),
        ('{"segments": 7}', "application/json"),
    ],
)
def test_a_text_that_is_none_is_refused(text: str, media: str) -> None:
    with pytest.raises(PublishedTextUnreadable):
        read_transcript(text, form_of(text, media))
    with pytest.raises(PublishedTextUnreadable):
        read_chapters(text)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), text=st.sampled_from([VTT, SRT, JSON, HTML]))
def test_whatever_comes_is_read_or_refused(data: st.DataObject, text: str) -> None:
    for at in data.draw(st.lists(st.integers(0, len(text) - 1), max_size=6)):
        put = data.draw(
            st.sampled_from(["", "<", "-->", "\n\n", "{", '"', "99:99:99,9 --> 0:0:0.0", "<v x", "\\ud800"])
        )
        text = text[:at] + put + text[at + data.draw(st.integers(0, 9)) :]
    try:
        segments = read_transcript(text, form_of(text, data.draw(st.sampled_from(["text/html", "text/vtt", None]))))
    except PublishedTextUnreadable:
        return
    assert all(one.text.encode() and (one.end is None or one.start is None or one.end >= one.start) for one in segments)


@pytest.mark.parametrize("part", ["<v ", "<cite>", "<", "00:00:01,000 --> ", "-->\n", "<time ", "&", "<c.x.x.x"])
def test_no_text_takes_longer_than_its_length(part: str) -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\n" + part * 100_000
    begun = time.process_time()
    for media in ("text/vtt", "text/html"):
        for form in ("vtt", "html", "txt"):
            try:
                read_transcript(text, form)
            except PublishedTextUnreadable:
                assert media
    assert time.process_time() - begun < 20
