"""Waits for the other side of a connection that end soon after this process was told to end.

Signals reach one thread alone, and a server, or a look-up of its name, may keep any thread for as long as it likes. All
that waits here therefore looks every `LOOKING` seconds at whether this process is to end, and then raises
`KeyboardInterrupt`. How long it waits in all is the timeout of the socket.
"""

from __future__ import annotations

import errno
import io
import math
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar, cast

from python_docker.interruption import LOOKING, check_interruption

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from _typeshed import ReadableBuffer, WriteableBuffer

T = TypeVar("T")

_Selector: Final = getattr(selectors, "PollSelector", selectors.SelectSelector)
_NO_SENDFILE: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ESPIPE})
_CONNECTING: Final = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK})


def connected(host: str, port: int, seconds: float) -> socket.socket:
    """Return a connection to the first address of a host that takes one, each of which has some seconds for it.

    Raises the `OSError` of the last address, `socket.gaierror` where there is none.
    """
    failure: OSError | None = None
    for family, kind, protocol, _, address in _addresses(host, port, seconds):
        try:
            sock = socket.socket(family, kind, protocol)
            try:
                _connect(sock, address, seconds)
            except BaseException:
                sock.close()
                raise
            return sock
        except OSError as error:
            failure = error
    raise failure or OSError("there is no address of that name")


def for_socket(host: str) -> str:
    """Return a host as `socket` and `ssl` take it: as bytes, of which typeshed does not know, where it is ASCII.

    A string has them import Unicode's tables, for which a short command has no other use.
    """
    return cast("str", host.encode()) if host.isascii() else host


def shake_hands(sock: ssl.SSLSocket) -> None:
    """Agree on TLS. Raises `OSError`."""
    with _looking(sock) as patience:
        _until(patience, sock.do_handshake)


def send_all(sock: socket.socket, content: ReadableBuffer) -> None:
    """Send everything; the other side may take nothing for as long as the timeout says. Raises `OSError`."""
    left = memoryview(content).cast("B")
    with _looking(sock) as patience:
        while left:
            left = left[_until(patience, partial(sock.send, left)) :]


def send_file(sock: socket.socket, file: BinaryIO, start: int, size: int) -> int:
    """Send `size` bytes of a file from `start` on without a copy of them; return how many were sent.

    Fewer where the file ends before, none where the system cannot do it. The other side may take nothing for as long
    as the timeout says. Raises `OSError`.
    """
    sent = 0
    if not hasattr(os, "sendfile"):  # Windows
        return sent
    with _looking(sock) as patience:
        while sent < size:
            count = _until(patience, partial(_send_part, sock, file.fileno(), start + sent, size - sent))
            if not count:
                break
            sent += count
    return sent


def _send_part(sock: socket.socket, file: int, start: int, size: int) -> int:
    while True:
        try:
            return os.sendfile(sock.fileno(), file, start, size)
        except BlockingIOError:  # a socket with a timeout does not wait in the system
            _wait_until_writable(sock)
        except OSError as error:
            if error.errno not in _NO_SENDFILE:
                raise
            return 0


class Incoming(io.RawIOBase):
    """What comes over a connection, for as long as it is open; each byte may take `patience` seconds."""

    def __init__(self, sock: socket.socket, file: io.RawIOBase) -> None:
        """Read from `sock`, of which `file` was made: it keeps the connection open."""
        self._sock = sock
        self._file = file
        self._timeout = sock.gettimeout()
        self.patience = math.inf if self._timeout is None else self._timeout
        sock.settimeout(min(LOOKING, self.patience))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        return _until(self.patience, partial(self._sock.recv_into, cast("bytearray", buffer)))

    def close(self) -> None:
        if not self.closed:
            with suppress(OSError):  # the socket is closed already
                self._sock.settimeout(self._timeout)
            self._file.close()
        super().close()


def is_readable(sock: socket.socket) -> bool:
    """Return whether something has come, or the end of the connection."""
    return _is_ready(sock, selectors.EVENT_READ, 0)


def interruptibly(call: Callable[[], T], seconds: float = math.inf) -> T:
    """Return the result of what cannot be interrupted, which goes on without this thread where that ends first.

    Raises what `call` raises, or `TimeoutError`.
    """
    outcome: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def work() -> None:
        try:
            outcome.put((call(), None))
        except BaseException as error:  # whatever it is, it is raised where the result is awaited
            outcome.put((None, error))

    threading.Thread(target=work, daemon=True).start()
    result, failure = _until(seconds, partial(_taken, outcome))
    if failure is not None:
        raise failure
    return cast("T", result)


def _taken(outcome: SimpleQueue[T]) -> T:
    try:
        return outcome.get(timeout=LOOKING)
    except Empty:
        raise TimeoutError("timed out") from None


def _addresses(host: str, port: int, seconds: float) -> list[tuple[Any, ...]]:
    """Return what `getaddrinfo` says, which may take minutes, and which no signal ends."""
    look_up = partial(socket.getaddrinfo, for_socket(host), port, type=socket.SOCK_STREAM)
    try:
        return look_up(flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        pass
    return look_up() if host == "localhost" else interruptibly(look_up, seconds)


def _connect(sock: socket.socket, address: Any, seconds: float) -> None:
    sock.settimeout(0)
    failure = sock.connect_ex(address)
    if failure in _CONNECTING:
        _until(seconds, partial(_wait_until_writable, sock))
        failure = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if failure:
        raise OSError(failure, os.strerror(failure))
    sock.settimeout(seconds)


def _wait_until_writable(sock: socket.socket) -> None:
    if not _is_ready(sock, selectors.EVENT_WRITE, LOOKING):
        raise TimeoutError("timed out")


def _is_ready(sock: socket.socket, event: int, seconds: float) -> bool:
    with _Selector() as selector:
        selector.register(sock, event)
        return bool(selector.select(seconds))


@contextmanager
def _looking(sock: socket.socket) -> Iterator[float]:
    """Have what a socket does time out after `LOOKING` seconds, and give the seconds that it may take in all."""
    timeout = sock.gettimeout()
    patience = math.inf if timeout is None else timeout
    sock.settimeout(min(LOOKING, patience))
    try:
        yield patience
    finally:
        with suppress(OSError):  # what fails may close it
            sock.settimeout(timeout)


def _until(patience: float, attempt: Callable[[], T]) -> T:
    """Return the result of what times out after `LOOKING` seconds, and is tried for `patience` seconds in all.

    It is tried once more when the time is over: this process may have stood still while the other side did its part.
    """
    try:
        return attempt()
    except TimeoutError:
        end = time.monotonic() + patience - 2 * LOOKING
    while True:
        check_interruption()
        over = time.monotonic() >= end
        try:
            return attempt()
        except TimeoutError:
            if over:
                raise TimeoutError("timed out") from None
