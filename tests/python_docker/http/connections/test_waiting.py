"""Waits for the other side of a connection end when this process is to end, and when their time is over."""

from __future__ import annotations

import itertools
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO

import pytest

from python_docker import interruption
from python_docker.http.body import Body
from python_docker.http.client import HttpClient
from python_docker.http.connections import waiting
from python_docker.http.connections.waiting import connected, interruptibly, send_file
from python_docker.http.failure import Cause, HttpError
from python_docker.http.options import HttpOptions

HOURS = 10_000.0  # which no test waits for
BEGUN = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
SIZE = 64 << 20


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have this process told to end in a moment."""
    event = threading.Event()
    monkeypatch.setattr(interruption, "interrupted", event)
    timer = threading.Timer(0.1, event.set)
    timer.start()
    yield
    timer.cancel()


@pytest.fixture
def server() -> Iterator[Callable[[bytes], int]]:
    """Return a function that gives the port of a server which sends something, and then neither reads nor writes."""
    with ExitStack() as over:

        def serve(sent: bytes) -> int:
            listener = over.enter_context(socket.create_server(("127.0.0.1", 0)))

            def accept() -> None:
                with suppress(OSError):  # who is interrupted early does not connect
                    connection, _ = listener.accept()
                    over.enter_context(connection)
                    connection.sendall(sent)

            thread = threading.Thread(target=accept, daemon=True)
            thread.start()
            over.callback(thread.join)
            over.callback(listener.shutdown, socket.SHUT_RDWR)
            return int(listener.getsockname()[1])

        yield serve


@pytest.fixture
def full() -> Iterator[int]:
    """Return the port of a server whose queue is full, so that nothing answers who connects."""
    with ExitStack() as over:
        listener = over.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        over.enter_context(socket.create_connection(listener.getsockname()))  # for which there is room
        for _ in range(2):
            waiting_in_line = over.enter_context(socket.socket())
            waiting_in_line.setblocking(False)
            waiting_in_line.connect_ex(listener.getsockname())
        yield int(listener.getsockname()[1])


def client(proxy: str = "", **options: float) -> HttpClient:
    environ = {"http_proxy": proxy, "https_proxy": proxy} if proxy else {}
    return HttpClient(HttpOptions(environ=environ, attempts=1, insecure=True, **options))  # type: ignore[arg-type]


@pytest.mark.usefixtures("interrupted")
class TestInterruption:
    """What would wait for hours ends at once: by `KeyboardInterrupt`, and not because its time is over."""

    @staticmethod
    def client(proxy: str = "") -> HttpClient:
        return client(proxy, connect_timeout=HOURS, read_timeout=HOURS)

    def test_a_connection_that_nobody_takes(self, full: int) -> None:
        with pytest.raises(KeyboardInterrupt):
            self.client().send("GET", f"http://127.0.0.1:{full}/")

    def test_a_name_that_is_looked_up_for_ever(self, monkeypatch: pytest.MonkeyPatch) -> None:
        released = threading.Event()
        look_up = socket.getaddrinfo

        def hold(*names: object, **options: int) -> object:
            if not options.get("flags"):
                released.wait(HOURS)
            return look_up(*names, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(socket, "getaddrinfo", hold)
        try:
            with pytest.raises(KeyboardInterrupt):
                self.client().send("GET", "http://registry.example/")
        finally:
            released.set()

    @pytest.mark.parametrize("sent", [b"", BEGUN[:20], BEGUN[:-4]], ids=["no answer", "head", "body"])
    @pytest.mark.parametrize("through", ["nothing", "a proxy"])
    def test_an_answer_that_does_not_go_on(self, server: Callable[[bytes], int], sent: bytes, through: str) -> None:
        place = f"http://127.0.0.1:{server(sent)}"
        asked = self.client() if through == "nothing" else self.client(place)
        with pytest.raises(KeyboardInterrupt), asked.send("GET", place + "/") as response:
            response.content(9)

    @pytest.mark.parametrize("through", ["nothing", "a proxy"])
    def test_a_body_that_is_not_taken(self, server: Callable[[bytes], int], through: str) -> None:
        place = f"http://127.0.0.1:{server(b'')}"
        asked = self.client() if through == "nothing" else self.client(place)
        body = Body(SIZE, lambda: iter([bytes(SIZE)]))
        with pytest.raises(KeyboardInterrupt):
            asked.send("PUT", place + "/", body=body)

    def test_tls_that_is_not_agreed_on(self, server: Callable[[bytes], int]) -> None:
        place = f"https://127.0.0.1:{server(b'')}/"
        with pytest.raises(KeyboardInterrupt):
            self.client().send("GET", place)

    def test_no_request_is_begun_any_more(self) -> None:
        interruption.interrupted.set()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            with pytest.raises(KeyboardInterrupt):
                self.client().send("GET", f"http://127.0.0.1:{listener.getsockname()[1]}/")
            listener.setblocking(False)
            with pytest.raises(BlockingIOError):  # nobody has connected
                listener.accept()

    def test_a_proxy_that_nobody_reaches(self, full: int) -> None:
        with pytest.raises(KeyboardInterrupt):
            self.client(f"http://127.0.0.1:{full}").send("GET", "http://registry.example/")

    @pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 Connected\r\n\r\n"], ids=["tunnel", "TLS"])
    def test_a_proxy_that_is_silent(self, server: Callable[[bytes], int], sent: bytes) -> None:
        proxy = f"http://127.0.0.1:{server(sent)}"
        with pytest.raises(KeyboardInterrupt):
            self.client(proxy).send("GET", "https://registry.example/")


class TestTime:
    def test_a_connection_that_nobody_takes(self, full: int) -> None:
        with pytest.raises(HttpError) as caught:
            client(connect_timeout=0.1).send("GET", f"http://127.0.0.1:{full}/")
        assert caught.value.cause is Cause.TIMEOUT

    def test_an_answer_that_does_not_go_on(self, server: Callable[[bytes], int]) -> None:
        with pytest.raises(HttpError) as caught:
            client(read_timeout=0.3).send("GET", f"http://127.0.0.1:{server(BEGUN)}/").content(9)
        assert caught.value.cause is Cause.TIMEOUT

    def test_a_body_that_is_not_taken(self, server: Callable[[bytes], int]) -> None:
        place = f"http://127.0.0.1:{server(b'')}/"
        with pytest.raises(HttpError) as caught:
            client(connect_timeout=0.3).send("PUT", place, body=Body(SIZE, lambda: iter([bytes(SIZE)])))
        assert caught.value.cause is Cause.TIMEOUT

    def test_tls_that_is_not_agreed_on(self, server: Callable[[bytes], int]) -> None:
        with pytest.raises(HttpError) as caught:
            client(connect_timeout=0.3).send("GET", f"https://127.0.0.1:{server(b'')}/")
        assert caught.value.cause is Cause.TIMEOUT

    def test_what_cannot_be_interrupted(self) -> None:
        released = threading.Event()
        with pytest.raises(TimeoutError):
            interruptibly(lambda: released.wait(HOURS), 0.1)
        released.set()


def test_an_answer_may_come_in_any_number_of_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LOOKING", 0.001)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                for at in range(0, len(BEGUN), 8):
                    connection.sendall(BEGUN[at : at + 8])
                    time.sleep(0.01)
                connection.sendall(b" more")

        thread = threading.Thread(target=answer)
        thread.start()
        response = client().send("GET", f"http://127.0.0.1:{listener.getsockname()[1]}/")
        assert response.content(9) == b"half more"
        thread.join()


def test_what_has_come_is_taken_however_long_this_process_stood_still(monkeypatch: pytest.MonkeyPatch) -> None:
    # Hours pass between any two looks at the clock.
    monkeypatch.setattr(waiting, "time", SimpleNamespace(monotonic=partial(next, itertools.count(step=HOURS))))
    answers = iter([None, b"come"])

    def attempt() -> bytes:
        if (answer := next(answers)) is None:
            raise TimeoutError
        return answer

    assert waiting._until(1, attempt) == b"come"


class TestFiles:
    """`send_file`, to a reader that takes its time."""

    CONTENT = bytes(range(256)) * 8192

    @pytest.fixture
    def file(self, tmp_path: Path) -> Iterator[BinaryIO]:
        path = tmp_path / "content"
        path.write_bytes(self.CONTENT)
        with path.open("rb") as file:
            yield file

    def test_a_part_that_is_taken_slowly(self, file: BinaryIO, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(waiting, "LOOKING", 0.01)
        sender, reader = socket.socketpair()
        sender.settimeout(HOURS)
        taken = bytearray()

        def take() -> None:
            time.sleep(0.05)
            while data := reader.recv(1 << 16):
                taken.extend(data)

        thread = threading.Thread(target=take)
        thread.start()
        with sender:
            assert send_file(sender, file, 1000, len(self.CONTENT) - 2000) == len(self.CONTENT) - 2000
            assert sender.gettimeout() == HOURS
        thread.join()
        reader.close()
        assert taken == self.CONTENT[1000:-1000]

    def test_nobody_takes_it(self, file: BinaryIO) -> None:
        sender, reader = socket.socketpair()
        sender.settimeout(0.05)
        with sender, reader, pytest.raises(TimeoutError):
            send_file(sender, file, 0, len(self.CONTENT))

    def test_the_end_of_the_file(self, file: BinaryIO) -> None:
        sender, reader = socket.socketpair()
        with sender, reader:
            assert send_file(sender, file, len(self.CONTENT) - 10, 1000) == 10
            assert send_file(sender, file, len(self.CONTENT), 1000) == 0
            assert reader.recv(100) == self.CONTENT[-10:]

    def test_what_is_no_file(self) -> None:
        sender, reader = socket.socketpair()
        readable, writable = os.pipe()
        with sender, reader, os.fdopen(readable, "rb") as pipe:
            os.close(writable)
            assert send_file(sender, pipe, 0, 10) == 0


def test_each_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch, server: Callable[[bytes], int]) -> None:
    port = server(b"")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # where nobody listens
        places = (taken.getsockname(), ("127.0.0.1", port))
        addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in places]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *names, **options: addresses)
        with connected("registry.example", port, HOURS) as connection:
            assert connection.getpeername()[1] == port
            assert connection.gettimeout() == HOURS
        monkeypatch.setattr(socket, "getaddrinfo", lambda *names, **options: addresses[:1])
        with pytest.raises(ConnectionRefusedError):
            connected("registry.example", port, HOURS)


def test_what_fails_on_another_thread_is_raised() -> None:
    with pytest.raises(ssl.SSLError, match="no cipher"):
        interruptibly(_fail)
    assert interruptibly(lambda: 5) == 5


def _fail() -> None:
    raise ssl.SSLError("no cipher")
