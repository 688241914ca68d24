"""Downloading blobs: what breaks goes on, what is wrong is found."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import partial

import pytest

from python_docker.errors import ConnectionFailed, ContentMismatch, NotFoundInRegistry, RegistryError
from python_docker.image.blob import Blob
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.client import RegistryClient
from python_docker.registry.download import BlobReader
from tests import peers
from tests.python_docker.registry.contents import descriptor_of, random_blob
from tests.python_docker.registry.stub_registry import StubRegistry, refusal
from tests.python_docker.registry.stub_server import Answer, Asked, StubServer
from tests.python_docker.registry.tcp_proxy import Fault, TcpProxy

SIZE = 300_000
CONTENT, _ = random_blob(SIZE)
Hook = Callable[[Asked], Answer | None]


@pytest.fixture
def blob(stub: StubRegistry, options: RegistryOptions) -> Blob:
    """Return a blob that the stub has in team/app."""
    descriptor = descriptor_of(CONTENT)
    stub.blobs["team/app", descriptor.digest] = CONTENT
    return RegistryClient(stub.url, options).blob("team/app", descriptor)


def on_blobs(answer: Hook) -> Hook:
    return lambda asked: answer(asked) if "/blobs/" in asked.path else None


def ranges(stub: StubRegistry) -> list[str]:
    return [asked.headers.get("range", "") for asked in stub.asked("GET", "/blobs/")]


def read_all(blob: Blob, size: int = 7000) -> bytes:
    with blob.open() as stream:
        return b"".join(iter(lambda: stream.read(size), b""))


def test_whole(blob: Blob, stub: StubRegistry) -> None:
    assert read_all(blob) == CONTENT
    assert read_all(blob, -1) == CONTENT
    assert ranges(stub) == ["", ""]
    assert blob.origin == f"{stub.host}/team/app"


def test_empty(stub: StubRegistry, options: RegistryOptions) -> None:
    empty = RegistryClient(stub.url, options).blob("team/app", descriptor_of(b""))
    assert read_all(empty) == b""


def test_abandoned(blob: Blob) -> None:
    with blob.open() as stream:
        assert stream.read(10) == CONTENT[:10]


class TestResume:
    def test_by_closed_range(self, blob: Blob, stub: StubRegistry) -> None:
        def answer(asked: Asked) -> Answer | None:
            if len(stub.asked("GET", "/blobs/")) > 1:
                return None
            return Answer(200, CONTENT[:100_000], announced=SIZE)

        stub.hook = on_blobs(answer)
        assert read_all(blob) == CONTENT
        assert ranges(stub) == ["", f"bytes=100000-{SIZE - 1}"]

    def test_as_often_as_there_is_progress(self, blob: Blob, stub: StubRegistry) -> None:
        def answer(asked: Asked) -> Answer:
            start = int(asked.headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
            part = CONTENT[start : start + 20_000]
            if not start:
                return Answer(200, part, announced=SIZE)
            return Answer(206, part, {"Content-Range": f"bytes {start}-{SIZE - 1}/{SIZE}"}, announced=SIZE - start)

        stub.hook = on_blobs(answer)
        assert read_all(blob) == CONTENT
        assert len(ranges(stub)) == 15

    def test_not_for_ever(self, blob: Blob, stub: StubRegistry, options: RegistryOptions) -> None:
        def answer(asked: Asked) -> Answer:
            start = int(asked.headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
            part = CONTENT[start : start + 10]
            head = {"Content-Range": f"bytes {start}-{SIZE - 1}/{SIZE}"}
            return Answer(206 if start else 200, part, head if start else {}, announced=SIZE - start)

        stub.hook = on_blobs(answer)
        with pytest.raises(ConnectionFailed, match="too early"):
            read_all(blob)
        assert len(ranges(stub)) == options.attempts

    def test_range_ignored(self, blob: Blob, stub: StubRegistry) -> None:
        def answer(asked: Asked) -> Answer:
            first = len(stub.asked("GET", "/blobs/")) == 1
            return Answer(200, CONTENT[:100_000] if first else CONTENT, announced=SIZE)

        stub.hook = on_blobs(answer)
        assert read_all(blob) == CONTENT

    @pytest.mark.parametrize("status", [400, 416, 501])
    def test_range_refused(self, blob: Blob, stub: StubRegistry, status: int) -> None:
        def answer(asked: Asked) -> Answer:
            if "range" in asked.headers:
                return Answer(status, b"no", announced=SIZE)
            first = len(stub.asked("GET", "/blobs/")) == 1
            return Answer(200, CONTENT[:100_000] if first else CONTENT, announced=SIZE)

        stub.hook = on_blobs(answer)
        assert read_all(blob) == CONTENT

    @pytest.mark.parametrize(
        "told", ["bytes 0-5/10", "bytes 100001-299999/300000", "nonsense", "", "bytes 100000-299999/5"]
    )
    def test_another_part(self, blob: Blob, stub: StubRegistry, told: str) -> None:
        def answer(asked: Asked) -> Answer:
            if "range" in asked.headers:
                return Answer(206, CONTENT[:50], {"Content-Range": told})
            first = len(stub.asked("GET", "/blobs/")) == 1
            return Answer(200, CONTENT[:100_000] if first else CONTENT, announced=SIZE)

        stub.hook = on_blobs(answer)
        assert read_all(blob) == CONTENT

    def test_status_in_between(self, blob: Blob, stub: StubRegistry) -> None:
        def answer(asked: Asked) -> Answer | None:
            number = len(stub.asked("GET", "/blobs/"))
            if number == 1:
                return Answer(200, CONTENT[:100_000], announced=SIZE)
            return Answer(503) if number < 4 else None

        stub.hook = on_blobs(answer)
        assert read_all(blob) == CONTENT

    def test_gone_in_between(self, blob: Blob, stub: StubRegistry) -> None:
        first = Answer(200, CONTENT[:100_000], announced=SIZE)
        stub.hook = on_blobs(
            lambda asked: first if len(stub.asked("GET", "/blobs/")) == 1 else refusal(404, "BLOB_UNKNOWN")
        )
        with pytest.raises(NotFoundInRegistry):
            read_all(blob)

    def test_through_a_redirect(
        self, blob: Blob, stub: StubRegistry, started: Callable[[StubServer], StubServer]
    ) -> None:
        """Signed addresses expire: after a cut the registry is asked anew, and its login stays with it."""

        def serve(asked: Asked) -> Answer:
            if asked.query != {"signature": str(len(storage.requests))}:
                return Answer(403, b"<Error>expired</Error>")
            if "range" not in asked.headers:
                return Answer(200, CONTENT[:100_000], announced=SIZE)
            return Answer(206, CONTENT[100_000:], {"Content-Range": f"bytes 100000-{SIZE - 1}/{SIZE}"})

        storage = started(StubServer(serve))

        def answer(asked: Asked) -> Answer:
            # Every other one has expired when it is used.
            number = len(storage.requests) + len(stub.asked("GET", "/blobs/")) % 2
            return Answer(307, headers={"Location": f"{storage.url}/blob?signature={number}"})

        stub.hook = on_blobs(answer)
        assert read_all(blob) == CONTENT
        assert all("authorization" not in asked.headers for asked in storage.requests)

    def test_slow_ones_are_left(
        self, stub: StubRegistry, options: RegistryOptions, started: Callable[[TcpProxy], TcpProxy]
    ) -> None:
        descriptor = descriptor_of(CONTENT)
        stub.blobs["team/app", descriptor.digest] = CONTENT
        faults = [Fault(), Fault(pause=0.05, piece=1)]
        proxy = started(TcpProxy(stub.port, lambda: faults.pop() if faults else Fault()))
        client = RegistryClient(proxy.url, options.with_fields(read_timeout=2, attempts=20))
        # The head alone takes seconds to come over the first connection.
        client.session._contact._base = proxy.url
        assert read_all(client.blob("team/app", descriptor)) == CONTENT

    def test_against_a_real_registry(
        self,
        registry: peers.Registry,
        repository: str,
        options: RegistryOptions,
        started: Callable[[TcpProxy], TcpProxy],
    ) -> None:
        from python_docker.registry.upload.blob import upload_blob
        from tests.python_docker.registry.contents import Tally

        content, blob = random_blob(3_000_000, repository)
        upload_blob(RegistryClient(registry.url, options), repository, blob, Tally())
        cuts = iter([Fault(cut_down=size) for size in (1_000_000, 50, 1_500_000, 400_000)])
        proxy = started(TcpProxy(registry.port, lambda: next(cuts, Fault())))
        client = RegistryClient(proxy.url, options)
        client.session._contact._base = proxy.url
        before = len(registry.requests())
        assert read_all(client.blob(repository, blob.descriptor)) == content
        # What came was not asked for again: a little more than the blob went over the line.
        assert proxy.down < 3_010_000
        assert [request.status for request in registry.requests(since=before)][-1] == 206


class TestWrongContent:
    def test_other_bytes(self, blob: Blob, stub: StubRegistry) -> None:
        stub.hook = on_blobs(lambda asked: Answer(200, bytes(SIZE)))
        with pytest.raises(ContentMismatch):
            read_all(blob)

    @pytest.mark.parametrize("size", [0, 10, SIZE - 1, SIZE + 1])
    def test_other_size(self, blob: Blob, stub: StubRegistry, size: int) -> None:
        stub.hook = on_blobs(lambda asked: Answer(200, (CONTENT + b"x")[:size]))
        with pytest.raises(ContentMismatch, match=f"has {size} bytes"):
            read_all(blob)

    def test_longer_without_saying(self, blob: Blob, stub: StubRegistry) -> None:
        # No more than was promised is taken.
        stub.hook = on_blobs(lambda asked: Answer(200, CONTENT + b"more", announced=-1))
        assert read_all(blob) == CONTENT

    def test_shorter_without_saying(self, blob: Blob, stub: StubRegistry) -> None:
        stub.hook = on_blobs(lambda asked: Answer(200, CONTENT[:5], announced=-1))
        with pytest.raises(ConnectionFailed):
            read_all(blob)

    def test_web_page(self, blob: Blob, stub: StubRegistry) -> None:
        stub.hook = on_blobs(lambda asked: Answer(200, b"<html>log in</html>", {"Content-Type": "text/html"}))
        with pytest.raises(ContentMismatch):
            read_all(blob)

    def test_said_to_be_compressed(self, blob: Blob, stub: StubRegistry) -> None:
        # Storage that was told that layers are gzip says so; the bytes are those of the blob all the same.
        stub.hook = on_blobs(lambda asked: Answer(200, CONTENT, {"Content-Encoding": "gzip"}))
        assert read_all(blob) == CONTENT

    def test_compressed_on_the_way(self, blob: Blob, stub: StubRegistry) -> None:
        packed = gzip.compress(CONTENT)
        stub.hook = on_blobs(lambda asked: Answer(200, packed, {"Content-Encoding": "gzip"}))
        with pytest.raises(ContentMismatch):
            read_all(blob)


class TestForeignLayers:
    def foreign(self, stub: StubRegistry, options: RegistryOptions, *urls: str) -> Blob:
        descriptor = descriptor_of(CONTENT).replace(urls=list(urls))
        return RegistryClient(stub.url, options).blob("team/app", descriptor)

    def test_from_where_they_are(
        self, stub: StubRegistry, options: RegistryOptions, started: Callable[[StubServer], StubServer]
    ) -> None:
        gone = started(StubServer(lambda asked: Answer(404)))
        there = started(StubServer(lambda asked: Answer(200, CONTENT)))
        blob = self.foreign(stub, options.with_fields(insecure=True, username="a", password="b"), gone.url, there.url)
        assert read_all(blob) == CONTENT
        assert "authorization" not in there.requests[0].headers

    def test_only_by_tls(
        self, stub: StubRegistry, options: RegistryOptions, started: Callable[[StubServer], StubServer]
    ) -> None:
        there = started(StubServer(lambda asked: Answer(200, CONTENT)))
        with pytest.raises(RegistryError, match="not encrypted"):
            read_all(self.foreign(stub, options, there.url, "file:///etc/passwd"))
        assert there.requests == []


def test_reader_is_a_file(blob: Blob, stub: StubRegistry, options: RegistryOptions) -> None:
    client, descriptor = RegistryClient(stub.url, options), blob.descriptor
    ask = partial(client.open_blob, "team/app", descriptor.digest)
    reader = BlobReader(ask, options, "team/app", descriptor)
    buffer = bytearray(50)
    assert reader.readinto(buffer) == 50
    assert bytes(buffer) == CONTENT[:50]
    assert reader.read() == CONTENT[50:]
    assert reader.read(1) == b""
    reader.close()
    reader.close()
