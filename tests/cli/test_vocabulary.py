"""``echoic vocabulary`` against a whole server."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from echoic.testing.private_server import PrivateServer
from tests.cli.conftest import Run

pytestmark = pytest.mark.processes

CONVERSATION = Path(__file__).parents[2] / "examples" / "conversation.flac"


def test_a_term_is_suggested_accepted_and_made_in_older_transcripts_after_a_yes(
    echoic: Run, server: PrivateServer
) -> None:
    def told(*arguments: str) -> Any:
        done = echoic(*arguments, "--json")
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout)

    dataset = str(told("datasets", "create", "Terms", "--no-identify-speakers")["id"])
    upload = ("upload", str(CONVERSATION), "--dataset", dataset, "--title")
    items = [str(told(*upload, f"Talk {number}", "--wait")[0]["item_id"]) for number in (1, 2)]
    segments = server.client.get(f"/api/items/{items[0]}/transcript").json()["segments"]
    said = " ".join(part["text"] for part in segments)
    # Two words that stand together once, so that no other place is meant.
    place, text, words = next(
        (part["id"], part["text"], pair)
        for part in segments
        for pair in re.findall(r"(?<= )(?=([a-z]{4,} [a-z]{4,}))", part["text"])
        if said.count(pair) == 1
    )
    term = words.replace(" ", "").capitalize()
    assert echoic("correct", items[0], str(place), "--text", text.replace(words, term)).exit_code == 0
    assert told("vocabulary", "suggestions", "--dataset", dataset) == []

    listed = echoic("vocabulary", "suggestions", "--dataset", dataset, "--min-times", "1").stdout
    assert listed == f"{term}\t1\t1\t{words} (1)\n"

    accept = ("vocabulary", "accept", term, "--dataset", dataset)
    unanswered = echoic(*accept, "--old")
    assert unanswered.exit_code != 0
    assert words in server.client.get(f"/api/items/{items[1]}/transcript").json()["segments"][place]["text"]
    done = echoic(*accept, "--replace", words, "--old", "--yes")
    assert done.exit_code == 0, done.stderr
    assert f"{items[1]}: {text}" in done.stderr
    settings = told("datasets", "show", dataset)
    assert settings["vocabulary"] == [term]
    assert settings["replacements"] == [{"find": words, "replace": term}]
    assert term in server.client.get(f"/api/items/{items[1]}/transcript").json()["segments"][place]["text"]

    told("datasets", "change", dataset, "--vocabulary", "")
    assert echoic("vocabulary", "dismiss", term, "--dataset", dataset).exit_code == 0
    assert told("vocabulary", "suggestions", "--dataset", dataset, "--min-times", "1") == []
