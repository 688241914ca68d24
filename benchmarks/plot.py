"""The plot of time against the size of an environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.ours import COLD, TOOL
from benchmarks.table import wall

_LINES = (
    ("rattler + python-docker 0.2.0", "cold, uncompressed", "rattler + python-docker 0.2.0", "#2ca02c", "--"),
    ("rattler + umoci insert", COLD, "rattler + umoci", "#ff7f0e", "--"),
    ("conda-docker, cold", COLD, TOOL, "#1f77b4", "-"),
    ("conda-docker, warm", "warm", TOOL, "#d62728", "-"),
    ("floor: bare libraries, gzip", "floor, gzip", "bare libraries", "#000000", ":"),
)


def draw(groups: Sequence[Mapping[str, Any]], path: Path) -> bool:
    """Draw the lines of the growth groups to an SVG file; False when there is nothing to draw."""
    import matplotlib as mpl

    mpl.use("svg")
    # The same numbers give the same file.
    mpl.rcParams["svg.hashsalt"] = "conda-docker"
    mpl.rcParams["font.size"] = 10
    from matplotlib import pyplot

    groups = sorted(groups, key=lambda group: group["bytes"])
    figure, axes = pyplot.subplots(figsize=(8, 5))
    drawn = 0
    for label, work, tool, colour, style in _LINES:
        points = [(group["bytes"] / 1e6, time) for group in groups if (time := wall(group, work, tool)) is not None]
        if points:
            drawn += 1
            sizes, times = zip(*points, strict=True)
            bold = 2.2 if tool == TOOL else 1.3
            axes.plot(
                sizes, times, label=label, color=colour, linestyle=style, marker="o", markersize=4, linewidth=bold
            )
    if drawn:
        axes.set_xlabel("size of the environment, uncompressed (MB)")
        axes.set_ylabel("wall time (s)")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        axes.set_title("From packages on disk to an image")
        figure.tight_layout()
        figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    return bool(drawn)
