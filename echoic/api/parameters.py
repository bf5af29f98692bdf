"""Parameters that many routes have: ids and slugs in paths, and the part of a list that is asked for."""

from typing import Annotated

from fastapi import Path, Query

from echoic.api.patterns import SLUG_CHARACTERS

MAX_ID = 2**53 - 1
"""Largest number that all readers of JSON hold exactly (RFC 8259, section 6); rows never come near it."""

MAX_LIMIT = 100
DEFAULT_LIMIT = 20
MAX_SLUG_CHARACTERS = 64

Id = Annotated[int, Path(ge=1, le=MAX_ID)]
Slug = Annotated[str, Path(max_length=MAX_SLUG_CHARACTERS, pattern=SLUG_CHARACTERS)]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Offset = Annotated[int, Query(ge=0, le=MAX_ID)]
