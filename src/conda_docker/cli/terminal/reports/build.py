"""What a build says at its end: a report for programs, a summary for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

from conda_docker.arguments.amounts import format_duration, format_size
from conda_docker.cli.terminal.places import describe_place, image_name, run_command
from conda_docker.cli.terminal.tables import all_known, count, format_fields

if TYPE_CHECKING:
    from conda_docker.attestation.attachments import Attached
    from conda_docker.image.assemble import BuildResult
    from python_docker.image import Image
    from python_docker.spec.documents.manifest import Index, Manifest
    from python_docker.spec.platform import Platform
    from python_docker.transports import Location

Report = dict[str, Any]
_KINDS = {
    "https://cyclonedx.org/bom": "CycloneDX bill",
    "https://spdx.dev/Document": "SPDX bill",
    "https://slsa.dev/provenance/v1": "provenance",
    "https://sigstore.dev/cosign/sign/v1": "image",
}
"""What statements are called in the summary, by their predicates."""


def build_report(
    image: str,
    results: Sequence[BuildResult],
    written: Mapping[Location, Manifest | Index],
    *,
    seconds: float,
    engine: str | None,
    profile: str | None = None,
    attached: Mapping[Location, Sequence[Attached]] | None = None,
) -> Report:
    """Return all there is to say. Sizes are in bytes as stored, times in seconds; layers come lowest first.

    `attached` is what was attached to what was written to each place.

    Digests are those of manifests that were written and can be read back: places with a format of their own have
    others, and engines keep none. A `digest` that is not the same in all `outputs` is None.
    """
    kept = [document for place, document in written.items() if place.medium.keeps_manifest]
    return {
        "image": image,
        "profile": profile,
        "digest": _only({document.digest for document in kept}),
        "outputs": [
            _output(place, document, engine, (attached or {}).get(place, ())) for place, document in written.items()
        ],
        "platforms": [_platform(result, kept) for result in results],
        "seconds": round(seconds, 3),
    }


def _only(digests: Set[str]) -> str | None:
    return next(iter(digests)) if len(digests) == 1 else None


def _output(place: Location, document: Manifest | Index, engine: str | None, attached: Sequence[Attached]) -> Report:
    from python_docker.spec.documents.manifest import Index

    return {
        "location": str(place),
        "engine": engine if place.transport == "docker-daemon" else None,
        "digest": document.digest if place.medium.keeps_manifest else None,
        "id": None if isinstance(document, Index) else document.config.digest,
        "attached": [_attached(one, place) for one in attached],
    }


def _attached(one: Attached, place: Location) -> Report:
    """Return what was attached; no reference but a registry's names an artifact."""
    reference = place.reference() if place.transport == "docker" else None
    named = (
        None if reference is None else f"{reference.name}:{one.tag}" if one.tag else f"{reference.name}@{one.digest}"
    )
    return {
        "kind": one.kind,
        "predicate_type": one.predicate_type,
        "signed": one.signed,
        "digest": one.digest,
        "subject": one.subject,
        "tag": one.tag,
        "reference": named,
    }


def _platform(result: BuildResult, written: Sequence[Manifest | Index]) -> Report:
    image = result.image
    return {
        "platform": str(image.platform),
        "digest": _only({digest for document in written for digest in _manifests(document, image.platform)}),
        "id": image.id,
        "prefix": result.prefix,
        "size": sum(_layer_sizes(image, written)),
        "base_layers": len(image.layers) - len(result.layers),
        "layers": [
            {
                "packages": list(layer.packages),
                "digest": layer.digest,
                "diff_id": layer.diff_id,
                "size": layer.size,
                "cached": layer.cached,
                "seconds": round(layer.seconds, 3),
                "always": layer.always,
            }
            for layer in result.layers
        ],
        "trimmed_files": result.trimmed_files,
        "trimmed_bytes": result.trimmed_bytes,
        "post_link": list(result.post_link),
        "notes": list(result.notes),
    }


def _layer_sizes(image: Image, written: Sequence[Manifest | Index]) -> list[int]:
    """Return the sizes of layers as they were written: a place may keep them in another compression."""
    from python_docker.spec.documents.manifest import Index

    alone = next((document for document in written if not isinstance(document, Index)), None)
    return [layer.size for layer in (image.layers if alone is None else alone.layers)]


def _manifests(document: Manifest | Index, platform: Platform) -> list[str]:
    """Return the digests of the manifests in what was written that are for a platform."""
    from python_docker.spec.documents.manifest import Index

    if not isinstance(document, Index):
        return [document.digest]
    return [child.digest for child in document.manifests if child.get_platform() == platform]


def identities(report: Report) -> str:
    """Return what `--quiet` prints: the digest, or, where places differ, that of each; image IDs where none is kept."""
    if report["digest"]:
        return str(report["digest"])
    outputs = [output for output in report["outputs"] if output["digest"]]
    if outputs:
        return "\n".join(f"{output['digest']} {output['location']}" for output in outputs)
    return "\n".join(platform["id"] for platform in report["platforms"])


def blob_names(result: BuildResult, verb: str) -> dict[str, str]:
    """Return what the blobs of an image, to which `verb` happens, are called in progress, by their short digests."""
    image = result.image
    names = {layer.digest.short: f"{verb} base image" for layer in image.layers}
    for layer in result.layers:
        first, *others = layer.packages or (layer.content,)
        names[layer.digest.short] = f"{verb} {first}" + (f" and {len(others)} more" if others else "")
    return names | {image.id.short: f"{verb} config", image.digest.short: f"{verb} manifest"}


def build_summary(
    report: Report,
    locations: Sequence[Location],
    engine: str | None,
    *,
    starts: bool = True,
    ports: Sequence[str] = (),
) -> str:
    """Return the report for people; `engine` is the one that has the image, if any (see `engine_of`).

    `starts` says that programs of the image can start, so that there is a command that runs it. `ports` are
    those that it listens on.
    """
    rows: list[tuple[str, str]] = [("image", image_name(report["image"], locations))]
    if report["profile"] is not None:
        rows.append(("profile", report["profile"]))
    for platform in report["platforms"]:
        if len(report["platforms"]) > 1:
            rows.append(("", ""))
            rows.append(("platform", platform["platform"]))
        rows += _platform_rows(platform)
    if len(report["platforms"]) > 1:
        rows.append(("", ""))
    if report["digest"] and all(platform["digest"] != report["digest"] for platform in report["platforms"]):
        rows.append(("index", report["digest"]))
    for number, (place, output) in enumerate(zip(locations, report["outputs"], strict=True)):
        # Where all have one digest it stands above.
        differs = output["digest"] and report["digest"] is None
        rows.append(("written" if number == 0 else "", describe_place(place, engine)))
        rows += [("", f"  {output['digest']}")] if differs else []
        rows += _attached_rows(output["attached"])
    rows.append(("time", format_duration(report["seconds"])))
    rows += [("run it", run_command(report["image"], locations, engine, ports))] if starts else []
    return format_fields(rows)


def _attached_rows(attached: Sequence[Report]) -> list[tuple[str, str]]:
    rows = []
    for one in attached:
        shown = one["reference"] or one["tag"] or one["digest"]
        what = _KINDS.get(one["predicate_type"], one["kind"])
        rows.append(("signed" if one["signed"] else "attached", f"{what} {shown}"))
    return rows


def _platform_rows(platform: Report) -> list[tuple[str, str]]:
    layers = platform["layers"]
    size = f"{format_size(platform['size'])} in {count(platform['base_layers'] + len(layers), 'layer')}"
    if platform["base_layers"]:
        size += f", {platform['base_layers']} of them the base's"
    rows = [
        ("digest", platform["digest"]) if platform["digest"] else ("image ID", platform["id"]),
        ("size", size),
        ("layers", _made(layers)),
    ]
    if platform["trimmed_files"]:
        left_out = f"{count(platform['trimmed_files'], 'file')}, {format_size(platform['trimmed_bytes'])}"
        rows.append(("left out", left_out))
    if platform["post_link"]:
        rows.append(("not run", f"the post-link scripts of {', '.join(platform['post_link'])}"))
    return rows


def _made(layers: Sequence[Report]) -> str:
    """Return how many layers were built, and how many known; those that every build makes count as neither."""
    reusable = [layer["cached"] for layer in layers if not layer["always"]]
    known = sum(reusable)
    built = len(reusable) - known
    has_added = len(layers) - len(reusable) > 1
    if not reusable:
        return "the environment's own" + (" and what was added" if has_added else " alone")
    return ", ".join(
        [
            *([f"{built} built"] if built else []),
            *([f"{known} known" if built else all_known(known)] if known else []),
            *(["the environment's own", "and what was added"] if has_added else ["and the environment's own"]),
        ]
    )
