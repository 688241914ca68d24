"""Answers that no honest registry gives: each ends in one error that names the registry, and in bounded time."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from python_docker.errors import ConnectionFailed, ContentMismatch, Error, InvalidDocument, RegistryError
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.client import RegistryClient
from python_docker.spec.documents.descriptor import Descriptor
from tests.python_docker.registry.certificates import self_signed
from tests.python_docker.registry.contents import random_blob, small_image
from tests.python_docker.registry.stub_registry import StubRegistry, sha256
from tests.python_docker.registry.stub_server import Answer, Asked

OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONTENT, BLOB = random_blob(20_000)
DIGITS = "9" * 5000
Hook = Callable[[Asked], Answer | None]


@pytest.fixture
def client(stub: StubRegistry, options: RegistryOptions) -> RegistryClient:
    return RegistryClient(stub.url, options.with_fields(attempts=2, read_timeout=10))


def on(part: str, answer: Callable[[Asked], Answer | None]) -> Hook:
    return lambda asked: answer(asked) if part in asked.path else None


def read_all(client: RegistryClient, descriptor: Descriptor = BLOB.descriptor) -> bytes:
    with client.blob("team/app", descriptor).open() as stream:
        return stream.read()


def raw(headers: str, body: bytes) -> Answer:
    return Answer(raw=f"HTTP/1.1 200 OK\r\n{headers}\r\n\r\n".encode() + body)


class TestNumbers:
    @pytest.mark.parametrize("length", [DIGITS, "-1", "+5", "1e9", "0x10", "\u0661", "5, 6", "1" * 19])
    @pytest.mark.parametrize(
        ("part", "operation"),
        [
            ("/manifests/", lambda client: client.manifest("team/app", "v1")),
            ("/manifests/", lambda client: client.manifest_digest("team/app", "v1")),
            ("/blobs/", read_all),
            ("/blobs/", lambda client: client.blob_size("team/app", BLOB.descriptor.digest)),
            ("/tags/", lambda client: list(client.tags("team/app"))),
            ("/v2/", lambda client: client.check_access()),
        ],
        ids=["manifest", "digest", "blob", "blob size", "tags", "ping"],
    )
    def test_content_length(
        self,
        client: RegistryClient,
        stub: StubRegistry,
        length: str,
        part: str,
        operation: Callable[[RegistryClient], object],
    ) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{{}}".encode()
        stub.hook = on(part, lambda asked: Answer(raw=head))
        with pytest.raises(RegistryError) as caught:
            operation(client)
        assert stub.host in str(caught.value)
        assert len(str(caught.value)) < 1000
        assert len(stub.requests) <= 2

    @pytest.mark.parametrize(
        "content_range",
        [f"bytes 10000-{DIGITS}/20000", f"bytes {DIGITS}-1/2", f"bytes 10000-19999/{DIGITS}", "x" * 60_000],
    )
    def test_content_range(self, client: RegistryClient, stub: StubRegistry, content_range: str) -> None:
        def answer(asked: Asked) -> Answer:
            if "range" in asked.headers:
                return Answer(206, CONTENT[10_000:], {"Content-Range": content_range})
            return Answer(200, CONTENT, announced=len(CONTENT)) if len(stub.asked("GET", "blobs")) > 1 else cut

        cut = raw(f"Content-Length: {len(CONTENT)}", CONTENT[:10_000])
        stub.hook = on("/blobs/", answer)
        assert read_all(client) == CONTENT

    @pytest.mark.parametrize("value", [DIGITS, "-1", "soon", f"{DIGITS}.5", "Fri, 31 Dec 99999999999 23:59:59 GMT"])
    def test_retry_after(self, client: RegistryClient, stub: StubRegistry, value: str) -> None:
        stub.hook = on("/manifests/", lambda asked: Answer(429, b"", {"Retry-After": value}))
        with pytest.raises(RegistryError, match="too many requests"):
            client.manifest("team/app", "v1")

    @pytest.mark.parametrize("field", ["Range", "OCI-Chunk-Min-Length"])
    def test_of_uploads(self, stub: StubRegistry, options: RegistryOptions, field: str) -> None:
        from python_docker.registry.upload.blob import upload_blob
        from tests.python_docker.registry.contents import Tally

        def answer(asked: Asked) -> Answer | None:
            if asked.method in {"POST", "PATCH"}:
                usual = stub.default(asked)
                return Answer(usual.status, usual.body, {**dict(usual.headers), field: DIGITS})
            return None

        stub.hook = on("/uploads/", answer)
        client = RegistryClient(stub.url, options.with_fields(chunk_size=8_000))
        with suppress(RegistryError):
            upload_blob(client, "team/app", BLOB, Tally())
        assert len(stub.requests) < 40

    @pytest.mark.parametrize("lifetime", [DIGITS, "-1", "1e400", '"x"', "[]", "NaN", "true"])
    def test_lifetime_of_a_token(self, client: RegistryClient, stub: StubRegistry, lifetime: str) -> None:
        def answer(asked: Asked) -> Answer | None:
            if asked.path == "/token":
                return Answer(200, f'{{"token": "abc", "expires_in": {lifetime}}}'.encode())
            if asked.headers.get("authorization") != "Bearer abc":
                return Answer(401, b"", {"WWW-Authenticate": f'Bearer realm="{stub.url}/token"'})
            return None

        stub.hook = answer
        with suppress(RegistryError):
            assert list(client.tags("team/app")) == [[]]


class TestBodies:
    @pytest.mark.parametrize("more", [1, 100_000])
    def test_longer_than_announced(self, client: RegistryClient, stub: StubRegistry, more: int) -> None:
        """What comes after the body is taken neither for a part of it nor for the next answer."""
        stub.hook = on("/blobs/", lambda asked: raw(f"Content-Length: {len(CONTENT)}", CONTENT + b"x" * more))
        assert read_all(client) == CONTENT
        assert read_all(client) == CONTENT

    def test_endless_without_length(self, client: RegistryClient, options: RegistryOptions) -> None:
        """A body longer than its descriptor says is left as soon as all that counts is here."""
        with Endless(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + CONTENT, b"x" * 100) as server:
            client = RegistryClient(server.url, options)
            client.session._contact._base = server.url
            assert read_all(client) == CONTENT

    def test_endless_document(self, client: RegistryClient, options: RegistryOptions) -> None:
        with Endless(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 60_000, pause=0) as server:
            client = RegistryClient(server.url, options)
            client.session._contact._base = server.url
            with pytest.raises(RegistryError, match="too long") as caught:
                client.manifest("team/app", "v1")
            assert server.host in str(caught.value)

    @pytest.mark.parametrize("size", [0, 19_999, 20_001])
    def test_of_another_size(self, client: RegistryClient, stub: StubRegistry, size: int) -> None:
        stub.hook = on("/blobs/", lambda asked: Answer(200, (CONTENT + b"x")[:size]))
        with pytest.raises(ContentMismatch, match=f"{size} bytes instead of 20000") as caught:
            read_all(client)
        assert stub.host in str(caught.value)

    def test_short_without_length(self, client: RegistryClient, stub: StubRegistry) -> None:
        stub.hook = on("/blobs/", lambda asked: raw("Connection: close", CONTENT[:100]))
        with pytest.raises(RegistryError) as caught:
            read_all(client)
        assert stub.host in str(caught.value)

    @pytest.mark.parametrize("size_line", ["5" * 5000, "-5", "zz", "", "f" * 100_000, "4;" + "x" * 100_000])
    def test_sizes_of_chunks(self, client: RegistryClient, stub: StubRegistry, size_line: str) -> None:
        stub.hook = on("/blobs/", lambda asked: raw("Transfer-Encoding: chunked", f"{size_line}\r\nabcd\r\n".encode()))
        with pytest.raises(Error) as caught:
            read_all(client)
        assert len(str(caught.value)) < 1000


class TestHeaders:
    @pytest.mark.parametrize(
        "digest",
        ["garbage", "sha256:", "sha256:" + "z" * 64, "sha256:" + "0" * 60_000, "sha9999:" + "0" * 64, ":", "é"],
    )
    def test_garbage_as_digest(self, client: RegistryClient, stub: StubRegistry, digest: str) -> None:
        """It says nothing: the digest is computed from what came."""
        manifest = small_image("team/app").manifest
        answer = Answer(200, manifest.raw, {"Content-Type": OCI, "Docker-Content-Digest": digest})
        stub.hook = on("/manifests/", lambda asked: answer)
        assert client.manifest_digest("team/app", "v1") == manifest.digest
        assert client.manifest("team/app", "v1").digest == manifest.digest

    @pytest.mark.parametrize("field", ["Link", "WWW-Authenticate", "Warning", "Location", "Content-Type", "X-Anything"])
    def test_long_heads_are_refused(self, client: RegistryClient, stub: StubRegistry, field: str) -> None:
        head = "".join(f"{field}: <{'<' * 60_000}\r\n" for _ in range(17))
        stub.hook = on("/tags/", lambda asked: Answer(raw=f"HTTP/1.1 200 OK\r\n{head}\r\n".encode()))
        with pytest.raises(RegistryError, match="head is too long") as caught:
            list(client.tags("team/app"))
        assert stub.host in str(caught.value)
        assert len(stub.asked("GET", "/tags/")) == 1

    def test_many_headers(self, client: RegistryClient, stub: StubRegistry) -> None:
        head = "".join(f"X-{number}: y\r\n" for number in range(5000))
        stub.hook = on("/tags/", lambda asked: Answer(raw=f"HTTP/1.1 200 OK\r\n{head}\r\n".encode()))
        with pytest.raises(RegistryError, match="head is too long"):
            list(client.tags("team/app"))

    @pytest.mark.parametrize(
        ("link", "expected"),
        [
            ("</v2/team/app/tags/list?last=a>; rel=next", True),
            ('</v2/team/app/tags/list?last=a>; title="a, b"; rel="next"', True),
            ('</x>; rel="prev", </v2/team/app/tags/list?last=a>;rel="last next"', True),
            ('</v2/team/app/tags/list?last=a>; rel="nextish"', False),
            ("</v2/team/app/tags/list?last=a>", False),
            ("<" * 60_000, False),
            ("<>; " * 15_000, False),
            ("<a>;" + " " * 60_000 + "rel", False),
        ],
    )
    def test_links(self, client: RegistryClient, stub: StubRegistry, link: str, expected: bool) -> None:
        def answer(asked: Asked) -> Answer:
            return Answer(200, b'{"tags": ["a"]}', {} if "last" in asked.query else {"Link": link})

        stub.hook = on("/tags/", answer)
        assert len(list(client.tags("team/app"))) == (2 if expected else 1)


class TestPointers:
    @pytest.mark.parametrize(
        "url",
        [
            "no url",
            "https://",
            "https://[::1",
            "https://h:99999/",
            "ftp://example.org/x",
            "",
            "https://a b/",
            "https://é\n/",
        ],
    )
    def test_foreign_layers_at_nowhere(self, client: RegistryClient, url: str) -> None:
        with pytest.raises(RegistryError, match="cannot read blob"):
            read_all(client, BLOB.descriptor.replace(urls=(url,)))

    def test_from_tls_to_a_plain_port(self, tmp_path: Path, options: RegistryOptions) -> None:
        """A port that says nothing at all is not tried again for minutes."""
        certified = self_signed(tmp_path / "tls")
        with Endless(b"", b"") as plain:
            stub = StubRegistry(tls=certified.server_context())
            try:
                place = f"https://{plain.host}/blob"
                stub.hook = on("/blobs/", lambda asked: Answer(307, b"", {"Location": place}))
                client = RegistryClient(
                    stub.url,
                    options.with_fields(ca_bundle=certified.certificate, connect_timeout=3, read_timeout=3),
                )
                with pytest.raises(RegistryError) as caught:
                    read_all(client)
                assert plain.host in str(caught.value)
                assert len(stub.asked("GET", "/blobs/")) == 1
            finally:
                stub.stop()

    def test_from_tls_to_plain_http(self, tmp_path: Path, options: RegistryOptions, stub: StubRegistry) -> None:
        certified = self_signed(tmp_path / "tls")
        safe = StubRegistry(tls=certified.server_context())
        try:
            safe.hook = on("/blobs/", lambda asked: Answer(307, b"", {"Location": f"{stub.url}/?signature=s3cret"}))
            client = RegistryClient(safe.url, options.with_fields(ca_bundle=certified.certificate))
            with pytest.raises(RegistryError, match="not encrypted; use --insecure") as caught:
                read_all(client)
            assert safe.host in str(caught.value)
            assert "s3cret" not in str(caught.value)
            assert stub.requests == []
        finally:
            safe.stop()

    @pytest.mark.parametrize("location", ["http://[::1", "https://", "ftp://x", "http://h:99999/", "http://a b/"])
    def test_redirects_to_nowhere(self, client: RegistryClient, stub: StubRegistry, location: str) -> None:
        stub.hook = on("/blobs/", lambda asked: Answer(307, b"", {"Location": location}))
        with pytest.raises(RegistryError, match="not a valid HTTP address"):
            read_all(client)


class TestTypes:
    def test_contradicting_ones_are_both_named(self, client: RegistryClient, stub: StubRegistry) -> None:
        manifest = small_image("team/app").manifest
        stub.hook = on("/manifests/", lambda asked: Answer(200, manifest.raw, {"Content-Type": INDEX}))
        with pytest.raises(InvalidDocument) as caught:
            client.manifest("team/app", "v1")
        for part in (stub.host, OCI, INDEX, "team/app:v1"):
            assert part in str(caught.value)

    @pytest.mark.parametrize("served", ["text/html; charset=utf-8", "application/json", OCI, ""])
    @pytest.mark.parametrize("reference", ["v1", sha256(b"x")])
    def test_a_web_page_is_called_one(
        self, client: RegistryClient, stub: StubRegistry, served: str, reference: str
    ) -> None:
        page = b"\n<!DOCTYPE html><html><body>Log in, please</body></html>"
        stub.hook = on("/manifests/", lambda asked: Answer(200, page, {"Content-Type": served}))
        with pytest.raises(RegistryError, match="it sent a web page") as caught:
            client.manifest("team/app", reference)
        assert stub.host in str(caught.value)

    def test_a_login_page_that_takes_everything(self, client: RegistryClient, stub: StubRegistry) -> None:
        stub.hook = lambda asked: Answer(200, b"<html>Log in, please</html>", {"Content-Type": "text/html"})
        with pytest.raises(RegistryError, match=r"cannot write the manifest of team/app:v1: it sent a web page"):
            client.put_manifest("team/app", "v1", small_image("team/app").manifest)

    def test_a_web_page_as_a_blob(self, client: RegistryClient, stub: StubRegistry) -> None:
        stub.hook = on("/blobs/", lambda asked: Answer(200, b"<html>", {"Content-Type": "text/html"}))
        with pytest.raises(ContentMismatch, match="6 bytes instead of 20000, and is a web page"):
            read_all(client)

    def test_a_manifest_served_as_a_page(self, client: RegistryClient, stub: StubRegistry) -> None:
        manifest = small_image("team/app").manifest
        stub.hook = on("/manifests/", lambda asked: Answer(200, manifest.raw, {"Content-Type": "text/html"}))
        with pytest.raises(InvalidDocument, match="text/html"):
            client.manifest("team/app", "v1")

    @pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"x"', b"\xff\xfe", b"{" * 50_000, b'{"mediaType": 5}'])
    def test_no_manifest(self, client: RegistryClient, stub: StubRegistry, body: bytes) -> None:
        stub.hook = on("/manifests/", lambda asked: Answer(200, body, {"Content-Type": OCI}))
        with pytest.raises(Error) as caught:
            client.manifest("team/app", "v1")
        assert stub.host in str(caught.value)

    def test_web_page_as_list(self, client: RegistryClient, stub: StubRegistry) -> None:
        stub.hook = on("/tags/", lambda asked: Answer(200, b"<html>", {"Content-Type": "text/html"}))
        with pytest.raises(Error, match=stub.host):
            list(client.tags("team/app"))


class TestSlowHeads:
    @pytest.mark.parametrize(
        ("start", "drop"),
        [
            (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
            (b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"),
            (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
            (b"", b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n"),
            (b"H", b"T"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;", b"x"),
        ],
        ids=["header", "headers", "continue", "hints", "status", "trailers", "chunk-size", "extension"],
    )
    def test_have_a_deadline(self, options: RegistryOptions, start: bytes, drop: bytes) -> None:
        with Endless(start, drop, pause=0.02) as server:
            client = RegistryClient(server.url, options.with_fields(attempts=1, read_timeout=0.3))
            with pytest.raises(ConnectionFailed) as caught:
                client.check_access()
            assert server.host in str(caught.value)

    @pytest.mark.parametrize(
        ("start", "drop"),
        [
            (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
            (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n"),
        ],
        ids=["continue", "hints", "trailers"],
    )
    def test_have_a_size(self, options: RegistryOptions, start: bytes, drop: bytes) -> None:
        """Those that come fast end before their deadline."""
        with Endless(start, drop * 1000, pause=0) as server:
            client = RegistryClient(server.url, options.with_fields(attempts=1, read_timeout=60))
            with pytest.raises(RegistryError, match=server.host):
                client.check_access()

    def test_interim_answers_are_passed_over(self, options: RegistryOptions) -> None:
        answers = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
        with Endless(answers + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"") as server:
            RegistryClient(server.url, options).check_access()


class Endless:
    """A server that answers each request with `start`, and then `drop` for ever (nothing more when it is empty)."""

    def __init__(self, start: bytes, drop: bytes, *, pause: float = 0.01) -> None:
        self._start, self._drop, self._pause = start, drop, pause
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self.host = f"localhost:{self._listener.getsockname()[1]}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            while connection.recv(65536):
                connection.sendall(self._start)
                while self._drop and not self._ended.wait(self._pause):
                    connection.sendall(self._drop)

    def __enter__(self) -> Endless:
        return self

    def __exit__(self, *ignored: object) -> None:
        self._ended.set()
        for end in (self._listener, *self._connections):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
