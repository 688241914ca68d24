"""Tables, and numbers with their nouns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_NAME = 8


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


def format_fields(rows: Sequence[tuple[str, str]]) -> str:
    """Return values, each with its name, as lines; a digest takes no more than 80 columns after a name of 8.

    >>> print(format_fields([("digest", "sha256:ab"), ("image ID", "sha256:cd")]))
    digest   sha256:ab
    image ID sha256:cd
    """
    width = max((len(name) for name, _ in rows), default=0)
    column = width + (2 if width < _NAME else 1)
    return "\n".join(f"{name:{column}}{value}".rstrip() for name, value in rows)


def all_known(number: int) -> str:
    """Return what reports say of layers, all of which are known.

    >>> all_known(1), all_known(3)
    ('1 known', 'all 3 known')
    """
    return "1 known" if number == 1 else f"all {number} known"


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count(1, "layer"), count(2, "layer")
    ('1 layer', '2 layers')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
