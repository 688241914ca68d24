"""dry_run: what a build would do, as values that make a documented report (`docs/json.md`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.image.package_places import PackagePreview, Place
from conda_docker.image.preview import ImagePreview, LayerKind, LayerPreview, platform_of, preview_image
from conda_docker.resolution.resolve import Resolved, resolve
from python_docker.errors import CredentialsError, RegistryError
from python_docker.progress import SILENT, Progress
from python_docker.transports.sending import bytes_to_send

if TYPE_CHECKING:
    from conda_docker.layers.member import Member
    from conda_docker.layers.stores.layer_stores import LayerStores
    from conda_docker.request import Request
    from python_docker.image.blob import Blob
    from python_docker.registry.access.options import RegistryOptions
    from python_docker.spec.digest import Digest
    from python_docker.transports import Location


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of bytes, and how many more things there are whose sizes are not known."""

    bytes: int
    unknown: int


@dataclass(frozen=True, slots=True)
class BaseLayer:
    """A layer of the base image, its size in bytes as it is stored, and whether it is on this machine."""

    digest: str
    size: int
    here: bool


@dataclass(frozen=True, slots=True)
class Base:
    """The base image: its name as it was given, the digest of its manifest, and its layers, bottom first."""

    name: str
    digest: str
    size: int
    layers: tuple[BaseLayer, ...]


@dataclass(frozen=True, slots=True)
class AssumedPackage:
    """A virtual package that packages were chosen for, and where it comes from."""

    name: str
    version: str
    build: str
    origin: Literal["default", "platform", "base image", "environment variable", "file", "option"]


@dataclass(frozen=True, slots=True)
class Package:
    """A package, with the size of its archive in bytes where that is known, and where it would come from.

    `source` is `layer` where its layer is known, so that the package is not needed; `path` is where it is on this
    machine, for an `archive` or a `folder`. Wheels have no build.
    """

    kind: Literal["conda", "wheel"]
    name: str
    version: str
    build: str | None
    url: str
    size: int | None
    source: Literal["layer", "archive", "folder", "download"]
    path: str | None


@dataclass(frozen=True, slots=True)
class Layer:
    """A new layer, with the names of its packages; its digest and size in bytes where it is known.

    One that is not known would be made, of archives of the size `made_from`.
    """

    kind: Literal[
        "packages",
        "link scripts",
        "pip packages as installed",
        "files of the prefix",
        "environment",
        "added files",
        "bill of materials",
    ]
    packages: tuple[str, ...]
    known: bool
    digest: str | None
    size: int | None
    made_from: Amount | None


@dataclass(frozen=True, slots=True)
class PlatformImage:
    """The image for one platform. `layers` are the new ones, bottom first."""

    platform: str
    prefix: str
    base: Base | None
    virtual_packages: tuple[AssumedPackage, ...]
    packages: tuple[Package, ...]
    layers: tuple[Layer, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Output:
    """A place that the image would go to, and how much it would be sent; None where that is unknown, for a `reason`."""

    location: str
    send: Amount | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a build would do. Sizes are in bytes.

    `profile` is the one that was asked for. `download` is what would be downloaded, of packages and of base images,
    `make` the archives of the packages whose layers would be made.
    """

    image: str
    profile: str | None
    platforms: tuple[PlatformImage, ...]
    outputs: tuple[Output, ...]
    download: Amount
    make: Amount


def dry_run(
    request: Request,
    image: str,
    locations: Sequence[Location] = (),
    *,
    registry: Callable[[Location], RegistryOptions | None] = lambda location: None,
    stores: LayerStores | None = None,
    progress: Progress = SILENT,
) -> DryRun:
    """Return what building the image of a request, and writing it to `locations`, would do.

    Nothing is written but notes in the cache, and no package is downloaded. A base image whose C library must be known
    is read, which keeps its layers in the cache; channels, the package index and registries are asked. `registry` gives
    the options for a location, `stores` are those that layers are looked up in (None: those of the request's options).
    Raises what resolving raises, and `preview_image`.

        report = dry_run(Request(specs=["python=3.12"], base="scratch"), "demo:1.0")
        print(report.download.bytes)
    """
    resolved = resolve(request, download=False, progress=progress)
    previews = [
        preview_image(each.environment, each.base, request.options, stores=stores, progress=progress)
        for each in resolved
    ]
    layers = [blob for preview in previews for blob in _known_layers(preview)]
    unmade = sum(layer.known is None for preview in previews for layer in preview.layers)
    outputs, sent = [], []
    for location in locations:
        try:
            sizes: Mapping[Digest, int | None] = bytes_to_send(layers, location, registry=registry(location))
            outputs.append(Output(str(location), _amount([*sizes.values(), *[None] * unmade]), None))
        except (RegistryError, CredentialsError) as error:
            sizes = {}
            outputs.append(Output(str(location), None, str(error)))
        sent.append(sizes)
    return DryRun(
        image,
        request.options.profile,
        tuple(_platform(each.base_name, each, preview) for each, preview in zip(resolved, previews, strict=True)),
        tuple(outputs),
        _download(previews, sent),
        _amount(member.size for preview in previews for layer in preview.layers for member in _sources(layer)),
    )


def _amount(sizes: Iterable[int | None]) -> Amount:
    known = list(sizes)
    return Amount(sum(size for size in known if size is not None), known.count(None))


def _known_layers(preview: ImagePreview) -> Iterator[Blob]:
    """Yield the layers of an image that are known, the base's first."""
    if preview.plan.base is not None:
        yield from (layer.blob for layer in reversed(preview.plan.base.layers))
    yield from (layer.known.blob for layer in preview.layers if layer.known is not None)


def _sources(layer: LayerPreview) -> Sequence[Member]:
    """Return what a layer would be made of; nothing for one that is known."""
    return layer.members if layer.kind is LayerKind.PACKAGES and layer.known is None else ()


def _download(previews: Sequence[ImagePreview], sent: Sequence[Mapping[Digest, int | None]]) -> Amount:
    """Return what a build would download, each file once: packages, and the layers of bases that it reads or sends."""
    sizes = {
        package.member.public_url: package.member.size
        for preview in previews
        for package in preview.packages
        if package.place is Place.DOWNLOAD
    }
    for preview in previews:
        for layer in preview.missing:
            if preview.unread or any(sizes_there.get(layer.digest) != 0 for sizes_there in sent):
                sizes[layer.digest] = layer.size
    return _amount(sizes.values())


def _platform(base: str, resolved: Resolved, preview: ImagePreview) -> PlatformImage:
    return PlatformImage(
        platform_of(preview),
        preview.plan.recipe.prefix,
        _base(base, preview),
        tuple(
            AssumedPackage(package.name, package.version, package.build, package.origin.value)
            for package in resolved.virtual_packages
        ),
        tuple(map(_package, preview.packages)),
        tuple(map(planned_layer, preview.layers)),
        (*preview.notes, *_pip_notes(resolved, preview)),
    )


def _base(name: str, preview: ImagePreview) -> Base | None:
    image = preview.plan.base
    if image is None:
        return None
    missing = {layer.digest for layer in preview.missing}
    layers = tuple(BaseLayer(layer.digest, layer.size, layer.digest not in missing) for layer in reversed(image.layers))
    return Base(name, image.digest, sum(layer.size for layer in layers), layers)


def _package(package: PackagePreview) -> Package:
    member = package.member
    wheel = isinstance(member, LockedWheel)
    return Package(
        "wheel" if wheel else "conda",
        member.name,
        member.version,
        None if isinstance(member, LockedWheel) else member.build,
        member.public_url,
        member.size,
        package.place.value,
        None if package.path is None else str(package.path),
    )


def planned_layer(layer: LayerPreview) -> Layer:
    """Return what a preview says of a layer, as a value of the report."""
    return Layer(
        layer.kind.value,
        tuple(member.name for member in layer.members),
        layer.known is not None,
        None if layer.known is None else layer.known.digest,
        None if layer.known is None else layer.known.size,
        _amount(member.size for member in layer.members) if _sources(layer) else None,
    )


def _pip_notes(resolved: Resolved, preview: ImagePreview) -> Iterator[str]:
    """Say what was chosen for pip, and what that rests on."""
    if resolved.pip is None:
        return
    yield f"what {resolved.pip.origin} asks of pip was resolved by uv"
    if any(package.place is Place.DOWNLOAD for package in preview.packages if _is_conda(package)):
        yield (
            "conda packages that are not on this machine were not read for what they bring to pip; their records were "
            "taken for it, so that a build may choose other wheels"
        )


def _is_conda(package: PackagePreview) -> bool:
    return not isinstance(package.member, LockedWheel)
