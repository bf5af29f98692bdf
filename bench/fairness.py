"""Many uploads by one account, then one by another: how soon does each account see a first result?

    python -m bench.fairness [--many 40] [--seconds 20] [--engines fake]

The server is one of its own with one worker. The uploads are noise in WAV files. The last line gives
``first_published_s``, from the first acceptance to the first published item, and ``other_waits_stages``, how many stages
of the first account were started between the acceptance of the other's upload and its own first stage. The share of
stages that were done when the first item was published tells whether later stages come first.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx

from bench.sender import RATE, wav_head
from echoic.accounts.founding import create_owner
from echoic.compose import open_components
from echoic.db.accounts import accounts
from echoic.db.items import items
from echoic.db.runs import runs
from echoic.db.runs.runs import RunEvent
from echoic.plans import UNLIMITED
from echoic.server.database import found_database
from echoic.settings import Settings
from echoic.testing.private_server import FAKE_ENGINES, PrivateServer

FRAME_BYTES = 4
LOOK_AGAIN_SECONDS = 0.5
PATIENCE_SECONDS = 3600.0


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the database tells of one upload."""

    accepted: datetime
    published: datetime
    events: tuple[RunEvent, ...]

    def times(self, event: str) -> list[datetime]:
        """When each stage was ``claimed``, or ``done``."""
        return [told.at for told in self.events if told.event == event]


def measure(data_dir: Path, *, many: int, seconds: float, **environment: str) -> tuple[list[Told], Told]:
    """Upload, wait until all is published, and read what happened: of the many, and of the one."""
    server = PrivateServer(data_dir, **environment)
    try:
        other = {"Authorization": f"Bearer {asyncio.run(_make_account(data_dir))}"}
        many_ids = [_upload(server.client, seconds) for _ in range(many)]
        one_id = _upload(server.client, seconds, other)
        _wait_until_published(server.client, many_ids)
        _wait_until_published(server.client, [one_id], other)
        told = asyncio.run(_tell(data_dir, [*many_ids, one_id]))
    finally:
        server.stop()
    return told[:-1], told[-1]


def _upload(client: httpx.Client, seconds: float, headers: Mapping[str, str] | None = None) -> int:
    """Upload noise of this length to the first dataset of the key's account; returns the item's id."""
    size = int(seconds * RATE) * FRAME_BYTES
    files = {"audio": ("noise.wav", wav_head(size) + os.urandom(size), "audio/wav")}
    dataset = client.get("/api/datasets", headers=headers).raise_for_status().json()["datasets"][0]
    answer = client.post(f"/api/datasets/{dataset['id']}/items", files=files, headers=headers).raise_for_status()
    item_id: int = answer.json()["item_id"]
    return item_id


def _wait_until_published(client: httpx.Client, item_ids: list[int], headers: Mapping[str, str] | None = None) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    for item_id in item_ids:
        while True:
            item = client.get(f"/api/items/{item_id}", headers=headers).raise_for_status().json()
            if item["status"] == "published":
                break
            if item["status"] in ("failed", "cancelled") or time.monotonic() > deadline:
                raise SystemExit(f"item {item_id} is {item['status']}: {item['error']}")
            time.sleep(LOOK_AGAIN_SECONDS)


async def _make_account(data_dir: Path) -> str:
    settings = Settings(_env_file=None, data_dir=data_dir)
    async with (
        open_components(settings, found_database(settings)) as components,
        components.database.transaction() as session,
    ):
        account = await create_owner(session, settings, name="Other", plan=UNLIMITED)
        _, key = await accounts.create_key(session, account_id=account.id, name="Bench")
    return key


async def _tell(data_dir: Path, item_ids: list[int]) -> list[Told]:
    settings = Settings(_env_file=None, data_dir=data_dir)
    told = []
    async with (
        open_components(settings, found_database(settings)) as components,
        components.database.transaction() as session,
    ):
        for item_id in item_ids:
            item, run = await items.get_item(session, item_id), await runs.newest_run(session, item_id)
            if item is None or item.published_at is None or run is None:
                raise SystemExit(f"item {item_id} is gone")
            events = tuple(await runs.list_events(session, run.id))
            told.append(Told(accepted=item.created_at, published=item.published_at, events=events))
    return told


def report(many: list[Told], one: Told) -> str:
    """The line of figures, below a table for people."""
    first_published = min(told.published for told in (*many, one))
    all_done = [moment for told in (*many, one) for moment in told.times("done")]
    share = sum(moment <= first_published for moment in all_done) / len(all_done)
    one_begins = min(one.times("claimed"))
    others = sum(one.accepted < moment < one_begins for told in many for moment in told.times("claimed"))
    began = min(told.accepted for told in (*many, one))
    rows = (
        ("first published after the first acceptance", f"{(first_published - began).total_seconds():.1f} s"),
        ("stages done by then", f"{share:.0%} of {len(all_done)}"),
        ("the other's upload begun after its acceptance", f"{(one_begins - one.accepted).total_seconds():.1f} s"),
        (
            "the other's upload published after its acceptance",
            f"{(one.published - one.accepted).total_seconds():.1f} s",
        ),
        ("all published", f"{(max(told.published for told in (*many, one)) - began).total_seconds():.1f} s"),
    )
    print("\n".join(f"{name:<52}{value:>16}" for name, value in rows))
    return (
        f"first_published_s={(first_published - began).total_seconds():.1f} other_waits_stages={others} "
        f"stages_done_at_first_published={share:.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--many", type=int, default=40, help="uploads of the first account")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each")
    parser.add_argument("--engines", choices=("fake", "real"), default="fake")
    given = parser.parse_args()
    environment = FAKE_ENGINES if given.engines == "fake" else {}
    with tempfile.TemporaryDirectory(prefix="echoic-bench-") as name:
        Path(name).chmod(0o711)
        many, one = measure(Path(name), many=given.many, seconds=given.seconds, **environment)
    print(report(many, one))


if __name__ == "__main__":
    main()
