"""The decode stage of an item that was decoded before."""

import io
import wave

from echoic.compose import Components
from echoic.db.items import items, peaks
from echoic.stages import decode
from tests.stages.conftest import MakeContext, completed
from tests.stored import store


def wav(frames: bytes) -> bytes:
    """Make a WAV file, mono of 16 bits at 16 kHz."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(frames)
    return content.getvalue()


async def test_audio_that_a_run_which_was_never_published_decoded_is_given_up(
    components: Components, make_context: MakeContext
) -> None:
    context = await make_context(bytes(32_000))
    audio_blob_id = await store(components, wav(bytes(3_200)))
    async with components.database.transaction() as session:
        item = await items.get_item(session, context.item_id)
        assert item is not None
        item.audio_blob_id = audio_blob_id
        former = item.decoded_blob_id
    assert former is not None
    await completed(context, decode.run)
    async with components.database.transaction() as session:
        item = await items.get_item(session, context.item_id)
        assert item is not None
        assert item.decoded_blob_id not in (None, former)
        assert await items.get_blob(session, former) is None, "no row names the bytes, so the sweep takes them"


async def test_the_outline_outlives_the_decoded_audio(components: Components, make_context: MakeContext) -> None:
    context = await make_context(bytes(32_000))
    audio_blob_id = await store(components, wav(b"\x00\x40" * 16_000))
    async with components.database.transaction() as session:
        item = await items.get_item(session, context.item_id)
        assert item is not None
        item.audio_blob_id = audio_blob_id
    await completed(context, decode.run)
    async with components.database.transaction() as session:
        item = await items.get_item(session, context.item_id)
        assert item is not None
        await items.drop_decoded(session, item)
    async with components.database.transaction() as session:
        assert await peaks.find_peaks(session, context.item_id) == bytes([64]) * 4_000
