"""Connections through proxies: by HTTP, by CONNECT, by SOCKS, over TLS or not, all of it urllib3's work.

A module of its own because of the time that urllib3 takes to be imported: nothing else here may import it.
"""

from __future__ import annotations

import base64
import logging
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, IncompleteRead
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

import urllib3
from urllib3 import exceptions

from python_docker.http.connections.diagnosis import BadAddress, BadProxy, NotConnected, causes
from python_docker.http.connections.heads import BoundedConnection
from python_docker.http.connections.waiting import interruptibly
from python_docker.http.failure import Cause, HttpError
from python_docker.http.headers import joined_headers
from python_docker.http.url import public_url
from python_docker.time_limit import at_most

if TYPE_CHECKING:
    import ssl

    from urllib3.connectionpool import HTTPConnectionPool

    from python_docker.http.body import Body
    from python_docker.http.options import HttpOptions

_sending = threading.local()


class _WithoutQueries(logging.Filter):
    """Takes queries out of what urllib3 logs of our own requests: a signed URL is a secret."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(_sending, "now", False) and isinstance(record.args, tuple):
            record.args = tuple(
                argument.partition("?")[0] if isinstance(argument, str) else argument for argument in record.args
            )
        return True


for _name in ("urllib3.connectionpool", "urllib3.connection"):
    logging.getLogger(_name).addFilter(_WithoutQueries())


class ProxiedConnections:
    """Connections through one proxy, kept for the next request. Safe to use from any number of threads."""

    def __init__(self, proxy: str, options: HttpOptions, tls: ssl.SSLContext | None) -> None:
        """Connect to nothing yet. Raises `HttpError` for an address that is not that of a proxy."""
        self._options = options
        kept: dict[str, Any] = {"num_pools": 10, "maxsize": 10}
        if tls is not None:
            kept["ssl_context"] = tls
        if options.insecure:
            urllib3.disable_warnings(exceptions.InsecureRequestWarning)
            kept |= {"cert_reqs": "CERT_NONE", "assert_hostname": False}
        self._manager = _bounded(_manager(proxy, kept))

    def request(self, method: str, url: str, headers: Mapping[str, str], body: Body | None) -> _ProxiedAnswer:
        """Send one request and return its answer.

        Raises what `http.client` and sockets raise, or `BadProxy` and `BadAddress`.
        """
        options = self._options
        _sending.now = True
        try:
            with _translated():
                answer = self._manager.urlopen(
                    method,
                    url,
                    body=None if body is None else body.contents(),
                    headers=headers,
                    retries=False,
                    redirect=False,
                    preload_content=False,
                    decode_content=False,
                    timeout=urllib3.Timeout(
                        connect=at_most(options.connect_timeout), read=at_most(options.read_timeout)
                    ),
                )
        finally:
            _sending.now = False
        return _ProxiedAnswer(answer)

    def close(self) -> None:
        """Close the connections that are not in use; new requests make new ones."""
        self._manager.clear()


class _Interruptible(BoundedConnection):
    """A connection that is made on a thread of its own: proxies, their names and their TLS may all never answer."""

    def connect(self) -> None:
        interruptibly(super().connect)


class _ProxiedAnswer:
    """An answer that came through a proxy (see `RawAnswer`)."""

    def __init__(self, answer: urllib3.BaseHTTPResponse) -> None:
        self._answer = answer
        self.status = answer.status
        self.headers = joined_headers(answer.headers.items())

    def header_values(self, name: str) -> list[str]:
        return list(self._answer.headers.getlist(name))

    def read1(self, size: int) -> bytes:
        with _translated():
            return self._answer.read1(size)

    def close(self) -> None:
        self._answer.close()
        self._answer.release_conn()


def _manager(proxy: str, kept: dict[str, Any]) -> urllib3.PoolManager:
    shown = public_url(proxy)
    login, server = _login(proxy)
    if proxy.startswith("socks"):
        if find_spec("socks") is None:  # urllib3 would print a warning
            raise HttpError(Cause.PROXY, shown, "SOCKS proxies need the package PySocks")
        from urllib3.contrib.socks import SOCKSProxyManager

        name, password = login or (None, None)
        return SOCKSProxyManager(server, username=name, password=password, **kept)
    try:
        headers = {}
        if login is not None:
            headers["Proxy-Authorization"] = "Basic " + base64.b64encode(":".join(login).encode()).decode("ascii")
        return urllib3.ProxyManager(server, proxy_headers=headers, **kept)
    except (exceptions.HTTPError, ValueError):
        raise HttpError(Cause.PROXY, shown, f"{shown!r} is not a valid address of a proxy") from None


def _login(proxy: str) -> tuple[tuple[str, str] | None, str]:
    """Return the name and the password in a proxy's address, percent-encoded there, and the address without them."""
    before, mark, rest = proxy.partition("://")
    host, slash, path = rest.partition("/")
    login, at, host = host.rpartition("@")
    name, _, password = login.partition(":")
    return (unquote(name), unquote(password)) if at else None, f"{before}{mark}{host}{slash}{path}"


def _bounded(manager: urllib3.PoolManager) -> urllib3.PoolManager:
    """Have a pool manager make its connections as `_Interruptible`, and return it."""

    def bounded(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
        connection = type("Connection", (_Interruptible, cast("Any", pool.ConnectionCls)), {})
        return type("Pool", (pool,), {"ConnectionCls": connection})

    manager.pool_classes_by_scheme = {scheme: bounded(pool) for scheme, pool in manager.pool_classes_by_scheme.items()}
    return manager


@contextmanager
def _translated() -> Iterator[None]:
    """Raise what lies beneath the errors of urllib3 in their place."""
    try:
        yield
    except (exceptions.HTTPError, exceptions.LocationValueError) as error:
        plain = plain_error(error)
        raise plain from plain.__cause__  # which `from None` would take away


def plain_error(error: Exception) -> Exception:
    """Return an error of urllib3 as those that `http.client`, sockets or `diagnosis` have for the same failure."""
    if isinstance(error, exceptions.ProxyError):
        return _beneath(BadProxy(), error.original_error)
    if isinstance(error, exceptions.LocationValueError):
        return BadAddress()
    if isinstance(error, exceptions.InvalidHeader):
        return ValueError("a header has an impossible value")
    if isinstance(error, exceptions.IncompleteRead):
        return IncompleteRead(b"")
    found = causes(error)
    foreign = next((one for one in found if not isinstance(one, exceptions.HTTPError)), None)
    if isinstance(error, exceptions.NameResolutionError):
        return _beneath(NotConnected(), socket.gaierror())
    if isinstance(error, exceptions.NewConnectionError):
        return _beneath(NotConnected(), foreign or OSError())
    if isinstance(error, exceptions.TimeoutError):
        return foreign if isinstance(foreign, TimeoutError) else TimeoutError()
    return foreign if isinstance(foreign, Exception) else HTTPException(str(error))


def _beneath(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error
