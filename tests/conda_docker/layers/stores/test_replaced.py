"""The image that a build replaces: what is still right in it is neither downloaded nor made nor sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conda_docker.build_options import BuildOptions, Bytecode
from conda_docker.cache.folder import CacheFolder
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.image.assemble import BuildResult, build_image
from conda_docker.image.index import finish_images
from conda_docker.image.preview import preview_image
from conda_docker.image.reuse import WithLayers
from conda_docker.layers.stores.layer_stores import LayerStores
from conda_docker.layers.stores.replaced import ENVIRONMENT_TYPE, ReplacedImages, replaceable
from conda_docker.resolution.lock import lock
from python_docker.copying.delivery import Delivery
from python_docker.copying.referrer import Referrer, put_referrer, read_referrers
from python_docker.registry.access.options import RegistryOptions
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.platform import Platform
from python_docker.transports import Location, destination, open_source
from tests.conda_docker.channel import SyntheticPackage
from tests.conda_docker.channel_server import ChannelServer
from tests.peers import Registry
from tests.python_docker.registry.stub_registry import StubRegistry

Push = Callable[..., BuildResult]
PACKAGES = [
    SyntheticPackage(name="python", version="3.12.1", files={"bin/python3.12": b"python"}),
    SyntheticPackage(name="numpy", version="1", depends=("python",), files={"lib/numpy.so": b"1" * 10_000}),
    SyntheticPackage(name="numpy", version="2", depends=("python",), files={"lib/numpy.so": b"2" * 10_000}),
    SyntheticPackage(name="flask", depends=("python",), files={"share/x": b"flask", "share/flask": b"flask"}),
    SyntheticPackage(name="jinja", depends=("python",), files={"share/x": b"jinja"}),
    SyntheticPackage(name="jinja", version="2", depends=("python",), files={"share/x": b"2", "share/flask": b"2"}),
]
SPECS = ("flask", "jinja=1")


@pytest.fixture
def locked(server: ChannelServer) -> Callable[..., LockedEnvironment]:
    """Return a function that locks an environment of some specs."""

    def of(*specs: str) -> LockedEnvironment:
        found = lock([*specs], channels=[server.url], override_channels=True, platform=Platform())
        server.requests.clear()
        return found

    return of


@pytest.fixture
def push(tmp_path: Path, locked: Callable[..., LockedEnvironment]) -> Push:
    """Return a function that builds on a machine of its own, and writes to a place that has an image, perhaps."""

    def run(machine: str, place: str, *specs: str) -> BuildResult:
        locations = [Location.parse(place)]
        environment, cache = locked(*specs), tmp_path / machine
        replaced = ReplacedImages(locations, CacheFolder(cache))
        options = BuildOptions(cache_dir=cache, bytecode=Bytecode.NEVER)
        with Delivery(locations) as delivery:
            stores = LayerStores.of(options, replaced=replaced, stop=delivery.stop)
            result = build_image(environment, None, options, stores=stores, delivery=delivery)
            finish_images([result.image], delivery, attach=WithLayers(None, replaced, alone=True))
        return result

    return run


@pytest.fixture
def place(registry: Registry, repository: str) -> str:
    return f"docker://{registry.host}/{repository}:1"


def downloads(server: ChannelServer) -> list[str]:
    return sorted(path.rpartition("/")[2] for _, path in server.requests if path.endswith((".conda", ".tar.bz2")))


def plainly(tmp_path: Path, environment: LockedEnvironment) -> str:
    """Return the digest of the image that a machine without anything makes."""
    options = BuildOptions(cache_dir=tmp_path / "plain", bytecode=Bytecode.NEVER)
    return build_image(environment, None, options).image.digest


def test_only_places_that_keep_what_they_have_can_be_reused() -> None:
    places = [
        Location.parse(text)
        for text in ("docker://localhost:5000/app:1", "oci:app:1", "oci-archive:app.tar", "dir:app")
    ]
    assert replaceable(places) == places[:2]


def test_of_an_image_with_one_changed_package_that_one_is_downloaded(
    push: Push,
    place: str,
    server: ChannelServer,
    registry: Registry,
    tmp_path: Path,
    locked: Callable[..., LockedEnvironment],
) -> None:
    push("first", place, "numpy=1", *SPECS)
    before = len(registry.requests())
    second = push("second", place, "numpy=2", *SPECS)
    assert downloads(server) == ["numpy-2-0.conda"]
    asked = registry.requests(since=before)
    known = [layer.digest for layer in second.layers if layer.cached]
    assert len(known) == 3
    for digest in known:
        assert [each.method for each in asked if digest in each.path] == ["HEAD"], "whether it is there, in its size"
    assert second.image.digest == plainly(tmp_path, locked("numpy=2", *SPECS))


def test_what_several_packages_bring_is_settled_without_reading_them(
    push: Push, place: str, server: ChannelServer, tmp_path: Path, locked: Callable[..., LockedEnvironment]
) -> None:
    push("first", place, *SPECS)
    second = push("second", place, *SPECS)
    assert downloads(server) == []
    assert second.image.digest == plainly(tmp_path, locked(*SPECS))


def test_what_a_new_package_wins_of_a_known_one_is_settled_anew(
    push: Push, place: str, server: ChannelServer, tmp_path: Path, locked: Callable[..., LockedEnvironment]
) -> None:
    push("first", place, *SPECS)
    second = push("second", place, "flask", "jinja=2")
    assert downloads(server) == ["flask-1.0-0.conda", "jinja-2-0.conda"], "python is not among those that meet"
    assert second.image.digest == plainly(tmp_path, locked("flask", "jinja=2"))


def test_an_image_to_which_nothing_is_attached_is_no_store(push: Push, place: str, server: ChannelServer) -> None:
    push("first", place, "python")  # which there is no image yet to replace
    with destination(place) as opened:
        opened.put_manifest(Manifest.build(plain_manifest(place)), root=True)
    push("second", place, "python")
    assert downloads(server) == ["python-3.12.1-0.conda"]


def plain_manifest(place: str) -> dict[str, object]:
    root = open_source(place).root()
    return {**json.loads(root.raw), "annotations": {"a": "b"}}


def test_a_document_that_lies_about_its_recipes_is_refused(
    push: Push,
    place: str,
    server: ChannelServer,
    tmp_path: Path,
    locked: Callable[..., LockedEnvironment],
    caplog: pytest.LogCaptureFixture,
) -> None:
    push("first", place, *SPECS)
    source = open_source(place)
    root = source.root()
    [document] = read_referrers(source, root.digest, ENVIRONMENT_TYPE)
    value = json.loads(document)
    keys = sorted(value["layers"])
    value["layers"] = {key: value["layers"][other] for key, other in zip(keys, keys[1:] + keys[:1], strict=True)}
    with destination(place) as opened:
        opened.put_manifest(Manifest.build(plain_manifest(place)), root=True)
    other = open_source(place).root()
    with destination(place) as opened:
        opened.put_manifest(other, root=True)
        put_referrer(Referrer(ENVIRONMENT_TYPE, json.dumps(value).encode()), other, opened)
    second = push("second", place, *SPECS)
    assert "it is of another recipe" in caplog.text
    assert len(downloads(server)) == 3
    assert second.image.digest == plainly(tmp_path, locked(*SPECS))


@pytest.mark.parametrize("document", [b"[]", b"{", b'{"layers": {}}', b'{"layers": {"a": 1}, "notes": {}}'])
def test_a_document_that_is_none(
    push: Push, place: str, server: ChannelServer, document: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    push("first", place, "python")
    with destination(place) as opened:
        other = Manifest.build(plain_manifest(place))
        opened.put_manifest(other, root=True)
        put_referrer(Referrer(ENVIRONMENT_TYPE, document), other, opened)
    push("second", place, "python")
    assert "reused" in caplog.text
    assert downloads(server) == ["python-3.12.1-0.conda"]


def test_what_is_attached_to_nothing_is_nothing(tmp_path: Path) -> None:
    assert ReplacedImages([], CacheFolder(tmp_path)).referrer() is None


def test_an_interruption_while_images_are_read_is_not_lost(tmp_path: Path) -> None:
    def interrupted(location: Location) -> RegistryOptions:
        raise KeyboardInterrupt

    replaced = ReplacedImages([Location.parse(f"oci:{tmp_path}/none:1")], CacheFolder(tmp_path), interrupted)
    with pytest.raises(KeyboardInterrupt):
        replaced.expect([])


def test_a_registry_that_cannot_be_read_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = ReplacedImages(
        [Location.parse("docker://localhost:1/x:1")], CacheFolder(tmp_path), lambda _: RegistryOptions(attempts=1)
    )
    store.expect([])
    assert "the layers of docker://localhost:1/x:1 are not reused" in caplog.text
    assert store.get("0" * 64) is None


def test_a_layer_that_has_vanished_from_the_registry_is_made_again(
    push: Push, place: str, registry: Registry, tmp_path: Path, locked: Callable[..., LockedEnvironment]
) -> None:
    first = push("first", place, *SPECS)
    flask = next(layer.digest for layer in first.layers if layer.packages == ("flask",))
    root = registry.storage / "docker/registry/v2"
    (root / f"blobs/sha256/{flask.encoded[:2]}/{flask.encoded}/data").unlink()
    repository = place.rpartition(":")[0].partition("//")[2].partition("/")[2]
    (root / f"repositories/{repository}/_layers/sha256/{flask.encoded}/link").unlink()
    second = push("second", place, *SPECS)
    assert second.image.digest == first.image.digest == plainly(tmp_path, locked(*SPECS))
    stored = next(layer.descriptor for layer in second.image.layers if layer.digest == flask)
    assert open_source(place).blob(stored).read()


def test_a_registry_that_lists_referrers_itself_gets_no_tag(push: Push, server: ChannelServer) -> None:
    registry = StubRegistry()
    registry.knows_referrers = True
    try:
        place = f"docker://{registry.host}/app:1"
        push("first", place, "numpy=1")
        push("second", place, "numpy=2")
        assert downloads(server) == ["numpy-2-0.conda"]
        assert {name for path, name in registry.manifests if ":" not in name} == {"1"}
    finally:
        registry.stop()


def test_a_layer_that_lost_a_path_need_not_be_there(
    push: Push, server: ChannelServer, caplog: pytest.LogCaptureFixture
) -> None:
    registry = StubRegistry()
    try:
        place = f"docker://{registry.host}/app:1"
        push("first", place, *SPECS)
        named = b"".join(content for _, content in registry.manifests.values())
        superseded = [key for key in registry.blobs if key[1].encode() not in named]
        assert len(superseded) == 1
        del registry.blobs[superseded[0]]  # as the registry collects its garbage
        before = len(registry.requests)
        push("second", place, *SPECS)
        assert [asked.path for asked in registry.requests[before:] if superseded[0][1] in asked.path] == []
    finally:
        registry.stop()
    assert downloads(server) == []
    assert caplog.text == ""


def test_an_oci_layout_is_a_store_too(push: Push, server: ChannelServer, tmp_path: Path) -> None:
    place = f"oci:{tmp_path / 'layout'}:1"
    push("first", place, "numpy=1", *SPECS)
    push("second", place, "numpy=2", *SPECS)
    assert downloads(server) == ["numpy-2-0.conda"]


def test_images_for_several_platforms_are_one_store(
    place: str, tmp_path: Path, locked: Callable[..., LockedEnvironment], server: ChannelServer
) -> None:
    environment = locked("python")

    def push_index(machine: str) -> None:
        locations = [Location.parse(place)]
        cache = tmp_path / machine
        replaced = ReplacedImages(locations, CacheFolder(cache))
        results = []
        with Delivery(locations) as delivery:
            for prefix in ("/a", "/b"):
                options = BuildOptions(cache_dir=cache, bytecode=Bytecode.NEVER, prefix=prefix)
                stores = LayerStores.of(options, replaced=replaced, stop=delivery.stop)
                results.append(build_image(environment, None, options, stores=stores, delivery=delivery))
            results[1].image.platform = Platform.parse("linux/arm64")
            attach = WithLayers(None, replaced, alone=False)
            finish_images([result.image for result in results], delivery, attach=attach)

    push_index("first")
    assert isinstance(open_source(place).root(), Index)
    server.requests.clear()
    push_index("second")
    assert downloads(server) == []


def test_a_dry_run_knows_what_would_be_reused(
    push: Push, place: str, server: ChannelServer, tmp_path: Path, locked: Callable[..., LockedEnvironment]
) -> None:
    push("first", place, *SPECS)
    cache = tmp_path / "second"
    options = BuildOptions(cache_dir=cache, bytecode=Bytecode.NEVER)
    replaced = ReplacedImages([Location.parse(place)], CacheFolder(cache))
    preview = preview_image(locked(*SPECS), None, options, stores=LayerStores.of(options, replaced=replaced))
    assert [layer.known is not None for layer in preview.layers if layer.members] == [True] * 3
