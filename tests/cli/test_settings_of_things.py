"""Verbs that change datasets, libraries, members, items and keys, against a whole server."""

import json
from pathlib import Path
from typing import Any

import pytest

from echoic.testing.private_server import PrivateServer
from tests.cli.conftest import Run

pytestmark = pytest.mark.processes

EXAMPLE = Path(__file__).parents[2] / "examples" / "jfk.flac"


def told(echoic: Run, *verb: str) -> Any:
    done = echoic(*verb, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_every_setting_of_a_dataset_can_be_changed_and_taken_back(echoic: Run) -> None:
    made = told(
        echoic, "datasets", "create", "Calls", "--allowed-formats", "mp3,.OPUS", "--allowed-formats", "webm mp4"
    )
    assert made["allowed_formats"] == ["mp3", "opus", "webm", "mp4"]
    assert made["auto_transcribe"] is True
    number = str(made["id"])
    settings = {
        "--name": "Talks",
        "--description": "Of the club",
        "--language": "de",
        "--tier": "careful",
        "--initial-prompt": "Guten Abend.",
        "--vocabulary": "Echoic",
        "--replacement": "jon weber=Joan Weber",
        "--max-file-size-mb": "20",
        "--min-speakers": "2",
    }
    options = [word for pair in settings.items() for word in pair]
    changed = told(echoic, "datasets", "change", number, *options, "--no-auto-transcribe", "--require-metadata")
    expected = {
        "name": "Talks",
        "description": "Of the club",
        "language": "de",
        "tier": "careful",
        "initial_prompt": "Guten Abend.",
        "vocabulary": ["Echoic"],
        "replacements": [{"find": "jon weber", "replace": "Joan Weber"}],
        "max_file_size_mb": 20,
        "min_speakers": 2,
        "auto_transcribe": False,
        "require_metadata": True,
        "allowed_formats": ["mp3", "opus", "webm", "mp4"],
    }
    assert {name: changed[name] for name in expected} == expected
    shown = echoic("datasets", "show", number).stdout
    assert "jon weber → Joan Weber" in shown
    emptied = told(
        echoic,
        "datasets",
        "change",
        number,
        "--language",
        "",
        "--description",
        "",
        "--min-speakers",
        "0",
        "--vocabulary",
        "",
    )
    assert [emptied[name] for name in ("language", "description", "min_speakers", "vocabulary")] == [
        None,
        None,
        None,
        [],
    ]
    assert echoic("datasets", "change", number).exit_code == 2


def test_what_a_dataset_hides_is_said_as_a_whole_and_taken_back(echoic: Run) -> None:
    number = str(told(echoic, "datasets", "create", "Support", "--redact", "phone")["id"])
    hidden = ["--redact", "card,email", "--redact-word", "Project Falcon", "--original-role", "editor"]
    assert told(echoic, "datasets", "change", number, *hidden)["redaction"] == {
        "kinds": ["email", "card"],
        "words": ["Project Falcon"],
        "original_roles": ["owner", "editor"],
        "for_you": False,
    }
    shown = echoic("datasets", "show", number).stdout
    assert "Project Falcon" in shown
    assert "owner, editor" in shown
    assert echoic("datasets", "change", number, "--original-role", "editor").exit_code == 2
    assert told(echoic, "datasets", "change", number, "--redact", "")["redaction"] is None
    assert echoic("datasets", "change", number, "--replacement", "no sign").exit_code == 2


def test_who_deletes_a_dataset_is_told_how_many_items_go(echoic: Run) -> None:
    number = str(told(echoic, "datasets", "create", "Old", "--no-auto-transcribe")["id"])
    asked = echoic("datasets", "delete", number, text="n\n")
    assert asked.exit_code == 1
    assert f"Remove dataset {number}, 'Old', with 0 items for good?" in asked.stderr
    echoic("upload", str(EXAMPLE), "--dataset", number)
    assert f"dataset {number}, 'Old', with 1 item for good?" in echoic("datasets", "delete", number, text="n\n").stderr
    assert "with 1 item" in echoic("datasets", "delete", number, "--yes").stderr
    assert echoic("datasets", "delete", number, "--yes").exit_code == 5


def test_a_library_is_made_changed_shared_and_removed(echoic: Run, server: PrivateServer) -> None:
    made = told(echoic, "libraries", "create", "club-talks", "Club talks")
    assert (made["visibility"], made["role"]) == ("private", "owner")
    assert told(echoic, "libraries", "change", "club-talks", "--visibility", "public")["visibility"] == "public"
    assert told(echoic, "libraries", "change", "club-talks", "--description", "All")["description"] == "All"
    assert "club-talks\t0\t1\t*\tClub talks" in echoic("libraries", "list").stdout
    assert "club-talks" in echoic("libraries", "list", "--public").stdout
    assert echoic("members", "list", "club-talks").stdout.split("\t")[:2] == ["1", "owner"]
    refused = echoic("members", "set", "club-talks", "1", "viewer")
    assert (refused.exit_code, "last_owner" in refused.stderr) == (1, True)
    assert echoic("members", "remove", "club-talks", "99", "--yes").exit_code == 5
    assert echoic("libraries", "leave", "club-talks", "--yes").exit_code == 1
    told(echoic, "datasets", "create", "In it", "--library", "club-talks")
    asked = echoic("libraries", "delete", "club-talks", text="n\n")
    assert "library club-talks, 'Club talks', with 1 dataset and 0 items for good?" in asked.stderr
    assert echoic("libraries", "delete", "club-talks", "--yes").exit_code == 0
    assert echoic("libraries", "show", "club-talks").exit_code == 5
    assert echoic("libraries", "change", "club-talks").exit_code == 2


def test_an_invitation_is_made_used_listed_and_revoked(
    echoic: Run, server: PrivateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(echoic, "libraries", "create", "choir", "Choir")
    made = echoic("invitations", "create", "choir", "--role", "editor", "--uses", "2", "--days", "3")
    assert "2 people may join as editor until 20" in made.stderr
    link = made.stdout.strip()
    bert = server.client.post("/api/accounts", json={"name": "Bert"}).json()["key"]
    with monkeypatch.context() as as_bert:
        as_bert.setenv("ECHOIC_API_KEY", bert)
        assert told(echoic, "invitations", "accept", link)["slug"] == "choir"
        refused = echoic("invitations", "list", "choir")
        assert (refused.exit_code, "forbidden" in refused.stderr) == (4, True), refused.stderr
    number, role, used, *_ = echoic("invitations", "list", "choir").stdout.split("\t")
    assert (role, used) == ("editor", "1 of 2")
    kept = echoic("invitations", "revoke", "choir", number, text="n\n")
    assert (kept.exit_code, f"End invitation {number} to choir?" in kept.stderr) == (1, True)
    assert echoic("invitations", "revoke", "choir", number, "--yes").exit_code == 0
    assert echoic("invitations", "list", "choir").stdout == ""
    assert "invitation_not_found" in echoic("invitations", "accept", link).stderr


def test_one_s_own_key_is_revoked_only_after_asking(
    echoic: Run, server: PrivateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = server.client.post("/api/keys", json={"name": "Spare", "scopes": ["read", "manage"]}).json()
    monkeypatch.setenv("ECHOIC_API_KEY", made["key"])
    asked = echoic("keys", "revoke", str(made["id"]), text="n\n")
    assert asked.exit_code == 1
    assert "'Spare', is the one that this command uses" in asked.stderr
    assert echoic("keys", "list").exit_code == 0
    assert echoic("keys", "revoke", str(made["id"])).exit_code == 1  # nobody there to answer
    assert echoic("keys", "revoke", str(made["id"]), "--yes").exit_code == 0
    assert echoic("keys", "list").exit_code == 4


def test_lists_say_that_there_is_more_and_items_show_their_description(echoic: Run) -> None:
    number = str(told(echoic, "datasets", "create", "Three", "--no-auto-transcribe")["id"])
    for title in ("one", "two", "three"):
        assert (
            echoic("upload", str(EXAMPLE), "--dataset", number, "--title", title, "--description", "Of 1961").exit_code
            == 0
        )
    first = echoic("items", "list", "--dataset", number, "--limit", "2")
    assert first.stderr == "2 of 3; go on with --offset 2\n"
    assert echoic("items", "list", "--dataset", number, "--limit", "2", "--offset", "2").stderr == ""
    item_id = first.stdout.split("\t")[0]
    assert "description  Of 1961" in echoic("items", "show", item_id).stdout
    assert told(echoic, "items", "change", item_id, "--title", "Third", "--description", "")["title"] == "Third"
    assert "description" not in echoic("items", "show", item_id).stdout
    assert echoic("items", "change", item_id).exit_code == 2
    asked = echoic("items", "delete", item_id, text="n\n")
    assert f"Remove item {item_id}, 'Third', for good?" in asked.stderr
    assert "go on with --offset 1" in echoic("datasets", "list", "--limit", "1").stderr


def test_the_version_is_told(echoic: Run) -> None:
    from echoic import __version__

    assert echoic("--version").stdout == f"echoic {__version__}\n"
