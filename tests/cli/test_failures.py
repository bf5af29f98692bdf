"""Whatever is wrong, a verb ends with one line in words and its exit code: no traceback, no text of Python's."""

import contextlib
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from typer.testing import Result

from tests.cli.conftest import run
from tests.scripted import Reply, scripted

EXAMPLE = Path(__file__).parents[2] / "examples" / "jfk.flac"
PYTHONS_WORDS = ("Errno", "Traceback", "Error:", "httpx", "[SSL", "codec", "<class", "Expecting value")
GPU_ALONE = {"ECHOIC_WORKER_QUEUES": "gpu"}
"""Settings of a worker that decodes nothing, and so starts without trying the decoder."""
VERBS: tuple[tuple[str, ...], ...] = (
    ("items", "list"),
    ("items", "show", "1"),
    ("items", "cancel", "1"),
    ("items", "transcribe", "1"),
    ("transcript", "1"),
    ("segments", "1"),
    ("correct", "1", "0", "--text", "x"),
    ("replace", "1", "a", "b"),
    ("replace", "1", "a", "b", "--dry-run"),
    ("versions", "1"),
    ("versions", "1", "1"),
    ("restore", "1", "0"),
    ("search", "x"),
    ("speakers", "list"),
    ("speakers", "in", "1"),
    ("speakers", "name", "1", "SPEAKER_00", "Anna"),
    ("datasets", "list"),
    ("datasets", "show", "1"),
    ("datasets", "create", "Calls"),
    ("keys", "list"),
    ("keys", "create", "Laptop"),
    ("status",),
    ("upload", str(EXAMPLE)),
    ("upload", "https://files.example.com/talk.flac", "--dataset", "1"),
)
PAGE = Reply(body=b"<!doctype html><title>Welcome</title>", headers={"Content-Type": "text/html"})


@pytest.fixture(autouse=True)
def _key(no_access: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHOIC_API_KEY", "ek_test")


def in_words(result: Result, *exit_codes: int) -> str:
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code in exit_codes
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    assert not [word for word in PYTHONS_WORDS if word in result.stderr], result.stderr
    return result.stderr.removeprefix("echoic: ").rstrip("\n")


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_a_server_that_is_away_is_named(verb: tuple[str, ...]) -> None:
    address = f"http://127.0.0.1:{_closed_port()}"
    assert in_words(run(*verb, "--server", address), 3) == f"Cannot reach {address}: connection refused."


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_a_page_for_people_is_no_answer(verb: tuple[str, ...]) -> None:
    if verb[0] == "transcript":
        pytest.skip("a transcript is a text of any form")
    with scripted(lambda _asked, _before: PAGE) as server:
        told = in_words(run(*verb, "--server", server.address), 3)
    assert told == f"What answers at {server.address} is no Echoic server."


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
@pytest.mark.parametrize("body", [b"{}", b"[]", b"7", b"null"])
def test_json_of_another_kind_is_no_answer(verb: tuple[str, ...], body: bytes) -> None:
    if verb[0] == "transcript":
        pytest.skip("a transcript is a text of any form")
    with scripted(lambda _asked, _before: Reply(body=body)) as server:
        told = in_words(run(*verb, "--server", server.address), 1, 3)
    assert "no Echoic server" in told


@pytest.mark.parametrize(
    ("reply", "exit_code", "told"),
    [
        (Reply(status=502, body=PAGE.body), 3, "{0} answered 502 Bad Gateway."),
        (Reply(status=404, body=PAGE.body), 5, "{0} answered 404 Not Found."),
        (
            Reply(status=302, headers={"Location": "https://login.example"}),
            1,
            "{0} leads elsewhere: to https://login.example.",
        ),
        (Reply(status=500, body=b'{"message": "It broke."}'), 1, "It broke. (500)"),
        (
            Reply(body=b"\xff\xfe", headers={"Content-Encoding": "gzip"}),
            3,
            "Cannot reach {0}: its answer cannot be read.",
        ),
    ],
)
def test_answers_of_what_stands_before_a_server_are_named(reply: Reply, exit_code: int, told: str) -> None:
    with scripted(lambda _asked, _before: reply) as server:
        assert in_words(run("items", "show", "1", "--server", server.address), exit_code) == told.format(server.address)


@pytest.mark.parametrize(
    ("address", "exit_code", "told"),
    [
        ("http://", 1, "must be a host"),
        ("http://:8080", 1, "must be a host"),
        ("http://[::1", 1, "is no URL"),
        ("http://localhost:99999", 1, "is no URL"),
        ("http://local host", 1, "is no URL"),
        ("http://localhost/?x=1", 1, "must be a host"),
        ("ftp://localhost", 1, "must begin with http:// or https://"),
        ("http://no-such-machine.invalid", 3, "there is no machine of that name"),
    ],
)
def test_an_address_that_is_none_is_named(address: str, exit_code: int, told: str) -> None:
    assert told in in_words(run("items", "list", "--server", address), exit_code)


@contextlib.contextmanager
def _listener(context: ssl.SSLContext | None, reply: bytes) -> Iterator[int]:
    """What sends these bytes to everybody who connects; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            # Where a client breaks off, the server's side fails; the test looks at the client's.
            with contextlib.suppress(OSError):
                while True:
                    plain, _ = listener.accept()
                    with contextlib.suppress(OSError), plain:
                        near = plain if context is None else context.wrap_socket(plain, server_side=True)
                        near.sendall(reply)
                        near.recv(65_536)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def test_what_is_wrong_with_tls_and_http_is_told_apart() -> None:
    untrusted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(untrusted)
    with _listener(untrusted, b"") as port:
        assert "its certificate is not trusted" in in_words(
            run("keys", "list", "--server", f"https://127.0.0.1:{port}"), 3
        )
    with _listener(None, b"SSH-2.0-OpenSSH_9.6\r\n\r\n") as port:
        told = in_words(run("keys", "list", "--server", f"https://127.0.0.1:{port}"), 3)
        assert "does not speak TLS; http:// may be meant in place of https://." in told
        told = in_words(run("keys", "list", "--server", f"http://127.0.0.1:{port}"), 3)
        assert "does not speak HTTP as expected" in told


@pytest.mark.parametrize(
    "verb",
    [
        ("search", "caf\udce9"),
        ("datasets", "create", "caf\udce9"),
        ("upload", str(EXAMPLE), "--dataset", "1", "--title", "caf\udce9"),
        ("upload", "https://files.example.com/caf\udce9.flac", "--dataset", "1"),
        ("items", "list", "--server", "http://caf\udce9.example"),
    ],
    ids=lambda verb: ascii(verb[1]),
)
def test_arguments_that_are_no_text_are_refused(verb: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(lambda _asked, _before: Reply(body=b'{"allowed_formats": ["flac"]}')) as server:
        monkeypatch.setenv("ECHOIC_SERVER", server.address)
        result = run(*verb)
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code in (1, 3)
    assert "Traceback" not in result.stderr


def test_a_config_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    config = tmp_path / "config" / "echoic" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_bytes(b'server = "\xff"')
    assert in_words(run("items", "list"), 1) == f"Cannot read {config}: it is not UTF-8."
    config.unlink()
    config.mkdir()
    assert in_words(run("items", "list"), 1) == f"Cannot read {config}: Is a directory."


def test_proxies_and_certificates_in_the_environment_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://x")
    assert "cannot be used" in in_words(run("items", "list", "--server", "https://127.0.0.1:1"), 1)


@pytest.mark.parametrize(
    ("verb", "told"),
    [
        (("items", "show", "abc"), "Invalid value for 'ID': must be a whole number."),
        (("items", "list", "--limit", "1000"), "Invalid value for '--limit': must be at most 100."),
        (("items", "list", "--status", "gone"), "'gone' is not one of 'stored', 'queued'"),
        (
            ("datasets", "change", "1", "--num-speakers", "-1"),
            "Invalid value for '--num-speakers': must be at least 0.",
        ),
        (("transcript", "1", "--format", "pdf"), "'pdf' is not one of 'json', 'txt'"),
    ],
)
def test_what_is_not_written_right_is_told_in_words(verb: tuple[str, ...], told: str) -> None:
    done = run(*verb)
    words = " ".join(done.stderr.replace("│", " ").split())
    assert (done.exit_code, told in words) == (2, True), words
    assert "nput should" not in words
    assert "Value error" not in words


@pytest.mark.parametrize(
    ("variables", "verb", "told"),
    [
        (
            {"ECHOIC_PLANS_FILE": "/nowhere.toml"},
            ("accounts", "list"),
            "cannot be read: No such file or directory (/no",
        ),
        ({"ECHOIC_DATA_DIR": "/proc/x"}, ("serve",), "The data folder /proc/x cannot be made: "),
        ({"DATABASE_URL": "postgresql://a:b@127.0.0.1:1/x"}, ("db", "check"), "The database cannot be reached: "),
        ({"DATABASE_URL": "postgresql://a:b@none.invalid/x"}, ("accounts", "list"), "failed to resolve host"),
    ],
)
def test_what_an_operator_set_wrong_is_told_in_words(
    variables: dict[str, str], verb: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert told in in_words(run(*verb), 1)


@pytest.mark.parametrize("verb", [("backup", "copies"), ("backup", "copies", "--deletions"), ("accounts", "list")])
def test_nothing_is_made_where_there_is_no_installation(
    verb: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ECHOIC_DATA_DIR", str(tmp_path / "elsewhere"))
    told = in_words(run(*verb), 1)
    assert told.startswith(
        f"There is no installation in the data folder {tmp_path / 'elsewhere'}. ECHOIC_DATA_DIR names "
    )
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_waited_in_vain_for_its_database_may_be_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"DATABASE_URL": f"postgresql://a:b@127.0.0.1:{_closed_port()}/x", **GPU_ALONE}
    for name, value in {**variables, "ECHOIC_DATABASE_START_WAIT_SECONDS": "0"}.items():
        monkeypatch.setenv(name, value)
    told = in_words(run("worker"), 3)
    assert told.startswith(
        "The database was not ready within 0 s (ECHOIC_DATABASE_START_WAIT_SECONDS): no server answers at its address ("
    )
    assert "refused" in told


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ("XDG_CONFIG_HOME", "This account has no home folder; set HOME or XDG_CONFIG_HOME."),
        ("ECHOIC_DATA_DIR", "This account has no home folder to keep the data in; set ECHOIC_DATA_DIR."),
    ],
)
def test_an_account_without_a_home_is_told_what_to_set(
    missing: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(_user: int) -> None:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", nobody)
    monkeypatch.setattr("os.geteuid", lambda: 12_345)
    for variable in ("HOME", "XDG_DATA_HOME", missing):
        monkeypatch.delenv(variable, raising=False)
    assert in_words(run("items", "list"), 1) == told


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_of_any_encoding_is_written_to(encoding: str) -> None:
    said = "会議 café “so”"
    with scripted(lambda _asked, _before: Reply(body=said.encode())) as server:
        done = _program("transcript", "1", PYTHONIOENCODING=encoding, ECHOIC_SERVER=server.address)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode(encoding).rstrip("\n") == said.encode(encoding, "backslashreplace").decode(encoding)


def test_json_stays_json_where_the_terminal_is_not_utf8() -> None:
    body = '{"id": 1, "name": "会議 é \\ud83d"}'.encode()
    with scripted(lambda _asked, _before: Reply(body=body)) as server:
        done = _program("datasets", "show", "1", "--json", PYTHONIOENCODING="ascii", ECHOIC_SERVER=server.address)
    assert done.returncode == 0
    assert b'"name": "\\u4f1a\\u8b70 \\u00e9 \\ud83d"' in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here that is always full")
@pytest.mark.parametrize("verb", [("transcript", "1"), ("datasets", "show", "1", "--json"), ("--help",)], ids=" ".join)
def test_output_that_finds_no_room_ends_in_one_line(verb: tuple[str, ...]) -> None:
    with scripted(lambda _asked, _before: Reply(body=b'{"name": "x"}')) as server, Path("/dev/full").open("wb") as full:
        done = _program(*verb, stdout=full.fileno(), ECHOIC_SERVER=server.address)
    assert (done.returncode, done.stderr) == (1, b"echoic: No space left on device.\n")


@pytest.mark.parametrize(("closed", "said"), [(">&-", b""), ("2>&-", b'"name"'), (">&- 2>&-", b"")])
def test_a_stream_that_the_caller_closed_is_no_failure(closed: str, said: bytes) -> None:
    with scripted(lambda _asked, _before: Reply(body=b'{"name": "x"}')) as server:
        done = subprocess.run(
            ["/bin/sh", "-c", f'"$0" -m echoic datasets show 1 --json {closed}', sys.executable],
            env={**os.environ, "ECHOIC_API_KEY": "ek_test", "ECHOIC_SERVER": server.address},
            capture_output=True,
            check=False,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (0, b"")
    assert (said in done.stdout) if said else (done.stdout == b"")


def _program(
    *arguments: str, stdout: int = subprocess.PIPE, **environment: str
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "echoic", *arguments],
        env={**os.environ, "ECHOIC_API_KEY": "ek_test", **environment},
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
    )


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port: int = closed.getsockname()[1]
        return port
