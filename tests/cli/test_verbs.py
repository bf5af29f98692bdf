"""The verbs as their users call them, against a whole server."""

import contextlib
import json
import re
import socket
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from echoic.cli.unfinished import state_file
from echoic.testing.private_server import PrivateServer
from tests.api.oauth_flow import challenge_of, parameters_of
from tests.cli.conftest import Run
from tests.waiting import wait_for

pytestmark = pytest.mark.processes

EXAMPLE = Path(__file__).parents[2] / "examples" / "jfk.flac"


def test_upload_and_wait_prints_the_way_and_the_transcript(echoic: Run) -> None:
    done = echoic("upload", str(EXAMPLE), "--title", "A speech", "--wait")
    assert done.exit_code == 0, done.stderr
    item_lines = [line for line in done.stderr.splitlines() if line.startswith("item ")]
    assert item_lines[0].endswith(str(EXAMPLE))  # its number is known before the work on it begins
    assert any(line.endswith("  writing down what is said") for line in item_lines)
    assert not re.search(r"claimed|transcribe|diarize|attribute|embed|\bindex\b", done.stderr)
    assert len(done.stdout.split()) >= 5
    listed = json.loads(echoic("items", "list", "--json").stdout)["items"]
    (item_id,) = [item["id"] for item in listed if item["title"] == "A speech"]
    assert re.search(r"^status +published$", echoic("items", "show", str(item_id)).stdout, re.MULTILINE)
    assert echoic("transcript", str(item_id)).stdout == done.stdout
    link = echoic("shares", "create", str(item_id), "--start", "1", "--end", "3", "--days", "0", "--no-audio").stdout
    page = httpx.get(link.strip())
    assert (page.status_code, "A speech" in page.text) == (200, True)
    listed = echoic("shares", "list", "--item", str(item_id)).stdout.splitlines()[-1].split()
    assert f"item {item_id} from 1 to 3 s" in " ".join(listed)
    assert echoic("shares", "revoke", listed[0]).exit_code == 0
    assert httpx.get(link.strip()).status_code == 404
    hits = json.loads(echoic("search", done.stdout.split()[1].strip(".,"), "--type", "text", "--json").stdout)
    assert item_id in [hit["item_id"] for hit in hits["results"]]


def test_a_folder_goes_in_and_what_is_refused_does_not_stop_the_rest(echoic: Run, tmp_path: Path) -> None:
    (tmp_path / "good.flac").write_bytes(EXAMPLE.read_bytes())
    (tmp_path / "bad.mp3").write_text("no audio", encoding="utf-8")
    done = echoic("upload", str(tmp_path))
    assert done.exit_code == 1
    assert "bad.mp3: " in done.stderr
    assert "(not_audio)" in done.stderr
    (line,) = done.stdout.splitlines()
    assert line.split("\t")[1].endswith("good.flac")
    assert json.loads(state_file().read_text(encoding="utf-8")) == {}
    assert echoic("items", "delete", line.split("\t")[0], "--yes").exit_code == 0
    assert echoic("items", "show", line.split("\t")[0]).exit_code == 5


def test_a_file_that_is_not_there_is_named_and_the_others_go_in(echoic: Run, tmp_path: Path) -> None:
    (tmp_path / "good.flac").write_bytes(EXAMPLE.read_bytes())
    gone, empty = str(tmp_path / "gone.flac"), tmp_path / "empty"
    empty.mkdir()
    done = echoic("upload", gone, str(tmp_path / "good.flac"), str(empty))
    assert done.exit_code == 1
    assert f"echoic: {gone}: There is no file {gone}." in done.stderr
    assert f"There is nothing to upload at {empty}" in done.stderr
    (line,) = done.stdout.splitlines()
    assert line.endswith("good.flac")
    told = json.loads(echoic("upload", gone, str(tmp_path / "good.flac"), "--json").stdout)
    assert [set(each) for each in told] == [{"target", "error"}, {"target", "item_id"}]


def test_work_that_is_taken_up_can_be_waited_for(echoic: Run) -> None:
    item_id = echoic("upload", str(EXAMPLE)).stdout.split("\t")[0]
    said = echoic("items", "transcribe", item_id, "--again", "--wait")
    if said.exit_code:  # it was not yet through with the first time
        assert "(run_active)" in said.stderr
        assert echoic("items", "cancel", item_id).exit_code in (0, 1)
        said = echoic("items", "transcribe", item_id, "--again", "--wait")
    assert said.exit_code == 0, said.stderr
    assert said.stdout.strip()
    assert "writing down what is said" in said.stderr
    ended = echoic("items", "transcribe", item_id, "--again", "--wait", "--json")
    assert json.loads(ended.stdout)["status"] == "published"


@pytest.mark.parametrize(
    "verb",
    [
        ("items", "delete", "{item}"),
        ("datasets", "delete", "1"),
        ("libraries", "delete", "my-library"),
        ("libraries", "leave", "my-library"),
        ("members", "remove", "my-library", "1"),
    ],
)
def test_where_nobody_can_answer_the_option_is_named(echoic: Run, verb: tuple[str, ...]) -> None:
    item_id = echoic("upload", str(EXAMPLE)).stdout.split("\t")[0]
    arguments = [part.format(item=item_id) for part in verb]
    silent = echoic(*arguments, text="")
    assert silent.exit_code == 1
    assert silent.stderr.endswith("echoic: Nobody is there to answer; --yes does it without asking.\n"), silent.stderr
    assert "Aborted" not in silent.stderr
    no = echoic(*arguments, text="n\n")
    assert (no.exit_code, "--yes" in no.stderr) == (1, False)
    assert echoic("items", "show", item_id).exit_code == 0


def test_an_upload_whose_connection_breaks_goes_on_where_it_was(
    echoic: Run, server: PrivateServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recording = tmp_path / "long.wav"
    recording.write_bytes(_wav(seconds=60))
    with _breaking_proxy(server, after_bytes=600_000) as address:
        monkeypatch.setenv("ECHOIC_SERVER", address)
        done = echoic("upload", str(recording), "--json")
    assert done.exit_code == 0, done.stderr
    (result,) = json.loads(done.stdout)
    item = server.client.get(f"/api/items/{result['item_id']}").json()
    assert item["size_bytes"] == recording.stat().st_size


def test_connected_programs_are_listed_and_disconnected(echoic: Run, server: PrivateServer) -> None:
    back, verifier = "http://127.0.0.1:7777/callback", "v" * 43
    described = {"client_name": "Agent", "redirect_uris": [back], "token_endpoint_auth_method": "none"}
    client_id = server.client.post("/oauth/register", json=described).json()["client_id"]
    asked = {"response_type": "code", "client_id": client_id, "code_challenge": challenge_of(verifier)}
    query = urlencode({**asked, "code_challenge_method": "S256"})
    allowed = server.client.post("/api/authorizations", json={"query": query, "scopes": ["read"]}).json()
    fields = {"grant_type": "authorization_code", "code": parameters_of(allowed["url"])["code"], "client_id": client_id}
    answer = httpx.post(server.client.base_url.join("/oauth/token"), data={**fields, "code_verifier": verifier})
    assert answer.is_success, answer.text
    (line,) = echoic("programs", "list").stdout.splitlines()
    facts = line.split("\t")
    assert (facts[1], facts[-2], facts[-1]) == ("read", "127.0.0.1:7777", "Agent")
    assert echoic("programs", "disconnect", facts[0], "--yes").exit_code == 0
    assert echoic("programs", "list").stdout == ""
    assert echoic("programs", "disconnect", facts[0], "--yes").exit_code != 0


def test_datasets_and_keys_can_be_made_listed_and_removed(echoic: Run) -> None:
    made = json.loads(echoic("datasets", "create", "Calls", "--language", "de", "--json").stdout)
    assert (made["name"], made["language"]) == ("Calls", "de")
    assert f"{made['id']}\tmy-library\t0\towner\tCalls" in echoic("datasets", "list").stdout
    assert "Calls" in echoic("datasets", "show", str(made["id"])).stdout
    assert echoic("datasets", "delete", str(made["id"]), text="n\n").exit_code == 1
    assert echoic("datasets", "delete", str(made["id"]), text="y\n").exit_code == 0
    key = echoic("keys", "create", "Laptop", "--scope", "read").stdout.strip()
    assert key.startswith("ek_")
    (line,) = [line for line in echoic("keys", "list").stdout.splitlines() if line.endswith("Laptop")]
    assert echoic("keys", "revoke", line.split("\t")[0]).exit_code == 0
    assert "Laptop" not in echoic("keys", "list").stdout
    refused = echoic("keys", "create", "Odd", "--scope", "everything")
    assert refused.exit_code == 1
    assert "'read', 'upload' or 'manage'" in refused.stderr


def test_transcripts_are_saved_in_any_format(echoic: Run, tmp_path: Path) -> None:
    assert echoic("upload", str(EXAMPLE), "--title", "To be saved", "--wait").exit_code == 0
    listed = json.loads(echoic("items", "list", "--json").stdout)["items"]
    (item_id,) = [str(item["id"]) for item in listed if item["title"] == "To be saved"]
    file = tmp_path / "speech.docx"
    assert echoic("transcript", item_id, "--format", "docx").exit_code == 1
    assert echoic("transcript", item_id, "--format", "docx", "-o", str(file)).exit_code == 0
    assert zipfile.is_zipfile(file)
    assert echoic("transcript", item_id, "--format", "vtt").stdout.startswith("WEBVTT")
    written = file.read_bytes()
    refused = echoic("transcript", item_id, "-o", str(file))
    assert (refused.exit_code, "is there already; --force writes over it" in refused.stderr) == (1, True)
    assert file.read_bytes() == written
    assert echoic("transcript", item_id, "-o", str(file), "--force").exit_code == 0
    assert file.read_text(encoding="utf-8").split() == echoic("transcript", item_id).stdout.split()
    assert echoic("transcript", item_id, "--format", "srt", "-o", str(tmp_path)).exit_code == 0
    assert (tmp_path / "To be saved.srt").read_text(encoding="utf-8").startswith("1\n")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    missing = echoic("transcript", item_id, "-o", str(tmp_path / "no" / "such.txt"))
    assert (missing.exit_code, "No such file or directory." in missing.stderr) == (1, True)
    assert echoic("transcript", item_id, "-o", "/dev/null").exit_code == 0


def test_nobody_of_that_name_is_an_error_that_names_who_speaks(echoic: Run) -> None:
    conversation = EXAMPLE.with_name("conversation.flac")
    done = echoic("upload", str(conversation), "--num-speakers", "2", "--wait", "--json")
    item_id = str(json.loads(done.stdout)[0]["item_id"])
    echoic("speakers", "name", item_id, "SPEAKER_00", "Anna Weber", "--no-learn")
    for verb in ("transcript", "segments"):
        assert echoic(verb, item_id, "--speaker", "Anna Weber").exit_code == 0
        nobody = echoic(verb, item_id, "--speaker", "Nobody")
        assert nobody.exit_code == 5
        assert nobody.stderr.startswith(
            "echoic: Nobody in the transcript is called 'Nobody'; there are SPEAKER_00 (Anna Weber)"
        )


def test_who_speaks_can_be_said_renamed_and_forgotten(echoic: Run) -> None:
    conversation = EXAMPLE.with_name("conversation.flac")
    done = echoic("upload", str(conversation), "--num-speakers", "2", "--language", "en", "--wait", "--json")
    assert done.exit_code == 0, done.stderr
    item_id = str(json.loads(done.stdout)[0]["item_id"])
    labels = [line.split("\t")[0] for line in echoic("speakers", "in", item_id).stdout.splitlines()]
    assert labels
    named = echoic("speakers", "name", item_id, labels[0], "Anna Weber", "--no-learn")
    assert f"{labels[0]}\tAnna Weber\tby_hand" in named.stdout
    (line,) = [line for line in echoic("speakers", "list").stdout.splitlines() if line.endswith("Anna Weber")]
    speaker_id = line.split("\t")[0]
    assert echoic("speakers", "rename", speaker_id, "Anna Becker").exit_code == 0
    assert "Anna Becker" in echoic("speakers", "in", item_id).stdout
    assert echoic("speakers", "delete", speaker_id, "--yes").exit_code == 0
    assert "Anna" not in echoic("speakers", "in", item_id).stdout


def test_status_says_who_one_is_and_that_the_server_is_well(echoic: Run) -> None:
    wait_for(lambda: bool(re.search(r"^workers +1$", echoic("status").stdout, re.MULTILINE)), "the worker is there")
    told = echoic("status")
    assert told.exit_code == 0
    assert "database  ok" in told.stdout
    assert re.search(r"^queue +\d+ recordings? (is|are) being worked on, \d+ waits?$", told.stdout, re.MULTILINE)
    assert "account   Owner (id 1, plan unlimited)" in told.stdout
    assert re.search(r"^confined +limits\b", told.stdout, re.MULTILINE)
    assert re.search(r"^words by +fake\b", told.stdout, re.MULTILINE)
    assert re.search(r"^role +echoic, no superuser$", told.stdout, re.MULTILINE)


def _wav(*, seconds: int) -> bytes:
    rate, size = 16_000, seconds * 32_000
    head = b"RIFF" + (36 + size).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    form = (1).to_bytes(2, "little") * 2 + rate.to_bytes(4, "little") + (2 * rate).to_bytes(4, "little")
    return head + form + b"\2\0\x10\0data" + size.to_bytes(4, "little") + bytes(size)


@contextlib.contextmanager
def _breaking_proxy(server: PrivateServer, *, after_bytes: int) -> Iterator[str]:
    """A way to the server on which the first connection to carry so many bytes breaks; yields its address."""
    target = (server.client.base_url.host, server.client.base_url.port)
    broken = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def carry(source: socket.socket, sink: socket.socket, breaks: bool) -> None:
            carried = 0
            # Where one side goes, the other's pipe fails: that is what a broken connection is.
            with contextlib.suppress(OSError), source, sink:
                while data := source.recv(65_536):
                    sink.sendall(data)
                    carried += len(data)
                    if breaks and carried > after_bytes and not broken.is_set():
                        broken.set()
                        source.shutdown(socket.SHUT_RDWR)
                        return

        def serve() -> None:
            while True:
                try:
                    near, _ = listener.accept()
                except OSError:
                    return
                far = socket.create_connection(target)
                for source, sink, breaks in ((near, far, True), (far, near, False)):
                    threading.Thread(target=carry, args=(source, sink, breaks), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    assert broken.is_set()


def test_a_change_by_a_key_that_may_not_read_is_done_and_shows_nothing(
    echoic: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    item_id = echoic("upload", str(EXAMPLE), "--title", "Before").stdout.split()[0]
    key = echoic("keys", "create", "Narrow", "--scope", "upload").stdout.strip()
    with monkeypatch.context() as narrow:
        narrow.setenv("ECHOIC_API_KEY", key)
        changed = echoic("items", "change", item_id, "--title", "After")
        assert (changed.exit_code, changed.stdout) == (0, ""), changed.stderr
        assert "lacks the scope 'read'" in changed.stderr
    assert "After" in echoic("items", "show", item_id).stdout
