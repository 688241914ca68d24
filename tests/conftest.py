"""Fixtures for every test, and the closing words on which peers a run had."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import peers
from tests.images import hello_files
from tests.peers import availability
from tests.python_docker.registry.stub_registry import StubRegistry

# Tests assert no time, and this machine may be busy with others. `--hypothesis-profile exploring` tries new examples.
settings.register_profile("exploring", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeatable", settings.get_profile("exploring"), derandomize=True)
settings.load_profile("repeatable")

# Started in the background by a shell, this process ignores Ctrl-C, and so would every program that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Before any other test module is imported: what is run on importing counts, too.
room_coverage = None
if "ROOM_COVERAGE" in os.environ:
    from tests.room_coverage import RoomCoverage

    room_coverage = RoomCoverage(is_worker="PYTEST_XDIST_WORKER" in os.environ)

FIXTURE_PEERS = {
    "registry": ["docker-registry"],
    "start_registry": ["docker-registry"],
    "skopeo": ["skopeo"],
    "umoci": ["umoci"],
    "docker_engine": ["dockerd"],
    "podman_engine": ["podman"],
    "containerd": ["containerd", "ctr"],
    "bwrap": ["bwrap"],
    "runc": ["runc"],
    "runnable_files": ["busybox"],
    "browser": ["chromium"],
}
"""What each fixture needs: a test that uses it gets the marker `peer` for it."""


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[peers.Registry]:
    """Return the registry that all tests share, without credentials. Each test uses names of its own: `repository`."""
    running = peers.start_registry(tmp_path_factory.mktemp("registry"))
    yield running
    running.stop()


@pytest.fixture
def stub() -> Iterator[StubRegistry]:
    """Return an empty registry in memory; its `hook` makes it odd."""
    running = StubRegistry()
    yield running
    running.stop()


@pytest.fixture
def start_registry(tmp_path: Path) -> Iterator[Callable[..., peers.Registry]]:
    """Return `peers.start_registry` less its first argument: each gets a folder and is stopped after the test."""
    numbers = itertools.count(1)
    running: list[peers.Registry] = []

    def start(**options: Any) -> peers.Registry:
        running.append(peers.start_registry(tmp_path / f"registry-{next(numbers)}", **options))
        return running[-1]

    yield start
    for registry in running:
        registry.stop()


@pytest.fixture
def repository(request: pytest.FixtureRequest) -> str:
    """Return a repository name that no other test uses in the shared registry."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40].strip("-")
    return f"tests/{name}-{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:8]}"


@pytest.fixture(scope="session")
def skopeo(tmp_path_factory: pytest.TempPathFactory) -> peers.Program:
    """Return skopeo, which takes plain HTTP from localhost, trusts no machine's settings and knows no credentials."""
    program = availability.require("skopeo")
    folder = tmp_path_factory.mktemp("skopeo")
    (folder / "auth.json").write_text("{}")
    (folder / "registries.conf").write_text(
        '[[registry]]\nprefix = "localhost"\nlocation = "localhost"\ninsecure = true\n'
    )
    options = ("--insecure-policy", "--registries-conf", str(folder / "registries.conf"), "--tmpdir", str(folder))
    return peers.Program(program, options, {"REGISTRY_AUTH_FILE": str(folder / "auth.json")})


@pytest.fixture(scope="session")
def umoci() -> peers.Program:
    """Return umoci; `peers.unpack_image` unpacks with it."""
    return peers.Program(availability.require("umoci"))


@pytest.fixture(scope="session")
def docker_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[peers.DockerEngine]:
    """Return the Docker Engine that all tests share: `.socket`, `.host`, `.docker(...)`, `.load`, `.save`, `.run`."""
    engine = peers.start_engine(tmp_path_factory.mktemp("engine"))
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def podman_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[peers.Podman]:
    """Return the Podman that all tests share: `.socket`, `.host`, `.podman(...)`, `.run`."""
    engine = peers.start_podman(tmp_path_factory.mktemp("podman"))
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def containerd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[peers.Containerd]:
    """Return the containerd that all tests share: `.ctr(...)`, `.pull`, `.run`."""
    service = peers.start_containerd(tmp_path_factory.mktemp("containerd"))
    yield service
    service.stop()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[peers.Browser]:
    """Return the browser that all tests share: `.open(url)` gives a page."""
    running = peers.start_browser(tmp_path_factory.mktemp("browser"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def bwrap() -> Callable[..., Any]:
    """Return `peers.run_in_bwrap`, which runs a command in an unpacked root file system."""
    availability.require("bwrap")
    return peers.run_in_bwrap


@pytest.fixture(scope="session")
def runc() -> Callable[..., Any]:
    """Return `peers.run_in_runc`, which runs a command in a container made of an unpacked root file system."""
    availability.require("runc")
    return peers.run_in_runc


@pytest.fixture(scope="session")
def runnable_files() -> dict[str, bytes]:
    """Return the files of a base image that runs: a shell and a few programs (`tests.images.hello_files`)."""
    availability.require("busybox")
    return hello_files()


def pytest_configure(config: pytest.Config) -> None:
    """Measure coverage where the environment asks for it."""
    if room_coverage is not None:
        config.pluginmanager.register(room_coverage)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the peers that its fixtures need."""
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            for name in FIXTURE_PEERS.get(fixture, ()):
                item.add_marker(pytest.mark.peer(name))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose peer is missing, before anything is started for it."""
    for marker in item.iter_markers("peer"):
        for name in marker.args:
            availability.require(name)


_used_by_workers: set[str] = set()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the peers that a pytest-xdist worker used to the process that prints the summary."""
    worker_output = getattr(session.config, "workeroutput", None)
    if worker_output is not None:
        worker_output["peers"] = sorted(availability.used)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a pytest-xdist worker used."""
    _used_by_workers.update(getattr(node, "workeroutput", {}).get("peers", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which peers the tests of this run used, and which are missing on this machine."""
    used = availability.used | _used_by_workers
    missing = [reason for name in availability.PEERS if (reason := availability.missing(name))]
    terminalreporter.write_line(
        f"peers used: {', '.join(availability.version(name) for name in sorted(used)) or 'none'}"
    )
    terminalreporter.write_line(f"peers missing: {'; '.join(missing) or 'none'}")
