"""SPDX 2.3, as JSON (https://spdx.github.io/spdx-spec/v2.3/)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import UTC
from uuid import NAMESPACE_URL, uuid5

from spdx_tools.spdx.jsonschema.document_converter import DocumentConverter
from spdx_tools.spdx.model import (
    Actor,
    ActorType,
    Checksum,
    ChecksumAlgorithm,
    CreationInfo,
    Document,
    ExternalPackageRef,
    ExternalPackageRefCategory,
    ExtractedLicensingInfo,
    File,
    Package,
    PackagePurpose,
    PackageVerificationCode,
    Relationship,
    RelationshipType,
    SpdxNoAssertion,
)

from conda_docker.sbom.files import FileItem
from conda_docker.sbom.image_item import ImageItem
from conda_docker.sbom.inventory import Component, Inventory, LayerItem
from conda_docker.sbom.licenses import License, licensing
from python_docker.spec.digest import Digest
from python_docker.version import __version__

_DOCUMENT, _IMAGE, _BASE = "SPDXRef-DOCUMENT", "SPDXRef-Image", "SPDXRef-BaseImage"
_NAMESPACE = "https://spdx.org/spdxdocs/conda-docker-"
_HASHES = {"sha256": ChecksumAlgorithm.SHA256, "md5": ChecksumAlgorithm.MD5}


def spdx_document(inventory: Inventory) -> bytes:
    """Return the bill of materials; its namespace is made from everything else in it."""
    licenses = _Licenses()
    ids = _ids(inventory)
    packages = [_image(inventory.image, _IMAGE, f"platform: {inventory.platform}")]
    packages += [_image(inventory.base, _BASE)] if inventory.base is not None else []
    packages += [_layer(layer, number) for number, layer in enumerate(inventory.layers)]
    packages += [_package(component, ids[component.ref], licenses) for component in inventory.components]
    document = Document(
        CreationInfo(
            "SPDX-2.3",
            _DOCUMENT,
            inventory.image.name,
            _NAMESPACE,
            [Actor(ActorType.TOOL, f"conda-docker-{__version__}")],
            inventory.created.astimezone(UTC).replace(tzinfo=None),
        ),
        packages=packages,
        files=[
            _file(item, _file_id(ids[component.ref], number))
            for component in inventory.components
            for number, item in enumerate(component.files)
        ],
        relationships=_relationships(inventory, ids),
        extracted_licensing_info=licenses.extracted(),
    )
    value = DocumentConverter().convert(document)
    value["documentNamespace"] += str(uuid5(NAMESPACE_URL, json.dumps(value, sort_keys=True)))
    return json.dumps(value, indent=2, sort_keys=True).encode() + b"\n"


class _Licenses:
    """The licenses of a document; those that are not on SPDX's list get a name of their own."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def declared(self, license_: License | None) -> object:
        """Return what a package declares."""
        if license_ is None:
            return SpdxNoAssertion()
        if license_.expression is not None:
            return licensing().parse(license_.expression)
        if license_.stated not in self._names:
            name = re.sub(r"[^A-Za-z0-9.-]+", "-", license_.stated.removeprefix("LicenseRef-")).strip("-")[:80]
            name = unique = f"LicenseRef-{name or 'unnamed'}"
            number = 1
            while unique in self._names.values():
                number += 1
                unique = f"{name}-{number}"
            self._names[license_.stated] = unique
        return licensing().parse(self._names[license_.stated])

    def extracted(self) -> list[ExtractedLicensingInfo]:
        """Return what these names stand for: the words of the packages."""
        return [
            ExtractedLicensingInfo(license_id=name, extracted_text=stated, comment="as the package's record states it")
            for stated, name in self._names.items()
        ]


def _ids(inventory: Inventory) -> dict[str, str]:
    """Return an identifier of SPDX's for each component."""
    ids: dict[str, str] = {}
    for number, component in enumerate(inventory.components):
        name = re.sub(r"[^A-Za-z0-9.-]+", "-", f"{component.name}-{component.version}").strip("-")
        ids[component.ref] = f"SPDXRef-Package-{number}-{name}"
    return ids


def _image(image: ImageItem, spdx_id: str, comment: str | None = None) -> Package:
    digest = None if image.digest is None else Digest(image.digest)
    return Package(
        spdx_id,
        image.name,
        SpdxNoAssertion(),
        version=image.digest,
        files_analyzed=False,
        checksums=[Checksum(ChecksumAlgorithm.SHA256, digest.encoded)]
        if digest and digest.algorithm == "sha256"
        else [],
        external_references=[] if image.purl is None else [_purl(image.purl)],
        primary_package_purpose=PackagePurpose.CONTAINER,
        comment=comment,
    )


def _layer(layer: LayerItem, number: int) -> Package:
    return Package(
        f"SPDXRef-Layer-{number}",
        layer.digest,
        SpdxNoAssertion(),
        files_analyzed=False,
        checksums=[Checksum(ChecksumAlgorithm.SHA256, layer.digest.encoded)],
        comment=f"diffId: {layer.diff_id}\nsize: {layer.size}",
        primary_package_purpose=PackagePurpose.ARCHIVE,
    )


def _package(component: Component, spdx_id: str, licenses: _Licenses) -> Package:
    return Package(
        spdx_id,
        component.name,
        # SPDX has no file URLs, which packages of a channel in a folder have.
        component.url if component.url is not None and component.url.startswith("http") else SpdxNoAssertion(),
        version=component.version,
        supplier=SpdxNoAssertion() if component.supplier is None else Actor(ActorType.ORGANIZATION, component.supplier),
        files_analyzed=bool(component.files),
        verification_code=_verification_code(component.files) if component.files else None,
        checksums=[Checksum(_HASHES[kind], digits) for kind, digits in component.hashes],
        source_info=None if component.source is None else f"built from {component.source}",
        license_concluded=SpdxNoAssertion(),
        license_declared=licenses.declared(component.license),
        copyright_text=SpdxNoAssertion(),
        external_references=[_purl(component.purl)],
        primary_package_purpose=PackagePurpose.LIBRARY,
        comment="\n".join(f"{name}: {value}" for name, value in component.properties) or None,
    )


def _file(item: FileItem, spdx_id: str) -> File:
    checksums = [Checksum(ChecksumAlgorithm.SHA1, item.sha1), Checksum(ChecksumAlgorithm.SHA256, item.sha256)]
    return File(f"./{item.path}", spdx_id, checksums)


def _file_id(package: str, number: int) -> str:
    return f"{package.replace('Package', 'File', 1)}-{number}"


def _verification_code(files: Sequence[FileItem]) -> PackageVerificationCode:
    """Return the digest of a package's files (SPDX 2.3, section 7.9)."""
    joined = "".join(sorted(item.sha1 for item in files))
    return PackageVerificationCode(hashlib.sha1(joined.encode(), usedforsecurity=False).hexdigest())


def _purl(purl: str) -> ExternalPackageRef:
    return ExternalPackageRef(ExternalPackageRefCategory.PACKAGE_MANAGER, "purl", purl)


def _relationships(inventory: Inventory, ids: dict[str, str]) -> list[Relationship]:
    found = [Relationship(_DOCUMENT, RelationshipType.DESCRIBES, _IMAGE)]
    if inventory.base is not None:
        found.append(Relationship(_IMAGE, RelationshipType.DESCENDANT_OF, _BASE))
    layers = {layer.digest: f"SPDXRef-Layer-{number}" for number, layer in enumerate(inventory.layers)}
    found += [
        Relationship(_IMAGE, RelationshipType.CONTAINS, f"SPDXRef-Layer-{number}")
        for number in range(len(inventory.layers))
    ]
    for component in inventory.components:
        layer = _IMAGE if component.layer is None else layers[component.layer]
        found.append(Relationship(layer, RelationshipType.CONTAINS, ids[component.ref]))
        found += [Relationship(ids[component.ref], RelationshipType.DEPENDS_ON, ids[ref]) for ref in component.depends]
        found += [Relationship(ids[component.ref], RelationshipType.CONTAINS, ids[ref]) for ref in component.contains]
        found += [
            Relationship(ids[component.ref], RelationshipType.CONTAINS, _file_id(ids[component.ref], number))
            for number in range(len(component.files))
        ]
    return found
