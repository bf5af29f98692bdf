"""Signing in at an OpenID Connect provider: the protocol, by Authlib. Who gets in is decided in ``admission``.

The flow is that of https://openid.net/specs/openid-connect-core-1_0.html, section 3.1 (authorization code), with PKCE (RFC 7636).
Its secret stays in the browser's cookie: state, nonce and code verifier are made of it, so the server keeps nothing meanwhile.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from echoic.accounts.claims import Claims
from echoic.errors import EchoicError, OidcAnswerInvalid, OidcRefused, OidcUnavailable, SettingInvalid
from echoic.settings import Settings
from echoic.text.visible import is_visible

DISCOVERY_PATH = "/.well-known/openid-configuration"
"""Below the issuer (https://openid.net/specs/openid-connect-discovery-1_0.html, section 4)."""
SECRET_BYTES = 32
METADATA_SECONDS = 3600.0
"""The provider's own description and its keys are asked for again after so long; keys earlier, where one is not known."""
LEEWAY_SECONDS = 120
"""By which the clocks of provider and server may differ."""
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures that only the provider can make: no token without one, and none by a secret that both know."""
OWN_NAMES = ("localhost", "127.0.0.1", "::1")
PASSED_ON = (
    "access_denied",
    "login_required",
    "consent_required",
    "interaction_required",
    "account_selection_required",
)
"""Errors of the provider that are about the person (RFC 6749, section 4.1.2.1); all others are about the two servers."""

Json = dict[str, Any]


@dataclass(kw_only=True)
class _Kept:
    """The provider's description and keys, as they were when they were asked for."""

    metadata: Json
    keys: KeySet | None = None
    at: float = field(default_factory=time.monotonic)


class OidcProvider:
    """The one provider that an installation names."""

    def __init__(self, settings: Settings, transport: httpx2.AsyncBaseTransport) -> None:
        """Raise SettingInvalid where a setting is missing or cannot be meant."""
        self.issuer, self._client_id = _required(settings)
        self.name = settings.oidc_name
        secret = settings.oidc_client_secret
        self._client_secret = None if secret is None else secret.get_secret_value()
        self._scope = " ".join(settings.oidc_scopes)
        self._groups_claim = settings.oidc_groups_claim
        self._transport = transport
        self._kept: _Kept | None = None

    @staticmethod
    def new_secret() -> str:
        """Return the secret of one sign-in, for the cookie of the browser that begins it."""
        return secrets.token_urlsafe(SECRET_BYTES)

    async def sign_in_address(self, secret: str, *, redirect_uri: str) -> str:
        """Return where a browser goes to sign in. Raises OidcUnavailable."""
        metadata = await self._metadata()
        async with self._client(metadata, redirect_uri) as client:
            address, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=_derived(secret, "state"),
                nonce=_derived(secret, "nonce"),
                code_verifier=_derived(secret, "verifier"),
            )
        return str(address)

    async def claims(self, secret: str, answer: Mapping[str, str], *, redirect_uri: str) -> Claims:
        """Return who has signed in, by the parameters with which the provider sent the browser back.

        Raises:
            OidcRefused: the provider let nobody in, or the person broke off.
            OidcAnswerInvalid: the answer is not to this browser's question, or what the provider says cannot be trusted.
            OidcUnavailable: the provider cannot be reached.
        """
        # Nothing comes of it but words, so it need not be an answer to this browser.
        if answer.get("error") in PASSED_ON:
            raise OidcRefused
        if "error" in answer:
            raise _invalid(f"the provider says '{answer['error'][:80]}'")
        # Anybody can derive from no secret: a browser without the cookie would be signed in as somebody else.
        if not secret or not hmac.compare_digest(answer.get("state", "").encode(), _derived(secret, "state").encode()):
            raise OidcAnswerInvalid("The sign-in was begun elsewhere, or too long ago; begin again.")
        metadata = await self._metadata()
        if answer.get("iss", metadata["issuer"]) != metadata["issuer"]:  # RFC 9207
            raise OidcAnswerInvalid("The answer comes from another provider.")
        async with self._client(metadata, redirect_uri) as client:
            token: Json = await _asked(
                client.fetch_token,
                metadata["token_endpoint"],
                grant_type="authorization_code",
                code=answer.get("code", ""),
                code_verifier=_derived(secret, "verifier"),
            )
            told = await self._verified(token, metadata, nonce=_derived(secret, "nonce"))
            told = await self._completed(client, told, metadata)
        return self._read(told, metadata)

    async def sign_out_address(self, *, return_to: str) -> str | None:
        """Return the address where a browser signs out at the provider, which then sends it back; None where there is none.

        See https://openid.net/specs/openid-connect-rpinitiated-1_0.html. Raises OidcUnavailable.
        """
        place = (await self._metadata()).get("end_session_endpoint")
        if not isinstance(place, str):
            return None
        asked = urlencode({"client_id": self._client_id, "post_logout_redirect_uri": return_to})
        return f"{place}{'&' if '?' in place else '?'}{asked}"

    def _client(self, metadata: Json, redirect_uri: str) -> Any:
        return AsyncOAuth2Client(
            client_id=self._client_id,
            client_secret=self._client_secret,
            token_endpoint_auth_method=self._auth_method(metadata),
            scope=self._scope,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            transport=self._transport,
        )

    def _auth_method(self, metadata: Json) -> str:
        if self._client_secret is None:
            return "none"
        offered = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return "client_secret_post" if "client_secret_basic" not in offered else "client_secret_basic"

    async def _metadata(self) -> Json:
        if self._kept is None or time.monotonic() - self._kept.at > METADATA_SECONDS:
            found = await self._json(self.issuer.rstrip("/") + DISCOVERY_PATH)
            if str(found.get("issuer", "")).rstrip("/") != self.issuer.rstrip("/"):
                raise _unavailable(f"it calls itself {str(found.get('issuer'))[:200]!r} instead of {self.issuer!r}")
            for needed in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if not isinstance(found.get(needed), str):
                    raise _unavailable(f"its description lacks {needed}")
            self._kept = _Kept(metadata=found)
        return self._kept.metadata

    async def _keys(self, metadata: Json, *, again: bool = False) -> KeySet:
        kept = self._kept
        if kept is not None and kept.keys is not None and not again:
            return kept.keys
        found = await self._json(metadata["jwks_uri"])
        try:
            keys = KeySet.import_key_set(found)  # type: ignore[arg-type]  # it checks what it is given
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise _unavailable("its keys cannot be read") from error
        if kept is not None:
            kept.keys = keys
        return keys

    async def _verified(self, token: Json, metadata: Json, *, nonce: str) -> Json:
        """The claims of the ID token. Raises OidcAnswerInvalid where one is not as it must be (Core, section 3.1.3.7)."""
        text = token.get("id_token")
        if not isinstance(text, str):
            raise _invalid("there is no ID token")
        offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        registry = JWSRegistry(algorithms=[one for one in ALGORITHMS if one in offered], strict_check_header=False)
        try:
            try:
                found = jwt.decode(text, await self._keys(metadata), registry=registry)
            except InvalidKeyIdError:
                found = jwt.decode(text, await self._keys(metadata, again=True), registry=registry)
            claims = CodeIDToken(
                found.claims,
                found.header,
                {
                    "iss": {"essential": True, "values": [metadata["issuer"]]},
                    "aud": {"essential": True, "value": self._client_id},
                },
                {"nonce": nonce, "client_id": self._client_id, "access_token": token.get("access_token")},
            )
            claims.validate(leeway=LEEWAY_SECONDS)
        except (JoseError, ValueError) as error:
            raise _invalid(f"its ID token is not valid ({type(error).__name__})") from error
        return dict(found.claims)

    async def _completed(self, client: Any, told: Json, metadata: Json) -> Json:
        """Return the claims with those that the provider gives only where it is asked (Core, section 5.3)."""
        place = metadata.get("userinfo_endpoint")
        if not isinstance(place, str) or {"email", "name", self._groups_claim} <= told.keys():
            return told
        answer = await _asked(client.get, place)
        more = _parsed(answer)
        if more.get("sub") != told["sub"]:
            raise _invalid("its two accounts of the person differ")
        return more | told

    def _read(self, told: Json, metadata: Json) -> Claims:
        subject, email = told["sub"], told.get("email")
        if not isinstance(subject, str) or not subject:
            raise _invalid("it does not say who signed in")
        verified = told.get("email_verified")
        is_verified = isinstance(email, str) and (verified is True or verified == "true")
        names = (told.get("name"), told.get("preferred_username"), email, subject)
        return Claims(
            issuer=metadata["issuer"],
            subject=subject,
            name=next((name.strip() for name in names if isinstance(name, str) and is_visible(name)), subject),
            email=email if is_verified else None,
            groups=_groups(told.get(self._groups_claim)),
        )

    async def _json(self, url: str) -> Json:
        async with httpx2.AsyncClient(transport=self._transport) as client:
            return _parsed(await _asked(client.get, url))


def _required(settings: Settings) -> tuple[str, str]:
    issuer, client_id = settings.oidc_issuer, settings.oidc_client_id
    if issuer is None or client_id is None:
        raise SettingInvalid("ECHOIC_OIDC_ISSUER and ECHOIC_OIDC_CLIENT_ID go together: set both or none.")
    parts = urlsplit(issuer)
    if parts.scheme != "https" and parts.hostname not in OWN_NAMES:
        raise SettingInvalid("ECHOIC_OIDC_ISSUER must begin with https://; http:// is for this machine itself.")
    if "openid" not in settings.oidc_scopes:
        raise SettingInvalid("ECHOIC_OIDC_SCOPES must contain 'openid'.")
    return issuer, client_id


async def _asked(ask: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Return what the provider answers. Raises OidcUnavailable, and OidcAnswerInvalid where it refuses."""
    try:
        return await ask(*arguments, **named)
    except AuthlibBaseError as error:
        raise _invalid(f"the provider says '{str(error)[:200]}'") from error
    except (httpx2.HTTPError, EchoicError, ValueError) as error:
        raise OidcUnavailable from error


def _parsed(answer: httpx2.Response) -> Json:
    try:
        found = answer.json() if answer.is_success else None
    except ValueError as error:
        raise _unavailable("its answer is not JSON") from error
    if not isinstance(found, dict):
        raise _unavailable(
            f"{answer.request.url.path} answers with status {answer.status_code}, or with no JSON object"
        )
    return found


def _groups(told: object) -> frozenset[str]:
    found: Collection[object] = (told,) if isinstance(told, str) else told if isinstance(told, list) else ()
    return frozenset(one for one in found if isinstance(one, str))


def _derived(secret: str, purpose: str) -> str:
    """43 characters that only those who have the secret can make, and that tell nothing of it."""
    digest = hmac.digest(secret.encode(), purpose.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")


def _invalid(reason: str) -> OidcAnswerInvalid:
    return OidcAnswerInvalid(f"The answer of the provider cannot be used: {reason}.")


def _unavailable(reason: str) -> OidcUnavailable:
    return OidcUnavailable(f"The provider that people sign in with cannot be used: {reason}.")
