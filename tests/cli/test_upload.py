"""``echoic upload`` with the names and folders that people have, against a whole server."""

import os
from pathlib import Path

import pytest

from echoic.cli.private_server import PrivateServer
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
