"""An OpenID Connect provider within the test, which may also lie."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from echoic.settings import Settings

ISSUER = "https://id.example"
CLIENT = {"oidc_issuer": ISSUER, "oidc_client_id": "echoic", "oidc_client_secret": "a secret of both"}
BITS = 2048


class Provider:
    """Answers as a provider does; ``lies`` change the ID token, ``metadata`` its description of itself."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(BITS, parameters={"kid": "first"})
        self.published = [self.key]
        self.lies: dict[str, Any] = {}
        self.forged_algorithm: str | None = None
        """Sign with the secret of both instead of the key, or not at all."""
        self.userinfo: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "end_session_endpoint": f"{ISSUER}/leave",
        }
        self.asked: list[str] = []
        self.transport = httpx2.MockTransport(self._answer)
        self._grants: dict[str, tuple[dict[str, str], dict[str, Any]]] = {}

    def let_in(self, address: str, **claims: Any) -> dict[str, str]:
        """Let somebody in who was sent to this address; returns the parameters of the way back."""
        wanted = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert (wanted["response_type"], wanted["client_id"]) == ("code", "echoic")
        assert wanted["code_challenge_method"] == "S256"
        code = f"code-{len(self._grants)}"
        self._grants[code] = (wanted, claims)
        return {"code": code, "state": wanted["state"], "iss": ISSUER}

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            return httpx2.Response(200, json=self.metadata)
        if path == "/keys":
            return httpx2.Response(200, json=KeySet([*self.published]).as_dict(private=False))
        if path == "/userinfo":
            return httpx2.Response(200, json=self.userinfo)
        return self._token(request)

    def _token(self, request: httpx2.Request) -> httpx2.Response:
        given = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        wanted, claims = self._grants.pop(given["code"], ({}, {}))
        challenge = encoded(hashlib.sha256(given["code_verifier"].encode()).digest())
        if (
            challenge != wanted.get("code_challenge")
            or given["redirect_uri"] != wanted["redirect_uri"]
            or request.headers["authorization"]
            not in (basic_of("echoic:a+secret+of+both"), basic_of("echoic:a secret of both"))
        ):
            return httpx2.Response(400, json={"error": "invalid_grant"})
        now = int(time.time())
        told = {"iss": ISSUER, "aud": "echoic", "sub": "1", "iat": now, "exp": now + 60, "nonce": wanted["nonce"]}
        told |= claims | self.lies
        told = {name: value for name, value in told.items() if value is not None}
        if self.forged_algorithm is None:
            token = jwt.encode({"alg": "RS256", "kid": self.key.kid}, told, self.key)
        else:
            token = forged(self.forged_algorithm, told)
        return httpx2.Response(200, json={"access_token": "at", "token_type": "Bearer", "id_token": token})


def forged(algorithm: str, claims: dict[str, Any]) -> str:
    """A token without a signature, or signed with the secret that provider and server share."""
    text = ".".join(encoded(json.dumps(part).encode()) for part in ({"alg": algorithm, "kid": "first"}, claims))
    signature = hmac.digest(CLIENT["oidc_client_secret"].encode(), text.encode(), "sha256")
    return f"{text}.{encoded(signature) if algorithm == 'HS256' else ''}"


def encoded(data: bytes) -> str:
    """Base64 as in tokens (RFC 7515)."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def basic_of(credentials: str) -> str:
    """The header that says them."""
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


def provided(**settings: Any) -> Settings:
    """Settings with the provider."""
    return Settings(_env_file=None, **(CLIENT | settings))
