"""The protocol's own conformance suite: on the real server what needs no tools of its own, on the same wiring the rest."""

from pathlib import Path

import pytest

from echoic.accounts.callers import by_key
from echoic.api.app import create_app
from echoic.compose import Components
from echoic.mcp_server.door import add_mcp
from echoic.server.application import whole_application
from tests.factories import World
from tests.mcp_server.clients import Keyed, at_port
from tests.mcp_server.conformance import conformance
from tests.mcp_server.fixtures import add_fixtures

NEWEST, BEFORE, OLDEST = (
    ("--requirements", "2026-07-28"),
    ("--requirements", "2025-11-25"),
    ("--suite", "all", "--spec-version", "2025-06-18"),
)
TOOL_FREE = {
    *("server-stateless", "tools-list", "resources-list", "prompts-list", "caching", "http-header-validation"),
    *("sep-2164-resource-not-found", "dns-rebinding-protection", "server-sse-multiple-streams"),
}
OF_THE_SUITE = "test_"
NOT_OFFERED = {
    # The extension for tasks; in this release of the suite not scored, as the two after it.
    *("tasks-lifecycle", "tasks-capability-negotiation", "tasks-wire-fields", "tasks-request-state-removal"),
    *("tasks-mrtr-input", "tasks-request-headers", "tasks-dispatch-and-envelope", "tasks-required-task-error"),
    "tasks-mrtr-composition",
    *("json-schema-2020-12", "http-custom-header-server-validation"),
}
NEEDS_A_SESSION = {
    # A server without sessions asks clients of the older revisions nothing, and tells them nothing by itself.
    *("tools-call-sampling", "tools-call-elicitation", "elicitation-sep1034-defaults", "elicitation-sep1330-enums"),
    *("resources-subscribe", "resources-unsubscribe", "server-sse-polling"),
    # Deprecated, and not offered.
    *("logging-set-level", "tools-call-with-logging"),
    "json-schema-2020-12",
}


async def test_the_real_server_conforms_in_all_that_needs_no_tools_of_the_suite(
    components: Components, world: World, tmp_path: Path
) -> None:
    key = (await world.tenant()).key
    async with at_port(Keyed(whole_application(components), key)) as base:
        found = await conformance(f"{base}/mcp", tmp_path, *NEWEST)
    for scenario in TOOL_FREE:
        passed, failed = found[scenario]
        # Two scenarios call tools of the suite by their names, which begin so.
        assert [one for one in failed if OF_THE_SUITE not in one] == [], scenario
        assert passed > 0, scenario


@pytest.mark.parametrize(
    ("options", "known"), [(NEWEST, NOT_OFFERED), (BEFORE, NEEDS_A_SESSION), (OLDEST, NEEDS_A_SESSION)]
)
async def test_the_wiring_conforms_to_each_revision(
    components: Components, world: World, tmp_path: Path, options: tuple[str, ...], known: set[str]
) -> None:
    app = create_app(components)
    add_mcp(
        app,
        components,
        check=lambda token: by_key(token, components.database),
        fill=add_fixtures,
    )
    async with at_port(Keyed(app, (await world.tenant()).key)) as base:
        found = await conformance(f"{base}/mcp", tmp_path, *options)
    assert {scenario for scenario, (_, failed) in found.items() if failed} == known & found.keys()
    assert len(found) > 25
