"""Pull, push, copy and validation of one image, beside crane, regctl and skopeo."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.ours import TOOL
from benchmarks.pushes import Endpoint
from benchmarks.transfer_tools import Places, tools
from benchmarks.work import Commands, Session, Work, remove
from python_docker.image import Image
from python_docker.image.layer_builder import build_layer
from python_docker.spec.platform import Platform
from python_docker.tar import TarEntry
from python_docker.transports import write_image

_SHARES = (*(12, 11, 10, 9, 8, 7, 6, 6, 5, 5, 4, 3, 3, 2, 2), *(1,) * 8)
"""How much of the image is in each layer: a few are large, most are not."""
_FILES = 8  # in each layer


def make_image(session: Session, size: int) -> Path:
    """An OCI layout with an image of `size` bytes, which does not become smaller by compression, tagged `1`."""
    layout = session.place("image")
    image = Image("image", "1", platform=Platform.host())
    chance = random.Random(size)
    for number, share in enumerate(_SHARES):
        with build_layer() as builder:
            for file in range(_FILES):
                content = chance.randbytes(size * share // sum(_SHARES) // _FILES)
                builder.add(TarEntry(f"layer-{number}/file-{file}", size=len(content)), content)
        assert builder.layer is not None
        image.add_layer(builder.layer)
    write_image(image, f"oci:{layout}:1")
    return layout


def transfers(session: Session, layout: Path, source: Endpoint, target: Endpoint) -> list[Work]:
    """Works of every tool. `source` and `target` are empty; afterwards `source` has the image."""
    host = source.registry.host
    command = [*session.program, "--quiet", "copy", f"oci:{layout}:1", f"docker://{host}/image:1"]
    subprocess.run(command, check=True, capture_output=True, env=session.env, cwd=session.folder)
    places = Places(
        layout=layout,
        here=f"{host}/image:1",
        there=f"{target.registry.host}/image:1",
        aside=f"{host}/aside:1",
        out=session.place("copied"),
        archive=session.place("copied.tar"),
    )
    aside = source.registry.storage / "docker/registry/v2/repositories/aside"

    def work(way: str, tool: str, command: list[str]) -> Work:
        def prepare(first: bool) -> Commands:
            remove(places.out, places.archive, aside)
            target.restore()
            return [command]

        def finish(first: bool) -> Mapping[str, Any]:
            remove(places.out, places.archive)
            return {}

        return Work(name=way, tool=tool, prepare=prepare, finish=finish, ours=way if tool != TOOL else None)

    commands = {tool: told(places) for tool, told in tools(session).items()}
    return [work(way, tool, ways[way]) for way in commands[TOOL] for tool, ways in commands.items() if way in ways]
