"""Known speakers: by clips as data URLs and as files, and what is refused of them."""

import base64
from typing import Any

import openai
import pytest
from openai import OpenAI

from echoic.testing.private_server import PrivateServer
from tests.recordings import tones

pytestmark = pytest.mark.processes

LOW, HIGH = 100.0, 250.0
TALK = tones(LOW, HIGH, seconds=5.0)


def data_url(content: bytes) -> str:
    return f"data:audio/wav;base64,{base64.b64encode(content).decode()}"


def ask(client: OpenAI, names: list[str], references: list[str], talk: bytes = TALK) -> list[str]:
    heard = client.audio.transcriptions.create(
        file=("talk.wav", talk),
        model="gpt-4o-transcribe-diarize",
        response_format="diarized_json",
        known_speaker_names=names,
        known_speaker_references=references,
    )
    return list(dict.fromkeys(segment.speaker for segment in heard.segments))


def test_known_speakers_have_their_names_and_others_letters(client: OpenAI) -> None:
    low, high = data_url(tones(LOW)), data_url(tones(HIGH, seconds=2.5))
    assert ask(client, ["agent", "customer"], [low, high]) == ["agent", "customer"]
    assert ask(client, ["customer"], [high]) == ["A", "customer"]


def test_a_reference_may_come_as_a_file(server: PrivateServer) -> None:
    answer = server.client.post(
        "/v1/audio/transcriptions",
        data={"model": "x", "response_format": "diarized_json", "known_speaker_names[]": ["agent"]},
        files=[("file", ("talk.wav", TALK)), ("known_speaker_references[]", ("agent.wav", tones(LOW)))],
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["segments"][0]["speaker"] == "agent"


def test_the_voices_are_forgotten_and_kept_in_no_library(server: PrivateServer, client: OpenAI) -> None:
    ask(client, ["agent"], [data_url(tones(LOW, seconds=3.0))], tones(LOW, HIGH, seconds=4.5))
    libraries = server.client.get("/api/libraries").json()["libraries"]
    for library in libraries:
        speakers = server.client.get(f"/api/libraries/{library['slug']}/speakers").json()
        assert speakers["speakers"] == []


@pytest.mark.parametrize(
    ("names", "references", "reason"),
    [
        (["a", "b"], [data_url(tones(LOW))], "2 known speaker names and 1 references"),
        (["a", "a"], [data_url(tones(LOW))] * 2, "must differ"),
        (list("abcde"), [data_url(tones(LOW))] * 5, "At most 4"),
        (["a"], ["https://example.org/clip.wav"], "must be a data URL"),
        (["a"], ["data:audio/wav;base64,%%%"], "not in base64"),
        (["a"], [data_url(b"no sound")], "cannot be used; 2 to 10 s"),
        (["a"], [data_url(tones(LOW, seconds=1.5))], "shorter than 2 s"),
        (["a"], [data_url(tones(LOW, seconds=12.0))], "longer than 10"),
        (["a"], [data_url(tones(0.0, seconds=4.0))], "speech"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(
    client: OpenAI, names: list[str], references: list[str], reason: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, names, references)
    assert reason in caught.value.message
    assert caught.value.param in ("known_speaker_references", "known_speaker_names")


def test_without_speakers_in_the_answer_references_are_passed_over(client: OpenAI) -> None:
    more: dict[str, Any] = {"known_speaker_names": ["a"], "known_speaker_references": [data_url(b"no sound")]}
    assert client.audio.transcriptions.create(file=("talk.wav", TALK), model="x", **more).text
