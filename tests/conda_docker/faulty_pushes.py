"""Builds that link and push while their packages download, and whatever may befall them, by chance but with a seed.

`python -m tests.conda_docker.faulty_pushes 200` tries as many.
"""

from __future__ import annotations

import random
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

from conda_docker.build_options import BuildOptions, Bytecode
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.image.assemble import build_image
from conda_docker.image.index import finish_images
from conda_docker.resolution.lock import lock
from python_docker.copying.delivery import Delivery
from python_docker.errors import Error, NotFound
from python_docker.files.leftovers import is_partial
from python_docker.registry.access.options import RegistryOptions
from python_docker.spec.digest import Digest
from python_docker.spec.platform import Platform
from python_docker.transports import Location, open_image
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.package.faulty_server import Fault, FaultyServer
from tests.peers import Registry, start_registry
from tests.python_docker.registry.faulty_proxy import random_faults
from tests.python_docker.registry.tcp_proxy import NONE, TcpProxy

QUICK = RegistryOptions(attempts=4, backoff=0.001, max_backoff=0.002, max_wait=1, environ={})


class Interrupted(Exception):
    """What stands for Ctrl-C."""


@dataclass(slots=True)
class Scene:
    """A channel, a registry and the proxy in front of it; what is built there without faults has `digest`."""

    folder: Path
    registry: Registry
    server: FaultyServer
    environment: LockedEnvironment
    digest: Digest

    def attempt(self, seed: int) -> str:
        """Build and push with the faults of a seed, then without; return how the first ended.

        Raises `AssertionError` for anything that is half there, or wrong.
        """
        chance = random.Random(seed)
        place = self.folder / f"attempt-{seed}"
        place.mkdir()
        proxy = TcpProxy(self.registry.port, random_faults(seed, share=chance.choice([0.0, 0.2, 0.5])))
        self.server.faults.extend(_fault(chance) for _ in range(chance.choice([0, 5, 30])))
        bad = chance.random() < 0.2
        try:
            return self._attempt(chance, place, proxy, f"attempt-{seed}", bad=bad)
        finally:
            proxy.stop()

    def _attempt(self, chance: random.Random, place: Path, proxy: TcpProxy, name: str, *, bad: bool) -> str:
        interrupted = chance.uniform(0, 0.6) if chance.random() < 0.2 else None
        environment = self.environment
        if bad:
            wrong = chance.randrange(len(environment.packages))
            packages = [
                replace(package, sha256="0" * 64) if number == wrong else package
                for number, package in enumerate(environment.packages)
            ]
            environment = replace(environment, packages=tuple(packages))
        try:
            digests = self._build(environment, place, proxy.host, name, interrupted)
            outcome = "well"
            assert digests == [self.digest] * 3
        except (Error, Interrupted) as error:
            outcome = type(error).__name__
        for location in self._places(place, self.registry.host, name):
            assert self._found(location) in (None, self.digest), location
        assert [path.name for path in place.iterdir() if is_partial(path.name)] == []
        self.server.faults.clear()
        proxy._fault = lambda: NONE
        assert self._build(self.environment, place, proxy.host, name, None) == [self.digest] * 3
        for location in self._places(place, self.registry.host, name):
            assert self._found(location) == self.digest, location
        return outcome

    def _places(self, place: Path, host: str, name: str) -> list[Location]:
        texts = (f"oci:{place}/layout:v1", f"oci-archive:{place}/image.tar:v1", f"docker://{host}/{name}:v1")
        return [Location.parse(text) for text in texts]

    def _found(self, location: Location) -> Digest | None:
        try:
            image = open_image(location)
            assert image.list_files()
        except NotFound:
            return None
        return image.digest

    def _build(
        self, environment: LockedEnvironment, place: Path, host: str, name: str, interrupted: float | None
    ) -> list[Digest]:
        options = BuildOptions(cache_dir=place / "cache", bytecode=Bytecode.NEVER)
        with (
            patch("conda_docker.channels.http_options.http_options", lambda configuration: QUICK),
            # Of these small packages, too, the end comes first.
            patch.multiple("conda_docker.package.fetch.download", _EARLY=10_000, _MIN_END=2_000),
            Delivery(self._places(place, host, name), registry=lambda _: QUICK) as delivery,
        ):
            timer = threading.Timer(interrupted or 0, delivery.stop.set, [Interrupted()])
            if interrupted is not None:
                timer.start()
            try:
                result = build_image(environment, None, options, delivery=delivery)
                return [manifest.digest for manifest in finish_images([result.image], delivery)]
            finally:
                timer.cancel()


def _fault(chance: random.Random) -> Fault:
    kind = chance.choice(["none", "cut", "reset", "status", "pause"])
    if kind == "cut":
        return Fault(cut=chance.randrange(40_000))
    if kind == "reset":
        return Fault(cut=chance.randrange(40_000), reset=True)
    if kind == "status":
        return Fault(status=chance.choice([500, 503, 404]), body=b"")
    return Fault(pause=0.01) if kind == "pause" else Fault()


@contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """A scene for as long as the block runs."""
    content = random.Random(1).randbytes(40_000)
    channel = SyntheticChannel(folder / "channel")
    packages = [
        SyntheticPackage(
            name=f"p{number}", files={f"share/p{number}": content[number:], "share/same": bytes([number // 2])}
        )
        for number in range(6)
    ]
    channel.add(*packages, SyntheticPackage(name="top", depends=[package.name for package in packages]))
    server = FaultyServer(channel.folder)
    registry = start_registry(folder / "registry")
    try:
        environment = lock(["top"], channels=[server.url], override_channels=True, platform=Platform())
        options = BuildOptions(cache_dir=folder / "expected", bytecode=Bytecode.NEVER)
        image = build_image(environment, None, options).image
        yield Scene(folder, registry, server, environment, image.digest)
    finally:
        registry.stop()
        server.stop()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, scene(Path(folder)) as found:
        outcomes = [found.attempt(seed) for seed in range(int(sys.argv[1]))]
        for outcome in sorted(set(outcomes)):
            print(f"{outcomes.count(outcome)} ended {outcome}")


if __name__ == "__main__":
    main()
