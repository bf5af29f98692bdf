"""Descriptions for programs: of the authorization server (RFC 8414), and of the resource (RFC 9728). Pure."""

from typing import Any

from echoic.oauth.addresses import AUTHORIZE_PATH, REGISTER_PATH, REVOKE_PATH, TOKEN_PATH, Addresses
from echoic.oauth.descriptions import AUTH_METHODS, GRANT_TYPES, RESPONSE_TYPE
from echoic.oauth.pkce import METHOD
from echoic.oauth.scopes import SCOPES


def of_server(addresses: Addresses) -> dict[str, Any]:
    """Return the description of the authorization server."""
    issuer = addresses.issuer
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}{AUTHORIZE_PATH}",
        "token_endpoint": f"{issuer}{TOKEN_PATH}",
        "registration_endpoint": f"{issuer}{REGISTER_PATH}",
        "revocation_endpoint": f"{issuer}{REVOKE_PATH}",
        "scopes_supported": list(SCOPES),
        "response_types_supported": [RESPONSE_TYPE],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANT_TYPES),
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "revocation_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "code_challenge_methods_supported": [METHOD],
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": True,
        "protected_resources": [addresses.resource],
        "ui_locales_supported": ["en", "de"],
    }


def of_resource(addresses: Addresses) -> dict[str, Any]:
    """Return the description of the resource, which names the server that gives tokens for it."""
    return {
        "resource": addresses.resource,
        "authorization_servers": [addresses.issuer],
        "scopes_supported": list(SCOPES),
        "bearer_methods_supported": ["header"],
        "resource_name": "Echoic",
        "resource_documentation": f"{addresses.issuer}/docs",
    }
