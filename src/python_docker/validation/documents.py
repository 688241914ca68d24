"""What the documents of an image may say, each by itself and beside the others."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from python_docker.errors import InvalidDigest
from python_docker.spec.digest import Digest
from python_docker.spec.documents import Descriptor, ImageConfig, Index, Manifest
from python_docker.spec.media_types import (
    DOCKER_ZSTD_LAYER,
    FOREIGN_LAYERS,
    IMAGE_CONFIGS,
    INDEXES,
    MANIFESTS,
    ImageFormat,
    layer_compression,
)
from python_docker.spec.platform import Platform
from python_docker.spec.timestamps import is_rfc3339
from python_docker.validation.report import Finding, error, warning

MAX_LAYERS = 125  # moby, layer/layer_store.go, maxLayerDepth
_PORT = re.compile(r"[0-9]{1,5}(-[0-9]{1,5})?(/(tcp|udp|sctp))?")
_LISTS = ("Env", "Entrypoint", "Cmd", "Shell", "OnBuild")
_MAPS = ("ExposedPorts", "Volumes", "Labels")
_TEXTS = ("User", "WorkingDir", "StopSignal", "Hostname", "Domainname")


def is_image(manifest: Manifest) -> bool:
    """Whether a manifest is a container image's: attestations and other artifacts only look like one."""
    layers = [layer_compression(layer.media_type) for layer in manifest.layers]
    return manifest.config.media_type in IMAGE_CONFIGS and (not layers or any(known is not None for known in layers))


def check_manifest(manifest: Manifest) -> Iterator[Finding]:
    """A manifest by itself (image-spec, manifest.md)."""
    value = manifest.value()
    yield from _check_names(value, Manifest)
    yield from _check_stated_type(value)
    for what, descriptor, fields in (
        ("the config", manifest.config, value["config"]),
        *((f"layer {number}", layer, value["layers"][number - 1]) for number, layer in enumerate(manifest.layers, 1)),
    ):
        yield from _check_descriptor(what, descriptor, fields)
    if not is_image(manifest):
        return
    if manifest.format is ImageFormat.DOCKER:
        for field in ("annotations", "subject", "artifactType"):
            if value.get(field):
                yield warning(f"it has {field}, which Docker's format does not know")
    for what, media_type in (
        ("its config", manifest.config.media_type),
        *((f"layer {number}", layer.media_type) for number, layer in enumerate(manifest.layers, 1)),
    ):
        if layer_compression(media_type) is None and media_type not in IMAGE_CONFIGS:
            yield warning(f"{what} has the type {media_type!r}, which is no layer's; its content was not looked into")
        elif ImageFormat.of(media_type) is not manifest.format:
            yield error(f"{what} has the type {media_type!r}, but the manifest is {manifest.format}'s")
        if media_type == DOCKER_ZSTD_LAYER:
            yield warning(f"{what} has the type {media_type!r}, which is in no specification")
        if media_type in FOREIGN_LAYERS:
            yield warning(f"{what} has the type {media_type!r}, which is deprecated")
    if len(manifest.layers) > MAX_LAYERS:
        yield error(f"it has {len(manifest.layers)} layers; Docker takes at most {MAX_LAYERS}")


def check_index(index: Index) -> Iterator[Finding]:
    """An index by itself (image-spec, image-index.md)."""
    value = index.value()
    yield from _check_names(value, Index)
    yield from _check_stated_type(value)
    seen: set[str] = set()
    for number, descriptor in enumerate(index.manifests, 1):
        what = f"entry {number}"
        yield from _check_descriptor(what, descriptor, value["manifests"][number - 1])
        if descriptor.media_type not in MANIFESTS | INDEXES:
            yield warning(f"{what} has the type {descriptor.media_type!r}, which is no image's")
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


def check_config(config: ImageConfig, manifest: Manifest) -> Iterator[Finding]:
    """An image's config, and whether the manifest agrees with it (image-spec, config.md)."""
    value = config.value()
    yield from _check_names(value, ImageConfig)
    for field in ("architecture", "os"):
        if not value.get(field):
            yield warning(f"it does not name the {field}")
    if config.created is not None and not is_rfc3339(config.created):
        yield error(f"created is {config.created[:80]!r}, which is no time in the form of RFC 3339")
    for number, entry in enumerate(config.history or (), 1):
        if entry.created is not None and not is_rfc3339(entry.created):
            yield error(f"created of history entry {number} is {entry.created[:80]!r}, which is no time of RFC 3339")
    kind = (value.get("rootfs") or {}).get("type")
    if not kind:
        yield warning("rootfs has no type")
    elif kind != "layers":
        yield error(f"rootfs has the type {str(kind)[:80]!r}, not 'layers'")
    layers, diff_ids = len(manifest.layers), len(config.rootfs.diff_ids)
    if layers != diff_ids:
        yield error(f"it has {diff_ids} diff IDs, but the manifest {layers} layers")
    if config.history is not None:
        made = sum(1 for entry in config.history if not entry.empty_layer)
        if made > layers:
            yield error(
                f"its history has {made} entries that made a layer; Docker refuses more than {layers}, the layers"
            )
        elif made < layers and config.history:
            yield warning(f"its history has {made} entries that made a layer, but there are {layers} layers")
    yield from _check_runtime(config.config or {})


def check_platform(config: ImageConfig, descriptor: Descriptor) -> Iterator[Finding]:
    """Whether an image is for the platform that an index promises."""
    promised = descriptor.get_platform()
    if promised is None or promised.os == "unknown" or not config.os or not config.architecture:
        return
    platform = config.platform
    if (platform.os, platform.architecture) != (promised.os, promised.architecture):
        yield error(f"it is for {platform}, but the index says {promised}")
    elif not promised.matches(platform):
        yield warning(f"it is for {platform}, but the index says {promised}")


def platform_of(descriptor: Descriptor) -> Platform | None:
    """The platform of an entry of an index, None also for attestations, whose platform is "unknown"."""
    platform = descriptor.get_platform()
    return None if platform is None or platform.os == "unknown" else platform


def _check_runtime(fields: Mapping[str, Any]) -> Iterator[Finding]:
    """What containers run with. A field of another type makes the whole document unreadable for Docker."""
    for name in _LISTS:
        words = fields.get(name)
        if isinstance(words, str) and name in ("Entrypoint", "Cmd"):
            yield warning(f"{name} is a text; it should be a list of texts")
        elif words is not None and not (isinstance(words, list) and all(isinstance(word, str) for word in words)):
            yield error(f"{name} is no list of texts")
    for name in _MAPS:
        entries = fields.get(name)
        if entries is not None and not isinstance(entries, dict):
            yield error(f"{name} is no object")
    for name in _TEXTS:
        text = fields.get(name)
        if text is not None and not isinstance(text, str):
            yield error(f"{name} is no text")
    labels = fields.get("Labels")
    if isinstance(labels, dict):
        for name, label in labels.items():
            if not isinstance(label, str):
                yield error(f"the label {name[:80]!r} is no text")
    variables = fields.get("Env")
    if isinstance(variables, list):
        for variable in variables:
            if isinstance(variable, str) and not variable.partition("=")[1]:
                yield warning(f"Env holds {variable[:80]!r}, which sets no variable")
    ports = fields.get("ExposedPorts")
    if isinstance(ports, dict):
        for port in ports:
            if not _PORT.fullmatch(port):
                yield error(f"ExposedPorts holds {port[:80]!r}, which is no port")
    folder = fields.get("WorkingDir")
    if isinstance(folder, str) and folder and not folder.startswith(("/", "C:", "c:")):
        yield warning(f"WorkingDir is {folder[:200]!r}, which is no absolute path")


def _check_stated_type(value: Mapping[str, Any]) -> Iterator[Finding]:
    if "mediaType" not in value:
        yield warning("it has no mediaType: tools must guess what it is, and some registries refuse it")


def _check_descriptor(what: str, descriptor: Descriptor, fields: Mapping[str, Any]) -> Iterator[Finding]:
    """A descriptor (image-spec, descriptor.md)."""
    for finding in _check_names(fields, Descriptor):
        yield Finding(finding.severity, f"{what}: {finding.message}")
    if descriptor.digest.algorithm != "sha256":
        yield warning(f"{what} has a digest of {descriptor.digest.algorithm}, which few tools can check")
    if descriptor.data is not None:
        try:
            data = base64.b64decode(descriptor.data, validate=True)
            right = len(data) == descriptor.size and _digest(data, descriptor.digest) == descriptor.digest
        except (binascii.Error, ValueError):
            right = False
        if not right:
            yield error(f"{what} brings data that are not what its digest and size say")


def _digest(data: bytes, like: Digest) -> Digest:
    try:
        hash_ = like.new_hash()
    except InvalidDigest:
        return like
    hash_.update(data)
    return Digest(f"{like.algorithm}:{hash_.hexdigest()}")


def _check_names(value: Mapping[str, Any], model: type[BaseModel]) -> Iterator[Finding]:
    """Names of fields: tools written in Go read `Layers` as `layers`, others do not."""
    known = {field.alias or name for name, field in model.model_fields.items()}
    lower = {name.lower(): name for name in known}
    for name in value:
        if name not in known and name.lower() in lower:
            yield error(f"the field {name[:80]!r} is {lower[name.lower()]!r} to some tools and unknown to others")
