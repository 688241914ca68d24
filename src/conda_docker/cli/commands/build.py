"""`conda-docker build`: an image from a conda environment."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from conda_docker.cli.options import build as given
from conda_docker.cli.options import common as options
from conda_docker.cli.options.arguments import (
    check_one_description,
    parse_additions,
    parse_assignments,
    parse_command,
    parse_image_name,
    parse_location,
    parse_platforms,
    parse_ports,
)
from conda_docker.cli.parsing import Command
from conda_docker.cli.terminal.output import Output

if TYPE_CHECKING:
    from conda_docker.image.assemble import BuildResult
    from python_docker.spec.documents import Index, Manifest
    from python_docker.spec.reference import ImageReference
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
    use_extracted: given.UseExtracted = False,
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
    base_location = None if base == "scratch" else parse_location(base, "--base", default_transport="docker")
    env_variables, labels = parse_assignments(env, "--env"), parse_assignments(label, "--label")
    commands = parse_command(entrypoint, "--entrypoint"), parse_command(cmd, "--cmd")
    ports, additions = parse_ports(expose), parse_additions(add)

    from conda_docker.build_options import Activate, BuildOptions, Bytecode, Layering
    from conda_docker.cli.options.registries import registry_options
    from conda_docker.cli.terminal.build_report import blob_names
    from conda_docker.image.assemble import build_image
    from conda_docker.image.index import write_images
    from conda_docker.request import Request
    from conda_docker.resolve import resolve
    from python_docker.compression import Compression

    chosen = BuildOptions(
        prefix=_image_path(prefix_in_image),
        layering=Layering(layering_strategy),
        max_layers=max_layers,
        compression=Compression(compression),
        compression_level=compression_level,
        bytecode=Bytecode(bytecode),
        activate=Activate(activate),
        trim=not no_trim,
        exclude=tuple(exclude or ()),
        env=env_variables,
        labels=labels,
        entrypoint=commands[0],
        cmd=commands[1],
        user=user,
        workdir=workdir,
        expose=ports,
        add=additions,
        cache_dir=cache_dir,
        use_cache=not no_cache,
        use_extracted=use_extracted,
        offline=offline,
    )
    request = Request(
        specs=specs or (),
        files=() if file is None else (file,),
        name=name,
        prefix=prefix,
        platforms=tuple(platforms),
        base=base,
        base_registry=None
        if base_location is None
        else registry_options(base_location, insecure=insecure, ca_bundle=cacert),
        channels=channel or (),
        override_channels=override_channels,
        virtual_packages=virtual_package or (),
        solver=solver,
        conda_exe=conda_exe,
        options=chosen,
    )
    console: Output = ctx.obj
    begun = time.monotonic()
    results: list[BuildResult] = []
    written: dict[Location, Manifest | Index] = {}
    with console.progress() as progress:
        for resolved in resolve(request, progress=progress):
            result = build_image(resolved.environment, resolved.base, chosen, progress=progress)
            result.image.name, result.image.tag = reference.familiar_name, reference.tag
            results.append(result)
            progress.name(blob_names(result))
        for location in locations:
            registry = registry_options(location, insecure=insecure, ca_bundle=cacert)
            images = [result.image for result in results]
            written[location] = write_images(images, location, registry=registry, progress=progress)
    _tell(console, reference, results, written, seconds=time.monotonic() - begun, json=json)


def _locations(
    outputs: Sequence[str], reference: ImageReference, *, push: bool, load: bool, platforms: int
) -> list[Location]:
    """Where the image goes, each place once; what can be known to fail after all the work fails now."""
    from python_docker.errors import Error
    from python_docker.transports import Location
    from python_docker.transports.table import INDEX_FORMS

    locations = [parse_location(text, "--output") for text in outputs]
    locations += [Location("docker", "", str(reference))] if push else []
    locations += [Location("docker-daemon", "", str(reference.familiar))] if load else []
    if not locations:
        raise typer.BadParameter("say where the image goes: --output, --push or --load")
    for location in locations:
        if platforms > 1 and not location.medium.holds_index:
            raise typer.BadParameter(
                f"{location} holds an image for one platform only; use {INDEX_FORMS}",
                param_hint="--platform",
            )
        folder = Path(location.path).absolute().parent
        if location.medium.is_file and not folder.is_dir():
            raise Error(f"there is no folder {folder} to write {Path(location.path).name} to")
    return list(dict.fromkeys(locations))


def _image_path(text: str | None) -> str | None:
    """`--prefix-in-image`, an absolute path below the root."""
    from python_docker.errors import InvalidPath
    from python_docker.tar import contained_path

    if text is None:
        return None
    if not text.startswith("/"):
        raise typer.BadParameter(f"{text!r} is no absolute path", param_hint="--prefix-in-image")
    try:
        contained_path(text)
    except InvalidPath as error:
        raise typer.BadParameter(str(error), param_hint="--prefix-in-image") from None
    return text


def _tell(
    console: Output,
    reference: ImageReference,
    results: list[BuildResult],
    written: dict[Location, Manifest | Index],
    *,
    seconds: float,
    json: bool,
) -> None:
    from conda_docker.cli.terminal.build_report import build_report, build_summary, identities

    report = build_report(reference.familiar, results, written, seconds=seconds)
    told = dict.fromkeys(note for result in results for note in result.notes)
    for note in told:
        console.note(f"note: {note}")
    if json:
        console.json(report)
    elif console.quiet:
        console.result(identities(report))
    else:
        console.result(build_summary(report, list(written)))
