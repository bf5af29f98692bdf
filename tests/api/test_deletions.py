"""Receipts of deletions: signed with what is deleted, confirmed when its bytes are gone, and kept when all else is gone."""

import asyncio
import base64
import hashlib
import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from typing import Any

import httpx
import pytest

from echoic.compose import Components
from echoic.db.base import Base
from echoic.db.catalog import libraries
from echoic.db.items import items
from echoic.db.receipts import receipts
from echoic.db.receipts.counts import KINDS, UNCOUNTED
from echoic.db.receipts.signing import is_signed
from echoic.db.schema import metadata
from echoic.errors import BlobNotFound, StorageUnavailable
from echoic.intake.removal import confirm_removed
from echoic.intake.temporary import delete_expired
from tests.api.people import Asking
from tests.factories import World, talk
from tests.stored import store
from tests.waiting import PATIENCE_SECONDS

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
RECORDING = b"a recording"
TITLE, WORDS = "Quarterly secrets", "margins are thin"
COMMANDS = re.compile(r"(?:^    .*\n)+", re.MULTILINE)
"""The blocks of a page that show commands."""
CURL = """curl() {{
    case "$*" in
        *"Bearer ek_test"*/api/deletion-key) cat key.told ;;
        *"Bearer ek_test"*/api/deletions?limit=1) cat list.told ;;
        *"Bearer ek_test"*/api/deletions/{id}) cat receipt.told ;;
        *) return 22 ;;
    esac
}}"""
"""A shell function that answers as the server did, so that the commands of the page are run as people type them."""


async def with_bytes(components: Components, item_id: int) -> str:
    """Give an item a recording in the storage; returns its key."""
    blob_id = await store(components, RECORDING)
    async with components.database.transaction() as session:
        item, blob = await items.get_item(session, item_id), await items.get_blob(session, blob_id)
        assert item is not None
        assert blob is not None
        await items.change_item(session, item, audio_blob_id=blob_id)
    return blob.key


async def test_a_deletion_leaves_a_signed_receipt_of_what_was_there(
    ask: Asking, world: World, components: Components, client: httpx.AsyncClient
) -> None:
    item_id = await world.item(ask.tenant.dataset_id, talk(WORDS), title=TITLE)
    key = await with_bytes(components, item_id)
    answer = await client.delete(f"/api/items/{item_id}", headers=ask.tenant.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    receipt = await ask("GET", f"/api/deletions/{answer.headers['Deletion-Receipt']}")
    assert (receipt["removed"], receipt["reason"]) == ("item", "request")
    assert (receipt["item_id"], receipt["dataset_id"]) == (item_id, ask.tenant.dataset_id)
    assert receipt["account_id"] == ask.tenant.account_id
    assert (receipt["sha256"], receipt["size_bytes"]) == (hashlib.sha256(RECORDING).hexdigest(), len(RECORDING))
    assert receipt["objects"] == 1
    assert receipt["rows"]["transcripts"] == 1
    assert (receipt["rows"]["segments"], receipt["rows"]["search_entries"]) == (1, 2)  # its title is found as well
    assert receipt["deleted_at"] <= receipt["objects_removed_at"]
    with pytest.raises(BlobNotFound):
        await components.blobs.stat(key)
    said, confirmed = json.loads(receipt["statement"]), json.loads(receipt["confirmation"])
    assert {name: receipt[name] for name in ("id", "item_id", "sha256", "rows", "deleted_at")}.items() <= said.items()
    assert confirmed["statement_sha256"] == hashlib.sha256(receipt["statement"].encode()).hexdigest()
    kept = json.dumps(receipt)
    assert TITLE not in kept
    assert "margins" not in kept
    public = (await ask("GET", "/api/deletion-key"))["public_key"]
    assert public == receipt["public_key"]
    assert is_signed(receipt["statement"], receipt["signature"], public)
    assert is_signed(receipt["confirmation"], receipt["confirmation_signature"], public)
    assert not is_signed(receipt["statement"].replace("request", "deadline"), receipt["signature"], public)
    assert not is_signed(receipt["statement"], receipt["confirmation_signature"], public)
    assert not is_signed(receipt["statement"], receipt["signature"], "no key")
    listed = await ask("GET", f"/api/deletions?item_id={item_id}")
    assert (listed["deletions"], listed["total"]) == ([receipt], 1)


async def test_every_way_of_deleting_leaves_receipts_that_outlast_the_library(
    ask: Asking, world: World, components: Components
) -> None:
    dataset = f"/api/datasets/{ask.tenant.dataset_id}"
    slug = (await ask("GET", dataset))["library"]
    made = [await world.item(ask.tenant.dataset_id, talk("one"), published_at=LONG_AGO) for _ in range(4)]
    by_batch, by_deadline, by_dataset, by_library = made
    await ask("POST", f"{dataset}/items/delete", json={"items": [by_batch]})
    elsewhere = (await ask("POST", "/api/datasets", 201, json={"name": "Elsewhere"}))["id"]
    await ask("POST", f"{dataset}/items/move", json={"items": [by_library], "dataset_id": elsewhere})
    async with components.database.transaction() as session:
        item = await items.get_item(session, by_deadline)
        assert item is not None
        await items.change_item(session, item, expires_at=LONG_AGO)
    assert await delete_expired(components.database, components.blobs) == 1
    await ask("DELETE", dataset, 204)
    await ask("DELETE", f"/api/libraries/{slug}?force=true", 204)
    found = {each["item_id"]: each for each in (await ask("GET", "/api/deletions"))["deletions"]}
    account = ask.tenant.account_id
    assert {item_id: (found[item_id]["reason"], found[item_id]["account_id"]) for item_id in made} == {
        by_batch: ("request", account),
        by_deadline: ("deadline", None),
        by_dataset: ("request", account),
        by_library: ("request", account),
    }


async def test_only_owners_see_receipts(ask: Asking, world: World, client: httpx.AsyncClient) -> None:
    item_id = await world.item(ask.tenant.dataset_id, talk("one"))
    editor, owner, stranger = [await world.tenant(name) for name in ("Editor", "Owner", "Stranger")]
    async with world.database.transaction() as session:
        for guest, role in ((editor, "editor"), (owner, "owner")):
            await libraries.add_member(
                session,
                library_id=ask.tenant.library_id,
                account_id=guest.account_id,
                role=role,  # type: ignore[arg-type]
            )
    receipt_id = (await client.delete(f"/api/items/{item_id}", headers=editor.headers)).headers["Deletion-Receipt"]

    async def sees(headers: dict[str, str]) -> tuple[int, int]:
        one = await client.get(f"/api/deletions/{receipt_id}", headers=headers)
        return one.status_code, (await client.get("/api/deletions", headers=headers)).json()["total"]

    assert await sees(ask.tenant.headers) == await sees(owner.headers) == (200, 1)
    assert await sees(editor.headers) == await sees(stranger.headers) == (404, 0)


async def test_bytes_that_the_storage_keeps_for_now_are_confirmed_later(
    ask: Asking, world: World, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    item_id = await world.item(ask.tenant.dataset_id, talk("one"))
    key = await with_bytes(components, item_id)

    async def away(_: str) -> None:
        raise StorageUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(components.blobs, "delete", away)
        await ask("DELETE", f"/api/items/{item_id}", 204)
    (receipt,) = (await ask("GET", "/api/deletions"))["deletions"]
    assert (receipt["objects_removed_at"], receipt["confirmation"]) == (None, None)
    assert await components.blobs.stat(key) == len(RECORDING)
    assert await confirm_removed(components.database, components.blobs) == 1
    with pytest.raises(BlobNotFound):
        await components.blobs.stat(key)
    (receipt,) = (await ask("GET", "/api/deletions"))["deletions"]
    assert receipt["objects_removed_at"] > receipt["deleted_at"]
    assert await confirm_removed(components.database, components.blobs) == 0


async def test_a_deletion_that_is_undone_leaves_no_receipt(ask: Asking, world: World, components: Components) -> None:
    item_id = await world.item(ask.tenant.dataset_id, talk("one"))

    async def undone() -> None:
        async with components.database.transaction() as session:
            await items.delete_item(session, item_id)
            assert await receipts.newest_of(session, item_id) is not None
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await undone()
    assert (await ask("GET", "/api/deletions"))["total"] == 0


async def test_the_first_deletions_of_an_installation_wait_for_no_other(
    ask: Asking, world: World, components: Components
) -> None:
    one, other = [await world.item(ask.tenant.dataset_id, talk("one")) for _ in range(2)]
    async with components.database.transaction() as session, asyncio.timeout(PATIENCE_SECONDS):
        await items.delete_item(session, one)
        await ask("DELETE", f"/api/items/{other}", 204)
    found = (await ask("GET", "/api/deletions"))["deletions"]
    assert {(each["item_id"], each["key_id"]) for each in found} == {
        (one, found[0]["key_id"]),
        (other, found[0]["key_id"]),
    }


def test_every_table_whose_rows_go_with_an_item_is_counted_or_known_not_to_be() -> None:
    found, looking = set[str](), ["items"]
    while looking:
        parent = looking.pop()
        for table in metadata.sorted_tables:
            cascades = any(key.column.table.name == parent and key.ondelete == "CASCADE" for key in table.foreign_keys)
            if cascades and table.name not in found:
                found.add(table.name)
                looking.append(table.name)
    assert found == KINDS.keys() | UNCOUNTED
    assert Base.metadata is metadata


async def test_the_documented_commands_verify_a_receipt(
    ask: Asking, world: World, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    item_id = await world.item(ask.tenant.dataset_id, talk("one"))
    await client.delete(f"/api/items/{item_id}", headers=ask.tenant.headers)
    listed: dict[str, Any] = await ask("GET", "/api/deletions?limit=1")
    (receipt,) = listed["deletions"]
    page = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text()
    (block,) = (found for found in COMMANDS.findall(page) if "openssl pkeyutl -verify" in found)
    for name, told in (("list", listed), ("key", await ask("GET", "/api/deletion-key"))):
        (tmp_path / f"{name}.told").write_text(json.dumps(told))

    def run(shown: dict[str, Any]) -> int:
        (tmp_path / "receipt.told").write_text(json.dumps(shown))
        return subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", f"KEY=ek_test\n{CURL.format(id=receipt['id'])}\n{dedent(block)}"],
            cwd=tmp_path,
            check=False,
            capture_output=True,
        ).returncode

    assert run(receipt) == 0
    forged = receipt | {"statement": receipt["statement"].replace("request", "restore")}
    assert run(forged) != 0
    assert run(receipt | {"signature": base64.b64encode(bytes(64)).decode()}) != 0
