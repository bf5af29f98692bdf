"""A decoder that was taken over by a file says anything; its parent believes none of it."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from echoic import errors
from echoic.engines.media import wire
from echoic.engines.media.parent import MediaLimits, MediaSource, decode, probe
from echoic.intake.probe import refusals_named
from echoic.records import MediaInfo
from tests.decoders import decoders

Source = Callable[[bytes], MediaSource]
FOUND = {
    "container": "wav",
    "codec": "pcm_s16le",
    "duration_seconds": 1.5,
    "sample_rate": 8000,
    "channels": 1,
    "tags": {"title": "a\0b\ud800"},
}


def message(kind: bytes, payload: bytes) -> bytes:
    return wire.HEADER.pack(kind, len(payload)) + payload


READY = message(wire.READY, b"[]")


def found(**changes: object) -> bytes:
    return message(wire.DONE, json.dumps({**FOUND, **changes}).encode())


Says = Callable[[bytes], None]


def decoder_that(then: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Says:
    """Replaces the decoder by a program that says something once it is ready, and does ``then`` afterwards."""

    def says(what: bytes) -> None:
        program = folder / "python"
        program.write_text(
            f"#!{sys.executable}\n"
            "import os, sys\n"
            f"sys.stdout.buffer.write({READY + what!r})\n"
            "sys.stdout.buffer.flush()\n"
            f"{then}\n",
            encoding="ascii",
        )
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))

    return says


@pytest.fixture
def child_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Says:
    """The decoder waits to be killed after what it says."""
    return decoder_that("while sys.stdin.buffer.read(1): pass", tmp_path, monkeypatch)


@pytest.fixture
def child_dies_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Says:
    """The decoder ends by a fault after what it says."""
    return decoder_that("os.abort()", tmp_path, monkeypatch)


async def ignore(_: bytes) -> None: ...


async def test_the_play_itself_works(child_says: Says, source: Source, limits: MediaLimits) -> None:
    child_says(found())

    info = await probe(source(bytes(100)), limits)

    assert info == MediaInfo(
        container="wav", codec="pcm_s16le", duration_seconds=1.5, sample_rate=8000, channels=1, tags={"title": "ab?"}
    )


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(message(b"X", b""), id="unknown kind"),
        pytest.param(message(wire.READ, b"short"), id="malformed request"),
        pytest.param(message(wire.READ, wire.RANGE.pack(90, 20)), id="beyond the file"),
        pytest.param(message(wire.READ, wire.RANGE.pack(0, 1 << 31)), id="too much at once"),
        pytest.param(wire.HEADER.pack(wire.AUDIO, 0xFFFFFFFF), id="endless message"),
        pytest.param(message(wire.AUDIO, b"odd"), id="half a sample"),
        pytest.param(message(wire.FAILED, b"because"), id="unknown reason"),
        pytest.param(message(wire.DONE, b"{"), id="no json"),
        pytest.param(message(wire.DONE, b"[]"), id="no object"),
        pytest.param(found(tags=[1]), id="tags of another type"),
        pytest.param(found(container=7), id="container of another type"),
        pytest.param(found(duration_seconds=-1), id="negative duration"),
        pytest.param(found(duration_seconds=float("nan")), id="no duration at all"),
    ],
)
async def test_whatever_else_it_says_the_file_is_unreadable_and_the_process_gone(
    child_says: Says, source: Source, limits: MediaLimits, lie: bytes
) -> None:
    child_says(lie)

    with pytest.raises(errors.MediaUnreadable):
        await decode(source(bytes(100)), limits, on_audio=ignore)
    assert not decoders()


async def test_audio_is_no_answer_to_a_probe(child_says: Says, source: Source, limits: MediaLimits) -> None:
    child_says(message(wire.AUDIO, bytes(100)) + found())

    with pytest.raises(errors.MediaUnreadable):
        await probe(source(bytes(100)), limits)


async def test_more_audio_than_allowed_is_not_passed_on(child_says: Says, source: Source, limits: MediaLimits) -> None:
    child_says(message(wire.AUDIO, bytes(wire.WINDOW_BYTES)) * 3)
    passed_on: list[int] = []

    async def count(window: bytes) -> None:
        passed_on.append(len(window))

    with pytest.raises(errors.MediaTooLong):
        await decode(source(bytes(100)), replace(limits, max_duration_seconds=25.0), on_audio=count)
    assert passed_on == [wire.WINDOW_BYTES] * 2


async def test_a_child_that_falls_silent_is_not_waited_for_beyond_its_time(
    child_says: Says, source: Source, limits: MediaLimits
) -> None:
    child_says(b"")

    with pytest.raises(errors.DecoderLost):
        await probe(source(bytes(100)), replace(limits, timeout_seconds=0.5))
    assert not decoders()


@pytest.mark.parametrize(
    ("says", "message_says"),
    [
        pytest.param(
            message(wire.OPENED, b"caf, PCM\n\0"), r"failed on this file \(caf, PCM\);", id="once it was opened"
        ),
        pytest.param(b"", r"failed on this file;", id="before it was opened"),
    ],
)
async def test_a_decoder_that_dies_says_of_what_kind_the_file_is(
    child_dies_at: Says, source: Source, limits: MediaLimits, says: bytes, message_says: str
) -> None:
    child_dies_at(says)

    with pytest.raises(errors.MediaUnreadable, match=message_says):
        await decode(source(bytes(100)), limits, on_audio=ignore)
    with pytest.raises(errors.NotAudio, match=message_says), refusals_named():
        await probe(source(bytes(100)), limits)


async def test_a_file_that_is_opened_twice_is_not_believed(
    child_says: Says, source: Source, limits: MediaLimits
) -> None:
    child_says(message(wire.OPENED, b"caf, PCM") * 2)

    with pytest.raises(errors.MediaUnreadable, match="misbehaved"):
        await probe(source(bytes(100)), limits)
