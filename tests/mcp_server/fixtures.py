"""The tools, resources and prompts that the conformance suite wants of a server, to be put on the wiring of the real one.

Their names and texts are the suite's.
"""

import asyncio
import base64
import json
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    CallToolResult,
    Completion,
    EmbeddedResource,
    ImageContent,
    InputRequiredResult,
    TextContent,
    TextResourceContents,
)

PNG = base64.b64encode(
    base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==")
).decode()
WAV = base64.b64encode(b"RIFF$\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0@\x1f\0\0@\x1f\0\0\x01\0\x08\0data\0\0\0\0").decode()
Ctx = Context[Any, Any]
Answer = CallToolResult | InputRequiredResult


def said(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)])


def ask_for(message: str, field: str, kind: str = "string") -> dict[str, Any]:
    schema = {"type": "object", "properties": {field: {"type": kind}}, "required": [field]}
    return {"method": "elicitation/create", "params": {"message": message, "requestedSchema": schema}}


def sample(text: str) -> dict[str, Any]:
    message = {"role": "user", "content": {"type": "text", "text": text}}
    return {"method": "sampling/createMessage", "params": {"messages": [message], "maxTokens": 100}}


ROOTS = {"method": "roots/list", "params": {}}


def wanting(requests: dict[str, Any], state: str | None = None) -> InputRequiredResult:
    return InputRequiredResult.model_validate({"inputRequests": requests, "requestState": state})


def has(ctx: Ctx, *names: str) -> bool:
    return all(name in (ctx.input_responses or {}) for name in names)


def resource(uri: str, mime_type: str, text: str) -> EmbeddedResource:
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


IMAGE = ImageContent(type="image", data=PNG, mime_type="image/png")
CONTENTS: dict[str, list[Any]] = {
    "test_simple_text": [TextContent(type="text", text="This is a simple text response for testing.")],
    "test_image_content": [IMAGE],
    "test_audio_content": [AudioContent(type="audio", data=WAV, mime_type="audio/wav")],
    "test_embedded_resource": [
        resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")
    ],
    "test_multiple_content_types": [
        TextContent(type="text", text="Multiple content types test:"),
        IMAGE,
        resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ],
}
"""Answers of the tools that always say the same."""


def add_fixtures(server: MCPServer[Any]) -> None:
    """Register all of them."""
    for name, content in CONTENTS.items():
        _always(server, name, content)
    _add_tools(server)
    _add_asking_tools(server)
    _add_resources(server)
    _add_prompts(server)


def _always(server: MCPServer[Any], name: str, content: list[Any]) -> None:
    async def tool() -> CallToolResult:
        return CallToolResult(content=content)

    server.add_tool(tool, name=name, description=f"Always the same: {name}")


def _add_tools(server: MCPServer[Any]) -> None:
    @server.tool()
    async def test_error_handling() -> CallToolResult:
        """Fails."""
        raise ToolError("This tool intentionally returns an error for testing")

    @server.tool()
    async def test_tool_with_progress(ctx: Ctx) -> CallToolResult:
        """Tells how far it is."""
        for progress in (0, 50, 100):
            await ctx.report_progress(progress, 100)
            await asyncio.sleep(0.05)
        return said("done")

    @server.tool()
    async def test_logging_tool() -> CallToolResult:
        """Logs nothing, for nobody asked for it."""
        return said("done")

    @server.tool()
    async def test_missing_capability(ctx: Ctx) -> CallToolResult:
        """Needs to sample."""
        if ctx.client_capabilities is None or ctx.client_capabilities.sampling is None:
            raise MCPError(
                MISSING_REQUIRED_CLIENT_CAPABILITY, "Sampling is needed", {"requiredCapabilities": {"sampling": {}}}
            )
        return said("done")


async def input_required_result_elicitation(ctx: Ctx) -> Answer:
    """Asks for a name."""
    given = (ctx.input_responses or {}).get("user_name")
    content = getattr(given, "content", None)
    if not content or "name" not in content:
        return wanting({"user_name": ask_for("What is your name?", "name")})
    return said(f"Hello, {content['name']}!")


async def input_required_result_sampling(ctx: Ctx) -> Answer:
    """Asks the model."""
    if not has(ctx, "capital_question"):
        return wanting({"capital_question": sample("What is the capital of France?")})
    return said(str((ctx.input_responses or {})["capital_question"]))


async def input_required_result_list_roots(ctx: Ctx) -> Answer:
    """Asks for the roots."""
    if not has(ctx, "client_roots"):
        return wanting({"client_roots": ROOTS})
    return said(str((ctx.input_responses or {})["client_roots"]))


async def with_state(ctx: Ctx) -> Answer:
    """Carries a state along."""
    if ctx.request_state is None:
        return wanting({"confirm": ask_for("Please confirm", "ok", "boolean")}, "confirming")
    return said("state-ok" if ctx.request_state == "confirming" else "state-lost")


async def input_required_result_multiple_inputs(ctx: Ctx) -> Answer:
    """Asks for three things at once."""
    if not has(ctx, "user_name", "greeting", "client_roots"):
        requests = {
            "user_name": ask_for("What is your name?", "name"),
            "greeting": sample("Generate a greeting"),
            "client_roots": ROOTS,
        }
        return wanting(requests, "three")
    return said("all there")


async def input_required_result_multi_round(ctx: Ctx) -> Answer:
    """Asks twice."""
    if ctx.request_state == "second" and has(ctx, "step2"):
        return said("both there")
    if ctx.request_state == "first" and has(ctx, "step1"):
        return wanting({"step2": ask_for("Step 2: What is your favorite color?", "color")}, "second")
    return wanting({"step1": ask_for("Step 1: What is your name?", "name")}, "first")


async def input_required_result_capabilities(ctx: Ctx) -> Answer:
    """Asks only for what the client can do."""
    able = ctx.client_capabilities
    requests: dict[str, Any] = {}
    if able is not None and able.sampling is not None:
        requests["greeting"] = sample("Generate a greeting")
    if able is not None and able.elicitation is not None:
        requests["user_name"] = ask_for("What is your name?", "name")
    return wanting(requests, "able")


def _add_asking_tools(server: MCPServer[Any]) -> None:
    for tool in (
        input_required_result_elicitation,
        input_required_result_sampling,
        input_required_result_list_roots,
        input_required_result_multiple_inputs,
        input_required_result_multi_round,
        input_required_result_capabilities,
    ):
        server.add_tool(tool, name=f"test_{tool.__name__}")
    server.add_tool(input_required_result_elicitation, name="test_streaming_elicitation")
    for name in ("request_state", "tampered_state"):
        server.add_tool(with_state, name=f"test_input_required_result_{name}")


def _add_resources(server: MCPServer[Any]) -> None:
    @server.resource("test://static-text", name="text", description="A text", mime_type="text/plain")
    def text() -> str:
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", name="binary", description="A picture", mime_type="image/png")
    def binary() -> bytes:
        return base64.b64decode(PNG)

    @server.resource("test://template/{id}/data", name="template", mime_type="application/json")
    def template(id: str) -> str:  # noqa: A002 - as the suite names it
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def _add_prompts(server: MCPServer[Any]) -> None:
    @server.prompt()
    def test_simple_prompt() -> str:
        """Always the same."""
        return "This is a simple prompt for testing."

    @server.prompt()
    def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        """Repeats its arguments."""
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @server.prompt()
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:  # noqa: N803 - as the suite names it
        """Holds a resource."""
        held = resource(resourceUri, "text/plain", "Embedded resource content for testing.")
        return [UserMessage(held), UserMessage("Please process the embedded resource above.")]

    @server.prompt()
    def test_prompt_with_image() -> list[UserMessage]:
        """Holds a picture."""
        return [UserMessage(IMAGE), UserMessage("Please analyze the image above.")]

    @server.prompt()
    async def test_input_required_result_prompt(ctx: Ctx) -> str | InputRequiredResult:
        """Asks before it answers."""
        if not has(ctx, "user_context"):
            return wanting({"user_context": ask_for("What context should the prompt use?", "context")})
        return "A prompt in context"

    async def complete(*_: Any) -> Completion:
        return Completion(values=["paris", "park", "party"], total=3, has_more=False)

    server.completion()(complete)  # type: ignore[no-untyped-call]  # the library gives it no types
