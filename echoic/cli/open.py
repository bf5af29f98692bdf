"""``echoic open``: a way into the server for a browser, without a password."""

import os
import sys
import webbrowser
from pathlib import Path

from echoic.cli.connection import CommandFailed, ExitCode, ServerOption, connected, user_folder
from echoic.cli.output import remark, say

REDIRECT_FILE = "open.html"
GRAPHICAL_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY")
"""Variables of Linux. Without one of them, only browsers in the terminal could be found, and these run no scripts."""


def open(server: ServerOption = None) -> None:  # noqa: A001 - the verb's name
    """Sign in with a browser: makes a link that works once and for ten minutes, and opens it where there is a browser."""
    with connected(server) as connection:
        made = connection.read("POST", "/api/sign-in-tokens")
        opened = _open_browser(made["url"])
        say(made["url"])
        remark("Opened in the browser." if opened else "Open it in a browser within ten minutes.")


def _open_browser(url: str) -> bool:
    """Open a link in the browser, where there is one.

    Arguments of programs are seen by everybody on the machine, so the browser is told of a file that leads to the link.
    """
    if sys.platform == "linux" and not any(map(os.environ.get, GRAPHICAL_VARIABLES)):
        return False
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    return browser.open(_redirect(url).as_uri())


def _redirect(url: str) -> Path:
    """A page that leads to a link, for this account's eyes alone. Raises CommandFailed where it cannot be written."""
    path = user_folder("XDG_STATE_HOME", ".local/state") / REDIRECT_FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={url}">\n')
    except OSError as error:
        raise CommandFailed(ExitCode.REFUSED, f"Cannot write {path}: {error.strerror}.") from error
    return path
