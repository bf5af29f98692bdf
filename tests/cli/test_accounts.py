"""``echoic accounts`` on a database without a server: what it makes, what it shows once, and what it refuses."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner, Result

from echoic.accounts.sign_in import SignIns, Visitor
from echoic.cli import accounts as verbs
from echoic.db.accounts import accounts, identities, minutes, sessions
from echoic.db.accounts.accounts import SCOPES, Account
from echoic.db.catalog import datasets
from echoic.db.connect import Database
from echoic.db.items.items import Blob
from tests.factories import World

KEY = re.compile(r"^ {4}(ek_\S+)$", re.MULTILINE)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url, pool_size=2)
    yield opened
    await opened.close()


@pytest.fixture(autouse=True)
def environment(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = tmp_path / "plans.toml"
    plans.write_text("[pro]\nmonthly_minutes = 3000\n", encoding="utf-8")
    monkeypatch.setenv("ECHOIC_DATABASE_URL", database_url)
    monkeypatch.setenv("ECHOIC_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ECHOIC_PLANS_FILE", str(plans))


async def run(*arguments: str, text: str | None = None) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, verbs.app, list(arguments), text)


async def test_a_new_account_can_begin_at_once_with_the_key_that_is_shown(database: Database) -> None:
    await World(database).tenant("Owner")
    done = await run("create", " Ada Lovelace ", "--plan", "pro")
    assert done.exit_code == 0, done.output
    (key,) = KEY.findall(done.stdout)
    row = await accounts.find_key(database, key)
    assert row is not None
    async with database.transaction() as session:
        account = await accounts.get_account(session, row.account_id)
        page = await datasets.list_datasets(session, account_id=account.id, library_slug=None, limit=None, offset=0)
    assert (account.name, account.plan, set(row.scopes)) == ("Ada Lovelace", "pro", set(SCOPES))
    (view,) = page.views
    assert (view.library.visibility, view.role, view.dataset.content_type) == ("private", "owner", "uploads")


async def test_without_being_told_an_account_gets_the_free_plan(database: Database) -> None:
    await World(database).tenant("Owner")
    await run("create", "Ada")
    async with database.transaction() as session:
        account = (await session.scalars(select(Account).where(Account.name == "Ada"))).one()
    assert account.plan == "free"


async def test_the_list_shows_keys_and_minutes_against_the_plan(database: Database) -> None:
    world = World(database)
    await world.tenant("Owner")
    ada = await world.tenant("Ada", plan="free")
    await world.tenant("Stray", plan="gold")
    item_id = await world.item(ada.dataset_id, status="queued")
    async with database.transaction() as session:
        await minutes.reserve(session, run_id=item_id, account_id=ada.account_id, seconds=90)
        await session.execute(update(Blob).values(account_id=ada.account_id, size_bytes=2_500_000))
    listed = await run("list")
    assert listed.exit_code == 0, listed.output
    unlimited = ["0.0 of any number", "0 of any number"]
    assert [re.split(r" {2,}", line) for line in listed.stdout.splitlines()] == [
        ["ID", "PLAN", "KEYS", "MINUTES", "MB STORED", "ITEMS", "NAME"],
        ["1", "unlimited", "1 of any number", "0.00 of any number", *unlimited, "Owner"],
        ["2", "free", "1 of 2", "1.50 of 300", "2.4 of 51200", "1 of 10000", "Ada"],
        ["3", "gold (unknown)", "1 of any number", "0.00 of any number", *unlimited, "Stray"],
    ]


async def test_another_plan_counts_at_once(database: Database) -> None:
    tenant = await World(database).tenant("Ada", plan="free")
    done = await run("plan", str(tenant.account_id), "pro")
    assert done.stdout == "Account 1, Ada, has the plan 'pro'.\n"
    async with database.transaction() as session:
        assert (await accounts.get_account(session, tenant.account_id)).plan == "pro"


async def test_who_lost_the_key_gets_another(database: Database) -> None:
    tenant = await World(database).tenant("Ada", plan="free")
    (key,) = KEY.findall((await run("key", str(tenant.account_id))).stdout)
    row = await accounts.find_key(database, key)
    assert row is not None
    assert row.account_id == tenant.account_id


async def test_a_key_can_be_kept_where_the_commands_of_this_machine_look(database: Database, tmp_path: Path) -> None:
    tenant = await World(database).tenant("Owner")
    file = tmp_path / "api-key"
    file.write_text("ek_old\n", encoding="utf-8")
    shown = await run("key", str(tenant.account_id))
    assert file.read_text(encoding="utf-8") == "ek_old\n"
    kept = await run("key", str(tenant.account_id), "--keep")
    (key,) = KEY.findall(kept.stdout)
    assert file.read_text(encoding="utf-8") == f"{key}\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert f"It is kept in {file}" in kept.stdout
    assert KEY.findall(shown.stdout) != [key]


async def test_a_key_that_cannot_be_kept_is_shown_all_the_same(database: Database, tmp_path: Path) -> None:
    tenant = await World(database).tenant("Owner")
    (tmp_path / "api-key" / "in the way").mkdir(parents=True)
    done = await run("key", str(tenant.account_id), "--keep")
    assert (done.exit_code, len(KEY.findall(done.stdout))) == (1, 1)
    assert re.fullmatch(r"echoic: The key cannot be kept in .*: Is a directory\.\n", done.stderr)


async def test_an_operator_ends_a_key_that_others_have_seen(database: Database) -> None:
    tenant = await World(database).tenant("Ada")
    (key,) = KEY.findall((await run("key", "1")).stdout)
    listed = (await run("keys", "1")).stdout.splitlines()
    assert [line.split("\t")[-1] for line in listed] == ["Test", "From the operator"]
    key_id = listed[1].split("\t")[0]
    assert (await run("revoke", "1", key_id)).stdout == f"Key {key_id} of account 1 is revoked.\n"
    assert await accounts.find_key(database, key) is None
    assert await accounts.find_key(database, tenant.key) is not None
    gone = await run("revoke", "1", key_id)
    assert (gone.exit_code, gone.stderr) == (
        1,
        f"echoic: Account 1 has no key {key_id}; 'echoic accounts keys' shows those it has.\n",
    )
    assert "There is no account 99" in (await run("keys", "99")).stderr


async def test_an_account_gets_another_name(database: Database) -> None:
    tenant = await World(database).tenant("Ada")
    done = await run("rename", str(tenant.account_id), " Ada King ")
    assert done.stdout == "Account 1 is called Ada King.\n"
    async with database.transaction() as session:
        assert (await accounts.get_account(session, tenant.account_id)).name == "Ada King"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("create", "Ada", "--plan", "gold"), "There is no plan 'gold'; the plans are free, pro, unlimited."),
        (("plan", "1", "gold"), "There is no plan 'gold'"),
        (("plan", "99", "pro"), "There is no account 99"),
        (("key", "99"), "There is no account 99"),
        (("create", "  "), "must have 1 to 200 characters"),
        (("create", "caf\udce9"), "must be text, without control characters"),
        (("rename", "1", "a\x1bb"), "must be text, without control characters"),
        (("rename", "99", "Ada"), "There is no account 99"),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    database: Database, arguments: tuple[str, ...], named: str
) -> None:
    await World(database).tenant("Owner")
    done = await run(*arguments)
    assert done.exit_code in (1, 2)
    assert named in done.stderr
    async with database.transaction() as session:
        assert [(account.name, account.plan) for account in await accounts.list_accounts(session)] == [
            ("Owner", "unlimited")
        ]
        assert await accounts.count_keys(session, 1) == 1


async def test_the_first_account_is_made_by_the_first_start(database: Database) -> None:
    done = await run("create", "Ada")
    assert done.exit_code == 1
    assert "start it once with 'echoic serve'" in done.stderr
    async with database.transaction() as session:
        assert await accounts.first_account(session) is None


async def test_an_operator_sets_a_password_that_was_forgotten(database: Database) -> None:
    """The sessions end that somebody may have who should not; whoever signs in afterwards is let in."""
    tenant = await World(database).tenant("Ada")
    async with database.transaction() as session:
        opened = await sessions.create(session, account_id=tenant.account_id, program="Test")
    done = await run("sign-in", "1", "Ada@example.org", text="a good password\na good password\n")
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == "Account 1 signs in as ada@example.org."
    assert "a good password" not in done.output
    assert await sessions.find(database, opened.token) is None
    visitor = Visitor(address=None, program="Test")
    made = await SignIns(database).enter(name="ADA@example.org", password="a good password", visitor=visitor)
    assert made.account_id == tenant.account_id


@pytest.mark.parametrize(
    ("arguments", "password", "said"),
    [
        (("1", "ada"), "short", "A password has 10 to 1,000 characters; this one has 5."),
        (("1",), "a good password", "The account has no name to sign in with yet; give one."),
        (("9", "ada"), "a good password", "There is no account 9"),
        (("1", "two words"), "a good password", "no blanks"),
    ],
)
async def test_a_password_that_cannot_be_set_is_refused_with_the_reason(
    database: Database, arguments: tuple[str, ...], password: str, said: str
) -> None:
    await World(database).tenant("Ada")
    refused = await run("sign-in", *arguments, text=f"{password}\n{password}\n")
    assert refused.exit_code != 0
    assert said in " ".join(refused.output.replace("│", " ").split())


async def test_an_account_is_locked_unlocked_and_made_an_administrator(database: Database) -> None:
    world = World(database)
    await world.tenant("Owner", is_admin=True)
    ada = await world.tenant("Ada")
    assert (await run("lock", "2")).stdout == "Account 2, Ada, is locked.\n"
    assert await accounts.find_key(database, ada.key) is None
    assert (await run("unlock", "2")).stdout == "Account 2, Ada, is unlocked.\n"
    assert await accounts.find_key(database, ada.key) is not None
    assert (await run("admin", "2")).stdout == "Account 2, Ada, is an administrator.\n"
    assert (await run("lock", "1")).exit_code == 0
    listed = (await run("list")).stdout.splitlines()
    assert [line.rpartition("  ")[2] for line in listed[1:]] == ["Owner (administrator, locked)", "Ada (administrator)"]
    refused = await run("admin", "2", "--no")
    assert (refused.exit_code, "Nobody else could administer" in refused.stderr) == (1, True)


async def test_removing_an_account_says_first_what_becomes_of_its_libraries(database: Database) -> None:
    world = World(database)
    await world.tenant("Owner", is_admin=True)
    ada = await world.tenant("Ada")
    await world.item(ada.dataset_id)
    undecided = await run("remove", "2", "--yes")
    assert (undecided.exit_code, "Nobody else owns 'library-2'" in undecided.stderr) == (1, True)
    declined = await run("remove", "2", "--heir", "1", text="n\n")
    assert declined.exit_code == 1
    assert "Library library-2, Ada's library, with 1 item: goes to account 1." in declined.stderr
    async with database.transaction() as session:
        assert await accounts.find_account(session, 2) is not None
    done = await run("remove", "2", "--delete-libraries", text="y\n")
    assert done.stdout.endswith("Account 2 is removed.\n")
    assert "with 1 item: is deleted." in done.stderr
    async with database.transaction() as session:
        assert await accounts.find_account(session, 2) is None


async def test_the_key_that_this_machine_uses_is_revoked_only_after_a_question(
    database: Database, tmp_path: Path
) -> None:
    await World(database).tenant("Owner")
    (key,) = KEY.findall((await run("key", "1", "--keep")).stdout)
    declined = await run("revoke", "1", "2", text="n\n")
    assert declined.exit_code == 1
    assert "is the one that this machine's commands use" in declined.stderr
    assert await accounts.find_key(database, key) is not None
    assert (await run("revoke", "1", "2", "--yes")).exit_code == 0
    assert await accounts.find_key(database, key) is None


async def test_an_identity_is_listed_and_detached_after_a_question(database: Database) -> None:
    await World(database).tenant("Owner")
    async with database.transaction() as session:
        await identities.add(session, issuer="https://id.example.org", subject="7", account_id=1)
    assert "https://id.example.org" in (await run("identities", "1")).stdout
    detach = ("detach", "1", "https://id.example.org", "7")
    assert (await run(*detach, text="n\n")).exit_code == 1
    assert (await run(*detach, "--yes")).stdout == "7 of https://id.example.org does not have account 1 any more.\n"
    again = await run(*detach, "--yes")
    assert (again.exit_code, "has no such identity" in again.stderr) == (1, True)
