"""What a build does before it looks at layers: interpreter, imports, solve: `before_layers.py CHANNEL SPEC...`."""

from __future__ import annotations

import os
import sys

import conda_docker.cli.app
import conda_docker.cli.build
from conda_docker.build import build_image
from conda_docker.description import Description, prepare
from conda_docker.image_index import write_images
from python_docker.transports import Location, destination

IMPORTED = (conda_docker.cli.app, conda_docker.cli.build, build_image, write_images, Location, destination)

if __name__ == "__main__":
    prepare(Description(specs=sys.argv[2:], channels=sys.argv[1:2], override_channels=True))
    os._exit(0)
