"""The policy of a dataset: which kinds of things are hidden, and which roles read the original."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

Kind = Literal["email", "iban", "card", "phone", "address", "person", "word"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""From the one that is told most surely to the one that is told least: of spans that overlap, the first kind names both."""
DETECTED: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "word")
"""The kinds that a policy names; ``word`` comes of its own list."""


def mark(kind: Kind) -> str:
    """Return the text that stands in place of what is hidden: ``[PHONE]``."""
    return f"[{kind.upper()}]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """The things that are hidden in the recordings of a dataset."""

    kinds: frozenset[Kind]
    words: tuple[str, ...] = ()
    """The dataset's own list of words and phrases, in any case."""

    @classmethod
    def from_object(cls, stored: Mapping[str, Any]) -> Self:
        """Return the policy of a stored object."""
        return cls(kinds=frozenset(stored["kinds"]), words=tuple(stored["words"]))

    @property
    def shown_kinds(self) -> tuple[Kind, ...]:
        """The kinds that are hidden, the own list included, in the order of ``KINDS``."""
        return tuple(kind for kind in KINDS if kind in self.kinds or (kind == "word" and self.words))


def roles_of(stored: Mapping[str, Any] | None) -> Sequence[str] | None:
    """Return the roles that read the original by a stored policy; None where there is no policy and everybody does."""
    return None if stored is None else stored["original_roles"]
