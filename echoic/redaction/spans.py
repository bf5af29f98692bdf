"""The spans of a text that a policy hides."""

from collections.abc import Collection, Iterable

from echoic.redaction.digits import Found, find_numbers
from echoic.redaction.named import find_people, find_words
from echoic.redaction.patterns import find_addresses, find_emails
from echoic.redaction.policy import KINDS, Policy, mark


def find_spans(text: str, policy: Policy, people: Collection[str] = ()) -> list[Found]:
    """Return what the policy hides in a text, in order and without overlap; ``people`` are the names of persons.

    Spans that overlap are one span, of the kind that ``KINDS`` has first.
    """
    found: list[Found] = []
    if "email" in policy.kinds:
        found += find_emails(text)
    if policy.kinds & {"iban", "card", "phone"}:
        found += (one for one in find_numbers(text) if one.kind in policy.kinds)
    if "address" in policy.kinds:
        found += find_addresses(text)
    if "person" in policy.kinds:
        found += find_people(text, people)
    found += find_words(text, policy.words)
    return _joined(found)


def hide(text: str, policy: Policy, people: Collection[str] = ()) -> str:
    """Return a text with a mark in place of each span that the policy hides."""
    for span in reversed(find_spans(text, policy, people)):
        text = text[: span.start] + mark(span.kind) + text[span.end :]
    return text


def _joined(found: Iterable[Found]) -> list[Found]:
    joined: list[Found] = []
    for span in sorted(found, key=lambda one: (one.start, -one.end)):
        if joined and span.start < joined[-1].end:
            last = joined.pop()
            kind = min(last.kind, span.kind, key=KINDS.index)
            joined.append(Found(last.start, max(last.end, span.end), kind))
        else:
            joined.append(span)
    return joined
