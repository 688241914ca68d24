"""What verification found, as people and programs read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conda_docker.arguments.amounts import format_size
from conda_docker.arguments.listing import first_of
from conda_docker.cli.terminal.tables import count, format_table
from conda_docker.verification.report import Outcome
from python_docker.signing.statement import SIGNATURE

if TYPE_CHECKING:
    from conda_docker.policy.channels import ChannelReport
    from conda_docker.verification.report import LayerVerdict, RebuildReport
    from python_docker.signing.verify import SignatureReport

_LISTED = 10


def signatures_json(report: SignatureReport) -> dict[str, Any]:
    """Return what was found of signatures as JSON values; see docs/json.md."""
    found = [
        {"form": signature.form, "predicate_type": signature.predicate_type, "digest": signature.digest}
        for signature in report.signatures
    ]
    outcome = "signed" if report.ok else "refused" if report.refused else "not signed"
    return {"verified": report.ok, "outcome": outcome, "signatures": found, "refused": list(report.refused)}


def signatures_text(report: SignatureReport, digest: str, signer: str) -> str:
    """Return what was found of signatures for people."""
    lines = [f"refused: {reason}" for reason in report.refused]
    if not report.ok:
        return "\n".join([*lines, f"NOT SIGNED  {digest}: it has no signature by {signer}"])
    stated = sorted({(one.predicate_type, one.digest) for one in report.signatures if one.predicate_type != SIGNATURE})
    lines.append(f"signed by {signer}: {digest}")
    return "\n".join([*lines, *(f"stated by {signer}: {predicate} ({named})" for predicate, named in stated)])


def channels_json(report: ChannelReport) -> dict[str, Any]:
    """Return where packages are from as JSON values; see docs/json.md."""
    places = [
        {"url": place, "kind": "wheels" if is_wheels else "conda", "packages": number}
        for place, is_wheels, number in report.counts
    ]
    return {"verified": not report.refused, "channels": places, "refused": list(report.refused)}


def channels_text(report: ChannelReport) -> str:
    """Return where packages are from for people: those that are not allowed first."""
    lines = [f"NOT ALLOWED  {refused}" for refused in report.refused]
    return "\n".join(
        [
            *lines,
            *(
                f"from {place}: {count(number, 'wheel' if is_wheels else 'package')}"
                for place, is_wheels, number in report.counts
            ),
        ]
    )


def rebuild_json(report: RebuildReport) -> dict[str, Any]:
    """Return the report as JSON values; see docs/json.md."""
    return {
        "verified": report.ok,
        "complete": report.complete,
        "layers": [_layer_json(layer) for layer in report.layers],
        "notes": list(report.notes),
    }


def _layer_json(layer: LayerVerdict) -> dict[str, Any]:
    return {
        "digest": layer.digest,
        "diff_id": layer.diff_id,
        "size": layer.size,
        "kind": layer.kind,
        "packages": list(layer.packages),
        "outcome": str(layer.outcome),
        "reason": layer.reason,
        "differences": list(layer.differences),
    }


def rebuild_text(report: RebuildReport) -> str:
    """Return the report for people: what differs first, then what could not be verified, then how much was."""
    lines: list[str] = []
    for layer in report.having(Outcome.DIFFERENT):
        lines.append(f"DIFFERENT  {_name(layer)}: {layer.reason}")
        lines += [f"  {difference}" for difference in layer.differences[:_LISTED]]
        if len(layer.differences) > _LISTED:
            lines.append(f"  and {len(layer.differences) - _LISTED} more")
    unverified: dict[str, list[LayerVerdict]] = {}
    for layer in report.having(Outcome.UNVERIFIED):
        unverified.setdefault(layer.reason or "", []).append(layer)
    for reason, layers in unverified.items():
        what = _name(layers[0]) if len(layers) == 1 else f"{len(layers)} layers"
        lines.append(f"not verified: {what}: {reason}")
    rows = [
        (str(outcome), count(len(found), "layer"), format_size(sum(layer.size for layer in found)))
        for outcome in Outcome
        if (found := report.having(outcome))
    ]
    lines += [format_table(rows), *(f"note: {note}" for note in report.notes)]
    if left := report.having(Outcome.UNVERIFIED):
        names = first_of([_name(layer).removeprefix("layer ") for layer in left], _LISTED)
        lines.append(f"not fully verified: {count(len(left), 'layer')} not verified: {names}")
    return "\n".join(lines)


def _name(layer: LayerVerdict) -> str:
    names = first_of(layer.packages, 3)
    return f"layer {layer.digest.short} ({names or layer.kind})"
