"""The OpenAPI document: what the framework finds by itself, and the bodies that routes read on their own."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.routing import BaseRoute

from echoic.api.document.examples import add_examples
from echoic.api.document.glossary import WORDS
from echoic.api.document.refusals import RaisedErrors, add_refusals
from echoic.api.document.schemas import (
    REFERENCE,
    Document,
    drop_bodies_of_heads,
    lift,
    name_enums,
    operations,
    simplify,
)
from echoic.api.withheld import CHANGING, WITHHELD, is_withheld

SCHEMAS = REFERENCE.replace("{name}", "{model}")
KEY_IN_QUERY = "ApiKeyInQuery"


def json_body(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """Return a route's ``openapi_extra`` for a JSON body of this model, where its signature does not name the body."""
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema_of(model)}}}}


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """A model's schema, with the models within it under ``$defs``; ``DocumentedApi`` moves those to their place."""
    return model.model_json_schema(ref_template=SCHEMAS)


class DocumentedApi(FastAPI):
    """An application whose document is whole, and good to generate clients from.

    ``enums`` are the names of sets of values that stand in several places, ``raised`` the codes of errors by operation.
    ``described`` are routes that the document tells of and that the application does not ask by themselves.
    """

    def __init__(
        self,
        *,
        enums: Mapping[str, tuple[Any, ...]],
        raised: RaisedErrors,
        described: Sequence[BaseRoute],
        **options: Any,
    ) -> None:
        self._described = described
        super().__init__(**options)
        self._enums = enums
        self._raised = raised

    @property
    def routes(self) -> list[BaseRoute]:
        return [*self._described, *super().routes]

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is not None:
            return self.openapi_schema
        document = super().openapi()
        for route in self.state.routes:
            if route.include_in_schema and is_withheld(route):
                for method in CHANGING & set(route.methods or ()):
                    document["paths"][route.path_format][method.lower()]["responses"]["204"] = WITHHELD
        lift(document)
        add_refusals(document, self._raised)
        drop_bodies_of_heads(document)
        simplify(document)
        name_enums(document, self._enums)
        _describe(document)
        add_examples(document)
        for _, _, operation in operations(document):
            operation["summary"] = _in_words(operation["operationId"])
            if "security" in operation:
                # Some generated clients send a key everywhere at once where the place is not named, in the URL too; the form
                # in the query stays among the schemes, for those who need it.
                operation["security"] = [way for way in operation["security"] if KEY_IN_QUERY not in way]
        return document


def _describe(document: Document) -> None:
    """Describe the fields and parameters that say nothing of themselves by the glossary."""
    for schema in document["components"]["schemas"].values():
        for name, field in schema.get("properties", {}).items():
            if "description" not in field and "$ref" not in field and name in WORDS:
                field["description"] = WORDS[name].meaning
    for _, _, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            if "description" not in parameter and parameter["name"] in WORDS:
                parameter["description"] = WORDS[parameter["name"]].meaning


def _in_words(operation_id: str) -> str:
    """``uploadAudio`` as `Upload audio`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", operation_id).lower()
    return words[:1].upper() + words[1:]
