"""Reasons why a server was not reached, in words for people: the libraries' texts name error numbers and classes."""

import os
import socket
import ssl
from collections.abc import Iterator

import httpx

_BY_KIND: tuple[tuple[type[httpx.RequestError], str], ...] = (
    (httpx.ConnectTimeout, "no connection came about in time"),
    (httpx.PoolTimeout, "no connection came about in time"),
    (httpx.ReadTimeout, "it did not answer in time"),
    (httpx.WriteTimeout, "it stopped taking what was sent"),
    (httpx.ProxyError, "the proxy on the way refused the connection"),
    (httpx.UnsupportedProtocol, "an address must begin with http:// or https://"),
    (httpx.TooManyRedirects, "it redirects without end"),
    (httpx.DecodingError, "its answer cannot be read"),
)
"""The first that fits counts, where no cause below says more."""
_DISCONNECTED = "disconnected"


def reason(error: httpx.RequestError) -> str:
    """Return the cause of the failure in words, without a full stop."""
    for cause in _causes(error):
        match cause:
            case ssl.SSLCertVerificationError():
                return f"its certificate is not trusted ({str(cause.verify_message).rstrip('.')})"
            case ssl.SSLError():
                return "what listens there does not speak TLS; http:// may be meant in place of https://"
            case socket.gaierror(errno=socket.EAI_AGAIN):
                return "its name cannot be looked up at the moment"
            case socket.gaierror():
                return "there is no machine of that name"
            case OSError(errno=int(number)):
                return os.strerror(number).lower()
            case _:
                continue
    for kind, words in _BY_KIND:
        if isinstance(error, kind):
            return words
    if isinstance(error, httpx.RemoteProtocolError) and _DISCONNECTED not in str(error):
        return "what listens there does not speak HTTP as expected"
    return "the connection broke off"


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause = error.__cause__ or error.__context__
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
