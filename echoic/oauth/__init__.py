"""The authorization server (OAuth 2.1): programs that people connect, and what these may do. Knows no HTTP.

Its routes are in ``api``. The resource that its tokens are for is the MCP endpoint, and nothing else.
"""
