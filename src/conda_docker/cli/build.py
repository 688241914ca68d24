"""`conda-docker build`: an image from a conda environment."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from conda_docker.cli import build_options as given
from conda_docker.cli import options
from conda_docker.cli.arguments import (
    one_source,
    parse_additions,
    parse_assignments,
    parse_command,
    parse_image_name,
    parse_platforms,
    parse_ports,
)
from conda_docker.cli.output import Output
from conda_docker.cli.parsing import Command

if TYPE_CHECKING:
    from pathlib import Path

    from conda_docker.build import BuildResult
    from conda_docker.build_options import BuildOptions
    from conda_docker.cli.progress import Display
    from conda_docker.environment.locked import LockedEnvironment
    from python_docker.digest import Digest
    from python_docker.image import Image
    from python_docker.platform import Platform
    from python_docker.reference import ImageReference
    from python_docker.transports import Location

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_EXAMPLES = """
# Into an archive that `docker load` reads
conda-docker build -i demo:1.0 -o demo.tar python=3.12 numpy flask
# From a file, straight to a registry
conda-docker build -f environment.yml -i ghcr.io/org/demo:1.0 --push
# An environment of this machine, into Docker
conda-docker build -n analysis -i analysis --load
# For two platforms at once
conda-docker build --platform linux/amd64,linux/arm64 -i ghcr.io/org/demo:1.0 --push python
"""


@dataclass(frozen=True, slots=True)
class _Request:
    """What goes into an image, as the command line says it."""

    specs: tuple[str, ...]
    file: Path | None
    name: str | None
    prefix: Path | None
    channels: tuple[str, ...]
    override_channels: bool
    virtual_packages: tuple[str, ...]
    conda_exe: str | None
    solver: str | None
    offline: bool


@app.command(cls=Command, epilog=_EXAMPLES)
def build(
    ctx: typer.Context,
    specs: given.Specs = None,
    base: given.Base = given.DEFAULT_BASE,
    image: given.Image = given.DEFAULT_IMAGE,
    output: given.Outputs = None,
    push: given.Push = False,
    load: given.Load = False,
    channel: given.Channels = None,
    override_channels: given.OverrideChannels = False,
    file: given.File = None,
    name: given.Name = None,
    prefix: given.Prefix = None,
    platform: given.Platforms = None,
    prefix_in_image: given.PrefixInImage = None,
    layering_strategy: given.LayeringStrategy = "layered",
    max_layers: given.MaxLayers = 120,
    compression: given.CompressionKind = "gzip",
    compression_level: given.CompressionLevel = None,
    env: given.Env = None,
    label: given.Label = None,
    entrypoint: given.Entrypoint = None,
    cmd: given.Cmd = None,
    user: given.User = None,
    workdir: given.Workdir = None,
    expose: given.Expose = None,
    add: given.Add = None,
    virtual_package: given.VirtualPackages = None,
    bytecode: given.BytecodeMode = "auto",
    activate: given.ActivateMode = "auto",
    no_trim: given.NoTrim = False,
    exclude: given.Exclude = None,
    no_cache: given.NoCache = False,
    cache_dir: given.CacheDir = None,
    offline: given.Offline = False,
    conda_exe: given.CondaExe = None,
    solver: given.Solver = None,
    insecure: options.Insecure = None,
    cacert: options.CaCert = None,
    json: options.Json = False,
) -> None:
    """Build an image from a conda environment.

    Without Docker, without root, and without installing the environment: each package becomes a layer, which is the
    same in every image and is built only once. At least one of -o, --push and --load says where the image goes.
    """
