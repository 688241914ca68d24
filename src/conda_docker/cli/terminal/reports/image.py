"""Images as reports: plain values for JSON, and text for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from conda_docker.arguments.amounts import format_size
from conda_docker.cli.terminal.tables import count, format_fields, format_table

if TYPE_CHECKING:
    from conda_docker.provenance.installed import InstalledEnvironment
    from python_docker.image import Image
    from python_docker.spec.documents.manifest import Index, Manifest
    from python_docker.spec.reference import ImageReference
    from python_docker.transports.medium import Source

Report = dict[str, Any]

_RUNTIME = ("User", "WorkingDir", "Entrypoint", "Cmd", "ExposedPorts", "Volumes", "StopSignal")


def describe_written(written: Manifest | Index) -> Report:
    """Return what was written somewhere. Sizes are in bytes, as stored."""
    from python_docker.spec.documents.manifest import Index

    if isinstance(written, Index):
        return describe_index(written)
    if not written.is_image:
        return describe_artifact(written)
    return {
        "digest": written.digest,
        "media_type": written.media_type,
        "id": written.config.digest,
        "size": sum(layer.size for layer in written.layers),
        "layers": len(written.layers),
    }


def describe_index(index: Index) -> Report:
    """Return an index as a report: its digest, and a descriptor for each image that it names."""
    return {
        "digest": index.digest,
        "media_type": index.media_type,
        "manifests": [
            {
                "platform": str(child.get_platform() or "") or None,
                "digest": child.digest,
                "size": child.size,
                "media_type": child.media_type,
            }
            for child in index.manifests
        ],
    }


def describe_artifact(manifest: Manifest) -> Report:
    """Return what a manifest is that is not an image's. `size` is that of its blobs as stored, in bytes."""
    blobs = [
        {
            "media_type": blob.media_type,
            "digest": blob.digest,
            "size": blob.size,
            "title": (blob.annotations or {}).get("org.opencontainers.image.title"),
        }
        for blob in manifest.layers
    ]
    return {
        "digest": manifest.digest,
        "media_type": manifest.media_type,
        "artifact_type": manifest.artifact_type or manifest.config.media_type,
        "config": {
            "media_type": manifest.config.media_type,
            "digest": manifest.config.digest,
            "size": manifest.config.size,
        },
        "size": sum(layer.size for layer in manifest.layers),
        "blobs": blobs,
        "subject": manifest.subject.digest if manifest.subject is not None else None,
        "annotations": dict(manifest.annotations or {}),
    }


def artifact_text(location: str, name: ImageReference | None, artifact: Report) -> str:
    """Return the report of `describe_artifact` for people."""
    rows = [
        ("Name", name.familiar if name else location),
        ("Digest", artifact["digest"]),
        ("Type", f"{artifact['artifact_type']} (not an image)"),
        ("Config", f"{artifact['config']['media_type']}, {format_size(artifact['config']['size'])}"),
        ("Size", f"{format_size(artifact['size'])} in {count(len(artifact['blobs']), 'blob')}"),
    ]
    if artifact["subject"]:
        rows.append(("About", artifact["subject"]))
    annotations = [_pair(key, value) for key, value in artifact["annotations"].items()]
    rows += zip(_once("Annotations"), annotations, strict=False)
    blobs = [
        (str(number), blob["digest"], format_size(blob["size"]), blob["media_type"], blob["title"] or "")
        for number, blob in enumerate(artifact["blobs"], 1)
    ]
    table = format_table([("Blob", "Digest", "Size", "Type", "Title"), *blobs], right=frozenset({0, 2}))
    return f"{format_table(rows)}\n\n{table}"


def describe_image(image: Image) -> Report:
    """Return an image as a report. `size` is that of its layers as stored, in bytes; `layers` come lowest first."""
    manifest = image.manifest
    layers = describe_layers(image)
    return {
        "digest": manifest.digest,
        "media_type": manifest.media_type,
        "id": manifest.config.digest,
        "platform": str(image.platform),
        "created": image.created,
        "size": sum(layer["size"] for layer in layers),
        "layers": layers,
        "config": image.config.to_json(),
        "annotations": dict(image.annotations),
    }


def describe_layers(image: Image) -> list[Report]:
    """Return the layers of an image, lowest first."""
    return [
        {
            "digest": layer.digest,
            "diff_id": layer.diff_id,
            "size": layer.size,
            "media_type": layer.descriptor.media_type,
            "created_by": layer.history[0].created_by if layer.history else None,
        }
        for layer in reversed(image.layers)
    ]


def describe_source(location: str, name: ImageReference | None, root: Manifest | Index, image: Image | None) -> Report:
    """Return what a location names: the index, if it is one, and one image of it. What is attached is left open."""
    from python_docker.spec.documents.manifest import Index

    return {
        "location": location,
        "name": name.familiar if name else None,
        "index": describe_index(root) if isinstance(root, Index) else None,
        "artifact": None,
        "image": describe_image(image) if image else None,
        "attached": None,
    }


def describe_attached(source: Source, root: Manifest | Index, image: Image) -> list[Report] | None:
    """Return what is attached to an image and to the index that it is in; None where that cannot be known."""
    from python_docker.copying.attached import find_tagged
    from python_docker.errors import Error
    from python_docker.transports.medium import ListsReferrers

    if not isinstance(source, ListsReferrers):
        return None
    subjects = dict.fromkeys([root.digest, image.manifest.digest])
    try:
        listed = [(subject, entry) for subject in subjects for entry in source.referrers(subject)]
        tagged = find_tagged(source, subjects)
    except Error:  # a registry that does not answer this question answers all others
        return None
    attached: list[Report] = [
        {
            "digest": entry.digest,
            "artifact_type": entry.artifact_type,
            "size": entry.size,
            "subject": subject,
            "annotations": dict(entry.annotations or {}),
            "tag": None,
        }
        for subject, entry in listed
    ]
    return attached + [
        {
            "digest": manifest.digest,
            "artifact_type": manifest.layers[0].media_type if manifest.layers else None,
            "size": manifest.size,
            "subject": subject,
            "annotations": dict(manifest.annotations or {}),
            "tag": tag,
        }
        for subject, tag, manifest in tagged
    ]


def describe_environment(environment: InstalledEnvironment) -> Report:
    """Return an environment in an image, with its packages."""
    return {
        "prefix": environment.prefix,
        "subdir": environment.subdir,
        "requested": list(environment.requested),
        "variables": dict(environment.variables),
        "packages": [
            {
                "name": package.name,
                "version": package.version,
                "build": package.build,
                "url": package.url,
                "hash": package.hash,
            }
            for package in environment.packages
        ],
    }


def source_text(report: Mapping[str, Any], environments: list[InstalledEnvironment]) -> str:
    """Return the report of `describe_source` for people, with a line for each conda environment in the image."""
    names: list[tuple[str, str]] = [("Name", report["name"] or report["location"])]
    rows: list[tuple[str, str]] = []
    index, image = report["index"], report["image"]
    if index:
        names.append(("Index", index["digest"]))
        for title, child in zip(_once("Platforms"), index["manifests"], strict=False):
            rows.append((title, f"{child['platform'] or 'unknown':<16} {child['digest']}"))
    if image is None:
        return f"{format_fields(names)}\n\n{format_table(rows)}"
    names += [("Digest", image["digest"]), ("Image ID", image["id"])]
    rows += [
        ("Platform", image["platform"]),
        ("Created", image["created"] or "unknown"),
        ("Size", f"{format_size(image['size'])} in {count(len(image['layers']), 'layer')}"),
    ]
    config = image["config"]
    rows += [(name, _plain(config[name])) for name in _RUNTIME if config.get(name)]
    rows += zip(_once("Env"), map(_one_line, config.get("Env") or []), strict=False)
    for title, values in (("Labels", config.get("Labels")), ("Annotations", image["annotations"])):
        rows += zip(_once(title), [_pair(name, value) for name, value in (values or {}).items()], strict=False)
    for title, environment in zip(_once("Packages"), environments, strict=False):
        wheels = sum(package.is_wheel for package in environment.packages)
        found = count(len(environment.packages) - wheels, "conda package")
        found += f" and {count(wheels, 'wheel')}" if wheels else ""
        rows.append((title, f"{found} in {environment.prefix} ({environment.subdir})"))
    attached = [f"{one['artifact_type'] or 'unknown':<48} {one['digest']}" for one in report.get("attached") or ()]
    rows += zip(_once("Attached"), attached, strict=False)
    return "\n\n".join([format_fields(names), format_table(rows), layers_text(image["layers"])])


def _pair(name: str, value: object) -> str:
    """Return a label or an annotation on one line."""
    return _one_line(f"{name}={value}")


def _one_line(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")


def layers_text(layers: list[Report]) -> str:
    """Return layers for people: number (the lowest is 1), size, how it came about, and digest."""
    rows = [
        (str(number), format_size(layer["size"]), _shortened(layer["created_by"] or ""), layer["digest"])
        for number, layer in enumerate(layers, 1)
    ]
    return format_table([("Layer", "Size", "Created by", "Digest"), *rows], right=frozenset({0, 1}))


def environments_text(environments: list[InstalledEnvironment]) -> str:
    """Return the packages of environments for people, as `conda list` shows them."""
    texts = []
    for environment in environments:
        rows = [
            (package.name, package.version, package.build, package.channel)
            for package in sorted(environment.packages, key=lambda package: package.name)
        ]
        table = format_table([("# Name", "Version", "Build", "Channel"), *rows])
        texts.append(f"# packages in environment at {environment.prefix} ({environment.subdir}):\n#\n{table}")
    return "\n\n".join(texts)


def _once(title: str) -> list[str]:
    """Return a title for the first of many rows, and nothing for the others."""
    return [title] + [""] * 10_000


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59] + "…"
