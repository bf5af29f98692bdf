"""Descriptions that clients give of themselves (RFC 7591, section 2), read strictly. Pure.

A field that is null counts as absent, and fields that mean nothing here are left out of what is kept and answered.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from echoic.db.oauth.clients import Described
from echoic.errors import InvalidClientMetadata, InvalidRedirectUri
from echoic.oauth import redirects
from echoic.oauth.scopes import SCOPES
from echoic.text.visible import is_visible

NONE, IN_BODY, IN_HEADER = "none", "client_secret_post", "client_secret_basic"
AUTH_METHODS = (NONE, IN_BODY, IN_HEADER)
CODE_GRANT, REFRESH_GRANT = "authorization_code", "refresh_token"
GRANT_TYPES = (CODE_GRANT, REFRESH_GRANT)
RESPONSE_TYPE = "code"
TOLD = ("client_uri", "logo_uri", "tos_uri", "policy_uri", "software_id", "software_version", "application_type")
"""Fields that are kept to be answered, and mean nothing here."""
MAX_REDIRECTS = 20
MAX_NAME_CHARACTERS = 100
MAX_TOLD_CHARACTERS = 500


def read(fields: Mapping[str, Any], *, hosts: Sequence[str], default_auth_method: str = IN_HEADER) -> Described:
    """Return the description in a form that can be kept. ``hosts``: those that redirects may lead to; empty: all.

    Raises:
        InvalidRedirectUri: there is no redirect address, or one that may not be.
        InvalidClientMetadata: another field is wrong.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    auth_method = given.get("token_endpoint_auth_method", default_auth_method)
    if auth_method not in AUTH_METHODS:
        raise InvalidClientMetadata(f"token_endpoint_auth_method must be one of {', '.join(AUTH_METHODS)}.")
    if RESPONSE_TYPE not in _texts(given, "response_types", default=(RESPONSE_TYPE,)):
        raise InvalidClientMetadata("response_types must hold 'code'.")
    return Described(
        redirect_uris=_redirects(given, hosts),
        grant_types=_grant_types(given),
        auth_method=auth_method,
        name=_text(given, "client_name", MAX_NAME_CHARACTERS),
        scopes=_scopes(given),
        told={name: text for name in TOLD if (text := _text(given, name, MAX_TOLD_CHARACTERS)) is not None},
    )


def _redirects(given: Mapping[str, Any], hosts: Sequence[str]) -> Sequence[str]:
    try:
        uris = _texts(given, "redirect_uris", default=())
    except InvalidClientMetadata as error:
        raise InvalidRedirectUri(error.message) from error
    if not 0 < len(uris) <= MAX_REDIRECTS:
        raise InvalidRedirectUri(f"redirect_uris must name 1 to {MAX_REDIRECTS} addresses.")
    for uri in uris:
        if not redirects.is_allowed(redirects.parse(uri), hosts):
            raise InvalidRedirectUri(f"Programs may be sent back to {', '.join(hosts)} only.")
    return uris


def _grant_types(given: Mapping[str, Any]) -> Sequence[str]:
    asked = _texts(given, "grant_types", default=GRANT_TYPES)
    if CODE_GRANT not in asked:
        raise InvalidClientMetadata(f"grant_types must hold '{CODE_GRANT}'.")
    return [one for one in GRANT_TYPES if one in asked]


def _scopes(given: Mapping[str, Any]) -> Sequence[str] | None:
    asked = given.get("scope")
    if not (asked is None or isinstance(asked, str)):
        raise InvalidClientMetadata("scope must be a text.")
    found = [scope for scope in SCOPES if scope in (asked or "").split()]
    return found or None


def _text(given: Mapping[str, Any], name: str, max_characters: int) -> str | None:
    value = given.get(name)
    if value is None or value == "":
        return None
    # What people are shown must hold nothing that turns the direction of what follows, or hides it.
    if not isinstance(value, str) or len(value) > max_characters or not (value.isprintable() and is_visible(value)):
        raise InvalidClientMetadata(f"{name} must be a text of up to {max_characters} printable characters.")
    return value


def _texts(given: Mapping[str, Any], name: str, *, default: Sequence[str]) -> Sequence[str]:
    value = given.get(name, default)
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(one, str) for one in value):
        raise InvalidClientMetadata(f"{name} must be a list of texts.")
    return value
