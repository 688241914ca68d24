"""Pull, push and copy of one image, beside skopeo."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.ours import TOOL
from benchmarks.pushes import Endpoint
from benchmarks.work import Commands, Session, Work, remove
from python_docker.image import Image
from python_docker.image.layer_builder import build_layer
from python_docker.spec.platform import Platform
from python_docker.tar import TarEntry
from python_docker.transports import write_image

_LAYERS = 10
_FILES = 16  # in each layer


def make_image(session: Session, size: int) -> Path:
    """An OCI layout with an image of `size` bytes, which does not become smaller by compression, tagged `1`."""
    layout = session.place("image")
    image = Image("image", "1", platform=Platform.host())
    chance = random.Random(size)
    for number in range(_LAYERS):
        with build_layer() as builder:
            for file in range(_FILES):
                content = chance.randbytes(size // _LAYERS // _FILES)
                builder.add(TarEntry(f"layer-{number}/file-{file}", size=len(content)), content)
        assert builder.layer is not None
        image.add_layer(builder.layer)
    write_image(image, f"oci:{layout}:1")
    return layout


def transfers(session: Session, layout: Path, source: Endpoint, target: Endpoint) -> list[Work]:
    """Works of both tools. `source` and `target` are empty; afterwards `source` has the image."""
    command = [*session.program, "--quiet", "copy", f"oci:{layout}:1", f"docker://{source.registry.host}/image:1"]
    subprocess.run(command, check=True, capture_output=True, env=session.env, cwd=session.folder)
    out, archive = session.place("copied"), session.place("copied.tar")
    here, there = f"docker://{source.registry.host}/image:1", f"docker://{target.registry.host}/image:1"
    ways = {
        "push": (f"oci:{layout}:1", there),
        "pull": (here, f"oci:{out}:1"),
        "copy, registry to registry": (here, there),
        "copy, layout to docker archive": (f"oci:{layout}:1", f"docker-archive:{archive}:image:1"),
    }
    tools: dict[str, Callable[[str, str], list[str]]] = {
        TOOL: lambda source, target: [*session.program, "--quiet", "copy", source, target]
    }
    if shutil.which("skopeo", path=session.env["PATH"]):
        options = ["--src-tls-verify=false", "--dest-tls-verify=false"]
        tools["skopeo"] = lambda source, target: [
            *("skopeo", "--insecure-policy", "copy", "--quiet", *options),
            *(source, target),
        ]

    def work(way: str, tool: str) -> Work:
        def prepare(first: bool) -> Commands:
            remove(out, archive)
            target.restore()
            return [tools[tool](*ways[way])]

        def finish(first: bool) -> Mapping[str, Any]:
            remove(out, archive)
            return {}

        return Work(name=way, tool=tool, prepare=prepare, finish=finish, ours=way if tool != TOOL else None)

    return [work(way, tool) for way in ways for tool in tools]
