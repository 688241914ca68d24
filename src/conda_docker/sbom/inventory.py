"""Inventory: what is in an image, as all formats of a bill of materials state it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conda_docker.environment.packages.topological_order import match_spec_name
from conda_docker.environment.packages.wheels import Distribution, LockedWheel, normalize_name
from conda_docker.provenance.reading import copied_distributions, packages_of_layer, read_environments
from conda_docker.redaction import public_url
from conda_docker.sbom.files import FileItem
from conda_docker.sbom.image_item import ImageItem, base_item, image_item
from conda_docker.sbom.licenses import License, read_license
from conda_docker.sbom.purl import channel_name, conda_purl, pypi_purl
from python_docker.spec.digest import Digest

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment, LockedPackage
    from conda_docker.provenance.installed import InstalledEnvironment, InstalledPackage
    from python_docker.image import Image
    from python_docker.spec.documents.manifest import Manifest

_REQUIREMENT_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


@dataclass(frozen=True, slots=True)
class Component:
    """One package in an image.

    `ref` names it within the document, `depends` and `contains` are refs of others. `hashes` are pairs of `sha256` or
    `md5` and hexadecimal digits of the archive at `url`. `source` is the repository that it was built from, and
    `properties` are facts that no format has a field of its own for. `files` are there on request.
    """

    ref: str
    name: str
    version: str
    purl: str
    hashes: tuple[tuple[str, str], ...] = ()
    url: str | None = None
    license: License | None = None
    supplier: str | None = None
    source: str | None = None
    depends: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    layer: Digest | None = None
    files: tuple[FileItem, ...] = ()


@dataclass(frozen=True, slots=True)
class LayerItem:
    """One layer of an image, as stored: `size` is in bytes."""

    digest: Digest
    diff_id: Digest
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Inventory:
    """What is in an image: `layers` bottom first, `components` in the order of the layers that hold them.

    `requested` are refs of what the user asked for. `created` is the image's own time. `complete` is False where only
    the image's history was read, so that licenses and dependencies are not known.
    """

    image: ImageItem
    created: datetime
    platform: str
    base: ImageItem | None
    layers: tuple[LayerItem, ...]
    components: tuple[Component, ...]
    requested: tuple[str, ...]
    complete: bool


def take_inventory(
    image: Image,
    manifest: Manifest | None = None,
    environment: LockedEnvironment | None = None,
    distributions: Sequence[Distribution] = (),
    stated: Mapping[str, Mapping[str, str]] | None = None,
    files: Mapping[tuple[str, str], tuple[FileItem, ...]] | None = None,
    *,
    inside: bool = False,
) -> Inventory:
    """Return what is in an image, as its history says.

    `manifest` is the image's as it was written (None: as it would be). `environment` is what was just built into it,
    whose records say more than the history; `distributions` are what its conda packages bring to pip, and `stated` is
    what its packages say of themselves (`BuildResult.stated`). `files` are those of packages (see `files_of_packages`).
    With `inside`, for a bill that is a file in the image itself, neither the image nor its layers are named: their
    digests depend on that bill, and on how they are stored. Raises `NotFound` for an image whose history names no
    packages.
    """
    environments = read_environments(image)
    locked = {package.public_url: package for package in environment.packages} if environment else {}
    wheels = {wheel.public_url: wheel for wheel in environment.wheels} if environment else {}
    replaced = {distribution.name for distribution in environment.replaced} if environment else set()
    brought: dict[str, list[Distribution]] = {}
    for distribution in distributions:
        if distribution.name not in replaced:
            brought.setdefault(distribution.package, []).append(distribution)
    drafts: list[_Draft] = []
    refs: set[str] = set()
    for layer in reversed(image.layers):
        place = None if inside else layer.digest
        for package in packages_of_layer(layer):
            draft = _Draft(package, place, locked.get(package.url), wheels.get(package.url), stated or {}, refs)
            draft.files = (files or {}).get((package.prefix, package.url), ())
            drafts.append(draft)
            if draft.locked is not None:
                draft.add_distributions(brought.get(draft.locked.stem, ()), refs)
    by_name = {(draft.package.prefix, draft.key): draft.ref for draft in drafts}
    for draft in drafts:
        for distribution, ref in draft.distributions:
            by_name.setdefault((draft.package.prefix, f"pypi:{distribution.name}"), ref)
    requested = {by_name[key] for one in environments for key in _requested(one) if key in by_name}
    return Inventory(
        image=ImageItem("image") if inside else image_item(image, (manifest or image.manifest).digest),
        created=_created(image),
        platform=str(image.platform),
        base=base_item(image),
        layers=tuple(
            LayerItem(layer.digest, layer.diff_id, layer.descriptor.media_type, layer.size)
            for layer in (() if inside else reversed(image.layers))
        ),
        components=(
            *(component for draft in drafts for component in draft.components(by_name)),
            *(copied for one in environments for copied in _copied(image, one.prefix, refs)),
        ),
        requested=tuple(sorted(requested)),
        complete=environment is not None and all(draft.is_known for draft in drafts),
    )


def _copied(image: Image, prefix: str, refs: set[str]) -> Iterator[Component]:
    """Yield what pip had installed in an environment of the machine that built the image, which was copied as it was.

    What it is from is not known: only its name and version are.
    """
    for stated, version in copied_distributions(image, prefix):
        name = normalize_name(stated)
        purl = pypi_purl(name, version)
        properties = (("conda-docker:prefix", prefix), ("conda-docker:copied", "true"))
        yield Component(_new_ref(purl, refs), name, version, purl, properties=properties)


def _requested(environment: InstalledEnvironment) -> Iterator[tuple[str, str]]:
    """Yield prefix and key of what the user asked for."""
    for spec in environment.requested:
        yield environment.prefix, match_spec_name(spec)
    for name in environment.wheels.get("requested", ()):
        yield environment.prefix, f"pypi:{name}"


class _Draft:
    """A package whose dependencies are not put into refs yet."""

    def __init__(
        self,
        package: InstalledPackage,
        layer: Digest | None,
        locked: LockedPackage | None,
        wheel: LockedWheel | None,
        stated: Mapping[str, Mapping[str, str]],
        refs: set[str],
    ) -> None:
        self.package = package
        self.layer = layer
        self.locked = locked
        self.wheel = wheel
        self.files: tuple[FileItem, ...] = ()
        member = locked or wheel
        self.stated = stated.get(member.stem, {}) if member is not None else {}
        if package.is_wheel:
            self.key = f"pypi:{normalize_name(package.name)}"
            self.purl = pypi_purl(normalize_name(package.name), package.version)
        else:
            self.key = package.name
            self.purl = conda_purl(package.name, package.version, build=package.build, url=package.url)
        self.ref = _new_ref(self.purl, refs)
        self.distributions: list[tuple[Distribution, str]] = []

    @property
    def is_known(self) -> bool:
        return self.locked is not None or self.wheel is not None

    def add_distributions(self, distributions: Iterable[Distribution], refs: set[str]) -> None:
        for distribution in distributions:
            ref = _new_ref(pypi_purl(distribution.name, distribution.version), refs)
            self.distributions.append((distribution, ref))

    def components(self, by_name: Mapping[tuple[str, str], str]) -> Iterator[Component]:
        """Yield the package, and the distributions that it brings to pip."""
        package, record = self.package, dict(self.locked.record) if self.locked is not None else {}
        stated = record.get("license") or self.stated.get("license")
        license_ = read_license(stated) if isinstance(stated, str) and stated.strip() else None
        depends = {by_name[package.prefix, key] for key in self._depends() if (package.prefix, key) in by_name}
        # An index has no name but its host; a wheel from a file has no supplier.
        supplier = urlsplit(package.url).hostname if package.is_wheel else channel_name(package.channel)
        source, properties = _build_provenance({**record, **self.stated})
        yield Component(
            ref=self.ref,
            name=package.name,
            version=package.version,
            purl=self.purl,
            hashes=_hashes(package.hash, self.locked),
            url=package.url,
            license=license_,
            supplier=supplier,
            source=source,
            depends=tuple(sorted(depends - {self.ref})),
            contains=tuple(ref for _, ref in self.distributions),
            properties=(("conda-docker:prefix", package.prefix), *properties),
            layer=self.layer,
            files=self.files,
        )
        for distribution, ref in self.distributions:
            yield Component(
                ref=ref,
                name=distribution.name,
                version=distribution.version,
                purl=pypi_purl(distribution.name, distribution.version),
                license=license_,
                properties=(("conda-docker:prefix", package.prefix), ("conda-docker:broughtBy", self.purl)),
                layer=self.layer,
            )

    def _depends(self) -> Iterator[str]:
        if self.locked is not None:
            yield from map(match_spec_name, self.locked.depends)
        for requirement in self.wheel.requires if self.wheel is not None else ():
            text, _, marker = requirement.partition(";")
            if "extra" not in marker and (name := _REQUIREMENT_NAME.match(text)):
                yield f"pypi:{normalize_name(name[1])}"


def _new_ref(purl: str, refs: set[str]) -> str:
    """Return a purl as a name within the document; an image may hold a package in two environments."""
    ref, number = purl, 1
    while ref in refs:
        number += 1
        ref = f"{purl}#{number}"
    refs.add(ref)
    return ref


def _hashes(stated: str | None, locked: LockedPackage | None) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    if stated is not None:
        kind, colon, digits = stated.rpartition(":")
        found["sha256" if colon and kind == "sha256" else "md5"] = digits
    if locked is not None:
        found |= {kind: digits for kind, digits in (("sha256", locked.sha256), ("md5", locked.md5)) if digits}
    return tuple(sorted(found.items(), reverse=True))


def _build_provenance(record: Mapping[str, object]) -> tuple[str | None, list[tuple[str, str]]]:
    """Return the source repository of a build, and the rest of what is said of its origin (CEP 31)."""
    extra = record.get("extra")
    stated = {**(extra if isinstance(extra, Mapping) else {}), **record}
    names = {"sha": "conda:sha", "flow_run_id": "conda:flowRunId", "attestations_sha256": "conda:attestationsSha256"}
    properties = [(names[key], text) for key in names if isinstance(text := stated.get(key), str) and text]
    source = stated.get("remote_url")
    return public_url(source) if isinstance(source, str) and re.match(r"https?://", source) else None, properties


def _created(image: Image) -> datetime:
    """Return the image's time, in whole seconds; 1970 where it states none that can be read."""
    try:
        moment = datetime.fromisoformat((image.created or "").replace("Z", "+00:00"))
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)
