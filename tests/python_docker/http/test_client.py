"""Single requests: redirects, TLS, proxies, bodies, and what gets into logs."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from python_docker.http.body import Body
from python_docker.http.client import HttpClient
from python_docker.http.connections.proxy import proxy_for
from python_docker.http.connections.tls import HostCertificates
from python_docker.http.failure import Cause, HttpError
from python_docker.registry.access.options import RegistryOptions
from tests.python_docker.registry.certificates import Certified, self_signed
from tests.python_docker.registry.stub_server import Answer, Asked, StubServer

Started = Callable[[StubServer], StubServer]
LIMIT = 1 << 20


@pytest.fixture
def client(options: RegistryOptions) -> HttpClient:
    return HttpClient(options)


@pytest.fixture
def certified(tmp_path: Path) -> Certified:
    return self_signed(tmp_path / "tls")


def echo(asked: Asked) -> Answer:
    return Answer(200, f"{asked.method} {asked.path}".encode())


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize("location", ["/there", "there", "{url}/there", "//{host}/there#fragment"])
    def test_followed(self, started: Started, client: HttpClient, status: int, location: str) -> None:
        def answer(asked: Asked) -> Answer:
            if asked.path == "/here":
                place = location.format(url=server.url, host=server.host)
                return Answer(status, b"moved", {"Location": place})
            return echo(asked)

        server = started(StubServer(answer))
        with client.send("GET", f"{server.url}/here") as response:
            assert response.content(LIMIT) == b"GET /there"
            assert response.url == f"{server.url}/there"

    def test_authorization_stays_at_its_origin(self, started: Started, client: HttpClient) -> None:
        other = started(StubServer(lambda asked: Answer(302, headers={"Location": f"{own.url}/back"})))
        own = started(
            StubServer(
                lambda asked: (
                    Answer(307, headers={"Location": f"{other.url}/?sig=1"}) if asked.path == "/here" else echo(asked)
                )
            )
        )

        def authorization(url: str) -> str | None:
            return "Bearer secret" if url.startswith(own.url) else None

        with client.send("GET", f"{own.url}/here", authorization=authorization) as response:
            assert response.content(LIMIT) == b"GET /back"
        assert [asked.headers.get("authorization") for asked in own.requests] == ["Bearer secret"] * 2
        assert [asked.headers.get("authorization") for asked in other.requests] == [None]

    @pytest.mark.parametrize("status", [301, 302, 303])
    def test_posts_do_not_become_gets(self, started: Started, client: HttpClient, status: int) -> None:
        server = started(StubServer(lambda asked: Answer(status, headers={"Location": "/there"})))
        with client.send("POST", f"{server.url}/here", body=Body.of(b"x")) as response:
            assert response.status == status
        assert len(server.requests) == 1

    @pytest.mark.parametrize("status", [307, 308])
    def test_body_is_sent_again(self, started: Started, client: HttpClient, status: int) -> None:
        def answer(asked: Asked) -> Answer:
            return Answer(status, headers={"Location": "/there"}) if asked.path == "/here" else Answer(201)

        server = started(StubServer(answer))
        with client.send("PUT", f"{server.url}/here", body=Body(6, lambda: iter([b"abc", b"def"]))) as response:
            assert response.status == 201
        assert [asked.body for asked in server.requests] == [b"abcdef", b"abcdef"]

    def test_circle(self, started: Started, client: HttpClient) -> None:
        server = started(StubServer(lambda asked: Answer(302, headers={"Location": f"/?secret={asked.number}"})))
        with pytest.raises(HttpError, match="redirects without end") as caught:
            client.send("GET", f"{server.url}/")
        assert "secret" not in str(caught.value)
        assert len(server.requests) <= 20

    @pytest.mark.parametrize("location", ["ftp://example.org/", "file:///etc/passwd", "https://[broken/"])
    def test_to_nowhere(self, started: Started, client: HttpClient, location: str) -> None:
        server = started(StubServer(lambda asked: Answer(302, headers={"Location": location})))
        with pytest.raises(HttpError) as caught:
            client.send("GET", f"{server.url}/")
        assert caught.value.cause is Cause.ADDRESS

    def test_without_location(self, started: Started, client: HttpClient) -> None:
        server = started(StubServer(lambda asked: Answer(302)))
        with client.send("GET", f"{server.url}/") as response:
            assert response.status == 302

    def test_not_out_of_tls(self, started: Started, certified: Certified, options: RegistryOptions) -> None:
        plain = started(StubServer(echo))
        safe = started(
            StubServer(
                lambda asked: Answer(302, headers={"Location": f"{plain.url}/?secret=1"}), certified.server_context()
            )
        )
        trusting = options.with_fields(ca_bundle=certified.certificate)
        with pytest.raises(HttpError, match="not encrypted") as caught:
            HttpClient(trusting).send("GET", safe.url)
        assert "secret" not in str(caught.value)
        assert plain.requests == []


class TestTls:
    def test_untrusted(self, started: Started, certified: Certified, client: HttpClient) -> None:
        server = started(StubServer(echo, certified.server_context()))
        with pytest.raises(HttpError) as caught:
            client.send("GET", server.url)
        assert (caught.value.cause, caught.value.transient) == (Cause.CERTIFICATE, False)
        assert server.requests == []

    @pytest.mark.parametrize("kind", ["file", "folder"])
    def test_own_certificates(
        self, started: Started, certified: Certified, options: RegistryOptions, tmp_path: Path, kind: str
    ) -> None:
        bundle = certified.certificate
        if kind == "folder":
            bundle = tmp_path / "hashed"
            bundle.mkdir()
            name = _subject_hash("localhost")
            (bundle / f"{name}.0").write_bytes(certified.certificate.read_bytes())
        server = started(StubServer(echo, certified.server_context()))
        with HttpClient(options.with_fields(ca_bundle=bundle)).send("GET", f"{server.url}/x") as response:
            assert response.content(LIMIT) == b"GET /x"

    def test_insecure(self, started: Started, certified: Certified, options: RegistryOptions) -> None:
        server = started(StubServer(echo, certified.server_context()))
        with HttpClient(options.with_fields(insecure=True)).send("GET", f"{server.url}/x") as response:
            assert response.content(LIMIT) == b"GET /x"

    def test_wrong_name(self, started: Started, tmp_path: Path, options: RegistryOptions) -> None:
        certified = self_signed(tmp_path / "other", "example.org")
        server = started(StubServer(echo, certified.server_context()))
        with pytest.raises(HttpError, match="cannot be trusted"):
            HttpClient(options.with_fields(ca_bundle=certified.certificate)).send("GET", server.url)

    @pytest.mark.parametrize("content", [None, "nonsense"])
    def test_bad_bundle(self, tmp_path: Path, options: RegistryOptions, content: str | None) -> None:
        bundle = tmp_path / "bundle.pem"
        if content is not None:
            bundle.write_text(content)
        with pytest.raises(HttpError, match=r"bundle\.pem"):
            HttpClient(options.with_fields(ca_bundle=bundle)).send("GET", "https://localhost:9/")

    @pytest.mark.parametrize("place", ["ca_bundle", "SSL_CERT_FILE", "host"])
    def test_pipes_are_not_waited_for(
        self, tmp_path: Path, options: RegistryOptions, monkeypatch: pytest.MonkeyPatch, place: str
    ) -> None:
        os.mkfifo(pipe := tmp_path / "pipe.pem")
        if place == "ca_bundle":
            options = options.with_fields(ca_bundle=pipe)
        if place == "SSL_CERT_FILE":
            monkeypatch.setenv("SSL_CERT_FILE", str(pipe))
        own = HostCertificates((pipe,)) if place == "host" else None
        with pytest.raises(HttpError, match=r"pipe\.pem: not a regular file") as caught:
            HttpClient(options, lambda host: own).send("GET", "https://localhost:9/")
        assert caught.value.cause is Cause.CERTIFICATE_FILE


def _subject_hash(name: str) -> str:
    """The name that OpenSSL looks for the certificate of a common name under, in a folder of them."""
    attribute = b"\x06\x03\x55\x04\x03\x0c" + bytes([len(name)]) + name.encode()
    canonical = bytes([0x31, len(attribute) + 2, 0x30, len(attribute)]) + attribute
    return hashlib.sha1(canonical).digest()[:4][::-1].hex()


class TestBodies:
    def test_pieces(self, started: Started, client: HttpClient) -> None:
        server = started(StubServer(echo))
        with client.send("PUT", server.url, body=Body(300_000, lambda: (b"x" * 1000 for _ in range(300)))) as response:
            assert response.status == 200
        assert server.requests[0].body == b"x" * 300_000
        assert "transfer-encoding" not in server.requests[0].headers

    def test_connections_are_used_again(self, started: Started, client: HttpClient) -> None:
        server = started(StubServer(lambda asked: Answer(404, b"no") if asked.number % 2 else Answer(200, b"yes")))
        for _ in range(6):
            response = client.send("GET", server.url)
            response.discard()
        with client.send("HEAD", server.url) as response:
            response.error_content()
        client.send("POST", server.url, body=Body.of(b"")).discard()
        assert len(server._connections) == 1

    def test_too_long(self, started: Started, client: HttpClient) -> None:
        server = started(StubServer(lambda asked: Answer(200, b"x" * 1000)))
        with client.send("GET", server.url) as response, pytest.raises(HttpError, match="more than 999"):
            response.content(999)

    def test_cut(self, started: Started, client: HttpClient) -> None:
        server = started(StubServer(lambda asked: Answer(200, b"x" * 1000, announced=2000)))
        with client.send("GET", server.url) as response, pytest.raises(HttpError, match="too early"):
            response.content(LIMIT)

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"\x15\x03\x01",
            b"HTTP/1.1 200",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1",
            b"HTTP/1.1 204 None\r\nA: b\r\n",
            b"nonsense\r\n\r\n",
            b"HTTP/1.1 abc OK\r\n\r\n",
        ],
    )
    def test_no_answer(self, started: Started, client: HttpClient, raw: bytes) -> None:
        server = started(StubServer(lambda asked: Answer(raw=raw)))
        with pytest.raises(HttpError, match=server.host):
            client.send("GET", server.url)

    def test_silence(self, started: Started, options: RegistryOptions) -> None:
        given_up = threading.Event()

        def late(asked: Asked) -> Answer:
            given_up.wait()
            return echo(asked)

        server = started(StubServer(late))
        try:
            with pytest.raises(HttpError, match="did not answer in time"):
                HttpClient(options.with_fields(read_timeout=0.2, attempts=2)).send("GET", server.url)
        finally:
            given_up.set()

    def test_error_in_the_body_comes_through(self, started: Started, client: HttpClient) -> None:
        def pieces() -> Any:
            yield b"x"
            raise KeyError("source")

        server = started(StubServer(echo))
        with pytest.raises(KeyError):
            client.send("PUT", server.url, body=Body(2, pieces))


class TestLogs:
    def test_queries_stay_out(self, started: Started, client: HttpClient, caplog: pytest.LogCaptureFixture) -> None:
        def answer(asked: Asked) -> Answer:
            return Answer(302, headers={"Location": "/blob?signature=s3cret"}) if asked.path == "/" else echo(asked)

        server = started(StubServer(answer))
        with caplog.at_level(logging.DEBUG):
            with client.send("GET", f"{server.url}/?t0ken", authorization=lambda url: "Bearer b3arer") as response:
                response.content(LIMIT)
            assert "/blob" in caplog.text
            for secret in ("s3cret", "t0ken", "b3arer"):
                assert secret not in caplog.text


class TestProxies:
    @pytest.mark.parametrize(
        ("url", "environ", "expected"),
        [
            ("https://example.org/", {}, None),
            ("https://example.org/", {"https_proxy": "http://proxy:3128"}, "http://proxy:3128"),
            ("https://example.org/", {"HTTPS_PROXY": "proxy:3128"}, "http://proxy:3128"),
            ("http://example.org/", {"https_proxy": "http://proxy:3128"}, None),
            ("http://example.org/", {"all_proxy": "http://proxy:3128"}, "http://proxy:3128"),
            ("https://example.org/", {"https_proxy": "http://proxy:3128", "no_proxy": "example.org"}, None),
            ("https://a.example.org/", {"https_proxy": "http://proxy:3128", "no_proxy": ".example.org"}, None),
            ("https://example.org/", {"https_proxy": "http://proxy:3128", "no_proxy": "*"}, None),
            ("http://localhost:5000/", {"http_proxy": "http://proxy:3128"}, None),
            ("http://127.0.0.1:5000/", {"http_proxy": "http://proxy:3128"}, None),
        ],
    )
    def test_which(self, url: str, environ: dict[str, str], expected: str | None) -> None:
        assert proxy_for(url, environ) == expected

    def test_of_this_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("https_proxy", "http://proxy:3128")
        assert proxy_for("https://example.org/", os.environ) == "http://proxy:3128"

    def test_used(self, started: Started, options: RegistryOptions) -> None:
        proxy = started(StubServer(lambda asked: Answer(200, b"by proxy")))
        environ = {"http_proxy": f"http://me:pr0xy@localhost:{proxy.port}"}
        with HttpClient(options.with_fields(environ=environ)).send("GET", "http://example.org/x?y") as response:
            assert response.content(LIMIT) == b"by proxy"
        assert proxy.requests[0].headers["host"] == "example.org"
        assert proxy.requests[0].headers["proxy-authorization"].startswith("Basic ")

    def test_broken(self, options: RegistryOptions) -> None:
        environ = {"https_proxy": "http://me:pr0xy@localhost:9"}
        with pytest.raises(HttpError, match="through the proxy") as caught:
            HttpClient(options.with_fields(environ=environ)).send("GET", "https://example.org/")
        assert "pr0xy" not in str(caught.value)


def test_address_that_is_none(client: HttpClient) -> None:
    for url in ("http://" + "a" * 70 + ".example.org/", "http://exa mple/", "http://h:99999/"):
        with pytest.raises(HttpError):
            client.send("GET", url)


def test_spaces_in_paths_are_encoded(started: Started, client: HttpClient) -> None:
    server = started(StubServer(echo))
    with client.send("GET", f"{server.url}/my channel/x") as response:
        assert response.content(LIMIT) == b"GET /my%20channel/x"


def test_names_itself(started: Started, client: HttpClient) -> None:
    server = started(StubServer(echo))
    client.send("GET", server.url).discard()
    assert server.requests[0].headers["user-agent"].startswith("conda-docker/")
    assert server.requests[0].headers["accept-encoding"] == "identity"
