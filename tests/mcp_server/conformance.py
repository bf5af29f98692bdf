"""The conformance suite of the protocol, run against an address."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from tests.mcp_server.clients import MODULES, run_node

SUITE = MODULES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
Outcome = tuple[int, list[str]]
"""Checks that passed, and the ids of those that failed."""


async def conformance(url: str, folder: Path, *options: str) -> Mapping[str, Outcome]:
    """Run scenarios; the outcome of each, which is printed as well."""
    _, output = await run_node(str(SUITE), "server", "--url", url, "-o", str(folder), *options)
    found: dict[str, Outcome] = {}
    for file in _checks(folder):
        scenario = re.sub(r"-\d{4}-\d\d-\d\dT.*$", "", file.parent.name.removeprefix("server-"))
        checks = json.loads(file.read_text(encoding="utf-8"))
        failed = [f"{one['id']}: {one.get('errorMessage', '')}" for one in checks if one["status"] == "FAILURE"]
        found[scenario] = (sum(one["status"] == "SUCCESS" for one in checks), failed)
    assert found, output
    for scenario, (passed, failed) in found.items():
        print(f"{scenario}: {passed} passed, {len(failed)} failed")  # noqa: T201 - to be read by people
    return found


def _checks(folder: Path) -> list[Path]:
    return sorted(folder.rglob("checks.json"))
