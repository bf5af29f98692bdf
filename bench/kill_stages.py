"""kill -9 of decoders, stages, workers and whole servers while recordings are uploaded and worked on: is each published once?

    python -m bench.kill_stages [--kills 100] [--seed 1] [--engines real]

A feeder keeps a few recordings under way, each under an idempotency key, and sends again what got no answer or a 503. In
between random processes are killed: whatever decodes, be it an upload's first look or the stage; the process that runs
stages; the worker; the server with everything. A stage whose own process dies as often as it has attempts is to fail, so
that between two kills some stage is finished, and the process of one and the same stage of a recording is killed three times
at most. Silence is noticed sooner than by default, so that it does not take hours.
"""

import argparse
import random
import tempfile
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from echoic.testing.private_server import FAKE_ENGINES, PrivateServer

EXAMPLES = Path(__file__).parents[1] / "examples"
RECORDINGS = {"real": (EXAMPLES / "jfk.flac",), "fake": (EXAMPLES / "jfk.flac", EXAMPLES / "conversation.flac")}
UPLOAD_PATH = "/api/datasets/1/items"
UNDER_WAY = 5
"""Recordings that are not at their end yet."""

QUICK = {
    "ECHOIC_WORKER_HEARTBEAT_SECONDS": "1",
    "ECHOIC_WORKER_STALLED_SECONDS": "5",
    "ECHOIC_STAGE_RETRY_BASE_SECONDS": "1",
}

KINDS = {"decoder": 35, "stage": 30, "worker": 25, "server": 10}
"""What is killed, and how often of a hundred times."""
MARKS = {"decoder": "echoic.engines.media.child", "stage": "stage-process", "worker": "worker"}
MAX_DELAY_SECONDS = 1.5
LOOK_AGAIN_SECONDS = 0.02
MOST_DEATHS = 3
"""Of the own process of one stage of a recording: one fewer than its attempts."""
SIGHT_SECONDS = 10.0
"""How long a process of a kind is looked out for before another kind is taken."""
PROGRESS_PATIENCE_SECONDS = 300.0
END_PATIENCE_SECONDS = 900.0
ENDED = ("published", "failed", "cancelled")


@dataclass(kw_only=True)
class Outcome:
    """What all kills together did."""

    kills: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    published: int = 0
    failed: int = 0
    doubled: int = 0
    """Items that nobody was told of."""
    errors: list[str] = field(default_factory=list)

    def table(self) -> str:
        rows = [f"{kind:<10}{count:>5}" for kind, count in sorted(self.kills.items())]
        return "\n".join(["killed    times", *rows, *self.errors])

    def line(self) -> str:
        return (
            f"kills={self.kills.total()} accepted={self.accepted} published={self.published} failed={self.failed} "
            f"doubled={self.doubled}"
        )


class Installation:
    """A server that is started again on the same folder whenever it is killed."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self._data_dir, self._environment = data_dir, environment
        self._lock = threading.Lock()
        self._server = PrivateServer(data_dir, **environment)

    def ask(self, method: str, path: str, **given: Any) -> httpx.Response | None:
        """An answer; None where the server was killed meanwhile."""
        with self._lock:
            base, headers = str(self._server.client.base_url).rstrip("/"), dict(self._server.client.headers)
        headers |= given.pop("headers", {})
        try:
            return httpx.request(method, base + path, headers=headers, timeout=60, trust_env=False, **given)
        except httpx.TransportError:
            return None

    def kill_server(self) -> None:
        with self._lock:
            self._server.kill()
            self._server = PrivateServer(self._data_dir, **self._environment)

    def kill_one(self, mark: str, chance: random.Random) -> bool:
        """Kill a process of ours whose command line has the word; False where there is none to be seen for a while."""
        deadline = time.monotonic() + SIGHT_SECONDS
        while time.monotonic() < deadline:
            found = [process for process in self._processes() if mark in _command(process)]
            if found:
                try:
                    chance.choice(found).kill()
                except psutil.NoSuchProcess:
                    continue
                return True
            time.sleep(LOOK_AGAIN_SECONDS)
        return False

    def finished_stages(self) -> float:
        answer = self.ask("GET", "/metrics")
        if answer is None or not answer.is_success:
            return 0.0
        counts = [line for line in answer.text.splitlines() if line.startswith("echoic_stage_runs_total")]
        return sum(float(line.rpartition(" ")[2]) for line in counts)

    def items(self) -> list[dict[str, Any]] | None:
        found: list[dict[str, Any]] = []
        while True:
            answer = self.ask("GET", UPLOAD_PATH, params={"limit": 100, "offset": len(found)})
            if answer is None or not answer.is_success:
                return None
            page = answer.json()
            found += page["items"]
            if len(found) >= page["total"]:
                return found

    def stop(self) -> None:
        self._server.stop()

    def _processes(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self._server.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []


class Feeder:
    """Keeps recordings under way."""

    def __init__(self, installation: Installation, recordings: tuple[Path, ...], chance: random.Random) -> None:
        self._installation, self._recordings, self._chance = installation, recordings, chance
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.accepted: set[int] = set()
        self.refused: list[str] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            items = self._installation.items()
            if items is None or sum(item["status"] not in ENDED for item in items) >= UNDER_WAY:
                self._stop.wait(0.2)
                continue
            self._upload(self._chance.choice(self._recordings))

    def _upload(self, path: Path) -> None:
        key = uuid.uuid4().hex
        content = path.read_bytes()
        while True:  # until it is answered: what was accepted without an answer is to be known, too
            answer = self._installation.ask(
                "POST", UPLOAD_PATH, files={"audio": (path.name, content)}, headers={"Idempotency-Key": key}
            )
            if answer is not None and answer.is_success:
                self.accepted.add(answer.json()["item_id"])
                return
            if answer is not None and answer.status_code not in (409, 503):
                self.refused.append(f"an upload was refused: {answer.status_code} {answer.text}")
                return
            time.sleep(0.2)


def kill_and_count(data_dir: Path, *, kills: int, seed: int, engines: str) -> Outcome:
    """Kill so many processes in the midst of work and count what became of the recordings."""
    chance = random.Random(seed)
    outcome = Outcome()
    installation = Installation(data_dir, **QUICK, **(FAKE_ENGINES if engines == "fake" else {}))
    feeder = Feeder(installation, RECORDINGS[engines], random.Random(chance.getrandbits(64)))
    try:
        feeder.start()
        finished, deaths = 0.0, Counter[tuple[int, str]]()
        while outcome.kills.total() < kills:
            finished = _await_progress(installation, finished, feeder)
            time.sleep(chance.uniform(0, MAX_DELAY_SECONDS))
            outcome.kills[_kill(installation, chance, deaths)] += 1
        feeder.stop()
        _count(outcome, installation, feeder)
    finally:
        feeder.stop()
        installation.stop()
    return outcome


def _await_progress(installation: Installation, before: float, feeder: Feeder) -> float:
    deadline = time.monotonic() + PROGRESS_PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if (finished := installation.finished_stages()) > before:
            return finished
        time.sleep(0.1)
    raise SystemExit(f"no stage was finished for {PROGRESS_PATIENCE_SECONDS:.0f} s; {len(feeder.accepted)} accepted")


def _kill(installation: Installation, chance: random.Random, deaths: Counter[tuple[int, str]]) -> str:
    """Kill a process of a random kind, or of the next where none is there; returns the kind."""
    (first,) = chance.choices(list(KINDS), weights=list(KINDS.values()))
    under_way = {(item["id"], item["stage"]) for item in installation.items() or [] if item["status"] == "processing"}
    may_die = all(deaths[which] < MOST_DEATHS for which in under_way)
    kinds = ["server"] if first == "server" else [first, "stage", "worker"]
    for kind in kinds if may_die else [kind for kind in kinds if kind in ("worker", "server")]:
        if kind == "server":
            break
        if installation.kill_one(MARKS[kind], chance):
            if kind != "worker":
                deaths.update(under_way)
            return kind
    installation.kill_server()
    return "server"


def _count(outcome: Outcome, installation: Installation, feeder: Feeder) -> None:
    deadline = time.monotonic() + END_PATIENCE_SECONDS
    items: list[dict[str, Any]] = []
    while time.monotonic() < deadline:
        items = installation.items() or []
        if items and all(item["status"] in ENDED for item in items):
            break
        time.sleep(1)
    status = {item["id"]: item["status"] for item in items}
    outcome.accepted = len(feeder.accepted)
    outcome.published = sum(status.get(item_id) == "published" for item_id in feeder.accepted)
    outcome.failed = sum(status.get(item_id) == "failed" for item_id in feeder.accepted)
    outcome.doubled = len(set(status) - feeder.accepted)
    outcome.errors += feeder.refused
    for item in items:
        if item["status"] != "published":
            outcome.errors.append(f"item {item['id']} is {item['status']}: {item.get('error')}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engines", choices=("real", "fake"), default="real")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="echoic-bench-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        outcome = kill_and_count(Path(name), kills=given.kills, seed=given.seed, engines=given.engines)
        if outcome.published != outcome.accepted:
            kept = Path(tempfile.mkdtemp(prefix="echoic-kills-")) / "log"
            kept.write_bytes((Path(name) / "log").read_bytes())
            outcome.errors.append(f"the server's log is kept in {kept}")
    print(outcome.table())
    print(outcome.line())
    if outcome.published != outcome.accepted or outcome.doubled or outcome.errors:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
