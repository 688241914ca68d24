"""gather_report: all there is to see of an image, from its documents and, where they may be read, its layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from conda_docker.comparison.compare import Package, Side, compare
from conda_docker.comparison.side import side_of_image
from conda_docker.environment.packages.topological_order import match_spec_name
from conda_docker.environment.packages.wheels import normalize_name
from conda_docker.provenance.base import base_of
from conda_docker.provenance.installed import InstalledEnvironment
from conda_docker.provenance.reading import copied_distributions, packages_of_layer, read_environments
from conda_docker.report.bill import Licenses
from conda_docker.report.contents import Environment, LayerItem, PackageItem, Part, PartKind, Report, Runtime
from conda_docker.report.layer_files import NOT_HERE, LayerFiles, read_layer_files
from conda_docker.report.layer_packages import LayerPackages, packages_in_layer, remaining_packages
from conda_docker.report.parts import parts_of
from conda_docker.report.run_commands import run_commands
from conda_docker.verification.steps import Step, read_steps
from python_docker.errors import InvalidReference, NotFound
from python_docker.parallel import in_parallel
from python_docker.progress import SILENT, Progress
from python_docker.spec.documents.history import layer_title

if TYPE_CHECKING:
    from python_docker.image import Image
    from python_docker.image.layer import Layer
    from python_docker.transports.location import Location

DEPTH = 3
"""How many levels of folders are shown separately, unless somebody asks for more."""

_READERS = 4
_NAMED = 3000
"""Of how many equal parts of an image one would still be named; smaller ones are put together."""

_NOT_READ = "The layers were not read: sizes on disk{} and files are unknown. Leave out --no-layers to read them."
_NO_PACKAGES = "Nothing in the image says which packages are in it; the layers are shown by folder."


def gather_report(
    image: Image,
    place: Location,
    *,
    against: Side | None = None,
    layers: bool = True,
    depth: int = DEPTH,
    licenses: Licenses | None = None,
    progress: Progress = SILENT,
) -> Report:
    """Return what there is to see of an image that is at `place`.

    `against` is what it is compared with, as what a machine has already. Unless `layers` is False all layers are read,
    and folders are followed down to `depth`; `licenses` are those that are known without. Raises what reading raises.
    """
    steps, environments = _steps(image)
    requested = frozenset((each.prefix, *key) for each in environments for key in _requested(each))
    files = _read(steps, progress) if layers else [None] * len(steps)
    found = [packages_in_layer(step, read, requested, licenses or {}) for step, read in zip(steps, files, strict=True)]
    smallest = sum(layer.size for layer in image.layers) // _NAMED
    items = tuple(_layer_item(each, depth, max(smallest, 1)) for each in found)
    packages = remaining_packages(found)
    if not layers:
        packages += _copied(image, environments)
    name = _name(image)
    runtime = _runtime(image)
    manifest = image.manifest
    base_name, base_digest = base_of(image)
    notes = [] if layers else [_NOT_READ.format("" if licenses else ", licenses")]
    notes += [f"Layer {number} is not here, as is usual for its type." for number in _elsewhere(found)]
    if not packages and layers and not environments:
        notes.append(_NO_PACKAGES)
    return Report(
        location=str(place),
        name=name or str(place),
        digest=manifest.digest,
        id=manifest.config.digest,
        media_type=manifest.media_type,
        platform=str(image.platform),
        created=image.created,
        base=base_name or base_digest,
        size=sum(layer.size for layer in image.layers),
        unpacked=sum(item.unpacked or 0 for item in items) if layers else None,
        files=sum(item.files or 0 for item in items) if layers else None,
        layers=items,
        packages=tuple(packages) if packages or environments or layers else None,
        environments=tuple(Environment(each.prefix, each.subdir, each.requested) for each in environments),
        runtime=runtime,
        annotations=dict(image.annotations),
        run=run_commands(place, name, manifest.digest, ports=runtime.ports, user=runtime.user),
        comparison=None if against is None else compare(against, _side(name or str(place), image, packages)),
        notes=tuple(notes),
    )


def _steps(image: Image) -> tuple[list[Step], list[InstalledEnvironment]]:
    """Return what the layers of an image are, bottom first, and the environments that its history names."""
    try:
        return read_steps(image)[0], read_environments(image)
    except NotFound:
        layers = reversed(image.layers)
        steps = [
            Step(position, layer, "packages" if packages else "other", packages)
            for position, layer in enumerate(layers)
            for packages in [packages_of_layer(layer)]
        ]
        return steps, []


def _elsewhere(found: Sequence[LayerPackages]) -> list[int]:
    """Return the numbers of foreign layers, which registries do not keep (image-spec, layer.md)."""
    return [each.step.position + 1 for each in found if each.files is NOT_HERE]


def _side(name: str, image: Image, packages: Sequence[PackageItem]) -> Side:
    """Return the image as a side of a comparison, with the packages that were found where its history names none."""
    side = side_of_image(name, image)
    if side.packages is not None or not packages:
        return side
    return replace(
        side, packages=tuple(Package(each.kind, each.name, each.version, each.build, each.channel) for each in packages)
    )


def _requested(environment: InstalledEnvironment) -> Iterator[tuple[str, str]]:
    for spec in environment.requested:
        yield "conda", match_spec_name(spec)
    for name in environment.wheels.get("requested", ()):
        yield "pypi", normalize_name(str(name))


def _read(steps: Sequence[Step], progress: Progress) -> list[LayerFiles | None]:
    """Return what is in the layers, several of them read side by side; one that is there twice is read once."""

    def read(layer: Layer, title: str) -> LayerFiles:
        task = progress.start(title, layer.size)
        try:
            found = read_layer_files(layer, task.advance)
        except NotFound:
            if not layer.descriptor.is_elsewhere:
                raise
            task.finish("elsewhere")
            return NOT_HERE
        task.finish()
        return found

    different = {step.layer.digest: partial(read, step.layer, f"read {_title(step)}") for step in reversed(steps)}
    results = dict(zip(different, in_parallel(list(different.values()), _READERS), strict=True))
    return [results[step.layer.digest] for step in steps]


def _layer_item(found: LayerPackages, depth: int, smallest: int) -> LayerItem:
    layer, files = found.step.layer, found.files
    parts: tuple[Part, ...] = ()
    if files is not None:
        named: list[tuple[PartKind, str]] = [
            (package.kind, f"{package.name} {package.version}") for package in found.packages
        ]
        parts = parts_of(files, named, found.owners(), depth=depth, smallest=smallest)
    return LayerItem(
        number=found.step.position + 1,
        title=_title(found.step),
        kind=found.step.kind,
        digest=layer.digest,
        diff_id=layer.diff_id,
        media_type=layer.descriptor.media_type,
        size=layer.size,
        unpacked=None if files is None else sum(files.sizes.values()),
        files=None if files is None else len(files.sizes),
        created_by=next((entry.created_by for entry in layer.history if entry.created_by), None),
        packages=tuple(package.name for package in found.packages),
        parts=parts,
    )


def _title(step: Step) -> str:
    names = [package.name for package in step.packages]
    if names:
        return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]
    return layer_title(step.layer.history) or ("base image" if step.kind == "base" else f"layer {step.position + 1}")


def _copied(image: Image, environments: Sequence[InstalledEnvironment]) -> list[PackageItem]:
    """Return what pip had installed in an environment that was copied, which only records in layers say otherwise."""
    return [
        PackageItem("pypi", name, version, None, None, None, environment.prefix, False, None, None)
        for environment in environments
        for name, version in copied_distributions(image, environment.prefix)
    ]


def _name(image: Image) -> str | None:
    try:
        return image.reference.familiar
    except InvalidReference:  # an image may be called anything while it is in memory, or nothing
        return None


def _runtime(image: Image) -> Runtime:
    config = image.config
    healthcheck = config.get("Healthcheck")
    test = healthcheck.get("Test") if isinstance(healthcheck, Mapping) else None
    variables = (text.partition("=") for text in config["Env"])
    return Runtime(
        user=config["User"],
        workdir=config["WorkingDir"],
        entrypoint=tuple(config["Entrypoint"]),
        cmd=tuple(config["Cmd"]),
        ports=tuple(sorted(config["ExposedPorts"])),
        volumes=tuple(sorted(config["Volumes"])),
        stop_signal=config["StopSignal"],
        healthcheck=tuple(map(str, test)) if isinstance(test, list) else (),
        env=tuple((name, value) for name, _, value in variables),
        labels=dict(config["Labels"]),
    )
