"""The program `conda-docker`: its commands and the options that all of them have."""

from __future__ import annotations

import click
from click.exceptions import Exit

from conda_docker.cli.parameters import GENERAL, Option
from conda_docker.cli.parser import Group
from conda_docker.cli.terminal.output import Output

_EXAMPLES = """
conda-docker build -b debian:stable-slim -i demo:1.0 -o demo.tar python=3.12 numpy
conda-docker copy docker://ubuntu:24.04 oci:ubuntu:24.04
conda-docker inspect demo.tar
"""


def _show_version(ctx: click.Context, param: click.Parameter, given: bool) -> None:
    if given and not ctx.resilient_parsing:
        from python_docker.version import __version__

        ctx.ensure_object(Output).result(f"conda-docker {__version__}")
        raise Exit


app = Group(
    "conda-docker",
    modules={
        "build": "Build an image from a conda environment.",
        "bake": "Build many images at once, and what they have in common once.",
        "lock": "Lock an environment to exact packages, for several platforms.",
        "init": "Write a file that declares the build of the current folder.",
        "copy": "Copy an image between registries, archives, layouts and Docker.",
        "inspect": "Show what an image is, and which packages are in it.",
        "report": "Draw an image: its layers, packages and files by size.",
        "diff": "Show what differs between images, lock files and environments.",
        "validate": "Check every digest, size and media type of an image.",
        "doctor": "Check this machine, its programs, channels and registries.",
        "verify": "Check that an image is what it says it is made of, and who stands behind it.",
        "serve": "Serve images that are made when they are pulled.",
        "sign": "Sign an image in a registry or an OCI layout.",
        "cache": "Show, prune or clear the cache of layers, packages and base images, and share its layers.",
    },
    package="conda_docker.cli.commands",
    help="Docker and OCI images from conda environments, without Docker.",
    epilog=_EXAMPLES,
    context_settings={"max_content_width": 100},
    params=[
        Option(
            "-V",
            "--version",
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_show_version,
            panel=GENERAL,
            help="Show the version and exit.",
        )
    ],
)
