"""The verbs that change a transcript, as their users call them, against a whole server."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.waiting import wait_for

pytestmark = pytest.mark.processes

CONVERSATION = Path(__file__).parents[2] / "examples" / "conversation.flac"


@pytest.fixture
def item(echoic: Run) -> str:
    """A transcribed recording of its own for each test."""
    done = echoic("upload", str(CONVERSATION), "--language", "en", "--wait", "--json")
    assert done.exit_code == 0, done.stderr
    return str(json.loads(done.stdout)[0]["item_id"])


def rows(printed: str) -> list[list[str]]:
    return [line.split("\t") for line in printed.splitlines()]


def told(run: Run, *arguments: str) -> Any:
    """The answer as JSON."""
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_a_segment_is_corrected_and_its_versions_are_seen_and_taken_back(echoic: Run, item: str) -> None:
    before = rows(echoic("segments", item).stdout)
    assert [row[0] for row in before] == [str(number) for number in range(len(before))]
    done = echoic("correct", item, "0", "--text", "Quite  another text", "--speaker", "Anna Weber")
    assert done.exit_code == 0, done.stderr
    assert rows(done.stdout) == [
        ["version 1, changed: 1 segment"],
        ["0", before[0][1], "Anna Weber", "Quite another text"],
    ]
    assert rows(echoic("segments", item, "--speaker", "anna weber").stdout) == rows(done.stdout)[1:]
    assert "Quite another text" in echoic("transcript", item).stdout
    assert "Quite another text" not in echoic("transcript", item, "--version", "0").stdout
    assert rows(echoic("segments", item, "--version", "0").stdout) == before
    assert echoic("correct", item, "0", "--nobody").exit_code == 0
    listed = rows(echoic("versions", item).stdout)
    assert [(row[0], row[2], row[3]) for row in listed] == [("2", "Owner", "1 segment"), ("1", "Owner", "1 segment")]
    assert rows(echoic("versions", item, "1").stdout) == [
        ["segment 0, speaker", before[0][2], "Anna Weber"],
        ["segment 0", before[0][3], "Quite another text"],
    ]
    assert [each["version"] for each in told(echoic, "versions", item)["versions"]] == [2, 1]
    assert echoic("restore", item, "0").stdout == "version 3, changed: 1 segment\n"
    assert rows(echoic("segments", item).stdout) == before
    assert told(echoic, "restore", item, "0") == {"version": 3, "segments_changed": 0, "speakers_changed": 0}
    assert echoic("restore", item, "0").stdout == "version 3, nothing to change\n"
    assert rows(echoic("versions", item, "--limit", "1").stdout)[0][3] == "back to version 0, 1 segment"


def test_versions_made_by_another_transcription_say_so(echoic: Run, item: str) -> None:
    assert echoic("correct", item, "0", "--text", "Quite another text").exit_code == 0
    assert echoic("items", "transcribe", item, "--again").exit_code == 0
    wait_for(
        lambda: told(echoic, "versions", item)["total"] > 1, "the item was transcribed again", patience_seconds=120
    )
    assert [(row[0], row[2], row[3]) for row in rows(echoic("versions", item).stdout)] == [
        ("3", "", "corrections made again, 1 segment"),
        ("2", "", "transcribed again"),
        ("1", "Owner", "1 segment"),
    ]


def test_a_text_is_replaced_after_it_was_shown_what_would_be(echoic: Run, item: str) -> None:
    texts = [row[3] for row in rows(echoic("segments", item).stdout)]
    word = texts[0].split()[0].strip(".,")
    shown = echoic("replace", item, word.upper(), "Zebra", "--dry-run")
    assert shown.exit_code == 0, shown.stderr
    assert "nothing is changed yet" in shown.stderr
    planned = {int(row[0]): (row[1], row[2]) for row in rows(shown.stdout)}
    assert planned[0] == (texts[0], planned[0][1])
    assert [row[3] for row in rows(echoic("segments", item).stdout)] == texts
    dry = told(echoic, "replace", item, word, "Zebra", "--dry-run")
    answer = told(echoic, "replace", item, word, "Zebra")
    assert (answer["version"], answer["replacements"]) == (1, dry["replacements"])
    now = [row[3] for row in rows(echoic("segments", item).stdout)]
    assert {place: (texts[place], text) for place, text in enumerate(now) if text != texts[place]} == planned
    assert echoic("replace", item, "zebra", "x", "--match-case").stdout == "version 1, nothing to change\n"
    assert echoic("replace", item, "Zebr", "x", "--whole-words").stdout == "version 1, nothing to change\n"
    assert echoic("replace", item, "Zebra", "x").stdout.startswith("version 2, changed: ")
    # All changes of a version, however many, beside the names of speakers.
    assert len(rows(echoic("versions", item, "1").stdout)) == len(planned)


def test_speakers_of_an_item_are_split_merged_named_and_restored(echoic: Run, item: str) -> None:
    before = rows(echoic("segments", item).stdout)
    label = before[0][2]
    own = [row[0] for row in before if row[2] == label]
    made = told(echoic, "speakers", "split", item, label, own[0], "--name", "Cleo Park")
    new = made["label"]
    assert rows(echoic("segments", item).stdout)[0][2] == "Cleo Park"
    assert rows(echoic("versions", item).stdout)[0][3] == f"1 segment, {new}: – → Cleo Park"
    told(echoic, "speakers", "name", item, new, "Dan Park", "--no-learn")
    assert rows(echoic("versions", item, "2").stdout) == [[new, "Cleo Park", "Dan Park"]]
    assert echoic("correct", item, own[0], "--speaker", "Eve").exit_code == 0
    merged = echoic("speakers", "merge", item, new, label)
    assert (merged.exit_code, "speaker_not_found" in merged.stderr) == (5, True), "nobody speaks under it any more"
    assert echoic("restore", item, "1").exit_code == 0
    merged = echoic("speakers", "merge", item, new, label)
    assert new not in merged.stdout
    assert rows(echoic("segments", item).stdout) == before
    for name in ("Cleo Park", "Dan Park"):
        (line,) = [row for row in rows(echoic("speakers", "list").stdout) if row[-1] == name]
        assert echoic("speakers", "delete", line[0], "--yes").exit_code == 0


def test_what_cannot_be_corrected_ends_in_one_line_and_its_exit_code(echoic: Run, item: str) -> None:
    for arguments, code, message in (
        (("correct", item, "0"), 2, "give --text, --speaker or --nobody"),
        (("correct", item, "0", "--speaker", "A", "--nobody"), 2, "either --speaker or --nobody"),
        (("correct", item, "zero", "--text", "x"), 2, ""),
        (("replace", item, "", "x"), 2, "the text to find is empty"),
        (("correct", item, "9999", "--text", "x"), 5, "The transcript has no segment 9999. (segment_not_found)"),
        (("restore", item, "7"), 5, "version_not_found"),
        (("versions", item, "7"), 5, "version_not_found"),
        (("segments", "999999"), 5, "item_not_found"),
        (("correct", item, "0", "--text", "x", "--at-version", "3"), 1, "transcript_changed"),
        (("restore", item, "0", "--at-version", "3"), 1, "transcript_changed"),
        (("replace", item, "a", "b", "--at-version", "3"), 1, "transcript_changed"),
    ):
        done = echoic(*arguments)
        assert (done.exit_code, message in " ".join(done.stderr.split())) == (code, True), (arguments, done.stderr)
        if code != 2:
            assert len(done.stderr.splitlines()) == 1
    assert told(echoic, "versions", item)["total"] == 0
