"""``echoic open``: a link that lets a browser in once, without anybody else on the machine seeing it."""

import re
import stat
import webbrowser
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import pytest

from echoic.api.own_page import PAGE_HEADER
from echoic.testing.private_server import PrivateServer
from tests.cli.conftest import Run

LINK = re.compile(r"^(http://\S+)/sign-in#token=(et_\S+)$", re.MULTILINE)


class Browser:
    """What the standard library finds; notes what it is told to open."""

    def __init__(self) -> None:
        self.opened: list[str] = []

    def open(self, url: str) -> bool:
        self.opened.append(url)
        return True


def enter(server: PrivateServer, token: str) -> int:
    headers = {"Origin": str(server.client.base_url).rstrip("/"), PAGE_HEADER: "1"}
    return httpx.post(f"{server.client.base_url}/api/sign-in/token", json={"token": token}, headers=headers).status_code


def refuse(message: str) -> Callable[[], Browser]:
    def get() -> Browser:
        raise webbrowser.Error(message)

    return get


def test_without_a_browser_the_link_is_printed(
    echoic: Run, server: PrivateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(webbrowser, "get", refuse("none"))
    done = echoic("open")
    assert done.exit_code == 0, done.output
    assert "Open it in a browser" in done.stderr
    ((_, token),) = LINK.findall(done.stdout)
    assert [enter(server, token), enter(server, token)] == [200, 401]


def test_a_browser_is_told_of_a_file_that_only_this_account_reads(
    echoic: Run, server: PrivateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser()
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "get", lambda: browser)
    for _ in range(2):
        done = echoic("open")
        assert done.exit_code == 0, done.output
    ((_, token),) = LINK.findall(done.stdout)
    assert "et_" not in str(browser.opened)
    path = Path(unquote(urlsplit(browser.opened[-1]).path))
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
    assert f"url={server.client.base_url}/sign-in#token={token}" in path.read_text(encoding="utf-8").replace(
        "/sign", "/sign"
    )
