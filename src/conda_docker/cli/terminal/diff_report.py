"""What `conda-docker diff` says: lines for people, Markdown for pull requests; programs get `Comparison` as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from conda_docker.cli.terminal.report import count, format_size, format_table

if TYPE_CHECKING:
    from conda_docker.comparison.compare import Change, Comparison, LayerChanges, Package

_UNKNOWN = "packages are not compared: one of the images does not name its own"


def diff_text(found: Comparison) -> str:
    """Return what differs as lines: `+` what is added, `-` what is removed, `~` what changed."""
    parts = [f"{found.before} -> {found.after}"]
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
    return "\n".join(parts)


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
    return ", ".join(parts)


def _layer_lines(layers: LayerChanges) -> Iterator[str]:
    new = sum(layer.size for layer in layers.new)
    yield f"{count(len(layers.shared), 'layer')} shared, {len(layers.new)} new ({format_size(new)})"
    for layer in layers.new:
        shown = ", ".join(layer.packages[:3]) + (f" and {len(layer.packages) - 3} more" if layer.packages[3:] else "")
        yield f"  + {layer.digest.partition(':')[2][:12]}  {format_size(layer.size)}  {shown}".rstrip()
    yield f"download for a machine that has the first: {format_size(layers.download)}"


def diff_markdown(found: Comparison) -> str:
    """Return what differs as Markdown: tables of packages, and a line on layers."""
    parts = [f"### {_code(found.before)} → {_code(found.after)}"]
    if found.added is None or found.removed is None or found.changed is None:
        parts.append(_UNKNOWN.capitalize() + ".")
    elif not (found.added or found.removed or found.changed):
        parts.append(f"No package differs; {count(found.same or 0, 'package')} are the same.")
    else:
        rows = [(each.name, "", _version(each), each.channel or "") for each in found.added]
        rows += [(each.name, _version(each), "", each.channel or "") for each in found.removed]
        rows += [
            (each.after.name, _version(each.before), _version(each.after), _channels(each)) for each in found.changed
        ]
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
    return "\n\n".join(parts)


def _channels(change: Change) -> str:
    known = (change.before.channel, change.after.channel)
    return " → ".join(dict.fromkeys(channel.rstrip("/") for channel in known if channel))


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)
