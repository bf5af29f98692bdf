"""The vocabulary that learns from corrections: terms are suggested, then taken into the dataset's settings or dismissed."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from echoic import access
from echoic.api.auth import Manager
from echoic.api.bodies import Body, read_json
from echoic.api.context import ComponentsDep
from echoic.api.datasets import MAX_REPLACEMENTS, MAX_VOCABULARY, DatasetBody, bodies
from echoic.api.names import Name
from echoic.api.openapi import json_body
from echoic.api.parameters import Id
from echoic.api.problems import Problem
from echoic.corrections.learned_terms import CorrectedText, LearnedTerm, learned_terms
from echoic.db.catalog import libraries
from echoic.db.connect import Database
from echoic.db.transcripts import corrections
from echoic.errors import FieldInvalid
from echoic.reading.lookup import changeable_dataset, readable_dataset
from echoic.reading.redacted import require_original

MAX_EDITED_SEGMENTS = 5_000
"""The corrected segments that are learned from; of the newest transcripts where there are more."""
MAX_DISMISSED = 1_000
MAX_SUGGESTIONS = 100
USUAL_TIMES = 2

router = APIRouter(tags=["datasets"], responses={"default": {"model": Problem}})


class HeardAsBody(BaseModel):
    """A text that was heard in the place of a term."""

    text: str = Field(description="The text that was heard.")
    times: int = Field(description="How often it was corrected to the term.")
    is_safe: bool = Field(
        description="Whether it may be replaced everywhere: it is no ordinary word, as far as is known."
    )


class SuggestedTerm(BaseModel):
    """A term that people wrote where something else was heard."""

    term: str = Field(description="The term.")
    times: int = Field(description="How often it was corrected.")
    items: int = Field(description="In how many recordings.")
    heard_as: list[HeardAsBody] = Field(description="The texts that were heard in its place.")


class SuggestedTermList(BaseModel):
    """The terms that corrections suggest for a dataset's vocabulary, the most frequent first."""

    terms: list[SuggestedTerm] = Field(description=f"At most {MAX_SUGGESTIONS}.")


class AcceptedTerm(Body):
    """A term for the vocabulary, and the texts to be replaced by it."""

    term: Name = Field(description="The term, as it was suggested.")
    replace: Annotated[list[Name], Field(max_length=MAX_VOCABULARY)] = Field(
        default=[], description="Texts that become this term in every new transcript, as the dataset's `replacements`."
    )


class DismissedTerm(Body):
    """A term that is not to be suggested again."""

    term: Name = Field(description="The term, as it was suggested.")


@router.get("/api/datasets/{dataset_id}/vocabulary/suggestions", operation_id="listVocabularySuggestions")
async def suggestions(
    dataset_id: Id,
    caller: Manager,
    components: ComponentsDep,
    min_times: Annotated[int, Query(ge=1, le=1_000, description="Only what was corrected so often.")] = USUAL_TIMES,
) -> SuggestedTermList:
    """Names and terms that people wrote in the place of what was heard, and that the vocabulary lacks."""

    async def work(database: Database) -> SuggestedTermList:
        async with database.transaction() as session:
            view = await readable_dataset(session, dataset_id, caller)
            access.require_dataset_change(visibility=view.library.visibility, role=view.role)
            require_original(view)
            known = [*view.dataset.vocabulary, *view.dataset.vocabulary_dismissed]
            texts = await _corrected_texts(session, dataset_id)
        found = await asyncio.to_thread(learned_terms, texts, known=known, min_times=min_times)
        return SuggestedTermList(terms=[_shown(term) for term in found[:MAX_SUGGESTIONS]])

    return await components.aside.run(work)


@router.post(
    "/api/datasets/{dataset_id}/vocabulary/accept",
    openapi_extra=json_body(AcceptedTerm),
    operation_id="acceptVocabulary",
)
async def accept(dataset_id: Id, caller: Manager, components: ComponentsDep, request: Request) -> DatasetBody:
    """Take a term into the vocabulary and, where asked for, replace what is heard for it; counts for new transcripts.

    Older transcripts are changed by `POST /api/datasets/{dataset_id}/replace`, which shows first what would change.
    """
    wanted = await read_json(request, AcceptedTerm)
    async with components.database.transaction() as session:
        view = await changeable_dataset(session, dataset_id, caller)
        require_original(view)
        dataset = view.dataset
        vocabulary = list(dict.fromkeys([*dataset.vocabulary, wanted.term]))
        replaced = {each["find"] for each in dataset.replacements}
        new = [text for text in dict.fromkeys(wanted.replace) if text not in replaced and text != wanted.term]
        replacements = [*dataset.replacements, *({"find": text, "replace": wanted.term} for text in new)]
        if len(vocabulary) > MAX_VOCABULARY:
            raise FieldInvalid(
                f"term: the vocabulary has {MAX_VOCABULARY} terms, which is the most; take one out first."
            )
        if len(replacements) > MAX_REPLACEMENTS:
            raise FieldInvalid(f"replace: the dataset would have more than {MAX_REPLACEMENTS} replacements.")
        dismissed = [term for term in dataset.vocabulary_dismissed if term != wanted.term]
        await libraries.change_dataset(
            session, dataset, vocabulary=vocabulary, replacements=replacements, vocabulary_dismissed=dismissed
        )
        (body,) = await bodies(session, [view])
    return body


@router.post(
    "/api/datasets/{dataset_id}/vocabulary/dismiss",
    status_code=204,
    openapi_extra=json_body(DismissedTerm),
    operation_id="dismissVocabulary",
)
async def dismiss(dataset_id: Id, caller: Manager, components: ComponentsDep, request: Request) -> None:
    """Do not suggest a term again; of more than 1,000 the first are forgotten."""
    wanted = await read_json(request, DismissedTerm)
    async with components.database.transaction() as session:
        view = await changeable_dataset(session, dataset_id, caller)
        require_original(view)
        dismissed = [term for term in view.dataset.vocabulary_dismissed if term != wanted.term]
        await libraries.change_dataset(
            session, view.dataset, vocabulary_dismissed=[*dismissed, wanted.term][-MAX_DISMISSED:]
        )


async def _corrected_texts(session: AsyncSession, dataset_id: int) -> list[CorrectedText]:
    rows = await corrections.edited_texts(session, dataset_id, limit=MAX_EDITED_SEGMENTS)
    return [CorrectedText(item_id=row.item_id, before=row.before, after=row.after) for row in rows]


def _shown(term: LearnedTerm) -> SuggestedTerm:
    heard_as = [HeardAsBody(text=heard.text, times=heard.times, is_safe=heard.is_safe) for heard in term.heard_as]
    return SuggestedTerm(term=term.term, times=term.times, items=term.items, heard_as=heard_as)
