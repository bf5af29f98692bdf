"""Recordings of every kind through a whole server: the right result, or a failure that says why."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from av.container import OutputContainer

from echoic.testing.private_server import PrivateServer
from tests.acceptance.conftest import FAKES, RECORDING
from tests.acceptance.items import item
from tests.folders import copied
from tests.waiting import wait_for

pytestmark = pytest.mark.processes

EXAMPLE = RECORDING.with_name("jfk.flac")
SECONDS = 11.0

FORMATS = {
    "telephone.wav": ("wav", "pcm_mulaw", 8_000, "mono"),
    "studio.wav": ("wav", "pcm_s24le", 48_000, "stereo"),
    "music.mp3": ("mp3", "libmp3lame", 44_100, "stereo"),
    "phone.m4a": ("mp4", "aac", 44_100, "mono"),
    "vorbis.ogg": ("ogg", "vorbis", 44_100, "stereo"),
    "opus.ogg": ("ogg", "libopus", 48_000, "mono"),
    "plain.flac": ("flac", "flac", 16_000, "mono"),
}


def audio_stream(output: OutputContainer, codec: str, rate: int, layout: str) -> AudioStream:
    # The one encoder for Vorbis that PyAV carries calls itself experimental.
    stream = output.add_stream(codec, rate=rate, layout=layout, options={"strict": "experimental"})
    return cast("AudioStream", stream)


def encoded(container: str, codec: str, rate: int, layout: str) -> bytes:
    """The example in another format."""
    target = io.BytesIO()
    with av.open(str(EXAMPLE)) as source, av.open(target, "w", format=container) as output:
        stream = audio_stream(output, codec, rate, layout)
        resampler = av.AudioResampler(format=stream.format, layout=layout, rate=rate, frame_size=stream.frame_size)
        for decoded in [*source.decode(audio=0), None]:
            for frame in resampler.resample(decoded):
                output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return target.getvalue()


@pytest.fixture(scope="module")
def server(first_start: Path) -> Iterator[PrivateServer]:
    with copied(first_start) as folder, PrivateServer(folder, **FAKES) as running:
        yield running


def put(server: PrivateServer, name: str, content: bytes) -> Any:
    return server.client.post("/api/datasets/1/items", files={"audio": (name, content)})


def ended(server: PrivateServer, item_id: int) -> dict[str, Any]:
    wait_for(lambda: item(server.client, item_id)["status"] in ("published", "failed"), "the item has ended")
    return item(server.client, item_id)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_published_with_its_length_and_words(server: PrivateServer, name: str) -> None:
    answer = put(server, name, encoded(*FORMATS[name]))
    assert answer.status_code == 200, answer.text
    published = ended(server, answer.json()["item_id"])
    assert published["status"] == "published", published["error"]
    assert published["duration_seconds"] == pytest.approx(SECONDS, abs=0.1)
    transcript = server.client.get(f"/api/items/{published['id']}/transcript").json()
    assert sum(len(segment["words"]) for segment in transcript["segments"]) > SECONDS / 2


def test_silence_is_published_with_an_empty_transcript(server: PrivateServer) -> None:
    target = io.BytesIO()
    with av.open(target, "w", format="flac") as output:
        stream = audio_stream(output, "flac", 16_000, "mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000 * 3), dtype=np.int16), format="s16", layout="mono")
        frame.sample_rate = 16_000
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    published = ended(server, put(server, "silence.flac", target.getvalue()).json()["item_id"])
    assert published["status"] == "published"
    transcript = server.client.get(f"/api/items/{published['id']}/transcript").raise_for_status().json()
    assert transcript["segments"] == []
    assert server.client.get(f"/api/items/{published['id']}/transcript?format=vtt").text.startswith("WEBVTT")


def test_a_file_with_a_damaged_middle_keeps_what_can_be_heard(server: PrivateServer) -> None:
    content = bytearray(encoded(*FORMATS["music.mp3"]))
    middle = len(content) // 2
    content[middle : middle + 4_000] = bytes(4_000)
    published = ended(server, put(server, "damaged.mp3", bytes(content)).json()["item_id"])
    assert published["status"] == "published"
    assert published["duration_seconds"] == pytest.approx(SECONDS, abs=1.5)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("letter.mp3", b"Dear Sir or Madam, " * 500, "not_audio"),
        ("archive.flac", b"PK\x03\x04" + bytes(20_000), "not_audio"),
        ("noise.wav", bytes(range(256)) * 100, "not_audio"),
        ("nothing.mp3", b"", "audio_empty"),
    ],
)
def test_what_is_no_audio_is_refused_at_the_door(server: PrivateServer, name: str, content: bytes, code: str) -> None:
    answer = put(server, name, content)
    assert answer.json()["code"] == code
