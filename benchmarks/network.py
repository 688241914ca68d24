"""Builds that are pushed over a network: cold, warm, to a second repository, from a bare machine, with one change."""

from __future__ import annotations

import itertools
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.environments import Environment
from benchmarks.link import Link
from benchmarks.ours import TOOL, Caches, build_command
from benchmarks.peers import Peers, install_command
from benchmarks.pushes import Endpoint, endpoint
from benchmarks.startup import before_layers
from benchmarks.work import Commands, Session, Work, remove
from conda_docker.cache.folder import NoteKind
from tests.conda_docker.channel_server import ChannelServer

RATES = (25_000_000, 100_000_000)
"""Bytes per second each way."""
COLD = "cold push"
WARM = "warm push"
SECOND = "second repository"
BARE = "bare machine, layer repository"
CHANGED = "one package changed"
IMAGE = "bare machine, replaced image, one package changed"
LOCAL = "cold build, no network"
SOLVE = "start and solve alone"
BARE_SOLVE = "start and solve alone, bare machine"
STEPS = "cold push, step by step"


@dataclass(frozen=True, slots=True)
class Network:
    """An environment whose channel and registry are behind links; the registry has its layers and the image `kept`."""

    session: Session
    environment: Environment
    caches: Caches
    there: Endpoint
    channel: Link
    registry: Link

    def command(self, cache: Path, image: str, *options: str, changed: bool = False) -> list[str]:
        """A build that is pushed by the link."""
        output = ("--image", f"{self.registry.host}/{image}:1", "--push")
        return build_command(self.session, self.environment, cache, *output, changed=changed, options=options)

    def work(
        self,
        name: str,
        command: Callable[[], Sequence[Sequence[str]]],
        before: Callable[[], None],
        *,
        tool: str = TOOL,
    ) -> Work:
        """A work with the bytes that went either way, and the processor time of the other ends."""
        start = (0, 0, 0)
        busy = 0.0

        def prepare(first: bool) -> Commands:
            nonlocal start, busy
            before()
            requests = len(self.there.registry.requests())
            start = (self.channel.down + self.registry.down, self.registry.up, requests)
            given = command()
            busy = self._other_ends()
            return given

        def finish(first: bool) -> Mapping[str, Any]:
            others = self._other_ends() - busy
            down = self.channel.down + self.registry.down - start[0]
            requests = self.there.registry.requests(since=start[2])
            blobs = sum(each.method == "PUT" and "/blobs/uploads/" in each.path for each in requests)
            return {"received": down, "sent": self.registry.up - start[1], "blobs_sent": blobs, "others": others}

        return Work(name=name, tool=tool, prepare=prepare, finish=finish)

    def _other_ends(self) -> float:
        """Return the processor seconds that the registry, and this process with the links and the channel, took."""
        own = os.times()
        return own.user + own.system + self.there.registry.cpu()


@contextmanager
def network(session: Session, environment: Environment, rate: int, peers: Peers | None) -> Iterator[list[Work]]:
    """The works at one rate, with a channel and a registry for as long as the block runs."""
    server = ChannelServer(environment.channel).start()
    channel = Link(int(server.url.rpartition(":")[2]), rate)
    # A package's record names its URL, and is part of its layer: the same for all builds.
    environment = replace(environment, address=f"http://{channel.host}")
    try:
        with endpoint(session, f"registry-network-{rate}") as there:
            registry = Link(there.registry.port, rate)
            try:
                caches = Caches.fill(session, environment)
                found = Network(session, environment, caches, there, channel, registry)
                yield [*_works(found), *_steps(found, peers)]
                remove(caches.cold, caches.warm, caches.changing)
            finally:
                registry.stop()
    finally:
        channel.stop()
        server.stop()


def _works(net: Network) -> Iterator[Work]:
    session, caches, there = net.session, net.caches, net.there
    home, layout = session.place("home-bare"), session.place("out-network")
    numbers = itertools.count(1)
    options = ["--cache-to", f"{net.registry.host}/layers", "--cache-image"]
    fill = net.command(caches.warm, "kept", *options)
    subprocess.run(fill, check=True, capture_output=True, env=session.env, cwd=session.folder)
    there.keep_state()
    pushed = session.place("pushed-network")  # what the cache knows of the registry in its state of departure
    remove(pushed)
    shutil.copytree(caches.warm / NoteKind.PUSHED, pushed)

    def empty() -> None:
        remove(there.registry.storage, home, caches.cold)
        there.registry.storage.mkdir()
        home.mkdir()

    def kept() -> None:
        remove(home, caches.cold, caches.warm / NoteKind.PUSHED)
        shutil.copytree(pushed, caches.warm / NoteKind.PUSHED)
        there.restore()
        home.mkdir()

    def bare(*command: str) -> Commands:
        return [["env", f"HOME={home}", *command]]

    def local() -> Commands:
        remove(layout)
        environment = replace(net.environment, address="")
        output = ("--image", "demo:1", "--output", f"oci:{layout}")
        return bare(*build_command(session, environment, caches.cold, *output))

    solve = before_layers(session, net.environment).prepare(False)
    yield net.work(LOCAL, local, kept)
    yield net.work(SOLVE, lambda: solve, kept)
    yield net.work(BARE_SOLVE, lambda: bare(*solve[0]), kept)
    yield net.work(COLD, lambda: bare(*net.command(caches.cold, "demo")), empty)
    yield net.work(WARM, lambda: [net.command(caches.warm, f"demo-{next(numbers)}")], empty)
    yield net.work(SECOND, lambda: [net.command(caches.warm, f"demo-{next(numbers)}")], kept)
    known = ("--cache-from", f"{net.registry.host}/layers")
    yield net.work(BARE, lambda: bare(*net.command(caches.cold, "demo", *known)), kept)
    if net.environment.changed is not None:

        def renew() -> None:
            kept()
            caches.renew_changing()

        yield net.work(CHANGED, lambda: [net.command(caches.changing, "kept", changed=True)], renew)
        yield net.work(IMAGE, lambda: bare(*net.command(caches.cold, "kept", "--cache-image", changed=True)), kept)


def _steps(net: Network, peers: Peers | None) -> Iterator[Work]:
    """The same with other tools, one after another: install, make a layer, push."""
    if peers is None or not all(map(peers.has, ("umoci", "skopeo"))):
        return
    session, home = net.session, net.session.place("home-bare")
    root, layout, cache = map(session.place, ("root-network", "peer-network", "rattler-network"))

    def empty() -> None:
        remove(net.there.registry.storage, home, root, layout, cache)
        net.there.registry.storage.mkdir()
        home.mkdir()
        (root / "opt" / "conda").mkdir(parents=True)

    def commands() -> Commands:
        image = f"{shlex.quote(str(layout))}:1"
        target = f"docker://{net.registry.host}/demo:1"
        script = f"""
            umoci init --layout {shlex.quote(str(layout))}
            umoci new --image {image}
            umoci insert --image {image} {shlex.quote(f"{root}/opt/conda")} /opt/conda
            skopeo --insecure-policy copy --quiet --dest-tls-verify=false oci:{image} {target}
        """
        install = install_command(net.environment, root / "opt" / "conda", cache)
        return [["env", f"HOME={home}", *install], ["sh", "-ec", script]]

    yield net.work(STEPS, commands, empty, tool="rattler + umoci + skopeo")
