"""`conda-docker build`: an image from a conda environment."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conda_docker.build_options import DEFAULT_BASE
from conda_docker.cli.options import attest, policy
from conda_docker.cli.options.build import OPTIONS
from conda_docker.cli.options.order import in_order
from conda_docker.cli.parser import command
from conda_docker.cli.terminal.output import Output
from python_docker.errors import Error, NotFound, RegistryError, noted

if TYPE_CHECKING:
    from conda_docker.attestation.attachments import Attached
    from conda_docker.cli.options.asked.build import AskedBuild
    from conda_docker.cli.terminal.progress import Display
    from conda_docker.image.assemble import BuildResult
    from conda_docker.layers.stores.replaced import ReplacedImages
    from conda_docker.request import Request
    from conda_docker.resolution.resolve import Resolved
    from python_docker.copying.delivery import Delivery
    from python_docker.spec.documents.manifest import Index, Manifest
    from python_docker.spec.reference import ImageReference
    from python_docker.transports import Location

_EXAMPLES = """
# Into an archive that `docker load` reads
conda-docker build -i demo:1.0 -o demo.tar python=3.12 numpy flask
# From a file, straight to a registry
conda-docker build -f environment.yml -i ghcr.io/org/demo:1.0 --push
# An environment of this machine, into Docker
conda-docker build -n analysis -i analysis --load
# What a build would do
conda-docker build -f environment.yml -i ghcr.io/org/demo:1.0 --push --dry-run
# For two platforms at once
conda-docker build --platform linux/amd64,linux/arm64 -i ghcr.io/org/demo:1.0 --push python
"""


@command(*in_order((*OPTIONS, *policy.OPTIONS, *attest.OPTIONS)), examples=_EXAMPLES)
@click.pass_context
def build(ctx: click.Context, /, console: Output, **given: Any) -> None:
    """Build an image from a conda environment.

    No Docker, no root and no installed environment are needed: each package becomes a layer, which is the same in every
    image and is built only once. At least one of -o, --push and --load says where the image goes; --dry-run needs none.
    Options may stand in conda-docker.toml, or under [tool.conda-docker] in pixi.toml or pyproject.toml.
    """
    wanted, no_config = given.pop("target"), given.pop("no_config")
    from conda_docker.cli.declared.find import find_declaration
    from conda_docker.cli.declared.locked import with_locked
    from conda_docker.cli.options.asked.build import asked_build
    from conda_docker.resolution.ahead import solver_ahead

    declaration = None if no_config else find_declaration()
    if declaration is None:
        if wanted:
            raise click.UsageError("--target: no images are declared here, in conda-docker.toml or the like")
        values = with_locked(ctx, given, {})
        asked = asked_build(values, required=not values["dry_run"])
        with solver_ahead(asked.request):
            _build(console, asked, default_base=_is_default(ctx, "base"))
        return
    from conda_docker.cli.declared.builds import declared_builds

    declared = declared_builds(declaration, wanted)
    if len(declared) > 1 and given["json"]:
        raise click.UsageError(f"{declaration.path} declares {len(declared)} images; --json is for one: give --target")
    options = [each.values(ctx, given, declaration) for each in declared]
    console.note(f"note: options are from {declaration.path}")
    builds = [asked_build(values, required=not values["dry_run"]) for values in options]
    if len(builds) > 1:
        from conda_docker.baking.targets.target import check_places
        from conda_docker.cli.options.asked.destinations import check_apart

        check_places(
            ((each.full_name, asked.locations) for each, asked in zip(declared, builds, strict=True)),
            advice="declare another image or output for one of them, or names with {name} and {tag}",
        )
        check_apart(
            (f"{each.full_name}: {option}", place)
            for each, asked in zip(declared, builds, strict=True)
            for option, place in asked.outputs()
        )
    _check_files_kept(declaration.path, builds)
    for number, (asked, each) in enumerate(zip(builds, declared, strict=True)):
        if number and not console.quiet:
            console.result("")
        default_base = _is_default(ctx, "base") and "base" not in each.table and each.variant.base is None
        with solver_ahead(asked.request):
            _build(console, asked, default_base=default_base)


def _check_files_kept(declaration: Path, builds: Sequence[AskedBuild]) -> None:
    """Raise a usage error for an output of a build that would overwrite a file which another, or all, are made from."""
    from conda_docker.cli.options.asked.destinations import check_kept

    outputs = [output for asked in builds for output in asked.outputs()]
    # One build may well be on top of what another made.
    read = [(name, place) for asked in builds for name, place in asked.inputs() if isinstance(place, Path)]
    check_kept(outputs, [(f"{declaration.name}, which declares the build", declaration), *read])


def _is_default(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is click.ParameterSource.DEFAULT


def _build(console: Output, asked: AskedBuild, *, default_base: bool) -> None:
    """Build one image; `default_base` says that nobody named the base."""
    from conda_docker.cli.options.asked.destinations import leave_stdout, pushed_names, registry_of, replaced_images
    from conda_docker.cli.terminal.display import open_display

    begun = time.monotonic()
    given, request, names, locations = asked.given, asked.request, asked.names, asked.locations
    image = names[0]
    leave_stdout(console, asked.outputs(), json=given["json"])
    for note in asked.notes():
        console.note(f"note: {note}")
    replaced = replaced_images(locations, given)
    if given["dry_run"]:
        _dry_run(console, request, image, locations, given, default_base, replaced)
        return

    from conda_docker.cli.options.asked.attachments import Attachments
    from conda_docker.cli.terminal.reports.result_files import write_result_files
    from conda_docker.image.assemble import begin_base
    from conda_docker.image.index import finish_images
    from conda_docker.resolution.resolve import resolve
    from python_docker.copying.delivery import Delivery

    attachments = Attachments(request, given)
    notes: list[str] = []
    with (
        noted(notes),
        open_display(console) as progress,
        Delivery(
            locations,
            reference=image,
            further_names=names[1:],
            registry=lambda location: registry_of(location, given),
            progress=progress,
        ) as delivery,
    ):
        with _base_explained(request.base or DEFAULT_BASE, default_base):
            delivery.prepare()
            environments = resolve(request, progress=progress, opened=lambda base: begin_base(base, delivery))
        notes += [warning for resolved in environments for warning in resolved.environment.warnings]
        results = _build_images(asked, environments, delivery, replaced, progress, notes)
        writer = None
        if bills := asked.bills:
            from conda_docker.attestation.bill_writer import BillWriter

            writer = BillWriter(bills, results, request.options, list_files=given["sbom_files"])
        images, attach = [result.image for result in results], attachments.of(results, writer, replaced)
        finished = finish_images(images, delivery, attach=attach, annotations=asked.index_annotations)
        written = dict(zip(locations, finished, strict=True))
        if writer is not None:
            # Of a place that keeps manifests, if there is one: the digest means something there.
            kept = [place for place in locations if place.medium.keeps_manifest] or locations
            writer.write_files(written[kept[0]])
        for location, manifest in written.items():
            attachments.write_tags(location, manifest)
    for location in locations if bills or attest.asked(given) else ():
        if not location.medium.holds_referrers:
            console.note(f"note: nothing is attached to the image in {location}, which holds nothing but images")
    called = pushed_names(names) if given["push"] else names
    write_result_files(given["metadata_file"], given["iidfile"], called, written)
    attached = {location: attachments.attached(location, document) for location, document in written.items()}
    _report(console, called[0], results, written, attached, seconds=time.monotonic() - begun, given=given)


def _build_images(
    asked: AskedBuild,
    environments: Sequence[Resolved],
    delivery: Delivery,
    replaced: ReplacedImages | None,
    progress: Display,
    notes: list[str],
) -> list[BuildResult]:
    """Build the image of each platform, and send its layers as they are made; `notes` gets what was noticed of each."""
    from conda_docker.cli.terminal.reports.build import blob_names
    from conda_docker.image.assemble import build_image
    from conda_docker.layers.stores.layer_stores import LayerStores
    from python_docker.progress import NamesBlobs

    options, name = asked.request.options, asked.names[0]
    stores = LayerStores.of(options, replaced=replaced, progress=progress, stop=delivery.stop)
    results = []
    for resolved in environments:
        result = build_image(
            resolved.environment, resolved.base, options, stores=stores, delivery=delivery, progress=progress
        )
        result.image.name, result.image.tag = name.familiar_name, name.tag
        results.append(result)
        notes += result.notes
        if isinstance(progress, NamesBlobs):
            progress.name(blob_names(result, delivery.verb))
    return results


def _dry_run(
    console: Output,
    request: Request,
    image: ImageReference,
    locations: Sequence[Location],
    given: Mapping[str, Any],
    default_base: bool,
    replaced: ReplacedImages | None,
) -> None:
    from dataclasses import asdict

    from conda_docker.cli.options.asked.destinations import registry_of
    from conda_docker.cli.terminal.display import open_display
    from conda_docker.cli.terminal.reports.dry_run import dry_run_text
    from conda_docker.dry_run import dry_run
    from conda_docker.layers.stores.layer_stores import LayerStores

    with open_display(console) as progress, _base_explained(request.base or DEFAULT_BASE, default_base):
        report = dry_run(
            request,
            image.familiar,
            locations,
            registry=lambda location: registry_of(location, given),
            stores=LayerStores.of(request.options, replaced=replaced),
            progress=progress,
        )
    for note in dict.fromkeys(note for platform in report.platforms for note in platform.notes):
        console.note(f"note: {note}")
    if given["json"]:
        console.json(asdict(report))
    else:
        console.result(dry_run_text(report))


@contextmanager
def _base_explained(base: str, is_default: bool) -> Iterator[None]:
    """Say of an error in getting a base that nobody asked for where it comes from, and what else there is."""
    try:
        yield
    except (RegistryError, NotFound) as error:
        from conda_docker.errors import InvalidEnvironment

        if not is_default or isinstance(error, InvalidEnvironment):
            raise
        raise Error(
            f"cannot get the default base image {base}: {error}. Choose another with --base: an image on "
            "this machine, such as `-b oci:DIR` or `-b base.tar`, or `-b scratch` for none, not even a C library"
        ) from error


def _report(
    console: Output,
    reference: ImageReference,
    results: list[BuildResult],
    written: dict[Location, Manifest | Index],
    attached: Mapping[Location, Sequence[Attached]],
    *,
    seconds: float,
    given: Mapping[str, Any],
) -> None:
    from conda_docker.cli.terminal.places import engine_of
    from conda_docker.cli.terminal.reports.build import build_report, build_summary, identities

    engine = engine_of(written)
    profile = given["profile"]
    report = build_report(
        reference.familiar, results, written, seconds=seconds, engine=engine, profile=profile, attached=attached
    )
    notes = dict.fromkeys(note for result in results for note in result.notes)
    for note in notes:
        console.note(f"note: {note}")
    if given["json"]:
        console.json(report)
    elif console.quiet:
        console.result(identities(report))
    else:
        ports = sorted(results[0].image.config.get("ExposedPorts") or ())
        starts = all(result.starts for result in results)
        console.result(build_summary(report, list(written), engine, starts=starts, ports=ports))
