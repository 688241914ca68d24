"""The documents of an image as it is now: what it was read from while nothing has changed, else written anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from python_docker.errors import InvalidDocument, UnsupportedFormat
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.history import Entries, join_history
from python_docker.spec.documents.image_config import ImageConfig
from python_docker.spec.documents.manifest import Manifest
from python_docker.spec.media_types import ImageFormat
from python_docker.spec.platform import Platform
from python_docker.spec.timestamps import rfc3339, source_date_epoch

if TYPE_CHECKING:
    from python_docker.image.blob import Blob
    from python_docker.image.layer import Layer
    from python_docker.spec.documents.runtime_config import RuntimeConfig


@dataclass(frozen=True, slots=True)
class SourceDocuments:
    """What an image was read from; `said` is `config_value` of the image at that moment."""

    manifest: Manifest
    config: ImageConfig
    origin: str | None
    said: Mapping[str, Any]


def read_config(manifest: Manifest, get_blob: Callable[[Descriptor], Blob]) -> tuple[ImageConfig, str | None]:
    """Return the config that an image's manifest names, and where its blob comes from.

    Raises `InvalidDocument` when config and manifest disagree, `UnsupportedFormat` when they are not an image's.
    """
    if not manifest.has_image_config:
        raise UnsupportedFormat(
            f"{manifest.digest} is not a container image: its config has the type {manifest.config.media_type[:120]!r}"
        )
    blob = get_blob(manifest.config)
    config = ImageConfig.parse(blob.read())
    diff_ids = config.rootfs.diff_ids
    if len(diff_ids) != len(manifest.layers):
        raise InvalidDocument(
            f"the manifest's layers ({len(manifest.layers)}) and the diff IDs of the image's config ({len(diff_ids)}) "
            "must match"
        )
    return config, blob.origin


def config_value(
    fields: Mapping[str, Any], runtime: RuntimeConfig, layers: Sequence[Layer], leading: Entries
) -> dict[str, Any]:
    """Return what the config file of an image says; `layers` come bottom first, `fields` hold all that is not about
    them.
    """
    history = join_history(leading, (layer.history for layer in layers))
    diff_ids: list[Digest] = [layer.diff_id for layer in layers]
    value = dict(fields) | {
        "config": runtime.to_json(),
        "rootfs": {"type": "layers"} | (fields.get("rootfs") or {}) | {"diff_ids": diff_ids},
        "history": None if history is None else [entry.to_json() for entry in history],
    }
    if history is None:
        del value["history"]
    return value


def with_platform(fields: Mapping[str, Any], platform: Platform) -> dict[str, Any]:
    """Return the fields of a config file with another platform."""
    named = {"architecture": platform.architecture, "os": platform.os}
    rest = {key: field for key, field in fields.items() if key not in ("architecture", "os", "variant")}
    return named | ({"variant": platform.variant} if platform.variant else {}) | rest


def platform_of(fields: Mapping[str, Any]) -> Platform:
    """Return the platform that the fields of a config file name; Linux on amd64 where they say nothing."""
    return Platform.of(fields.get("os") or "linux", fields.get("architecture") or "amd64", fields.get("variant"))


def write_config(
    value: Mapping[str, Any], source: SourceDocuments | None, stated: Platform | None = None
) -> ImageConfig:
    """Return the config file that says `value`: the source's own when that says it already.

    Otherwise its time is SOURCE_DATE_EPOCH, or the one in `value`, or 1970, and its platform is `stated` if that is
    given, else what `value` says of it, in the names of the image specification, which wants one (config.md).
    """
    if source is not None and _meaning(value) == _meaning(source.said):
        return source.config
    epoch = source_date_epoch()
    created = value.get("created") if epoch is None else None
    if stated is None:
        named = platform_of(value)
        if (value.get("os"), value.get("architecture")) != (named.os, named.architecture):
            stated = named
    if stated is not None:
        value = with_platform(value, stated)
    return ImageConfig.build({**value, "created": created or rfc3339(epoch or 0)})


def _meaning(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config file without fields that say nothing: null and empty ones mean the same as absent ones."""
    return _telling(value) | {"config": _telling(value["config"])}


def _telling(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value not in (None, [], {}, "")}


def write_manifest(
    config: ImageConfig,
    layers: Sequence[Layer],
    annotations: Mapping[str, str],
    image_format: ImageFormat,
    source: SourceDocuments | None,
) -> Manifest:
    """Return the manifest of an image with these layers, bottom first: the source's own when nothing has changed.

    Raises `UnsupportedFormat` for layers that the format has no media type for.
    """
    if source is None:
        described = Descriptor.new(image_format.config_type, config.digest, config.size)
        blobs = [layer.with_format(image_format).descriptor for layer in layers]
        return Manifest.new(image_format, described, blobs, annotations)
    manifest = source.manifest
    if (
        config is source.config
        and [layer.descriptor for layer in layers] == list(manifest.layers)
        and annotations == (manifest.annotations or {})
        and image_format is manifest.format
    ):
        return manifest
    described = manifest.config
    if config is not source.config or image_format is not manifest.format:
        described = described.replace(digest=config.digest, size=config.size, data=None)
        described = described.retyped(image_format.config_type)
    # What refers to the unchanged manifest, or exists in OCI's format alone, does not describe this one.
    value = {
        key: field for key, field in manifest.value().items() if key not in ("annotations", "subject", "artifactType")
    }
    value |= {
        "mediaType": image_format.manifest_type,
        "config": described.to_json(),
        "layers": [layer.with_format(image_format).descriptor.to_json() for layer in layers],
    }
    if annotations and image_format is ImageFormat.OCI:
        value["annotations"] = dict(sorted(annotations.items()))
    return Manifest.build(value)
