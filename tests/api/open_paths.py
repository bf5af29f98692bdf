"""The paths that anybody may ask for without a key."""

OPEN_PATHS = (
    *("/health/live", "/health/ready", "/metrics", "/docs", "/api/openapi.json"),
    *("/api/sign-in", "/api/sign-in/token", "/api/sign-in/oidc", "/api/sign-up", "/api/invitations/look", "/api/plans"),
    "/api/upload-links/{token}",
)
