"""Links for one upload each: for a program that has the file, but no key."""

import shlex
from typing import Annotated, Self

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from echoic.access import tells_of_its_own
from echoic.accounts.rate_limit import admit
from echoic.api.auth import Uploader
from echoic.api.bodies import UtcTime
from echoic.api.context import ComponentsDep, MetricsDep, base_url
from echoic.api.parameters import Id
from echoic.api.problems import Problem
from echoic.api.request_heads import check_head
from echoic.api.upload_bodies import FORM_REQUEST, RESPONSES, AcceptedBody
from echoic.api.uploads import counted
from echoic.intake.receive import RequestHead
from echoic.intake.upload_links import PATH, REQUEST as ASKED, MadeLink, make_link, open_link, receive_by_link

MAX_TOKEN_CHARACTERS = 100

router = APIRouter(tags=["uploads"], responses={"default": {"model": Problem}})

Token = Annotated[str, Path(max_length=MAX_TOKEN_CHARACTERS, description="The last part of the link.")]


class UploadLinkBody(BaseModel):
    """A link under which one recording can be uploaded without a key."""

    url: str = Field(
        description="Send a form to it, as to the dataset's own address. Whoever has it may use it, once.",
        examples=["https://echoic.example/api/upload-links/el_3pXvR2mT7kQ"],
    )
    command: str = Field(
        description="A command that uploads a file, whose name is to be put in place of FILE.",
        examples=["curl -F audio=@FILE https://echoic.example/api/upload-links/el_3pXvR2mT7kQ"],
    )
    expires_at: UtcTime
    max_bytes: int = Field(description="The largest file that is taken.")
    allowed_formats: list[str] = Field(description="File extensions that are taken.")

    @classmethod
    def of(cls, made: MadeLink, base: str) -> Self:
        """Return a link as clients are told of it."""
        url = f"{base}{PATH}/{made.token}"
        return cls(
            url=url,
            command=f"curl -F audio=@FILE {shlex.quote(url)}",
            expires_at=made.expires_at,
            max_bytes=made.max_bytes,
            allowed_formats=list(made.allowed_formats),
        )


@router.post("/api/datasets/{dataset_id}/upload-links", status_code=201, operation_id="createUploadLink")
@tells_of_its_own
async def create_link(dataset_id: Id, caller: Uploader, components: ComponentsDep, request: Request) -> UploadLinkBody:
    """Make a link for one upload into a dataset: it works for an hour, without a key, as long as your key does."""
    made = await make_link(components.database, components.intake.admissions, caller, dataset_id)
    return UploadLinkBody.of(made, base_url(request, components))


@router.post(
    PATH + "/{token}",
    openapi_extra={"requestBody": FORM_REQUEST["requestBody"]},
    responses=RESPONSES,
    response_model_exclude_none=True,
    operation_id="uploadByLink",
)
@tells_of_its_own
async def use_link(
    request: Request,
    response: Response,
    token: Token,
    *,
    components: ComponentsDep,
    metrics: MetricsDep,
) -> AcceptedBody:
    """Upload one recording by a link; the form is that of the dataset's own address. No key is needed.

    404 `upload_link_not_found`, 409 `upload_link_used` for another recording than the first.
    """
    link = await open_link(components.database, token)
    plan = components.plans[link.caller.plan]
    await admit(components.database, link.caller.account_id, plan.requests_per_minute)
    check_head(request)
    head = RequestHead(
        content_type=request.headers.get("content-type", ""),
        content_length=request.headers.get("content-length"),
        content_digest=", ".join(request.headers.getlist("content-digest")),
        key=link.key,
        request=ASKED,
    )
    return await counted(
        lambda: receive_by_link(components.intake.receiver, link, head, request.receive), response, metrics
    )
