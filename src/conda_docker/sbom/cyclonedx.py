"""CycloneDX 1.6, as JSON (https://cyclonedx.org/docs/1.6/json/)."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import NAMESPACE_URL, UUID, uuid5

from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component as BomComponent
from cyclonedx.model.component import ComponentType
from cyclonedx.model.contact import OrganizationalEntity
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.spdx import is_supported_id
from packageurl import PackageURL

from conda_docker.sbom.files import FileItem
from conda_docker.sbom.image_item import ImageItem
from conda_docker.sbom.inventory import Component, Inventory, LayerItem
from conda_docker.sbom.licenses import License
from python_docker.spec.digest import Digest
from python_docker.version import __version__

_IMAGE_REF, _BASE_REF = "image", "base-image"
_HASHES = {"sha256": HashAlgorithm.SHA_256, "sha1": HashAlgorithm.SHA_1, "md5": HashAlgorithm.MD5}


def cyclonedx_document(inventory: Inventory) -> bytes:
    """Return the bill of materials; its serial number is made from everything else in it."""
    bom = Bom(
        serial_number=UUID(int=0),
        metadata=BomMetaData(
            timestamp=inventory.created,
            tools=ToolRepository(
                components=[BomComponent(name="conda-docker", version=__version__, type=ComponentType.APPLICATION)]
            ),
            component=_image(
                inventory.image, _IMAGE_REF, [Property(name="conda-docker:platform", value=inventory.platform)]
            ),
            properties=[Property(name="conda-docker:complete", value=str(inventory.complete).lower())],
        ),
        components=_components(inventory),
        dependencies=_dependencies(inventory),
    )
    bom.serial_number = uuid5(NAMESPACE_URL, _render(bom))
    return _render(bom).encode() + b"\n"


def _render(bom: Bom) -> str:
    return JsonV1Dot6(bom).output_as_string(indent=2)


def _components(inventory: Inventory) -> list[BomComponent]:
    base = [_image(inventory.base, _BASE_REF)] if inventory.base is not None else []
    layers = [_layer(layer, number) for number, layer in enumerate(inventory.layers)]
    requested = set(inventory.requested)
    return [*base, *layers, *(_package(component, component.ref in requested) for component in inventory.components)]


def _image(image: ImageItem, ref: str, properties: Iterable[Property] = ()) -> BomComponent:
    digest = None if image.digest is None else Digest(image.digest)
    return BomComponent(
        name=image.name,
        version=image.digest,
        type=ComponentType.CONTAINER,
        bom_ref=ref,
        purl=None if image.purl is None else PackageURL.from_string(image.purl),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest.encoded)]
        if digest and digest.algorithm == "sha256"
        else [],
        properties=properties,
    )


def _layer(layer: LayerItem, number: int) -> BomComponent:
    return BomComponent(
        name=layer.digest,
        type=ComponentType.FILE,
        bom_ref=f"layer-{number}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=layer.digest.encoded)],
        properties=[
            Property(name="conda-docker:diffId", value=layer.diff_id),
            # The library writes `mimeType` where the schema has `mime-type`.
            Property(name="conda-docker:mediaType", value=layer.media_type),
            Property(name="conda-docker:size", value=str(layer.size)),
        ],
    )


def _package(component: Component, requested: bool) -> BomComponent:
    properties = [*component.properties, ("conda-docker:requested", str(requested).lower())]
    if component.layer is not None:
        properties.append(("conda-docker:layer", component.layer))
    references = []
    if component.url is not None:
        references.append(ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(component.url)))
    if component.source is not None:
        references.append(ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(component.source)))
    return BomComponent(
        name=component.name,
        version=component.version,
        type=ComponentType.LIBRARY,
        bom_ref=component.ref,
        purl=PackageURL.from_string(component.purl),
        hashes=[HashType(alg=_HASHES[kind], content=digits) for kind, digits in component.hashes],
        licenses=[] if component.license is None else [_license(component.license)],
        supplier=None if component.supplier is None else OrganizationalEntity(name=component.supplier),
        external_references=references,
        properties=[Property(name=name, value=value) for name, value in properties],
        components=[_file(item, component.ref) for item in component.files],
    )


def _file(item: FileItem, package: str) -> BomComponent:
    hashes = [
        HashType(alg=_HASHES[kind], content=digits) for kind, digits in (("sha256", item.sha256), ("sha1", item.sha1))
    ]
    return BomComponent(name=item.path, type=ComponentType.FILE, bom_ref=f"{package}#{item.path}", hashes=hashes)


def _license(license_: License) -> DisjunctiveLicense | LicenseExpression:
    if license_.expression is None:
        return DisjunctiveLicense(name=license_.stated)
    if is_supported_id(license_.expression):
        return DisjunctiveLicense(id=license_.expression)
    return LicenseExpression(license_.expression)


def _dependencies(inventory: Inventory) -> list[Dependency]:
    needs = {component.ref: (*component.depends, *component.contains) for component in inventory.components}
    needed = {ref for refs in needs.values() for ref in refs}
    roots = [ref for ref in needs if ref not in needed or ref in inventory.requested]
    base = {_BASE_REF: ()} if inventory.base is not None else {}
    graph: dict[str, Iterable[str]] = {_IMAGE_REF: [*roots, *base], **base, **needs}
    # Flat: the library hashes whatever hangs on a dependency, which takes for ever in a graph.
    return [Dependency(BomRef(ref), [Dependency(BomRef(needed)) for needed in refs]) for ref, refs in graph.items()]
