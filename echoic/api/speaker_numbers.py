"""What can be said of how many people speak, as JSON: of a dataset, and of one item."""

from typing import Annotated

from pydantic import Field

from echoic.api.bodies import WHOLE, Body
from echoic.intake.fields import MAX_SPEAKERS

SpeakerNumber = Annotated[int, Field(ge=1, le=MAX_SPEAKERS), WHOLE]

EXACTLY = "How many people speak, where that is known; not together with the other two."
AT_LEAST = "At least so many people speak."
AT_MOST = "At most so many people speak."


class SpeakerNumbers(Body):
    """How many people speak; null leaves it to be found out."""

    num_speakers: SpeakerNumber | None = Field(default=None, description=EXACTLY)
    min_speakers: SpeakerNumber | None = Field(default=None, description=AT_LEAST)
    max_speakers: SpeakerNumber | None = Field(default=None, description=AT_MOST)
