"""Which mentions are joined under which name, a row a rule, with the running text they stand in."""

import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from echoic.names.meant import names_meant
from echoic.records import EntityType, Span

MENTION = re.compile(r"\[([^\]]+)\]")


def named(marked: str, kind: EntityType) -> list[str]:
    """The names of the mentions that stand in brackets."""
    text = MENTION.sub(r"\1", marked)
    spans = []
    for place, found in enumerate(MENTION.finditer(marked)):
        start = found.start() - 2 * place
        spans.append(Span(start=start, end=start + len(found[1]), text=found[1], type=kind))
    return names_meant(text, spans)


@pytest.mark.parametrize(
    ("marked", "names"),
    [
        ("[Barack Obama] and [Obama]", ["Barack Obama"] * 2),
        ("[Obama], then [Barack], then [Barack Obama]", ["Barack Obama"] * 3),
        ("Mr. [Hale] and [Hale]", ["Hale"] * 2),
        ("President [Obama] and [President Obama]", ["Obama"] * 2),
        ("[John Kennedy] or [John F. Kennedy]", ["John F. Kennedy"] * 2),
        ("[J. K. Rowling] is [Joanne Rowling]", ["Joanne Rowling", "Joanne Rowling"]),
        ("[Martin Luther King], [Martin Luther King Jr.], [King]", ["Martin Luther King Jr."] * 3),
        ("[margaret hale] is [Margaret Hale]", ["Margaret Hale"] * 2),
        ("[Renée Müller] is [Renee Muller] and [Müller's]", ["Renée Müller"] * 3),
        ("Dr. [Anna Weber] and Mrs. [Weber]", ["Anna Weber"] * 2),
        ("Mrs. [Hale], Mrs. [Hale] and [Hale]", ["Hale"] * 3),
    ],
)
def test_mentions_of_one_person_have_one_name(marked: str, names: list[str]) -> None:
    assert named(marked, "person") == names


@pytest.mark.parametrize(
    ("marked", "names"),
    [
        # Two full names share the surname: the surname alone is neither's.
        ("[Barack Obama], [Michelle Obama], [Obama]", ["Barack Obama", "Michelle Obama", "Obama"]),
        # The middle names do not fit each other, so the name without one is neither's.
        (
            "[George W. Bush], [George H. W. Bush], [George Bush]",
            ["George W. Bush", "George H. W. Bush", "George Bush"],
        ),
        ("[John Smith Jr.] and [John Smith Sr.]", ["John Smith Jr.", "John Smith Sr."]),
        ("Mr. [Hale], Mrs. [Hale], [Hale]", ["Mr. Hale", "Mrs. Hale", "Hale"]),
        ("Mrs. [Bennet] and Miss [Bennet]", ["Mrs. Bennet", "Miss Bennet"]),
        # The title says that somebody else is meant.
        ("Mr. [Hale] and his daughter [Margaret Hale]", ["Hale", "Margaret Hale"]),
        # One's first name is the other's last.
        ("[Martin Weber], [Dean Martin], [Martin]", ["Martin Weber", "Dean Martin", "Martin"]),
        ("[Anna Weber] and [Anne Weber]", ["Anna Weber", "Anne Weber"]),
    ],
)
def test_where_two_could_be_meant_nothing_is_joined(marked: str, names: list[str]) -> None:
    assert named(marked, "person") == names


def test_a_title_tells_two_of_one_surname_apart_and_finds_the_full_name_it_fits() -> None:
    marked = "Mr. [Hale] spoke with [Margaret Hale]. Miss [Hale] left, mister [Hale] stayed."

    assert named(marked, "person") == ["Mr. Hale", "Margaret Hale", "Margaret Hale", "Mr. Hale"]


@pytest.mark.parametrize(
    ("kind", "marked", "names"),
    [
        ("organization", "[IBM], [I.B.M.], [IBM's], [ibm]", ["IBM"] * 4),
        ("organization", "[Microsoft], [Microsoft], [Microsoft Corporation]", ["Microsoft"] * 3),
        ("organization", "[Acme Inc.], [Acme, Inc], [acme]", ["Acme Inc."] * 3),
        ("organization", "[FBI], [FBI], [Federal Bureau of Investigation]", ["FBI"] * 3),
        ("organization", "[Department of Defense] or [DOD]", ["Department of Defense"] * 2),
        ("organization", "[Hewlett-Packard], [Hewlett Packard]", ["Hewlett-Packard"] * 2),
        ("place", "the [U.S.], [US], [USA], [The United States], [United States]", ["U.S."] * 5),
        ("place", "[UAE], [United Arab Emirates]", ["UAE"] * 2),
        ("product", "[iPhone], [Iphone], [iPhone]", ["iPhone"] * 3),
        # Two organizations have these initials.
        (
            "organization",
            "[ACM], [Acme Car Makers], [Alpha Coal Mines]",
            ["ACM", "Acme Car Makers", "Alpha Coal Mines"],
        ),
        # A part of a name may be another company.
        ("organization", "[Goldman] and [Goldman Sachs]", ["Goldman", "Goldman Sachs"]),
        ("product", "[iPhone] and [iPhone 15]", ["iPhone", "iPhone 15"]),
        # Bali and Paris: the marks of Japanese letters are no accents.
        ("place", "[バリ], [パリ], [パリ]", ["バリ", "パリ", "パリ"]),
        ("place", "[São Paulo], [Sao Paulo], [São Paulo]", ["São Paulo"] * 3),
    ],
)
def test_things_are_joined_by_form_and_by_initials(kind: EntityType, marked: str, names: list[str]) -> None:
    assert named(marked, kind) == names


def test_names_of_different_types_are_not_joined() -> None:
    spans = [
        Span(start=0, end=10, text="Washington", type="place"),
        Span(start=11, end=28, text="George Washington", type="person"),
    ]

    assert names_meant("Washington George Washington", spans) == ["Washington", "George Washington"]


FIRST, MIDDLE, LAST = ["Anna", "Bob", "A.", "Carl"], ["", " F.", " Frank", " G."], ["Hale", "Weber"]
FULL_NAMES = [f"{first}{middle} {last}" for first in FIRST for middle in MIDDLE for last in LAST]


@given(st.lists(st.sampled_from([*FULL_NAMES, "Hale", "Weber", "Anna"]), min_size=1, max_size=8))
def test_no_two_full_names_that_contradict_each_other_ever_meet(said: Sequence[str]) -> None:
    names = named(" and ".join(f"[{name}]" for name in said), "person")

    for group in set(names):
        full = {one for one, name in zip(said, names, strict=True) if name == group and " " in one}
        assert len({name.split()[-1] for name in full}) <= 1
        assert len({name.split()[0] for name in full} - {"A."}) <= 1
        middles = sorted({name.split()[1][0] for name in full if len(name.split()) == 3})
        assert all(one == other for one, other in pairwise(middles))


@given(st.lists(st.text(min_size=1, max_size=12), max_size=6), st.sampled_from(["person", "organization", "place"]))
def test_any_text_at_all_gets_a_name_and_equal_texts_the_same(texts: list[str], kind: EntityType) -> None:
    spans = [Span(start=0, end=len(text), text=text, type=kind) for text in texts]

    names = names_meant("", spans)

    assert len(names) == len(texts)
    assert len(set(zip(texts, names, strict=True))) == len(set(texts))
