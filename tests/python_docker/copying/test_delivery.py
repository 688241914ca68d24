"""Images on their way to several places, which appear there when all has arrived."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from python_docker import Image, interruption
from python_docker.copying.copy import send_image
from python_docker.copying.delivery import Delivery
from python_docker.copying.transfer import Transfer
from python_docker.errors import AccessDenied, ConnectionFailed, InvalidArchive
from python_docker.image.blob import Blob
from python_docker.registry.access.options import RegistryOptions
from python_docker.spec.documents.manifest import Manifest
from python_docker.transports import Location, open_image
from tests import peers
from tests.peers.containment import wait_until
from tests.python_docker.registry.stub_registry import StubRegistry, refusal
from tests.python_docker.registry.stub_server import Answer, Asked


def image_of(*files: str) -> Image:
    image = Image("demo", "v1")
    for name in files:
        image.add_layer_contents({name: name.encode() * 1000})
    return image


def places(*texts: str) -> list[Location]:
    return [Location.parse(text) for text in texts]


def sending(image: Image) -> Callable[[Transfer], Manifest]:
    return lambda transfer: send_image(image, transfer)


def test_an_image_goes_to_several_places_at_once(tmp_path: Path, registry: peers.Registry, repository: str) -> None:
    image = image_of("a", "b")
    locations = places(
        f"oci:{tmp_path}/layout:v1",
        f"docker-archive:{tmp_path}/docker.tar",
        f"oci-archive:{tmp_path}/oci.tar:v1",
        f"dir:{tmp_path}/folder",
        f"docker://{registry.host}/{repository}:v1",
    )
    with Delivery(locations, reference=image.reference) as delivery:
        for layer in image.layers:
            delivery.begin(layer.blob)
        written = delivery.finish(sending(image))
    assert [manifest.digest for manifest in written] == [image.digest] * 5
    for location in locations:
        assert open_image(location).list_files() == image.list_files()


def test_an_archive_is_the_same_whatever_left_early(tmp_path: Path) -> None:
    image = image_of("a", "b", "c")
    for name, early in (("early.tar", image.layers), ("late.tar", [])):
        with Delivery(places(f"oci-archive:{tmp_path}/{name}", f"oci:{tmp_path}/{name}-layout")) as delivery:
            for layer in early:
                delivery.begin(layer.blob)
            delivery.finish(sending(image))
    assert (tmp_path / "early.tar").read_bytes() == (tmp_path / "late.tar").read_bytes()


@pytest.mark.parametrize("form", ["oci:{}", "dir:{}"])
def test_a_layer_that_no_image_needs_in_the_end_is_not_kept(form: str, tmp_path: Path) -> None:
    image, superseded = image_of("a"), image_of("b").layers[0].blob
    with Delivery(places(form.format(tmp_path / "out"))) as delivery:
        delivery.begin(superseded)
        delivery.finish(sending(image))
    assert superseded.descriptor.digest.encoded not in {path.name for path in (tmp_path / "out").rglob("*")}
    assert open_image(form.format(tmp_path / "out")).digest == image.digest


def test_two_names_in_one_new_layout(tmp_path: Path) -> None:
    image = image_of("a")
    with Delivery(places(f"oci:{tmp_path}/out:one", f"oci:{tmp_path}/out:two")) as delivery:
        delivery.begin(image.layers[0].blob)
        delivery.finish(sending(image))
    assert {open_image(f"oci:{tmp_path}/out:{name}").digest for name in ("one", "two")} == {image.digest}


def test_another_tag_of_a_repository_costs_no_request_for_a_blob() -> None:
    def forgetful(asked: Asked) -> Answer | None:
        """Find no blob that no manifest names yet."""
        named = any(asked.path.rpartition("/")[2].encode() in content for _, content in registry.manifests.values())
        return refusal(404, "BLOB_UNKNOWN") if asked.method == "HEAD" and not named else None

    image = image_of("a", "b")
    registry = StubRegistry(forgetful)
    try:
        with Delivery(places(*(f"docker://{registry.host}/app:{tag}" for tag in ("one", "two")))) as delivery:
            for layer in image.layers:
                delivery.begin(layer.blob)
            delivery.finish(sending(image))
    finally:
        registry.stop()
    assert [asked.method for asked in registry.requests if "/blobs/" in asked.path].count("POST") == 3
    assert sum(asked.method == "HEAD" for asked in registry.requests) == 3
    assert {name for _, name in registry.manifests if ":" not in name} == {"one", "two"}


def test_two_repositories_of_one_registry_are_sent_a_layer_once(
    registry: peers.Registry, repository: str, tmp_path: Path
) -> None:
    image = image_of("only here")
    before = len(registry.requests())
    names = [f"docker://{registry.host}/{repository}:{tag}" for tag in ("one", "two")]
    with Delivery(places(*names)) as delivery:
        delivery.begin(image.layers[0].blob)
        delivery.finish(sending(image))
    uploads = [request for request in registry.requests(since=before) if request.method in {"PUT", "PATCH"}]
    assert len([request for request in uploads if "/blobs/" in request.path]) == 2  # the layer, and the config


def test_an_error_in_one_place_leaves_nothing_in_any(tmp_path: Path) -> None:
    image = image_of("a", "b")
    locations = places(f"oci:{tmp_path}/first", f"oci:{tmp_path}/second", f"oci-archive:{tmp_path}/a.tar")

    def write(transfer: Transfer) -> Manifest:
        manifest = send_image(image, transfer)
        if "second" in str(getattr(transfer.destination, "_folder", "")):
            raise OSError("no space left")
        return manifest

    with pytest.raises(OSError, match="no space left"), Delivery(locations) as delivery:
        delivery.begin(image.layers[0].blob)
        delivery.finish(write)
    assert list(tmp_path.iterdir()) == []


def test_an_error_on_the_way_is_raised_in_the_place_of_the_work_that_it_ended(tmp_path: Path) -> None:
    layer = image_of("a").layers[0].blob

    def broken() -> None:
        raise RuntimeError("the disk is broken")

    with pytest.raises(RuntimeError, match="the disk is broken"), Delivery(places(f"oci:{tmp_path}/out")) as delivery:
        delivery.begin(Blob(layer.descriptor, broken))  # type: ignore[arg-type]
        assert delivery.stop.future.exception(120) is not None
        raise CancelledError
    assert list(tmp_path.iterdir()) == []


def test_a_registry_is_connected_to_before_there_is_anything_to_send(registry: peers.Registry, repository: str) -> None:
    before = len(registry.requests())
    image = image_of("a")
    with Delivery(places(f"docker://{registry.host}/{repository}:1")) as delivery:
        delivery.prepare()
        wait_until(lambda: len(registry.requests(since=before)) == 1, registry._process, log=registry.errors_path)
        delivery.finish(sending(image))
    asked = [each.path for each in registry.requests(since=before)]
    assert asked.count("/v2/") == 1


def test_a_registry_that_is_not_there_is_noticed_before_there_is_anything_to_send() -> None:
    options = RegistryOptions(attempts=1, environ={})
    location = places("docker://localhost:1/app:1")
    with pytest.raises(ConnectionFailed), Delivery(location, registry=lambda _: options) as delivery:
        delivery.prepare()
        delivery.stop.future.exception(120)
        delivery.begin(image_of("a").layers[0].blob)


def test_nothing_is_said_of_a_registry_that_is_connected_to_when_the_process_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interruption, "interrupted", threading.Event())
    interruption.interrupted.set()
    with Delivery(places("docker://localhost:1/app:1")) as delivery:
        delivery.prepare()  # an error of its thread would fail this test
        assert isinstance(delivery.stop.future.exception(120), KeyboardInterrupt)


def test_what_is_not_finished_is_taken_back(tmp_path: Path) -> None:
    with Delivery(places(f"oci:{tmp_path}/out")) as delivery:
        delivery.begin(image_of("a").layers[0].blob)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_found_before_anything_leaves(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "other").touch()
    with pytest.raises(InvalidArchive, match="not empty"):
        Delivery(places(f"oci:{tmp_path}/new", f"oci:{tmp_path}/out"))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_places_take_a_blob_unread_where_all_have_it(tmp_path: Path, stub: StubRegistry) -> None:
    [layer] = image_of("a").layers
    stub.blobs["app", layer.digest] = layer.blob.read()
    registry = f"docker://{stub.host}/app:1"
    with Delivery(places(registry)) as delivery:
        assert delivery.take(layer.blob)
    for other in (f"oci:{tmp_path}/layout:v1", f"docker-archive:{tmp_path}/out.tar"):
        with Delivery(places(registry, other)) as delivery:
            assert not delivery.take(layer.blob)


def test_a_registry_that_cannot_be_asked_ends_the_delivery(stub: StubRegistry) -> None:
    [layer] = image_of("a").layers
    stub.hook = lambda asked: refusal(401, "UNAUTHORIZED")
    with Delivery(places(f"docker://{stub.host}/app:1")) as delivery:
        with pytest.raises(AccessDenied):
            delivery.take(layer.blob)
        with pytest.raises(CancelledError):
            delivery.begin(layer.blob)
        assert isinstance(delivery.stop.cause, AccessDenied)
