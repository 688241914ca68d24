"""What went wrong with a connection, in words for the person who waits for it."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

from urllib3 import exceptions

from python_docker.errors import ConnectionFailed


class TransientFailure(ConnectionFailed):
    """A broken connection, or none, where another try may well help."""


class NoTls(ConnectionFailed):
    """An answer to TLS that is none in TLS."""


def connection_failure(error: Exception, url: str, *, reached: bool = True) -> ConnectionFailed:
    """The error to raise for what urllib3 or the system said about a request for `url`.

    `reached` tells whether its host answered before: one that never did is more likely to be a mistake than busy.
    The message holds no more of the URL than its host.
    """
    try:
        host = urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        host = "the registry"
    if isinstance(error, exceptions.ProxyError):
        return ConnectionFailed(
            f"cannot connect to {host} through the proxy that the environment variables name: "
            f"{_reason(error.original_error)}"
        )
    if isinstance(error, exceptions.SSLError | ssl.SSLError):
        return _tls_failure(error, host)
    if isinstance(error, exceptions.NameResolutionError):
        kind = TransientFailure if reached else ConnectionFailed
        return kind(f"cannot connect to {host}: there is no host of that name, or no network")
    if isinstance(error, exceptions.NewConnectionError | exceptions.ConnectTimeoutError):
        kind = TransientFailure if reached else ConnectionFailed
        return kind(f"cannot connect to {host}: {_reason(error)}")
    if isinstance(error, exceptions.LocationValueError | UnicodeError) or type(error) is ValueError:
        return ConnectionFailed(f"cannot connect to {host!r}: this is no address")
    return TransientFailure(f"the connection to {host} broke: {_reason(error)}")


def _tls_failure(error: Exception, host: str) -> ConnectionFailed:
    cause: BaseException = error
    while cause.args and isinstance(cause.args[0], Exception):
        cause = cause.args[0]
    if isinstance(cause, ssl.SSLCertVerificationError):
        return ConnectionFailed(
            f"the certificate of {host} cannot be trusted: {cause.verify_message}; name the certificates to trust with "
            "--cacert (RegistryOptions.ca_bundle), or use --insecure to take any"
        )
    reason = getattr(cause, "reason", None) or ""
    if reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"}:
        return NoTls(
            f"{host} does not speak TLS; if it is meant to speak plain HTTP, write http:// before it, or use --insecure"
        )
    return TransientFailure(f"the encrypted connection to {host} broke: {reason or type(cause).__name__}")


def _reason(error: BaseException) -> str:
    """A few words that hold neither addresses nor objects."""
    seen: BaseException | None = error
    while seen is not None:
        # NewConnectionError is a ConnectTimeoutError, whatever its cause.
        timeouts = exceptions.ConnectTimeoutError | exceptions.ReadTimeoutError | socket.timeout
        if isinstance(seen, timeouts) and not isinstance(seen, exceptions.NewConnectionError):
            return "no answer in time"
        if isinstance(seen, ConnectionRefusedError):
            return "nothing listens there"
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror[:120]
        nested = next((argument for argument in seen.args if isinstance(argument, BaseException)), None)
        seen = nested or seen.__cause__
    names = {"IncompleteRead": "it ended too early", "RemoteDisconnected": "it was closed without an answer"}
    innermost = error
    while (nested := next((part for part in innermost.args if isinstance(part, BaseException)), None)) is not None:
        innermost = nested
    return names.get(type(innermost).__name__, type(innermost).__name__)
