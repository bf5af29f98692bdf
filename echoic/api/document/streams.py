"""Streams of server-sent events in the document: the data of each event is a schema of its own."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from echoic.api.document.schemas import REFERENCE

EVENT_STREAM = "text/event-stream"


def stream_of(events: Mapping[str, type[BaseModel] | None]) -> dict[int | str, dict[str, Any]]:
    """Return a route's ``responses`` for a stream; ``events`` are the models of their data, None for an empty object.

    OpenAPI 3.1 has no schema for the events of a stream. The answer therefore has none that a generated client would read
    it by; the data's schemas are among the components, and ``x-events`` says to which event each belongs.
    """
    template = REFERENCE.replace("{name}", "{model}")
    schemas: dict[str, Any] = {}
    for model in filter(None, events.values()):
        schema = model.model_json_schema(ref_template=template, mode="serialization")
        schemas |= schema.pop("$defs", {}) | {model.__name__: schema}
    told = ", ".join(f"`{name}`" + (f" ({model.__name__})" if model else "") for name, model in events.items())
    content = {
        "schema": {"description": f"Events whose `data` is an object in JSON: {told}.", "$defs": schemas},
        "x-events": {
            name: {"$ref": REFERENCE.format(name=model.__name__)} if model else {"type": "object"}
            for name, model in events.items()
        },
    }
    return {200: {"description": "The stream.", "content": {EVENT_STREAM: content}}}
