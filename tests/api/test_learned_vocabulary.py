"""A vocabulary that learns from corrections: suggested, accepted, dismissed, and made in older transcripts."""

from typing import Any

import pytest

from tests.api.people import Asking
from tests.factories import World, talk


@pytest.fixture
async def items(ask: Asking, world: World) -> list[int]:
    """Two recordings that people corrected, and one that nobody has read yet."""
    said = (
        ("We run cooper netties here.", "And cooper netties is fine."),
        ("So the Cuban eighties team spoke.",),
        ("Later cooper netties broke.",),
    )
    ids = [await world.item(ask.tenant.dataset_id, talk(*texts)) for texts in said]
    for item_id, place, text in (
        (ids[0], 0, "We run Kubernetes here."),
        (ids[0], 1, "And Kubernetes is fine."),
        (ids[1], 0, "So the Kubernetes team spoke."),
    ):
        await ask("PATCH", f"/api/items/{item_id}/transcript/segments/{place}", json={"text": text})
    return ids


async def vocabulary(ask: Asking, verb: str, path: str, status: int = 200, **more: Any) -> Any:
    return await ask(verb, f"/api/datasets/{ask.tenant.dataset_id}/vocabulary/{path}", status, **more)


@pytest.mark.usefixtures("items")
async def test_what_people_corrected_is_suggested_with_what_was_heard(ask: Asking) -> None:
    (term,) = (await vocabulary(ask, "GET", "suggestions"))["terms"]

    assert (term["term"], term["times"], term["items"]) == ("Kubernetes", 3, 2)
    assert term["heard_as"] == [
        {"text": "cooper netties", "times": 2, "is_safe": True},
        {"text": "Cuban eighties", "times": 1, "is_safe": True},
    ]
    assert (await vocabulary(ask, "GET", "suggestions", params={"min_times": 4}))["terms"] == []


async def test_a_correction_that_was_taken_back_or_made_again_counts_by_what_the_text_says_now(
    ask: Asking, items: list[int]
) -> None:
    segment = f"/api/items/{items[0]}/transcript/segments"
    await ask("PATCH", f"{segment}/0", json={"text": "We run cooper netties here."})
    await ask("PATCH", f"{segment}/1", json={"text": "And kubernetes is fine."})
    await ask("PATCH", f"{segment}/1", json={"text": "And Kubernetes is fine."})

    (term,) = (await vocabulary(ask, "GET", "suggestions"))["terms"]

    assert {heard["text"]: heard["times"] for heard in term["heard_as"]} == {"Cuban eighties": 1, "cooper netties": 1}


async def test_an_accepted_term_is_in_the_settings_and_older_transcripts_change_on_request_alone(
    ask: Asking, items: list[int]
) -> None:
    body = {"term": "Kubernetes", "replace": ["cooper netties"]}
    dataset = await vocabulary(ask, "POST", "accept", json=body)
    again = await vocabulary(ask, "POST", "accept", json=body)

    assert dataset["vocabulary"] == ["Kubernetes"]
    assert dataset["replacements"] == [{"find": "cooper netties", "replace": "Kubernetes"}]
    assert again == dataset
    assert (await vocabulary(ask, "GET", "suggestions"))["terms"] == []
    path = f"/api/items/{items[2]}/transcript"
    assert (await ask("GET", path))["segments"][0]["text"] == "Later cooper netties broke."
    wanted = {"find": "cooper netties", "replace": "Kubernetes", "match_case": True, "whole_words": True}
    replace = f"/api/datasets/{ask.tenant.dataset_id}/replace"
    preview = await ask("POST", replace, json=wanted | {"preview": True})
    assert [found["item_id"] for found in preview["items"]] == [items[2]]
    await ask("POST", replace, json=wanted)
    assert (await ask("GET", path))["segments"][0]["text"] == "Later Kubernetes broke."


@pytest.mark.usefixtures("items")
async def test_a_dismissed_term_is_not_suggested_again_until_somebody_accepts_it(ask: Asking) -> None:
    await vocabulary(ask, "POST", "dismiss", 204, json={"term": "Kubernetes"})
    assert (await vocabulary(ask, "GET", "suggestions"))["terms"] == []

    assert (await vocabulary(ask, "POST", "accept", json={"term": "Kubernetes"}))["vocabulary"] == ["Kubernetes"]
    await ask("PATCH", f"/api/datasets/{ask.tenant.dataset_id}", json={"vocabulary": []})
    assert [term["term"] for term in (await vocabulary(ask, "GET", "suggestions"))["terms"]] == ["Kubernetes"]


async def test_a_full_vocabulary_is_refused_and_keeps_what_it_has(ask: Asking) -> None:
    full = [f"Term {number}" for number in range(100)]
    await ask("PATCH", f"/api/datasets/{ask.tenant.dataset_id}", json={"vocabulary": full})

    refused = await vocabulary(ask, "POST", "accept", 400, json={"term": "Kubernetes", "replace": ["cooper netties"]})

    assert "100 terms" in refused["message"]
    dataset = await ask("GET", f"/api/datasets/{ask.tenant.dataset_id}")
    assert (dataset["vocabulary"], dataset["replacements"]) == (full, [])
