"""Fields that mean nothing are named with what was probably meant."""

import base64
import json

import pytest

from echoic.errors import AudioUrlMissing
from echoic.intake.fields import KNOWN_FIELDS, MAX_NAMED, form_metadata, likely_meant, notices_of, parse_url_request
from echoic.intake.upload_headers import describe


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("titel", "title"),
        ("Title", "title"),
        ("TITLE", "title"),
        ("desciption", "description"),
        ("desc", "description"),
        ("lang", "language"),
        ("langauge", "language"),
        ("numSpeakers", "num_speakers"),
        ("speakers", "num_speakers"),
        ("max-speakers", "max_speakers"),
        ("SHA-256", "sha256"),
        ("colour", None),
        ("x", None),
        ("", None),
        ("会議", None),
    ],
)
def test_a_slip_is_told_from_what_is_meant_otherwise(name: str, meant: str | None) -> None:
    assert likely_meant(name, KNOWN_FIELDS) == meant


def test_every_way_in_names_what_it_does_not_know() -> None:
    said = {"titel": "Talk", "title": "Talk", "colour": "red"}
    pairs = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
    body = json.dumps(said | {"audio_url": "https://a.example/b.mp3", "more": [1]}).encode()
    by_form = form_metadata("a.mp3", said).notices
    by_url = parse_url_request(body).metadata.notices
    by_tus = describe(f"filename {base64.b64encode(b'a.mp3').decode()},filetype,relativePath,{pairs}").notices
    assert by_form == by_tus == by_url[:2]
    assert [notice.to_object() for notice in by_form] == [
        {
            "code": "field_unknown",
            "message": "The field 'titel' is not known and was passed over; did you mean 'title'?",
            "detail": {"field": "titel", "did_you_mean": "title"},
        },
        {
            "code": "field_unknown",
            "message": "The field 'colour' is not known and was passed over.",
            "detail": {"field": "colour", "did_you_mean": None},
        },
    ]
    assert by_url[2].detail["field"] == "more"


def test_of_many_unknown_fields_some_are_named_and_the_rest_counted() -> None:
    notices = notices_of([f"{n}" * 50 for n in range(MAX_NAMED + 7)], ("title",))
    assert len(notices) == MAX_NAMED + 1
    assert notices[-1].detail == {"more": 7}
    assert all(len(str(notice.detail.get("field", ""))) <= 40 for notice in notices)
    assert notices_of(["title"], ("title",)) == ()


@pytest.mark.parametrize("slip", ["url", "audioUrl", "audio", "audio-url", "Audio_URL", "audio_uri"])
def test_who_misspells_audio_url_is_told_so(slip: str) -> None:
    with pytest.raises(AudioUrlMissing, match=f"'{slip}', which is not known; did you mean 'audio_url'"):
        parse_url_request(json.dumps({slip: "https://a.example/b.mp3"}).encode())
