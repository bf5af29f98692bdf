"""A call with one voice a channel, from its file to a transcript with two speakers."""

import io
import wave
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from echoic.compose import Components
from echoic.db.items import items
from echoic.db.runs.runs import StageResult
from echoic.db.speakers import diarizations
from echoic.db.transcripts import transcripts
from echoic.pipeline.stage import StageContext
from echoic.records import SpeakerTurn, SpeechSpan, VoiceBalance
from echoic.stages import attribute, decode, diarize, transcribe
from echoic.stages.audio import open_decoded
from echoic.stages.channels import joined, one_at_a_time
from echoic.stages.decode import voices_apart
from echoic.stages.tools import Tools
from tests.stages.conftest import MakeContext, completed
from tests.stored import store

RATE = 16_000
SECONDS = 12


def noise(*stretches: tuple[int, int], seed: int) -> NDArray[np.float64]:
    """Sound in these stretches of seconds, silence else."""
    samples = np.zeros(SECONDS * RATE)
    generator = np.random.default_rng(seed)
    for start, end in stretches:
        samples[start * RATE : end * RATE] = generator.normal(0, 0.1, (end - start) * RATE)
    return samples


def wav(*channels: NDArray[np.float64]) -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((len(channels), 2, RATE, 0, "NONE", ""))
        file.writeframes((np.clip(np.stack(channels, axis=1), -1, 1) * 32_767).astype("<i2").tobytes())
    return content.getvalue()


LEFT = noise((0, 3), (7, 9), seed=1)
RIGHT = noise((4, 6), (8, 11), seed=2)


@pytest.fixture
async def decoded(components: Components, make_context: MakeContext) -> Any:
    """Decodes a file as the first stage does; returns the context of those that follow, and the stage's output."""

    async def decode_file(content: bytes) -> tuple[StageContext[Tools], dict[str, Any]]:
        context = await make_context(bytes(SECONDS * RATE * 2))
        audio_blob_id = await store(components, content)
        async with components.database.transaction() as session:
            item = await items.get_item(session, context.item_id)
            assert item is not None
            item.audio_blob_id = audio_blob_id
        output = await completed(context, decode.run)
        async with components.database.transaction() as session:
            session.add(
                StageResult(run_id=context.run_id, stage="decode", version=1, output=output, attempt=1, seconds=0.0)
            )
        return context, output

    return decode_file


async def test_each_channel_is_transcribed_apart_and_is_a_speaker(components: Components, decoded: Any) -> None:
    context, output = await decoded(wav(LEFT, RIGHT))
    assert (output["tracks"], output["duration_seconds"]) == (3, SECONDS)
    for stage in (transcribe.run, diarize.run, attribute.run):
        await completed(context, stage)
    async with components.database.transaction() as session:
        transcript = await transcripts.transcript_of_run(session, context.run_id)
        assert transcript is not None
        rows = await transcripts.list_segments(session, transcript.id)
        found = await diarizations.load_diarization(session, transcript.id)
    said = {
        speaker: [word["start"] for row in rows if row.speaker == speaker for word in row.words]
        for speaker in ("SPEAKER_00", "SPEAKER_01")
    }
    # The fake hears a word a second, of each channel what is on it alone.
    assert {speaker: [int(start) for start in starts] for speaker, starts in said.items()} == {
        "SPEAKER_00": [0, 1, 2, 7, 8],
        "SPEAKER_01": [4, 5, 8, 9, 10],
    }
    assert [row.start for row in rows] == sorted(row.start for row in rows)
    assert found is not None
    assert {turn.speaker for turn in found.turns} == {"SPEAKER_00", "SPEAKER_01"}
    both = [turn for turn in found.turns if turn.end > 8.1]
    assert both[0].end > both[1].start, "they speak at once"
    assert all(before.end <= after.start for before, after in zip(found.exclusive, found.exclusive[1:], strict=False))


async def test_the_tracks_of_a_call_are_the_mix_and_each_channel(components: Components, decoded: Any) -> None:
    context, _ = await decoded(wav(LEFT, RIGHT))
    audio = await open_decoded(context)
    first, second = audio.voices
    assert audio.duration_seconds == first.duration_seconds == SECONDS
    assert np.allclose(await first.read(0, RATE), LEFT[:RATE], atol=1e-3)
    assert np.allclose(await second.read(4 * RATE, RATE), RIGHT[4 * RATE : 5 * RATE], atol=1e-3)
    assert np.allclose(await audio.read(8 * RATE, RATE), (LEFT + RIGHT)[8 * RATE : 9 * RATE] / 2, atol=1e-3)
    assert len(await first.read(SECONDS * RATE - 5, RATE)) == 5
    assert not np.any(await second.read(SECONDS * RATE, RATE))


@pytest.mark.parametrize(
    "content",
    [
        wav(LEFT),
        wav(LEFT + RIGHT, LEFT + RIGHT),
        wav(LEFT, 0.4 * LEFT),
        wav(LEFT + RIGHT, 0 * LEFT),
        wav(0 * LEFT, 0 * LEFT),
    ],
    ids=["mono", "the same on both", "panned", "one channel dead", "silence"],
)
async def test_other_recordings_are_one_mix(decoded: Any, content: bytes) -> None:
    context, output = await decoded(content)
    assert output["tracks"] == 1
    assert (await open_decoded(context)).voices == ()


@pytest.mark.parametrize(
    ("balance", "voices"),
    [
        (VoiceBalance(1000, (400, 500)), (0, 1)),
        (VoiceBalance(1000, (300, 400)), ()),
        (VoiceBalance(1000, (990, 10)), ()),
        (VoiceBalance(1000, (500, 0, 0, 450)), (0, 3)),
        (VoiceBalance(1000, (500, 12, 3, 450)), (0, 1, 3)),
        (VoiceBalance(1000, (100,) * 9), ()),
        (VoiceBalance(1000, ()), ()),
        (VoiceBalance(), ()),
    ],
)
def test_a_call_is_told_by_its_balance(balance: VoiceBalance, voices: tuple[int, ...]) -> None:
    assert voices_apart(balance) == voices


def test_turns_that_windows_cut_are_joined_and_overlaps_go_to_who_spoke_first() -> None:
    def span(start: float, end: float) -> SpeechSpan:
        return SpeechSpan(start=start, end=end)

    assert joined([span(0, 1), span(1.2, 2), span(2.5, 3)]) == [span(0, 2), span(2.5, 3)]
    turns = [
        SpeakerTurn(start=start, end=end, speaker=speaker)
        for start, end, speaker in ((0.0, 4.0, "A"), (1.0, 2.0, "B"), (3.0, 6.0, "B"), (5.0, 7.0, "A"))
    ]
    assert [(turn.start, turn.end, turn.speaker) for turn in one_at_a_time(turns)] == [
        (0.0, 4.0, "A"),
        (4.0, 6.0, "B"),
        (6.0, 7.0, "A"),
    ]
