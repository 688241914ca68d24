"""Hundreds of pulls and pushes over a network that cuts, fails, limits and crawls: right, or cleanly failed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from python_docker.errors import Error
from python_docker.registry import Registry, RegistryOptions
from tests import peers
from tests.python_docker.registry.contents import small_image
from tests.python_docker.registry.faulty_proxy import random_faults
from tests.python_docker.registry.tcp_proxy import TcpProxy

TIMES = 200
PATIENT = RegistryOptions(attempts=16, backoff=0.001, max_backoff=0.02)
HASTY = PATIENT.with_fields(attempts=1)
RUNS = [(PATIENT, 0.4, TIMES, 4), (HASTY, 0.8, 40, 40)]
"""Options, the share of connections that are harmed, how often, and how many may fail: few of those that try often."""


@pytest.fixture
def faulty(registry: peers.Registry, share: float) -> Iterator[TcpProxy]:
    """Return a proxy that harms a share of the connections to the registry."""
    proxy = TcpProxy(registry.port, random_faults(20261121, share=share, reach=25_000))
    yield proxy
    proxy.stop()


def repeat(times: int, work: Callable[[int], None]) -> list[Error]:
    """Do it so many times, several at once, and give the errors; any that is none of ours is raised."""

    def attempt(number: int) -> Error | None:
        try:
            work(number)
        except Error as error:
            return error
        return None

    with ThreadPoolExecutor(8) as pool:
        return [error for error in pool.map(attempt, range(times)) if error is not None]


def check_messages(errors: list[Error]) -> None:
    for error in errors:
        assert str(error).isprintable()
        assert "Traceback" not in str(error)


@pytest.mark.parametrize(("options", "share", "times", "most_failures"), RUNS)
def test_pulls(
    faulty: TcpProxy,
    registry: peers.Registry,
    repository: str,
    options: RegistryOptions,
    times: int,
    most_failures: int,
) -> None:
    image = small_image(repository, size=6_000)
    Registry(registry.url).push_image(image)
    contents = sorted((layer.digest, layer.size) for layer in image.layers)

    def pull(number: int) -> None:
        pulled = Registry(faulty.url, options=options).pull_image(repository, "v1")
        assert pulled.digest == image.digest
        # Reading checks every byte against the digest.
        assert sorted((layer.digest, len(layer.open().read())) for layer in pulled.layers) == contents

    errors = repeat(times, pull)
    check_messages(errors)
    assert (options is PATIENT) or errors
    assert len(errors) <= most_failures, errors
    assert sum(fault.answer is not None or fault.cut_down is not None for fault in faulty.faults) > times // 8


@pytest.mark.parametrize(("options", "share", "times", "most_failures"), RUNS)
def test_pushes(
    faulty: TcpProxy,
    registry: peers.Registry,
    repository: str,
    options: RegistryOptions,
    times: int,
    most_failures: int,
) -> None:
    pushed: dict[str, str] = {}
    lock = threading.Lock()

    def push(number: int) -> None:
        image = small_image(repository, f"v{number}", seed=(options.attempts, number), layers=2, size=6_000)
        Registry(faulty.url, options=options).push_image(image)
        with lock:
            pushed[f"v{number}"] = image.digest

    errors = repeat(times, push)
    check_messages(errors)
    assert (options is PATIENT) or errors
    assert len(errors) <= most_failures, errors
    assert len(pushed) + len(errors) == times
    # What was said to be there is there, whole; what failed left nothing by its name but, at the most, the whole.
    directly = Registry(registry.url)
    for tag, digest in pushed.items():
        assert directly.get_manifest_digest(repository, tag) == digest
    there = set(directly.list_image_tags(repository))
    assert there >= set(pushed)

    def verify(number: int) -> None:
        if f"v{number}" in there:
            image = directly.pull_image(repository, f"v{number}", lazy=True)
            assert [len(layer.open().read()) for layer in image.layers] == [layer.size for layer in image.layers]

    assert repeat(times, verify) == []
