"""What failures are called, whatever they come from."""

from __future__ import annotations

import http.client
import socket
import ssl

import pytest

from python_docker.http.connections.diagnosis import BadAddress, BadProxy, NotConnected, http_error
from python_docker.http.connections.heads import BadLength, HeadTooLong, HeadTooSlow, OnlyHttp2
from python_docker.http.failure import Cause, HttpError

URL = "https://me:s3cret@example.org:5000/v2/?token=s3cret"


def beneath(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError()
    error.verify_message = "self-signed certificate"
    return error


def refused_by_tls(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "refused")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "cause", "transient"),
    [
        (beneath(NotConnected(), socket.gaierror(-2, "unknown")), Cause.NAME, True),
        (beneath(NotConnected(), ConnectionRefusedError(111, "refused")), Cause.REFUSED, True),
        (beneath(NotConnected(), OSError(101, "Network is unreachable")), Cause.UNREACHABLE, True),
        (beneath(NotConnected(), TimeoutError("timed out")), Cause.TIMEOUT, True),
        (TimeoutError("timed out"), Cause.TIMEOUT, True),
        (HeadTooSlow(), Cause.SLOW, True),
        (HeadTooLong("x"), Cause.MALFORMED, False),
        (BadLength("x"), Cause.MALFORMED, False),
        (OnlyHttp2("x"), Cause.MALFORMED, False),
        (http.client.HTTPException("got more than 100 headers"), Cause.MALFORMED, False),
        (http.client.LineTooLong("header line"), Cause.MALFORMED, False),
        (ConnectionResetError(104, "Connection reset by peer"), Cause.CUT, True),
        (http.client.RemoteDisconnected("closed"), Cause.CUT, True),
        (http.client.BadStatusLine("SSH-2.0"), Cause.CUT, True),
        (http.client.IncompleteRead(b""), Cause.TRUNCATED, True),
        (ValueError("x"), Cause.MALFORMED, False),
        (BadAddress(), Cause.ADDRESS, False),
        (http.client.InvalidURL("x"), Cause.ADDRESS, False),
        (beneath(BadProxy(), OSError(111, "Connection refused")), Cause.PROXY, False),
        (untrusted(), Cause.CERTIFICATE, False),
        (ssl.SSLError(1, "eof"), Cause.TLS, True),
        (refused_by_tls("TLSV1_ALERT_NO_APPLICATION_PROTOCOL"), Cause.TLS, False),
    ],
)
def test_causes(error: Exception, cause: Cause, transient: bool) -> None:
    found = http_error(error, URL)
    assert (found.cause, found.transient, found.host) == (cause, transient, "example.org:5000")
    assert "s3cret" not in str(found)
    assert "example.org:5000" in str(found)


@pytest.mark.parametrize("error", [beneath(NotConnected(), TimeoutError()), TimeoutError()])
def test_silence_at_first_is_more_likely_a_mistake(error: Exception) -> None:
    assert not http_error(error, URL, reached=False).transient


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_a_text(cause: Cause) -> None:
    text = str(HttpError(cause, "example.org", "the detail"))
    assert "{" not in text
    assert cause is Cause.CERTIFICATE_FILE or "example.org" in text
