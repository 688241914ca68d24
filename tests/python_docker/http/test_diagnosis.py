"""What failures are called, whatever library they come from."""

from __future__ import annotations

import http.client
import socket
import ssl
from typing import cast

import pytest
from urllib3 import exceptions
from urllib3.connection import HTTPConnection

from python_docker.http.diagnosis import http_error
from python_docker.http.failure import Cause, HttpError
from python_docker.http.heads import BadLength, HeadTooLong, HeadTooSlow

URL = "https://me:s3cret@example.org:5000/v2/?token=s3cret"
CONNECTION = cast("HTTPConnection", None)


def beneath(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "cause", "transient"),
    [
        (exceptions.NameResolutionError("h", CONNECTION, socket.gaierror(-2, "unknown")), Cause.NAME, True),
        (
            beneath(exceptions.NewConnectionError(CONNECTION, "x"), ConnectionRefusedError(111, "refused")),
            Cause.REFUSED,
            True,
        ),
        (
            beneath(exceptions.NewConnectionError(CONNECTION, "x"), OSError(101, "Network is unreachable")),
            Cause.UNREACHABLE,
            True,
        ),
        (exceptions.ConnectTimeoutError("x"), Cause.TIMEOUT, True),
        (TimeoutError("timed out"), Cause.TIMEOUT, True),
        (beneath(exceptions.ProtocolError("x"), HeadTooSlow()), Cause.SLOW, True),
        (exceptions.ProtocolError("x", HeadTooLong("x")), Cause.MALFORMED, False),
        (exceptions.ProtocolError("x", BadLength("x")), Cause.MALFORMED, False),
        (exceptions.ProtocolError("x", http.client.HTTPException("got more than 100 headers")), Cause.MALFORMED, False),
        (exceptions.ProtocolError("x", http.client.LineTooLong("header line")), Cause.MALFORMED, False),
        (exceptions.ProtocolError("x", ConnectionResetError(104, "Connection reset by peer")), Cause.CUT, True),
        (exceptions.ProtocolError("x", http.client.RemoteDisconnected("closed")), Cause.CUT, True),
        (exceptions.ProtocolError("x", http.client.BadStatusLine("SSH-2.0")), Cause.CUT, True),
        (exceptions.ProtocolError("x", http.client.IncompleteRead(b"")), Cause.TRUNCATED, True),
        (exceptions.IncompleteRead(1, 2), Cause.TRUNCATED, True),
        (exceptions.InvalidHeader("x"), Cause.MALFORMED, False),
        (ValueError("x"), Cause.MALFORMED, False),
        (exceptions.LocationParseError("x"), Cause.ADDRESS, False),
        (exceptions.ProxyError("x", OSError(111, "Connection refused")), Cause.PROXY, False),
        (exceptions.SSLError(ssl.SSLCertVerificationError()), Cause.CERTIFICATE, False),
        (exceptions.SSLError(ssl.SSLError(1, "eof")), Cause.TLS, True),
    ],
)
def test_causes(error: Exception, cause: Cause, transient: bool) -> None:
    if isinstance(error, exceptions.SSLError) and cause is Cause.CERTIFICATE:
        error.args[0].verify_message = "self-signed certificate"
    found = http_error(error, URL)
    assert (found.cause, found.transient, found.host) == (cause, transient, "example.org:5000")
    assert "s3cret" not in str(found)
    assert "example.org:5000" in str(found)


@pytest.mark.parametrize("error", [exceptions.ConnectTimeoutError("x"), TimeoutError()])
def test_silence_at_first_is_more_likely_a_mistake(error: Exception) -> None:
    assert not http_error(error, URL, reached=False).transient


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_a_text(cause: Cause) -> None:
    text = str(HttpError(cause, "example.org", "the detail"))
    assert "{" not in text
    assert cause is Cause.CERTIFICATE_FILE or "example.org" in text
