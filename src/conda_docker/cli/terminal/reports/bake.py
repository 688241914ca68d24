"""What a bake says at its end: a report for programs and for CI, a table for people."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from conda_docker.arguments.amounts import format_duration, format_size
from conda_docker.baking.result import Outcome
from conda_docker.cli.terminal.tables import count, format_table
from conda_docker.redaction import public_text

if TYPE_CHECKING:
    from conda_docker.baking.preview import BakePreview
    from conda_docker.baking.result import BakeResult, TargetResult

Report = dict[str, Any]

_OF_DIGEST = re.compile(r"image-[0-9a-f]{8}(?![0-9a-z])")
_SHORT = len("sha256:") + 12
_WITHOUT_IMAGE = (Outcome.FAILED, Outcome.CANCELLED, Outcome.INTERRUPTED)


def bake_report(result: BakeResult) -> Report:
    """Return all there is to say. Sizes are in bytes, times in seconds; layers come lowest first."""
    return {
        "images": [_image(each) for each in result.targets],
        "packages": result.packages,
        "layers": {"made": result.made, "known": result.known, "made_bytes": result.made_bytes},
        "seconds": round(result.seconds, 3),
    }


def _image(result: TargetResult) -> Report:
    return {
        "name": result.name,
        "image": result.image,
        "source": result.source,
        "outcome": str(result.outcome),
        "digest": result.digest,
        "inputs": result.inputs,
        "places": result.places,
        "outputs": [{"location": place, "digest": digest} for place, digest in result.digests.items()],
        "platforms": list(result.platforms),
        "layers": [
            {"packages": list(layer.packages), "digest": layer.digest, "size": layer.size, "known": layer.known}
            for layer in result.layers
        ],
        "made": result.made,
        "known": result.known,
        "seconds": round(result.seconds, 3),
        "error": None if result.error is None else public_text(str(result.error)),
        "notes": list(result.notes),
    }


def bake_summary(result: BakeResult) -> str:
    """Return the report for people."""
    rows: list[tuple[str, ...]] = [("name", "outcome", "digest", "package layers", "made", "assembled in")]
    for each in result.targets:
        layers = str(len(each.layers)) if each.layers else ""
        made = str(each.made) if each.layers else ""
        time = format_duration(each.seconds) if each.seconds else ""
        rows.append(
            (_shown(each.name, each.source), str(each.outcome), (each.digest or "")[:_SHORT], layers, made, time)
        )
    ended = Counter(each.outcome for each in result.targets)
    without = [f"{ended[each]} of them {each}" for each in _WITHOUT_IMAGE if ended[each]]
    told = [count(len(result.targets), "image"), *without]
    if result.made or result.known:
        told.append(f"{count(result.packages, 'distinct package')} in {count(result.made + result.known, 'layer')}")
        # A layer that several images have is in the column of each.
        told.append(f"{result.made} made, each once ({format_size(result.made_bytes)})" if result.made else "all known")
    told.append(format_duration(result.seconds))
    return f"{format_table(rows, right=frozenset({3, 4}))}\n\n{', '.join(told)}"


def _shown(name: str, source: str) -> str:
    """Return a name as tables have it: one that is a digest of another script's says of which file it is.

    >>> _shown("image-9d8cf70d", "envs/Δ/environment.yml"), _shown("numpy", "envs/numpy.yml")
    ('image-9d8cf70d (envs/Δ/environment.yml)', 'numpy')
    """
    return f"{name} ({source})" if source and _OF_DIGEST.match(name) else name


def write_junit(result: BakeResult, path: Path) -> None:
    """Write a report in JUnit's XML: an image is a test case. Raises `Error`.

    Source: jenkinsci/xunit-plugin, junit-10.xsd, which is the narrowest of the schemas that CI systems read by.
    """
    from python_docker.transports.output import write_file

    failed = sum(each.error is not None for each in result.targets)
    skipped = sum(each.error is None and each.outcome != "built" for each in result.targets)
    totals = {"name": "conda-docker bake", "tests": str(len(result.targets)), "failures": str(failed), "errors": "0"}
    totals |= {"time": f"{result.seconds:.3f}"}
    suites = ET.Element("testsuites", totals)
    suite = ET.SubElement(suites, "testsuite", totals | {"skipped": str(skipped)})
    for each in result.targets:
        fields = {"name": _xml(each.name), "classname": "conda-docker.bake", "time": f"{each.seconds:.3f}"}
        case = ET.SubElement(suite, "testcase", fields)
        if each.error is not None:
            text = _xml(public_text(str(each.error)))
            failure = ET.SubElement(
                case, "failure", {"type": type(each.error).__name__, "message": text.splitlines()[0] if text else ""}
            )
            failure.text = text
        elif each.outcome != "built":
            ET.SubElement(case, "skipped", {"message": str(each.outcome)})
        told = [each.source] if each.source else []
        told += [f"{each.image}@{each.digest}"] if each.digest is not None else []
        if told:
            ET.SubElement(case, "system-out").text = _xml("\n".join(told))
    ET.indent(suites)
    write_file(path, ET.tostring(suites, encoding="utf-8", xml_declaration=True) + b"\n")


def _xml(text: str) -> str:
    """Return a string without the characters that XML cannot hold (XML 1.0, 2.2)."""
    return "".join(
        mark if mark in "\t\n\r" or " " <= mark <= "\ud7ff" or "\ue000" <= mark <= "\ufffd" or mark > "\uffff" else "?"
        for mark in text
    )


def write_metadata(result: BakeResult, path: Path, kept: Mapping[str, Mapping[str, str]]) -> None:
    """Write what `docker buildx bake --metadata-file` writes, and the digests of inputs. Raises `Error`.

    Of images that were not built, or failed, what is `kept` of an earlier bake stays.

    Source: docker/buildx, docs/reference/buildx_bake.md, "--metadata-file".
    """
    from conda_docker.baking.since import INPUTS_KEY, PLACES_KEY
    from python_docker.transports.output import write_file

    value = dict(kept)
    for each in result.targets:
        if each.digest is None:
            continue
        entry = {"containerimage.digest": each.digest, "image.name": each.image}
        known = {INPUTS_KEY: each.inputs, PLACES_KEY: each.places}
        value[each.name] = entry | {key: digest for key, digest in known.items() if digest}
    write_file(path, f"{json.dumps(value, indent=2)}\n".encode())


def preview_report(preview: BakePreview) -> Report:
    """Return all that there is to say of a dry run. Sizes are in bytes."""
    return {
        "images": [asdict(each) for each in preview.targets],
        "failed": [{"name": each.name, "error": public_text(str(each.error))} for each in preview.failed],
        "packages": {"distinct": preview.packages, "size": preview.size, "size_one_by_one": preview.size_apart},
        "layers": {"distinct": preview.layers, "known": preview.known, "made_from": preview.made_from},
        "download": {"packages": preview.downloads, "size": preview.download},
        "shared": [asdict(each) for each in preview.shared],
    }


def preview_summary(preview: BakePreview) -> str:
    """Return what a dry run says to people."""
    rows: list[tuple[str, ...]] = [("name", "package layers", "known", "only here", "")]
    for each in preview.targets:
        own = format_size(each.own_bytes) if each.own else ""
        rows.append((_shown(each.name, each.source), str(each.layers), str(each.known), str(each.own), own))
    rows += [(_shown(each.name, each.source), "fails", "", "", "") for each in preview.failed]
    missing = preview.layers - preview.known
    made = f"{missing} to be made of {format_size(preview.made_from)}" if missing else "none to be made"
    told = [
        f"{count(preview.packages, 'distinct package')} of {format_size(preview.size)} "
        f"({format_size(preview.size_apart)} if each image were built alone)",
        f"{count(preview.layers, 'distinct layer')}: {preview.known} known, {made}",
        f"{count(preview.downloads, 'package')} to download, {format_size(preview.download)}"
        if preview.downloads
        else "nothing to download",
    ]
    parts = [format_table(rows, right=frozenset({1, 2, 3, 4})), "\n".join(told)]
    if preview.shared:
        shared = [
            (f"{each.name} {each.version}", format_size(each.size), f"in {count(each.images, 'image')}")
            for each in preview.shared
        ]
        parts.append("shared most:\n" + format_table(shared, right=frozenset({1}), indent="  "))
    return "\n\n".join(parts)
