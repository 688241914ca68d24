"""`conda-docker inspect`: what an image is, from its documents alone; no layer is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from conda_docker.arguments.values import BILL_FORMATS
from conda_docker.cli.options import common as options
from conda_docker.cli.options.expected import EXPECTED, Signers
from conda_docker.cli.parameters import Option
from conda_docker.cli.parser import command
from conda_docker.cli.terminal.output import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conda_docker.cli.options.registries import Access
    from conda_docker.provenance.installed import InstalledEnvironment
    from python_docker.image import Image
    from python_docker.signing.expected import Expected
    from python_docker.spec.documents.manifest import Manifest
    from python_docker.spec.platform import Platform
    from python_docker.transports import Location
    from python_docker.transports.medium import Source

_EXAMPLES = """
# What it is
conda-docker inspect demo.tar
conda-docker inspect ghcr.io/org/name:tag
# The conda packages in it, and a file that builds the same image again
conda-docker inspect --packages demo.tar
conda-docker inspect --explicit demo.tar > demo.txt
# The bill of materials
conda-docker inspect --sbom cyclonedx ghcr.io/org/name:tag
# The same, if a key has signed it
conda-docker inspect --sbom cyclonedx --key cosign.pub ghcr.io/org/name:tag
# The manifest, byte for byte
conda-docker inspect --raw docker://ubuntu:24.04
"""
_SHOWN = "What to show"


@command(
    options.SOURCE,
    Option(
        "--raw",
        is_flag=True,
        panel=_SHOWN,
        help="The manifest or index (with --config: the config), byte for byte.",
    ),
    Option("--config", is_flag=True, panel=_SHOWN, help="The image's config file, as JSON."),
    Option("--layers", is_flag=True, panel=_SHOWN, help="The layers, bottom first."),
    Option("--packages", is_flag=True, panel=_SHOWN, help="The conda packages in the image."),
    Option(
        "--explicit",
        is_flag=True,
        panel=_SHOWN,
        help="These packages as an @EXPLICIT file, which builds the same environment.",
    ),
    Option(
        "--sbom",
        metavar="FORMAT",
        type=click.Choice(BILL_FORMATS),
        panel=_SHOWN,
        help="The bill of materials, cyclonedx or spdx: the attached one, else one made from the image's history; with "
        "--key or --certificate-identity, only one that is signed.",
    ),
    EXPECTED,
    Option("--json", is_flag=True, panel=_SHOWN, help="Print everything, or what was asked for, as JSON."),
    options.PLATFORM,
    options.LOGIN,
    examples=_EXAMPLES,
)
def inspect(
    output: Output,
    source: Location,
    raw: bool,
    config: bool,
    layers: bool,
    packages: bool,
    explicit: bool,
    sbom: str | None,
    signers: Signers,
    json: bool,
    platform: Platform | None,
    access: Access,
) -> None:
    """Show what an image is, and which packages are in it.

    Only the manifest and the config are read; no layer is downloaded.
    """
    asked = [name for name, given in (("layers", layers), ("packages", packages), ("explicit", explicit)) if given]
    asked += ["config"] if config else []
    asked += ["sbom"] if sbom else []
    if len(asked) > 1:
        raise click.UsageError(f"give one of --{' and --'.join(asked)}")
    signers.check()
    if sbom is None and signers:
        raise click.UsageError("--key and --certificate-identity need --sbom; `conda-docker verify` verifies the image")
    if raw and (json or asked not in ([], ["config"])):
        raise click.UsageError("--raw can only be combined with --config")

    from python_docker.transports import open_source

    registry = access.to_image(source)
    opened = open_source(source, registry=registry)
    try:
        if sbom is not None:
            _show_bill(output, opened, platform, sbom, signers.read())
        else:
            _show(output, str(source), opened, platform, asked, raw=raw, json=json)
    finally:
        opened.close()


def _show(
    output: Output, location: str, source: Source, platform: Platform | None, asked: list[str], *, raw: bool, json: bool
) -> None:
    from conda_docker.cli.terminal.reports.image import (
        describe_attached,
        describe_layers,
        describe_source,
        layers_text,
        source_text,
    )
    from python_docker.copying.choose import image_of
    from python_docker.errors import PlatformNotFound
    from python_docker.spec.documents.manifest import Index, Manifest

    root = source.root()
    if raw and not asked and platform is None:
        output.raw(root.raw)
        return
    if isinstance(root, Manifest) and not root.is_image and not asked:
        _show_artifact(output, location, source, root, json=json)
        return
    try:
        image = image_of(source, platform, root)
    except PlatformNotFound:
        if platform is not None or asked or not isinstance(root, Index):
            raise
        # Nobody asked for one platform: tell which ones there are.
        report = describe_source(location, source.reference, root, None)
        output.json(report) if json else output.result(source_text(report, []))
        return
    if raw:
        output.raw(image.config_file.raw if asked else image.manifest.raw)
    elif asked == ["config"]:
        output.json(image.config_file.value())
    elif asked == ["layers"]:
        layers = describe_layers(image)
        output.json(layers) if json else output.result(layers_text(layers))
    elif asked:
        _show_packages(output, image, explicit=asked == ["explicit"], json=json)
    else:
        attached = describe_attached(source, root, image)
        report = describe_source(location, source.reference, root, image) | {"attached": attached}
        output.json(report) if json else output.result(source_text(report, _environments(image)))


def _show_bill(
    output: Output, source: Source, platform: Platform | None, bill_format: str, signers: Sequence[Expected]
) -> None:
    from conda_docker.sbom.attachment import find_bill, find_signed_bill
    from conda_docker.sbom.document import BillFormat
    from python_docker.copying.choose import image_of

    if signers:
        output.raw(find_signed_bill(source, image_of(source, platform), BillFormat(bill_format), signers))
        return
    bill, attached = find_bill(source, image_of(source, platform), BillFormat(bill_format))
    if not attached:
        output.note(
            f"note: no {bill_format} bill of materials is attached; this one is made from the image's history, which "
            "does not say licenses and dependencies"
        )
    output.raw(bill)


def _show_artifact(output: Output, location: str, source: Source, manifest: Manifest, *, json: bool) -> None:
    from conda_docker.cli.terminal.reports.image import artifact_text, describe_artifact

    artifact = describe_artifact(manifest)
    name = source.reference.familiar if source.reference else None
    if json:
        value = {"location": location, "name": name, "index": None, "artifact": artifact, "image": None}
        output.json(value | {"attached": None})
    else:
        output.result(artifact_text(location, source.reference, artifact))


def _show_packages(output: Output, image: Image, *, explicit: bool, json: bool) -> None:
    from conda_docker.cli.terminal.reports.image import describe_environment, environments_text
    from conda_docker.provenance.reading import read_environments

    environments = read_environments(image)
    if explicit:
        # Such a file describes one environment: the uppermost is the one that the image was last built for.
        if len(environments) > 1:
            output.note(
                f"the image holds {len(environments)} environments; this is the one in {environments[-1].prefix}"
            )
        output.raw(environments[-1].explicit().encode())
    elif json:
        output.json([describe_environment(environment) for environment in environments])
    else:
        output.result(environments_text(environments))


def _environments(image: Image) -> list[InstalledEnvironment]:
    from conda_docker.provenance.reading import read_environments
    from python_docker.errors import NotFound

    try:
        return read_environments(image)
    except NotFound:
        return []
