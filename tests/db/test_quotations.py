"""Quotations in messages of alerts: they are found by the item that they quote, also in messages of a former version."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg

from echoic.db import migrate
from echoic.db.connect import Database
from echoic.db.outbox.quotations import forget_quotations

BEFORE = "0061"
GONE, KEPT, OTHER = 5, 55, 7
NEW = "INSERT INTO outbox_deliveries (id, account_id, webhook_id, type, body) VALUES (%s, 1, 1, %s, %s)"
LEFT = "SELECT id, quoted_item_ids, body, xmin::text FROM outbox_deliveries ORDER BY id"


def matched(item_id: int, text: str = "said") -> tuple[str, Mapping[str, Any]]:
    return "alert.matched", {"item_id": item_id, "matches": [{"text": text}]}


def digest(*alerts: Sequence[int]) -> tuple[str, Mapping[str, Any]]:
    told = [{"alert_id": 1, "items": [{"item_id": item_id, "matches": []} for item_id in one]} for one in alerts]
    return "alert.digest", {"alerts": told, "total_items": 1}


MESSAGES = {
    "gone": matched(GONE),
    "gone_digest": digest([GONE], [GONE]),
    "kept": matched(KEPT),
    "kept_digest": digest([KEPT, OTHER]),
    "kept_speaking_of_it": matched(OTHER, text=f'{{"item_id":{GONE}}}'),
    "kept_without_quotations": ("item.published", {"item_id": GONE}),
    "partly_kept": digest([GONE, KEPT], [GONE]),
}


async def test_quotations_of_an_item_are_forgotten_and_messages_of_others_stay_untouched(
    database_at: Callable[[str], str],
) -> None:
    url = database_at(BEFORE)
    with psycopg.connect(url, autocommit=True) as connection:
        write(connection, "old")
        migrate.upgrade(url)
        write(connection, "new")
        before = {row[0]: row for row in connection.execute(LEFT)}
        assert [before[f"old_{name}"][1] for name in ("partly_kept", "kept_digest", "kept_without_quotations")] == [
            [GONE, KEPT],
            [OTHER, KEPT],
            None,
        ]
        database = Database(url, pool_size=1)
        async with database.transaction() as session:
            await forget_quotations(session, [GONE])
        await database.close()
        after = {row[0]: row for row in connection.execute(LEFT)}
    for age in ("old", "new"):
        left = {name for name in MESSAGES if f"{age}_{name}" in after}
        assert left == {name for name in MESSAGES if "kept" in name}
        for name in left - {"partly_kept"}:
            assert after[f"{age}_{name}"] == before[f"{age}_{name}"], "not even written again"
        _, quoted, body, _ = after[f"{age}_partly_kept"]
        assert quoted == [KEPT]
        assert json.loads(body)["data"]["alerts"] == [{"alert_id": 1, "items": [{"item_id": KEPT, "matches": []}]}]


def write(connection: psycopg.Connection, age: str) -> None:
    connection.execute("SET session_replication_role = replica")  # the receivers do not matter here
    for name, (kind, data) in MESSAGES.items():
        connection.execute(NEW, (f"{age}_{name}", kind, json.dumps({"data": data}, separators=(",", ":"))))
