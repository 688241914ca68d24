"""What programs for python-docker 0.2 call on a `Registry`."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable

import pytest

from python_docker.errors import AccessDenied, ContentMismatch, NotFoundInRegistry
from python_docker.registry import Registry
from tests import peers
from tests.python_docker.registry.contents import small_image
from tests.python_docker.registry.stub_registry import StubRegistry, sha256
from tests.python_docker.registry.stub_server import Answer, Asked
from tests.python_docker.registry.token_server import TokenServer

ALICE = ("alice", "wonder:land")


@pytest.fixture
def registry(stub: StubRegistry) -> Registry:
    return Registry(stub.url)


def test_a_whole_push_by_hand(registry: Registry, stub: StubRegistry) -> None:
    image = small_image("team/app")
    manifest = image.manifest
    for layer in image.layers:
        content = layer.blob.read()
        registry.upload_blob("team/app", content, hashlib.sha256(content).hexdigest())
    config = image.config_blob.read()
    registry.upload_manifest(
        "team/app",
        "v1",
        {
            "config": (config, hashlib.sha256(config).hexdigest()),
            "manifest": (manifest.raw, hashlib.sha256(manifest.raw).hexdigest()),
        },
    )
    assert registry.pull_image("team/app", "v1").digest == image.digest


def test_a_config_that_is_there_is_not_sent_again(registry: Registry, stub: StubRegistry) -> None:
    image = small_image("team/app")
    manifest, config = image.manifest, image.config_blob.read()
    parts = {"config": (config, sha256(config)[7:]), "manifest": (manifest.raw, manifest.digest.encoded)}
    stub.blobs["team/app", sha256(config)] = config
    registry.upload_manifest("team/app", "v1", parts)
    assert stub.manifests["team/app", "v1"][1] == manifest.raw
    assert not stub.asked("POST")


def test_begin_upload(registry: Registry, stub: StubRegistry) -> None:
    path, query = registry.begin_upload("team/app")
    query["digest"] = [sha256(b"content")]
    response = registry.request(path, method="PUT", data=b"content", params=query, image="team/app", action="push")
    assert response.status_code == 201
    assert stub.blobs["team/app", sha256(b"content")] == b"content"


def test_content_that_does_not_match_is_not_sent(registry: Registry, stub: StubRegistry) -> None:
    with pytest.raises(ContentMismatch):
        registry.upload_blob("team/app", b"content", "0" * 64)
    assert stub.asked("POST") == []


class TestRequest:
    def test_json(self, registry: Registry, stub: StubRegistry) -> None:
        stub.hook = lambda asked: Answer(200, b'{"repositories": ["a"]}') if "catalog" in asked.path else None
        response = registry.request("/v2/_catalog", params={"n": 5, "last": "a b"})
        assert (response.ok, response.json()) == (True, {"repositories": ["a"]})
        assert stub.asked("GET", "_catalog")[0].query == {"n": "5", "last": "a b"}
        response.raise_for_status()

    def test_refusal(self, registry: Registry) -> None:
        response = registry.request("/v2/team/app/manifests/gone", headers={"Accept": "*/*"}, image="team/app")
        assert (response.status_code, response.ok) == (404, False)
        assert json.loads(response.text)["errors"][0]["code"] == "MANIFEST_UNKNOWN"
        with pytest.raises(NotFoundInRegistry):
            response.raise_for_status()

    @pytest.mark.parametrize("data", [b"content", "content", io.BytesIO(b"content"), None])
    def test_data(self, registry: Registry, stub: StubRegistry, data: bytes | str | io.BytesIO | None) -> None:
        stub.hook = lambda asked: Answer(204, headers={"X-Mine": "yes"}) if asked.method == "PUT" else None
        response = registry.request("/v2/x", "PUT", {"Content-Type": "text/plain"}, data=data, unknown=True)
        assert response.headers["x-mine"] == "yes"
        assert stub.asked("PUT")[0].body == (b"" if data is None else b"content")
        assert stub.asked("PUT")[0].headers["content-type"] == "text/plain"

    def test_head(self, registry: Registry, stub: StubRegistry) -> None:
        stub.blobs["team/app", sha256(b"x")] = b"x"
        assert registry.request(f"/v2/team/app/blobs/{sha256(b'x')}", method="HEAD").status_code == 200

    def test_logged_in_by_token(self, start_registry: Callable[..., peers.Registry], token_server: TokenServer) -> None:
        server = start_registry(token=token_server.auth)
        registry = Registry(server.url, *ALICE)
        registry.push_image(small_image("team/app"))
        accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
        assert registry.request("/v2/team/app/manifests/v1", headers=accept).status_code == 200
        path, query = registry.begin_upload("team/app")
        assert registry.request(path, "DELETE", params=query).status_code in {202, 204}


class TestAuthentication:
    def test_authenticated(self, registry: Registry) -> None:
        assert registry.authenticated()
        registry.detect_authentication()
        registry.basic_authenticate()
        registry.token_authenticate("team/app", "pull")

    def test_not_authenticated(self, registry: Registry, stub: StubRegistry) -> None:
        def answer(asked: Asked) -> Answer:
            return Answer(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})

        stub.hook = answer
        assert not registry.authenticated()
        with pytest.raises(AccessDenied):
            registry.authenticate()
