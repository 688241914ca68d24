"""Connections: requests straight to a server over `http.client`, and connections kept for the next one.

What goes through a proxy is for urllib3 (`proxied.py`), whose import takes a third of the time of a short command.
"""

from __future__ import annotations

import errno
import socket
import ssl
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import quote, urlsplit

from python_docker.http.body import FilePart
from python_docker.http.connections.diagnosis import NotConnected
from python_docker.http.connections.heads import BoundedConnection, BoundedResponse
from python_docker.http.connections.waiting import connected, for_socket, is_readable, send_file, shake_hands
from python_docker.http.headers import joined_headers
from python_docker.http.url import DEFAULT_PORTS, origin
from python_docker.time_limit import at_most

if TYPE_CHECKING:
    from python_docker.http.body import Body, Piece
    from python_docker.http.options import HttpOptions

_IDLE: Final = 10
"""Connections to one server that wait for the next request, at most."""
_TARGET: Final = (
    "%/:?@!$&'()*+,;=~"  # what stands for itself in paths and queries (RFC 3986), next to letters and digits
)
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "DELETE"})
# So a server looks that has answered, and closed the connection, before it has read the whole request.
_ANSWERED_EARLY: Final = frozenset({errno.EPIPE, errno.ECONNRESET, errno.EPROTOTYPE})


class Connection(BoundedConnection):
    """One connection, over TLS where there is a `tls` context."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None, timeout: float) -> None:
        super().__init__(host, port, timeout)
        self._tls = tls
        self._patience = timeout
        if tls is not None:
            self.default_port = DEFAULT_PORTS["https"]

    def connect(self) -> None:
        """Connect. Raises `NotConnected`, or the `OSError` that ended the agreement on TLS."""
        try:
            self.sock = connected(self.host, self.port, at_most(self._patience))
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            raise NotConnected(*error.args) from error
        if self._tls is not None:
            # Certificates never have the dot that may end a host name.
            name = for_socket(self.host.rstrip("."))
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=name, do_handshake_on_connect=False)
            shake_hands(self.sock)

    @property
    def is_dropped(self) -> bool:
        """Whether the server has closed it, or sent what nobody asked for."""
        if self.sock is None:
            return True
        return is_readable(self.sock)

    def ask(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        pieces: Iterable[Piece],
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
                self._send_piece(piece)
            except OSError as error:
                if error.errno not in _ANSWERED_EARLY:
                    raise
                break
        self.sock.settimeout(at_most(read_timeout))
        return cast("BoundedResponse", self.getresponse())

    def _send_piece(self, piece: Piece) -> None:
        if not isinstance(piece, FilePart):
            self.send(piece)
            return
        # Only what is not encrypted can leave without passing through here.
        sent = send_file(self.sock, piece.file, piece.start, len(piece.content)) if self._tls is None else 0
        if sent < len(piece.content):
            self.send(piece.content[sent:])


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
        place = origin(url)[1:]
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


def _close_all(idle: dict[tuple[str, int], list[Connection]]) -> None:
    for connections in idle.values():
        for connection in connections:
            connection.close()
    idle.clear()
