"""Base images: kept in the cache, usable offline, and what solvers must know of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.image.base import opening
from conda_docker.image.base.opening import one_base, open_base
from python_docker.errors import InvalidReference, NotFound, NotFoundInRegistry
from python_docker.image import Image
from python_docker.registry.access.address import RegistryAddress
from python_docker.registry.access.options import RegistryOptions
from python_docker.spec.platform import Platform
from python_docker.spec.reference import ImageReference
from python_docker.transports import write_image
from tests.conda_docker.registry_base import asked_for, push_base
from tests.peers import DockerEngine, Registry

AMD64 = Platform()


@pytest.fixture
def base(registry: Registry, repository: str) -> str:
    image = Image()
    image.add_layer_contents({"/etc/os-release": b"ID=test\n"})
    image.add_layer_contents({"/etc/motd": b"hello\n"})
    write_image(image, f"docker://{registry.host}/{repository}:v1")
    return f"{registry.host}/{repository}:v1"


def blobs(registry: Registry, since: int) -> list[str]:
    return [request.path for request in registry.requests(since) if "/blobs/" in request.path]


def test_scratch_is_no_image(tmp_path: Path) -> None:
    assert open_base("scratch", AMD64, tmp_path) is None


def test_layers_are_read_from_the_registry_once(registry: Registry, base: str, tmp_path: Path) -> None:
    first = open_base(base, AMD64, tmp_path)
    assert first is not None
    files = first.list_files()
    since = len(registry.requests())
    second = open_base(base, AMD64, tmp_path)
    assert second is not None
    assert second.list_files() == files == ["etc", "etc/motd", "etc/os-release"]
    assert not [path for path in blobs(registry, since) if str(second.id) not in path]
    assert second.digest == first.digest


def test_all_platforms_of_a_build_are_of_one_index(registry: Registry, repository: str, tmp_path: Path) -> None:
    platforms = [Platform("linux", "amd64"), Platform("linux", "arm64")]
    name = push_base(registry, repository, platforms)
    since = len(registry.requests())
    with one_base():
        first = open_base(name, platforms[0], tmp_path)
        index = push_base(registry, repository, [Platform("linux", "s390x"), *platforms])
        second = open_base(index, platforms[1], tmp_path)
    assert first is not None
    assert second is not None
    assert {each.platform for each in (first, second)} == set(platforms)
    reads = [request for request in registry.requests(since) if request.method == "GET"]
    assert sum(request.path.endswith("/manifests/v1") for request in reads) == 1


def test_of_an_index_that_has_not_changed_nothing_else_is_asked(
    registry: Registry, repository: str, tmp_path: Path
) -> None:
    name = push_base(registry, repository, [Platform("linux", "amd64"), Platform("linux", "arm64")])
    first = open_base(name, AMD64, tmp_path)
    since = len(registry.requests())
    second = open_base(name, AMD64, tmp_path)
    assert first is not None
    assert second is not None
    assert (second.id, second.platform) == (first.id, first.platform)
    assert asked_for(registry, since) == {"v1": 1}


def test_a_kept_base_works_offline(base: str, tmp_path: Path) -> None:
    online = open_base(base, AMD64, tmp_path)
    assert online is not None
    online.list_files()
    offline = open_base(base, AMD64, tmp_path, offline=True)
    assert offline is not None
    assert offline.list_files() == online.list_files()


def test_what_is_not_kept_cannot_be_used_offline(base: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="offline"):
        open_base(base, AMD64, tmp_path, offline=True)
    open_base(base, AMD64, tmp_path)
    lazily = open_base(base, AMD64, tmp_path, offline=True)
    assert lazily is not None
    with pytest.raises(NotFound, match="not in the cache"):
        lazily.list_files()


def test_a_damaged_note_is_no_obstacle(base: str, tmp_path: Path) -> None:
    open_base(base, AMD64, tmp_path)
    next((tmp_path / "bases").glob("*/*")).write_bytes(b"{")
    with pytest.raises(NotFound):
        open_base(base, AMD64, tmp_path, offline=True)
    assert open_base(base, AMD64, tmp_path) is not None


def test_another_place_is_read_as_it_is(tmp_path: Path) -> None:
    image = Image("x", "y")
    image.add_layer_contents({"/a": b""})
    write_image(image, f"oci:{tmp_path / 'layout'}:y")
    base = open_base(f"oci:{tmp_path / 'layout'}:y", AMD64, tmp_path / "cache")
    assert base is not None
    assert base.digest == image.digest


def test_only_an_image_of_a_registry_has_a_name_there(
    base: str, docker_engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an engine or an archive calls `team/private` is another image in Docker Hub, or none."""
    image = Image("team/private", "1")
    image.add_layer_contents({"/etc/os-release": b"ID=test\n"})
    write_image(image, str(tmp_path / "base.tar"))
    docker_engine.load(tmp_path / "base.tar")
    write_image(image, f"oci-archive:{tmp_path}/oci.tar:team/private:1")
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    named = open_base(base, AMD64, tmp_path / "cache")
    assert named is not None
    assert str(named.reference) == base
    for local in ("docker-daemon:team/private:1", f"{tmp_path}/base.tar", f"oci-archive:{tmp_path}/oci.tar"):
        opened = open_base(local, AMD64, tmp_path / "cache")
        assert opened is not None
        with pytest.raises(InvalidReference):
            opened.reference  # noqa: B018


def test_the_default_base_is_docker_hubs_where_the_registry_has_none(
    registry: Registry, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = base.removeprefix(f"{registry.host}/").removesuffix(":v1")
    monkeypatch.setenv("CONDA_DOCKER_REGISTRY_URL", registry.url + "/none")
    monkeypatch.setattr(opening, "DEFAULT_BASE", f"{path}:v1")
    found = RegistryOptions.address_of
    # Docker Hub is the tests' registry, too, where the image is.
    monkeypatch.setattr(
        RegistryOptions,
        "address_of",
        lambda self, domain: RegistryAddress.parse(registry.url) if domain == "docker.io" else found(self, domain),
    )
    image = open_base(f"{path}:v1", AMD64, tmp_path)
    assert image is not None
    assert image.reference == ImageReference.parse(f"docker.io/{path}:v1")
    kept = open_base(f"{path}:v1", AMD64, tmp_path, offline=True)
    assert kept is not None
    assert kept.digest == image.digest
    monkeypatch.setattr(opening, "DEFAULT_BASE", "another")
    with pytest.raises(NotFoundInRegistry):
        open_base(f"{path}:v1", AMD64, tmp_path)


def test_a_default_base_that_is_nowhere_is_an_error_that_names_both(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDA_DOCKER_REGISTRY_URL", registry.url + "/none")
    with pytest.raises(NotFound, match=rf"^{registry.host}/debian:stable-slim is not .*; nor can that of Docker Hub"):
        open_base("debian:stable-slim", AMD64, tmp_path, offline=True)
