"""Layers of packages leave for where the image goes as soon as they are there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from conda_docker.build_options import BuildOptions, Bytecode
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.errors import DownloadError
from conda_docker.image.assemble import build_image
from conda_docker.image.index import finish_images
from conda_docker.resolution.lock import lock
from python_docker import Image
from python_docker.copying.delivery import Delivery
from python_docker.errors import Error
from python_docker.image.blob import Blob
from python_docker.progress import Task
from python_docker.registry.destination import RegistryDestination
from python_docker.spec.documents.manifest import Manifest
from python_docker.spec.platform import Platform
from python_docker.transports import Location, open_image
from python_docker.transports.oci.layout import OciLayoutDestination
from tests import peers
from tests.conda_docker.channel import SyntheticChannel
from tests.conda_docker.channel_server import Answer, ChannelServer
from tests.conda_docker.packages import SyntheticPackage

FIRST = SyntheticPackage(name="first", files={"share/first": b"1", "share/same": b"1"})
SECOND = SyntheticPackage(name="second", files={"share/second": b"2"})
THIRD = SyntheticPackage(name="third", depends=("first",), files={"share/same": b"3"})


@pytest.fixture
def server(synthetic_channel: SyntheticChannel) -> Iterator[ChannelServer]:
    synthetic_channel.add(FIRST, SECOND, THIRD)
    running = ChannelServer(synthetic_channel.folder).start()
    running.held["second-1.0-0.conda"] = threading.Event()
    yield running
    running.held["second-1.0-0.conda"].set()
    running.stop()


def environment_of(server: ChannelServer, *specs: str) -> LockedEnvironment:
    return lock(specs or ("first", "second"), channels=[server.url], override_channels=True, platform=Platform())


def build(environment: LockedEnvironment, folder: Path, *places: str, base: Image | None = None) -> Manifest:
    options = BuildOptions(cache_dir=folder / "cache", bytecode=Bytecode.NEVER)
    with Delivery([Location.parse(place) for place in places]) as delivery:
        result = build_image(environment, base, options, delivery=delivery)
        manifest = finish_images([result.image], delivery)[0]
        assert isinstance(manifest, Manifest)
        return manifest


class Watched(OciLayoutDestination):
    """An OCI layout; `arrived` is told of each blob before it is taken in, and may fail."""

    arrived = staticmethod(lambda blob: None)

    def put_blob(self, blob: Blob, task: Task) -> str:
        type(self).arrived(blob)
        return super().put_blob(blob, task)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> type[Watched]:
    monkeypatch.setattr("python_docker.transports.oci.layout.OciLayoutDestination", Watched)
    return Watched


def test_a_layer_leaves_while_other_packages_are_awaited(
    server: ChannelServer, watched: type[Watched], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = Image()
    base.add_layer_contents({"etc/base": b"base"})
    arrived: list[str] = []

    def note(blob: Blob) -> None:
        arrived.append(blob.descriptor.digest)
        if len(arrived) == 2:
            server.held["second-1.0-0.conda"].set()

    monkeypatch.setattr(watched, "arrived", staticmethod(note))
    manifest = build(environment_of(server), tmp_path, f"oci:{tmp_path}/out:v1", base=base)
    assert arrived[0] == manifest.layers[0].digest
    assert arrived[1] in {layer.digest for layer in manifest.layers[1:]}
    assert open_image(f"oci:{tmp_path}/out:v1").digest == manifest.digest


def test_a_registry_has_a_layer_before_other_packages_are_there(
    server: ChannelServer,
    registry: peers.Registry,
    repository: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put = RegistryDestination.put_blob

    def put_and_release(self: RegistryDestination, blob: Blob, task: Task) -> str:
        outcome = put(self, blob, task)
        server.held["second-1.0-0.conda"].set()
        return outcome

    monkeypatch.setattr(RegistryDestination, "put_blob", put_and_release)
    reference = f"docker://{registry.host}/{repository}:v1"
    manifest = build(environment_of(server), tmp_path, reference)
    assert open_image(reference).digest == manifest.digest


def test_a_layer_that_loses_a_path_leaves_again(server: ChannelServer, tmp_path: Path) -> None:
    environment = environment_of(server, "third")
    early = build(environment, tmp_path / "early", f"oci:{tmp_path}/out:v1")
    late = build_image(environment, None, BuildOptions(cache_dir=tmp_path / "late", bytecode=Bytecode.NEVER)).image
    assert early.digest == late.digest
    blobs = {path.name for path in (tmp_path / "out" / "blobs" / "sha256").iterdir()}
    assert blobs == {named.digest.encoded for named in (early.descriptor, early.config, *early.layers)}


def test_a_package_that_is_not_what_it_should_be_leaves_nothing(server: ChannelServer, tmp_path: Path) -> None:
    environment = environment_of(server)
    archive = next(server.folder.glob("*/second-1.0-0.conda")).read_bytes()
    server.answers["second-1.0-0.conda"] = Answer(body=archive[:-1] + bytes([archive[-1] ^ 1]))
    server.held["second-1.0-0.conda"].set()
    with pytest.raises(DownloadError, match="sha256"):
        build(environment, tmp_path, f"oci:{tmp_path}/out:v1", f"oci-archive:{tmp_path}/out.tar")
    assert {path.name for path in tmp_path.iterdir()} == {"cache", "channel"}
    del server.answers["second-1.0-0.conda"]
    build(environment, tmp_path, f"oci:{tmp_path}/out:v1")
    assert open_image(f"oci:{tmp_path}/out:v1").list_files()


def test_an_error_at_a_destination_ends_what_is_still_awaited(
    server: ChannelServer, watched: type[Watched], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(blob: Blob) -> None:
        raise Error("the destination is full")

    monkeypatch.setattr(watched, "arrived", staticmethod(fail))
    with pytest.raises(Error, match="the destination is full"):
        build(environment_of(server), tmp_path, f"oci:{tmp_path}/out:v1")
    assert not server.held["second-1.0-0.conda"].is_set()
    assert {path.name for path in tmp_path.iterdir()} == {"cache", "channel"}
