"""Layers in a repository of a registry: made once, on whichever machine, and neither downloaded nor sent again."""

from __future__ import annotations

import base64
import json
import re
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conda_docker.arguments.layer_repository import LayerRepository
from conda_docker.build_options import BuildOptions, Bytecode
from conda_docker.cache.folder import CacheFolder
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.errors import CacheError, DownloadError
from conda_docker.image.assemble import BuildResult, build_image
from conda_docker.image.index import finish_images
from conda_docker.image.preview import preview_image
from conda_docker.layers.stores.artifact import LAYER_TYPE, PLAN_TYPE, artifact_manifest, config_in, plan_tag
from conda_docker.layers.stores.exchange import exchange_layers
from conda_docker.layers.stores.folder import FolderStore
from conda_docker.layers.stores.repository import RepositoryStore
from conda_docker.resolution.lock import lock
from python_docker import write_image
from python_docker.copying.delivery import Delivery
from python_docker.errors import AccessDenied
from python_docker.image import Image
from python_docker.image.blob import Blob
from python_docker.progress import SILENT
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.client import RegistryClient
from python_docker.registry.destination import RegistryDestination
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Manifest
from python_docker.spec.media_types import OCI_MANIFEST
from python_docker.spec.platform import Platform
from python_docker.transports import Location
from tests.conda_docker.channel import SyntheticPackage
from tests.conda_docker.channel_server import ChannelServer
from tests.conda_docker.layers.stores.shelves import add_layer, repository_store
from tests.peers import Registry
from tests.peers.registry import Request
from tests.python_docker.registry.stub_registry import StubRegistry, refusal
from tests.python_docker.registry.stub_server import Answer, Asked

KEY = 64 * "a"
Machine = Callable[..., BuildResult]
PACKAGES = [
    SyntheticPackage(name="python", version="3.12.1", files={"bin/python3.12": b"python"}),
    SyntheticPackage(name="numpy", depends=("python",), files={"lib/numpy.so": b"numpy" * 10_000, "share/x": b"1"}),
    SyntheticPackage(name="flask", depends=("numpy",), files={"share/x": b"2", "share/flask": b"flask"}),
]


@pytest.fixture
def environment(server: ChannelServer) -> LockedEnvironment:
    """Return an environment whose packages are not downloaded yet; two of them have a path in common."""
    found = lock(["flask"], channels=[server.url], override_channels=True, platform=Platform())
    server.requests.clear()
    return found


@pytest.fixture
def layers(registry: Registry, repository: str) -> str:
    """Return the name of a layer repository that is empty."""
    return f"{registry.host}/{repository}/layers"


@pytest.fixture
def machine(tmp_path: Path, environment: LockedEnvironment) -> Machine:
    """Return a function that builds on a machine of the given name, with a cache of its own."""

    def build(name: str, **options: Any) -> BuildResult:
        delivery = options.pop("delivery", None)
        fields: dict[str, Any] = {"cache_dir": tmp_path / name, "bytecode": Bytecode.NEVER} | options
        return build_image(environment, None, BuildOptions(**fields), delivery=delivery)

    return build


def downloads(server: ChannelServer) -> list[str]:
    return [path for _, path in server.requests if path.endswith((".conda", ".tar.bz2"))]


def of_repository(registry: Registry, repository: str, method: str = "") -> list[str]:
    return [
        f"{asked.method} {asked.path.rpartition('/')[0].rpartition('/')[2]}"
        for asked in registry.requests()
        if f"/{repository}/" in asked.path and asked.method.startswith(method)
    ]


def client_of(registry: Registry) -> RegistryClient:
    return RegistryClient(registry.host, RegistryOptions())


def test_a_bare_machine_downloads_and_makes_nothing(
    machine: Machine, server: ChannelServer, registry: Registry, repository: str, layers: str
) -> None:
    first = machine("first", cache_to=layers)
    assert len(downloads(server)) == 3
    server.requests.clear()
    before = len(of_repository(registry, repository))
    second = machine("second", cache_from=layers)
    assert downloads(server) == []
    assert second.image.digest == first.image.digest
    assert all(layer.cached for layer in second.layers if layer.packages)
    asked = of_repository(registry, repository)[before:]
    assert asked == ["GET manifests", *["HEAD blobs"] * 3], "one for an environment, and one for the size of each layer"


def test_a_push_to_the_same_registry_mounts(machine: Machine, registry: Registry, repository: str, layers: str) -> None:
    machine("first", cache_to=layers)
    image = machine("second", cache_from=layers).image
    before = len(registry.requests())
    write_image(image, f"docker://{registry.host}/{repository}/image:1")
    asked = [each for each in registry.requests()[before:] if f"/{repository}/layers/" in each.path]
    assert [each for each in asked if each.method == "GET"] == [], "no layer is downloaded"
    mounted = [each for each in registry.requests()[before:] if "mount=" in each.path and each.status == 201]
    assert len(mounted) == 3
    assert sum(each.method in ("PUT", "PATCH") and "/blobs/" in each.path for each in registry.requests()[before:]) == 2


def test_a_bare_machine_asks_once_for_each_layer_that_it_pushes(
    machine: Machine, server: ChannelServer, registry: Registry, repository: str, layers: str
) -> None:
    first = machine("first", cache_to=layers)
    server.requests.clear()
    before = len(registry.requests())
    with Delivery([Location.parse(f"docker://{registry.host}/{repository}/image:1")]) as delivery:
        second = machine("second", cache_from=layers, delivery=delivery)
        [manifest] = finish_images([second.image], delivery)
    assert manifest.digest == first.image.digest
    assert downloads(server) == []
    asked = registry.requests(since=before)
    known = [layer.digest for layer in second.layers if layer.packages]
    assert len(known) == 3
    for digest in known:
        assert [(each.method, each.status) for each in asked if digest in each.path] == [("POST", 201)], "a mount"
    others = [each for each in asked if not any(digest in each.path for digest in known)]
    assert Counter(map(kind_of, others)) == {
        "GET version": 2,  # by who reads there, and who pushes
        "GET manifest": 1,  # the entry of the environment
        "HEAD blob": 2,  # of the config, and of the layer of the environment itself
        "POST upload": 2,
        "PUT upload": 2,
        "PUT manifest": 1,
    }


def kind_of(asked: Request) -> str:
    """Return what is asked for, as in `POST upload`."""
    kinds = {"/manifests/": "manifest", "/uploads/": "upload", "/blobs/": "blob", "/v2/": "version"}
    return f"{asked.method} {next(kind for part, kind in kinds.items() if part in asked.path)}"


def test_the_repository_of_the_image_can_be_its_layer_repository(
    machine: Machine, server: ChannelServer, registry: Registry, repository: str
) -> None:
    name = f"{registry.host}/{repository}"
    with Delivery([Location.parse(f"docker://{name}:1")]) as delivery:
        first = machine("first", cache_to=name, delivery=delivery)
        finish_images([first.image], delivery)
    before = len(registry.requests())
    with Delivery([Location.parse(f"docker://{name}:2")]) as delivery:
        second = machine("second", cache_from=name, delivery=delivery)
        [manifest] = finish_images([second.image], delivery)
    assert manifest.digest == first.image.digest
    assert len(downloads(server)) == 3, "those of the first machine"
    assert [each.path for each in registry.requests(since=before) if each.method in ("POST", "PATCH")] == []


def test_a_registry_that_can_do_nothing_but_keep_blobs_and_tags_will_do(
    machine: Machine, server: ChannelServer
) -> None:
    def refuse(asked: Asked) -> Answer | None:
        """Neither mounts, nor lists what is attached, nor deletes."""
        if asked.method == "DELETE" or "/referrers/" in asked.path or asked.path.endswith("/tags/list"):
            return refusal(405, "UNSUPPORTED")
        asked.query.pop("mount", None)  # which begins an upload
        return None

    registry = StubRegistry(refuse)
    try:
        first = machine("first", cache_to=f"{registry.host}/layers")
        server.requests.clear()
        with Delivery([Location.parse(f"docker://{registry.host}/image:1")]) as delivery:
            second = machine("second", cache_from=f"{registry.host}/layers", delivery=delivery)
            [manifest] = finish_images([second.image], delivery)
    finally:
        registry.stop()
    assert manifest.digest == first.image.digest
    assert downloads(server) == []
    assert {path for path, _ in registry.blobs} == {"layers", "image"}


@pytest.fixture
def limited() -> Iterator[StubRegistry]:
    """Return a registry that has room for one tag in each repository, and answers as ECR does where there is none."""

    def refuse(asked: Asked) -> Answer | None:
        path, _, tag = asked.path.removeprefix("/v2/").partition("/manifests/")
        others = {name for where, name in registry.manifests if where == path and ":" not in name} - {tag}
        if asked.method == "PUT" and tag and ":" not in tag and others:
            return refusal(403, "DENIED", "exceeds the maximum allowed number of tags per image which is '1'")
        return None

    registry = StubRegistry(refuse)
    yield registry
    registry.stop()


def test_a_limit_of_tags_is_a_warning(
    machine: Machine, limited: StubRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    layers = f"{limited.host}/layers"
    first = machine("first", cache_to=layers, workers=1)
    assert caplog.text.count("no more layers are kept there") == 1
    assert "maximum allowed number of tags" in caplog.text
    with Delivery([Location.parse(f"docker://{limited.host}/image:1")]) as delivery:
        second = machine("second", cache_from=layers, cache_to=layers, delivery=delivery)
        [manifest] = finish_images([second.image], delivery)
    assert manifest.digest == first.image.digest
    assert len([name for path, name in limited.manifests if path == "layers" and ":" not in name]) == 1


def test_whoever_must_keep_a_layer_hears_of_a_limit(machine: Machine, limited: StubRegistry, tmp_path: Path) -> None:
    machine("first")
    store = RepositoryStore.open(
        LayerRepository(f"{limited.host}/layers"), CacheFolder(tmp_path / "first"), must_keep=True
    )
    with pytest.raises(AccessDenied, match="maximum allowed number of tags"):
        exchange_layers(FolderStore(tmp_path / "first"), store, CacheFolder(tmp_path / "first"))


def test_a_layer_that_must_be_read_is_fetched_once(
    machine: Machine, tmp_path: Path, registry: Registry, repository: str, layers: str
) -> None:
    first = machine("first", cache_to=layers)
    for name in "ab":
        image = machine("second", cache_from=layers).image
        write_image(image, f"docker-archive:{tmp_path / name}.tar:x:1")
    blobs = [asked for asked in of_repository(registry, repository, "GET") if asked == "GET blobs"]
    assert len(blobs) == 3
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    assert Image.from_filename(tmp_path / "a.tar")[0].list_files() == first.image.list_files()


def test_what_is_kept_there_for_a_known_environment_is_asked_for_and_made_whole(
    machine: Machine, server: ChannelServer, registry: Registry, repository: str, layers: str
) -> None:
    first = machine("first", cache_to=layers)
    before = len(of_repository(registry, repository))
    machine("first", cache_to=layers)
    asked = of_repository(registry, repository)[before:]
    # Of two that have a path in common, one is there with it and without.
    assert Counter(asked) == {"GET manifests": 1, "HEAD blobs": 4}
    python = next(layer for layer in first.layers if layer.packages == ("python",))
    [content] = registry.storage.rglob(f"blobs/sha256/*/{python.digest.encoded}/data")
    content.unlink()
    assert machine("first", cache_to=layers).image.digest == first.image.digest
    assert client_of(registry).has_blob(f"{repository}/layers", python.digest)
    server.requests.clear()
    assert machine("second", cache_from=layers).image.digest == first.image.digest
    assert downloads(server) == []


def test_what_this_machine_knows_is_kept_there_too(
    machine: Machine, server: ChannelServer, registry: Registry, layers: str
) -> None:
    known = machine("first")
    assert machine("first", cache_to=layers).image.digest == known.image.digest
    server.requests.clear()
    assert machine("second", cache_from=layers).image.digest == known.image.digest
    assert downloads(server) == []


def test_keeping_a_known_environment_asks_for_sizes_and_sends_nothing(
    machine: Machine, registry: Registry, repository: str, layers: str
) -> None:
    machine("first", cache_from=layers, cache_to=layers)
    before = len(of_repository(registry, repository))
    machine("second", cache_from=layers, cache_to=layers)
    assert of_repository(registry, repository)[before:] == ["GET manifests", *["HEAD blobs"] * 3]


def test_entries_are_oci_artifacts(machine: Machine, registry: Registry, repository: str, layers: str) -> None:
    machine("first", cache_to=layers)
    client = client_of(registry)
    [tags] = client.tags(f"{repository}/layers")
    kinds = []
    for tag in tags:
        manifest = client.manifest(f"{repository}/layers", tag)
        assert isinstance(manifest, Manifest)
        assert manifest.config.data is not None
        assert base64.b64decode(manifest.config.data) == client.blob(f"{repository}/layers", manifest.config).read()
        kinds.append(manifest.artifact_type)
    assert set(kinds) == {LAYER_TYPE, PLAN_TYPE}
    assert kinds.count(PLAN_TYPE) == 1


def test_an_entry_of_another_recipe_is_refused(
    machine: Machine, registry: Registry, repository: str, layers: str, caplog: pytest.LogCaptureFixture
) -> None:
    digest = machine("first", cache_to=layers).image.digest
    client, path = client_of(registry), f"{repository}/layers"
    [tags] = client.tags(path)
    manifests = {tag: client.manifest(path, tag) for tag in tags}
    kinds = {tag: each for tag, each in manifests.items() if isinstance(each, Manifest)}
    plan = next(tag for tag, each in kinds.items() if each.artifact_type == PLAN_TYPE)
    client.delete_manifest(path, kinds.pop(plan).digest)
    entries = sorted(kinds)
    for tag, other in zip(entries, entries[1:] + entries[:1], strict=True):
        client.put_manifest(path, tag, kinds[other])
    assert machine("second", cache_from=layers).image.digest == digest
    assert "it is of another recipe" in caplog.text


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"other"), lambda path: path.unlink()])
def test_a_damaged_or_vanished_layer_is_made_again(
    machine: Machine,
    tmp_path: Path,
    registry: Registry,
    layers: str,
    damage: Callable[[Path], object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = machine("first", cache_to=layers)
    numpy = next(layer for layer in first.layers if layer.packages == ("numpy",))
    damage(registry.storage / f"docker/registry/v2/blobs/sha256/{numpy.digest.encoded[:2]}/{numpy.digest.encoded}/data")
    image = machine("second", cache_from=layers).image
    assert image.digest == first.image.digest
    write_image(image, f"oci:{tmp_path / 'out'}:x")
    assert image.list_files() == first.image.list_files()
    assert "is made again" in caplog.text


def test_a_registry_that_cannot_be_reached_is_asked_once(
    machine: Machine, server: ChannelServer, caplog: pytest.LogCaptureFixture
) -> None:
    options = RegistryOptions(attempts=1)
    machine("first", cache_from=[LayerRepository("localhost:1/layers", options)])
    assert caplog.text.count("will not be asked again") == 1
    assert len(downloads(server)) == 3


@pytest.mark.parametrize("answer", [Answer(503), Answer(raw=b""), refusal(403, "DENIED")])
def test_a_repository_that_gives_no_blobs_is_asked_for_one_alone(
    machine: Machine, tmp_path: Path, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    registry = StubRegistry()
    options = RegistryOptions(attempts=2, backoff=0.01)
    try:
        first = machine("first", cache_to=f"{registry.host}/layers")
        registry.hook = lambda asked: answer if asked.method == "GET" and "/blobs/" in asked.path else None
        image = machine("second", cache_from=[LayerRepository(f"{registry.host}/layers", options)]).image
        registry.requests.clear()
        write_image(image, f"docker-archive:{tmp_path / 'out.tar'}")
        assert len({asked.path for asked in registry.requests if "/blobs/" in asked.path}) == 1
    finally:
        registry.stop()
    assert image.list_files() == first.image.list_files()
    assert caplog.text.count("will not be asked again") == 1
    assert "is made again" not in caplog.text


def test_a_registry_that_wants_a_login_is_asked_once(
    machine: Machine, server: ChannelServer, caplog: pytest.LogCaptureFixture
) -> None:
    registry = StubRegistry(lambda asked: refusal(401, "UNAUTHORIZED"))
    try:
        machine("first", cache_from=f"{registry.host}/layers")
    finally:
        registry.stop()
    assert sum("/manifests/" in asked.path for asked in registry.requests) == 1
    assert caplog.text.count("will not be asked again") == 1
    assert len(downloads(server)) == 3


def test_offline_no_repository_is_looked_in(
    machine: Machine, server: ChannelServer, registry: Registry, layers: str
) -> None:
    first = machine("first", cache_to=layers)
    before = len(registry.requests())
    assert machine("first", cache_from=layers, offline=True).image.digest == first.image.digest
    with pytest.raises(DownloadError, match="--offline forbids downloading"):
        machine("second", cache_from=layers, offline=True)
    assert registry.requests(since=before) == []


def test_layers_that_were_tampered_with_are_found_by_making_them_again(
    machine: Machine, tmp_path: Path, registry: Registry, repository: str, layers: str
) -> None:
    machine("first", cache_to=layers)
    assert machine("second", cache_from=layers, verify_cache="100%").image
    client, path = client_of(registry), f"{repository}/layers"
    [tags] = client.tags(path)
    manifests = {tag: each for tag in tags if isinstance(each := client.manifest(path, tag), Manifest)}
    plan = next(tag for tag, each in manifests.items() if each.artifact_type == PLAN_TYPE)
    client.delete_manifest(path, manifests.pop(plan).digest)
    (tag, honest), (_, other), *_ = sorted(manifests.items())
    value = json.loads(honest.raw) | {"layers": [layer.to_json() for layer in other.layers]}
    client.put_manifest(path, tag, Manifest.build(value))
    shutil.rmtree(tmp_path / "second")
    with pytest.raises(CacheError, match=r"a different layer for .* than its packages make"):
        machine("second", cache_from=layers, verify_cache=1.0)


def claim(client: RegistryClient, path: str, package: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what all entries say of the layer of a package."""
    [tags] = client.tags(path)
    for tag in tags:
        manifest = client.manifest(path, tag)
        assert isinstance(manifest, Manifest)
        assert manifest.artifact_type is not None
        content = config_in(manifest, path)
        assert content is not None
        value = json.loads(content)
        entries = value["layers"].values() if manifest.artifact_type == PLAN_TYPE else [value]
        if manifest.artifact_type == LAYER_TYPE:
            value["layer"] = manifest.layers[0].to_json()
        for entry in entries:
            if entry["facts"]["packages"][0].startswith(f"{package}-"):
                change(entry)
        layers = [Descriptor.from_json(entry["layer"]) for entry in entries]
        config = Blob.from_bytes(json.dumps(value).encode(), "application/json")
        destination = RegistryDestination(client, path, None)
        destination.put_blob(config, SILENT.start("", 0))
        client.put_manifest(path, tag, artifact_manifest(manifest.artifact_type, config.read(), layers))


def false_size(entry: dict[str, Any]) -> None:
    entry["layer"]["size"] = 5


def false_diff_id(entry: dict[str, Any]) -> None:
    entry["diffId"] = f"sha256:{64 * '1'}"


def false_facts(entry: dict[str, Any]) -> None:
    entry["facts"] |= {"activate": ["etc/conda/activate.d/x.sh"], "notes": ["so they say"]}


@pytest.fixture
def claimed(registry: Registry, repository: str, layers: str, machine: Machine) -> Callable[..., BuildResult]:
    """Return a function that has a repository say something else of the layer of Python, and what was built before."""

    def change(how: Callable[[dict[str, Any]], object]) -> BuildResult:
        first = machine("first", cache_to=layers)
        claim(client_of(registry), f"{repository}/layers", "python", how)
        return first

    return change


@pytest.fixture
def deliver(tmp_path: Path, machine: Machine, layers: str) -> Callable[..., Manifest]:
    """Return a function that builds for a place on a machine that knows the repository alone."""

    def build(place: str, name: str = "second", **options: Any) -> Manifest:
        with Delivery([Location.parse(place)]) as delivery:
            image = machine(name, cache_from=layers, delivery=delivery, **options).image
            [manifest] = finish_images([image], delivery)
        assert isinstance(manifest, Manifest)
        return manifest

    return build


@pytest.fixture(params=["docker-archive", "oci", "mounts", "elsewhere"])
def place(request: pytest.FixtureRequest, tmp_path: Path, registry: Registry, repository: str) -> Iterator[str]:
    """Return where an image goes: some places read layers, and one only mounts them."""
    other = StubRegistry()
    places = {
        "docker-archive": f"docker-archive:{tmp_path}/out.tar:x:1",
        "oci": f"oci:{tmp_path}/out:1",
        "mounts": f"docker://{registry.host}/{repository}/image:1",
        "elsewhere": f"docker://{other.host}/image:1",
    }
    yield places[request.param]
    other.stop()


def test_a_false_size_gets_into_no_image(
    claimed: Callable[..., BuildResult],
    deliver: Callable[..., Manifest],
    place: str,
    server: ChannelServer,
    registry: Registry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = claimed(false_size)
    server.requests.clear()
    if place.endswith("/image:1") and registry.host in place:
        assert deliver(place, verify_cache=1e-9).digest == first.image.digest, "its registry is asked for sizes"
    else:
        assert deliver(place).digest == first.image.digest
    assert "bytes instead of 5" in caplog.text
    assert "cannot use the layer of python in" in caplog.text
    assert len(downloads(server)) == 1


def test_a_false_size_of_a_layer_that_is_mounted_is_taken_on_the_word_of_who_can_write_there(
    claimed: Callable[..., BuildResult], deliver: Callable[..., Manifest], registry: Registry, repository: str
) -> None:
    first = claimed(false_size)
    assert deliver(f"docker://{registry.host}/{repository}/image:1").digest != first.image.digest


def test_a_false_size_in_one_of_the_two_places_is_noticed_without_a_request(
    claimed: Callable[..., BuildResult],
    deliver: Callable[..., Manifest],
    registry: Registry,
    repository: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = claimed(lambda entry: None)
    client, path = client_of(registry), f"{repository}/layers"
    [tags] = client.tags(path)
    tag = next(tag for tag in tags if tag.startswith("plan-"))
    manifest = client.manifest(path, tag)
    assert isinstance(manifest, Manifest)
    layers = [layer.to_json() | {"size": layer.size + 1} for layer in manifest.layers]
    client.put_manifest(path, tag, Manifest.build(json.loads(manifest.raw) | {"layers": layers}))
    assert deliver(f"docker://{registry.host}/{repository}/image:1").digest == first.image.digest
    assert "it says something else of its layer than the manifest that it is in" in caplog.text


def test_a_false_size_of_a_layer_that_was_read_here_is_noticed_without_a_request(
    claimed: Callable[..., BuildResult],
    deliver: Callable[..., Manifest],
    registry: Registry,
    repository: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = claimed(lambda entry: None)
    deliver(f"docker-archive:{tmp_path}/out.tar:x:1")
    claim(client_of(registry), f"{repository}/layers", "python", false_size)
    assert deliver(f"docker://{registry.host}/{repository}/image:1").digest == first.image.digest
    assert "bytes instead of 5" in caplog.text


def test_a_false_size_of_a_layer_that_the_image_has_had_is_noticed_by_the_one_request_for_it(
    claimed: Callable[..., BuildResult],
    deliver: Callable[..., Manifest],
    registry: Registry,
    repository: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = claimed(lambda entry: None)
    place = f"docker://{registry.host}/{repository}/layers:image"
    claim(client_of(registry), f"{repository}/layers", "python", false_size)
    assert deliver(place).digest == first.image.digest
    assert "bytes instead of 5" in caplog.text


def test_a_false_diff_id_gets_into_no_image_whose_layers_are_read(
    claimed: Callable[..., BuildResult],
    deliver: Callable[..., Manifest],
    place: str,
    server: ChannelServer,
    registry: Registry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = claimed(false_diff_id)
    server.requests.clear()
    if registry.host in place:
        assert deliver(place).digest != first.image.digest, "it is taken on the word of who can write there"
        return
    assert deliver(place).digest == first.image.digest
    assert "the tar of layer" in caplog.text
    assert len(downloads(server)) == 1


def test_a_false_diff_id_of_a_layer_that_was_read_here_is_noticed_without_reading(
    claimed: Callable[..., BuildResult],
    deliver: Callable[..., Manifest],
    registry: Registry,
    repository: str,
    machine: Machine,
    layers: str,
    tmp_path: Path,
) -> None:
    first = claimed(lambda entry: None)
    deliver(f"docker-archive:{tmp_path}/out.tar:x:1")
    claim(client_of(registry), f"{repository}/layers", "python", false_diff_id)
    assert deliver(f"docker://{registry.host}/{repository}/image:1").digest == first.image.digest


def test_an_entry_with_other_facts_is_replaced_by_what_this_machine_knows(
    claimed: Callable[..., BuildResult], machine: Machine, layers: str, caplog: pytest.LogCaptureFixture
) -> None:
    claimed(false_facts)
    machine("first", cache_to=layers)
    assert "the layer of python-3.12" in caplog.text
    assert "there is replaced: it has other facts (activate, notes)" in caplog.text
    assert machine("second", cache_from=layers, verify_cache=1.0).layers


def test_one_layer_in_place_of_two_is_read(
    claimed: Callable[..., BuildResult],
    deliver: Callable[..., Manifest],
    registry: Registry,
    repository: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = claimed(lambda entry: None)
    other = next(layer.digest for layer in first.layers if layer.packages == ("flask",))
    descriptor = next(layer.descriptor.to_json() for layer in first.image.layers if layer.digest == other)
    claim(client_of(registry), f"{repository}/layers", "python", lambda entry: entry.update(layer=descriptor))
    assert deliver(f"docker://{registry.host}/{repository}/image:1").digest == first.image.digest
    assert "the tar of layer" in caplog.text


def test_in_place_of_another_layer_that_is_gone_the_right_one_is_made(
    claimed: Callable[..., BuildResult],
    deliver: Callable[..., Manifest],
    place: str,
    registry: Registry,
    repository: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    other = Blob.from_bytes(b"tampered with", "application/vnd.oci.image.layer.v1.tar+gzip")
    RegistryDestination(client_of(registry), f"{repository}/layers", None).put_blob(other, SILENT.start("", 0))
    first = claimed(lambda entry: entry.update(layer=other.descriptor.to_json()))
    [content] = registry.storage.rglob(f"{other.descriptor.digest.encoded}/data")
    content.unlink()
    assert deliver(place).digest == first.image.digest
    assert f"cannot use the layer of python in {registry.host}/{repository}/layers" in caplog.text


def test_a_repository_that_has_lost_a_layer_is_given_it_again(
    deliver: Callable[..., Manifest],
    machine: Machine,
    registry: Registry,
    repository: str,
    layers: str,
    tmp_path: Path,
    server: ChannelServer,
) -> None:
    first = machine("first", cache_to=layers)
    python = next(layer for layer in first.layers if layer.packages == ("python",))
    path = f"{repository}/layers"
    [content] = registry.storage.rglob(f"blobs/sha256/*/{python.digest.encoded}/data")
    content.unlink()
    assert not client_of(registry).has_blob(path, python.digest)
    assert deliver(f"oci:{tmp_path}/out:1", cache_to=layers).digest == first.image.digest
    assert client_of(registry).has_blob(path, python.digest)
    server.requests.clear()
    deliver(f"oci:{tmp_path}/other:1", "third")
    assert downloads(server) == []


@pytest.mark.parametrize(
    ("how", "named"),
    [
        (false_diff_id, f"the diff ID sha256:{64 * '1'} instead of"),
        (false_size, "bytes 5 instead of"),
        (false_facts, r"make: other facts \(activate, notes\)"),
    ],
)
def test_verifying_the_cache_says_what_differs(
    claimed: Callable[..., BuildResult],
    deliver: Callable[..., Manifest],
    tmp_path: Path,
    how: Callable[[dict[str, Any]], None],
    named: str,
) -> None:
    claimed(how)
    with pytest.raises(CacheError, match=named):
        deliver(f"oci:{tmp_path}/out:1", verify_cache=1.0)


def artifact(kind: str, config: object, *, inline: bool = True) -> tuple[Manifest, Blob]:
    """Return an entry as the store writes it, or whatever else, and its config."""
    blob = Blob.from_bytes(json.dumps(config).encode(), "application/json")
    descriptor = blob.descriptor
    if inline:
        descriptor = descriptor.replace(data=base64.b64encode(blob.read(1 << 20)).decode())
    value = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": kind, "layers": []}
    return Manifest.build(value | {"config": descriptor.to_json()}), blob


@pytest.mark.parametrize(
    ("kind", "config", "inline", "warning"),
    [
        (LAYER_TYPE, {"layers": {}}, True, "it is not a .*plan"),
        (PLAN_TYPE, {"layers": []}, True, "cannot be used: it is not an entry of conda-docker$"),
        (PLAN_TYPE, [], True, "cannot be used: it is not an entry of conda-docker$"),
        (PLAN_TYPE, {"layers": {}}, False, "cannot be used: .*cannot read blob"),
        (PLAN_TYPE, None, True, "cannot be used: it is not an entry of conda-docker$"),
    ],
)
def test_what_is_not_the_entry_of_an_environment_counts_as_absent(
    kind: str,
    config: object,
    inline: bool,
    warning: str,
    stub: StubRegistry,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = repository_store(f"{stub.host}/layers", tmp_path)
    manifest, _ = artifact(kind, config, inline=inline)
    stub.manifests["layers", plan_tag([KEY])] = (OCI_MANIFEST, manifest.raw)
    store.expect([KEY])
    assert store.get(KEY) is None
    assert re.search(warning, caplog.text)
    store.close()


def test_a_config_that_is_no_json_counts_as_absent(
    stub: StubRegistry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = repository_store(f"{stub.host}/layers", tmp_path)
    manifest, _ = artifact(LAYER_TYPE, {})
    value = json.loads(manifest.raw)
    value["config"] |= {"data": base64.b64encode(b"{").decode()} | Descriptor.of(b"{", "application/json").to_json()
    stub.manifests["layers", KEY] = (OCI_MANIFEST, Manifest.build(value).raw)
    assert store.get(KEY) is None
    assert f"the entry {KEY[:12]}... cannot be used" in caplog.text


def test_a_registry_that_refuses_is_named_once(
    stub: StubRegistry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = repository_store(f"{stub.host}/layers", tmp_path)
    refused = threading.Barrier(3)

    def refuse(asked: Asked) -> Answer | None:
        if "/manifests/" not in asked.path:
            return None
        refused.wait(120)
        return refusal(403, "DENIED")

    stub.hook = refuse
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(store.get, [letter * 64 for letter in "abc"])) == [None] * 3
    assert caplog.text.count("will not be asked again") == 1


def test_a_large_config_is_a_blob_of_its_own(stub: StubRegistry, tmp_path: Path) -> None:
    here = FolderStore(tmp_path / "here")
    key = add_layer(here, "a")
    entry = here.entry(key)
    assert entry is not None
    facts = replace(entry.facts, notes=("x" * (1 << 20),))
    store = repository_store(f"{stub.host}/layers", here.root)
    store.put(key, entry.layer, facts, entry.inputs)
    manifest = json.loads(stub.manifests["layers", key][1])
    assert "data" not in manifest["config"]
    found = repository_store(f"{stub.host}/layers", tmp_path / "other").get(key)
    assert found is not None
    assert found[1] == facts


def test_the_name_of_a_store(tmp_path: Path) -> None:
    store = RepositoryStore.open(LayerRepository("ghcr.io/org/layers"), CacheFolder(tmp_path))
    assert store.name == "ghcr.io/org/layers"


def test_a_dry_run_knows_what_is_there(
    machine: Machine, environment: LockedEnvironment, server: ChannelServer, tmp_path: Path, layers: str
) -> None:
    machine("first", cache_to=layers)
    server.requests.clear()
    preview = preview_image(
        environment, None, BuildOptions(cache_dir=tmp_path / "second", cache_from=[LayerRepository(layers)])
    )
    assert [layer.known is not None for layer in preview.layers if layer.members] == [True] * 3
    assert downloads(server) == []
