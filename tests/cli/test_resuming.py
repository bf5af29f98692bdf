"""Uploads that a server answers late, or not at all for a while: they are waited for, and taken up again."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from echoic.cli import resumable
from echoic.cli.unfinished import state_file
from tests.cli.conftest import run
from tests.scripted import Reply, Scripted, scripted

DATASET, UPLOADS, UPLOAD = "GET /api/datasets/1", "POST /api/datasets/1/uploads", "/api/datasets/1/uploads/u"
BUSY = Reply(status=423, headers={"Retry-After": "0"})
DONE = Reply(headers={"Upload-Offset": "9", "Item-Id": "7"})


@pytest.fixture(autouse=True)
def _quick(no_access: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHOIC_API_KEY", "ek_test")
    monkeypatch.setattr(resumable, "RETRY_SECONDS", 0.001)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "talk.wav"
    path.write_bytes(b"ninebytes")
    return path


def begins(asked: str, before: int, then: Callable[[str, int], Reply]) -> Reply:
    if asked == DATASET:
        return Reply(body=b'{"allowed_formats": ["wav"]}')
    if asked == UPLOADS:
        return Reply(status=201, headers={"Location": UPLOAD})
    return then(asked, before)


def upload(server: Scripted, recording: Path) -> tuple[int, str, str]:
    done = run("upload", str(recording), "--dataset", "1", "--server", server.address)
    assert isinstance(done.exception, SystemExit | None), repr(done.exception)
    return done.exit_code, done.stdout, done.stderr


def test_a_server_that_is_at_work_on_the_upload_is_waited_for(recording: Path) -> None:
    def then(asked: str, before: int) -> Reply:
        if asked.startswith("PATCH"):
            return BUSY
        if before == 0:
            return Reply(headers={"Upload-Offset": "0"})
        return BUSY if before < 20 else DONE

    with scripted(lambda asked, before: begins(asked, before, then)) as server:
        code, told, notes = upload(server, recording)
    assert (code, told.split("\t")[0]) == (0, "7")
    assert notes.count("the server is at work on it") == 1


def test_who_waits_for_ever_is_told_that_the_upload_is_kept(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resumable, "CHECK_PATIENCE_SECONDS", 0.0)
    with scripted(lambda asked, before: begins(asked, before, lambda *_: BUSY)) as server:
        code, _, notes = upload(server, recording)
    assert code == 3
    assert "The server is still at work on it; the same command goes on from there." in notes
    assert UPLOAD in state_file().read_text(encoding="utf-8")


def test_a_check_longer_than_the_patience_for_an_answer_is_waited_for(
    recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("echoic.cli.connection.ANSWER_PATIENCE_SECONDS", 0.2)
    ready = threading.Event()

    def then(asked: str, before: int) -> Reply:
        if asked.startswith("PATCH"):
            ready.wait(30)
            return Reply(status=204, headers=DONE.headers)
        if before == 0:
            return Reply(headers={"Upload-Offset": "0"})
        if before > 10:
            ready.set()
            return DONE
        return BUSY

    with scripted(lambda asked, before: begins(asked, before, then)) as server:
        code, told, _ = upload(server, recording)
    assert (code, told.split("\t")[0]) == (0, "7")


@pytest.mark.parametrize("status", [429, 502, 503])
def test_a_server_that_is_away_for_a_moment_is_asked_again(recording: Path, status: int) -> None:
    def then(asked: str, before: int) -> Reply:
        if asked.startswith("HEAD"):
            return Reply(status=status) if before in (0, 2) else Reply(headers={"Upload-Offset": "0"})
        return Reply(status=204, headers=DONE.headers) if before else Reply(status=status)

    with scripted(lambda asked, before: begins(asked, before, then)) as server:
        code, told, _ = upload(server, recording)
    assert (code, told.split("\t")[0]) == (0, "7")


@pytest.mark.parametrize("headers", [{}, {"Upload-Offset": "soon"}])
def test_what_speaks_another_protocol_is_named(recording: Path, headers: dict[str, str]) -> None:
    with scripted(lambda asked, before: begins(asked, before, lambda *_: Reply(headers=headers))) as server:
        code, _, notes = upload(server, recording)
    assert code == 3
    assert "is no Echoic server" in notes


def test_without_a_place_to_remember_the_upload_goes_in_and_that_is_said(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(blocked))
    with scripted(lambda asked, before: begins(asked, before, lambda *_: DONE)) as server:
        code, told, notes = upload(server, recording)
    assert (code, told.split("\t")[0]) == (0, "7")
    assert notes.count("an upload that is broken off cannot be taken up again") == 1


def test_a_url_is_asked_for_until_the_server_has_fetched_and_checked_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echoic.cli.fetched.LOOK_AGAIN_SECONDS", 0.001)
    running = Reply(status=409, body=b'{"message": "x", "code": "idempotency_key_running"}')

    def then(_asked: str, before: int) -> Reply:
        return running if before < 3 else Reply(body=b'{"item_id": 7}')

    with scripted(lambda asked, before: begins(asked, before, then)) as server:
        done = run("upload", "https://files.example.com/talk.wav", "--dataset", "1", "--server", server.address)
    assert (done.exit_code, done.stdout.split("\t")[0]) == (0, "7")
    assert server.asked.count("POST /api/datasets/1/items") == 4


def test_an_upload_that_may_not_go_on_says_why(recording: Path) -> None:
    refusal = Reply(status=403, body=b'{"code": "scope_missing", "message": "The key lacks the scope \'upload\'."}')
    with scripted(lambda asked, before: begins(asked, before, lambda *_: refusal)) as server:
        code, _, notes = upload(server, recording)
    assert code == 4
    assert notes.endswith("talk.wav: The key lacks the scope 'upload'. (scope_missing)\n")
