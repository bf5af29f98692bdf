"""The page as an application of its own on a phone or a desk."""

import struct

import pytest
from playwright.sync_api import Page

from echoic.testing.private_server import PrivateServer

pytestmark = pytest.mark.processes

IN_A_WINDOW_OF_ITS_OWN = {"in-incognito"}
"""What Chromium says against every page of a window without a profile, as those of tests are."""


def test_chromium_would_install_the_page(page: Page) -> None:
    browser = page.context.new_cdp_session(page)
    manifest = browser.send("Page.getAppManifest")
    assert (manifest["url"], manifest["errors"]) == (page.url + "manifest.webmanifest", [])
    faults = {fault["errorId"] for fault in browser.send("Page.getInstallabilityErrors")["installabilityErrors"]}
    assert faults <= IN_A_WINDOW_OF_ITS_OWN


def test_icons_have_the_sizes_that_the_manifest_names(server: PrivateServer) -> None:
    manifest = server.client.get("/manifest.webmanifest")
    assert manifest.headers["content-type"] == "application/manifest+json"
    pictures = [icon for icon in manifest.json()["icons"] if icon["type"] == "image/png"]
    assert {icon["sizes"] for icon in pictures} == {"192x192", "512x512"}
    for icon in pictures:
        picture = server.client.get(icon["src"]).content
        width, height = struct.unpack(">II", picture[16:24])
        assert f"{width}x{height}" == icon["sizes"]
