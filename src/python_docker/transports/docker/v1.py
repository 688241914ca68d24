"""The v1 layout of docker archives: one folder a layer, with VERSION, json and layer.tar, and `repositories`.

Read: as Docker before 1.10 wrote it, with nothing else. Written: as Docker 1.10 to 24 did, with a manifest.json next to
it, since Docker 29 and other tools read nothing without one. Source: Docker image specification v1.0.0.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from python_docker.errors import InvalidArchive, InvalidDocument, InvalidReference, UnsupportedFormat
from python_docker.image import Image
from python_docker.image.layer import Layer
from python_docker.progress import SILENT
from python_docker.spec.digest import Digest
from python_docker.spec.limits import MAX_DOCUMENT_SIZE
from python_docker.spec.reference import ImageReference
from python_docker.spec.strict_json import dump_json, parse_json
from python_docker.streams.compression import Compression
from python_docker.transports.archive_file import ArchiveFile
from python_docker.transports.blob_tar import BlobTar
from python_docker.transports.docker.archived_image import ArchivedImage, OpenedImage, describe_image, read_layers
from python_docker.transports.output import Output

_LAYER_ID = re.compile(r"[a-f0-9]{64}")
_MAX_LAYERS = 10_000
_BEGINNING = "1970-01-01T00:00:00Z"
# What describes the layer, not the image (Docker, image/v1/imagev1.go).
_LAYER_FIELDS = ("id", "parent", "Size", "parent_id", "layer_id", "throwaway")


def v1_images(archive: ArchiveFile) -> list[ArchivedImage]:
    """Return a v1 archive's images: those that `repositories` names, or without one all that are nobody's parent."""
    repositories = archive.read("repositories", MAX_DOCUMENT_SIZE)
    if repositories is None:
        layers = [path[:64] for path in archive if _LAYER_ID.fullmatch(path[:64]) and path[64:] == "/json"]
        parents = {_read_json(archive, layer).get("parent") for layer in layers}
        return [ArchivedImage((), partial(_open, archive, layer)) for layer in layers if layer not in parents]
    tags: dict[str, list[str]] = {}
    what = f"repositories of {archive.name}"
    value = parse_json(repositories, what)
    for name, tagged in _items(value, what):
        for tag, top in _items(tagged, what):
            if not isinstance(top, str):
                raise InvalidDocument(f"{what} is malformed: {name[:80]}:{tag[:80]} is not the ID of a layer")
            tags.setdefault(top, []).append(f"{name}:{tag}")
    return [ArchivedImage(tuple(names), partial(_open, archive, top)) for top, names in tags.items()]


def _items(value: Any, what: str) -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        raise InvalidDocument(f"{what} is malformed: not names, tags and layers' IDs")
    return list(value.items())


def _read_json(archive: ArchiveFile, layer: str) -> dict[str, Any]:
    if not _LAYER_ID.fullmatch(layer):
        raise InvalidArchive(
            f"{archive.name} names a layer {layer[:80]!r}, which is not an ID of 64 hexadecimal digits"
        )
    path = f"{layer}/json"
    archive.get(path)
    raw = archive.read(path, MAX_DOCUMENT_SIZE)
    assert raw is not None
    value = parse_json(raw, f"{path[:200]!r} in {archive.name}")
    if not isinstance(value, dict) or not isinstance(value.get("parent") or "", str):
        raise InvalidDocument(f"{path[:200]!r} in {archive.name} does not describe a layer")
    return value


def _open(archive: ArchiveFile, top: str) -> OpenedImage:
    chain: dict[str, dict[str, Any]] = {}
    layer: str | None = top
    while layer is not None:
        if layer in chain or len(chain) > _MAX_LAYERS:
            raise InvalidArchive(f"{archive.name}: the parents of layer {top[:80]!r} lead in a circle")
        chain[layer] = _read_json(archive, layer)
        layer = chain[layer].get("parent") or None
    bottom_first = list(reversed(chain.items()))
    members = [archive.get(f"{layer}/layer.tar") for layer, _ in bottom_first]
    layers = read_layers(archive, members, [None] * len(members))
    config = {key: value for key, value in chain[top].items() if key not in _LAYER_FIELDS}
    config["rootfs"] = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
    config["history"] = [_history(fields) for _, fields in bottom_first]
    return describe_image(_go_json(dict(sorted(config.items()))), layers)


def _history(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the history entry of a layer (Docker, image/v1/imagev1.go, HistoryFromConfig)."""
    container = fields.get("container_config")
    command = container.get("Cmd") if isinstance(container, dict) else None
    words = command if isinstance(command, list) else []
    history = {
        "created": fields.get("created") or _BEGINNING,
        "author": fields.get("author"),
        "created_by": " ".join(word for word in words if isinstance(word, str)),
        "comment": fields.get("comment"),
    }
    return {key: value for key, value in history.items() if isinstance(value, str) and value}


def _go_json(value: Any) -> bytes:
    """Return JSON as Docker writes it, so that the image gets the ID that Docker would give it."""
    text = dump_json(value)
    for character in (b"<", b">", b"&"):
        text = text.replace(character, b"\\u00%02x" % character[0])
    return text


def write_v1(images: Sequence[tuple[Image, ImageReference | None]], output: Output) -> None:
    """Write images in the v1 layout, with a manifest.json next to it; layers uncompressed, IDs made from the content.

    Raises `UnsupportedFormat` for an image without layers, which the layout cannot hold.
    """
    tar = BlobTar(output)
    entries: list[dict[str, Any]] = []
    repositories: dict[str, dict[str, str]] = {}
    for image, reference in images:
        config = image.config_file
        ids = _write_layers(tar, image)
        tar.put_file(f"{config.digest.encoded}.json", config.raw)
        tag = reference.with_tag(reference.tag) if reference is not None and reference.tag else None
        if tag is not None:
            tagged = repositories.setdefault(tag.familiar_name, {})
            if str(tag.tag) in tagged:
                raise InvalidReference(f"two images of one archive cannot both be called {tag.familiar}")
            tagged[str(tag.tag)] = ids[-1]
        entries.append(
            {
                "Config": f"{config.digest.encoded}.json",
                "RepoTags": [tag.familiar] if tag is not None else None,
                "Layers": [f"{layer_id}/layer.tar" for layer_id in ids],
            }
        )
    tar.put_file("manifest.json", dump_json(entries))
    if repositories:
        tar.put_file("repositories", dump_json(repositories))
    tar.commit()


def _write_layers(tar: BlobTar, image: Image) -> list[str]:
    """Write the layers of an image that are not there yet; gives their IDs, bottom first."""
    if not image.layers:
        raise UnsupportedFormat("an image without layers cannot be written in the v1 layout")
    ids: list[str] = []
    for layer in reversed(image.layers):
        # The layer's chain ID (image-spec, config.md); the top one's also stands for the config.
        below = f"sha256:{ids[-1]} " if ids else ""
        layer_id = Digest.of(f"{below}{layer.diff_id}".encode()).encoded if ids else layer.diff_id.encoded
        fields = _layer_fields(layer)
        if layer is image.layers[0]:
            config = image.config_file
            layer_id = Digest.of(f"sha256:{layer_id} {config.digest}".encode()).encoded
            fields = fields | {key: value for key, value in config.value().items() if key not in ("rootfs", "history")}
        fields["id"] = layer_id
        if ids:
            fields["parent"] = ids[-1]
        ids.append(layer_id)
        if f"{layer_id}/json" in tar:
            continue
        tar.put_file(f"{layer_id}/VERSION", b"1.0")
        tar.put_file(f"{layer_id}/json", dump_json(dict(sorted(fields.items()))))
        plain = layer if layer.compression is Compression.NONE else layer.compressed(Compression.NONE)
        tar.put_blob(plain.blob, SILENT.start("", None).advance, f"{layer_id}/layer.tar")
    return ids


def _layer_fields(layer: Layer) -> dict[str, Any]:
    """Return what the v1 layout says of a layer: the first entry of its history."""
    if not layer.history:
        return {"created": _BEGINNING, "os": "linux"}
    entry = layer.history[0]
    fields: dict[str, Any] = {"created": entry.created or _BEGINNING, "os": "linux"}
    if entry.created_by:
        fields["container_config"] = {"Cmd": [entry.created_by]}
    return fields | {key: value for key in ("author", "comment") if (value := getattr(entry, key))}
