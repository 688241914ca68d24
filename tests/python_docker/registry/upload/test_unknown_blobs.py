"""A registry that says that it has blobs, or has mounted them, and does not know them when a manifest names them."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import BinaryIO

import pytest

from python_docker.copying.copy import put_image
from python_docker.errors import NotFound, RegistryError
from python_docker.image import Image
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.client import RegistryClient
from python_docker.registry.destination import RegistryDestination
from tests.python_docker.registry.contents import Tally, random_blob, small_image
from tests.python_docker.registry.stub_registry import StubRegistry, refusal
from tests.python_docker.registry.stub_server import Answer, Asked


@pytest.fixture
def client(stub: StubRegistry, options: RegistryOptions) -> RegistryClient:
    return RegistryClient(stub.url, options)


def forget(stub: StubRegistry) -> None:
    """Have the registry say of each blob that it has it, and accept only manifests whose blobs it really has."""

    def answer(asked: Asked) -> Answer | None:
        if asked.method == "HEAD" and "/blobs/" in asked.path:
            return Answer(200)
        if "mount" in asked.query:
            return Answer(201)
        if asked.method == "PUT" and "/manifests/" in asked.path:
            value = json.loads(asked.body)
            path = asked.path.removeprefix("/v2/").partition("/manifests/")[0]
            if any((path, each["digest"]) not in stub.blobs for each in (*value["layers"], value["config"])):
                return refusal(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry")
        return None

    stub.hook = answer


def push(client: RegistryClient, image: Image) -> None:
    destination = RegistryDestination(client, "team/app", "v1")
    put_image(image, destination)
    destination.commit()


def test_what_it_claims_to_have_is_uploaded_then(
    stub: StubRegistry, client: RegistryClient, caplog: pytest.LogCaptureFixture
) -> None:
    forget(stub)
    image = small_image("x", layers=2)
    push(client, image)
    assert {digest for _, digest in stub.blobs} == {layer.digest for layer in image.layers} | {
        image.config_blob.descriptor.digest
    }
    assert ("team/app", "v1") in stub.manifests
    [warning] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "said that it has 3 blobs of team/app" in warning.getMessage()


def test_what_it_claims_to_have_mounted_is_uploaded_then(stub: StubRegistry, client: RegistryClient) -> None:
    forget(stub)
    content, blob = random_blob(1000)
    image = small_image("x", layers=1)
    destination = RegistryDestination(client, "team/app", "v1")
    assert destination.put_blob(replace(blob, origin=f"{client.domain}/team/base"), Tally()) == "mounted"
    put_image(image, destination)
    named = image.manifest.value()
    named["layers"].append(blob.descriptor.to_json())
    destination.put_manifest(type(image.manifest).build(named), root=True)
    destination.commit()
    assert stub.blobs["team/app", blob.descriptor.digest] == content


def test_what_was_sent_is_not_sent_again(stub: StubRegistry, client: RegistryClient) -> None:
    stub.hook = lambda asked: refusal(400, "MANIFEST_BLOB_UNKNOWN") if asked.path.endswith("/manifests/v1") else None
    with pytest.raises(RegistryError, match="MANIFEST_BLOB_UNKNOWN"):
        push(client, small_image("x", layers=1))
    assert len(stub.asked("PUT", "/blobs/")) == 2


def test_blobs_that_do_not_help_are_named(stub: StubRegistry, client: RegistryClient) -> None:
    forget(stub)
    image = small_image("x", layers=1)
    before = stub.hook
    stub.hook = lambda asked: (
        refusal(400, "MANIFEST_BLOB_UNKNOWN") if asked.path.endswith("/manifests/v1") else before(asked)
    )
    with pytest.raises(RegistryError, match="uploading them has not helped; restart the registry") as raised:
        push(client, image)
    assert image.layers[0].digest in str(raised.value)


def test_blobs_that_cannot_be_read_are_named(stub: StubRegistry, client: RegistryClient) -> None:
    forget(stub)

    def gone() -> BinaryIO:
        raise NotFound("it is gone")

    image = small_image("x", layers=1)
    destination = RegistryDestination(client, "team/app", "v1")
    layer = image.layers[0].blob
    destination.put_blob(replace(layer, opener=gone, file=None), Tally())
    put_image(image, destination)
    with pytest.raises(
        RegistryError, match=f"{layer.descriptor.digest}.*they cannot be uploaded: it is gone"
    ) as raised:
        destination.commit()
    assert raised.value.codes == ("MANIFEST_BLOB_UNKNOWN",)
