"""Sessions: signing in, the cookie, what other sites' pages can do with it, and how guessing is slowed."""

import dataclasses
import re
from contextlib import AsyncExitStack

import httpx
import pytest
from sqlalchemy import text

from echoic.accounts import guessing
from echoic.accounts.passwords import Passwords
from echoic.accounts.sign_in import SignIns
from echoic.api.app import create_app
from echoic.api.openapi import DocumentedApi
from echoic.api.own_page import PAGE_HEADER
from echoic.compose import Components
from echoic.settings import Settings
from tests.api.browser import NAME, PAGE, PASSWORD, QUICK, browser, signed_in
from tests.factories import Tenant, World


def under(components: Components, public_url: str) -> DocumentedApi:
    """The application as it is reached under a public address."""
    settings = Settings(**{**components.settings.model_dump(), "public_url": public_url}, _env_file=None)
    return create_app(dataclasses.replace(components, settings=settings))


async def test_a_session_may_do_what_the_accounts_keys_may(page: httpx.AsyncClient, ada: Tenant) -> None:
    answer = await signed_in(page)
    assert answer.status_code == 200, answer.text
    assert answer.json()["account_id"] == ada.account_id
    assert answer.headers["cache-control"] == "no-store"
    (cookie,) = answer.headers.get_list("set-cookie")
    assert re.fullmatch(r"echoic_session=es_\S+; HttpOnly; Max-Age=7776000; Path=/; SameSite=lax", cookie)
    assert (await page.get("/api/account")).json()["sign_in_name"] == NAME
    made = await page.post("/api/datasets", json={"name": "New"})
    assert made.status_code == 201, made.text
    assert (await page.get("/api/keys")).json()["keys"][0]["is_current"] is False


async def test_a_name_counts_whatever_its_case_and_composition(
    app: DocumentedApi, components: Components, world: World
) -> None:
    tenant = await world.tenant()
    composed, typed = "Zoë@example.org", " ZOE\u0308@example.org "
    await components.sign_ins.reset(tenant.account_id, name=composed, password="pässword-1234")
    async with browser(app) as opened:
        assert (await signed_in(opened, typed, "pa\u0308ssword-1234")).status_code == 200
        assert (await signed_in(opened, typed, "Pässword-1234")).status_code == 401


async def test_wrong_passwords_and_unknown_names_are_answered_alike(page: httpx.AsyncClient, ada: Tenant) -> None:
    bodies = []
    for name, password in ((NAME, "wrong password"), ("nobody", PASSWORD)):
        answer = await page.post(
            "/api/sign-in", json={"name": name, "password": password}, headers={"X-Request-ID": "1"}
        )
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
        bodies.append(answer.json())
    assert bodies[0] == bodies[1]
    assert bodies[0]["code"] == "sign_in_refused"


class Noting:
    """Argon2's hasher, which notes each computation of a hash."""

    def __init__(self, passwords: Passwords) -> None:
        self.computed: list[str] = []
        self._real = passwords._hasher
        vars(passwords)["_hasher"] = self

    def hash(self, password: bytes) -> str:
        self.computed.append("hash")
        return self._real.hash(password)

    def verify(self, hashed: str, password: bytes) -> bool:
        self.computed.append("verify")
        return self._real.verify(hashed, password)


async def test_an_unknown_name_costs_one_hash_as_a_known_one_does(components: Components, ada: Tenant) -> None:
    passwords = Passwords(passes=1, memory_kib=64)
    hasher = Noting(passwords)
    app = create_app(dataclasses.replace(components, sign_ins=SignIns(components.database, passwords)))
    async with browser(app) as opened:
        assert (await signed_in(opened, NAME, "wrong password")).status_code == 401
        assert (await signed_in(opened, "nobody", "wrong password")).status_code == 401
    assert hasher.computed == ["verify", "hash"]


async def test_guessing_is_slowed_for_a_name_whoever_asks(app: DocumentedApi, ada: Tenant) -> None:
    for number in range(guessing.PER_NAME.at_once):
        async with browser(app, address=f"192.0.2.{number}") as guesser:
            assert (await signed_in(guesser, NAME.upper(), "wrong password")).status_code == 401
    async with browser(app, address="192.0.2.200") as opened:
        refused = await signed_in(opened)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_sign_ins")
        assert 0 < int(refused.headers["retry-after"]) <= guessing.PER_NAME.seconds_each
        assert (await signed_in(opened, "somebody-else")).status_code == 401


async def test_guessing_is_slowed_for_an_address_whatever_the_name(
    app: DocumentedApi, ada: Tenant, components: Components
) -> None:
    """Of IPv6 the network counts, since everybody has one; and time that passes gives tries back."""
    for number in range(guessing.PER_ADDRESS.at_once):
        async with browser(app, address=f"2001:db8::{number}") as guesser:
            assert (await signed_in(guesser, f"name-{number}")).status_code == 401
    async with browser(app, address="2001:db8::ffff") as same, browser(app, address="2001:db8:0:1::1") as other:
        assert (await signed_in(same)).status_code == 429
        assert (await signed_in(other)).status_code == 200
        async with components.database.transaction() as session:
            await session.execute(text("UPDATE sign_in_guesses SET until = until - interval '11 seconds'"))
        assert (await signed_in(same)).status_code == 200
        assert (await signed_in(same)).status_code == 429


async def test_who_signs_in_begins_to_be_counted_from_nothing(page: httpx.AsyncClient, ada: Tenant) -> None:
    for _ in range(2):
        for _ in range(guessing.PER_NAME.at_once - 1):
            assert (await signed_in(page, NAME, "wrong password")).status_code == 401
        assert (await signed_in(page)).status_code == 200


@pytest.mark.parametrize(
    ("left_out", "added", "message"),
    [
        ([], {"Origin": "http://evil.example"}, "does not come from a page"),
        ([], {"Origin": "null"}, "does not come from a page"),
        ([], {"Origin": "http://localhost:3000"}, "does not come from a page"),
        ([], {"Origin": "https://localhost:8080"}, "does not come from a page"),
        ([], {"Sec-Fetch-Site": "cross-site"}, "does not come from a page"),
        ([], {"Sec-Fetch-Site": "same-site"}, "does not come from a page"),
        (["Origin", "Sec-Fetch-Site"], {}, "send the header Origin"),
        ([PAGE_HEADER], {}, f"needs the header {PAGE_HEADER}"),
    ],
)
async def test_what_another_page_sends_with_the_cookie_changes_nothing(
    page: httpx.AsyncClient, ada: Tenant, left_out: list[str], added: dict[str, str], message: str
) -> None:
    await signed_in(page)
    for name in left_out:
        del page.headers[name]
    for method, path, body in (
        ("POST", "/api/datasets", {"name": "Forged"}),
        ("POST", "/api/sign-in", {"name": NAME, "password": PASSWORD}),
        ("POST", "/api/sign-out", None),
    ):
        refused = await page.request(method, path, headers=added, json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "origin_not_allowed")
        assert message in refused.json()["message"]
    assert (await page.get("/api/datasets")).json()["total"] == 1


async def test_another_page_reads_nothing_but_a_link_to_here_works(page: httpx.AsyncClient, ada: Tenant) -> None:
    await signed_in(page)
    for site in ("cross-site", "same-site"):
        embedded = await page.get("/api/account", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"})
        assert embedded.json()["code"] == "origin_not_allowed"
        followed = await page.get("/api/account", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"})
        assert followed.status_code == 200
    for name in ("Origin", "Sec-Fetch-Site", PAGE_HEADER):
        del page.headers[name]
    assert (await page.get("/api/account")).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example:8080", "localhost.evil.example", "192.0.2.7:8080", "", "[::1", "localhost:x"]
)
async def test_a_name_that_somebody_points_at_this_machine_opens_nothing(
    page: httpx.AsyncClient, ada: Tenant, host: str
) -> None:
    await signed_in(page)
    rebound = {"Host": host, "Origin": f"http://{host}"}
    body = {"name": NAME, "password": PASSWORD}
    assert (await page.post("/api/sign-in", json=body, headers=rebound)).json()["code"] == "host_not_allowed"
    assert (await page.get("/api/account", headers=rebound)).json()["code"] == "host_not_allowed"
    with_key = await page.get("/api/account", headers={**rebound, **ada.headers})
    assert with_key.status_code == 200


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9", "127.5.5.5", "[::1]:8080", "LOCALHOST:8080"])
async def test_this_machines_own_names_are_allowed(app: DocumentedApi, ada: Tenant, host: str) -> None:
    async with browser(app, f"http://{host}") as opened:
        assert (await signed_in(opened)).status_code == 200
        assert (await opened.get("/api/account")).status_code == 200


@pytest.mark.parametrize(("public", "asked"), [("https://audio.example", "https"), ("https://audio.example/", "http")])
async def test_over_tls_the_cookie_belongs_to_the_host_alone(
    components: Components, ada: Tenant, public: str, asked: str
) -> None:
    """Also where a proxy speaks plain http to the server and says nothing of TLS."""
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(browser(under(components, public), f"{asked}://audio.example"))
        opened.headers["Origin"] = "https://audio.example"
        answer = await signed_in(opened)
        assert answer.status_code == 200, answer.text
        (cookie,) = answer.headers.get_list("set-cookie")
        assert cookie.startswith("__Host-echoic_session=es_")
        assert cookie.endswith("; HttpOnly; Max-Age=7776000; Path=/; SameSite=lax; Secure")
        token = cookie.partition("=")[2].partition(";")[0]
        opened.cookies.clear()
        of_host, planted = f"__Host-echoic_session={token}", f"echoic_session={token}"
        assert (await opened.get("/api/account", headers={"Cookie": of_host})).status_code == 200
        assert (await opened.get("/api/account", headers={"Cookie": planted})).status_code == 401


async def test_another_port_of_the_public_host_is_another_address(components: Components, ada: Tenant) -> None:
    app = under(components, "http://audio.example:8080")
    for port, status in ((8080, 200), (80, 403), (8081, 403)):
        async with browser(app, f"http://audio.example:{port}") as opened:
            assert (await signed_in(opened)).status_code == status


async def test_signing_out_ends_the_session_and_nothing_else(
    app: DocumentedApi, page: httpx.AsyncClient, ada: Tenant
) -> None:
    await signed_in(page)
    token = page.cookies["echoic_session"]
    async with browser(app) as other:
        await signed_in(other)
        gone = await page.post("/api/sign-out")
        assert gone.status_code == 204
        assert "echoic_session" not in page.cookies
        assert (await page.get("/api/account", headers={"Cookie": f"echoic_session={token}"})).status_code == 401
        assert (await other.get("/api/account")).status_code == 200
    with_key = await page.post("/api/sign-out", headers=ada.headers)
    assert (with_key.status_code, with_key.json()["code"]) == (404, "session_not_found")


async def test_sessions_are_listed_and_ended(app: DocumentedApi, page: httpx.AsyncClient, ada: Tenant) -> None:
    await signed_in(page)
    async with browser(app) as other:
        other.headers["User-Agent"] = "Phone/2 \t" + "x" * 500
        ended = (await signed_in(other)).json()["session_id"]
        listed = (await page.get("/api/sessions")).json()
        assert listed["total"] == 2
        assert {(each["program"], each["is_current"]) for each in listed["sessions"]} == {
            ("Browser/1", True),
            (("Phone/2 " + "x" * 500)[:200], False),
        }
        assert page.cookies["echoic_session"] not in str(listed)
        assert (await page.delete(f"/api/sessions/{ended}")).status_code == 204
        assert (await other.get("/api/account")).status_code == 401
        assert (await page.delete(f"/api/sessions/{ended}")).json()["code"] == "session_not_found"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sessions SET expires_at = now()",
        "UPDATE sessions SET last_used_at = now() - interval '15 days'",
        "DELETE FROM accounts",
    ],
)
async def test_a_session_ends_by_itself(
    page: httpx.AsyncClient, ada: Tenant, components: Components, statement: str
) -> None:
    await signed_in(page)
    async with components.database.transaction() as session:
        await session.execute(text(statement))
    answer = await page.get("/api/account")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


async def test_an_account_keeps_so_many_sessions_and_no_more(
    app: DocumentedApi, ada: Tenant, components: Components
) -> None:
    async with browser(app) as opened:
        first = (await signed_in(opened)).json()["session_id"]
        async with components.database.transaction() as session:
            await session.execute(text("UPDATE sessions SET last_used_at = now() - interval '1 day'"))
            fill = "INSERT INTO sessions (account_id, sha256, program, expires_at) SELECT {}, n::text, 'x', expires_at"
            await session.execute(text(f"{fill.format(ada.account_id)} FROM sessions, generate_series(1, 49) AS n"))
        opened.cookies.clear()
        newest = (await signed_in(opened)).json()["session_id"]
        listed = (await opened.get("/api/sessions", params={"limit": 100})).json()
    found = {each["id"] for each in listed["sessions"]}
    assert (listed["total"], newest in found, first in found) == (50, True, False)


async def test_a_new_password_ends_the_other_sessions_and_no_keys(
    app: DocumentedApi, page: httpx.AsyncClient, ada: Tenant
) -> None:
    await signed_in(page)
    async with browser(app) as other:
        await signed_in(other)
        change = {"password": "another good one", "current_password": PASSWORD, "sign_in_name": "Ada@Example.org"}
        assert (await page.put("/api/account/sign-in", json=change)).status_code == 204
        assert (await other.get("/api/account")).status_code == 401
        assert (await page.get("/api/account")).json()["sign_in_name"] == "ada@example.org"
        assert (await page.get("/api/account", headers=ada.headers)).status_code == 200
        assert (await signed_in(other)).status_code == 401
        assert (await signed_in(other, "ADA@example.org", "another good one")).status_code == 200


NEW = {"password": "another good one", "current_password": PASSWORD}
NAME_AS_PASSWORD = {**NEW, "password": "a-long-enough-name", "sign_in_name": "A-long-enough-name"}


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"password": "another good one"}, (401, "sign_in_refused")),
        ({**NEW, "current_password": "wrong one"}, (401, "sign_in_refused")),
        ({**NEW, "password": "short"}, (400, "password_unfit")),
        (NAME_AS_PASSWORD, (400, "password_unfit")),
        ({**NEW, "sign_in_name": "taken"}, (409, "sign_in_name_taken")),
        ({**NEW, "sign_in_name": "two words"}, (400, "field_invalid")),
        ({**NEW, "password": "x" * 1001}, (400, "field_invalid")),
    ],
)
async def test_a_password_is_changed_by_who_knows_it_to_one_that_is_fit(
    page: httpx.AsyncClient, ada: Tenant, world: World, change: dict[str, str], refusal: tuple[int, str]
) -> None:
    other = await world.tenant("Other")
    await SignIns(world.database, QUICK).reset(other.account_id, name="taken", password=PASSWORD)
    await signed_in(page)
    for headers in ({}, ada.headers):
        refused = await page.put("/api/account/sign-in", json=change, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == refusal, refused.text
    assert (await signed_in(page)).status_code == 200


async def test_the_first_password_is_set_with_a_key(page: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    nameless = await page.put("/api/account/sign-in", json={"password": PASSWORD}, headers=tenant.headers)
    assert (nameless.status_code, nameless.json()["code"]) == (400, "sign_in_name_missing")
    change = {"password": PASSWORD, "sign_in_name": NAME}
    assert (await page.put("/api/account/sign-in", json=change, headers=tenant.headers)).status_code == 204
    assert (await signed_in(page)).json()["account_id"] == tenant.account_id


async def test_guessing_the_current_password_is_slowed_too(page: httpx.AsyncClient, ada: Tenant) -> None:
    change = {"password": "another good one", "current_password": "wrong one"}
    for _ in range(guessing.PER_NAME.at_once):
        assert (await page.put("/api/account/sign-in", json=change, headers=ada.headers)).status_code == 401
    assert (await page.put("/api/account/sign-in", json=change, headers=ada.headers)).status_code == 429


async def test_passwords_and_tokens_are_kept_as_hashes_only(
    page: httpx.AsyncClient, ada: Tenant, components: Components
) -> None:
    await signed_in(page)
    async with components.database.transaction() as session:
        rows = list(await session.scalars(text("SELECT s::text || i::text FROM sessions AS s, sign_ins AS i")))
    assert len(rows) == 1
    assert PASSWORD not in rows[0]
    assert page.cookies["echoic_session"] not in rows[0]
    assert "$argon2id$" in rows[0]


async def test_a_hash_of_weaker_parameters_is_renewed_at_the_next_sign_in(
    components: Components, ada: Tenant, page: httpx.AsyncClient
) -> None:
    stronger = Passwords(passes=2, memory_kib=64)
    app = create_app(dataclasses.replace(components, sign_ins=SignIns(components.database, stronger)))
    async with browser(app, PAGE) as opened:
        assert (await signed_in(opened)).status_code == 200
        assert (await signed_in(opened)).status_code == 200
    async with components.database.transaction() as session:
        assert "t=2" in str(await session.scalar(text("SELECT password_hash FROM sign_ins")))
