"""What a build does before it looks at layers: interpreter, imports, solve: `before_layers.py CHANNEL SPEC...`."""

from __future__ import annotations

import os
import sys

from conda_docker.cli import start_quickly


def main(channel: str, specs: list[str]) -> None:
    start_quickly()

    import conda_docker.cli.app
    import conda_docker.cli.commands.build  # noqa: F401
    from conda_docker.image.assemble import build_image  # noqa: F401
    from conda_docker.image.index import finish_images  # noqa: F401
    from conda_docker.request import Request
    from conda_docker.resolution.resolve import resolve
    from python_docker.transports import Location, destination  # noqa: F401

    resolve(Request(specs=specs, base="scratch", channels=channel, override_channels=True))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
    os._exit(0)
