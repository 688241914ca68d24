"""What a dry run says to people; programs get `DryRun` as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conda_docker.arguments.amounts import format_size
from conda_docker.cli.terminal.tables import all_known, count, format_table

if TYPE_CHECKING:
    from conda_docker.dry_run import Amount, DryRun, Package, PlatformImage

_SOURCES = {
    "layer": "in known layers",
    "archive": "on this machine",
    "folder": "extracted on this machine",
    "download": "to download",
}


def dry_run_text(report: DryRun) -> str:
    """Return the report of a dry run: a summary, and for each platform a table of its new layers."""
    rows: list[tuple[str, str]] = [("image", f"{report.image} (dry run: nothing is written)")]
    if report.profile is not None:
        rows.append(("profile", report.profile))
    for platform in report.platforms:
        if len(report.platforms) > 1:
            rows += [("", ""), ("platform", platform.platform)]
        rows += _platform_rows(platform)
    if len(report.platforms) > 1:
        rows.append(("", ""))
    rows.append(("download", _amount(report.download, "file")))
    made_from = f"layers from {_amount(report.make, 'package')}"
    rows.append(("make", made_from if report.make.bytes or report.make.unknown else "nothing"))
    for number, output in enumerate(report.outputs):
        size = f"unknown: {output.reason}" if output.send is None else _amount(output.send, "layer")
        rows.append(("send" if number == 0 else "", f"{size} to {output.location}"))
    tables = [_layers(platform) for platform in report.platforms]
    return "\n\n".join([format_table(rows), *tables])


def _amount(amount: Amount, noun: str) -> str:
    """Return an amount for people.

    >>> from conda_docker.dry_run import Amount
    >>> _amount(Amount(1_500_000, 0), "layer"), _amount(Amount(0, 2), "layer")
    ('1.5 MB', '2 layers of unknown size')
    """
    unknown = f"{count(amount.unknown, noun)} of unknown size"
    if not amount.unknown:
        return format_size(amount.bytes) if amount.bytes else "nothing"
    return f"{format_size(amount.bytes)} and {unknown}" if amount.bytes else unknown


def _platform_rows(platform: PlatformImage) -> Iterator[tuple[str, str]]:
    base = platform.base
    if base is None:
        yield "base", "none"
    else:
        yield "base", f"{base.name}, {format_size(base.size)} in {count(len(base.layers), 'layer')}"
        yield "", base.digest
    yield "prefix", platform.prefix
    for number, package in enumerate(platform.virtual_packages):
        text = f"{package.name}={package.version}={package.build}"
        yield "solved for" if number == 0 else "", f"{text} ({package.origin})"
    sources = Counter(package.source for package in platform.packages)
    found = ", ".join(f"{number} {_SOURCES[source]}" for source, number in sources.items())
    yield "packages", f"{len(platform.packages)}: {found}" if found else "none"
    layers = [layer for layer in platform.layers if layer.kind != "environment"]
    known = sum(layer.known for layer in layers)
    states = all_known(known) if known == len(layers) else f"{known} known, {len(layers) - known} to make"
    yield "layers", f"{states}, and the environment's own, which every build makes"


def _layers(platform: PlatformImage) -> str:
    packages = iter(platform.packages)
    rows: list[tuple[str, ...]] = [("Layer", "Package", "Version", "Build", "Size", "From")]
    for number, layer in enumerate(platform.layers, 1):
        if layer.kind != "packages":
            size = format_size(layer.size) if layer.size is not None else ""
            rows.append((str(number), f"({layer.kind})", "", "", size, "known layer" if layer.known else ""))
            continue
        for position, _ in enumerate(layer.packages):
            package = next(packages)
            size = "" if package.size is None else format_size(package.size)
            build = "(wheel)" if package.build is None else package.build
            shown = str(number) if position == 0 else ""
            rows.append((shown, package.name, package.version, build, size, _origin(package)))
    table = format_table(rows, right=frozenset({0, 4}))
    return f"{platform.platform}\n{table}"


def _origin(package: Package) -> str:
    if package.source == "layer":
        return "known layer"
    return package.path or f"download from {package.url.rpartition('/')[0]}"
