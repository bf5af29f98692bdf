"""Parameters that several tools have, with the words that tell an agent of them."""

from typing import Annotated

from pydantic import Field

MAX_ID = 2**53 - 1
MAX_TEXT_CHARACTERS = 1_000
MAX_PAGE = 100
DEFAULT_PAGE = 20

ItemId = Annotated[int, Field(ge=1, le=MAX_ID, description="Id of the recording, as searches and lists give it.")]
DatasetId = Annotated[int | None, Field(ge=1, le=MAX_ID, description="Id of a dataset: only its recordings.")]
Library = Annotated[
    str | None, Field(min_length=1, max_length=64, description="Slug of a library: only its recordings.")
]
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE, description="Most results.")]
Offset = Annotated[int, Field(ge=0, le=MAX_ID, description="Results to leave out; `next_offset` of the last answer.")]
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARACTERS)]
Seconds = Annotated[float, Field(ge=0, le=10_000_000, allow_inf_nan=False)]
