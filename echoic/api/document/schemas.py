"""Schemas as generators of clients read them best: each under one name, without what they stumble over."""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = dict[str, Any]
Document = dict[str, Any]

REFERENCE = "#/components/schemas/{name}"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch")

_MAPS = ("properties", "$defs", "patternProperties")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "not")


def operations(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and operation of each route in the document."""
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield method.upper(), path, methods[method]


def contents(operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the media type objects of an operation's body and of its answers."""
    for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from holder.get("content", {}).values()


def tree(schema: Any) -> Iterator[Schema]:
    """Yield a schema and all schemas within it, outermost first."""
    if not isinstance(schema, dict):
        return
    yield schema
    for key in _MAPS:
        for inner in schema.get(key, {}).values():
            yield from tree(inner)
    for key in _LISTS:
        for inner in schema.get(key, ()):
            yield from tree(inner)
    for key in _SINGLE:
        yield from tree(schema.get(key))


def all_schemas(document: Document) -> Iterator[Schema]:
    """Yield every schema of the document, wherever it stands."""
    for named in document["components"]["schemas"].values():
        yield from tree(named)
    for _, _, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            yield from tree(parameter.get("schema"))
        for content in contents(operation):
            yield from tree(content.get("schema"))


def lift(document: Document) -> None:
    """Move the schemas of bodies, and those within them, to the components, each under its own name.

    Raises ValueError where two different schemas have one name.
    """
    named = document.setdefault("components", {}).setdefault("schemas", {})

    def put(name: str, schema: Schema) -> None:
        if named.setdefault(name, schema) != schema:
            raise ValueError(f"Two different schemas have the name {name}; rename one of the classes.")

    for _, _, operation in operations(document):
        for content in contents(operation):
            schema = content.get("schema", {})
            for name, inner in schema.pop("$defs", {}).items():
                put(name, inner)
            if "properties" in schema and "title" in schema:
                put(schema["title"], schema)
                content["schema"] = {"$ref": REFERENCE.format(name=schema["title"])}


def simplify(document: Document) -> None:
    """Write schemas so that no generator has to guess: values as ``enum``, null beside them, and one title for each name."""
    for schema in all_schemas(document):
        schema.pop("title", None)
        if "const" in schema:
            schema["enum"] = [schema.pop("const")]
        if None in schema.get("enum", ()):
            values = [value for value in schema.pop("enum") if value is not None]
            schema.pop("type", None)
            schema["anyOf"] = [{"type": "string", "enum": values}, {"type": "null"}]
        elif "enum" in schema and all(isinstance(value, str) for value in schema["enum"]):
            schema.setdefault("type", "string")
    for name, schema in document["components"]["schemas"].items():
        schema["title"] = name


def drop_bodies_of_heads(document: Document) -> None:
    """Leave out the bodies of answers to HEAD: there are none (RFC 9110, section 9.3.2), and a client must not read one."""
    for method, _, operation in operations(document):
        if method == "HEAD":
            for answer in operation["responses"].values():
                answer.pop("content", None)


def name_enums(document: Document, names: Mapping[str, tuple[Any, ...]]) -> None:
    """Put the sets of values that have a name among the components, and refer to them."""
    by_values = {values: name for name, values in names.items()}
    used: dict[str, Schema] = {}
    for schema in all_schemas(document):
        name = by_values.get(tuple(schema.get("enum", ())))
        if name is not None:
            values = schema.pop("enum")
            schema.pop("type", None)
            schema["$ref"] = REFERENCE.format(name=name)
            used[name] = {"type": "string", "enum": values, "title": name}
    document["components"]["schemas"].update(sorted(used.items()))
