"""Examples of answers, put together from those of their fields."""

from collections.abc import Mapping
from typing import Any

from echoic.api.document.glossary import EXAMPLES, MOMENT, WORDS
from echoic.api.document.schemas import Document, Schema, operations

JSON = "application/json"
NO_EXAMPLE = "…"
"""Stands where a text has no example; `scripts/document_rules.py` refuses it."""
BY_TYPE: Mapping[str, Any] = {"string": NO_EXAMPLE, "integer": 1, "number": 1.0, "boolean": True, "null": None}


def add_examples(document: Document) -> None:
    """Give every body and answer in JSON that has a schema and no example one."""
    named = document["components"]["schemas"]
    for _, _, operation in operations(document):
        for answer in operation["responses"].values():
            content = answer.get("content", {}).get(JSON)
            if content is not None and "schema" in content and not {"example", "examples"} & content.keys():
                content["example"] = example_of(content["schema"], named)


def example_of(schema: Schema, named: Mapping[str, Schema], name: str = "") -> Any:
    """Return a value that fits the schema; ``name`` is that of the field it is for."""
    if "examples" in schema:
        return schema["examples"][0]
    if "$ref" in schema:
        return example_of(named[schema["$ref"].rpartition("/")[2]], named, name)
    if "anyOf" in schema:
        first, *others = schema["anyOf"]
        is_part = "properties" in named.get(first.get("$ref", "").rpartition("/")[2], {})
        # A part that may be missing, such as an error, mostly is.
        return None if is_part and {"type": "null"} in others else example_of(first, named, name)
    known = EXAMPLES[name] if name in EXAMPLES else WORDS[name].example if name in WORDS else None
    if known is not None and _fits(schema, known):
        return known
    if schema.get("type") == "array":
        return [example_of(schema["items"], named)]
    if "properties" in schema:
        return {
            field: example_of(inner, named, field)
            for field, inner in schema["properties"].items()
            if field in schema.get("required", ()) or inner.get("default") is not None
        }
    return _plain(schema)


def _plain(schema: Schema) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("format") == "date-time":
        return MOMENT
    return schema.get("minimum", BY_TYPE.get(schema.get("type", ""), {}))


def _fits(schema: Schema, value: Any) -> bool:
    match schema.get("type"):
        case "string":
            return isinstance(value, str)
        case "integer" | "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "array":
            return isinstance(value, list) and (not value or schema["items"].get("type") == "string")
        case _:
            return isinstance(value, dict) and "properties" not in schema
