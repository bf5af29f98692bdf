"""The shipped conversation through a whole server with real models: two speakers, and one of them known by voice."""

import io
import re
import wave
from pathlib import Path

import av
import httpx
import numpy as np
import pytest

from echoic.testing.private_server import PrivateServer
from tests.acceptance.conftest import RECORDING
from tests.acceptance.items import item, upload
from tests.waiting import wait_for

pytestmark = [pytest.mark.processes, pytest.mark.models]


def test_the_speakers_of_a_conversation_are_told_apart_in_every_format(used_folder: Path) -> None:
    with PrivateServer(used_folder) as server:
        client = server.client
        item_id = upload(client, RECORDING)
        wait_for(
            lambda: item(client, item_id)["status"] == "published",
            "a minute of talk is published by models on a busy machine",
            patience_seconds=150,
        )
        assert item(client, item_id)["error"] is None
        address = f"/api/items/{item_id}/transcript"
        transcript = client.get(address).raise_for_status().json()
        speakers = ["SPEAKER_00", "SPEAKER_01"]
        assert transcript["speakers"] == speakers
        assert {word["speaker"] for segment in transcript["segments"] for word in segment["words"]} == {*speakers}
        assert [segment["id"] for segment in transcript["segments"]] == [*range(len(transcript["segments"]))]
        for form in ("txt", "srt", "vtt"):
            text = client.get(address, params={"format": form, "speakers": True}).raise_for_status().text
            assert sorted(set(re.findall(r"SPEAKER_\d+", text))) == speakers
        hits = client.post("/api/search", json={"query": "the", "filters": {"speakers": speakers[1:]}}).json()[
            "results"
        ]
        assert {hit["speaker"] for hit in hits} == {speakers[1]}
        recognized_by_a_clip(client, item_id, speakers)


def recognized_by_a_clip(client: httpx.Client, item_id: int, speakers: list[str]) -> None:
    """The second speaker, learned from the longest thing they say, is named in the transcript by a worker."""
    segments = client.get(f"/api/items/{item_id}/transcript").json()["segments"]
    said = [segment for segment in segments if segment["speaker"] == speakers[1]]
    longest = max(said, key=lambda segment: segment["end"] - segment["start"])
    clip = {"audio": ("clip.wav", cut(RECORDING, longest["start"], longest["end"]))}
    people = f"/api/libraries/{client.get('/api/datasets/1').json()['library']}/speakers"
    anna = client.post(people, json={"name": "Anna"}).raise_for_status().json()["id"]
    client.post(f"{people}/{anna}/clips", files=clip, timeout=120).raise_for_status()

    def named() -> list[tuple[str, str | None]]:
        return [
            (each["label"], each["name"]) for each in client.get(f"/api/items/{item_id}/speakers").json()["speakers"]
        ]

    wait_for(lambda: dict(named())[speakers[1]] is not None, "a voice is recognized")
    assert named() == [(speakers[0], None), (speakers[1], "Anna")]


def cut(path: Path, start: float, end: float) -> bytes:
    """A stretch of a recording in 16-bit WAV."""
    with av.open(str(path)) as source:
        rate = source.streams.audio[0].rate
        resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
        frames = [resampled for frame in source.decode(audio=0) for resampled in resampler.resample(frame)]
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    target = io.BytesIO()
    with wave.open(target, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(rate)
        output.writeframes(samples[round(start * rate) : round(end * rate)].tobytes())
    return target.getvalue()
