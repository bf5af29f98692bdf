"""What became of everything that was accepted, once the storm is over."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field

import httpx

from bench.cluster.clients import Ledger, Sent
from bench.cluster.cluster import Cluster
from echoic.errors import EchoicError

ACTIVE = "SELECT id, item_id, state, stage FROM pipeline_queue WHERE state IN ('queued', 'running') ORDER BY id"
ITEMS = "SELECT id, title, status, error_code, error_message FROM items"
REPEATED = """
    SELECT run.item_id, later.stage FROM run_events AS later JOIN pipeline_queue AS run ON run.id = later.run_id
    WHERE later.event IN ('claimed', 'done') AND EXISTS (
        SELECT 1 FROM run_events AS earlier
        WHERE earlier.run_id = later.run_id AND earlier.stage = later.stage AND earlier.event = 'done'
          AND earlier.id < later.id)
"""
"""Stages that somebody worked on after they were done."""
EVENTS = "SELECT event, coalesce(code, ''), count(*) FROM run_events GROUP BY 1, 2 ORDER BY 1, 2"


WHAT_HAPPENED = "SELECT at, run_id, stage, event, attempt, worker, code, message FROM run_events ORDER BY id"


@dataclass(kw_only=True)
class Outcome:
    """The sums of a storm."""

    faults: int = 0
    accepted: int = 0
    lost: int = 0
    doubled: int = 0
    repeated: int = 0
    stuck: int = 0
    failed: int = field(default=0, repr=False)
    findings: list[str] = field(default_factory=list, repr=False)
    events: list[str] = field(default_factory=list, repr=False)

    def line(self) -> str:
        names = ("faults", "accepted", "lost", "doubled", "repeated", "stuck")
        return " ".join(f"{name}={getattr(self, name)}" for name in names)


def documented_codes() -> Collection[str]:
    """All codes of docs/errors.md, by which an item may fail."""
    found: set[str] = set()
    classes = [EchoicError]
    while classes:
        one = classes.pop()
        found.add(one.code)
        classes += one.__subclasses__()
    return found - {"internal_error", "stage_internal_error"}


def count(cluster: Cluster, ledger: Ledger) -> Outcome:
    """Compare what was accepted with what is there."""
    outcome = Outcome(accepted=len(ledger.accepted))
    primary = cluster.databases.primary
    stuck = {item_id for _, item_id, _, _ in primary.rows(ACTIVE)}
    outcome.findings += [f"run {row} has not ended" for row in primary.rows(ACTIVE)]
    rows = primary.rows(ITEMS)
    by_id = {row[0]: row for row in rows}
    codes = documented_codes()
    for title, sent in ledger.accepted.items():
        _, found_title, status, code, message = by_id.get(sent.item_id, (None, None, "missing", None, None))
        if sent.item_id in stuck:
            continue
        outcome.failed += status == "failed"
        ended_well = status == "published" or (status == "failed" and code in codes)
        if status == "failed":
            outcome.findings.append(f"item {sent.item_id} ({title}) failed: {code} {message}")
        if not ended_well or found_title != title:
            outcome.lost += 1
            outcome.findings.append(f"item {sent.item_id} ({title}) is {status} under the title {found_title}")
        elif not _is_whole(cluster, sent):
            outcome.lost += 1
            outcome.findings.append(f"item {sent.item_id} ({title}) has other bytes than were sent")
    outcome.stuck = len(stuck) + sum("not accepted within" in refusal for refusal in ledger.refused)
    titles = [row[1] for row in rows]
    outcome.doubled = len(titles) - len(set(titles)) + len(ledger.accepted) - len(_ids(ledger))
    outcome.repeated = len(primary.rows(REPEATED))
    outcome.findings += [f"item and stage worked on again after its end: {row}" for row in primary.rows(REPEATED)]
    outcome.findings += [f"refused for good: {refusal}" for refusal in ledger.refused]
    outcome.events = [f"{event} {code}: {number}" for event, code, number in primary.rows(EVENTS)]
    return outcome


def _ids(ledger: Ledger) -> set[int]:
    return {sent.item_id for sent in ledger.accepted.values()}


def _is_whole(cluster: Cluster, sent: Sent) -> bool:
    for _ in range(3):
        try:
            audio = cluster.client.get(f"/api/items/{sent.item_id}/audio")
        except httpx.TransportError:
            continue
        if audio.is_success:
            return hashlib.sha256(audio.content).hexdigest() == sent.sha256
    return False
