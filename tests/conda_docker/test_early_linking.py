"""Builds that link large packages while they are downloaded: the same images, and nothing of one that is wrong."""

from __future__ import annotations

import logging
import random
import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from conda_docker.baking.layers.making import Compilers, MadeWork, Workshop, make_works
from conda_docker.baking.layers.works import works_of
from conda_docker.build_options import BuildOptions, Bytecode
from conda_docker.environment.locked import LockedEnvironment, LockedPackage
from conda_docker.errors import InvalidPackage, WrongPackage
from conda_docker.image.assemble import build_image
from conda_docker.image.base.system import BaseSystem
from conda_docker.image.index import finish_images
from conda_docker.image.plan import plan_image
from conda_docker.layers.stores.folder import FolderStore
from conda_docker.package.fetch import download
from conda_docker.package.fetch.hashes import archive_hashes
from python_docker.copying.delivery import Delivery
from python_docker.errors import NotFound
from python_docker.parallel import Stop
from python_docker.spec.digest import Digest
from python_docker.transports import Location, open_image
from tests import peers
from tests.conda_docker.channel import File, HardLink, Symlink, SyntheticChannel, SyntheticPackage
from tests.conda_docker.package.faulty_server import Fault, FaultyServer
from tests.conda_docker.package.fetch.test_early import early  # noqa: F401 -- smaller packages are read early, too

CONTENT = random.Random(3).randbytes(3_000_000)
PREFIX = "/opt/placeholder_" + "x" * 100
LARGE = SyntheticPackage(
    name="large",
    files={
        "bin/run": File(b"#!" + PREFIX.encode() + b"/bin/python\n", mode=0o755, placeholder=PREFIX),
        "share/first": File(CONTENT),
        "share/second": HardLink("share/first"),
        "share/third": Symlink("first"),
    },
)
TWICE = SyntheticPackage(name="twice", files={"share/z": File(CONTENT), "share/a": "a"})
MODULES = SyntheticPackage(
    name="modules", noarch="python", files={"site-packages/m.py": "x = 1", "site-packages/data": File(CONTENT[1:])}
)
PYTHON = SyntheticPackage(name="python", version="3.11.7", files={"bin/python": "python"})


@pytest.fixture
def server(synthetic_channel: SyntheticChannel) -> Iterator[FaultyServer]:
    server = FaultyServer(synthetic_channel.folder)
    yield server
    server.stop()


@pytest.fixture
def packages(synthetic_channel: SyntheticChannel, server: FaultyServer) -> list[LockedPackage]:
    synthetic_channel.add(LARGE, MODULES, PYTHON)
    synthetic_channel.add(TWICE, suffix=".tar.bz2")
    found = [synthetic_channel.locked(package, url=server.url) for package in (PYTHON, LARGE, MODULES)]
    return [*found, synthetic_channel.locked(TWICE, ".tar.bz2", url=server.url)]


Build = Callable[..., Digest]
Counter = Callable[[], int]
Late = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Return what builds an image of some packages in a cache of its own, and gives the image's digest."""

    def build(*packages: LockedPackage, cache: str = "cache", delivery: Delivery | None = None) -> Digest:
        options = BuildOptions(cache_dir=tmp_path / cache, bytecode=Bytecode.NEVER)
        image = build_image(LockedEnvironment("linux-64", packages), None, options, delivery=delivery).image
        if delivery is not None:
            [manifest] = finish_images([image], delivery)
            assert manifest.digest == image.digest
        return image.digest

    return build


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Late:
    """Return a context in which no package is read before all of it is there."""

    @contextmanager
    def late() -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setattr(download, "_EARLY", 1 << 60)
            yield

    return late


@pytest.fixture
def again(caplog: pytest.LogCaptureFixture) -> Counter:
    """Return how often a package was linked once more."""
    caplog.set_level(logging.INFO, "conda_docker")
    return lambda: sum("linked once more" in message for message in caplog.messages)


def test_the_same_image_and_each_byte_is_sent_once(
    packages: list[LockedPackage],
    server: FaultyServer,
    build: Build,
    late: Late,
    again: Counter,
) -> None:
    found = build(*packages, cache="one")
    asked = [(request.path.rpartition("/")[2], request.range) for request in server.requests]
    assert len(asked) == len(set(asked)) == 6, "of two packages the end first, and then the rest"
    assert again() == 0
    with late():
        assert build(*packages, cache="other") == found


@pytest.mark.parametrize("fault", [Fault(cut=1_500_000), Fault(cut=1_000_000, reset=True), Fault(status=503, body=b"")])
def test_a_connection_that_breaks_is_made_anew(
    fault: Fault, packages: list[LockedPackage], server: FaultyServer, build: Build, again: Counter
) -> None:
    expected = build(packages[1], cache="one")
    server.faults += [Fault(), fault]
    assert build(packages[1], cache="two") == expected
    assert again() == 0


def test_an_end_that_does_not_belong_to_the_rest_costs_another_request(
    packages: list[LockedPackage], server: FaultyServer, build: Build, again: Counter
) -> None:
    expected = build(packages[1], cache="one")
    size = packages[1].size or 0
    headers = {"Content-Range": f"bytes {size - (128 << 10)}-{size - 1}/{size}"}
    server.faults.append(Fault(status=206, body=bytes(128 << 10), headers=headers))
    assert build(packages[1], cache="two") == expected
    assert again() == 1


@pytest.mark.parametrize("number", [1, 3])
def test_nothing_is_kept_or_sent_of_a_package_with_a_wrong_hash(
    number: int, packages: list[LockedPackage], build: Build, tmp_path: Path, registry: peers.Registry, repository: str
) -> None:
    wrong = replace(packages[number], sha256=64 * "0")
    place = f"docker://{registry.host}/{repository}:1"
    before = len(registry.requests())
    with pytest.raises(WrongPackage, match="its sha256 is"), Delivery([Location.parse(place)]) as delivery:
        build(wrong, delivery=delivery)
    assert not [request for request in registry.requests(since=before) if request.method in ("PUT", "PATCH")]
    with pytest.raises(NotFound):
        open_image(place)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.stat().st_size > 1_000_000]


def test_a_zip_that_is_cut_off_is_named(
    synthetic_channel: SyntheticChannel, server: FaultyServer, build: Build, again: Counter
) -> None:
    synthetic_channel.add(LARGE)
    path = synthetic_channel.path(LARGE)
    record = synthetic_channel.locked(LARGE, url=server.url)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InvalidPackage, match="is damaged"):
        build(replace(record, **archive_hashes(path)))  # type: ignore[arg-type]
    assert again() == 1


def test_what_one_pass_cannot_link_is_read_again_from_what_has_come(
    synthetic_channel: SyntheticChannel,
    server: FaultyServer,
    build: Build,
    late: Late,
    again: Counter,
) -> None:
    second = tarfile.TarInfo("share/first")
    second.size = 4
    package = SyntheticPackage(name="large", files={"share/first": File(CONTENT)}, more_members=[(second, b"last")])
    synthetic_channel.add(package)
    record = synthetic_channel.locked(package, url=server.url)
    found = build(record, cache="one")
    assert again() == 0
    with late():
        assert build(record, cache="other") == found


@pytest.fixture
def baked(tmp_path: Path) -> Callable[..., list[MadeWork]]:
    """Return what makes the layers of some packages as a bake does, in a cache of its own."""

    def make(*packages: LockedPackage) -> list[MadeWork]:
        options = BuildOptions(cache_dir=tmp_path / "baked", bytecode=Bytecode.NEVER)
        plan = plan_image(LockedEnvironment("linux-64", packages), None, BaseSystem(), options)
        with Compilers() as compilers:
            shop = Workshop.open(options, compilers, workers=2, stop=Stop())
            return list(make_works(list(works_of(plan, options)), shop))

    return make


def test_a_bake_links_while_it_downloads_too(
    packages: list[LockedPackage],
    server: FaultyServer,
    baked: Callable[..., list[MadeWork]],
    build: Build,
    again: Counter,
) -> None:
    made = baked(*packages)
    assert len(server.requests) == 6, "of two packages the end first, and then the rest"
    assert again() == 0
    server.requests.clear()
    build(*packages, cache="baked")
    assert server.requests == []
    assert [each.error for each in made] == [None] * 4


def test_a_package_that_is_wrong_costs_its_own_layers_of_a_bake(
    packages: list[LockedPackage], baked: Callable[..., list[MadeWork]], tmp_path: Path
) -> None:
    wrong = replace(packages[1], sha256="0" * 64)
    made = {each.work.members[0].name: each for each in baked(wrong, *packages[2:], packages[0])}
    assert isinstance(made.pop("large").error, WrongPackage)
    assert all(each.layer is not None for each in made.values())
    assert len(FolderStore(tmp_path / "baked").keys()) == 3
