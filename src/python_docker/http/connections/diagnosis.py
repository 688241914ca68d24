"""Diagnosis: which failure lies beneath what `http.client` or the system raised."""

from __future__ import annotations

import socket
import ssl
from http.client import (
    BadStatusLine,
    HTTPException,
    IncompleteRead,
    InvalidURL,
    LineTooLong,
    RemoteDisconnected,
    UnknownProtocol,
)

from python_docker.http.connections.heads import BadLength, HeadTooLong, HeadTooSlow, OnlyHttp2
from python_docker.http.failure import Cause, HttpError
from python_docker.http.url import host_of


class NotConnected(OSError):
    """There is no connection to a server; its `__cause__` says why."""


class BadProxy(OSError):
    """The proxy cannot be reached, or refuses; its `__cause__` says why."""


class BadAddress(ValueError):
    """A URL that cannot be requested."""


def http_error(error: Exception, url: str, *, reached: bool = True) -> HttpError:
    """Return the error for what was raised by a request for `url`.

    `reached` says whether its host answered before: one that never did is more likely to be a mistake than busy.
    """
    host = host_of(url)
    if isinstance(error, BadProxy):
        return HttpError(Cause.PROXY, host, _reason(error))
    if isinstance(error, ssl.SSLError):
        return _tls_error(error, host)
    if isinstance(error, BadAddress | InvalidURL | UnicodeError):
        return HttpError(Cause.ADDRESS, host)
    if type(error) is ValueError:
        return HttpError(Cause.MALFORMED, host, "a header has an impossible value")
    beneath = causes(error)
    if any(isinstance(one, socket.gaierror) for one in beneath):
        return HttpError(Cause.NAME, host, transient=reached)
    if isinstance(error, NotConnected) and not any(isinstance(one, TimeoutError) for one in beneath):
        if any(isinstance(one, ConnectionRefusedError) for one in beneath):
            return HttpError(Cause.REFUSED, host, transient=reached)
        return HttpError(Cause.UNREACHABLE, host, _reason(error), transient=reached)
    if any(isinstance(one, HeadTooSlow) for one in beneath):
        return HttpError(Cause.SLOW, host, transient=True)
    if any(isinstance(one, TimeoutError) for one in beneath):
        return HttpError(Cause.TIMEOUT, host, transient=reached)
    if any(isinstance(one, IncompleteRead) for one in beneath):
        return HttpError(Cause.TRUNCATED, host, transient=True)
    if newer := next((one for one in beneath if isinstance(one, OnlyHttp2)), None):
        return HttpError(Cause.MALFORMED, host, str(newer))
    if any(isinstance(one, BadLength) for one in beneath):
        return HttpError(Cause.MALFORMED, host, "its Content-Length is not a number of bytes")
    # http.client raises its plain base class for more than a hundred headers.
    if any(isinstance(one, LineTooLong | HeadTooLong) or type(one) is HTTPException for one in beneath):
        return HttpError(Cause.MALFORMED, host, "its head is too long")
    return HttpError(Cause.CUT, host, _reason(error), transient=True)


def _tls_error(error: Exception, host: str) -> HttpError:
    cause = list(causes(error))[-1]
    if isinstance(cause, ssl.SSLCertVerificationError):
        return HttpError(Cause.CERTIFICATE, host, cause.verify_message)
    reason = getattr(cause, "reason", None) or ""
    if reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"}:
        return HttpError(Cause.NO_TLS, host)
    if reason.endswith("NO_APPLICATION_PROTOCOL"):
        return HttpError(Cause.TLS, host, "it wants another protocol than HTTP/1.1, such as HTTP/2")
    return HttpError(Cause.TLS, host, reason or type(cause).__name__, transient=True)


def causes(error: BaseException) -> list[BaseException]:
    """Return an error and what lies beneath it, outermost first."""
    found: list[BaseException] = []
    seen: BaseException | None = error
    while seen is not None and len(found) < 20:
        found.append(seen)
        nested = next((argument for argument in seen.args if isinstance(argument, BaseException)), None)
        seen = nested or seen.__cause__
    return found


def _reason(error: BaseException) -> str:
    """Return a few words that hold neither addresses nor objects."""
    beneath = causes(error)
    for cause in beneath:
        if isinstance(cause, TimeoutError):
            return "no answer in time"
        if isinstance(cause, RemoteDisconnected):
            return "it was closed without an answer"
        if isinstance(cause, BadStatusLine | UnknownProtocol):
            return "the answer is not HTTP"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror[:120].lower()
    return type(beneath[-1]).__name__
