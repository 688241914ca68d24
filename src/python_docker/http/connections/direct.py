"""Connections: requests straight to a server over `http.client`, and connections kept for the next one.

What goes through a proxy is for urllib3 (`proxied.py`), whose import takes a third of the time of a short command.
"""

from __future__ import annotations

import errno
import selectors
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import quote, urlsplit

from python_docker.http.connections.diagnosis import NotConnected
from python_docker.http.connections.heads import BoundedResponse
from python_docker.http.headers import joined_headers
from python_docker.http.url import DEFAULT_PORTS
from python_docker.interruption import check_interruption
from python_docker.time_limit import at_most

if TYPE_CHECKING:
    from python_docker.http.body import Body
    from python_docker.http.options import HttpOptions

_IDLE: Final = 10
"""Connections to one server that wait for the next request, at most."""
_TARGET: Final = (
    "%/:?@!$&'()*+,;=~"  # what stands for itself in paths and queries (RFC 3986), next to letters and digits
)
_LOOKING: Final = 0.2
"""Seconds after which a request that waits for its answer looks at whether this process is to end."""
_Selector: Final = getattr(selectors, "PollSelector", selectors.SelectSelector)
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "DELETE"})
# So a server looks that has answered, and closed the connection, before it has read the whole request.
_ANSWERED_EARLY: Final = frozenset({errno.EPIPE, errno.ECONNRESET, errno.EPROTOTYPE})


class Connection(HTTPConnection):
    """One connection, over TLS where there is a `tls` context. Answers are `BoundedResponse`s."""

    response_class = BoundedResponse

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None, timeout: float) -> None:
        super().__init__(host, port, timeout)
        self._tls = tls
        self._patience = timeout
        if tls is not None:
            self.default_port = DEFAULT_PORTS["https"]

    def connect(self) -> None:
        """Connect. Raises `NotConnected`, or the `OSError` that ended the agreement on TLS."""
        try:
            self.sock = socket.create_connection((_for_socket(self.host), self.port), at_most(self._patience))
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            raise NotConnected(*error.args) from error
        if self._tls is not None:
            # Certificates never have the dot that may end a host name.
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=_for_socket(self.host.rstrip(".")))

    @property
    def is_dropped(self) -> bool:
        """Whether the server has closed it, or sent what nobody asked for."""
        if self.sock is None:
            return True
        return _is_readable(self.sock, 0)

    def ask(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        pieces: Iterable[bytes | memoryview],
        read_timeout: float,
    ) -> BoundedResponse:
        """Send a request and return its answer, whose body is still to be read."""
        if self.sock is not None:
            self.sock.settimeout(at_most(self._patience))
        self.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers.items():
            self.putheader(name, value)
        self.endheaders()
        for piece in pieces:
            try:
                self.send(piece)
            except OSError as error:
                if error.errno not in _ANSWERED_EARLY:
                    raise
                break
        patience = at_most(read_timeout)
        self.sock.settimeout(patience)
        _wait_for_answer(self.sock, patience)
        return cast("BoundedResponse", self.getresponse())


class DirectAnswer:
    """An answer that came without a proxy (see `RawAnswer`)."""

    def __init__(self, response: BoundedResponse, let_go: Callable[[], None]) -> None:
        self._response = response
        self._let_go: Callable[[], None] | None = let_go
        self.status = response.status
        self.headers = joined_headers(response.headers.items())

    def header_values(self, name: str) -> list[str]:
        return self._response.headers.get_all(name, [])

    def read1(self, size: int) -> bytes:
        return self._response.read1(size)

    def close(self) -> None:
        if self._let_go is not None:
            self._let_go()
            self._let_go = None


class Connections:
    """Connections to any number of servers, all with the same `tls` context or none.

    Safe to use from any number of threads, each of which has a connection to itself.
    """

    def __init__(self, options: HttpOptions, tls: ssl.SSLContext | None) -> None:
        self._options = options
        self._tls = tls
        self._lock = threading.Lock()
        self._idle: dict[tuple[str, int], list[Connection]] = {}
        weakref.finalize(self, _close_all, self._idle)

    def request(self, method: str, url: str, headers: Mapping[str, str], body: Body | None) -> DirectAnswer:
        """Send one request and return its answer. Raises what `http.client` and sockets raise."""
        parts = urlsplit(url)
        place = parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]
        target = quote(f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/", safe=_TARGET)
        if body is None and method not in _WITHOUT_BODY:
            headers = {**headers, "Content-Length": "0"}
        connection = self._take(place)
        try:
            pieces = () if body is None else body.pieces()
            response = connection.ask(method, target, headers, pieces, self._options.read_timeout)
        except BaseException:
            connection.close()
            raise
        return DirectAnswer(response, partial(self._let_go, place, connection, response))

    def _take(self, place: tuple[str, int]) -> Connection:
        while True:
            with self._lock:
                waiting = self._idle.get(place)
                connection = waiting.pop() if waiting else None
            if connection is None:
                return Connection(*place, self._tls, self._options.connect_timeout)
            if not connection.is_dropped:
                return connection
            connection.close()

    def _let_go(self, place: tuple[str, int], connection: Connection, response: BoundedResponse) -> None:
        """Keep a connection whose answer was read to its end, and close any other."""
        if response.isclosed() and connection.sock is not None:
            with self._lock:
                idle = self._idle.setdefault(place, [])
                if len(idle) < _IDLE:
                    idle.append(connection)
                    return
        # A TLS connection may be broken by now.
        with suppress(OSError):
            response.close()
        connection.close()

    def close(self) -> None:
        """Close the connections that are not in use; new requests make new ones."""
        with self._lock:
            _close_all(self._idle)


def _wait_for_answer(sock: socket.socket, seconds: float) -> None:
    """Wait until an answer begins, `seconds` at most: for more of it, and for none, the socket's own limit counts.

    Threads are not reached by signals, and a server may never answer. Raises `KeyboardInterrupt` soon after this
    process was told to end.
    """
    end = time.monotonic() + seconds
    while not _is_readable(sock, min(_LOOKING, seconds)) and time.monotonic() < end:
        check_interruption()


def _is_readable(sock: socket.socket, seconds: float) -> bool:
    """Return whether something has come, or the end of the connection, within `seconds`."""
    with _Selector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return bool(selector.select(seconds))


def _for_socket(host: str) -> str:
    """Return a host as `socket` and `ssl` take it: as bytes, of which typeshed does not know, where it is ASCII.

    Text has them import Unicode's tables, for which a short command has no other use.
    """
    return cast("str", host.encode()) if host.isascii() else host


def _close_all(idle: dict[tuple[str, int], list[Connection]]) -> None:
    for connections in idle.values():
        for connection in connections:
            connection.close()
    idle.clear()
