"""Options for the work on recordings, as JSON: of a dataset for all of its items, and of one item."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from echoic.api.bodies import WHOLE, Body
from echoic.intake.run_options import (
    LANGUAGES,
    MAX_LANGUAGES,
    MAX_NAME_CHARACTERS,
    MAX_SPEAKERS,
    NAME_PATTERN,
    fault_of_language,
)
from echoic.records import Tier

SpeakerNumber = Annotated[int, Field(ge=1, le=MAX_SPEAKERS), WHOLE]


def _known_language(code: str) -> str:
    if (fault := fault_of_language(code)) is not None:
        raise ValueError(fault)
    return code


Language = Annotated[str, AfterValidator(_known_language), Field(json_schema_extra={"enum": list(LANGUAGES)})]
Languages = Annotated[list[Language], Field(max_length=MAX_LANGUAGES)]
EngineName = Annotated[str, StringConstraints(max_length=MAX_NAME_CHARACTERS, pattern=NAME_PATTERN)]

LIKELY_LANGUAGES = "The languages that are likely to be spoken, where `language` is null: where the language is doubtful, it is one of these."
TIER = "`fast`, or `careful`: everything is read twice, in about three times the time."
ENGINE = "The engine that transcribes, of those that the server offers; an answer 400 names them."
MODEL = "The model that transcribes, of those that the server offers."
EXACTLY = "How many people speak, where that is known; not together with the other two."
AT_LEAST = "At least so many people speak."
AT_MOST = "At most so many people speak."


class SpeakerNumbers(Body):
    """The number of people who speak; null leaves it to be found out."""

    num_speakers: SpeakerNumber | None = Field(default=None, description=EXACTLY)
    min_speakers: SpeakerNumber | None = Field(default=None, description=AT_LEAST)
    max_speakers: SpeakerNumber | None = Field(default=None, description=AT_MOST)


class RunOptions(SpeakerNumbers):
    """Options for the work on one item; they count before those of the upload and the dataset."""

    language: Language | None = Field(default=None, description="The language spoken, as its ISO 639 code.")
    languages: Languages | None = Field(default=None, description=LIKELY_LANGUAGES)
    tier: Tier | None = Field(default=None, description=TIER)
    engine: EngineName | None = Field(default=None, description=ENGINE)
    model: EngineName | None = Field(default=None, description=MODEL)
    again: bool = Field(
        default=False,
        description="Also transcribe an item that is published already. Its transcript stays until then, and its versions "
        "for good.",
    )
