"""Answers of the tests' requests against the OpenAPI document: a failure that it does not tell of is a fault of the document."""

import httpx
from starlette.routing import Match

from echoic.api.document.refusals import codes_of
from echoic.api.openapi import DocumentedApi
from echoic.errors import all_errors

HINT = (
    "run 'make docs'; where scripts/raised_errors.py does not find it in the code, list the function that raises it "
    "under [also] in scripts/raised_exceptions.toml"
)


def undocumented(app: DocumentedApi, answer: httpx.Response) -> str | None:
    """What the document does not tell of this answer; None where it tells everything."""
    if not answer.content or answer.headers["content-type"].startswith("text/html"):  # a page, for people
        return None
    told = answer.json()
    if isinstance(told.get("error"), dict):  # OpenAI's shape, which is described once for all failures
        return None
    code = told.get("code")
    scope = {
        "type": "http",
        "method": answer.request.method,
        "path": answer.request.url.path,
        "root_path": "",
        "headers": [],
    }
    for route in app.state.routes:
        if route.matches(scope)[0] is Match.FULL:
            # An answer that is no error of the tree, such as that of a server that is not ready, is described at its route.
            own = code not in all_errors() and answer.status_code in route.responses
            if own or not route.include_in_schema or code in codes_of(route.operation_id):
                return None
            return f"{route.operation_id} answers {answer.status_code} {code}, which its document does not tell: {HINT}"
    return None
