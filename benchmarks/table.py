"""The rows of a group as people read them: on a terminal, and in a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conda_docker.arguments.amounts import format_size

Group = Mapping[str, Any]
"""`name`, `title`, and `rows` as `benchmarks.work.Row.to_json` gives them."""

_COLUMNS = (
    "work",
    "tool",
    "wall",
    "processor",
    "largest process",
    "all processes",
    "written",
    "sent",
    "at the other ends",
    "packages asked for",
    "layers read",
    "x floor",
    "x ours",
)


def find(group: Group, work: str, tool: str | None = None) -> Mapping[str, Any] | None:
    """The row of a work, if it was measured; of conda-docker or the bare libraries, unless another tool is named."""
    tools = (tool,) if tool is not None else ("conda-docker", "bare libraries", "python")
    return next((row for row in group["rows"] if row["work"] == work and row["tool"] in tools and row["median"]), None)


def wall(group: Group, work: str, tool: str | None = None) -> float | None:
    """Seconds of a work, if it was measured."""
    row = find(group, work, tool)
    return row["median"]["wall"] if row is not None else None


def cells(group: Group) -> tuple[list[str], list[list[str]]]:
    """The headings and the rows of a group; columns without anything in them are left out."""
    rows = [_cells(group, row) for row in group["rows"]]
    used = [column for column in range(len(_COLUMNS)) if any(row[column] for row in rows)]
    return [_COLUMNS[column] for column in used], [[row[column] for column in used] for row in rows]


def _cells(group: Group, row: Mapping[str, Any]) -> list[str]:
    found = row["median"]
    if found is None:
        return [row["work"], row["tool"], "failed", *[""] * (len(_COLUMNS) - 3)]
    return [
        row["work"],
        row["tool"],
        seconds(found["wall"]),
        seconds(found["cpu"]),
        format_size(found["peak"]) if found["peak"] else "",
        format_size(row["peak_sum"]) if row["peak_sum"] else "",
        format_size(found["written"]) if found["peak"] else "",
        format_size(row["sent"]) if "sent" in row else "",
        seconds(row["others"]) if "others" in row else "",
        str(row["packages_asked"]) if "packages_asked" in row else "",
        format_size(row["layer_bytes"]) if "layer_bytes" in row else "",
        _ratio(found["wall"], wall(group, row["floor"]) if row["floor"] else None),
        _ratio(found["wall"], wall(group, row["ours"]) if row["ours"] else None),
    ]


def seconds(time: float) -> str:
    """A time as precise as it can be measured."""
    return f"{time:.2f} s" if time < 10 else f"{time:.1f} s"


def _ratio(time: float, reference: float | None) -> str:
    return f"{time / reference:.2f}" if reference else ""


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 2) -> str:
    """A table of a document; all but the first columns are aligned to the right."""
    rule = ["---" if column < left else "---:" for column in range(len(headings))]
    lines = [headings, rule, *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def print_group(group: Group, console: Any) -> None:
    """Print a group as a table on a terminal."""
    from rich.table import Table

    headings, rows = cells(group)
    table = Table(title=group["title"], title_justify="left", title_style="bold")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number < 2 else "right")
    for row in rows:
        table.add_row(*row, style="bold" if row[1] == "conda-docker" else None)
    console.print(table)
    for row in group["rows"]:
        if row["failure"]:
            console.print(f"{row['tool']}, {row['work']}, failed: {row['failure']}", style="red", highlight=False)
