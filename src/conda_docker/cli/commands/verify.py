"""`conda-docker verify`: whether an image is what its packages make, and signed by whom it should be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from conda_docker.cli.exit_codes import ExitCode
from conda_docker.cli.options import common as options
from conda_docker.cli.options.arguments import to_source
from conda_docker.cli.options.expected import EXPECTED, Signers
from conda_docker.cli.options.policy import to_words
from conda_docker.cli.parameters import Option
from conda_docker.cli.parser import command
from conda_docker.cli.terminal.output import Output

if TYPE_CHECKING:
    from conda_docker.cli.options.registries import Access
    from conda_docker.policy.channels import ChannelReport
    from conda_docker.verification.base import BaseRegistry
    from conda_docker.verification.report import RebuildReport
    from python_docker.signing.expected import Expected
    from python_docker.signing.verify import SignatureReport
    from python_docker.spec.digest import Digest
    from python_docker.spec.platform import Platform
    from python_docker.transports import Location
    from python_docker.transports.medium import Source

_EXAMPLES = """
# Make all layers again, and compare them
conda-docker verify --rebuild ghcr.io/org/name:tag
# Only those of some packages
conda-docker verify --rebuild --packages numpy,openssl demo.tar
# Check that a key signed it
conda-docker verify --key cosign.pub ghcr.io/org/name:tag
# Check that all its packages are from conda-forge
conda-docker verify --allow-channel conda-forge ghcr.io/org/name:tag
# Check that a CI workflow signed it
conda-docker verify ghcr.io/org/name:tag \\
  --certificate-identity https://github.com/org/name/.github/workflows/image.yml@refs/heads/main \\
  --certificate-oidc-issuer https://token.actions.githubusercontent.com
"""
_REBUILD, _CHANNELS = "Making layers again", "Where packages are from"


@command(
    options.SOURCE,
    Option(
        "--rebuild",
        is_flag=True,
        panel=_REBUILD,
        help="Make the image's layers again from the packages that its history names, and compare them.",
    ),
    Option(
        "--packages",
        metavar="NAMES",
        multiple=True,
        panel=_REBUILD,
        help="Make only the layers of these packages again; separated by commas, repeatable.",
    ),
    Option(
        "--no-layers",
        is_flag=True,
        panel=_REBUILD,
        help="Compare digests only: do not read the image's own layers.",
    ),
    Option(
        "--strict",
        is_flag=True,
        panel=_REBUILD,
        help="Fail for layers that cannot be verified, such as added files [default].",
    ),
    Option(
        "--allow-unverified",
        is_flag=True,
        panel=_REBUILD,
        help="Accept layers that cannot be verified. Layers of packages without a hash, and those of --packages, "
        "are never accepted.",
    ),
    Option(
        "--base",
        metavar="REF",
        convert=to_source,
        panel=_REBUILD,
        help="Compare the base's layers with this image, rather than with the one that the image names.",
    ),
    Option(
        "--link-scripts",
        is_flag=True,
        panel=_REBUILD,
        help="Run link scripts that ran in the build again, in a sandbox without network, and compare their changes.",
    ),
    Option("--offline", is_flag=True, panel=_REBUILD, help="Use only packages that are on this machine."),
    EXPECTED,
    Option(
        "--allow-channel",
        metavar="URL",
        multiple=True,
        convert=to_words,
        panel=_CHANNELS,
        help="Fail unless all packages that the image's history names are from these channels, and wheels from these "
        "places (pypi allows all wheels); repeatable. The report always lists the channels.",
    ),
    options.PLATFORM,
    options.LOGIN,
    options.JSON,
    examples=_EXAMPLES,
)
def verify(
    output: Output,
    source: Location,
    rebuild: bool,
    packages: tuple[str, ...],
    no_layers: bool,
    strict: bool,
    allow_unverified: bool,
    base: Location | None,
    link_scripts: bool,
    offline: bool,
    signers: Signers,
    allow_channel: tuple[str, ...],
    platform: Platform | None,
    access: Access,
    json: bool,
) -> int:
    """Check that an image is what it says it is made of, and who stands behind it.

    With --rebuild, each layer is made again from the packages that the image's history names by URL and hash, and
    compared: a file that was changed after the build is found, and named. With --key or --certificate-identity, the
    image must be signed. The exit code is 1 when something differs, cannot be verified or is not allowed, 8 when the
    image is not signed, and 9 when it is signed by somebody else.
    """
    if not (rebuild or signers or allow_channel):
        raise click.UsageError("say what to verify, with --rebuild, --key, --certificate-identity or --allow-channel")
    _check_together(rebuild, packages, link_scripts, strict, allow_unverified)
    signers.check()
    from conda_docker.cli.terminal.reports.verification import (
        channels_json,
        channels_text,
        rebuild_json,
        rebuild_text,
        signatures_json,
        signatures_text,
    )
    from python_docker.copying.choose import image_of
    from python_docker.transports import open_source

    registry = access.to_image(source)

    value: dict[str, Any] = {
        "location": str(source),
        "digest": None,
        "signatures": None,
        "channels": None,
        "rebuild": None,
    }
    texts: list[str] = []
    code = 0
    wanted = signers.read()
    opened = open_source(source, registry=registry)
    try:
        digest = opened.root().digest if platform is None else image_of(opened, platform).manifest.digest
        value["digest"] = digest
        if wanted:
            signatures, name = _verify_by_any(wanted, opened, digest)
            value["signatures"] = signatures_json(signatures)
            texts.append(signatures_text(signatures, digest, name))
            if not signatures.ok:
                code = ExitCode.WRONG_SIGNATURE if signatures.refused else ExitCode.NOT_SIGNED
        if code == 0 and (channels := _channels(opened, platform, allow_channel)) is not None:
            value["channels"] = channels_json(channels)
            texts.append(channels_text(channels))
            code = ExitCode.FAILED if channels.refused else 0
        if code == 0 and rebuild:
            report = _rebuild(
                output,
                opened,
                platform,
                packages,
                base,
                access.to,
                read=not no_layers,
                offline=offline,
                link_scripts=link_scripts,
            )
            value["rebuild"] = rebuild_json(report)
            texts.append(rebuild_text(report))
            code = 0 if report.ok and (allow_unverified or not report.missing) else ExitCode.FAILED
            if report.ok and code:
                output.note("note: --allow-unverified accepts layers that cannot be verified")
    finally:
        opened.close()
    output.json(value) if json else output.result("\n".join(texts))
    return code


def _check_together(
    rebuild: bool, packages: Sequence[str], link_scripts: bool, strict: bool, allow_unverified: bool
) -> None:
    """Raise a usage error for options that need `--rebuild`, or contradict each other."""
    for option, given in (
        ("--packages", packages),
        ("--link-scripts", link_scripts),
        ("--allow-unverified", allow_unverified),
    ):
        if given and not rebuild:
            raise click.UsageError(f"{option} needs --rebuild")
    if strict and allow_unverified:
        raise click.UsageError("--strict and --allow-unverified are mutually exclusive")
    if packages and link_scripts:
        raise click.UsageError("--packages and --link-scripts are mutually exclusive: scripts see all packages")


def _channels(opened: Source, platform: Platform | None, allowed: Sequence[str]) -> ChannelReport | None:
    """Return where the packages are from; None where the history does not say, and nobody asked for channels."""
    from conda_docker.policy.channels import channel_report
    from python_docker.copying.choose import images_of
    from python_docker.errors import NotFound, UnsupportedFormat

    try:
        return channel_report(images_of(opened, platform), allowed)
    except (NotFound, UnsupportedFormat):  # no image of conda-docker, or no image at all
        if allowed:
            raise
        return None


def _rebuild(
    output: Output,
    opened: Source,
    platform: Platform | None,
    packages: tuple[str, ...],
    base: Location | None,
    base_registry: BaseRegistry,
    *,
    read: bool,
    offline: bool,
    link_scripts: bool,
) -> RebuildReport:
    from conda_docker.build_options import BuildOptions
    from conda_docker.cli.terminal.display import open_display
    from conda_docker.verification.rebuild import rebuild
    from python_docker.copying.choose import image_of

    with open_display(output) as progress:
        return rebuild(
            image_of(opened, platform),
            packages=[name.strip() for text in packages for name in text.split(",") if name.strip()],
            options=BuildOptions(offline=offline),
            read_layers=read,
            base=base,
            base_registry=base_registry,
            link_scripts=link_scripts,
            progress=progress,
        )


def _verify_by_any(signers: Sequence[Expected], opened: Source, digest: Digest) -> tuple[SignatureReport, str]:
    """Return the signatures by the first of those who may have signed an image and did, and what it is called."""
    from python_docker.signing.verify import SignatureReport, verify_signatures

    refused: list[str] = []
    for one in signers:
        report = verify_signatures(opened, digest, one)
        if report.ok:
            return report, one.name
        refused += report.refused
    return SignatureReport((), tuple(dict.fromkeys(refused))), " or ".join(one.name for one in signers)
