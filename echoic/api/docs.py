"""Swagger UI at /docs, with its files from this machine: an installation without internet has it as well."""

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

DOCS_PATH = "/docs"
FILES_PATH = "/docs/files"


def add_docs(app: FastAPI) -> None:
    """Serve the page and its files; the document itself is the application's ``openapi_url``."""
    # Of this package we use the files alone.
    app.mount(FILES_PATH, StaticFiles(packages=[("fastapi_offline", "static")]), name="docs-files")

    async def docs(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "").rstrip("/")
        return get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=f"{app.title} API",
            swagger_js_url=f"{root}{FILES_PATH}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{FILES_PATH}/swagger-ui.css",
            swagger_favicon_url=f"{root}{FILES_PATH}/favicon.png",
        )

    app.add_route(DOCS_PATH, docs, include_in_schema=False)
