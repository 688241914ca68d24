"""HttpError: why a request got no usable answer, as a value. Advice is added by whoever knows the user's options."""

from __future__ import annotations

from enum import StrEnum

from python_docker.errors import Error


class Cause(StrEnum):
    """What a request failed of."""

    ADDRESS = "address"
    """The URL, or the address that something redirects to, cannot be used."""
    NAME = "name"
    """The host name does not resolve."""
    REFUSED = "refused"
    """Nothing listens on that port."""
    UNREACHABLE = "unreachable"
    """No connection for another reason; the detail says which."""
    TIMEOUT = "timeout"
    PROXY = "proxy"
    """No connection to the proxy, or the proxy refuses."""
    CERTIFICATE = "certificate"
    """The server's certificate cannot be trusted."""
    CERTIFICATE_FILE = "certificate-file"
    """The certificates to trust cannot be read from where the user keeps them."""
    NO_TLS = "no-tls"
    """The server did not answer with TLS."""
    TLS = "tls"
    """TLS failed in another way."""
    CUT = "cut"
    """The connection broke."""
    TRUNCATED = "truncated"
    """The answer ended before its end."""
    SLOW = "slow"
    """The answer came, but so slowly that it would never end."""
    MALFORMED = "malformed"
    """The answer is not HTTP, or its headers contradict HTTP."""
    TOO_LONG = "too-long"
    """The answer is longer than anything that was asked for can be."""
    WRONG_LENGTH = "wrong-length"
    """The answer announces another length than the content has."""
    REDIRECT = "redirect"
    """Too many redirects."""
    UNENCRYPTED = "unencrypted"
    """A redirect, or another pointer, that leaves TLS."""


_MEANINGS = {
    Cause.ADDRESS: "{host!r} is not a valid HTTP address",
    Cause.NAME: "cannot connect to {host}: the host name cannot be resolved",
    Cause.REFUSED: "cannot connect to {host}: connection refused",
    Cause.UNREACHABLE: "cannot connect to {host}: {detail}",
    Cause.TIMEOUT: "{host} did not answer in time",
    Cause.PROXY: "cannot connect to {host} through the proxy that the environment variables name: {detail}",
    Cause.CERTIFICATE: "the certificate of {host} cannot be trusted: {detail}",
    Cause.CERTIFICATE_FILE: "cannot read the certificates to trust: {detail}",
    Cause.NO_TLS: "{host} did not answer with TLS",
    Cause.TLS: "the TLS connection to {host} failed: {detail}",
    Cause.CUT: "the connection to {host} broke: {detail}",
    Cause.TRUNCATED: "the connection to {host} broke: the answer ended too early",
    Cause.SLOW: "{host} answers too slowly",
    Cause.MALFORMED: "the answer of {host} is not valid HTTP: {detail}",
    Cause.TOO_LONG: "the answer of {host} is too long: {detail}",
    Cause.WRONG_LENGTH: "the answer of {host} has the wrong length: {detail}",
    Cause.REDIRECT: "{host} redirects without end",
    Cause.UNENCRYPTED: "{host} points to {detail}, which is not encrypted",
}


class HttpError(Error):
    """A request without a usable answer.

    `cause` says why, `host` whom it was sent to (with its port), `detail` more where there is more; none of them holds
    a secret. `transient` says that another try may well help.

    >>> str(HttpError(Cause.REFUSED, "example.org:81"))
    'cannot connect to example.org:81: connection refused'
    """

    def __init__(self, cause: Cause, host: str, detail: str = "", *, transient: bool = False) -> None:
        super().__init__(_MEANINGS[cause].format(host=host, detail=detail))
        self.cause = cause
        self.host = host
        self.detail = detail
        self.transient = transient
