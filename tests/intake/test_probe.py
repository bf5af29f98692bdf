import io
import zipfile
from pathlib import Path

import pytest

from echoic.errors import BlobNotFound, NotAudio
from echoic.intake import probe as probing
from echoic.intake.probe import probe_blob
from echoic.settings import Settings
from echoic.storage.blobs import StoredBlob, new_key
from echoic.storage.local import LocalBlobs

SPEECH = (Path(__file__).parents[2] / "examples" / "jfk.flac").read_bytes()


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs.create(tmp_path)


async def put(blobs: LocalBlobs, content: bytes) -> StoredBlob:
    async with blobs.stage() as staged:
        await staged.write(content)
        return await staged.finish()


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("talk.txt", "no sound")
    return buffer.getvalue()


async def test_a_recording_says_what_it_is(blobs: LocalBlobs) -> None:
    info = await probe_blob(blobs, await put(blobs, SPEECH), Settings())
    assert info.codec == "flac"
    assert info.duration_seconds == pytest.approx(11.0, abs=0.1)


@pytest.mark.parametrize(
    "content",
    [
        b"Just a text, whatever its name says.\n" * 200,
        zipped(),
        bytes(100_000),
        SPEECH[:40],
        b"ID3",
        b"#EXTM3U\n/etc/passwd\n",
    ],
    ids=["text", "zip", "zeros", "cut off", "header only", "playlist"],
)
async def test_what_holds_no_sound_is_refused_and_left_to_the_caller(blobs: LocalBlobs, content: bytes) -> None:
    stored = await put(blobs, content)
    with pytest.raises(NotAudio):
        await probe_blob(blobs, stored, Settings())
    assert await blobs.stat(stored.key) == len(content)


async def test_the_work_of_a_look_is_bounded_and_the_bound_is_named(
    blobs: LocalBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "PROBE_CPU_SECONDS", 1)
    stored = await put(blobs, b"RIFF\0\0\0\x40AVI LIST\xff\xff\xff\0hdrl" + bytes(200_000_000))
    with pytest.raises(NotAudio) as caught:
        await probe_blob(blobs, stored, Settings())
    assert "more than 1 s of processor time" in caught.value.message


async def test_bytes_that_are_gone_are_not_called_bad_audio(blobs: LocalBlobs) -> None:
    with pytest.raises(BlobNotFound):
        await probe_blob(blobs, StoredBlob(key=new_key(), size_bytes=10_000, sha256=""), Settings())
