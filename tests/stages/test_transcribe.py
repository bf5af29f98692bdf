"""The transcribe stage over several pieces: what is kept, and that an interruption changes nothing."""

import itertools
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.compose import Components
from echoic.db.items import items
from echoic.db.runs import runs
from echoic.db.transcripts import transcripts
from echoic.engines.fake import TRANSCRIBER_ID
from echoic.engines.protocols import TranscribeOptions
from echoic.engines.registry import Engines
from echoic.errors import TranscriberNotOffered
from echoic.pipeline.stage import StageContext, StopRequested
from echoic.records import LanguageRun, Segment, Transcription, TranscriptionLimit
from echoic.stages import publish, transcribe
from echoic.stages.tools import Tools
from echoic.units import SAMPLE_RATE
from tests.engines.remote.endpoint import heard, serving
from tests.factories import segment, talk
from tests.stages.conftest import MakeContext, completed, resolved

SECONDS = 1_300
PIECES = 3
SAMPLES = SECONDS * SAMPLE_RATE - 9
BURST_SECONDS, CYCLE_SECONDS = 40, 50


def recording() -> bytes:
    """Bursts of noise with pauses between, never the same twice."""
    generator = np.random.default_rng(7)
    samples = generator.normal(0, 3_000, SAMPLES).astype("<i2")
    silent = np.arange(len(samples)) % (CYCLE_SECONDS * SAMPLE_RATE) >= BURST_SECONDS * SAMPLE_RATE
    samples[silent] = 0
    return samples.tobytes()


@pytest.fixture
async def context(make_context: MakeContext) -> StageContext[Tools]:
    """The stage's context for a long recording that is decoded already."""
    return await make_context(recording())


async def stored_words(components: Components, context: StageContext[Tools]) -> list[Any]:
    """Run the stage, store its output, and read back what it stored."""
    output = await transcribe.run(context)
    assert output.write is not None
    write = output.write

    async def store(session: AsyncSession) -> list[Any]:
        await write(session)
        item = await items.get_item(session, context.item_id)
        assert item is not None
        found = await transcripts.load_transcript(session, item)
        assert found is not None
        return [word for segment in found.transcript.segments for word in segment.words]

    async with components.database.transaction() as session:
        words = await store(session)
        await session.rollback()
        return words


async def test_an_interrupted_transcription_goes_on_at_its_checkpoint_and_says_the_same(
    components: Components, context: StageContext[Tools]
) -> None:
    kept: list[dict[str, Any]] = []

    async def keep(payload: dict[str, Any]) -> None:
        kept.append(payload)

    whole = await stored_words(components, replace(context, save_checkpoint=keep))
    assert len(kept) == PIECES
    assert [piece["first_sample"] for piece in kept] == [0, *(piece["end_sample"] for piece in kept[:-1])]
    lengths = [(piece["end_sample"] - piece["first_sample"]) / SAMPLE_RATE for piece in kept]
    assert all(300 <= length <= 600 for length in lengths[:-1])
    assert kept[-1]["end_sample"] == SAMPLES, "the last piece ends with the very last sample, and the stage with it"

    first: list[dict[str, Any]] = []

    async def keep_one_and_stop(payload: dict[str, Any]) -> None:
        first.append(payload)
        raise StopRequested

    with pytest.raises(StopRequested):
        await transcribe.run(replace(context, save_checkpoint=keep_one_and_stop))
    rest: list[dict[str, Any]] = []

    async def keep_rest(payload: dict[str, Any]) -> None:
        rest.append(payload)

    resumed = await stored_words(components, replace(context, checkpoints=first, save_checkpoint=keep_rest))
    assert len(rest) == PIECES - 1, "the finished piece is not transcribed again"
    assert resumed == whole
    assert whole
    assert all(earlier.end <= later.start for earlier, later in itertools.pairwise(whole))


async def test_a_recording_in_which_nobody_speaks_says_so(make_context: MakeContext) -> None:
    context = await make_context(bytes(2 * 3 * SAMPLE_RATE))
    (notice,) = (await transcribe.run(context)).notices
    assert (notice.code, notice.detail) == ("no_speech", {"duration_seconds": 3.0})


async def test_the_language_heard_by_a_new_run_waits_for_publication_as_its_transcript_does(
    components: Components, make_context: MakeContext
) -> None:
    context = await make_context(recording()[: 60 * SAMPLE_RATE], talk("Guten Morgen"))
    async with components.database.transaction() as session:
        item = await items.get_item(session, context.item_id)
        assert item is not None
        item.status, item.language, published = "published", "de", item.transcript_id
        run = await runs.newest_run(session, context.item_id)
        assert run is not None
        run.state = "succeeded"
        await session.flush()
        again = await runs.create_run(session, item_id=item.id, stage="transcribe", priority=100, options={})
    context = replace(context, run_id=again.id, options={"language": "fr"})

    async def shown() -> tuple[str | None, bool]:
        async with components.database.transaction() as session:
            item = await items.get_item(session, context.item_id)
            assert item is not None
            return item.language, item.transcript_id == published

    await completed(context, transcribe.run)
    assert await shown() == ("de", True)
    await completed(context, publish.run)
    assert await shown() == ("fr", False)


async def test_what_progress_raises_ends_the_transcription(context: StageContext[Tools]) -> None:
    async def stop(seconds: float) -> None:
        raise StopRequested

    with pytest.raises(StopRequested):
        await transcribe.run(replace(context, progress=stop))


async def test_the_request_counts_before_the_dataset_and_replacements_are_made(
    components: Components, make_context: MakeContext
) -> None:
    context = await make_context(recording()[: 60 * SAMPLE_RATE * 2])
    plain = await stored_words(components, context)
    async with components.database.transaction() as session:
        dataset = await items.dataset_of_item(session, context.item_id)
        assert dataset is not None
        dataset.language, dataset.tier, dataset.vocabulary = "de", "careful", ["Echoic"]
        dataset.replacements = [{"find": plain[0].text.strip(".,"), "replace": "Zebra crossing"}]
    context = await resolved(context)
    asked = transcribe._asked(context)
    assert asked.options == TranscribeOptions(language="de", tier="careful", hotwords=("Echoic",))
    told = transcribe._asked(await resolved(context, language="fr", tier="fast"))
    assert (told.options.language, told.options.tier) == ("fr", "fast")
    words = await stored_words(components, context)
    assert [word.text.strip(".,") for word in words[:2]] == ["Zebra", "crossing"]
    assert (words[0].start, words[1].end) == (plain[0].start, plain[0].end)


async def test_a_transcriber_that_is_asked_for_does_it_all_and_goes_on_with_nothing_of_anothers(
    components: Components, make_context: MakeContext
) -> None:
    context = await make_context(recording()[: 20 * SAMPLE_RATE * 2])
    kept: list[dict[str, Any]] = []

    async def keep(payload: dict[str, Any]) -> None:
        kept.append(payload)

    await transcribe.run(replace(context, save_checkpoint=keep))
    with serving(heard) as endpoint:
        settings = components.settings.model_copy(
            update={"transcribers_offered": ("openai/large",), "openai_base_url": endpoint.url}
        )
        engines = Engines(settings)
        tools = replace(context.tools, settings=settings, engines=engines)
        asking = replace(context, tools=tools, save_checkpoint=keep, checkpoints=kept[:], options={"engine": "openai"})
        other = await transcribe.run(asking)
        own = await transcribe.run(replace(asking, options={}, checkpoints=kept[:]))
        engines.close()
    assert [piece["engine"] for piece in kept] == [TRANSCRIBER_ID.label, "openai/large@1"]
    assert (other.output["engine"], own.output["engine"]) == ("openai/large@1", TRANSCRIBER_ID.label)
    with pytest.raises(TranscriberNotOffered, match="'fake' with the model 'only'"):
        await transcribe.run(replace(context, options={"engine": "openai"}))


@pytest.mark.parametrize("options", [{"language": "de"}, {"tier": "careful"}])
async def test_a_transcription_taken_up_again_in_another_language_or_tier_is_all_in_that(
    components: Components, make_context: MakeContext, options: dict[str, str]
) -> None:
    context = await make_context(recording()[: 20 * SAMPLE_RATE * 2])
    kept: list[dict[str, Any]] = []

    async def keep(payload: dict[str, Any]) -> None:
        kept.append(json.loads(json.dumps(payload)))

    await transcribe.run(replace(context, save_checkpoint=keep))
    again = replace(context, save_checkpoint=keep, checkpoints=kept[:], options=options)
    output = await transcribe.run(again)
    assert len(kept) == 2, "what was kept before is not taken for it"
    assert output.output["language"] == options.get("language", "en")
    await transcribe.run(replace(again, checkpoints=kept[:]))
    await transcribe.run(replace(context, checkpoints=kept[:], save_checkpoint=keep))
    assert len(kept) == 2, "each finds its own"


async def test_a_dataset_may_ask_for_a_transcriber_and_a_request_for_another(
    components: Components, make_context: MakeContext
) -> None:
    context = await make_context(b"\0" * 32_000)
    settings = components.settings.model_copy(update={"transcribers_offered": ("faster-whisper/small",)})
    context = replace(context, tools=replace(context.tools, settings=settings))
    async with components.database.transaction() as session:
        dataset = await items.dataset_of_item(session, context.item_id)
        assert dataset is not None
        dataset.model = "small"
    asked = [transcribe._asked(await resolved(context, **options)) for options in ({}, {"engine": "fake"})]
    assert [one.transcriber.engine for one in asked] == ["faster-whisper", "fake"]


def test_pieces_in_several_languages_are_joined_and_doubts_are_told() -> None:
    def piece(first: float, language: str, segments: list[Segment], *found: LanguageRun) -> transcribe.TranscribedPiece:
        heard = Transcription(
            segments=tuple(segments), language=language, language_probability=0.9, languages=tuple(found)
        )
        return transcribe.TranscribedPiece(first_sample=int(first), end_sample=int(first) + 1, transcription=heard)

    english, german = segment("Good morning."), replace(segment("Guten Tag.", start=20.0), language="de")
    pieces = [
        piece(0, "en", [english, german], LanguageRun(start=0, end=18, language="en"),
              LanguageRun(start=18, end=30, language="de", certain=False)),
        piece(1, "de", [segment("Guten Abend.", start=40.0)], LanguageRun(start=30, end=60, language="de")),
    ]  # fmt: skip
    kept = [transcribe._piece_from_json(json.loads(json.dumps(transcribe._piece_to_json(one)))) for one in pieces]
    assert kept == pieces
    whole = transcribe.join_pieces(kept, language="en")
    assert [one.language for one in whole.segments] == [None, "de", "de"]
    assert [run.language for run in whole.languages] == ["en", "de", "de"]
    (notice,) = transcribe._notices(whole, 60.0)
    assert notice.code == "language_doubtful"
    assert notice.detail == {"seconds": 12.0, "stretches": [{"start": 18, "end": 30, "language": "de"}]}


async def test_a_checkpoint_of_an_older_version_has_no_languages() -> None:
    one = transcribe.TranscribedPiece(
        first_sample=0, end_sample=1, transcription=Transcription(segments=(), language="en", language_probability=1.0)
    )
    stored = transcribe._piece_to_json(one)
    del stored["transcription"]["languages"]
    assert transcribe._piece_from_json(stored) == one


def test_what_an_engine_cannot_do_is_told_once_and_outlives_a_checkpoint() -> None:
    def piece(first: float, *limits: TranscriptionLimit) -> transcribe.TranscribedPiece:
        heard = Transcription(segments=(segment("word", start=first),), language="en", language_probability=1.0)
        made = transcribe.TranscribedPiece(
            first_sample=round(first), end_sample=round(first) + 1, transcription=replace(heard, limits=limits)
        )
        return transcribe._piece_from_json(json.loads(json.dumps(transcribe._piece_to_json(made))))

    pieces = [piece(0, "vocabulary_not_used"), piece(10, "vocabulary_not_used", "word_times_estimated")]

    whole = transcribe.join_pieces(pieces, language="en")

    assert [notice.code for notice in transcribe._notices(whole, 20.0)] == [
        *("vocabulary_not_used", "word_times_estimated")
    ]
