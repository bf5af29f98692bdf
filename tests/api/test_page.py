"""The addresses of the page, and what its files may do in a browser."""

from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

from echoic.api.page import add_page
from echoic.storage.local import LocalBlobs

ROUTES = [
    "/",
    "/sign-in",
    "/datasets/7",
    "/items/12",
    "/podcast/a-dataset-7",
    "/podcast/a-dataset-7/episode/a-talk-12?t=3.5",
    "/search?q=a",
    "/account",
    "/oauth/authorize?client_id=a",
    "/pricing",
    "/people",
    "/people/a-library",
]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "index-1a2b.js").write_text("run()")
    (tmp_path / "index.html").write_text("<title>Echoic</title>")
    (tmp_path / "icon.svg").write_text("<svg/>")
    (tmp_path / ".built-from").write_text("0")
    return tmp_path


def asking(files: Path) -> httpx.AsyncClient:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.components = SimpleNamespace(blobs=LocalBlobs(files.parent / "audio"))  # all that the page asks for
    add_page(app, files)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://echoic")


@pytest.mark.parametrize("route", ROUTES)
async def test_each_route_is_the_page_which_no_other_site_frames_or_feeds(files: Path, route: str) -> None:
    answer = await asking(files).get(route)
    assert (answer.status_code, answer.text) == (200, "<title>Echoic</title>")
    policy = answer.headers["content-security-policy"]
    for rule in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for"):
        assert rule in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-cache"


async def test_files_with_a_hash_in_their_name_are_kept_for_good_and_the_others_are_not(files: Path) -> None:
    client = asking(files)
    script, icon = await client.get("/assets/index-1a2b.js"), await client.get("/icon.svg")
    assert (script.text, script.headers["cache-control"]) == ("run()", "public, max-age=31536000, immutable")
    assert (icon.status_code, icon.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.parametrize(
    "path",
    ["/assets/other.js", "/.built-from", "/assets/../../secret", "/assets/%2e%2e/%2e%2e/secret", "/items/twelve"],
)
async def test_nothing_else_is_served(files: Path, path: str) -> None:
    (files.parent / "secret").write_text("secret")
    answer = await asking(files).get(path)
    assert answer.status_code == 404


async def test_a_browser_at_an_unknown_address_gets_the_page_and_a_program_does_not(files: Path) -> None:
    client, browser = asking(files), {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    shown = await client.get("/items/twelve", headers=browser)
    assert (shown.status_code, shown.text) == (404, "<title>Echoic</title>")
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    for path, headers in (("/items/twelve", {}), ("/api/nothing", browser), ("/assets/other.js", browser)):
        answer = await client.get(path, headers=headers)
        assert (answer.status_code, "<title>" in answer.text) == (404, False)


async def test_a_checkout_without_the_built_page_says_how_to_build_it(tmp_path: Path) -> None:
    answer = await asking(tmp_path / "none").get("/")
    assert answer.status_code == 503
    assert "make setup" in answer.text


async def test_addresses_of_the_api_are_no_routes_of_the_page(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
