"""`conda-docker build`: an image from a conda environment."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from conda_docker.cli import build_options as given
from conda_docker.cli import options
from conda_docker.cli.arguments import (
    check_one_description,
    parse_additions,
    parse_assignments,
    parse_command,
    parse_image_name,
    parse_location,
    parse_platforms,
    parse_ports,
)
from conda_docker.cli.output import Output
from conda_docker.cli.parsing import Command

if TYPE_CHECKING:
    from conda_docker.build import BuildResult
    from conda_docker.build_options import BuildOptions
    from conda_docker.cli.progress import Display
    from conda_docker.environment.locked import LockedEnvironment
    from python_docker.image import Image
    from python_docker.platform import Platform
    from python_docker.reference import ImageReference
    from python_docker.registry.options import RegistryOptions
    from python_docker.spec import Index, Manifest
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Description:
    """An environment and its base image, as the command line describes them."""

    specs: Sequence[str]
    file: Path | None
    name: str | None
    prefix: Path | None
    base: str
    channels: Sequence[str]
    override_channels: bool
    virtual_packages: Sequence[str]
    conda_exe: str | None
    solver: str | None


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
    check_one_description(specs, file, name, prefix)
    options.check_level(compression, compression_level)
    reference = parse_image_name(image)
    platforms = parse_platforms(platform)
    locations = _locations(output or [], reference, push=push, load=load, platforms=len(platforms))
    chosen = _build_options(
        prefix=prefix_in_image,
        layering=layering_strategy,
        max_layers=max_layers,
        compression=compression,
        compression_level=compression_level,
        bytecode=bytecode,
        activate=activate,
        trim=not no_trim,
        exclude=tuple(exclude or ()),
        env=parse_assignments(env, "--env"),
        labels=parse_assignments(label, "--label"),
        entrypoint=parse_command(entrypoint, "--entrypoint"),
        cmd=parse_command(cmd, "--cmd"),
        user=user,
        workdir=workdir,
        expose=parse_ports(expose),
        add=parse_additions(add),
        cache_dir=cache_dir,
        use_cache=not no_cache,
        offline=offline,
    )
    description = _Description(
        specs=specs or (),
        file=file,
        name=name,
        prefix=prefix,
        base=base,
        channels=channel or (),
        override_channels=override_channels,
        virtual_packages=virtual_package or (),
        conda_exe=conda_exe,
        solver=solver,
    )
    from conda_docker.cli.registries import registry_options

    console: Output = ctx.obj
    base_registry = None
    if base != "scratch":
        base_location = parse_location(base, "--base", default_transport="docker")
        base_registry = registry_options(base_location, insecure=insecure, ca_bundle=cacert)
    begun = time.monotonic()
    with console.progress() as progress:
        results = [
            _build(console, description, found, chosen, base_registry, progress)
            for found in platforms or [None]  # type: ignore[list-item]
        ]
        for result in results:
            result.image.name, result.image.tag = reference.familiar_name, reference.tag
        written = {}
        for location in locations:
            registry = registry_options(location, insecure=insecure, ca_bundle=cacert)
            written[location] = _write([result.image for result in results], location, registry, progress)
    _tell(console, reference, results, written, seconds=time.monotonic() - begun, json=json)


def _locations(
    outputs: Sequence[str], reference: ImageReference, *, push: bool, load: bool, platforms: int
) -> list[Location]:
    """Where the image goes, each place once; what can be known to fail after all the work fails now."""
    from python_docker.errors import Error
    from python_docker.transports import Location

    locations = [parse_location(text, "--output") for text in outputs]
    locations += [Location("docker", "", str(reference))] if push else []
    locations += [Location("docker-daemon", "", str(reference.familiar))] if load else []
    if not locations:
        raise typer.BadParameter("say where the image goes: --output, --push or --load")
    for location in locations:
        if platforms > 1 and location.transport in ("docker-archive", "docker-daemon"):
            raise typer.BadParameter(
                f"{location} holds an image for one platform only; use oci:DIR, oci-archive:PATH or a registry",
                param_hint="--platform",
            )
        parent = os.path.dirname(os.path.abspath(location.path)) if location.path else "."
        if location.transport.endswith("archive") and not os.path.isdir(parent):
            raise Error(f"there is no folder {parent} to write {os.path.basename(location.path)} to")
    return list(dict.fromkeys(locations))


def _build_options(**fields: Any) -> BuildOptions:
    from conda_docker.build_options import Activate, BuildOptions, Bytecode, Layering
    from python_docker.compression import Compression
    from python_docker.errors import InvalidPath

    kinds = {"layering": Layering, "compression": Compression, "bytecode": Bytecode, "activate": Activate}
    try:
        return BuildOptions(**{name: kinds.get(name, lambda value: value)(value) for name, value in fields.items()})
    except InvalidPath as error:
        raise typer.BadParameter(str(error), param_hint="--prefix-in-image") from None


def _build(
    console: Output,
    description: _Description,
    platform: Platform | None,
    chosen: BuildOptions,
    base_registry: RegistryOptions | None,
    progress: Display,
) -> BuildResult:
    """The image for one platform; None is that of a file or environment, else this machine's."""
    from conda_docker.build import build_image

    environment, base = _prepare(description, platform, chosen, base_registry, progress)
    for warning in environment.warnings:
        console.note(f"note: {warning}")
    return build_image(environment, base, chosen, progress=progress)


def _prepare(
    description: _Description,
    platform: Platform | None,
    chosen: BuildOptions,
    base_registry: RegistryOptions | None,
    progress: Display,
) -> tuple[LockedEnvironment, Image | None]:
    """The exact packages, and the base image: each may depend on the other."""
    from conda_docker.base_image import glibc_of, open_base
    from conda_docker.environment import lock
    from conda_docker.environment.subdirs import platform_of_subdir
    from conda_docker.layers.cache import default_cache_dir
    from python_docker.platform import Platform

    cache_dir = chosen.cache_dir or default_cache_dir()

    def base_for(platform: Platform) -> Image | None:
        with progress.phase(f"base image {description.base}"):
            return open_base(description.base, platform, cache_dir, offline=chosen.offline, registry=base_registry)

    if not _is_solved(description):
        environment = lock(
            file=description.file,
            name=description.name,
            prefix=description.prefix,
            specs=description.specs,
            platform=platform,
            conda_exe=description.conda_exe,
        )
        return environment, base_for(platform_of_subdir(environment.subdir))
    platform = platform or Platform.host()
    base = base_for(platform)
    told = any(package.lstrip("_").startswith("glibc=") for package in description.virtual_packages)
    glibc = glibc_of(base, cache_dir) if base is not None and not told else None
    with progress.phase(f"solve for {platform}"):
        environment = lock(
            description.specs,
            file=description.file,
            platform=platform,
            channels=description.channels,
            override_channels=description.override_channels,
            virtual=description.virtual_packages,
            glibc=glibc,
            offline=chosen.offline,
            solver=description.solver,
            conda_exe=description.conda_exe,
        )
    return environment, base


def _is_solved(description: _Description) -> bool:
    """Whether the packages are still to be chosen, so that the base image has a say in it."""
    if description.name is not None or description.prefix is not None:
        return False
    if description.file is None:
        return True
    from conda_docker.environment.file_kinds import FileKind, file_kind
    from conda_docker.environment.input_text import read_text, user_path

    path = user_path(description.file)
    return file_kind(path, read_text(path)) is not FileKind.EXPLICIT


def _write(
    images: list[Image], location: Location, registry: RegistryOptions | None, progress: Display
) -> Manifest | Index:
    from conda_docker.image_index import write_images

    return write_images(images, location, registry=registry, progress=progress)


def _tell(
    console: Output,
    reference: ImageReference,
    results: list[BuildResult],
    written: dict[Location, Manifest | Index],
    *,
    seconds: float,
    json: bool,
) -> None:
    from conda_docker.cli.build_report import build_report, build_summary

    report = build_report(reference.familiar, results, written, seconds=seconds)
    for result in results:
        for note in result.notes:
            console.note(f"note: {note}")
    if json:
        console.json(report)
    elif console.quiet:
        console.result(report["digest"])
    else:
        console.result(build_summary(report, list(written)))
