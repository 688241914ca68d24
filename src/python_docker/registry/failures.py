"""Failures of HTTP as errors of a registry, with advice in the terms of this project's own options."""

from __future__ import annotations

from python_docker.errors import ConnectionFailed, RegistryError
from python_docker.http.failure import Cause, HttpError

_ADVICE = {
    Cause.CERTIFICATE: (
        "name the certificates to trust with --cacert (RegistryOptions.ca_bundle), keep them in "
        "/etc/docker/certs.d/{host}/ca.crt, or use --insecure to accept any certificate"
    ),
    Cause.NO_TLS: "if it is meant to speak plain HTTP, write http:// before it, or use --insecure",
    Cause.NAME: "check the spelling and the network",
    Cause.UNENCRYPTED: "use --insecure (RegistryOptions.insecure) if this is wanted",
}
_ANSWERED = frozenset(
    {Cause.MALFORMED, Cause.TOO_LONG, Cause.WRONG_LENGTH, Cause.REDIRECT, Cause.UNENCRYPTED, Cause.ADDRESS}
)
"""Causes with which the server was reached, and what it said is of no use."""


def registry_error(error: HttpError, action: str = "") -> RegistryError:
    """Return the error to raise for a failure of HTTP; `action` says what was to be done, such as `log in`.

    >>> registry_error(HttpError(Cause.NO_TLS, "localhost:5000"))  # doctest: +ELLIPSIS
    ConnectionFailed('localhost:5000 did not answer with TLS; if it is meant to speak plain HTTP, ...')
    """
    message = f"cannot {action}: {error}" if action else str(error)
    if error.cause in _ADVICE:
        message += "; " + _ADVICE[error.cause].format(host=error.host)
    if error.cause in _ANSWERED:
        return RegistryError(message)
    return ConnectionFailed(message, cause=error.cause)
