"""The header Content-Digest (RFC 9530): what a request's whole body, a form's frame included, must hash to. Pure."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from echoic.errors import DigestMismatch, FieldInvalid

ALGORITHMS: Mapping[str, Callable[[], Any]] = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
"""Those in use; the others of RFC 9530 are broken ones and are ignored as unknown ones are."""

# A member of a dictionary whose values are byte sequences, with its parameters: RFC 9651 §3.2, 3.3.5, 3.1.2.
_KEY = r"[a-z*][a-z0-9_.*-]*"
_BYTES = r":[A-Za-z0-9+/=]*:"
_WORD = r"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*"
_STRING = r'"(?:[ !#-\[\]-~]|\\["\\])*"'
_BARE = rf"(?:{_STRING}|{_BYTES}|{_WORD}|\?[01]|@?-?[0-9]{{1,15}}(?:\.[0-9]{{1,3}})?)"
_MEMBER = re.compile(rf"({_KEY})=({_BYTES})(?:; *{_KEY}(?:={_BARE})?)*")
_SEPARATOR = re.compile(r"[ \t]*,[ \t]*")


class ContentDigest:
    """The digests that a body must have, computed as it passes."""

    def __init__(self, expected: Mapping[str, bytes]) -> None:
        self._expected = expected
        self._digests = {algorithm: ALGORITHMS[algorithm]() for algorithm in expected}

    @classmethod
    def parse(cls, header: str) -> "ContentDigest":
        """Read the header; one without a known algorithm demands nothing. Raises FieldInvalid."""
        expected: dict[str, bytes] = {}
        for algorithm, value in _members(header.strip(" ")):
            if algorithm not in ALGORITHMS:
                continue
            try:
                expected[algorithm] = base64.b64decode(value.strip(":"), validate=True)
            except binascii.Error as error:
                raise FieldInvalid(f"The Content-Digest header has a {algorithm} that is not base64.") from error
            if len(expected[algorithm]) != ALGORITHMS[algorithm]().digest_size:
                raise FieldInvalid(f"The Content-Digest header has a {algorithm} of the wrong length.")
        return cls(expected)

    def update(self, chunk: bytes) -> None:
        """Take the next bytes of the body."""
        for digest in self._digests.values():
            digest.update(chunk)

    def verify(self) -> None:
        """The body has ended; raise DigestMismatch where it is not the one that was meant."""
        for algorithm, digest in self._digests.items():
            if digest.digest() != self._expected[algorithm]:
                raise DigestMismatch(f"The {algorithm} of the request's body is not the one in Content-Digest.")


def _members(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        if found:
            separator = _SEPARATOR.match(text, position)
            position = separator.end() if separator is not None else len(text) + 1
        member = _MEMBER.match(text, position)
        if member is None:
            raise FieldInvalid(
                "The Content-Digest header is not as RFC 9530 has it; an example: sha-256=:<digest in base64>:"
            )
        found.append((member[1], member[2]))
        position = member.end()
    return found
