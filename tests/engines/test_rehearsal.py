"""The rehearsal of the decoder: whether recordings can be decoded here, and if not, why."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from echoic import errors
from echoic.engines.media import wire
from echoic.engines.media.parent import DecoderWatch, MediaLimits, rehearsal, rehearse
from tests.decoders import NO_LIBRARY, decoders, other_library

OTHER_INTERFACE = """
class error: FFmpegError = MemoryError = ArgumentError = OSError
logging = __import__("unittest.mock").mock.MagicMock()
def open(file, mode, options, container_options, buffer_size): ...
"""
"""A library that knows not all arguments of ours."""
FOREIGN = f"#!{sys.executable}\nimport sys\n"
READY = wire.HEADER.pack(wire.READY, 2) + b"[]"


@pytest.fixture(autouse=True)
def none_left() -> Iterator[None]:
    yield
    assert not decoders()


async def test_a_decoder_that_works_is_found_to(limits: MediaLimits) -> None:
    await rehearse(limits)


@pytest.mark.parametrize(
    ("library", "cause"),
    [
        pytest.param(NO_LIBRARY, "ImportError: libavformat.so.62: cannot open shared object file", id="missing"),
        pytest.param(OTHER_INTERFACE, "TypeError: open() got an unexpected keyword argument", id="another version"),
        pytest.param("import sys; sys.exit(7)", "it ended with status 7.", id="silent"),
        pytest.param("import os; os.abort()", "it ended by signal 6.", id="crashing"),
    ],
)
async def test_the_cause_is_told_in_one_line(
    limits: MediaLimits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, library: str, cause: str
) -> None:
    monkeypatch.syspath_prepend(other_library(tmp_path / "library", library))
    with pytest.raises(errors.DecoderUnusable) as refused:
        await rehearse(limits)
    start = f"Recordings cannot be decoded on this machine: The decoder did not start: {cause}"
    assert refused.value.message.startswith(start)
    assert "\n" not in refused.value.message


@pytest.mark.parametrize(
    ("program", "cause"),
    [
        pytest.param(f"sys.stdout.buffer.write({READY!r})\nsys.exit('no room for a filter')", "no room for", id="dies"),
        pytest.param("sys.stdout.buffer.write(b'?????')", "it sent something else", id="says something else"),
        pytest.param(f"sys.stdout.buffer.write({READY + wire.HEADER.pack(b'X', 0)!r})", "misbehaved", id="misbehaves"),
    ],
)
async def test_what_fails_after_the_start_is_seen_too(
    limits: MediaLimits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, program: str, cause: str
) -> None:
    path = tmp_path / "python"
    path.write_text(FOREIGN + program, encoding="ascii")
    path.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(path))
    with pytest.raises(errors.DecoderUnusable, match=cause):
        await rehearse(limits)


async def test_a_watch_tells_a_fault_until_it_is_mended(
    limits: MediaLimits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal, "PATIENCE_SECONDS", 60.0)
    monkeypatch.setattr(rehearsal, "AGAIN_SECONDS", 0.0)
    watch = DecoderWatch(limits)
    with monkeypatch.context() as broken:
        broken.syspath_prepend(other_library(tmp_path / "library", NO_LIBRARY))
        for _ in range(2):
            with pytest.raises(errors.DecoderUnavailable, match="libavformat"):
                await watch.check()
    await watch.check()
    with monkeypatch.context() as broken:
        broken.syspath_prepend(other_library(tmp_path / "library", NO_LIBRARY))
        await watch.check()  # a good result is believed for a while
    await watch.close()


async def test_nobody_waits_long_for_a_rehearsal(
    limits: MediaLimits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal, "PATIENCE_SECONDS", 0.1)
    monkeypatch.syspath_prepend(other_library(tmp_path / "library", "import sys; sys.stdin.read()"))
    watch = DecoderWatch(limits)
    await watch.check()
    (only,) = decoders()
    await watch.check()
    assert decoders() == [only]
    await watch.close()
