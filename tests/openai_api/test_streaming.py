"""The answer as events, read by OpenAI's client."""

import pytest
from openai import OpenAI

from tests.openai_api.conftest import RECORDING
from tests.recordings import tones


@pytest.mark.processes
def test_the_deltas_are_the_whole_text(client: OpenAI) -> None:
    events = list(client.audio.transcriptions.create(file=RECORDING, model="gpt-4o-transcribe", stream=True))
    deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
    done = events[-1]
    assert done.type == "transcript.text.done"
    assert "".join(deltas) == done.text
    assert done.text == client.audio.transcriptions.create(file=RECORDING, model="gpt-4o-transcribe").text


@pytest.mark.processes
def test_segments_with_speakers_come_as_events(client: OpenAI) -> None:
    events = list(
        client.audio.transcriptions.create(
            file=("two.wav", tones(100.0, 250.0)), model="whisper-1", response_format="diarized_json", stream=True
        )
    )
    segments = [event for event in events if event.type == "transcript.text.segment"]
    assert [each.speaker for each in segments] == ["A", "B"]
    deltas = [event for event in events if event.type == "transcript.text.delta"]
    assert [each.segment_id for each in deltas] == [each.id for each in segments]
    assert "".join(each.delta for each in deltas) == events[-1].text  # type: ignore[union-attr]
