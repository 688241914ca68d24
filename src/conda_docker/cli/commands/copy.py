"""`conda-docker copy`: an image from any place to any other."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from conda_docker.arguments.amounts import format_duration, format_size
from conda_docker.cli.options import common as options
from conda_docker.cli.parameters import Option
from conda_docker.cli.parser import command
from conda_docker.cli.terminal.display import open_display
from conda_docker.cli.terminal.output import Output
from conda_docker.cli.terminal.places import describe_place, engine_of, run_command
from conda_docker.cli.terminal.tables import count, format_fields

if TYPE_CHECKING:
    from pathlib import Path

    from python_docker.registry.access.options import RegistryOptions
    from python_docker.spec.documents.manifest import Index, Manifest
    from python_docker.spec.platform import Platform
    from python_docker.transports import Location

_EXAMPLES = """
# From Docker Hub into an archive that `docker load` reads
conda-docker copy docker://ubuntu:24.04 ubuntu.tar
# With all its platforms, into a folder
conda-docker copy --all docker://ubuntu:24.04 oci:images:ubuntu
# Into a registry, with smaller layers
conda-docker copy --compression zstd oci:images:ubuntu docker://registry.example.org/ubuntu
# Into Docker
conda-docker copy demo.tar docker-daemon:demo:1.0
"""


@command(
    options.SOURCE,
    options.DESTINATION,
    options.PLATFORM,
    Option("--all", "all_platforms", is_flag=True, help="Copy a multi-platform image with all its platforms."),
    Option(
        "--format",
        "image_format",
        metavar="FORMAT",
        type=options.FORMATS,
        help="Write manifest and config in this format: oci or docker.",
    ),
    Option("--compression", metavar="KIND", type=options.COMPRESSIONS, help="Recompress layers: gzip, zstd or none."),
    options.COMPRESSION_LEVEL,
    Option("--foreign-layers", is_flag=True, help="Copy foreign layers too, as ordinary layers."),
    Option(
        "--referrers/--no-referrers",
        "referrers",
        default=None,
        help="Copy what is attached to the image, such as signatures and bills of materials [default: where both "
        "places hold it and the digest stays]",
    ),
    Option("--src-insecure", is_flag=True, panel=options.REGISTRIES, help="Like --insecure, for SRC."),
    Option("--dest-insecure", is_flag=True, panel=options.REGISTRIES, help="Like --insecure, for DST."),
    options.INSECURE,
    options.CACERT,
    options.USERNAME,
    Option(
        "--src-username",
        metavar="NAME",
        panel=options.REGISTRIES,
        help="Like --username, for SRC; the variable is CONDA_DOCKER_SRC_PASSWORD.",
    ),
    Option(
        "--dest-username",
        metavar="NAME",
        panel=options.REGISTRIES,
        help="Like --username, for DST; the variable is CONDA_DOCKER_DEST_PASSWORD.",
    ),
    options.PASSWORD_STDIN,
    options.JSON,
    examples=_EXAMPLES,
)
def copy(
    output: Output,
    source: Location,
    destination: Location,
    platform: Platform | None,
    all_platforms: bool,
    image_format: str | None,
    compression: str | None,
    compression_level: int | None,
    foreign_layers: bool,
    referrers: bool | None,
    src_insecure: bool,
    dest_insecure: bool,
    insecure: tuple[str, ...],
    cacert: Path | None,
    username: str | None,
    src_username: str | None,
    dest_username: str | None,
    password_stdin: bool,
    json: bool,
) -> None:
    """Copy an image between registries, archives, layouts and Docker.

    Digests stay the same unless you ask for another format or compression, or the destination cannot keep them. The
    destination changes only after everything has arrived, and every digest of what was sent has been verified; what it
    has already is neither read nor sent. What is attached to the image goes with it where its digest stays the same.
    """
    options.check_level(compression, compression_level)
    if all_platforms and platform is not None:
        raise click.UsageError("--all and --platform are mutually exclusive")

    from conda_docker.cli.options.asked.destinations import leave_stdout
    from conda_docker.cli.terminal.reports.image import describe_written
    from python_docker.copying.copy import Conversion, copy_image
    from python_docker.spec.media_types import ImageFormat
    from python_docker.streams.compression import Compression

    leave_stdout(output, [("DST", destination)], json=json)
    conversion = Conversion(
        ImageFormat(image_format) if image_format else None,
        Compression(compression) if compression else None,
        compression_level,
        foreign_layers,
    )
    source_registry, destination_registry = _registries(
        source,
        destination,
        insecure=(insecure, src_insecure, dest_insecure),
        ca_bundle=cacert,
        usernames=(username, src_username, dest_username),
        password_stdin=password_stdin,
    )
    begun = time.monotonic()
    with open_display(output) as progress:
        written = copy_image(
            source,
            destination,
            platform=platform,
            all_platforms=all_platforms,
            conversion=conversion,
            referrers=referrers,
            source_registry=source_registry,
            destination_registry=destination_registry,
            progress=progress,
        )
    if conversion.compression is None and (note := _uncompressed(written, destination)):
        output.note(f"note: {note}")
    report = {
        "source": str(source),
        "destination": str(destination),
        **describe_written(written),
        "bytes_moved": progress.moved,
        "seconds": round(time.monotonic() - begun, 3),
    }
    if json:
        output.json(report)
    elif output.quiet:
        output.result(written.digest)
    else:
        output.result(_summary(report, destination, engine_of([destination])))


def _uncompressed(written: Manifest | Index, destination: Location) -> str | None:
    """Return that a registry now has uncompressed layers, which everybody who pulls the image waits for."""
    from python_docker.spec.documents.manifest import Manifest
    from python_docker.spec.media_types import layer_compression
    from python_docker.streams.compression import Compression

    if destination.transport != "docker" or not isinstance(written, Manifest):
        return None
    plain = [layer for layer in written.layers if layer_compression(layer.media_type) is Compression.NONE]
    if not plain:
        return None
    size = format_size(sum(layer.size for layer in plain))
    return (
        f"uncompressed in {destination}, as in SRC: {count(len(plain), 'layer')} ({size}); --compression gzip makes "
        "what is sent and pulled smaller"
    )


def _registries(
    origin: Location,
    target: Location,
    *,
    insecure: tuple[tuple[str, ...], bool, bool],
    ca_bundle: Path | None,
    usernames: tuple[str | None, str | None, str | None],
    password_stdin: bool,
) -> tuple[RegistryOptions | None, RegistryOptions | None]:
    """Return how to talk to the registries at both ends."""
    from conda_docker.cli.options.registries import read_logins, registry_options

    either, source, destination = usernames
    ends = {"--src-username": origin, "--dest-username": target}
    in_registries = [option for option, location in ends.items() if location.transport == "docker"]
    if either is not None and len(in_registries) != 1:
        found = "both SRC and DST are" if in_registries else "neither SRC nor DST is"
        hint = "; use --src-username and --dest-username" if in_registries else ""
        raise click.BadParameter(f"{found} in a registry{hint}", param_hint="--username")
    logins = read_logins(
        {"--username": either, "--src-username": source, "--dest-username": destination}, password_stdin=password_stdin
    )
    hosts, source_insecure, destination_insecure = insecure
    places = None
    if target.transport == "docker":
        from conda_docker.cache.pushed import remembered_places

        places = remembered_places()
    always = {"--src-username": source_insecure, "--dest-username": destination_insecure}
    first, second = (
        registry_options(
            location,
            insecure=hosts,
            always_insecure=always[option],
            ca_bundle=ca_bundle,
            login=logins[option] or logins["--username"],
            places=places if location is target else None,
        )
        for option, location in ends.items()
    )
    return first, second


def _summary(report: dict[str, Any], destination: Location, engine: str | None) -> str:
    rows = [("written", describe_place(destination, engine))]
    rows.append(("index" if "manifests" in report else "digest", report["digest"]))
    if "manifests" in report:
        for child in report["manifests"]:
            rows += [("platform", child["platform"] or "other"), ("digest", child["digest"])]
    elif "artifact_type" in report:
        rows.append(("type", f"{report['artifact_type']} (not an image)"))
        rows.append(("size", f"{format_size(report['size'])} in {count(len(report['blobs']), 'blob')}"))
    else:
        rows.append(("image ID", report["id"]))
        rows.append(("size", f"{format_size(report['size'])} in {count(report['layers'], 'layer')}"))
    rows.append(("moved", f"{format_size(report['bytes_moved'])} in {format_duration(report['seconds'])}"))
    if "artifact_type" not in report and destination.medium.name in ("docker", "docker-archive", "docker-daemon"):
        reference = destination.reference()
        if reference is not None:
            rows.append(("run it", run_command(reference.familiar, [destination], engine)))
    return format_fields(rows)
