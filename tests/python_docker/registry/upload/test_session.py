"""Where a registry wants the content of a blob: only at a place that is safe."""

from __future__ import annotations

import pytest

from python_docker.errors import RegistryError
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.client import RegistryClient
from python_docker.registry.upload.session import Session, mount_blob, start_upload
from tests.python_docker.registry.contents import random_blob
from tests.python_docker.registry.stub_registry import StubRegistry, refusal
from tests.python_docker.registry.stub_server import Answer, Asked

CONTENT, BLOB = random_blob(100)
DIGEST = BLOB.descriptor.digest


@pytest.fixture
def client(stub: StubRegistry, options: RegistryOptions) -> RegistryClient:
    return RegistryClient(stub.url, options)


def begins(stub: StubRegistry, answer: Answer) -> None:
    """Let uploads begin with this answer."""
    stub.hook = lambda asked: answer if asked.method == "POST" else None


def test_an_upload_goes_on_where_the_registry_says(client: RegistryClient, stub: StubRegistry) -> None:
    begins(stub, Answer(202, headers={"Location": "/elsewhere?a=b", "OCI-Chunk-Min-Length": "5000"}))
    assert start_upload(client, "team/app") == Session(f"{stub.url}/elsewhere?a=b", 5000)


def test_a_location_that_got_lost_is_made_of_the_uploads_name(client: RegistryClient, stub: StubRegistry) -> None:
    begins(stub, Answer(202, headers={"Docker-Upload-UUID": "abc-1"}))
    assert start_upload(client, "team/app").url == f"{stub.url}/v2/team/app/blobs/uploads/abc-1"


@pytest.mark.parametrize("headers", [{}, {"Docker-Upload-UUID": "../../etc"}])
def test_an_upload_without_a_place(client: RegistryClient, stub: StubRegistry, headers: dict[str, str]) -> None:
    begins(stub, Answer(202, headers=headers))
    with pytest.raises(RegistryError, match=r"without saying where .* a proxy in between"):
        start_upload(client, "team/app")


def test_a_place_that_is_not_a_url(client: RegistryClient, stub: StubRegistry) -> None:
    begins(stub, Answer(202, headers={"Location": "http://[broken/"}))
    with pytest.raises(RegistryError, match="an address that cannot be used"):
        start_upload(client, "team/app")


def test_a_blob_is_mounted(client: RegistryClient, stub: StubRegistry) -> None:
    stub.blobs["team/base", DIGEST] = CONTENT
    assert mount_blob(client, "team/app", DIGEST, "team/base") is True
    assert stub.blobs["team/app", DIGEST] == CONTENT


@pytest.mark.parametrize("answer", [Answer(raw=b""), Answer(500), refusal(429, "TOOMANYREQUESTS")])
def test_a_mount_that_fails_is_tried_once_and_is_the_last(
    client: RegistryClient, stub: StubRegistry, answer: Answer
) -> None:
    begins(stub, answer)
    assert mount_blob(client, "team/app", DIGEST, "team/base") is False
    assert len([asked for asked in stub.requests if "mount" in asked.query]) == 1
    assert not client.upload_limits.mounts


def test_a_registry_that_refuses_a_mount_may_be_asked_for_another(client: RegistryClient, stub: StubRegistry) -> None:
    begins(stub, refusal(403, "DENIED"))
    assert mount_blob(client, "team/app", DIGEST, "team/base") is False
    assert client.upload_limits.mounts


def test_a_registry_that_does_not_mount_begins_an_upload(client: RegistryClient, stub: StubRegistry) -> None:
    assert isinstance(mount_blob(client, "team/app", DIGEST, "team/base"), Session)


def test_a_registry_that_refuses_to_mount_is_asked_no_more(client: RegistryClient, stub: StubRegistry) -> None:
    def refuse(asked: Asked) -> Answer | None:
        return refusal(405, "UNSUPPORTED") if asked.method == "POST" else None

    stub.hook = refuse
    assert mount_blob(client, "team/app", DIGEST, "team/base") is False
