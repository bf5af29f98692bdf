"""Datasets: making, finding, changing and removing them, and who may."""

from typing import Any

import httpx
import pytest

from echoic.compose import Components
from echoic.db.catalog import libraries
from echoic.units import MB
from tests.api.tus import AUDIO, Tus, stored_sizes
from tests.factories import Tenant, World, talk
from tests.stored import store

ABSENT = 987_654_321
DEFAULTS = {
    "description": None,
    "content_type": "uploads",
    "require_metadata": False,
    "auto_transcribe": True,
    "max_file_size_mb": 500,
    "allowed_formats": ["mp3", "wav", "m4a", "ogg", "flac"],
    "language": None,
    "languages": [],
    "item_count": 0,
    "role": "owner",
}
SETTINGS = {
    "name": "Hearings",
    "description": "Of the council",
    "content_type": "podcast",
    "require_metadata": True,
    "auto_transcribe": False,
    "max_file_size_mb": 1200,
    "allowed_formats": ["opus", "mp3"],
    "language": "de",
    "languages": ["de", "en"],
}


async def join(world: World, guest: Tenant, host: Tenant, role: libraries.Role) -> None:
    async with world.database.transaction() as session:
        await libraries.add_member(session, library_id=host.library_id, account_id=guest.account_id, role=role)


async def make(client: httpx.AsyncClient, tenant: Tenant, **fields: Any) -> dict[str, Any]:
    answer = await client.post("/api/datasets", headers=tenant.headers, json={"name": "New"} | fields)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_dataset_gets_a_home_and_the_defaults(client: httpx.AsyncClient, world: World) -> None:
    await world.tenant()
    tenant = await world.tenant()
    made = await make(client, tenant, name="  Talks ")
    assert {name: made[name] for name in DEFAULTS} == DEFAULTS
    assert made["name"] == "Talks"
    first = (await client.get(f"/api/datasets/{tenant.dataset_id}", headers=tenant.headers)).json()
    assert made["library"] == first["library"]
    assert (await client.get(f"/api/datasets/{made['id']}", headers=tenant.headers)).json() == made


async def test_every_setting_can_be_given_at_once_or_changed_one_by_one(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant()
    at_once = await make(client, tenant, **SETTINGS)
    one_by_one = await make(client, tenant)
    for name, value in SETTINGS.items():
        answer = await client.patch(f"/api/datasets/{one_by_one['id']}", headers=tenant.headers, json={name: value})
        assert answer.status_code == 200
    seen = (await client.get(f"/api/datasets/{one_by_one['id']}", headers=tenant.headers)).json()
    for made in (at_once, seen):
        assert {name: made[name] for name in SETTINGS} == SETTINGS
    cleared = await client.patch(
        f"/api/datasets/{at_once['id']}", headers=tenant.headers, json={"description": " ", "language": None}
    )
    assert (cleared.json()["description"], cleared.json()["language"]) == (None, None)
    assert cleared.json()["name"] == "Hearings"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"content_type": "podcast"}, "dataset_rejects_uploads"),
        ({"require_metadata": True}, "metadata_required"),
        ({"allowed_formats": ["mp3", "wav"]}, "format_not_allowed"),
        ({"max_file_size_mb": 1}, "file_too_large"),
        ({"auto_transcribe": False}, None),
    ],
)
async def test_a_changed_setting_counts_for_the_next_upload(
    client: httpx.AsyncClient, world: World, change: dict[str, Any], code: str | None
) -> None:
    tenant = await world.tenant()
    dataset = await make(client, tenant)
    path = f"/api/datasets/{dataset['id']}"
    await client.patch(path, headers=tenant.headers, json=change)
    # Where its size is in question, behind the end of its sound.
    padding = bytes(MB) if "max_file_size_mb" in change else b""
    answer = await client.post(f"{path}/items", headers=tenant.headers, files={"audio": ("a.flac", AUDIO + padding)})
    assert answer.json().get("code") == code, answer.text
    if code is None:
        item = await client.get(f"/api/items/{answer.json()['item_id']}", headers=tenant.headers)
        assert (item.json()["status"], item.json()["on_hold"]) == ("queued", True)


async def test_formats_are_kept_once_and_in_lower_case(client: httpx.AsyncClient, world: World) -> None:
    made = await make(client, await world.tenant(), allowed_formats=[".MP3", "mp3", "Wav"])
    assert made["allowed_formats"] == ["mp3", "wav"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"name": None}, "name: must be a text"),
        ({"name": "  "}, "name: must not be empty"),
        ({"name": "x" * 201}, "name: must have at most 200 characters"),
        ({"name": " " + "x" * 200}, "name: must have at most 200 characters"),
        ({"name": "a\0b"}, "name: must not hold a NUL character"),
        ({"content_type": "video"}, "content_type: must be 'uploads' or 'podcast'"),
        ({"require_metadata": "yes"}, "require_metadata: must be true or false"),
        ({"auto_transcribe": None}, "auto_transcribe: must be true or false"),
        ({"max_file_size_mb": 0}, "max_file_size_mb: must be at least 1"),
        ({"max_file_size_mb": 10**9}, "max_file_size_mb: must be at most 102,400"),
        ({"max_file_size_mb": 1.5}, "max_file_size_mb: must be a whole number"),
        ({"allowed_formats": []}, "allowed_formats: must not be empty"),
        ({"allowed_formats": ["../x"]}, "allowed_formats[0]: must be a file extension of 1 to 10 letters and digits"),
        ({"language": "German"}, "language: must be the ISO 639 code"),
        ({"description": "x" * 20_001}, "The description has 20,001 characters"),
    ],
)
async def test_a_setting_that_cannot_be_is_named_with_what_can(
    client: httpx.AsyncClient, world: World, fields: dict[str, Any], named: str
) -> None:
    tenant = await world.tenant()
    made = await client.post("/api/datasets", headers=tenant.headers, json={"name": "New"} | fields)
    changed = await client.patch(f"/api/datasets/{tenant.dataset_id}", headers=tenant.headers, json=fields)
    for answer in (made, changed):
        assert answer.status_code == 400, answer.text
        assert named in answer.json()["message"]


async def test_an_unknown_setting_is_named_with_those_there_are(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    answer = await client.patch(f"/api/datasets/{tenant.dataset_id}", headers=tenant.headers, json={"color": "red"})
    assert answer.status_code == 400
    beginning, allowed = answer.json()["message"].split("; allowed are ")
    assert beginning == "Unknown field 'color'"
    assert set(SETTINGS) | {"name", "description"} <= set(allowed.removesuffix(".").split(", "))


async def test_each_sees_its_own_and_the_public_datasets(client: httpx.AsyncClient, world: World) -> None:
    one, two, public = await world.tenant(), await world.tenant(), await world.tenant(visibility="public")
    await world.item(one.dataset_id, talk("a"))
    await world.item(one.dataset_id, status="failed")

    async def listed(tenant: Tenant, query: str = "") -> tuple[list[int], int]:
        body = (await client.get(f"/api/datasets{query}", headers=tenant.headers)).json()
        return [dataset["id"] for dataset in body["datasets"]], body["total"]

    assert await listed(one) == ([one.dataset_id, public.dataset_id], 2)
    assert await listed(two) == ([two.dataset_id, public.dataset_id], 2)
    assert await listed(one, "?limit=1&offset=1") == ([public.dataset_id], 2)
    own = (await client.get(f"/api/datasets/{one.dataset_id}", headers=one.headers)).json()
    assert own["item_count"] == 2
    assert await listed(one, f"?library={own['library']}") == ([one.dataset_id], 1)
    assert await listed(two, f"?library={own['library']}") == ([], 0)
    assert (await client.get("/api/datasets?library=%00", headers=one.headers)).status_code == 400
    seen = (await client.get(f"/api/datasets/{public.dataset_id}", headers=one.headers)).json()
    assert seen["role"] is None


async def test_names_and_terms_in_the_settings_are_shown_to_members_alone(
    client: httpx.AsyncClient, world: World
) -> None:
    words: dict[str, Any] = {
        "initial_prompt": "Of Zorbla, who left",
        "vocabulary": ["Zorbla Quist"],
        "replacements": [{"find": "sorbla", "replace": "Zorbla"}],
    }
    owner, viewer, stranger = (
        await world.tenant(visibility="public", **words),
        await world.tenant(),
        await world.tenant(),
    )
    await join(world, viewer, owner, "viewer")
    for tenant, seen in ((owner, words), (viewer, words), (stranger, dict.fromkeys(words))):
        one = (await client.get(f"/api/datasets/{owner.dataset_id}", headers=tenant.headers)).json()
        listed = (await client.get("/api/datasets", headers=tenant.headers)).json()["datasets"]
        for shown in (one, *(each for each in listed if each["id"] == owner.dataset_id)):
            assert {name: shown[name] for name in words} == seen
    podcasts = await client.get(f"/api/podcasts/{owner.dataset_id}", headers=stranger.headers)
    assert podcasts.status_code == 200
    assert "orbla" not in podcasts.text


async def test_a_hidden_dataset_is_answered_like_an_absent_one(client: httpx.AsyncClient, world: World) -> None:
    owner, stranger = await world.tenant(), await world.tenant()
    for method in ("GET", "PATCH", "DELETE"):
        answers = []
        for number in (owner.dataset_id, ABSENT):
            answer = await client.request(
                method,
                f"/api/datasets/{number}",
                headers={**stranger.headers, "X-Request-ID": "same"},
                content=b"{}" if method == "PATCH" else None,
            )
            answers.append((answer.status_code, answer.content))
        assert answers[0] == answers[1]
        assert answers[0][0] == 404


async def test_a_library_that_is_hidden_or_absent_takes_no_dataset(client: httpx.AsyncClient, world: World) -> None:
    owner, stranger = await world.tenant(), await world.tenant()
    hidden = (await client.get(f"/api/datasets/{owner.dataset_id}", headers=owner.headers)).json()["library"]
    answers = []
    for slug in (hidden, "no-such-library"):
        answer = await client.post(
            "/api/datasets",
            headers={**stranger.headers, "X-Request-ID": "same"},
            json={"name": "Mine", "library": slug},
        )
        answers.append((answer.status_code, answer.content))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


@pytest.mark.parametrize(
    ("role", "statuses"), [("editor", (201, 200, 403)), ("viewer", (403, 403, 403)), (None, (403, 403, 403))]
)
async def test_editors_make_and_change_datasets_and_owners_delete_them(
    client: httpx.AsyncClient, world: World, role: libraries.Role | None, statuses: tuple[int, int, int]
) -> None:
    owner, guest = await world.tenant(visibility="public"), await world.tenant()
    if role is not None:
        await join(world, guest, owner, role)
    path = f"/api/datasets/{owner.dataset_id}"
    slug = (await client.get(path, headers=guest.headers)).json()["library"]
    made = await client.post("/api/datasets", headers=guest.headers, json={"name": "New", "library": slug})
    changed = await client.patch(path, headers=guest.headers, json={"name": "Other"})
    deleted = await client.delete(path, headers=guest.headers)
    assert (made.status_code, changed.status_code, deleted.status_code) == statuses


async def test_whoever_is_made_an_owner_of_an_older_library_goes_on_at_home(
    client: httpx.AsyncClient, world: World
) -> None:
    """Owners may make anybody an owner: what the other sets up must not land where they can read it."""
    stranger, tenant = await world.tenant("Stranger"), await world.tenant()
    await join(world, tenant, stranger, "owner")
    made = await client.post("/api/datasets", headers=tenant.headers, json={"name": "Mine"})
    assert made.status_code == 201
    assert (await client.get(f"/api/datasets/{made.json()['id']}", headers=stranger.headers)).status_code == 404


async def test_an_account_without_a_library_is_told_so(client: httpx.AsyncClient, world: World) -> None:
    owner, other = await world.tenant(), await world.tenant()
    async with world.database.transaction() as session:
        await libraries.add_member(session, library_id=owner.library_id, account_id=other.account_id, role="editor")
        library = await session.get_one(libraries.Library, other.library_id)
        await session.delete(library)
    answer = await client.post("/api/datasets", headers=other.headers, json={"name": "New"})
    assert (answer.status_code, answer.json()["code"]) == (404, "library_not_found")
    assert "POST /api/libraries" in answer.json()["message"]


async def test_a_deleted_dataset_takes_its_items_and_their_bytes_along_and_nothing_else(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    owner, other = await world.tenant(), await world.tenant()
    gone: list[int] = []
    kept: list[int] = []
    for dataset_id, ids in ((owner.dataset_id, gone), (other.dataset_id, kept)):
        for status in ("queued", "stored"):
            audio = await store(components, b"audio")
            ids.append(await world.item(dataset_id, status=status, audio_blob_id=audio))
    assert (await client.delete(f"/api/datasets/{owner.dataset_id}", headers=owner.headers)).status_code == 204
    assert len([blob async for blob in components.blobs.list_older_than(0)]) == len(kept)
    for tenant, ids, expected in ((owner, gone, 404), (other, kept, 200)):
        for item_id in ids:
            assert (await client.get(f"/api/items/{item_id}", headers=tenant.headers)).status_code == expected
    assert (await client.get(f"/api/datasets/{owner.dataset_id}", headers=owner.headers)).status_code == 404


async def test_a_deleted_dataset_takes_the_bytes_of_unfinished_uploads_along(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    owner, other = Tus(client, await world.tenant()), Tus(client, await world.tenant())
    gone, kept = await owner.begin(), await other.begin()
    assert (await owner.patch(gone, 0, AUDIO[:1000])).status_code == 204
    assert (await other.patch(kept, 0, AUDIO[:2000])).status_code == 204
    path = f"/api/datasets/{owner.tenant.dataset_id}"
    assert (await client.delete(path, headers=owner.tenant.headers)).status_code == 204
    assert await stored_sizes(components) == [2000]
    assert (await owner.head(gone)).status_code == 404
    assert await other.offset(kept) == 2000


async def test_setting_up_needs_the_scope_for_it(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant(scopes=("read", "upload"))
    path = f"/api/datasets/{tenant.dataset_id}"
    for answer in (
        await client.post("/api/datasets", headers=tenant.headers, json={"name": "New"}),
        await client.patch(path, headers=tenant.headers, json={"name": "New"}),
        await client.delete(path, headers=tenant.headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
