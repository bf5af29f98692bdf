"""What somebody reads who waits for an item."""

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from rich.console import Console

from echoic.cli import follow as following, waiting
from echoic.cli.connection import Connection
from echoic.cli.stages import WORDS
from echoic.cli.waiting import wait_for
from echoic.stages import STAGES
from tests.cli.conftest import run
from tests.scripted import Answers, Reply, Scripted, scripted

EVENTS, QUEUE = "GET /api/items/7/events", "GET /api/queue"
NOBODY = {"workers": 0, "waiting": 3, "working": 0, "oldest_waiting_seconds": 9.0}
BUSY = {"workers": 2, "waiting": 1, "working": 1, "oldest_waiting_seconds": 9.0}
END = ("end", {"status": "published", "error": None})
Happening = tuple[str, Mapping[str, object]]


def happening(stage: str, event: str, **more: object) -> Happening:
    return "stage", {"stage": stage, "event": event, "attempt": 1, "code": None, "message": None, **more}


def frames(*events: Happening | None) -> Reply:
    """The events, and a comment for None."""
    texts = [
        ": still here\n\n" if each is None else f"event: {each[0]}\ndata: {json.dumps(each[1])}\n\n" for each in events
    ]
    return Reply(body="".join(texts).encode(), headers={"Content-Type": "text/event-stream"})


def answers(stream: Callable[[int], Reply], queue: Mapping[str, object]) -> Answers:
    def reply(asked: str, before: int) -> Reply:
        return stream(before) if asked == EVENTS else Reply(body=json.dumps(queue).encode())

    return reply


@pytest.fixture(autouse=True)
def _access(no_access: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHOIC_API_KEY", "ek_test")
    monkeypatch.setattr(following, "RECONNECT_SECONDS", 0.001)


def waited(monkeypatch: pytest.MonkeyPatch, replies: Answers, *, terminal: bool = False) -> tuple[str, Scripted]:
    written = io.StringIO()
    console = Console(file=written, force_terminal=terminal, width=120, soft_wrap=True, highlight=False)
    monkeypatch.setattr(waiting, "notes", console)
    with scripted(replies) as server:
        connection = Connection(server.address)
        with connection.client:
            wait_for(connection, 7)
    return written.getvalue(), server


def test_every_stage_has_words() -> None:
    assert list(WORDS) == [stage.name for stage in STAGES]


def test_each_step_is_a_line_in_plain_words(monkeypatch: pytest.MonkeyPatch) -> None:
    told, _ = waited(
        monkeypatch,
        answers(
            lambda _: frames(
                happening("decode", "queued"),
                happening("decode", "claimed"),
                happening("decode", "done"),
                happening("transcribe", "claimed"),
                *(
                    ("progress", {"stage": "transcribe", "seconds": float(seconds), "duration_seconds": 3723.0})
                    for seconds in range(0, 3724, 30)
                ),
                happening("transcribe", "retry", code="engine_failed", message="It broke."),
                happening("transcribe", "lost"),
                happening("tomorrow", "claimed"),
                END,
            ),
            BUSY,
        ),
    )
    lines = told.splitlines()
    assert lines[:4] == [
        "item 7  waiting; 1 recording waits, 2 workers",
        "item 7  reading the recording",
        "item 7  writing down what is said",
        "item 7  writing down what is said, 6:30 of 1:02:03",
    ]
    assert lines[-3:] == [
        "item 7  writing down what is said did not work: It broke. (engine_failed); it is tried again",
        "item 7  writing down what is said was broken off, as its worker is gone; it is taken up again",
        "item 7  working",
    ]
    assert len(lines) <= 17


def test_where_no_worker_lives_that_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    replies = answers(lambda _: frames(happening("decode", "queued"), None, None, None, END), NOBODY)
    told, server = waited(monkeypatch, replies)
    assert told.count("no worker is running, so everything waits") == 1
    assert server.asked.count(QUEUE) == 4


def test_a_worker_that_dies_in_mid_work_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    replies = answers(lambda _: frames(happening("transcribe", "claimed"), None, END), NOBODY)
    assert "no worker is running" in waited(monkeypatch, replies)[0]
    replies = answers(lambda _: frames(happening("transcribe", "claimed"), None, END), BUSY)
    assert waited(monkeypatch, replies)[0] == "item 7  writing down what is said\n"


def test_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    replies = answers(lambda _: frames(happening("decode", "queued"), happening("decode", "claimed"), END), BUSY)
    told, _ = waited(monkeypatch, replies, terminal=True)
    assert "━" in told
    assert "reading the recording" in told


def test_a_server_that_restarts_or_tells_nothing_of_its_queue_is_followed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def reply(asked: str, before: int) -> Reply:
        if asked != EVENTS:
            return Reply(status=404)
        return Reply(status=503) if before < 3 else frames(happening("decode", "queued"), END)

    assert waited(monkeypatch, reply)[0] == ""


@pytest.mark.parametrize(
    ("reply", "exit_code", "told"),
    [
        (Reply(body=b"<html>", headers={"Content-Type": "text/html"}), 3, "is no Echoic server"),
        (Reply(status=404, body=b'{"message": "Item not found.", "code": "item_not_found"}'), 5, "Item not found."),
        (Reply(status=503), 3, "answered 503"),
    ],
)
def test_what_cannot_be_followed_is_told(
    reply: Reply, exit_code: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replies(asked: str, _before: int) -> Reply:
        if asked == EVENTS:
            return reply
        return Reply(body=b'{"item_id": 7, "allowed_formats": []}')

    with scripted(replies) as server:
        monkeypatch.setenv("ECHOIC_SERVER", server.address)
        done = run("upload", "https://files.example.com/talk.wav", "--dataset", "1", "--wait")
    assert isinstance(done.exception, SystemExit)
    assert done.exit_code == exit_code
    assert told in done.stderr


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (None, ": item 7 ended as cancelled.\n"),
        (
            {"message": "It broke.", "code": "engine_failed"},
            ": item 7 ended as failed: It broke. (engine_failed)\n",
        ),
    ],
)
def test_an_item_that_is_not_published_ends_the_command_with_a_sentence(
    error: Mapping[str, object] | None, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = {"status": "failed" if error else "cancelled", "error": error, "on_hold": False}

    def replies(asked: str, _before: int) -> Reply:
        if asked == EVENTS:
            return frames(("end", ended))
        return Reply(body=json.dumps({"item_id": 7, "allowed_formats": [], **ended}).encode())

    with scripted(replies) as server:
        monkeypatch.setenv("ECHOIC_SERVER", server.address)
        done = run("upload", "https://files.example.com/talk.wav", "--dataset", "1", "--wait")
    assert done.exit_code == 6
    assert done.stderr.endswith(told)


def recordings(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"ninebytes")


def uploads(asked: str, before: int) -> Reply:
    """Recordings that become items 1, 2 and so on in the order in which they come, the third of which fails."""
    number = asked.rpartition("/")[0].rpartition("/")[2]
    item = {"id": 7, "status": "published", "on_hold": False, "error": None}
    match asked.split("?", maxsplit=1)[0].split(" "):
        case ["POST", _]:
            return Reply(status=201, headers={"Location": f"/uploads/{before + 1}"})
        case ["HEAD", path]:
            return Reply(headers={"Upload-Offset": "9", "Item-Id": path.rpartition("/")[2]})
        case ["GET", path] if path.endswith("/events"):
            return frames(END)
        case ["GET", path] if path.endswith("/transcript"):
            return Reply(body=f"Said in {number}.\n\n".encode())
        case ["GET", path] if path.startswith("/api/items/"):
            status = "failed" if path.endswith("/3") else "published"
            return Reply(body=json.dumps({**item, "status": status}).encode())
    return Reply(body=json.dumps({"allowed_formats": ["wav"], **NOBODY}).encode())


def test_each_of_several_transcripts_has_its_item_and_file_above_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings(tmp_path, "a.wav", "b.wav", "c.wav", "d.wav")
    monkeypatch.chdir(tmp_path)
    with scripted(uploads) as server:
        done = run("upload", ".", "--dataset", "1", "--wait", "--server", server.address)
    assert done.stdout == ("item 1 · a.wav\nSaid in 1.\n\nitem 2 · b.wav\nSaid in 2.\n\nitem 4 · d.wav\nSaid in 4.\n")
    assert (done.exit_code, "item 3 ended as failed" in done.stderr) == (6, True)
    # The first is printed while the others are worked on.
    told = server.asked
    assert told.index("GET /api/items/1/transcript?format=txt") < told.index("GET /api/items/2/events")


@pytest.mark.parametrize("more", [(), ("gone.wav",)])
def test_the_transcript_of_one_recording_stands_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    recordings(tmp_path, "a.wav")
    monkeypatch.chdir(tmp_path)
    with scripted(uploads) as server:
        done = run("upload", "a.wav", *more, "--dataset", "1", "--wait", "--server", server.address)
    assert done.stdout == "Said in 1.\n"


def test_as_json_no_transcript_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recordings(tmp_path, "a.wav", "b.wav")
    monkeypatch.chdir(tmp_path)
    with scripted(uploads) as server:
        done = run("upload", ".", "--dataset", "1", "--wait", "--json", "--server", server.address)
    assert [each["item_id"] for each in json.loads(done.stdout)] == [1, 2]
    assert not [asked for asked in server.asked if "transcript" in asked]
