"""Fields of an upload that mean nothing here: they are passed over, and the answer names them, with what was likely meant. Pure."""

import difflib
from collections.abc import Collection, Iterable

from echoic.notices import Notice

MAX_NAMED = 10
"""Clients may send hundreds; the last notice counts the rest."""
MAX_NAME_CHARACTERS_SHOWN = 40
ALIKE = 0.6
"""From this ratio of ``difflib`` on a name is taken for a slip of another."""
SHORTEST_PART = 3


def notices_of(given: Iterable[str], known: Collection[str], *, kept: Collection[str] = ()) -> tuple[Notice, ...]:
    """One notice for each given name that is neither known nor among those that clients send for themselves, ``kept``."""
    unknown = [name for name in given if name not in known and name not in kept]
    notices = [_notice(name, known) for name in unknown[:MAX_NAMED]]
    rest = len(unknown) - MAX_NAMED
    if rest > 0:
        message = f"Of the fields that are not known and were passed over, {rest} more are not named."
        notices.append(Notice(code="field_unknown", message=message, detail={"more": rest}))
    return tuple(notices)


def likely_meant(name: str, known: Collection[str]) -> str | None:
    """The known name that another is probably a slip of, or another writing; None where nothing is near."""
    wanted = _plain(name)
    plain = {_plain(one): one for one in known}
    if wanted in plain:
        return plain[wanted]
    near = difflib.get_close_matches(wanted, plain, n=1, cutoff=ALIKE)
    if near:
        return plain[near[0]]
    if len(wanted) < SHORTEST_PART:
        return None
    return next((one for spelled, one in plain.items() if wanted in spelled or spelled in wanted), None)


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _notice(name: str, known: Collection[str]) -> Notice:
    shown = name[:MAX_NAME_CHARACTERS_SHOWN]
    meant = likely_meant(shown, known)
    message = f"The field {shown!r} is not known and was passed over"
    message += "." if meant is None else f"; did you mean '{meant}'?"
    return Notice(code="field_unknown", message=message, detail={"field": shown, "did_you_mean": meant})
