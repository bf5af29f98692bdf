"""Each rule finds in a document what it is about, and says what to add."""

import copy
from typing import Any

import pytest

from scripts.document_rules import complaints

GOOD: dict[str, Any] = {
    "paths": {
        "/api/items/{item_id}": {
            "get": {
                "operationId": "getItem",
                "tags": ["items"],
                "description": "An item.",
                "parameters": [{"name": "item_id", "in": "path", "description": "The item's id."}],
                "responses": {
                    "200": {
                        "description": "The item.",
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Item"}, "example": {"id": 1}}
                        },
                    }
                },
            }
        }
    },
    "components": {
        "schemas": {
            "Item": {
                "title": "Item",
                "type": "object",
                "description": "An item.",
                "properties": {"id": {"type": "integer", "description": "Its id."}},
            }
        }
    },
}


def changed(place: str, value: Any) -> dict[str, Any]:
    """A document that is good but for one place, given by keys with dots between them; None takes it away."""
    document = copy.deepcopy(GOOD)
    *way, last = place.split(".")
    node: Any = document
    for key in way:
        node = node[int(key)] if isinstance(node, list) else node[{"GET": "/api/items/{item_id}"}.get(key, key)]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return document


def test_a_good_document_has_no_complaints() -> None:
    assert complaints(GOOD) == []


GET = "paths.GET.get"
OK = f"{GET}.responses.200"


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (f"{GET}.operationId", "items_get", "[operation-id] GET /api/items/{item_id}: add operation_id='verbNoun'"),
        (f"{GET}.operationId", "get" + "x" * 40, "[operation-id]"),
        (f"{GET}.description", " ", "[operation] GET /api/items/{item_id}: give the endpoint a docstring"),
        (f"{GET}.tags", [], "give its APIRouter one tag"),
        (f"{GET}.tags", ["novelties"], "describe its tag 'novelties' in echoic/api/document/tags.py"),
        (
            f"{GET}.parameters.0.description",
            None,
            "[parameter] GET /api/items/{item_id}: describe the parameter 'item_id'",
        ),
        ("components.schemas.Item.description", None, "[field] Item: give the class a docstring"),
        ("components.schemas.Item.properties.id.description", None, "[field] Item.id: describe it"),
        (f"{OK}.description", None, "[example] GET /api/items/{item_id} 200: describe the answer"),
        (f"{OK}.content.application/json.example", None, "give the endpoint a model as its return type"),
        (f"{OK}.content.application/json.example", {"name": "…"}, "give these fields an example: name"),
        ("components.schemas.Item.title", "Other", "[name] Item: is the name of two classes"),
        (
            f"{OK}.content.application/json.schema",
            {"properties": {}},
            "give the schema of its body or answer a 'title'",
        ),
        (f"{OK}.content.audio/*", {}, "[value] GET /api/items/{item_id}: name the types that audio/* stands for"),
        ("components.schemas.Item.properties.id.const", 1, "[value] the value 1: is a const"),
    ],
)
def test_each_rule_says_what_to_add(place: str, value: Any, told: str) -> None:
    (complaint,) = complaints(changed(place, value))
    assert told in complaint


def test_an_operation_id_is_used_once() -> None:
    document = copy.deepcopy(GOOD)
    document["paths"]["/api/episodes/{item_id}"] = document["paths"]["/api/items/{item_id}"]
    assert sum("has the operation_id 'getItem' of another route" in told for told in complaints(document)) == 2


def test_the_same_values_in_two_places_need_a_name() -> None:
    document = copy.deepcopy(GOOD)
    values = {"description": "Its state.", "enum": ["queued", "published"]}
    document["components"]["schemas"]["Item"]["properties"] |= {"state": dict(values), "wanted": dict(values)}
    (complaint,) = complaints(document)
    assert "the values queued, published: stand in several places" in complaint
