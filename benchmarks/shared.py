"""Builds on a bare machine, with and without a layer repository, over a link as slow as a network."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from benchmarks.environments import Environment
from benchmarks.link import Link
from benchmarks.ours import TOOL, build_command
from benchmarks.pushes import Endpoint, endpoint
from benchmarks.work import Commands, Session, Work, remove
from tests.conda_docker.channel_server import ChannelServer

WITHOUT = "push from a bare machine"
WITH = "push from a bare machine, --cache-from"
_BLOB = re.compile(r"/blobs/(?P<digest>sha256:[0-9a-f]{64})")


@contextmanager
def shared(session: Session, environment: Environment) -> Iterator[list[Work]]:
    """The works, with a channel and a registry for as long as the block runs.

    The registry has the layers in a repository of their own, and not the image.
    """
    server = ChannelServer(environment.channel).start()
    channel_link = Link(int(server.url.rpartition(":")[2]))
    # Also where the layers are made: a package's record names its URL, and is part of its layer.
    environment = replace(environment, address=f"http://{channel_link.host}")
    try:
        with endpoint(session, "registry-shared") as there:
            layers = _fill(session, environment, there)
            registry_link = Link(there.registry.port)
            try:
                yield [
                    _work(session, environment, server, there, registry_link, layers, name) for name in (WITHOUT, WITH)
                ]
            finally:
                registry_link.stop()
    finally:
        channel_link.stop()
        server.stop()


def _fill(session: Session, environment: Environment, there: Endpoint) -> frozenset[str]:
    """Keep the layers in the registry, as another machine would, and return their digests."""
    cache, layout = session.place("cache-shared"), session.place("out")
    remove(cache, layout)
    options = ["--json", "--cache-to", f"{there.registry.host}/layers"]
    command = build_command(session, environment, cache, "--output", f"oci:{layout}", options=options)
    ended = subprocess.run(
        [word for word in command if word != "--quiet"],
        check=True,
        capture_output=True,
        env=session.env,
        cwd=session.folder,
    )
    remove(cache, layout)
    there.keep_state()
    return frozenset(layer["digest"] for layer in json.loads(ended.stdout)["platforms"][0]["layers"])


def _work(
    session: Session,
    environment: Environment,
    server: ChannelServer,
    there: Endpoint,
    link: Link,
    layers: frozenset[str],
    name: str,
) -> Work:
    """A build on a machine that has nothing yet, pushed to the registry."""
    cache, home = session.place("cache-bare"), session.place("home-bare")
    before = (0, 0, 0)  # requests to the channel and to the registry, bytes to the registry

    def prepare(first: bool) -> Commands:
        nonlocal before
        remove(cache, home)
        home.mkdir()
        there.restore()
        before = (len(server.requests), len(there.registry.requests()), link.up)
        options = ["--cache-from", f"{link.host}/layers"] if name == WITH else []
        command = build_command(
            session, environment, cache, "--image", f"{link.host}/demo:1", "--push", options=options
        )
        return [["env", f"HOME={home}", *command]]

    def finish(first: bool) -> Mapping[str, Any]:
        packages = [path for _, path in server.requests[before[0] :] if path.endswith((".conda", ".tar.bz2"))]
        read = sum(
            request.size
            for request in there.registry.requests(since=before[1])
            if request.method == "GET" and (found := _BLOB.search(request.path)) and found["digest"] in layers
        )
        return {"sent": link.up - before[2], "packages_asked": len(packages), "layer_bytes": read}

    return Work(name=name, tool=TOOL, prepare=prepare, finish=finish)
