"""Search at the API: both forms of the question, the answer for both generations of clients, and its refusals."""

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from echoic.api.openapi import DocumentedApi
from echoic.api.search_answers import slug
from echoic.compose import Components
from echoic.db.catalog import libraries
from tests.factories import Tenant, World, segment, talk


async def search(client: httpx.AsyncClient, tenant: Tenant, **body: Any) -> dict[str, Any]:
    answer = await client.post("/api/search", headers=tenant.headers, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def texts(found: dict[str, Any]) -> list[str]:
    return [result["text"] for result in found["results"]]


async def test_a_result_carries_the_names_of_both_generations(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant("Anna")
    item_id = await world.item(
        tenant.dataset_id,
        [segment("The deadline is Friday.", start=125.4, speaker="Dr. Jane Smith")],
        title="Q3 Überblick: ACME",
        published_at=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
    )
    found = await search(client, tenant, query="deadline", search_type="text")
    assert isinstance(found["meta"].pop("took_ms"), int)
    assert found["meta"] == {
        "query": "deadline",
        "total": 1,
        "limit": 20,
        "offset": 0,
        "has_more": False,
        "search_type": "text",
        "total_is_exact": True,
        "compared_all": True,
        "corrections": {},
    }
    assert found["aggregations"] is None
    (result,) = found["results"]
    assert result.pop("score") > 0
    marked = "The <mark>deadline</mark> is Friday."
    said = {"text": "The deadline is Friday.", "highlighted_text": marked, "speaker": "Dr. Jane Smith"}
    assert result == said | {
        "segment_id": f"{item_id}_125.4",
        "field": "transcription",
        "snippets": [{"field": "transcription", "highlighted_text": marked}],
        "confidence": 0.9,
        "quality": None,
        "context": None,
        "library": "library-1",
        "source_type": "upload",
        "language": "en",
        "timestamp": {"start": 125.4, "end": 127.4},
        "segment": said | {"id": f"{item_id}_125.4", "start": 125.4, "end": 127.4},
        "episode": {
            "id": str(item_id),
            "title": "Q3 Überblick: ACME",
            "slug": f"q3-uberblick-acme-{item_id}",
            "publish_date": "2026-03-04T05:06:07Z",
        },
        "podcast": {
            "id": str(tenant.dataset_id),
            "title": "Anna's dataset",
            "slug": f"anna-s-dataset-{tenant.dataset_id}",
            "image_url": None,
        },
        "urls": {
            "segment": f"http://echoic.test/items/{item_id}?t=125.4",
            "episode": f"http://echoic.test/items/{item_id}",
        },
        "item_id": item_id,
        "dataset_id": tenant.dataset_id,
    }


async def test_addresses_of_results_lead_to_the_page_and_under_the_older_path_to_the_api(
    app: DocumentedApi, client: httpx.AsyncClient, components: Components, world: World
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, [segment("the deadline", start=125.4)], title="Quarterly")
    public = components.settings.model_copy(update={"public_url": "https://audio.example.org/"})
    app.state.components = dataclasses.replace(components, settings=public)
    address = f"https://audio.example.org/items/{item_id}"
    for query, where in (("deadline", f"{address}?t=125.4"), ("quarterly", address)):
        (result,) = (await search(client, tenant, query=query, search_type="text"))["results"]
        assert result["urls"] == {"segment": where, "episode": address}
    older = await client.post("/api/v1/search", headers=tenant.headers, json={"query": "deadline"})
    urls = older.json()["results"][0]["urls"]
    assert urls == {"segment": f"/api/items/{item_id}/transcript#t=125.4", "episode": f"/api/items/{item_id}"}
    assert (await client.get(urls["segment"], headers=tenant.headers)).status_code == 200


async def test_a_plain_query_is_hybrid(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    await world.item(
        tenant.dataset_id, talk("budget meeting", "velvet lantern meadow winter silver simple copper corner danger")
    )
    found = await search(client, tenant, query="meetings about the budget")
    assert found["meta"]["search_type"] == "hybrid"
    assert texts(found) == ["budget meeting"]


async def test_where_meaning_cannot_be_searched_a_plain_query_goes_by_words_and_others_are_told(
    client: httpx.AsyncClient, world: World, as_owner: Callable[..., None]
) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("the deadline"))
    as_owner("DROP INDEX ix_segment_embeddings_vector", "ALTER TABLE segment_embeddings ALTER vector TYPE real[]")
    found = await search(client, tenant, query="deadline")
    assert (found["meta"]["search_type"], texts(found)) == ("text", ["the deadline"])
    for search_type in ("semantic", "hybrid"):
        answer = await client.post(
            "/api/search", headers=tenant.headers, json={"query": "deadline", "search_type": search_type}
        )
        assert (answer.status_code, answer.json()["code"]) == (503, "semantic_search_unavailable")
        assert "retry-after" not in answer.headers


async def test_pages_in_both_forms_and_the_nested_one_wins(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("deadline 1", "deadline 2", "deadline 3"))

    async def page(**body: Any) -> tuple[list[str], bool]:
        found = await search(client, tenant, query="deadline", search_type="text", **body)
        assert found["meta"]["total"] == 3
        return texts(found), found["meta"]["has_more"]

    assert await page(limit=2) == (["deadline 1", "deadline 2"], True)
    assert await page(limit=2, offset=2) == (["deadline 3"], False)
    assert await page(pagination={"limit": 1, "offset": 1}, limit=3, offset=0) == (["deadline 2"], True)
    assert await page(offset=3) == ([], False)


async def test_filters_and_sorting_in_their_documented_names(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    async with world.database.transaction() as session:
        second = await libraries.create_dataset(session, library_id=tenant.library_id, name="Second")
    early, late = datetime(2026, 1, 15, 22, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
    first = await world.item(tenant.dataset_id, talk("deadline one", speaker="Anna"), published_at=early)
    await world.item(second.id, talk("deadline two", speaker="Ben"), published_at=late)

    async def narrowed(**filters: Any) -> list[str]:
        sort = {"field": "date", "order": "asc"}
        return texts(await search(client, tenant, query="deadline", filters=filters, sort=sort))

    assert await narrowed() == ["deadline one", "deadline two"]
    for name in ("datasets", "podcasts", "podcast_ids"):
        assert await narrowed(**{name: [second.id]}) == ["deadline two"]
        assert await narrowed(**{name: [str(tenant.dataset_id)]}) == ["deadline one"]
    assert await narrowed(items=[first]) == ["deadline one"]
    assert await narrowed(libraries=["library-1"]) == ["deadline one", "deadline two"]
    assert await narrowed(libraries=["nobody's"]) == []
    assert await narrowed(source_types=["upload"], languages=["en"], min_confidence=0.5) == [
        "deadline one",
        "deadline two",
    ]
    assert await narrowed(items=[]) == []
    assert await narrowed(speakers=["BEN", "nobody\0"]) == ["deadline two"]
    assert await narrowed(date_range={"start": "2026-01-15", "end": "2026-01-15"}) == ["deadline one"]
    assert await narrowed(date_range={"end": "2026-01-14"}) == []
    assert await narrowed(date_range={"start": "2026-01-15T23:59:00+02:00"}) == ["deadline one", "deadline two"]
    assert await narrowed(date_range={"start": "2026-01-15T22:00:01"}) == ["deadline two"]
    assert await narrowed(date_range={"end": "2026-03-01T00:00:00Z"}) == ["deadline one", "deadline two"]


async def test_highlights_can_be_left_out(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("the deadline"))
    found = await search(client, tenant, query="deadline", options={"include_highlights": False})
    assert found["results"][0]["highlighted_text"] is None


async def test_context_and_aggregations_come_where_they_are_asked_for(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant("Anna")
    await world.item(tenant.dataset_id, talk("before", "the deadline", "after", speaker="Anna"))
    options = {"include_context": True, "include_aggregations": True}
    found = await search(client, tenant, query="deadline", search_type="text", options=options)
    (result,) = found["results"]
    said = {"start": 0.0, "end": 0.5, "speaker": "Anna", "text": "before"}
    assert result["context"] == {"before": [said], "after": [said | {"start": 20.0, "end": 20.5, "text": "after"}]}
    assert found["aggregations"] == {
        "speakers": [{"value": "Anna", "label": "Anna", "count": 1}],
        "datasets": [{"value": str(tenant.dataset_id), "label": "Anna's dataset", "count": 1}],
        "entities": [],
        "libraries": [{"value": result["library"], "label": result["library"], "count": 1}],
        "languages": [{"value": "en", "label": "en", "count": 1}],
        "months": [{"value": "2026-01", "label": "2026-01", "count": 1}],
        "exact": True,
    }


async def test_the_older_path_answers_the_same_but_for_addresses(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("the deadline"))
    body = {"query": "deadline", "limit": 5}
    answers = [
        (await client.post(path, headers=tenant.headers, json=body)).json()
        for path in ("/api/search", "/api/v1/search")
    ]
    for answer in answers:
        answer["meta"].pop("took_ms")
        answer["results"][0].pop("urls")
    assert answers[0] == answers[1]


async def test_a_new_title_is_found_at_once(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("words"), title="First")
    change = {"title": "Second", "description": "about a lighthouse"}
    assert (await client.patch(f"/api/items/{item_id}", headers=tenant.headers, json=change)).status_code == 200
    found = await search(client, tenant, query="lighthouses", search_type="text")
    (result,) = found["results"]
    assert (result["field"], result["text"]) == ("description", "about a lighthouse")
    assert result["segment_id"] == f"{item_id}_description"
    assert (await search(client, tenant, query="first", search_type="text"))["results"] == []


async def test_the_oldest_form_groups_matches_by_item(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant("Anna")
    moment = datetime(2026, 3, 4, tzinfo=UTC)
    first = await world.item(tenant.dataset_id, talk("deadline one", "other"), title="First", published_at=moment)
    second = await world.item(
        tenant.dataset_id, talk("deadline deadline", "deadline two"), title="Second", published_at=moment
    )
    answer = await client.get("/api/search", headers=tenant.headers, params={"q": "deadline", "limit": 2})
    podcast = {"id": tenant.dataset_id, "title": "Anna's dataset", "slug": f"anna-s-dataset-{tenant.dataset_id}"}
    assert answer.json() == {
        "results": [
            {
                "podcast": podcast,
                "episode": {
                    "id": second,
                    "title": "Second",
                    "slug": f"second-{second}",
                    "pub_date": "2026-03-04T00:00:00Z",
                },
                "matches": [
                    {"field_type": "transcription", "text": "deadline deadline", "segment_id": "0.0"},
                    {"field_type": "transcription", "text": "deadline two", "segment_id": "10.0"},
                ],
            }
        ],
        "total": 3,
        "limit": 2,
        "offset": 0,
    }
    rest = await client.get("/api/search", headers=tenant.headers, params={"q": "deadline", "limit": 2, "offset": 2})
    assert [group["episode"]["id"] for group in rest.json()["results"]] == [first]
    refused = await client.get("/api/search", headers=tenant.headers, params={"q": " "})
    assert (refused.status_code, refused.json()["code"]) == (400, "query_invalid")


async def test_a_body_sent_as_a_form_is_taken_for_the_json_it_is(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    answer = await client.post(
        "/api/search",
        headers={**tenant.headers, "Content-Type": "application/x-www-form-urlencoded"},
        content=b'{"query": "deadline"}',
    )
    assert answer.status_code == 200


REFUSALS: list[tuple[dict[str, Any], str, str]] = [
    ({"query": " \n\0"}, "query_invalid", "The search query is empty."),
    (
        {"query": "x" * 1001},
        "query_invalid",
        "The search query has 1001 characters; at most 1000 are allowed.",
    ),
    ({"query": 7}, "field_invalid", "query: must be a text."),
    ({}, "field_invalid", "query: is missing."),
    (
        {"query": "a", "search_type": "fuzzy"},
        "field_invalid",
        "search_type: must be 'text', 'semantic' or 'hybrid'.",
    ),
    ({"query": "a", "limit": 101}, "field_invalid", "limit: must be at most 100."),
    (
        {"query": "a", "pagination": {"limit": 0}},
        "field_invalid",
        "pagination.limit: must be at least 1.",
    ),
    (
        {"query": "a", "filters": {"datasets": [1, "x"]}},
        "field_invalid",
        "filters.datasets[1]: must be a whole number.",
    ),
    (
        {"query": "a", "filters": {"lenguage": "en"}},
        "field_invalid",
        (
            "filters: unknown field 'lenguage'; allowed are datasets, podcasts, podcast_ids, items, libraries, "
            "source_types, languages, speakers, speaker_ids, entities, entity_ids, min_confidence, doubtful, "
            "date_range."
        ),
    ),
    (
        {"query": "a", "filters": {"date_range": {"start": "yesterday"}}},
        "field_invalid",
        "filters.date_range.start: a date or a date with time is expected: 2026-01-31 or 2026-01-31T12:00:00Z.",
    ),
    (
        {"query": "a", "filters": {"date_range": {"start": "0001-01-01T00:00:00+14:00"}}},
        "field_invalid",
        "filters.date_range.start: the year must be between 1900 and 2999.",
    ),
    (
        {"query": "a OR -b"},
        "query_invalid",
        "At position 6 the query excludes something but does not say from what: put a word that must be there beside it.",
    ),
    (
        {"query": "a", "filters": {"min_confidence": 2}},
        "field_invalid",
        "filters.min_confidence: must be at most 1.",
    ),
    (
        {"query": "a", "sort": {"field": "length"}},
        "field_invalid",
        "sort.field: must be 'relevance' or 'date'.",
    ),
]


async def test_what_is_wrong_is_named_with_what_is_allowed(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    for body, code, message in REFUSALS:
        answer = await client.post("/api/search", headers=tenant.headers, json=body)
        assert (answer.status_code, answer.json()["code"], answer.json()["message"]) == (400, code, message)


@pytest.mark.parametrize("search_type", ["text", "semantic", "hybrid"])
async def test_one_tenant_never_sees_another_ones_words(
    client: httpx.AsyncClient, world: World, search_type: str
) -> None:
    mine, other = await world.tenant(), await world.tenant()
    await world.item(other.dataset_id, talk("the merger with Globex"), title="Secret merger")
    for query in ("merger", "Globex", '"the merger"', "merg* -nothing", "mergre", "secret"):
        for filters in ({}, {"datasets": [other.dataset_id]}, {"items": [1]}):
            found = await search(
                client,
                mine,
                query=query,
                search_type=search_type,
                filters=filters,
                options={"include_aggregations": True, "include_context": True},
            )
            assert (found["results"], found["meta"]["total"], found["meta"]["corrections"]) == ([], 0, {})
            assert {key: value for key, value in found["aggregations"].items() if value} == {"exact": True}
    grouped = (await client.get("/api/search", headers=mine.headers, params={"q": "merger"})).json()
    assert (grouped["results"], grouped["total"]) == ([], 0)
    assert (await search(client, other, query="merger", search_type=search_type))["meta"]["total"] > 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["search_type", "filters", "pagination", "sort", "options", "limit", "offset"]
INNER = st.dictionaries(
    st.sampled_from(["datasets", "items", "speakers", "date_range", "limit", "offset", "field", "order", "start"]), JSON
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=50) | JSON, st.dictionaries(st.sampled_from(NAMES), INNER | JSON))
async def test_no_body_is_more_than_the_server_can_bear(
    client: httpx.AsyncClient, world: World, query: object, rest: dict[str, Any]
) -> None:
    tenant = await world.tenant()
    answer = await client.post("/api/search", headers=tenant.headers, content=json.dumps({"query": query, **rest}))
    assert answer.status_code in {200, 400}


@pytest.mark.parametrize(
    ("title", "expected"),
    [("Café & Bar!", "cafe-bar-7"), ("漢字", "7"), ("a" * 100, "a" * 60 + "-7"), ("--", "7")],
)
def test_a_slug_is_made_of_plain_letters_and_always_unique(title: str, expected: str) -> None:
    assert slug(title, 7) == expected
