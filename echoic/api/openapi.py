"""The OpenAPI document: what the framework finds by itself, and the bodies that routes read on their own."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel

from echoic.api.withheld import CHANGING, WITHHELD, is_withheld

SCHEMAS = "#/components/schemas/{model}"
METHODS = ("get", "put", "post", "delete", "patch")


def json_body(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """Return a route's ``openapi_extra`` for a JSON body of this model, where its signature does not name the body."""
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema_of(model)}}}}


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """A model's schema, with the models within it under ``$defs``; ``DocumentedApi`` moves those to their place."""
    return model.model_json_schema(ref_template=SCHEMAS)


class DocumentedApi(FastAPI):
    """An application whose document is whole."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for methods in document["paths"].values():
            for method in METHODS:
                body = methods.get(method, {}).get("requestBody", {})
                for content in body.get("content", {}).values():
                    schemas.update(content.get("schema", {}).pop("$defs", {}))
        for route in self.routes:
            if isinstance(route, APIRoute) and is_withheld(route):
                for method in CHANGING & set(route.methods or ()):
                    document["paths"][route.path_format][method.lower()]["responses"]["204"] = WITHHELD
        return document
