"""Tools for the people who speak, whom libraries know by name."""

from typing import Annotated, Self

from mcp_types import CallToolResult
from pydantic import BaseModel, Field

from echoic.db.speakers.appearances import Appearance
from echoic.mcp_server.answers import Link, Page, answer, next_offset
from echoic.mcp_server.asking import Asking
from echoic.mcp_server.parameters import DEFAULT_PAGE, MAX_ID, Library, Limit, Offset, Text
from echoic.mcp_server.registry import Tool
from echoic.mcp_server.tool_context import ToolContext, asking
from echoic.reading.lookup import readable_people
from echoic.reading.speakers import ShownPerson, find_people, list_appearances_of, shown_speaker


class Person(BaseModel):
    """Somebody whom a library knows by name."""

    speaker_id: int
    name: str
    library: str = Field(description="Slug of the library that knows them; get_speaker needs it.")
    appearances: int = Field(description="In how many places they speak.")
    seconds: float = Field(description="The time they speak in all of them together.")
    url: str = Field(description="Their page.")

    @classmethod
    def of(cls, person: ShownPerson, who: Asking) -> Self:
        """Return somebody who was found."""
        speaker = person.speaker
        return cls(
            speaker_id=speaker.id,
            name=speaker.name,
            library=person.library,
            appearances=speaker.appearances,
            seconds=speaker.seconds,
            url=f"{who.base}/people/{person.library}/{speaker.id}",
        )


class People(Page):
    """One page of people, by library and name."""

    speakers: list[Person]


class Appears(BaseModel):
    """A recording in which somebody speaks."""

    item_id: int
    title: str
    label: str = Field(description="Theirs in the transcript.")
    seconds: float = Field(description="The time they speak there.")
    start: float | None = Field(description="Seconds at which they are first heard.")
    certainty: str = Field(description="`by_hand` or `enrolled`: a person said so; `matched`: recognized by voice.")
    url: str

    @classmethod
    def of(cls, one: Appearance, who: Asking) -> Self:
        """Return a place where somebody speaks."""
        return cls(
            item_id=one.item_id,
            title=one.title,
            label=one.label,
            seconds=one.seconds,
            start=one.start,
            certainty=one.how,
            url=who.page_of(one.item_id, one.start),
        )


class PersonInFull(Page):
    """Somebody, and one page of the recordings in which they speak, the newest first."""

    speaker: Person
    appearances: list[Appears]


async def search_speakers(
    ctx: ToolContext,
    *,
    query: Annotated[Text | None, Field(description="Part of a name, in any case; everybody if left out.")] = None,
    library: Library = None,
    limit: Limit = DEFAULT_PAGE,
    offset: Offset = 0,
) -> Annotated[CallToolResult, People]:
    """Find people by name among those whom the user's libraries know by their voices or by what somebody said."""
    who = asking(ctx)
    async with who.database.transaction() as session:
        found, total = await find_people(session, who.caller, query=query, library=library, limit=limit, offset=offset)
    body = People(
        speakers=[Person.of(one, who) for one in found],
        total=total,
        next_offset=next_offset(offset=offset, shown=len(found), total=total),
    )
    return answer(body)


async def get_speaker(
    ctx: ToolContext,
    *,
    library: Annotated[str, Field(min_length=1, max_length=64, description="Slug, as search_speakers gives it.")],
    speaker_id: Annotated[int, Field(ge=1, le=MAX_ID, description="As search_speakers gives it.")],
    limit: Limit = DEFAULT_PAGE,
    offset: Offset = 0,
) -> Annotated[CallToolResult, PersonInFull]:
    """Get the recordings in which somebody speaks, with the moment at which they are first heard."""
    who = asking(ctx)
    async with who.database.transaction() as session:
        view = await readable_people(session, library, who.caller)
        speaker = await shown_speaker(session, view, speaker_id)
        found, total = await list_appearances_of(session, view, speaker_id, limit=limit, offset=offset)
    body = PersonInFull(
        speaker=Person.of(ShownPerson(library=library, speaker=speaker), who),
        appearances=[Appears.of(one, who) for one in found],
        total=total,
        next_offset=next_offset(offset=offset, shown=len(found), total=total),
    )
    return answer(body, (Link(uri=one.url, name=one.title) for one in body.appearances))


TOOLS = (
    Tool(function=search_speakers, title="Find people who speak"),
    Tool(function=get_speaker, title="Look at somebody who speaks"),
)
