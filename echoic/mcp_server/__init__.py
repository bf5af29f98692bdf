"""The Model Context Protocol: agents use Echoic by tools. A door, which translates and decides nothing.

Each tool calls the functions that a route of the API calls, with the caller's rights and the caller's view of what is
redacted (https://modelcontextprotocol.io/specification/2026-07-28).
"""
