"""What `conda-docker diff` says: lines for people, Markdown for pull requests; programs get `Differences` as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from conda_docker.arguments.amounts import format_size
from conda_docker.arguments.listing import first_of
from conda_docker.cli.terminal.tables import count, format_table

if TYPE_CHECKING:
    from conda_docker.comparison.compare import Change, Comparison, LayerChanges, Package
    from conda_docker.comparison.platforms import Differences

_UNKNOWN = "packages are not compared: one of the images does not name its own"
_OTHER_CONTENTS = "same version, different contents"


def diff_text(found: Differences) -> str:
    """Return what differs as lines, by platform: `+` what is added, `-` what is removed, `~` what changed."""
    title = f"{found.before} -> {found.after}"
    if len(found.platforms) == 1:
        [only] = found.platforms
        parts = [f"{title} ({_platform(only, '->')})", *_lines(only)]
    else:
        parts = [title]
        for each in found.platforms:
            parts += ["", f"{_platform(each, '->')}:", *_lines(each)]
        parts.append("")
    return "\n".join([*parts, *_not_compared(found)]).rstrip("\n")


def _platform(found: Comparison, arrow: str) -> str:
    return f" {arrow} ".join(dict.fromkeys((found.before_platform, found.after_platform)))


def _not_compared(found: Differences) -> Iterator[str]:
    for name, platforms in ((found.before, found.only_before), (found.after, found.only_after)):
        if platforms:
            yield f"not compared: {', '.join(platforms)}, only in {name}"
    if found.not_compared:
        yield f"not compared: {', '.join(found.not_compared)}, whose packages run in no image"


def _lines(found: Comparison) -> list[str]:
    parts: list[str] = []
    if found.added is None or found.removed is None or found.changed is None:
        parts.append(_UNKNOWN)
    else:
        rows = [("+", *_row(package)) for package in found.added]
        rows += [("-", *_row(package)) for package in found.removed]
        rows += [("~", change.after.name, _change(change), "") for change in found.changed]
        parts += [format_table(sorted(rows, key=lambda row: row[1]))] if rows else ["no package differs"]
        parts.append(f"{count(found.same or 0, 'package')} the same")
    if found.layers is not None:
        parts += _layer_lines(found.layers)
    return parts


def _row(package: Package) -> tuple[str, str, str]:
    return package.name, _version(package), package.channel or ""


def _version(package: Package) -> str:
    return " ".join(filter(None, (package.version, package.build)))


def _change(change: Change) -> str:
    before, after = change.before, change.after
    parts = []
    if _version(before) != _version(after):
        parts.append(f"{_version(before)} -> {_version(after)}")
    if before.channel and after.channel and before.channel.rstrip("/") != after.channel.rstrip("/"):
        parts.append(f"{before.channel} -> {after.channel}")
    return ", ".join(parts) or f"{_version(after)}: {_OTHER_CONTENTS}"


def _layer_lines(layers: LayerChanges) -> Iterator[str]:
    new = sum(layer.size for layer in layers.new)
    yield f"{count(len(layers.shared), 'layer')} shared, {len(layers.new)} new ({format_size(new)})"
    for layer in layers.new:
        shown = first_of(layer.packages, 3)
        yield f"  + {layer.digest.partition(':')[2][:12]}  {format_size(layer.size)}  {shown}".rstrip()
    yield f"download for a machine that has the first: {format_size(layers.download)}"


def diff_markdown(found: Differences) -> str:
    """Return what differs as Markdown: for each platform a heading, a table of packages, and a line on layers."""
    parts = [f"### {_code(found.before)} → {_code(found.after)}"]
    for each in found.platforms:
        parts += [f"#### {_platform(each, '→')}", *_paragraphs(each)]
    parts += [f"{line[0].upper()}{line[1:]}." for line in _not_compared(found)]
    return "\n\n".join(parts)


def _paragraphs(found: Comparison) -> list[str]:
    parts: list[str] = []
    if found.added is None or found.removed is None or found.changed is None:
        parts.append(_UNKNOWN.capitalize() + ".")
    elif not (found.added or found.removed or found.changed):
        parts.append(f"No package differs; {count(found.same or 0, 'package')} are the same.")
    else:
        rows = [(each.name, "", _version(each), each.channel or "") for each in found.added]
        rows += [(each.name, _version(each), "", each.channel or "") for each in found.removed]
        rows += [(each.after.name, _version(each.before), _after(each), _channels(each)) for each in found.changed]
        parts.append(_table(("package", "before", "after", "channel"), sorted(rows)))
        parts.append(
            f"{len(found.added)} added, {len(found.removed)} removed, {len(found.changed)} changed, "
            f"{found.same} the same."
        )
    if found.layers is not None:
        layers = found.layers
        parts.append(
            f"{count(len(layers.shared), 'layer')} shared, {len(layers.new)} new; a machine that has the first image "
            f"downloads {format_size(layers.download)}."
        )
    return parts


def _after(change: Change) -> str:
    """Return what the cell after a change says, which the cell before it does not tell already."""
    text = _change(change)
    return text.replace(": ", " (") + ")" if text.endswith(_OTHER_CONTENTS) else _version(change.after)


def _channels(change: Change) -> str:
    known = (change.before.channel, change.after.channel)
    return " → ".join(dict.fromkeys(channel.rstrip("/") for channel in known if channel))


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)
