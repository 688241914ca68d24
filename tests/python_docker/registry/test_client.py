"""Operations of the protocol against a registry that has every oddity."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from python_docker.errors import (
    AccessDenied,
    ConnectionFailed,
    ContentMismatch,
    Error,
    InvalidDocument,
    NotFoundInRegistry,
    RegistryError,
    TooManyRequests,
    UnsupportedFormat,
)
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.client import ACCEPT_MANIFESTS, RegistryClient
from python_docker.spec.digest import Digest
from python_docker.spec.documents.manifest import Manifest
from tests.python_docker.registry.certificates import self_signed
from tests.python_docker.registry.contents import small_image
from tests.python_docker.registry.stub_registry import StubRegistry, refusal
from tests.python_docker.registry.stub_server import Answer, Asked
from tests.python_docker.registry.tcp_proxy import Fault, TcpProxy

OCI = "application/vnd.oci.image.manifest.v1+json"
SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"


@pytest.fixture
def client(stub: StubRegistry, options: RegistryOptions) -> RegistryClient:
    return RegistryClient(stub.url, options)


@pytest.fixture
def manifest(stub: StubRegistry) -> Manifest:
    """Return a manifest that the stub has as team/app:v1."""
    made = small_image("team/app").manifest
    for reference in ("v1", made.digest):
        stub.manifests["team/app", reference] = (OCI, made.raw)
    return made


def on_manifests(answer: Callable[[Asked], Answer | None]) -> Callable[[Asked], Answer | None]:
    return lambda asked: answer(asked) if "/manifests/" in asked.path else None


class TestManifest:
    def test_by_tag_and_digest(self, client: RegistryClient, manifest: Manifest, stub: StubRegistry) -> None:
        assert client.manifest("team/app", "v1").raw == manifest.raw
        assert client.manifest("team/app", manifest.digest).raw == manifest.raw
        assert client.manifest_digest("team/app", "v1") == manifest.digest
        # One header line: a proxy that keeps but the last of several has registries convert the image.
        assert stub.asked("GET", "manifests")[0].headers["accept"] == ACCEPT_MANIFESTS
        assert ACCEPT_MANIFESTS.count(",") == 3

    def test_wrong_content_for_a_digest(self, client: RegistryClient, manifest: Manifest, stub: StubRegistry) -> None:
        other = small_image("team/app", seed=1).manifest
        stub.manifests["team/app", manifest.digest] = (OCI, other.raw)
        with pytest.raises(ContentMismatch):
            client.manifest("team/app", manifest.digest)

    def test_damage_on_the_way_is_read_again(
        self, client: RegistryClient, manifest: Manifest, stub: StubRegistry
    ) -> None:
        def answer(asked: Asked) -> Answer | None:
            if len(stub.asked("GET", "manifests")) > 2:
                return None
            damaged = manifest.raw.replace(b"layer", b"lazer", 1)
            return Answer(200, damaged, {"Content-Type": OCI, "Docker-Content-Digest": manifest.digest})

        stub.hook = on_manifests(answer)
        assert client.manifest("team/app", "v1").raw == manifest.raw

    def test_without_digest_header(self, client: RegistryClient, manifest: Manifest, stub: StubRegistry) -> None:
        def answer(asked: Asked) -> Answer:
            return Answer(200, manifest.raw, {"Content-Type": OCI})

        stub.hook = on_manifests(answer)
        assert client.manifest("team/app", "v1").raw == manifest.raw
        assert client.manifest_digest("team/app", "v1") == manifest.digest

    def test_head_is_not_known(self, client: RegistryClient, manifest: Manifest, stub: StubRegistry) -> None:
        stub.hook = on_manifests(lambda asked: Answer(405) if asked.method == "HEAD" else None)
        assert client.manifest_digest("team/app", "v1") == manifest.digest

    @pytest.mark.parametrize(
        "media_type", ["application/json", "text/plain; charset=utf-8", f"{OCI}; charset=utf-8", OCI.upper()]
    )
    def test_content_types(
        self, client: RegistryClient, manifest: Manifest, stub: StubRegistry, media_type: str
    ) -> None:
        stub.hook = on_manifests(lambda asked: Answer(200, manifest.raw, {"Content-Type": media_type}))
        assert client.manifest("team/app", "v1").raw == manifest.raw

    def test_contradicting_types(self, client: RegistryClient, manifest: Manifest, stub: StubRegistry) -> None:
        index = "application/vnd.oci.image.index.v1+json"
        stub.hook = on_manifests(lambda asked: Answer(200, manifest.raw, {"Content-Type": index}))
        with pytest.raises(InvalidDocument):
            client.manifest("team/app", "v1")

    def test_schema_1(self, client: RegistryClient, stub: StubRegistry) -> None:
        old = json.dumps({"schemaVersion": 1, "name": "team/app", "tag": "v1", "fsLayers": [], "history": []})
        headers = {"Content-Type": SCHEMA_1, "Docker-Content-Digest": Digest.of(b"its payload")}
        stub.hook = on_manifests(lambda asked: Answer(200, old.encode(), headers))
        with pytest.raises(UnsupportedFormat, match="schema 1"):
            client.manifest("team/app", "v1")
        with pytest.raises(UnsupportedFormat, match="schema 1"):
            client.manifest_digest("team/app", "v1")

    @pytest.mark.parametrize(
        "body",
        [b"", b"<html>log in</html>", b"[]", b'{"a":1', b"{}", b"[" * 100_000, b'"x"', b"\xff", b"x" * (5 << 20)],
    )
    def test_no_manifest(self, client: RegistryClient, stub: StubRegistry, body: bytes) -> None:
        stub.hook = on_manifests(lambda asked: Answer(200, body, {"Content-Type": OCI}))
        with pytest.raises(Error) as caught:
            client.manifest("team/app", "v1")
        assert len(str(caught.value)) < 500

    def test_half_an_answer_is_asked_for_again(
        self, client: RegistryClient, manifest: Manifest, stub: StubRegistry
    ) -> None:
        def answer(asked: Asked) -> Answer | None:
            if len(stub.asked("GET", "manifests")) > 2:
                return None
            return Answer(200, manifest.raw[:100], {"Content-Type": OCI}, announced=len(manifest.raw))

        stub.hook = on_manifests(answer)
        assert client.manifest("team/app", "v1").raw == manifest.raw

    def test_half_an_answer_for_ever(self, client: RegistryClient, stub: StubRegistry) -> None:
        stub.hook = on_manifests(lambda asked: Answer(200, b"{", announced=100))
        with pytest.raises(ConnectionFailed, match="too early"):
            client.manifest("team/app", "v1")
        assert len(stub.asked("GET", "manifests")) == client.options.attempts

    def test_trickle_for_ever(self, stub: StubRegistry, options: RegistryOptions) -> None:
        stub.hook = on_manifests(lambda asked: Answer(200, b" " * 4_000_000, {"Content-Type": OCI}))
        proxy = TcpProxy(stub.port, lambda: Fault(pause=0.02, piece=10))
        try:
            hasty = options.with_fields(read_timeout=0.5, attempts=2)
            with pytest.raises(ConnectionFailed, match=r"too slowly|in time"):
                RegistryClient(proxy.url, hasty).manifest("team/app", "v1")
        finally:
            proxy.stop()


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (400, RegistryError),
            (401, AccessDenied),
            (403, AccessDenied),
            (404, NotFoundInRegistry),
            (405, RegistryError),
            (418, RegistryError),
            (429, TooManyRequests),
            (500, RegistryError),
            (503, RegistryError),
        ],
    )
    @pytest.mark.parametrize(
        "body",
        [
            b'{"errors":[{"code":"DENIED","message":"not you","detail":{"x":1}}]}',
            b'{"errors":[{"code":null}]}',
            b'{"errors":[]}',
            b'{"errors":"x"}',
            b'{"errors":[5]}',
            b"[]",
            b"plain words\r\n\x1b[31m",
            b"<!DOCTYPE html><html><body>log in</body></html>",
            b"\xff\xfe",
            b"x" * 300_000,
            b"",
        ],
    )
    def test_each(
        self, client: RegistryClient, stub: StubRegistry, status: int, kind: type[RegistryError], body: bytes
    ) -> None:
        stub.hook = on_manifests(lambda asked: Answer(status, body))
        with pytest.raises(RegistryError) as caught:
            client.manifest("team/app", "v1")
        message = str(caught.value)
        assert type(caught.value) is kind
        assert caught.value.status == status
        assert f"HTTP {status}" in message
        assert "team/app:v1" in message
        assert stub.host in message
        assert message.isprintable()
        assert "<" not in message
        assert len(message) < 900
        if b"DENIED" in body:
            assert caught.value.codes == ("DENIED",)
            assert "not you" in message
        tries = client.options.attempts if status in {429, 500, 503} else 1
        assert len(stub.asked("GET", "manifests")) == tries

    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
    def test_passing_ones(self, client: RegistryClient, manifest: Manifest, stub: StubRegistry, status: int) -> None:
        stub.hook = on_manifests(lambda asked: Answer(status) if len(stub.asked("GET", "manifests")) < 4 else None)
        assert client.manifest("team/app", "v1").raw == manifest.raw

    def test_redirect_loop(self, client: RegistryClient, stub: StubRegistry) -> None:
        stub.hook = on_manifests(lambda asked: Answer(307, headers={"Location": asked.path}))
        with pytest.raises(RegistryError, match="redirects without end"):
            client.manifest("team/app", "v1")

    def test_login_that_is_not_known(self, client: RegistryClient, stub: StubRegistry) -> None:
        stub.hook = lambda asked: Answer(401, headers={"WWW-Authenticate": "Negotiate, Digest realm=x"})
        with pytest.raises(AccessDenied, match="negotiate, digest"):
            client.manifest("team/app", "v1")

    def test_login_without_a_way(self, client: RegistryClient, stub: StubRegistry) -> None:
        stub.hook = lambda asked: Answer(401)
        with pytest.raises(AccessDenied, match="docker login"):
            client.manifest("team/app", "v1")


class TestRateLimit:
    @pytest.mark.parametrize("after", ["0", "0.01"])
    def test_short_waits_are_kept(
        self, client: RegistryClient, manifest: Manifest, stub: StubRegistry, after: str
    ) -> None:
        def answer(asked: Asked) -> Answer | None:
            first = len(stub.asked("GET", "manifests")) == 1
            return Answer(429, headers={"Retry-After": after}) if first else None

        stub.hook = on_manifests(answer)
        assert client.manifest("team/app", "v1").raw == manifest.raw

    def test_waits_for_seconds(self, client: RegistryClient, manifest: Manifest, stub: StubRegistry) -> None:
        times: list[float] = []

        def answer(asked: Asked) -> Answer | None:
            times.append(time.monotonic())
            return Answer(503, headers={"Retry-After": "1"}) if len(times) == 1 else None

        stub.hook = on_manifests(answer)
        client.manifest("team/app", "v1")
        assert times[1] - times[0] >= 1

    @pytest.mark.parametrize("after", ["3600", "Fri, 31 Dec 2999 23:59:59 GMT"])
    def test_long_waits_are_refusals(self, client: RegistryClient, stub: StubRegistry, after: str) -> None:
        stub.hook = on_manifests(lambda asked: Answer(429, headers={"Retry-After": after}))
        with pytest.raises(TooManyRequests, match="wait") as caught:
            client.manifest("team/app", "v1")
        assert caught.value.retry_after is not None
        assert caught.value.retry_after >= 3600
        assert len(stub.asked("GET", "manifests")) == 1

    @pytest.mark.parametrize("after", ["", "soon", "-5", "Thu, 01 Jan 1970 00:00:00 GMT", "9" * 50])
    def test_odd_waits(self, client: RegistryClient, manifest: Manifest, stub: StubRegistry, after: str) -> None:
        def answer(asked: Asked) -> Answer | None:
            first = len(stub.asked("GET", "manifests")) == 1
            return Answer(429, headers={"Retry-After": after}) if first else None

        stub.hook = on_manifests(answer)
        assert client.manifest("team/app", "v1").raw == manifest.raw

    def test_pull_limit_of_docker_hub(self, client: RegistryClient, stub: StubRegistry) -> None:
        text = "You have reached your pull rate limit. You may increase the limit by authenticating and upgrading"
        stub.hook = on_manifests(lambda asked: refusal(429, "TOOMANYREQUESTS", text))
        with pytest.raises(TooManyRequests, match="pull rate limit"):
            client.manifest("team/app", "v1")
        assert len(stub.asked("GET", "manifests")) == 1

    def test_advice_for_docker_hub(self, stub: StubRegistry, options: RegistryOptions) -> None:
        from python_docker.http.client import HttpClient
        from python_docker.registry.refusal import refusal_error

        stub.hook = lambda asked: Answer(429, headers={"ratelimit-remaining": "0;w=21600"})
        with HttpClient(options).send("GET", stub.url) as response:
            error = refusal_error(response, "read it", docker_hub=True, hide=str)
        assert "docker login" in str(error)


class TestFirstContact:
    @pytest.mark.parametrize("status", [200, 403, 404])
    def test_ping_may_be_refused(
        self, client: RegistryClient, manifest: Manifest, stub: StubRegistry, status: int
    ) -> None:
        stub.hook = lambda asked: Answer(status) if asked.path == "/v2/" else None
        assert client.manifest("team/app", "v1").raw == manifest.raw
        assert len(stub.asked("GET", "/v2/")) == 2

    def test_broken(self, client: RegistryClient, stub: StubRegistry) -> None:
        stub.hook = lambda asked: Answer(500)
        with pytest.raises(RegistryError, match="cannot connect"):
            client.manifest("team/app", "v1")

    def test_tls_on_loopback_is_found(self, tmp_path: Path, options: RegistryOptions) -> None:
        certified = self_signed(tmp_path)
        stub = StubRegistry(tls=certified.server_context())
        try:
            client = RegistryClient(stub.host, options.with_fields(ca_bundle=certified.certificate, attempts=2))
            assert list(client.tags("team/app")) == [[]]
            assert client.session.base_url.startswith("https://")
            with pytest.raises(ConnectionFailed, match="cannot be trusted"):
                list(RegistryClient(stub.host, options.with_fields(attempts=2)).tags("team/app"))
        finally:
            stub.stop()

    def test_plain_http_when_insecure(
        self, stub: StubRegistry, options: RegistryOptions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # A name that is this machine but does not say so.
        monkeypatch.setattr("python_docker.registry.contact.is_loopback", lambda host: False)
        with pytest.raises(ConnectionFailed, match="did not answer with TLS"):
            list(RegistryClient(stub.host, options).tags("team/app"))
        assert stub.requests == []
        assert list(RegistryClient(stub.host, options.with_fields(insecure=True)).tags("team/app")) == [[]]

    def test_redirect_to_tls(self, tmp_path: Path, stub: StubRegistry, options: RegistryOptions) -> None:
        certified = self_signed(tmp_path)
        safe = StubRegistry(tls=certified.server_context())
        stub.hook = lambda asked: Answer(301, headers={"Location": f"{safe.url}{asked.path}"})
        try:
            trusting = options.with_fields(ca_bundle=certified.certificate, username="alice", password="x")
            assert list(RegistryClient(stub.url, trusting).tags("team/app")) == [[]]
            assert len(stub.requests) == 1
            assert "authorization" in safe.asked("GET", "tags")[0].headers
        finally:
            safe.stop()

    def test_prefix(self, stub: StubRegistry, options: RegistryOptions, manifest: Manifest) -> None:
        def answer(asked: Asked) -> Answer:
            assert asked.path.startswith("/docker/v2/")
            return stub.default(Asked(asked.method, asked.path.removeprefix("/docker"), {}, {}, b"", 0))

        stub.hook = answer
        client = RegistryClient(f"{stub.url}/docker", options)
        assert client.manifest("team/app", "v1").raw == manifest.raw


def test_warnings_are_told_once(
    client: RegistryClient, manifest: Manifest, stub: StubRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    warnings = [("Warning", '299 - "This repository is \\"old\\""'), ("Warning", "nonsense"), ("Warning", '299 - ""')]

    def answer(asked: Asked) -> Answer:
        return Answer(200, manifest.raw, [("Content-Type", OCI), *warnings])

    stub.hook = on_manifests(answer)
    for _ in range(3):
        client.manifest("team/app", "v1")
    assert [record.getMessage() for record in caplog.records] == [f'{stub.host} warns: This repository is "old"']


@pytest.mark.parametrize("status", [403, 405, 501])
def test_who_may_push_may_not_always_ask(stub: StubRegistry, options: RegistryOptions, status: int) -> None:
    client = RegistryClient(stub.url, options.with_fields(attempts=1))
    stub.hook = lambda asked: Answer(status) if asked.method == "HEAD" else None
    digest = Digest.of(b"x")
    assert not client.has_blob("team/app", digest, to_push=True)
    with pytest.raises(RegistryError, match="cannot find blob"):
        client.has_blob("team/app", digest)


def test_a_push_without_a_login_is_called_one(stub: StubRegistry, client: RegistryClient) -> None:
    stub.hook = lambda asked: refusal(401, "UNAUTHORIZED")
    with pytest.raises(AccessDenied, match="cannot push to team/app: access is denied"):
        client.has_blob("team/app", Digest.of(b"x"), to_push=True)


class TestStored:
    @pytest.mark.parametrize("reference", ["v2", "its digest"])
    def test_another_manifest_than_was_sent(
        self, client: RegistryClient, manifest: Manifest, stub: StubRegistry, reference: str
    ) -> None:
        stated = f"sha256:{'1' * 64}"
        stub.manifests.clear()
        stub.hook = lambda asked: Answer(201, headers={"Docker-Content-Digest": stated}) if asked.body else None
        with pytest.raises(ContentMismatch, match=f"as {stated}, and has no {manifest.digest}"):
            client.put_manifest("team/app", reference.replace("its digest", str(manifest.digest)), manifest)

    @pytest.mark.parametrize("stated", [f"sha256:{'1' * 64}", "sha512:abc", "sha256:", ""])
    def test_nonsense_of_what_is_there(
        self, client: RegistryClient, manifest: Manifest, stub: StubRegistry, stated: str
    ) -> None:
        stub.hook = lambda asked: Answer(201, headers={"Docker-Content-Digest": stated}) if asked.body else None
        assert client.put_manifest("team/app", "v1", manifest).status == 201


def test_delete(client: RegistryClient, manifest: Manifest, stub: StubRegistry) -> None:
    client.delete_manifest("team/app", manifest.digest)
    with pytest.raises(NotFoundInRegistry):
        client.delete_manifest("team/app", manifest.digest)


def test_scope_of_a_challenge_is_asked_for(stub: StubRegistry, options: RegistryOptions) -> None:
    """Some registries want `*` to delete, and say so when they are asked with less."""
    digest = Digest.of(b"x")

    def answer(asked: Asked) -> Answer | None:
        if asked.path == "/token":
            return Answer(200, json.dumps({"token": asked.raw_query.replace("&", ";")}).encode())
        if "%2A" in asked.headers.get("authorization", ""):
            return Answer(202)
        scope = ',scope="repository:team/app:*"' if asked.method == "DELETE" else ""
        challenge = f'Bearer realm="{stub.url}/token",service="s"{scope},error="insufficient_scope"'
        return Answer(401, headers={"WWW-Authenticate": challenge})

    stub.hook = answer
    client = RegistryClient(stub.url, options)
    client.delete_manifest("team/app", digest)
    client.delete_manifest("team/app", digest)
    assert len(stub.asked("DELETE")) == 3
