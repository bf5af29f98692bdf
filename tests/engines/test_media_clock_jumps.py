"""Jumps of a file's clock by more than an hour: a pause where the file's length holds it, told where it does not."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from echoic.engines.media.parent import MediaLimits, MediaSource
from echoic.records import Audio, MediaInfo
from tests.engines.sounds import loudness_of

Encode = Callable[..., bytes]
Source = Callable[[bytes], MediaSource]
Decoded = Callable[..., Awaitable[tuple[MediaInfo, Audio]]]

PAUSE_SECONDS = 4000.0
Form = tuple[str, str]
STATED: list[Form] = [("webm", "libopus"), ("mp4", "aac")]


def paused(encode: Encode, form: Form) -> bytes:
    """Three seconds of a tone, a pause that is left out, and three seconds more."""
    return encode(*form, rate=48_000, seconds=6.0, delay=lambda second: PAUSE_SECONDS if second >= 3.0 else 0.0)


@pytest.mark.parametrize("form", STATED, ids=lambda form: form[0])
async def test_a_long_pause_is_kept_where_the_stated_length_holds_it(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, form: Form
) -> None:
    content = paused(encode, form)

    info, audio = await decoded(source(content), replace(limits, max_duration_seconds=5000.0))

    assert info.duration_seconds == pytest.approx(PAUSE_SECONDS + 6.0, abs=0.3)
    assert (info.told_seconds, info.skipped_seconds) == (None, 0.0)
    assert info.damaged_seconds < 0.2
    assert loudness_of(audio, 440, 10.0, PAUSE_SECONDS) < 0.01
    assert loudness_of(audio, 440, PAUSE_SECONDS + 3.5, PAUSE_SECONDS + 5.5) > 0.3


@pytest.mark.parametrize("form", [("ogg", "libopus"), *STATED], ids=lambda form: form[0])
async def test_a_long_jump_that_is_not_kept_is_told_and_is_no_early_end(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, form: Form
) -> None:
    """An Ogg states no length, and the others one that is longer than allowed."""
    content = paused(encode, form)

    info, _ = await decoded(source(content), limits)

    assert info.duration_seconds == pytest.approx(6.0, abs=0.3)
    assert info.skipped_seconds == pytest.approx(PAUSE_SECONDS, abs=0.3)
    assert info.told_seconds is None
    assert info.damaged_seconds < 0.2


async def test_a_file_that_breaks_off_is_told_although_its_clock_jumped(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    whole = encode(
        "matroska", "aac", rate=48_000, seconds=60.0, delay=lambda second: PAUSE_SECONDS if second >= 3.0 else 0.0
    )

    info, _ = await decoded(source(whole[: len(whole) // 2]), limits)

    assert info.skipped_seconds == pytest.approx(PAUSE_SECONDS, abs=0.3)
    assert info.told_seconds == pytest.approx(PAUSE_SECONDS + 60.0, abs=0.5)
