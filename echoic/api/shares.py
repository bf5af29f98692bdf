"""Share links: made, listed and revoked. The pages that they lead to are ``shared_pages``."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator
from starlette.requests import Request

from echoic.api.auth import Manager, Reader
from echoic.api.bodies import WHOLE, Body, UtcTime, read_json
from echoic.api.context import ComponentsDep, base_url
from echoic.api.names import Name
from echoic.api.openapi import json_body
from echoic.api.parameters import DEFAULT_LIMIT, MAX_ID, Id, Limit, Offset
from echoic.api.patterns import NO_NUL, ORIGIN
from echoic.api.problems import Problem
from echoic.api.search_bodies import SearchBody
from echoic.api.shared_pages import PLAYER
from echoic.db.sharing.shares import ShareState
from echoic.origins import normal_origin
from echoic.search.run import search as run_search
from echoic.sharing.shares import MAX_MOMENTS, SHARED_PATH, MadeShare, Terms

DEFAULT_DAYS = 30
MAX_DAYS = 3650
MAX_ORIGINS = 20
MAX_SECONDS = 1_000_000.0
MIN_PASSWORD_CHARACTERS, MAX_PASSWORD_CHARACTERS = 6, 200

router = APIRouter(tags=["shares"], responses={"default": {"model": Problem}})


def _web_origin(text: str) -> str:
    origin = normal_origin(text)
    if not origin.startswith(("https://", "http://")):
        raise ValueError(f"{text!r} is no origin of the web; it begins with https:// or http://")
    return origin


Origin = Annotated[
    str,
    StringConstraints(max_length=300, pattern=ORIGIN),
    AfterValidator(_web_origin),
]
Second = Annotated[float, Field(ge=0, le=MAX_SECONDS)]
SharePassword = Annotated[
    str,
    StringConstraints(min_length=MIN_PASSWORD_CHARACTERS, max_length=MAX_PASSWORD_CHARACTERS, pattern=NO_NUL),
]


class NewShareBody(Body):
    """A link to be made: to a recording, to a span of it, or to what a search finds now."""

    item_id: Annotated[int, Field(ge=1, le=MAX_ID), WHOLE] | None = Field(
        default=None, description="The recording; instead of `search`."
    )
    start: Second | None = Field(
        default=None, description="Second at which the span begins; left out: with the recording.", examples=[62.5]
    )
    end: Second | None = Field(
        default=None, description="Second at which the span ends; left out: with the recording.", examples=[90.0]
    )
    search: SearchBody | None = Field(
        default=None,
        description=f"What to search for: the first {MAX_MOMENTS} moments found are shared, as they are now.",
    )
    title: Name | None = Field(default=None, description="Shown instead of the recording's title.")
    expires_in_days: Annotated[int, Field(ge=1, le=MAX_DAYS), WHOLE] | None = Field(
        default=DEFAULT_DAYS, description="Days for which the link works; null: until it is revoked."
    )
    password: SharePassword | None = Field(default=None, description="Asked of everybody who opens the link.")
    audio: bool = Field(default=True, description="Whether the sound can be heard.")
    names: bool = Field(default=True, description="Whether speakers have their names, or numbers only.")
    embed_origins: Annotated[list[Origin], Field(max_length=MAX_ORIGINS)] = Field(
        default=[], description="Origins whose pages may show the player.", examples=[["https://blog.example.org"]]
    )

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if (self.item_id is None) == (self.search is None):
            raise ValueError("give either 'item_id' or 'search'")
        if self.search is not None and (self.start is not None or self.end is not None):
            raise ValueError("'start' and 'end' belong to 'item_id'")
        return self

    def terms(self) -> Terms:
        """Return what is chosen apart from what is shared."""
        return Terms(
            title=self.title,
            lifetime=None if self.expires_in_days is None else timedelta(days=self.expires_in_days),
            password=self.password,
            with_audio=self.audio,
            with_names=self.names,
            embed_origins=tuple(dict.fromkeys(self.embed_origins)),
        )


class SharedMomentBody(BaseModel):
    """A recording, or a span of it, that a link shows."""

    item_id: int
    start: float | None = Field(description="Second at which the span begins; null: the whole recording.")
    end: float | None = Field(description="Second at which the span ends; null: the whole recording.")


class ShareBody(BaseModel):
    """A share link, as its maker sees it."""

    id: int
    url: str = Field(
        description="The link. Everybody who has it may open it.",
        examples=["https://echoic.example/share/to/es_3pXvR2mT7kQ"],
    )
    embed_url: str | None = Field(
        description="The player for other pages; null where no origin may show it.",
        examples=["https://echoic.example/share/to/es_3pXvR2mT7kQ/player"],
    )
    kind: Literal["item", "span", "search"] = Field(description="A recording, a span of it, or moments found.")
    moments: list[SharedMomentBody] = Field(description="The places that it shows.")
    title: str | None = Field(description="Shown instead of the recording's title.", examples=["The apology"])
    query: str | None = Field(description="Of a search, its query.", examples=["budget"])
    has_password: bool = Field(description="Whether it asks for a password.")
    audio: bool = Field(description="Whether the sound can be heard.")
    names: bool = Field(description="Whether speakers have their names.")
    embed_origins: list[str] = Field(
        description="Origins whose pages may show the player.", examples=[["https://blog.example.org"]]
    )
    created_at: UtcTime
    expires_at: UtcTime | None
    state: ShareState = Field(
        description="Whether it opens now. `expired`: it ran out; `maker_ended`: the key or the program that made it has ended; "
        "`unreadable`: you may read nothing of it any more, or it is deleted. `open` again where you may read it again.",
        examples=["open"],
    )

    @classmethod
    def of(cls, made: MadeShare, base: str) -> Self:
        """Return a link for its maker."""
        share = made.share
        url = f"{base}{SHARED_PATH}/{made.token}"
        return cls(
            id=share.id,
            url=url,
            embed_url=f"{url}/{PLAYER}" if share.embed_origins else None,
            kind=share.kind,
            moments=[SharedMomentBody(item_id=one.item_id, start=one.start, end=one.end) for one in made.moments],
            title=share.title,
            query=share.query,
            has_password=share.password_hash is not None,
            audio=share.with_audio,
            names=share.with_names,
            embed_origins=share.embed_origins,
            created_at=share.created_at,
            expires_at=share.expires_at,
            state=made.state,
        )


class ShareList(BaseModel):
    """One page of the account's share links."""

    shares: list[ShareBody] = Field(description="The links of this page.")
    total: int
    limit: int
    offset: int


@router.post("/api/shares", status_code=201, openapi_extra=json_body(NewShareBody), operation_id="createShare")
async def create(request: Request, caller: Reader, components: ComponentsDep) -> ShareBody:
    """Make a link by which people without an account read and hear what you share, and nothing else.

    It shows what your role reads, as long as you may read it, and ends with the key that made it.
    400 `share_unfit` where nothing would be shown, 409 `not_published` while the recording is being transcribed.
    """
    wanted = await read_json(request, NewShareBody)
    if wanted.search is not None:
        found = await run_search(
            wanted.search.to_search(caller.account_id),
            index=components.search_index,
            encoder=components.engines.text_encoder,
        )
        made = await components.shares.share_found(caller, wanted.search.query, found.hits, wanted.terms())
    else:
        made = await components.shares.share_item(
            caller, wanted.item_id or 0, wanted.terms(), start=wanted.start, end=wanted.end
        )
    return ShareBody.of(made, base_url(request, components))


@router.get("/api/shares", operation_id="listShares")
async def list_own(
    request: Request,
    caller: Reader,
    components: ComponentsDep,
    *,
    item_id: Annotated[int | None, Query(ge=1, le=MAX_ID, description="Only links that show this item.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> ShareList:
    """The links that your account made, the newest first, each with whether it opens; those that ran out for another 30 days."""
    found, total = await components.shares.list_of(caller, item_id=item_id, limit=limit, offset=offset)
    base = base_url(request, components)
    return ShareList(shares=[ShareBody.of(made, base) for made in found], total=total, limit=limit, offset=offset)


@router.delete("/api/shares/{share_id}", status_code=204, operation_id="revokeShare")
async def revoke(share_id: Id, caller: Manager, components: ComponentsDep) -> None:
    """Revoke a link at once and for good."""
    await components.shares.revoke(caller, share_id)
