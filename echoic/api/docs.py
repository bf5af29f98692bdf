"""Swagger UI at /docs, with its files from this machine: an installation without internet has it as well."""

import base64
import hashlib
import re

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from echoic.api.own_page import PAGE_HEADER

DOCS_PATH = "/docs"
_BEGINNING = "SwaggerUIBundle({"
_AS_OWN_PAGE = f"requestInterceptor: (asked) => {{ asked.headers['{PAGE_HEADER}'] = '1'; return asked; }},"
"""With a session, too, the page may try what changes something."""
_EMPTY_FIELDS = """plugins: [({ React }) => ({ wrapComponents: { RequestBody: (Form) => (given) => {
    const sample = given.fn.getSampleSchema;
    const isList = (schema) => [schema.get("type")].flatMap((type) => type?.toJS?.() ?? type).includes("array");
    const ofField = (schema) => (isList(schema) ? [] : "");
    const getSampleSchema = (schema, type, ...more) => (type === false ? ofField(schema) : sample(schema, type, ...more));
    return React.createElement(Form, { ...given, fn: { ...given.fn, getSampleSchema } });
} } })],"""
"""The fields of a form begin empty, and what is empty is not sent. Swagger UI fills each one with a value that it makes up, and
asks for these with ``false`` where it names the media type of a whole body.
"""
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
FILES_PATH = "/docs/files"


def add_docs(app: FastAPI) -> None:
    """Serve the page and its files; the document itself is the application's ``openapi_url``."""
    # Of this package we use the files alone.
    app.mount(FILES_PATH, StaticFiles(packages=[("fastapi_offline", "static")]), name="docs-files")

    async def docs(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "").rstrip("/")
        page = get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=f"{app.title} API",
            swagger_js_url=f"{root}{FILES_PATH}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{FILES_PATH}/swagger-ui.css",
            swagger_favicon_url=f"{root}{FILES_PATH}/favicon.png",
        )
        html = bytes(page.body).decode().replace(_BEGINNING, _BEGINNING + _AS_OWN_PAGE + _EMPTY_FIELDS)
        return HTMLResponse(html, headers={"Content-Security-Policy": _policy(html)})

    app.add_route(DOCS_PATH, docs, include_in_schema=False)


def digest_of(inline: str) -> str:
    """Return the name that a policy has for a script or a style within a page."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()}'"


def _policy(page: str) -> str:
    """Return the page's policy: it may run our scripts and its own, ask this server, and be shown in no other page.

    Swagger UI writes styles into its elements, and its pictures into the page (https://www.w3.org/TR/CSP3/).
    """
    own = " ".join(map(digest_of, _INLINE_SCRIPT.findall(page)))
    return (
        f"default-src 'none'; script-src 'self' {own}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
