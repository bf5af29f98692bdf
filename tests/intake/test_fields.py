import json

import pytest

from echoic import errors
from echoic.errors import EchoicError
from echoic.intake.fields import (
    MAX_DESCRIPTION_CHARACTERS,
    MAX_TITLE_CHARACTERS,
    clean_description,
    clean_title,
    parse_url_request,
)

URL = "https://files.example.com/talk.mp3"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("", None),
        (" \t\n", None),
        ("  Q3 interview  ", "Q3 interview"),
        ("x" * MAX_TITLE_CHARACTERS, "x" * MAX_TITLE_CHARACTERS),
        (" " + "😀" * MAX_TITLE_CHARACTERS + " ", "😀" * MAX_TITLE_CHARACTERS),
    ],
)
def test_a_title_is_stripped_and_a_blank_one_is_none(text: str | None, expected: str | None) -> None:
    assert clean_title(text) == expected


def test_the_limits_are_counted_in_characters() -> None:
    with pytest.raises(errors.TitleTooLong, match="501 characters; at most 500"):
        clean_title("ä" * (MAX_TITLE_CHARACTERS + 1))
    assert clean_description("ä" * MAX_DESCRIPTION_CHARACTERS) is not None
    with pytest.raises(errors.DescriptionTooLong, match="20,001 characters; at most 20,000"):
        clean_description("ä" * (MAX_DESCRIPTION_CHARACTERS + 1))


@pytest.mark.parametrize("text", ["a\0b", "half \ud83d pair"])
def test_what_no_database_can_keep_is_refused(text: str) -> None:
    with pytest.raises(errors.FieldInvalid, match="title"):
        clean_title(text)
    with pytest.raises(errors.FieldInvalid, match="description"):
        clean_description(text)


def test_a_request_is_read() -> None:
    request = parse_url_request(json.dumps({"audio_url": URL, "title": " Talk ", "more": [1]}).encode())
    assert (str(request.url), request.metadata.title, request.metadata.description) == (URL, "Talk", None)


def test_null_counts_as_left_out_and_a_byte_order_mark_is_overlooked() -> None:
    request = parse_url_request(b"\xef\xbb\xbf" + json.dumps({"audio_url": URL, "title": None}).encode())
    assert request.metadata.title is None


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", errors.JsonMalformed),
        (b"{", errors.JsonMalformed),
        (b'{"audio_url": "https://x.example/a.mp3",}', errors.JsonMalformed),
        (b"audio_url=https://x.example/a.mp3", errors.JsonMalformed),
        (b"[" * 200_000, errors.JsonMalformed),
        (b'{"a":' * 50_000, errors.JsonMalformed),
        (b"1" * 10_000, errors.JsonMalformed),
        (b'{"audio_url": "\xff"}', errors.FieldNotUtf8),
        ('{"audio_url": "https://x.example/a.mp3"}'.encode("utf-16"), errors.FieldNotUtf8),
        (b"[]", errors.JsonNotObject),
        (b"null", errors.JsonNotObject),
        (b'"https://x.example/a.mp3"', errors.JsonNotObject),
        (b"{}", errors.AudioUrlMissing),
        (b'{"audio_url": null}', errors.AudioUrlMissing),
        (b'{"audio_url": "  "}', errors.AudioUrlMissing),
        (b'{"audio_url": 5}', errors.FieldTypeInvalid),
        (b'{"audio_url": ["https://x.example/a.mp3"]}', errors.FieldTypeInvalid),
        (b'{"audio_url": "https://x.example/a.mp3", "title": 5}', errors.FieldTypeInvalid),
        (b'{"audio_url": "https://x.example/a.mp3", "description": {}}', errors.FieldTypeInvalid),
        (b'{"audio_url": "https://x.example/a.mp3", "title": "\\ud83d"}', errors.FieldInvalid),
        (b'{"audio_url": "https://x.example/a.mp3", "title": "\\u0000"}', errors.FieldInvalid),
        (b'{"audio_url": "http://x.example/a.mp3"}', errors.AudioUrlNotHttps),
        (b'{"audio_url": "ftp://x.example/a.mp3"}', errors.AudioUrlNotHttps),
        (b'{"audio_url": "https://me:secret@x.example/a.mp3"}', errors.AudioUrlHasCredentials),
        (b'{"audio_url": "https://@x.example/a.mp3"}', errors.AudioUrlHasCredentials),
        (b'{"audio_url": "no url"}', errors.AudioUrlInvalid),
        (b'{"audio_url": "https://x.example/\\ud83d.mp3"}', errors.AudioUrlInvalid),
        (b'{"audio_url": "https://x.example/a%00.mp3"}', errors.AudioUrlInvalid),
        (b'{"audio_url": "https://x.example/a%0a.mp3"}', errors.AudioUrlInvalid),
        (b'{"audio_url": "https://x.example/a%C2%9B.mp3"}', errors.AudioUrlInvalid),
    ],
)
def test_a_request_that_cannot_be_used_says_why(body: bytes, error: type[EchoicError]) -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        parse_url_request(body)
    assert type(caught.value) is error
