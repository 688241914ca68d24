"""gather_report: all there is to see of an image, from its documents and, where they may be read, its layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from conda_docker.comparison.compare import Side, compare
from conda_docker.comparison.side import side_of_image
from conda_docker.environment.package_url import channel_of_url
from conda_docker.environment.topological_order import match_spec_name
from conda_docker.environment.wheels import normalize_name
from conda_docker.image.provenance import (
    InstalledEnvironment,
    InstalledPackage,
    copied_distributions,
    packages_of_layer,
    read_environments,
)
from conda_docker.image.runtime.config import base_of
from conda_docker.report.contents import Environment, LayerItem, PackageItem, Part, PartKind, Report, Runtime
from conda_docker.report.layer_files import NOT_HERE, LayerFiles, read_layer_files
from conda_docker.report.parts import owners_of, parts_of
from conda_docker.report.records import Record
from conda_docker.report.run_commands import run_commands
from conda_docker.verification.steps import Step, read_steps
from python_docker.errors import InvalidReference, NotFound
from python_docker.parallel import in_parallel
from python_docker.progress import SILENT, Progress
from python_docker.spec.history import layer_title

if TYPE_CHECKING:
    from python_docker.image import Image
    from python_docker.image.layer import Layer
    from python_docker.transports.location import Location

DEPTH = 3
"""How many levels of folders are shown separately, unless somebody asks for more."""

_READERS = 4
_NAMED = 3000
"""Of how many equal parts of an image one would still be named; smaller ones are put together."""

_NOT_READ = (
    "The layers were not read: sizes on disk, licenses and files are unknown. Leave out --no-layers to read them."
)
_NO_PACKAGES = "Nothing in the image says which packages are in it; the layers are shown by folder."


@dataclass(frozen=True, slots=True)
class _Found:
    """A layer with what was found in it; `files` is None where it was not read. Packages and records go together."""

    step: Step
    packages: tuple[PackageItem, ...]
    records: tuple[Record | None, ...]
    files: LayerFiles | None


def gather_report(
    image: Image,
    place: Location,
    *,
    against: Side | None = None,
    layers: bool = True,
    depth: int = DEPTH,
    progress: Progress = SILENT,
) -> Report:
    """Return what there is to see of an image that is at `place`.

    `against` is what it is compared with, as what a machine has already. Unless `layers` is False all layers are read,
    and folders are followed down to `depth`. Raises what reading them raises.
    """
    steps, environments = _steps(image)
    requested = {(environment.prefix, *key) for environment in environments for key in _requested(environment)}
    files = _read(steps, progress) if layers else [None] * len(steps)
    found = [_found(step, read, requested) for step, read in zip(steps, files, strict=True)]
    smallest = sum(layer.size for layer in image.layers) // _NAMED
    items = tuple(_layer_item(each, depth, max(smallest, 1)) for each in found)
    packages = _remaining(found)
    if not layers:
        packages += _copied(image, environments)
    name = _name(image)
    runtime = _runtime(image)
    manifest = image.manifest
    base_name, base_digest = base_of(image)
    notes = [] if layers else [_NOT_READ]
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
        comparison=None if against is None else compare(against, side_of_image(name or str(place), image)),
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


def _elsewhere(found: Sequence[_Found]) -> list[int]:
    """Return the numbers of foreign layers, which registries do not keep (image-spec, layer.md)."""
    return [each.step.position + 1 for each in found if each.files is NOT_HERE]


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


def _found(step: Step, files: LayerFiles | None, requested: set[tuple[str, str, str]]) -> _Found:
    records = {record.key: record for record in files.records} if files is not None else {}
    if step.packages:
        of_packages = [records.get(_key(package)) for package in step.packages]
        packages = [
            _named_by_history(package, record, step.position + 1)
            for package, record in zip(step.packages, of_packages, strict=True)
        ]
    else:
        of_packages = [*files.records] if files is not None else []
        packages = [
            PackageItem(
                *(record.kind, record.name, record.version, record.build, record.channel, record.license),
                *(record.prefix, False, step.position + 1, None),
            )
            for record in of_packages
            if record is not None
        ]
    known = tuple(
        replace(package, requested=(package.prefix, package.kind, _normal(package)) in requested)
        for package in packages
    )
    return _Found(step, known, tuple(of_packages), files)


def _key(package: InstalledPackage) -> tuple[str, str]:
    return ("pypi", normalize_name(package.name)) if package.is_wheel else ("conda", package.name)


def _normal(package: PackageItem) -> str:
    return normalize_name(package.name) if package.kind == "pypi" else package.name


def _named_by_history(package: InstalledPackage, record: Record | None, layer: int) -> PackageItem:
    license_ = record.license if record is not None else None
    if package.is_wheel:
        return PackageItem(
            "pypi", package.name, package.version, None, "pypi", license_, package.prefix, False, layer, None
        )
    return PackageItem(
        *("conda", package.name, package.version, package.build, channel_of_url(package.url), license_),
        *(package.prefix, False, layer, None),
    )


def _layer_item(found: _Found, depth: int, smallest: int) -> LayerItem:
    layer, files = found.step.layer, found.files
    parts: tuple[Part, ...] = ()
    if files is not None:
        named: list[tuple[PartKind, str]] = [
            (package.kind, f"{package.name} {package.version}") for package in found.packages
        ]
        parts = parts_of(files, named, _owners(found), depth=depth, smallest=smallest)
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


def _owners(found: _Found) -> Mapping[str, int]:
    """Return which package of a layer a file is of. The one package of a layer of packages has all of it."""
    assert found.files is not None
    if found.step.packages and len(found.packages) == 1:
        return dict.fromkeys(found.files.sizes, 0)
    numbered = [(number, record) for number, record in enumerate(found.records) if record is not None]
    by_record = owners_of([record for _, record in numbered])
    return {path: numbered[owner][0] for path, owner in by_record.items()}


def _remaining(found: Sequence[_Found]) -> list[PackageItem]:
    """Return the packages that are left when all layers are applied, sorted by name."""
    packages: dict[tuple[str, str, str], tuple[PackageItem, str | None]] = {}
    for each in found:
        if each.files is not None and each.files.removed:
            packages = {
                key: (package, path)
                for key, (package, path) in packages.items()
                if path is None or not _is_removed(path, each.files.removed)
            }
        sizes = _package_sizes(each)
        for number, (package, record) in enumerate(zip(each.packages, each.records, strict=True)):
            key = (package.prefix, package.kind, _normal(package))
            packages[key] = (replace(package, size=sizes[number] if sizes else None), record.path if record else None)
    return [package for package, _ in sorted(packages.values(), key=lambda each: (each[0].name.lower(), each[0].kind))]


def _package_sizes(found: _Found) -> list[int] | None:
    if found.files is None:
        return None
    sizes = [0] * len(found.packages)
    owners = _owners(found)
    for path, size in found.files.sizes.items():
        if (owner := owners.get(path)) is not None:
            sizes[owner] += size
    return sizes


def _is_removed(path: str, removed: frozenset[str]) -> bool:
    """Return whether a path is among those that a layer removes, or is in a folder that is."""
    while path:
        if path in removed:
            return True
        path = path.rpartition("/")[0]
    return False


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
