"""Proxies: what goes through one, and what failures of urllib3 are called."""

from __future__ import annotations

import base64
import http.client
import logging
import socket
import ssl
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import cast

import pytest
import urllib3
from urllib3 import exceptions
from urllib3.connection import HTTPConnection

from python_docker.http.client import HttpClient
from python_docker.http.connections.diagnosis import http_error
from python_docker.http.connections.heads import BadLength, HeadTooLong, HeadTooSlow
from python_docker.http.connections.proxied import plain_error
from python_docker.http.failure import Cause, HttpError
from python_docker.registry.access.options import RegistryOptions
from tests.python_docker.registry.stub_server import Answer, Asked, StubServer

URL = "https://me:s3cret@example.org:5000/v2/?token=s3cret"
CONNECTION = cast("HTTPConnection", None)
Started = Callable[[StubServer], StubServer]


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
        (exceptions.LocationParseError("x"), Cause.ADDRESS, False),
        (exceptions.ProxyError("x", OSError(111, "Connection refused")), Cause.PROXY, False),
        (exceptions.SSLError(ssl.SSLCertVerificationError()), Cause.CERTIFICATE, False),
        (exceptions.SSLError(ssl.SSLError(1, "eof")), Cause.TLS, True),
    ],
)
def test_causes(error: Exception, cause: Cause, transient: bool) -> None:
    if isinstance(error, exceptions.SSLError) and cause is Cause.CERTIFICATE:
        error.args[0].verify_message = "self-signed certificate"
    found = http_error(plain_error(error), URL)
    assert (found.cause, found.transient, found.host) == (cause, transient, "example.org:5000")
    assert "s3cret" not in str(found)


def through(proxy: str, options: RegistryOptions) -> HttpClient:
    return HttpClient(options.with_fields(environ={"http_proxy": proxy, "https_proxy": proxy}))


def test_pieces_of_an_answer(started: Started, options: RegistryOptions) -> None:
    proxy = started(StubServer(lambda asked: Answer(200, b"0123456789", headers=[("Warning", "a"), ("Warning", "b")])))
    with through(proxy.url, options).send("GET", "http://example.org/x") as response:
        assert (response.read1(4), response.read1(100), response.read1()) == (b"0123", b"456789", b"")
        assert response.header_values("warning") == ["a", "b"]
        assert response.headers["warning"] == "a, b"


def test_an_answer_that_is_cut_short(started: Started, options: RegistryOptions) -> None:
    proxy = started(StubServer(lambda asked: Answer(200, b"012", announced=10)))
    with (
        through(proxy.url, options).send("GET", "http://example.org/x") as response,
        pytest.raises(HttpError) as caught,
    ):
        response.content(100)
    assert caught.value.cause is Cause.TRUNCATED


def test_why_a_proxy_cannot_be_reached(options: RegistryOptions) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"http://me:s3cret@127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(HttpError, match=r"through the proxy .*: connection refused") as caught:
        through(address, options).send("GET", "http://example.org/x")
    assert caught.value.cause is Cause.PROXY
    assert "s3cret" not in str(caught.value)


@pytest.mark.skipif(find_spec("socks") is not None, reason="PySocks is installed")
def test_a_proxy_by_socks_without_its_package(
    options: RegistryOptions, recwarn: pytest.WarningsRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "urllib3.contrib.socks", raising=False)
    with pytest.raises(HttpError, match="SOCKS proxies need the package PySocks"):
        through("socks5://127.0.0.1:1", options).send("GET", "http://example.org/x")
    assert not list(recwarn)


def test_connections_are_used_again(started: Started, options: RegistryOptions) -> None:
    proxy = started(StubServer(lambda asked: Answer(200, b"yes")))
    client = through(proxy.url, options)
    for _ in range(3):
        client.send("GET", "http://example.org/x").discard()
    assert len(proxy._connections) == 1


@pytest.mark.parametrize(
    ("login", "sent"),
    [
        ("me:p%40ss%3Aw%2Frd", "me:p@ss:w/rd"),
        ("corp%5Cme:a:b", "corp\\me:a:b"),
        ("%C3%BC:é", "ü:é"),
        ("token", "token:"),
    ],
)
def test_a_login_is_decoded_as_in_any_url(started: Started, options: RegistryOptions, login: str, sent: str) -> None:
    proxy = started(StubServer(lambda asked: Answer(200, b"yes")))
    through(proxy.url.replace("://", f"://{login}@"), options).send("GET", "http://example.org/x").discard()
    scheme, _, value = proxy.requests[0].headers["proxy-authorization"].partition(" ")
    assert (scheme, base64.b64decode(value).decode()) == ("Basic", sent)


@pytest.mark.parametrize("proxy", ["http://[", "ftp://example.org", "http://proxy:99999"])
def test_an_address_that_is_not_one(options: RegistryOptions, proxy: str) -> None:
    with pytest.raises(HttpError):
        through(proxy, options).send("GET", "http://example.org/")


class TestLogs:
    def test_queries_stay_out(
        self, started: Started, options: RegistryOptions, caplog: pytest.LogCaptureFixture
    ) -> None:
        proxy = started(StubServer(lambda asked: Answer(200, b"by proxy")))
        with caplog.at_level(logging.DEBUG):
            through(proxy.url, options).send("GET", "http://example.org/x?t0ken").discard()
        assert "/x" in caplog.text
        assert "t0ken" not in caplog.text

    def test_others_keep_theirs(self, started: Started, caplog: pytest.LogCaptureFixture) -> None:
        def echo(asked: Asked) -> Answer:
            return Answer(200, asked.path.encode())

        server = started(StubServer(echo))
        with caplog.at_level(logging.DEBUG), urllib3.PoolManager() as pool:
            pool.request("GET", f"{server.url}/?mine")
        assert "/?mine" in caplog.text
