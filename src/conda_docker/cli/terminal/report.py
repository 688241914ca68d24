"""Sizes, durations and tables as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def format_size(size: float) -> str:
    """Return a number of bytes in decimal units, as Docker prints it.

    >>> format_size(999), format_size(12_345_678)
    ('999 B', '12.3 MB')
    """
    if abs(size) < 1000:
        return f"{size:.0f} B"
    for unit in ("kB", "MB", "GB", "TB"):
        size /= 1000
        if abs(size) < 999.95 or unit == "TB":
            return f"{size:.1f} {unit}"
    raise AssertionError("unreachable")


def format_duration(seconds: float) -> str:
    """Return a time in seconds as people read it.

    >>> format_duration(0.0421), format_duration(3.14159), format_duration(125)
    ('0.04 s', '3.1 s', '2 min 5 s')
    """
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def format_seconds(seconds: float) -> str:
    """Return a time in whole seconds, minutes or hours, which does not flicker while it changes.

    >>> format_seconds(0.2), format_seconds(59.9), format_seconds(61), format_seconds(7300)
    ('0 s', '59 s', '1 min', '2 h')
    """
    if seconds < 60:
        return f"{int(seconds)} s"
    return f"{int(seconds // 60)} min" if seconds < 3600 else f"{int(seconds // 3600)} h"


def format_table(rows: Iterable[Sequence[str]], *, right: frozenset[int] = frozenset(), indent: str = "") -> str:
    """Return rows as lines with aligned columns; those in `right` are aligned to the right.

    >>> print(format_table([("a", "10 B"), ("bcd", "9 B")], right=frozenset({1})))
    a    10 B
    bcd   9 B
    """
    cells = [[cell.replace("\n", " ") for cell in row] for row in rows]
    columns = max(map(len, cells), default=0)
    widths = [max((len(row[column]) for row in cells if column < len(row)), default=0) for column in range(columns)]
    lines = []
    for row in cells:
        padded = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        lines.append(indent + "  ".join(padded).rstrip())
    return "\n".join(lines)


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count(1, "layer"), count(2, "layer")
    ('1 layer', '2 layers')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
