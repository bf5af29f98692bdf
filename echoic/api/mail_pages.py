"""The pages of links in mails: one confirms an address, one ends mail. Nobody signs in there; the link is the proof.

Opening a link changes nothing, since mail servers open links to look at them: the page asks, and its form does it.
They are no part of the OpenAPI document.
"""

from functools import cache

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from echoic.api.context import ComponentsDep
from echoic.api.oauth_answers import read_form
from echoic.api.shared_pages import html_page
from echoic.compose import Components
from echoic.errors import EmailNotSetUp, MailLinkInvalid
from echoic.outbox import mailboxes
from echoic.outbox.mail_links import CONFIRM_PATH, STOP_PATH, MailLinks
from echoic.sharing.pages import Pages, Question
from echoic.sharing.words import words_for

ALL = "all"

router = APIRouter(tags=["notifications"], include_in_schema=False)


@cache
def _pages() -> Pages:
    return Pages()


@router.get(f"{CONFIRM_PATH}/{{token}}")
@router.head(f"{CONFIRM_PATH}/{{token}}", name="head")
async def ask_to_confirm(token: str, request: Request, components: ComponentsDep) -> Response:
    """The page that asks whether an address is to be confirmed."""
    try:
        links = await _links(components)
        async with components.database.transaction() as session:
            row = await mailboxes.confirmable(session, links, token)
    except (MailLinkInvalid, EmailNotSetUp):
        return _gone(request)
    return _page(request, "confirm", row.address, path=f"{CONFIRM_PATH}/{token}")


@router.post(f"{CONFIRM_PATH}/{{token}}")
async def confirm(token: str, request: Request, components: ComponentsDep) -> Response:
    """Confirm an address, once."""
    try:
        links = await _links(components)
        async with components.database.transaction() as session:
            row = await mailboxes.confirm(session, links, token)
    except (MailLinkInvalid, EmailNotSetUp):
        return _gone(request)
    return _page(request, "confirmed", row.address)


@router.get(f"{STOP_PATH}/{{token}}")
@router.head(f"{STOP_PATH}/{{token}}", name="head")
async def ask_to_stop(token: str, request: Request, components: ComponentsDep) -> Response:
    """The page that asks which mail is to end."""
    try:
        links = await _links(components)
        async with components.database.transaction() as session:
            row = await mailboxes.stoppable(session, links, token)
    except (MailLinkInvalid, EmailNotSetUp):
        return _gone(request)
    named = links.stopped_by(token)
    of_alert = named is not None and named.alert_id > 0
    return _page(request, "stop_alert" if of_alert else "stop", row.address, path=f"{STOP_PATH}/{token}")


@router.post(f"{STOP_PATH}/{{token}}")
async def stop(token: str, request: Request, components: ComponentsDep) -> Response:
    """End mail by one POST (RFC 8058), of a mail program or of the page; again and again with the same result."""
    everything = (await read_form(request)).get(ALL) is not None
    try:
        links = await _links(components)
        async with components.database.transaction() as session:
            row = await mailboxes.stop(session, links, token, everything=everything)
    except (MailLinkInvalid, EmailNotSetUp):
        return _gone(request)
    return _page(request, "stopped", row.address)


async def _links(components: Components) -> MailLinks:
    return await components.outbox.require_mail().links()


def _page(request: Request, name: str, address: str, *, path: str | None = None) -> Response:
    words = words_for(request.headers.get("accept-language", ""))
    question = Question(
        title=words[f"mail_{name}_title"],
        text=words[f"mail_{name}"].format(address=address),
        path=path,
        button=words.get(f"mail_{name}_button"),
        other_name=ALL,
        other_button=words["mail_stop_button"] if name == "stop_alert" else None,
    )
    return html_page(_pages().question(question, words))


def _gone(request: Request) -> Response:
    words = words_for(request.headers.get("accept-language", ""))
    question = Question(title=words["gone_title"], text=words["mail_gone"])
    return html_page(_pages().question(question, words), status=404)
