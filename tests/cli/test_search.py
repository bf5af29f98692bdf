"""What somebody reads who searches."""

import json

import pytest

from echoic.search.ranking import MAX_NEAREST
from tests.cli.conftest import run
from tests.scripted import Reply, Scripted, scripted

REMARK = "No place has these words; what follows is near in meaning only.\n"


def hit(text: str) -> dict[str, object]:
    return {
        "item_id": 7,
        "speaker": None,
        "text": text,
        "highlighted_text": text,
        "timestamp": {"start": 3.0, "end": 4.0},
        "episode": {"title": "A talk"},
    }


def found(*texts: str, total: int, kind: str = "hybrid") -> Reply:
    meta = {"search_type": kind, "total": total, "compared_all": True}
    return Reply(body=json.dumps({"results": list(map(hit, texts)), "meta": meta}).encode())


@pytest.fixture(autouse=True)
def _access(no_access: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHOIC_API_KEY", "ek_test")


def searched(*replies: Reply, options: tuple[str, ...] = ()) -> tuple[str, str, Scripted]:
    with scripted(lambda _asked, before: replies[before]) as server:
        done = run("search", "deadline", *options, "--server", server.address)
    assert done.exit_code == 0, done.stderr
    return done.stdout, done.stderr, server


def test_what_is_found_by_its_meaning_alone_is_said_to_be_so() -> None:
    out, err, server = searched(found("by then", "the <mark>end</mark>", total=2), found(total=0, kind="text"))
    assert err.startswith(REMARK)
    assert "by then" in out
    assert len(server.asked) == 2


def test_a_place_is_told_by_the_second_in_which_it_begins() -> None:
    later = {**hit("the deadline"), "timestamp": {"start": 19.54, "end": 21.0}}
    meta = {"search_type": "text", "total": 1, "compared_all": True}
    out, _, _ = searched(Reply(body=json.dumps({"results": [later], "meta": meta}).encode()))
    assert "item 7 · 0:19 · A talk" in out


def test_where_a_place_has_the_words_nothing_is_said() -> None:
    _, err, server = searched(found("the deadline", "by then", total=2), found("the deadline", total=1, kind="text"))
    assert (err, len(server.asked)) == ("2 of 2\n", 2)


@pytest.mark.parametrize(
    ("reply", "options"),
    [
        (found(total=0), ()),
        (found("by then", total=MAX_NEAREST + 1), ()),
        (found("by then", total=20), ("--offset", "10")),
        (found("by then", total=1, kind="text"), ()),
        (found("by then", total=1, kind="semantic"), ("--type", "semantic")),
        (found("by then", total=1), ("--type", "semantic")),
        (found("by then", total=1), ("--json",)),
    ],
)
def test_a_second_question_is_asked_only_where_its_answer_may_be_news(reply: Reply, options: tuple[str, ...]) -> None:
    _, err, server = searched(reply, options=options)
    assert REMARK not in err
    assert len(server.asked) == 1


def test_results_are_shown_where_the_second_question_is_refused() -> None:
    out, err, _ = searched(found("by then", total=1), Reply(status=503))
    assert ("by then" in out, err) == (True, "1 of 1\n")
