"""What the OpenAPI document must have, so that people can read it and generate clients from it.

Each rule is one function from the document to what breaks it: the place, and what to add. `make_docs.py` runs them all.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from echoic.api.document.examples import NO_EXAMPLE
from echoic.api.document.schemas import all_schemas, contents, operations
from echoic.api.document.tags import TAGS

Finding = tuple[str, str]
Rule = Callable[[dict[str, Any]], Iterator[Finding]]

OPERATION_ID = re.compile(r"[a-z][A-Za-z0-9]*")
MAX_ID_CHARACTERS = 40
GLOSSARY = "echoic/api/document/glossary.py"


def operation_ids_are_short_and_unique(document: dict[str, Any]) -> Iterator[Finding]:
    """Generated clients name their functions after them, so each is written down at its route and stays."""
    counted = Counter(operation["operationId"] for _, _, operation in operations(document))
    for method, path, operation in operations(document):
        name = operation["operationId"]
        if OPERATION_ID.fullmatch(name) is None or len(name) > MAX_ID_CHARACTERS:
            yield f"{method} {path}", f"add operation_id='verbNoun' to the route, as 'uploadAudio'; it has {name!r}"
        elif counted[name] > 1:
            yield f"{method} {path}", f"has the operation_id {name!r} of another route; choose another"


def operations_are_described(document: dict[str, Any]) -> Iterator[Finding]:
    """Each has one group and a docstring that says what it does."""
    known = dict(TAGS)
    for method, path, operation in operations(document):
        place = f"{method} {path}"
        if not operation.get("description", "").strip():
            yield place, "give the endpoint a docstring: what it does, in a sentence"
        if len(operation.get("tags", ())) != 1:
            yield place, "give its APIRouter one tag: APIRouter(tags=['…'])"
        for tag in operation.get("tags", ()):
            if tag not in known:
                yield place, f"describe its tag {tag!r} in echoic/api/document/tags.py"


def parameters_are_described(document: dict[str, Any]) -> Iterator[Finding]:
    """By themselves, or by the glossary where they mean the same everywhere."""
    for method, path, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            if not parameter.get("description"):
                told = f"describe the parameter {parameter['name']!r}: Query(description='…'), or a line in {GLOSSARY}"
                yield f"{method} {path}", told


def fields_are_described(document: dict[str, Any]) -> Iterator[Finding]:
    """As parameters are; a field that is another object is described there."""
    for name, schema in document["components"]["schemas"].items():
        if "enum" not in schema and not schema.get("description"):
            yield name, "give the class a docstring"
        for field, inner in schema.get("properties", {}).items():
            if "$ref" not in inner and not inner.get("description"):
                yield f"{name}.{field}", f"describe it: Field(description='…'), or a line in {GLOSSARY}"


def answers_have_examples(document: dict[str, Any]) -> Iterator[Finding]:
    """An example is put together from the fields'; a field of text whose name says nothing needs one of its own."""
    for method, path, operation in operations(document):
        for status, answer in operation["responses"].items():
            place = f"{method} {path} {status}"
            if "$ref" not in answer and not answer.get("description"):
                yield place, "describe the answer: responses={…: {'description': '…'}}"
            content = answer.get("content", {}).get("application/json")
            if content is None:
                continue
            if not {"example", "examples"} & content.keys() or content.get("example") == {}:
                yield place, "give the endpoint a model as its return type, or the answer an example"
            elif NO_EXAMPLE in json.dumps(content.get("example"), ensure_ascii=False):
                fields = ", ".join(sorted(_without_example(content["example"])))
                told = f"give these fields an example: {fields}; by Field(examples=['…']), or a line in EXAMPLES in {GLOSSARY}"
                yield place, told


def schemas_have_unique_names(document: dict[str, Any]) -> Iterator[Finding]:
    """A name tells one class; where two share one, the framework writes the module's path into it."""
    for name, schema in document["components"]["schemas"].items():
        if "__" in name or schema.get("title") != name:
            yield name, "is the name of two classes; rename one of them"
    for method, path, operation in operations(document):
        for content in contents(operation):
            if "properties" in content.get("schema", {}):
                yield (
                    f"{method} {path}",
                    "give the schema of its body or answer a 'title', by which clients name the type",
                )


def values_are_easy_to_generate(document: dict[str, Any]) -> Iterator[Finding]:
    """Generators leave out what has a ``const`` or a media type with a star; they name equal sets of values apart."""
    inline = Counter(tuple(schema["enum"]) for schema in all_schemas(document) if "enum" in schema)
    for values, times in inline.items():
        if times > 1 and len(values) > 1:
            shown = ", ".join(map(str, values[:4]))
            yield f"the values {shown}", "stand in several places; give them a name in echoic/api/document/enums.py"
    for schema in all_schemas(document):
        if "const" in schema:
            yield f"the value {schema['const']!r}", "is a const; write it as an enum of one"
    for method, path, operation in operations(document):
        for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
            for media_type in holder.get("content", {}):
                if "*" in media_type:
                    yield f"{method} {path}", f"name the types that {media_type} stands for"


RULES: Mapping[str, Rule] = {
    "operation-id": operation_ids_are_short_and_unique,
    "operation": operations_are_described,
    "parameter": parameters_are_described,
    "field": fields_are_described,
    "example": answers_have_examples,
    "name": schemas_have_unique_names,
    "value": values_are_easy_to_generate,
}


def complaints(document: dict[str, Any]) -> list[str]:
    """Everything in the document that breaks a rule."""
    return [
        f"docs/openapi.json: [{name}] {place}: {told}" for name, rule in RULES.items() for place, told in rule(document)
    ]


def _without_example(value: Any, field: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _without_example(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _without_example(inner, field)
    elif value == NO_EXAMPLE:
        yield field
