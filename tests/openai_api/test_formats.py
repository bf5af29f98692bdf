"""The six formats and the translations, asked for by OpenAI's own client."""

import httpx
import pytest
from openai import OpenAI

from echoic.testing.private_server import PrivateServer
from tests.openai_api.conftest import RECORDING
from tests.recordings import tones

pytestmark = pytest.mark.processes


def test_json_is_the_text_with_its_language_and_length(client: OpenAI) -> None:
    with RECORDING.open("rb") as file:
        heard = client.audio.transcriptions.create(file=file, model="whisper-1")
    assert len(heard.text.split()) > 5
    assert heard.usage is not None
    assert heard.usage.type == "duration"
    assert heard.usage.seconds == 11
    assert [language.code for language in heard.languages or ()] == ["en"]


def test_text_and_subtitles_are_text(client: OpenAI) -> None:
    text, srt, vtt = (
        client.audio.transcriptions.create(file=RECORDING, model="whisper-1", response_format=form)
        for form in ("text", "srt", "vtt")
    )
    words = client.audio.transcriptions.create(file=RECORDING, model="whisper-1").text
    assert text == f"{words}\n"
    assert srt.startswith("1\n00:00:0")
    assert vtt.startswith("WEBVTT\n")
    assert all(word in srt and word in vtt for word in words.split())
    assert "SPEAKER" not in srt + vtt


@pytest.mark.parametrize(
    ("asked", "has_segments", "has_words"),
    [(None, True, False), (["segment"], True, False), (["word"], False, True), (["word", "segment"], True, True)],
)
def test_verbose_json_has_the_times_that_are_asked_for(
    client: OpenAI, asked: list[str] | None, has_segments: bool, has_words: bool
) -> None:
    more = {} if asked is None else {"timestamp_granularities": asked}
    heard = client.audio.transcriptions.create(  # type: ignore[call-overload]
        file=RECORDING, model="whisper-1", response_format="verbose_json", **more
    )
    assert (heard.language, heard.duration, heard.usage.seconds) == ("english", 11.0, 11)
    assert (bool(heard.segments), bool(heard.words)) == (has_segments, has_words)
    for segment in heard.segments or ():
        assert segment.start < segment.end <= 11
        assert segment.avg_logprob < 0
        assert segment.text in heard.text
    if has_words:
        assert " ".join(word.word for word in heard.words) == heard.text.replace(".", "")


def test_diarized_json_names_speakers_by_letters(client: OpenAI) -> None:
    heard = client.audio.transcriptions.create(
        file=("two.wav", tones(100.0, 250.0)), model="gpt-4o-transcribe-diarize", response_format="diarized_json"
    )
    assert [segment.speaker for segment in heard.segments] == ["A", "B"]
    assert [segment.type for segment in heard.segments] == ["transcript.text.segment"] * 2
    assert heard.segments[0].end <= heard.segments[1].start
    assert heard.text == " ".join(segment.text for segment in heard.segments)
    assert heard.duration == 8.0


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
def test_translations_have_every_format_but_that_with_speakers(client: OpenAI) -> None:
    said = client.audio.translations.create(file=RECORDING, model="whisper-1")
    assert said.text
    verbose = client.audio.translations.create(file=RECORDING, model="whisper-1", response_format="verbose_json")
    assert verbose.language == "english"
    assert verbose.text == said.text
    srt = client.audio.translations.create(file=RECORDING, model="whisper-1", response_format="srt")
    assert "-->" in str(srt)


def test_unknown_models_are_the_default_and_a_header_says_so(client: OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert names[0] == "fake/only"
    assert {"whisper-1", "gpt-4o-transcribe-diarize"} < set(names)
    assert client.models.retrieve("fake/only").owned_by == "echoic"
    for name, unknown in (("fake/only", None), ("only", None), ("whisper-1", None), ("my-own", "true")):
        answer = client.audio.transcriptions.with_raw_response.create(file=RECORDING, model=name)
        assert answer.headers.get("X-Model-Unknown") == unknown, name
        assert answer.headers["X-Model-Used"] == "fake/second-hash"


def test_remarks_stand_in_the_body_and_in_a_header(client: OpenAI) -> None:
    silence = tones(0.0, seconds=3.0)
    answer = client.audio.transcriptions.with_raw_response.create(file=("quiet.wav", silence), model="whisper-1")
    assert answer.headers["X-Item-Notices"] == "no_speech"
    heard = answer.parse()
    assert heard.text == ""
    assert [notice["code"] for notice in (heard.model_extra or {})["notices"]] == ["no_speech"]
    text = client.audio.transcriptions.with_raw_response.create(
        file=("quiet.wav", silence), model="whisper-1", response_format="text"
    )
    assert text.headers["X-Item-Notices"] == "no_speech"


def test_a_recording_is_kept_briefly_unless_it_is_to_stay(server: PrivateServer, client: OpenAI) -> None:
    def item_of(**query: str) -> dict[str, object]:
        answer = client.audio.transcriptions.with_raw_response.create(
            file=("kept.wav", tones(300.0)), model="whisper-1", extra_query=query
        )
        item: dict[str, object] = server.client.get(f"/api/items/{answer.headers['X-Item-Id']}").json()
        return item

    brief, kept = item_of(), item_of(keep="true", dataset="1")
    assert brief["id"] != kept["id"]
    assert kept["title"] == "kept"
    with httpx.Client(base_url=server.client.base_url, headers=server.client.headers, timeout=60) as following:
        for item, stages in ((brief, ["decode", "transcribe", "publish"]), (kept, None)):
            with following.stream("GET", f"/api/items/{item['id']}/events") as stream:
                events = "".join(stream.iter_text())
            done = [stage for stage in ALL_STAGES if f'"stage": "{stage}", "event": "done"' in events]
            assert done == (stages or list(ALL_STAGES))
            assert ('"temporary"' in events) == (stages is not None)


ALL_STAGES = ("decode", "transcribe", "diarize", "attribute", "identify", "entities", "embed", "index", "publish")
