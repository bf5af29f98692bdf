"""Files that verbs write: whole or not at all, and never over another one unasked."""

from pathlib import Path

import pytest

from echoic.testing.private_server import PrivateServer
from tests.cli.conftest import Run, run
from tests.scripted import Reply, scripted

EXAMPLE = Path(__file__).parents[2] / "examples" / "jfk.flac"


@pytest.mark.processes
def test_a_recording_is_saved_under_its_title_and_not_over_another(
    echoic: Run, server: PrivateServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    item_id = echoic("upload", str(EXAMPLE), "--title", "Über: alles?").stdout.split("\t")[0]
    saved = echoic("audio", item_id)
    assert (saved.exit_code, saved.stdout) == (0, "Über_ alles_.flac\n")
    assert (tmp_path / "Über_ alles_.flac").read_bytes() == EXAMPLE.read_bytes()
    (tmp_path / "Über_ alles_.flac").write_bytes(b"mine")
    refused = echoic("audio", item_id)
    assert (refused.exit_code, "--force writes over it" in refused.stderr) == (1, True)
    assert (tmp_path / "Über_ alles_.flac").read_bytes() == b"mine"
    assert echoic("audio", item_id, "--force").exit_code == 0
    assert (tmp_path / "Über_ alles_.flac").read_bytes() == EXAMPLE.read_bytes()
    assert echoic("audio", item_id, "-o", "copy.flac").stdout == "copy.flac\n"
    assert echoic("audio", "999999").exit_code == 5
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["copy.flac", "Über_ alles_.flac"]


@pytest.fixture
def _key(no_access: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHOIC_API_KEY", "ek_test")


@pytest.mark.usefixtures("_key")
@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("inline; filename*=UTF-8''..%2F..%2Fescape.flac", "escape.flac"),
        ("inline; filename*=UTF-8''.bashrc", "bashrc"),
        ("inline; filename*=UTF-8''a%5Cb.flac", "b.flac"),
        ("inline; filename*=UTF-8''%FF%0A.flac", "\ufffd .flac"),
        ("inline; filename*=UTF-8''..", "item-1"),
        ("attachment", "item-1"),
        ("", "item-1"),
    ],
)
def test_a_server_names_a_file_in_the_folder_and_nothing_else(tmp_path: Path, said: str, name: str) -> None:
    headers = {"Content-Disposition": said} if said else {}
    (tmp_path / "in").mkdir()
    with scripted(lambda _asked, _before: Reply(body=b"sound", headers=headers)) as server:
        saved = run("audio", "1", "-o", str(tmp_path / "in"), "--server", server.address)
    assert saved.exit_code == 0, saved.stderr
    assert [path.name for path in (tmp_path / "in").iterdir()] == [name]


@pytest.mark.usefixtures("_key")
@pytest.mark.parametrize("verb", ["audio", "transcript"])
def test_what_is_removed_is_said_in_the_words_of_the_server(tmp_path: Path, verb: str) -> None:
    gone = Reply(status=410, body=b'{"code": "audio_removed", "message": "It was removed at its deadline."}')
    with scripted(lambda _asked, _before: gone) as server:
        refused = run(verb, "7", "-o", str(tmp_path / "talk"), "--server", server.address)
    assert (refused.exit_code, refused.stderr) == (1, "echoic: It was removed at its deadline. (audio_removed)\n")
    assert not (tmp_path / "talk").exists()


@pytest.mark.usefixtures("_key")
def test_a_refusal_without_words_is_said_by_its_status(tmp_path: Path) -> None:
    replies = {"HEAD /api/items/7/audio": Reply(status=410), "GET /api/items/7/audio": Reply(body=b"sound")}
    with scripted(lambda asked, _before: replies[asked]) as server:
        refused = run("audio", "7", "-o", str(tmp_path / "talk"), "--server", server.address)
    assert (refused.exit_code, refused.stderr) == (1, f"echoic: {server.address} answered 410 Gone.\n")


@pytest.mark.usefixtures("_key")
@pytest.mark.parametrize("verb", ["audio", "transcript"])
def test_no_file_gets_the_name_of_a_folder_that_is_not_there(tmp_path: Path, verb: str) -> None:
    with scripted(lambda _asked, _before: Reply(body=b"said")) as server:
        refused = run(verb, "1", "-o", f"{tmp_path}/talks/", "--server", server.address)
    assert (refused.exit_code, server.asked, list(tmp_path.glob("talks*"))) == (2, [], [])
    assert "there is no folder" in refused.stderr


@pytest.mark.usefixtures("_key")
@pytest.mark.parametrize("verb", ["audio", "transcript"])
def test_an_empty_name_is_no_file_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    monkeypatch.chdir(tmp_path)
    for named in ("--output=", "-o"):
        empty = () if named.endswith("=") else ("",)
        with scripted(lambda _asked, _before: Reply(body=b"said")) as server:
            refused = run(verb, "1", named, *empty, "--server", server.address)
        assert (refused.exit_code, server.asked) == (2, [])
        assert "the name is empty; give a file or a" in refused.stderr
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []
    nowhere = run(verb, "1", "--server", "")
    assert (nowhere.exit_code, nowhere.stderr) == (1, "echoic: The address given by --server is empty.\n")


@pytest.mark.usefixtures("_key")
@pytest.mark.parametrize("force", [True, False])
def test_what_breaks_off_leaves_what_was_there(tmp_path: Path, force: bool) -> None:
    place = tmp_path / "talk.flac"
    if force:
        place.write_bytes(b"mine")

    def answers(asked: str, _before: int) -> Reply:
        return (
            Reply()
            if asked.startswith("HEAD")
            else Reply(status=503, body=b'{"message": "Away.", "code": "unavailable"}')
        )

    with scripted(answers) as server:
        options = ["--force"] if force else []
        failed = run("audio", "1", "-o", str(place), "--server", server.address, *options)
    assert (failed.exit_code, failed.stderr) == (3, "echoic: Away. (unavailable)\n")
    assert [path.read_bytes() for path in tmp_path.iterdir() if path.is_file()] == ([b"mine"] if force else [])


@pytest.mark.usefixtures("_key")
def test_a_transcript_is_not_asked_for_where_it_could_not_be_written(tmp_path: Path) -> None:
    place = tmp_path / "talk.srt"
    place.write_bytes(b"mine")
    with scripted(lambda _asked, _before: Reply(body=b"1\n")) as server:
        refused = run("transcript", "1", "--format", "srt", "-o", str(place), "--server", server.address)
        assert server.asked == []
    assert (refused.exit_code, place.read_bytes()) == (1, b"mine")
