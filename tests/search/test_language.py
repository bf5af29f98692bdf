"""The query language: every text is read, mended where it is incomplete, or refused with the position."""

import pytest
from hypothesis import example, given, strategies as st

from echoic.errors import QueryInvalid
from echoic.search.language import MAX_DEPTH, MAX_PARTS, Both, Either, Node, Phrase, Without, Word, leaves, parse

A, B, C, D = Word("a"), Word("b"), Word("c"), Word("d")

PRECEDENCE: list[tuple[str, Node]] = [
    ("a b", Both((A, B))),
    ("a AND b", Both((A, B))),
    ("a OR b", Either((A, B))),
    ("a b OR c d", Either((Both((A, B)), Both((C, D))))),
    ("a OR b AND c OR d", Either((A, Both((B, C)), D))),
    ("a (b OR c) d", Both((A, Either((B, C)), D))),
    ("a NOT b c", Both((A, C, Without(B)))),
    ("a NOT b OR c", Either((Both((A, Without(B))), C))),
    ("a NOT (b OR c)", Both((A, Without(Either((B, C)))))),
    ("a -b", Both((A, Without(B)))),
    ('a -"b c"', Both((A, Without(Phrase(("b", "c")))))),
    ("a -(b c)", Both((A, Without(Both((B, C)))))),
    ("a NOT NOT b", Both((A, B))),
    ('"a b"', Phrase(("a", "b"))),
    ("be*", Phrase(("be",), open_end=True)),
    ("and or not", Both((Word("and"), Word("or"), Word("not")))),
    ("a - b", Both((A, B))),
    ("a-b", Phrase(("a", "b"))),
    ("don't", Phrase(("don", "t"))),
    ("wi-fi*", Phrase(("wi", "fi"), open_end=True)),
    ("Größe ÉTÉ", Both((Word("grosse"), Word("ete")))),
]

MENDED: list[tuple[str, Node | None]] = [
    ('"a b', Phrase(("a", "b"))),
    ("(a OR b", Either((A, B))),
    ("a OR b)", Either((A, B))),
    ("a) b", Both((A, B))),
    ("a OR", A),
    ("OR a", A),
    ("a AND AND b", Both((A, B))),
    ("a NOT", A),
    ('() a "" *', A),
    ("", None),
    ("AND OR NOT", None),
    ("*!?", None),
]

REFUSED = [
    ("-a", "position 1 "),
    ("NOT a", "position 1 "),
    ("a OR -b", "position 6 "),
    ("a (-b)", "position 4 "),
    ("a " * MAX_PARTS + "b", f"position {2 * MAX_PARTS + 1} "),
    ("(" * (MAX_DEPTH + 1) + "a", f"position {MAX_DEPTH + 1} "),
]


@pytest.mark.parametrize(("query", "tree"), PRECEDENCE)
def test_not_binds_tighter_than_and_which_binds_tighter_than_or(query: str, tree: Node) -> None:
    assert parse(query) == tree


@pytest.mark.parametrize(("query", "tree"), MENDED)
def test_what_is_incomplete_is_mended(query: str, tree: Node | None) -> None:
    assert parse(query) == tree


@pytest.mark.parametrize(("query", "position"), REFUSED)
def test_what_cannot_be_mended_is_refused_with_its_position(query: str, position: str) -> None:
    with pytest.raises(QueryInvalid, match=position.strip()):
        parse(query)


@given(st.text(max_size=300) | st.text(alphabet='ab "()-*ANDORT', max_size=80))
@example("(" * 1000)
@example(")" * 1000)
@example("-" * 1000)
def test_every_text_is_read_or_refused_with_a_position(query: str) -> None:
    tree, message = None, "position"
    try:
        tree = parse(query)
    except QueryInvalid as error:
        message = error.message
    assert "position" in message
    assert tree is None or list(leaves(tree))
