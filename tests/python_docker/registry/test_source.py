"""Images in a registry, as a source."""

from __future__ import annotations

import pytest

from python_docker import open_image, write_image
from python_docker.errors import AccessDenied, ContentMismatch, NotFoundInRegistry
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.destination import RegistryDestination
from python_docker.registry.source import RegistrySource
from python_docker.spec.digest_tags import SIGNATURES, SUFFIXES, digest_tag
from python_docker.transports.location import Location
from tests.python_docker.registry.contents import small_image
from tests.python_docker.registry.pushing import push
from tests.python_docker.registry.stub_registry import StubRegistry, refusal


def test_image(stub: StubRegistry, options: RegistryOptions) -> None:
    manifest = push(stub, small_image("x"), options)
    image = open_image(f"docker://{stub.host}/team/app:v1", registry=options)
    assert image.digest == manifest.digest
    assert (image.name, image.tag) == (f"{stub.host}/team/app", "v1")
    # The source was closed, its blobs are usable.
    assert len(image.list_files()) == 3


def test_digest_wins_over_tag(stub: StubRegistry, options: RegistryOptions) -> None:
    manifest = push(stub, small_image("x"), options)
    push(stub, small_image("x", seed=1), options)
    image = open_image(f"docker://{stub.host}/team/app:v1@{manifest.digest}", registry=options)
    assert image.digest == manifest.digest


def test_child_of_another_size(stub: StubRegistry, options: RegistryOptions) -> None:
    manifest = push(stub, small_image("x"), options)
    source = RegistrySource.open(Location.parse(f"docker://{stub.host}/team/app:v1"), options)
    with pytest.raises(ContentMismatch, match="bytes instead of"):
        source.child(manifest.descriptor.replace(size=5))


def test_a_blob_is_asked_for_and_not_read(stub: StubRegistry, options: RegistryOptions) -> None:
    layer = push(stub, small_image("x"), options).layers[0]
    source = RegistrySource.open(Location.parse(f"docker://{stub.host}/team/app:v1"), options)
    source.check_blob(layer)
    with pytest.raises(ContentMismatch, match="bytes instead of 5"):
        source.check_blob(layer.replace(size=5))
    del stub.blobs["team/app", layer.digest]
    with pytest.raises(NotFoundInRegistry):
        source.check_blob(layer)


def test_config_that_is_missing(stub: StubRegistry, options: RegistryOptions) -> None:
    manifest = push(stub, small_image("x"), options)
    del stub.blobs["team/app", manifest.config.digest]
    with pytest.raises(NotFoundInRegistry):
        open_image(f"docker://{stub.host}/team/app:v1", registry=options)


def test_in_place_of_docker_hub(stub: StubRegistry, options: RegistryOptions) -> None:
    """Names are looked for as they were typed, then as Docker Hub has them."""
    push(stub, small_image("x"), options, "library/both:v1")
    push(stub, small_image("x", seed=1), options, "both:v1")
    push(stub, small_image("x", seed=2), options, "library/hubs:v1")
    instead = options.with_fields(docker_hub=stub.url)
    assert open_image("docker://both:v1", registry=instead).config["Env"] == ["SEED=1"]
    assert open_image("docker://hubs:v1", registry=instead).config["Env"] == ["SEED=2"]
    write_image(small_image("x", seed=3), "docker://new:v1", registry=instead)
    assert ("new", "v1") in stub.manifests
    with pytest.raises(NotFoundInRegistry):
        open_image("docker://neither:v1", registry=instead)


def test_a_blob_is_where_the_image_was_found(stub: StubRegistry, options: RegistryOptions) -> None:
    layer = push(stub, small_image("x"), options, "library/hubs:v1").layers[0]
    source = RegistrySource.open(
        Location.parse(f"docker://{stub.host}/hubs:v1"), options.with_fields(docker_hub=stub.url)
    )
    with source.blob(layer).open() as file:
        assert len(file.read()) == layer.size
    source.close()


def test_a_name_that_says_docker_hub_is_looked_up_there(
    stub: StubRegistry, options: RegistryOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDA_DOCKER_REGISTRY_URL", stub.url)
    for opened in (RegistrySource.open, RegistryDestination.open):
        place = opened(Location.parse("docker://docker.io/team/app:v1"), options=RegistryOptions.from_environment())
        assert place._client.address.is_docker_hub


def test_options_of_the_environment(stub: StubRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDA_DOCKER_REGISTRY_URL", stub.url)
    write_image(small_image("x", layers=1), "docker://team/app:v1")
    assert open_image("docker://team/app:v1").config["Env"] == ["SEED=0"]


def test_what_is_looked_for_ahead_is_asked_for_once(stub: StubRegistry, options: RegistryOptions) -> None:
    stub.knows_referrers = True
    image = push(stub, small_image("x"), options)
    signature = push(stub, small_image("y", seed=1), options, f"team/app:{digest_tag(image.digest, SIGNATURES)}")
    source = RegistrySource.open(Location.parse(f"docker://{stub.host}/team/app:v1"), options)
    before = len(stub.requests)
    for _ in range(2):
        source.look_ahead(image.digest)
    assert source.referrers(image.digest) == ()
    found = {suffix: source.tagged(digest_tag(image.digest, suffix)) for suffix in SUFFIXES}
    assert {suffix: manifest.digest for suffix, manifest in found.items() if manifest} == {SIGNATURES: signature.digest}
    assert len(stub.requests) == before + 1 + 1 + len(SUFFIXES)  # the version, the list, a tag for each kind
    source.close()


def test_what_fails_ahead_is_raised_where_it_is_needed(stub: StubRegistry, options: RegistryOptions) -> None:
    image = push(stub, small_image("x"), options)
    source = RegistrySource.open(Location.parse(f"docker://{stub.host}/team/app:v1"), options)
    stub.hook = lambda asked: refusal(403, "DENIED") if "/referrers/" in asked.path else None
    source.look_ahead(image.digest)
    assert source.root().digest == image.digest
    with pytest.raises(AccessDenied):
        source.referrers(image.digest)
    source.close()
