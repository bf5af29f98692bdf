"""kill -9 of worker and server at random moments while alerts are sent to a receiver that fails at random: is one lost?

    python -m bench.outbox_kills [--items 30] [--alerts 10] [--kills 12] [--seed 1]

Every item is found by every alert, so items times alerts messages are due. The receiver refuses a third of them, breaks off or
answers late. Waits between attempts are cut short in the database, leases are not. The last line counts the messages that
never arrived (lost), those that arrived again under the same id (doubles), and the pairs of alert and item that arrived under
two ids (doubles_with_another_id).
"""

import argparse
import asyncio
import json
import random
import ssl
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psutil
import trustme
from sqlalchemy import text

from echoic.db.connect import Database
from echoic.errors import DatabaseUnavailable, StartupFailed
from echoic.server.database import found_database
from echoic.settings import Settings
from echoic.testing.private_server import FAKE_ENGINES, PrivateServer

RECORDING = Path(__file__).parents[1] / "examples" / "jfk.flac"
REFUSED, BROKEN_OFF, LATE = 0.2, 0.1, 0.1
"""Parts of the requests that the receiver treats so."""
LATE_SECONDS = 1.0
PATIENCE_SECONDS = 1800.0
START_TRIES = 5
PAUSES_SECONDS = (1.0, 6.0)
"""Between two kills."""


@dataclass
class Seen:
    """What the receiver took."""

    chance: random.Random
    ids: dict[tuple[int, int], set[str]] = field(default_factory=lambda: defaultdict(set))
    arrivals: int = 0
    refusals: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def receiving(folder: Path, seen: Seen) -> Iterator[str]:
    """Run a receiver on the loopback interface; yields its address. Its authority is written into the folder."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with seen.lock:
                luck = seen.chance.random()
            if luck < REFUSED + BROKEN_OFF:
                with seen.lock:
                    seen.refusals += 1
                if luck < REFUSED:
                    self.send_error(503)
                return
            data = json.loads(body)["data"]
            with seen.lock:
                seen.arrivals += 1
                seen.ids[data["alert_id"], data["item_id"]].add(self.headers["webhook-id"])
            if luck < REFUSED + BROKEN_OFF + LATE:
                time.sleep(LATE_SECONDS)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://localhost:{server.server_address[1]}/"
    server.shutdown()


def started_again(data_dir: Path, environment: dict[str, str]) -> PrivateServer:
    """Start the server again; on a machine with much else to do it may take several tries."""
    for _ in range(START_TRIES - 1):
        with suppress(StartupFailed):
            return PrivateServer(data_dir, **environment)
    return PrivateServer(data_dir, **environment)


def kill_worker(server: PrivateServer) -> bool:
    """End the worker of a server as kill -9 does; False where it has none at the moment."""
    for child in psutil.Process(server.process.pid).children():
        if "worker" in child.cmdline():
            child.kill()
            return True
    return False


async def hurry(data_dir: Path) -> tuple[int, int]:
    """Make all messages due that wait for another attempt; returns how many wait, and how many checks of alerts are left."""
    database = Database(found_database(Settings(_env_file=None, data_dir=data_dir)), pool_size=1)
    try:
        async with database.transaction() as session:
            await session.execute(
                text("UPDATE outbox_deliveries SET due_at = now() WHERE state = 'waiting' AND lease IS NULL")
            )
            waiting = await session.scalar(text("SELECT count(*) FROM outbox_deliveries WHERE state <> 'delivered'"))
            checks = await session.scalar(text("SELECT count(*) FROM alert_checks"))
            return waiting or 0, checks or 0
    finally:
        await database.close()


def measure(data_dir: Path, url: str, seen: Seen, *, items: int, alerts: int, kills: int, chance: random.Random) -> str:
    environment: dict[str, str] = {
        **FAKE_ENGINES,
        "SSL_CERT_FILE": str(data_dir / "authority.pem"),
        "ECHOIC_FETCH_ALLOWED_NETWORKS": "localhost",
        "ECHOIC_WORKER_STALLED_SECONDS": "6",
        "ECHOIC_WORKER_HEARTBEAT_SECONDS": "1",
    }
    server = PrivateServer(data_dir, **environment)
    try:
        for number in range(alerts):
            body = {"search_term": f"word{number}", "webhook_url": url}
            server.client.post("/api/notifications", json=body).raise_for_status()
        title = " ".join(f"word{number}" for number in range(alerts))
        sound = RECORDING.read_bytes()
        for _ in range(items):
            files = {"audio": ("jfk.flac", sound)}
            server.client.post("/api/datasets/1/items", files=files, data={"title": title}).raise_for_status()
        done = {"server": 0, "worker": 0}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and not _is_over(server, data_dir, items):
            time.sleep(chance.uniform(*PAUSES_SECONDS))
            if sum(done.values()) < kills:
                if chance.random() < 0.5:
                    server.kill()
                    server = started_again(data_dir, environment)
                    done["server"] += 1
                else:
                    done["worker"] += kill_worker(server)
    finally:
        server.stop()
    arrived = len(seen.ids)
    doubles = seen.arrivals - sum(map(len, seen.ids.values()))
    others = sum(len(ids) > 1 for ids in seen.ids.values())
    return (
        f"kills_server={done['server']} kills_worker={done['worker']} due={items * alerts} arrived={arrived} "
        f"refused={seen.refusals} lost={items * alerts - arrived} doubles={doubles} doubles_with_another_id={others}"
    )


def _is_over(server: PrivateServer, data_dir: Path, items: int) -> bool:
    """Return whether all items are published, and nothing waits any more."""
    try:
        waiting, checks = asyncio.run(hurry(data_dir))
        listed = server.client.get("/api/items", params={"status": "published", "limit": 1}).raise_for_status().json()
    except (DatabaseUnavailable, httpx.HTTPError):
        return False
    return waiting == 0 and checks == 0 and listed["total"] == items


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=30)
    parser.add_argument("--alerts", type=int, default=10)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        seen = Seen(random.Random(asked.seed + 1))
        with receiving(Path(folder), seen) as url:
            print(
                measure(
                    Path(folder), url, seen, items=asked.items, alerts=asked.alerts, kills=asked.kills, chance=chance
                )
            )


if __name__ == "__main__":
    main()
