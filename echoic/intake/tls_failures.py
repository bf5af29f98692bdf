"""Why no secure connection to a host came about, in words and in one word for programs. Pure.

Numbers are those of OpenSSL's verification (https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/), names those
that Python gives the errors of its library.
"""

import ssl
from collections.abc import Mapping
from typing import Literal

from echoic.errors import UrlTlsFailed

Reason = Literal[
    "expired",
    "not_yet_valid",
    "self_signed",
    "untrusted",
    "other_name",
    "revoked",
    "too_weak",
    "invalid_certificate",
    "no_tls",
    "no_common_protocol",
    "client_certificate_wanted",
    "handshake_failed",
]

MESSAGES: Mapping[Reason, str] = {
    "expired": "The certificate of the audio URL's host has expired.",
    "not_yet_valid": "The certificate of the audio URL's host is not valid yet.",
    "self_signed": "The certificate of the audio URL's host is signed by itself, by no authority that this server trusts.",
    "untrusted": "The certificate of the audio URL's host comes from no authority that this server trusts, or its chain has "
    "a gap.",
    "other_name": "The certificate of the audio URL's host is for another name.",
    "revoked": "The certificate of the audio URL's host was revoked.",
    "too_weak": "The certificate of the audio URL's host has too weak a key or signature.",
    "invalid_certificate": "The certificate of the audio URL's host is not valid.",
    "no_tls": "The host of the audio URL does not speak TLS at this port.",
    "no_common_protocol": "The host of the audio URL offers no version and cipher of TLS that this server takes.",
    "client_certificate_wanted": "The host of the audio URL wants a certificate of its clients, and this server has none.",
    "handshake_failed": "The host of the audio URL broke off when TLS began.",
}

_BY_VERIFICATION: Mapping[int, Reason] = {
    2: "untrusted",
    9: "not_yet_valid",
    10: "expired",
    18: "self_signed",
    19: "untrusted",
    20: "untrusted",
    21: "untrusted",
    23: "revoked",
    62: "other_name",
    64: "other_name",
    66: "too_weak",
    67: "too_weak",
    68: "too_weak",
}
_BY_NAME: tuple[tuple[str, Reason], ...] = (
    ("UNRECOGNIZED_NAME", "other_name"),
    ("CERTIFICATE_REQUIRED", "client_certificate_wanted"),
    ("ALERT_BAD_CERTIFICATE", "client_certificate_wanted"),
    ("WRONG_VERSION_NUMBER", "no_tls"),
    ("HTTP_REQUEST", "no_tls"),
    ("PACKET_LENGTH_TOO_LONG", "no_tls"),
    ("RECORD_LAYER_FAILURE", "no_tls"),
    ("PROTOCOL", "no_common_protocol"),
    ("SSL_VERSION", "no_common_protocol"),
    ("HANDSHAKE_FAILURE", "no_common_protocol"),
    ("NO_SHARED_CIPHER", "no_common_protocol"),
    ("INSUFFICIENT_SECURITY", "no_common_protocol"),
    ("KEY_TOO_SMALL", "no_common_protocol"),
    ("LEGACY_RENEGOTIATION", "no_common_protocol"),
)
"""Parts of names, the first that fits counts."""


def tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """The error of the TLS library behind another; None where there is none."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return error
        error = error.__cause__ or error.__context__
    return None


def tls_failure(error: ssl.SSLError) -> UrlTlsFailed:
    """The failure as it is told; ``details`` has its ``reason`` for programs."""
    reason = _reason(error)
    failure = UrlTlsFailed(MESSAGES[reason])
    failure.details = {"reason": reason}
    return failure


def _reason(error: ssl.SSLError) -> Reason:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _BY_VERIFICATION.get(error.verify_code, "invalid_certificate")
    name = error.reason or ""
    return next((reason for part, reason in _BY_NAME if part in name), "handshake_failed")
