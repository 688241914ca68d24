"""What a manifest and an index may say (image-spec, manifest.md, image-index.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.limits import MAX_LAYERS
from python_docker.spec.media_types import (
    DOCKER_ZSTD_LAYER,
    EARLY_CONFIGS,
    FOREIGN_LAYERS,
    INDEXES,
    MANIFESTS,
    ImageFormat,
    layer_compression,
)
from python_docker.spec.platform import Platform
from python_docker.validation.descriptors import check_descriptor, check_media_type, check_names, check_platform_fields
from python_docker.validation.report import Finding, error, warning


def check_manifest(manifest: Manifest) -> Iterator[Finding]:
    """Check a manifest by itself, an image's or any other."""
    value = manifest.value()
    yield from check_names(value, Manifest)
    yield from _check_stated_type(value)
    yield from check_media_type("artifactType", manifest.artifact_type)
    parts = [("the config", manifest.config, value["config"])]
    for number, layer in enumerate(manifest.layers, 1):
        parts.append((f"layer {number}", layer, value["layers"][number - 1]))
    if manifest.subject is not None:
        parts.append(("the subject", manifest.subject, value["subject"]))
    for what, descriptor, fields in parts:
        yield from check_descriptor(what, descriptor, fields)
    if not manifest.layers and manifest.format is ImageFormat.OCI:
        yield warning("it has no layers; the image specification recommends at least one")
    if manifest.is_image:
        yield from _check_image(manifest, value)


def _check_image(manifest: Manifest, value: Mapping[str, Any]) -> Iterator[Finding]:
    """Check what only a container image's manifest must be."""
    if manifest.format is ImageFormat.DOCKER:
        for field in ("annotations", "subject", "artifactType"):
            if value.get(field):
                yield warning(f"it has {field}, which Docker's format does not know")
    if manifest.config.media_type in EARLY_CONFIGS:
        yield warning(f"its config has the type {manifest.config.media_type!r}, as in Docker's early years")
    elif ImageFormat.of(manifest.config.media_type) is not manifest.format:
        yield _wrong_format("its config", manifest.config, manifest)
    for number, layer in enumerate(manifest.layers, 1):
        what, media_type = f"layer {number}", layer.media_type
        if layer_compression(media_type) is None:
            yield warning(f"{what} has the type {media_type!r}, which is not a layer's; its content was not looked at")
        elif ImageFormat.of(media_type) is not manifest.format:
            yield _wrong_format(what, layer, manifest)
        if media_type == DOCKER_ZSTD_LAYER:
            yield warning(f"{what} has the type {media_type!r}, which is in no specification")
        if media_type in FOREIGN_LAYERS:
            yield warning(f"{what} has the type {media_type!r}, which is deprecated")
    if len(manifest.layers) > MAX_LAYERS:
        yield error(f"it has {len(manifest.layers)} layers; Docker takes at most {MAX_LAYERS}")


def _wrong_format(what: str, descriptor: Descriptor, manifest: Manifest) -> Finding:
    return error(f"{what} has the type {descriptor.media_type!r}, but the manifest is {manifest.format}'s")


def check_index(index: Index) -> Iterator[Finding]:
    """Check an index by itself."""
    value = index.value()
    yield from check_names(value, Index)
    yield from _check_stated_type(value)
    yield from check_media_type("artifactType", value.get("artifactType"))
    if index.subject is not None:
        yield from check_descriptor("the subject", index.subject, value["subject"])
    seen: set[str] = set()
    for number, descriptor in enumerate(index.manifests, 1):
        what = f"entry {number}"
        yield from check_descriptor(what, descriptor, value["manifests"][number - 1])
        yield from check_platform_fields(what, descriptor.platform)
        if descriptor.media_type not in MANIFESTS | INDEXES:
            yield warning(f"{what} has the type {descriptor.media_type!r}, which is not an image's")
            continue
        if descriptor.media_type in INDEXES:
            continue
        platform = descriptor.get_platform()
        if platform is None:
            if len(index.manifests) > 1:
                yield warning(f"{what} has no platform, so that nobody can choose it")
        elif platform.os != "unknown":
            # Windows images differ in the version of the system too.
            name = f"{platform} {(descriptor.platform or {}).get('os.version', '')}".strip()
            if name in seen:
                yield warning(f"{what} is another image for {name}; the first is taken")
            seen.add(name)


def check_layout_index(index: Index) -> Iterator[Finding]:
    """Check the index.json of a layout (image-spec, image-layout.md), whose images are chosen by name."""
    entries = index.value()["manifests"]
    yield from check_names(index.value(), Index)
    for number, descriptor in enumerate(index.manifests, 1):
        yield from check_descriptor(f"entry {number}", descriptor, entries[number - 1])
        yield from check_platform_fields(f"entry {number}", descriptor.platform)


def platform_of(descriptor: Descriptor) -> Platform | None:
    """Return the platform of an entry of an index, None also for attestations, whose platform is "unknown"."""
    platform = descriptor.get_platform()
    return None if platform is None or platform.os == "unknown" else platform


def _check_stated_type(value: Mapping[str, Any]) -> Iterator[Finding]:
    if "mediaType" not in value:
        yield warning("it has no mediaType: tools must guess what it is, and some registries refuse it")
