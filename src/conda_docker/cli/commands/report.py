"""`conda-docker report`: the picture of an image, as a page for browsers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from conda_docker.arguments.amounts import format_size
from conda_docker.cli.options import common as options
from conda_docker.cli.options.asked.destinations import check_kept, check_no_folder
from conda_docker.cli.parameters import FilePath, Option
from conda_docker.cli.parser import command
from conda_docker.cli.terminal.display import open_display
from conda_docker.cli.terminal.output import Output
from conda_docker.cli.terminal.tables import count

if TYPE_CHECKING:
    from conda_docker.cli.options.registries import Access
    from conda_docker.comparison.compare import Side
    from conda_docker.report.contents import Report
    from python_docker.spec.platform import Platform
    from python_docker.transports import Location

_EXAMPLES = """
# Write report.html, and open it in a browser
conda-docker report demo.tar
# What an upgrade from 1.0 to 1.1 downloads
conda-docker report ghcr.io/org/app:1.1 --against ghcr.io/org/app:1.0 -o app.html
# A large image in a registry, from its manifests and configs alone
conda-docker report --no-layers ghcr.io/org/app:1.1
"""
_DEFAULT = Path("report.html")
_OTHER_FORMATS = frozenset({".pdf", ".png", ".svg", ".json", ".md", ".txt"})


@command(
    options.SOURCE,
    Option(
        "-o",
        "--output",
        "target",
        metavar="FILE",
        type=FilePath(),
        help=f"Write the page here; - is standard output [default: {_DEFAULT}]",
    ),
    Option("--force", is_flag=True, help="Replace a file that is not a report."),
    Option(
        "--against",
        metavar="B",
        help="Compare with another image, a lock file or whatever else `diff` takes: what is shared, and what a "
        "machine that has it downloads.",
    ),
    Option("--no-layers", is_flag=True, help="Read only manifests and configs; download no layer."),
    Option(
        "--depth",
        metavar="N",
        type=int,
        default=3,
        help="How many levels of folders are shown separately [default: 3]",
    ),
    Option("--json", is_flag=True, help="Print what the page shows as JSON; write a page only with -o."),
    options.PLATFORM,
    options.LOGIN,
    examples=_EXAMPLES,
)
def report(
    output: Output,
    source: Location,
    target: Path | None,
    force: bool,
    against: str | None,
    no_layers: bool,
    depth: int,
    json: bool,
    platform: Platform | None,
    access: Access,
) -> None:
    """Draw an image: its layers, packages and files by size.

    The result is one HTML file, which also shows the runtime configuration and loads nothing from elsewhere. Layers are
    read whole and their digests are verified, but nothing is unpacked; in images that conda-docker did not build,
    packages are found by their records.
    """
    from contextlib import nullcontext

    from conda_docker.comparison.side import read_side
    from conda_docker.report.bill import attached_licenses
    from conda_docker.report.destination import open_destination
    from conda_docker.report.gather import gather_report
    from conda_docker.report.page import render
    from python_docker.copying.choose import image_of
    from python_docker.transports import open_source

    if depth < 1:
        raise click.BadParameter(f"expected 1 or more, got {depth}", param_hint="--depth")
    if target is not None and target.suffix.lower() in _OTHER_FORMATS:
        raise click.UsageError(
            f"--output: the page is HTML, so {str(target)!r} is not a name for it; a browser prints it as PDF, and "
            "--json prints what it shows"
        )
    if json and target == Path("-"):
        raise click.UsageError("--json and a page cannot both go to standard output; name a file with -o")
    if target is not None and str(target) != "-":
        read: list[tuple[str, Location | Path]] = [(f"SRC {source}", source)]
        read += [(f"--against {against}", _place_of(against))] if against is not None else []
        check_kept([(f"--output {target}", target)], read)
        check_no_folder(target)
    registry = access.to_image(source)
    page = target or (None if json else _DEFAULT)
    in_file = page is not None and page != Path("-")
    with open_destination(page, force=force) if page is not None and in_file else nullcontext(output.raw) as write:
        opened = open_source(source, registry=registry)
        try:
            image = image_of(opened, platform)
            with open_display(output) as progress:
                other: Side | None = None
                if against is not None:
                    other = read_side(
                        against,
                        platform=image.platform,
                        registry=access.to,
                    )
                found = gather_report(
                    image,
                    source,
                    against=other,
                    layers=not no_layers,
                    depth=depth,
                    licenses=attached_licenses(opened, image) if no_layers else None,
                    progress=progress,
                )
        finally:
            opened.close()
        if page is not None:
            write(render(found))
    if json:
        output.json(found.to_json())
    elif in_file:
        output.result(str(page) if output.quiet else f"{page}: {_summary(found)}")


def _place_of(side: str) -> Location | Path:
    """Return where the other side of a comparison is, a file or folder or an image."""
    from python_docker.errors import InvalidReference
    from python_docker.transports import Location

    try:
        return Location.parse(side, default_transport="docker")
    except InvalidReference:  # a lock file, or another file that describes an environment
        return Path(side)


def _summary(found: Report) -> str:
    parts = [found.name, count(len(found.layers), "layer"), format_size(found.size)]
    if found.packages:
        parts.append(count(len(found.packages), "package"))
    if found.comparison is not None and found.comparison.layers is not None:
        download = format_size(found.comparison.layers.download)
        parts.append(f"{download} to download for a machine that has {found.comparison.before}")
    return ", ".join(parts)
