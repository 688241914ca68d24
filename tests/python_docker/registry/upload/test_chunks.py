"""A blob in chunks: each break is followed by a look at how far the registry got."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from python_docker.errors import ConnectionFailed, RegistryError, TooManyRequests
from python_docker.image.blob import Blob
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.client import RegistryClient
from python_docker.registry.upload.chunks import send_chunks
from python_docker.registry.upload.sending import Sending
from python_docker.registry.upload.session import start_upload
from tests.python_docker.registry.contents import Tally, random_blob
from tests.python_docker.registry.stub_registry import StubRegistry, refusal
from tests.python_docker.registry.stub_server import Answer, Asked

SIZE = 300_000
CONTENT, BLOB = random_blob(SIZE)
Send = Callable[[int], bytes]


@pytest.fixture
def send(stub: StubRegistry, options: RegistryOptions) -> Send:
    """Return a function that sends the blob in chunks of some size, and gives what arrived."""

    def send_it(chunk_size: int) -> bytes:
        client = RegistryClient(stub.url, options)
        sending = Sending(client, "team/app", BLOB, Tally())
        session = sending.session = start_upload(client, "team/app")
        send_chunks(sending, session, chunk_size, client.upload_limits)
        [arrived] = stub.uploads.values()
        assert isinstance(sending.task, Tally)
        assert sending.task.moved == SIZE
        return bytes(arrived)

    return send_it


def sizes(stub: StubRegistry) -> list[int]:
    return [len(asked.body) for asked in stub.asked("PATCH")]


def test_chunks_follow_each_other(send: Send, stub: StubRegistry) -> None:
    assert send(100_000) == CONTENT
    assert sizes(stub) == [100_000] * 3
    assert stub.asked("PATCH")[1].headers["content-range"] == "100000-199999"


def test_the_registry_may_want_larger_ones(send: Send, stub: StubRegistry) -> None:
    stub.upload_headers = {"OCI-Chunk-Min-Length": "200000"}
    assert send(100_000) == CONTENT
    assert sizes(stub) == [200_000, 100_000]


def test_what_has_arrived_is_not_sent_again(send: Send, stub: StubRegistry) -> None:
    seen: list[int] = []

    def take_half(asked: Asked) -> Answer | None:
        if asked.method == "PATCH" and not seen:
            seen.append(1)
            [content] = stub.uploads.values()
            content += asked.body[:40_000]
            return Answer(500)
        return None

    stub.hook = take_half
    assert send(100_000) == CONTENT
    assert stub.asked("PATCH")[1].headers["content-range"] == "40000-139999"


def test_chunks_become_smaller_where_they_are_too_large(send: Send, stub: StubRegistry) -> None:
    def refuse_large(asked: Asked) -> Answer | None:
        return refusal(413, "SIZE_INVALID") if asked.method == "PATCH" and len(asked.body) > 80_000 else None

    stub.hook = refuse_large
    assert send(300_000) == CONTENT
    assert sizes(stub)[:3] == [300_000, 150_000, 75_000]


def test_there_is_an_end_to_smaller_chunks(send: Send, stub: StubRegistry) -> None:
    stub.hook = lambda asked: refusal(413, "SIZE_INVALID") if asked.method == "PATCH" else None
    with pytest.raises(RegistryError, match="too large"):
        send(300_000)
    assert min(sizes(stub)) == 64 << 10


def test_a_registry_that_makes_no_progress(send: Send, stub: StubRegistry, options: RegistryOptions) -> None:
    stub.hook = lambda asked: Answer(500) if asked.method == "PATCH" else None
    with pytest.raises(RegistryError, match="internal error"):
        send(300_000)
    assert len(stub.asked("PATCH")) == options.attempts


def test_a_registry_that_says_it_has_something_else(send: Send, stub: StubRegistry) -> None:
    def wrong(asked: Asked) -> Answer | None:
        if asked.method not in {"PATCH", "GET"} or "/uploads/" not in asked.path:
            return None
        answer = stub.default(asked)
        return Answer(answer.status, headers={**dict(answer.headers), "Range": "0-4"})

    stub.hook = wrong
    with pytest.raises(RegistryError, match="it was sent 100000 bytes of the blob, and says that it has another"):
        send(100_000)


class Broken(io.BytesIO):
    """A blob of another registry, which hangs up half-way."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() >= 150_000:
            raise ConnectionFailed("elsewhere hung up")
        return super().read(50_000)


def test_a_source_that_breaks_is_not_the_registrys_fault(stub: StubRegistry, options: RegistryOptions) -> None:
    client = RegistryClient(stub.url, options)
    sending = Sending(client, "team/app", Blob(BLOB.descriptor, lambda: Broken(CONTENT)), Tally())
    session = sending.session = start_upload(client, "team/app")
    with pytest.raises(ConnectionFailed, match="elsewhere hung up"):
        send_chunks(sending, session, 100_000, client.upload_limits)
    assert not stub.asked("GET", "/uploads/")


def test_a_registry_that_wants_a_long_wait(send: Send, stub: StubRegistry) -> None:
    refused = Answer(429, headers={"Retry-After": "100000"})
    stub.hook = lambda asked: refused if asked.method == "PATCH" else None
    with pytest.raises(TooManyRequests):
        send(100_000)
    assert len(stub.asked("PATCH")) == 1


def test_a_registry_that_does_not_say_how_far_it_got(send: Send, stub: StubRegistry) -> None:
    stub.hook = lambda asked: {"PATCH": Answer(500), "GET": Answer(204)}.get(asked.method) if stub.uploads else None
    with pytest.raises(RegistryError, match="HTTP 500"):
        send(100_000)


def test_refusals_of_another_kind_end_it(send: Send, stub: StubRegistry) -> None:
    stub.hook = lambda asked: refusal(400, "BLOB_UPLOAD_INVALID") if asked.method == "PATCH" else None
    with pytest.raises(RegistryError, match="malformed"):
        send(100_000)
    assert len(stub.asked("PATCH")) == 1
