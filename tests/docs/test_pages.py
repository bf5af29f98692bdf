"""The pages written by hand keep up with the code."""

import re
import textwrap
from pathlib import Path

import pytest

from echoic.cli import VERBS
from echoic.errors import EchoicError, FetchProxyUnavailable, SourceUnusable
from echoic.intake.networks import FORBIDDEN_IPV4, FORBIDDEN_IPV6, GLOBAL_IPV6

ROOT = Path(__file__).resolve().parents[2]
ROOMS = sorted(
    path.stem
    for path in (ROOT / "echoic").iterdir()
    if not path.name.startswith("_") and (path.suffix == ".py" or (path / "__init__.py").exists())
)
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


@pytest.mark.parametrize("room", ROOMS)
def test_the_architecture_page_names_every_room(room: str) -> None:
    assert f"`{room}`" in (ROOT / "docs" / "architecture.md").read_text()


@pytest.mark.parametrize("page", PAGES)
def test_links_between_files_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    targets = [target.split("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    assert [target for target in targets if target and not ((ROOT / page).parent / target).exists()] == []


def test_the_page_on_the_command_line_lists_every_verb_that_asks_a_server() -> None:
    asking = {
        verb
        for verb, module in VERBS.items()
        if "ServerOption" in (ROOT / "echoic" / "cli" / f"{module}.py").read_text()
    }
    listed = (ROOT / "docs" / "cli.md").read_text().partition("This page is about the second kind")[0]
    assert [verb for verb in sorted(asking) if f"`{verb}`" not in listed] == []


def test_the_page_on_urls_names_every_forbidden_network_and_every_code() -> None:
    page = (ROOT / "docs" / "url_intake.md").read_text()
    networks = {str(network) for network in (*FORBIDDEN_IPV4, GLOBAL_IPV6, *FORBIDDEN_IPV6)}
    codes = {error.code for error in _below(SourceUnusable)} | {FetchProxyUnavailable.code}
    assert [name for name in sorted(networks | codes) if f"`{name}`" not in page] == []


@pytest.mark.parametrize("file", ["nginx.conf", "Caddyfile", "haproxy.cfg"])
def test_the_page_on_proxies_shows_the_files_that_are_tried(file: str) -> None:
    text = (ROOT / "deploy" / "proxies" / file).read_text()
    assert textwrap.indent(text, "    ") in (ROOT / "docs" / "proxies.md").read_text()


def _below(family: type[EchoicError]) -> set[type[EchoicError]]:
    """All errors of a family, without itself."""
    return {error for child in family.__subclasses__() for error in {child, *_below(child)}}


@pytest.mark.parametrize("page", PAGES)
def test_no_page_has_marks_of_a_merge(page: str) -> None:
    assert not re.search(r"^(<{7}|={7}|>{7})( |$)", (ROOT / page).read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_that_a_page_names_exist(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    code = re.findall(r"`([^`]+)`|^ {4}(.+)$", (ROOT / page).read_text(), flags=re.MULTILINE)
    named = {name for words in code for name in re.findall(r"^make ([a-z-]+)", "".join(words))}
    assert named <= targets
