"""Builds that go to a registry on this machine, with the bytes that they send."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.environments import Environment
from benchmarks.ours import TOOL, Caches, build_command
from benchmarks.work import Commands, Session, Work, remove
from tests.peers.registry import Registry, start_registry
from tests.python_docker.registry.tcp_proxy import TcpProxy


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A registry, the proxy that counts what goes to it, and a copy of what it holds in its state of departure."""

    registry: Registry
    proxy: TcpProxy
    initial: Path

    def name(self, image: str, *, counted: bool) -> str:
        """The image's name there, by the proxy when bytes are to be counted."""
        return f"{self.proxy.host if counted else self.registry.host}/{image}"

    def keep_state(self) -> None:
        """What it holds now is its state of departure."""
        remove(self.initial)
        shutil.copytree(self.registry.storage, self.initial)

    def restore(self) -> None:
        """Back to the state of departure: empty, unless another was kept. It reads its disk at each request."""
        remove(self.registry.storage)
        if self.initial.is_dir():
            shutil.copytree(self.initial, self.registry.storage)
        else:
            self.registry.storage.mkdir()


@contextmanager
def endpoint(session: Session, name: str) -> Iterator[Endpoint]:
    """A registry for as long as the block runs."""
    registry = start_registry(session.place(name))
    proxy = TcpProxy(registry.port)
    initial = session.place(f"{name}-initial")
    try:
        yield Endpoint(registry, proxy, initial)
    finally:
        proxy.stop()
        registry.stop()
        remove(initial)


def pushes(session: Session, environment: Environment, caches: Caches, there: Endpoint) -> list[Work]:
    """Cold to an empty registry; warm, and with one package changed, to one that has the image.

    `there` is empty.
    """
    command = build_command(session, environment, caches.warm, "--image", there.name("demo:1", counted=False), "--push")
    subprocess.run(command, check=True, capture_output=True, env=session.env, cwd=session.folder)
    there.keep_state()

    def work(name: str, cache: Path, before: Callable[[], None], *, empty: bool = False, changed: bool = False) -> Work:
        sent = 0

        def prepare(first: bool) -> Commands:
            nonlocal sent
            before()
            there.restore()
            if empty:
                remove(there.registry.storage)
                there.registry.storage.mkdir()
            sent = there.proxy.up
            image = there.name("demo:1", counted=first)
            return [build_command(session, environment, cache, "--image", image, "--push", changed=changed)]

        def finish(first: bool) -> Mapping[str, Any]:
            return {"sent": there.proxy.up - sent} if first else {}

        return Work(name=name, tool=TOOL, prepare=prepare, finish=finish)

    works = [
        work("push, cold", caches.cold, lambda: remove(caches.cold), empty=True),
        work("push, warm cache, empty registry", caches.warm, lambda: None, empty=True),
        work("push, warm, nothing new", caches.warm, lambda: None),
    ]
    if environment.changed is not None:
        works.append(work("push, one package changed", caches.changing, caches.renew_changing, changed=True))
    return works
