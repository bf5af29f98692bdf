"""``echoic upload`` with the names and folders that people have, against a whole server."""

import json
import os
from pathlib import Path
from typing import cast

import pytest

from echoic.testing.private_server import PrivateServer
from tests.cli.conftest import Run

pytestmark = pytest.mark.processes

EXAMPLE = Path(__file__).parents[2] / "examples" / "jfk.flac"
NAMES = (
    "Recording at 3.15.10\u202fPM",
    "Entretien\u00a0: Paul",
    "会議\u30002024年",
    "می\u200cخواهم",
    "Team \U0001f468\u200d\U0001f469",
)


def test_names_with_all_kinds_of_blanks_and_joiners_become_titles(
    echoic: Run, server: PrivateServer, tmp_path: Path
) -> None:
    for name in NAMES:
        (tmp_path / f"{name}.flac").write_bytes(EXAMPLE.read_bytes())
    done = echoic("upload", str(tmp_path))
    assert done.exit_code == 0, done.stderr
    assert _titles(server, done.stdout) == set(NAMES)


def test_a_name_that_is_no_text_is_sent_readably_and_the_others_go_in(
    echoic: Run, server: PrivateServer, tmp_path: Path
) -> None:
    for name in (b"caf\xe9.flac", b"line\nbreak.flac", b"z.flac"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(EXAMPLE.read_bytes())
    done = echoic("upload", str(tmp_path))
    assert done.exit_code == 0, done.stderr
    assert _titles(server, done.stdout) == {"café", "line break", "z"}
    assert "café.flac: the name is not readable as it is, and is sent like this" in done.stderr


def test_hidden_things_in_a_folder_stay_where_they_are(echoic: Run, tmp_path: Path) -> None:
    (tmp_path / ".Trashes").mkdir()
    (tmp_path / "talk.flac").write_bytes(EXAMPLE.read_bytes())
    (tmp_path / ".Trashes" / "old.flac").write_bytes(EXAMPLE.read_bytes())
    (tmp_path / "._talk.flac").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X        ")
    done = echoic("upload", str(tmp_path))
    assert done.exit_code == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert line.endswith("talk.flac")
    assert "2 hidden or system entries passed over" in done.stderr


def _titles(server: PrivateServer, listed: str) -> set[str]:
    ids = [line.split("\t")[0] for line in listed.splitlines()]
    return {server.client.get(f"/api/items/{item_id}").json()["title"] for item_id in ids}


def test_formats_beyond_the_five_go_in_where_a_dataset_allows_them(echoic: Run, tmp_path: Path) -> None:
    for name, codec in (("talk.opus", "libopus"), ("film.mp4", "aac"), ("call.webm", "libopus")):
        write_sound(tmp_path / name, codec)
    refused = echoic("upload", str(tmp_path / "talk.opus"))
    assert refused.exit_code == 1
    assert (
        "'.opus' files are not accepted here; allowed formats: mp3, wav, m4a, ogg, flac. The dataset's setting "
        "'allowed_formats' can allow others. (format_not_allowed)"
    ) in refused.stderr
    made = echoic(
        "datasets", "create", "All kinds", "--allowed-formats", "mp3,wav,m4a,ogg,flac,opus,mp4,webm", "--json"
    )
    done = echoic("upload", str(tmp_path), "--dataset", str(json.loads(made.stdout)["id"]), "--wait", "--json")
    assert done.exit_code == 0, done.stderr
    results = json.loads(done.stdout)
    assert [Path(result["target"]).name for result in results] == ["call.webm", "film.mp4", "talk.opus"]
    assert {result["item"]["status"] for result in results} == {"published"}


def write_sound(path: Path, codec: str) -> None:
    """Two seconds of a tone."""
    import av.audio.stream
    import numpy as np

    rate = 48_000
    tone = (8_000 * np.sin(np.arange(2 * rate) * 2 * np.pi * 440 / rate)).astype(np.int16)
    with av.open(str(path), "w", format="ogg" if path.suffix == ".opus" else None) as output:
        stream = cast("av.audio.stream.AudioStream", output.add_stream(codec, rate=rate, layout="mono"))
        frame = av.AudioFrame.from_ndarray(tone.reshape(1, -1), format="s16", layout="mono")
        frame.rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            output.mux(packet)
