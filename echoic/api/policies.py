"""The policy of a dataset in JSON: what is redacted there, and for whom."""

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from echoic import access
from echoic.api.bodies import Body
from echoic.api.names import Name
from echoic.redaction.policy import DETECTED, roles_of

MAX_WORDS = 500

DetectedKind = Literal["email", "iban", "card", "phone", "address", "person"]
Role = Literal["owner", "editor", "viewer"]

REDACTION = (
    "What is hidden in its recordings from the roles that do not read the original; null: nothing. "
    "Only an owner of the library may change it. docs/redaction.md says what is found, and what is not."
)


def _each_once(words: list[str]) -> list[str]:
    return list(dict.fromkeys(unicodedata.normalize("NFC", word) for word in words))


def _kinds_in_order(kinds: list[DetectedKind]) -> list[DetectedKind]:
    return [kind for kind in DETECTED if kind in kinds]


def _with_owner(roles: list[Role]) -> list[Role]:
    return [role for role in reversed(access.ROLES) if role in {*roles, access.OWNER}]  # type: ignore[misc]  # as above


class RedactionBody(Body):
    """A policy: the kinds and words that are hidden, and the roles that read the original."""

    kinds: Annotated[list[DetectedKind], AfterValidator(_kinds_in_order)] = Field(
        default_factory=list, max_length=len(DETECTED), description="Which kinds of things are looked for and hidden."
    )
    words: Annotated[list[Name], Field(max_length=MAX_WORDS), AfterValidator(_each_once)] = Field(
        default_factory=list, description="Words and phrases that are hidden, in any case."
    )
    original_roles: Annotated[list[Role], AfterValidator(_with_owner)] = Field(
        default_factory=lambda: list[Role](["owner"]),
        max_length=len(access.ROLES),
        description="The roles in the library that read the original; owners always do.",
    )

    @model_validator(mode="after")
    def _hides_something(self) -> Self:
        if not self.kinds and not self.words:
            raise ValueError("name at least one kind or word; null hides nothing")
        return self


class ShownRedaction(BaseModel):
    """A policy as the caller may see it."""

    kinds: list[DetectedKind] = Field(description="The kinds of things that are hidden.")
    words: list[str] | None = Field(description="Null for those from whom they are hidden.")
    original_roles: list[Role] = Field(description="The roles that read the original.")
    for_you: bool = Field(description="Whether you read the recordings redacted.")


def shown_policy(stored: Mapping[str, Any] | None, *, role: str | None) -> ShownRedaction | None:
    """Return a stored policy as a role may see it."""
    if stored is None:
        return None
    redacted = not access.reads_original(role=role, original_roles=roles_of(stored))
    return ShownRedaction(
        kinds=stored["kinds"],
        words=None if redacted else stored["words"],
        original_roles=stored["original_roles"],
        for_you=redacted,
    )
