"""`conda-docker diff`: what differs between images, lock files, environment files and environments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from conda_docker.cli.options import common as options
from conda_docker.cli.options.arguments import to_platform
from conda_docker.cli.parameters import Argument, Option
from conda_docker.cli.parser import command
from conda_docker.cli.terminal.output import Output

if TYPE_CHECKING:
    from conda_docker.cli.options.registries import Access
    from python_docker.spec.platform import Platform

_EXAMPLES = """
# Two images: packages, layers, and what an update downloads
conda-docker diff ghcr.io/org/app:1.0 ghcr.io/org/app:1.1
# Lock files of two commits, for a pull request
conda-docker diff --markdown before.lock conda-docker.lock
# Is the environment here what the image has?
conda-docker diff ghcr.io/org/app:1.1 .pixi/envs/default
"""
_SIDE = "An image (as `inspect` takes it), a lock file or other environment file, or the folder of an environment."

_PLATFORM = Option(
    "--platform",
    metavar="OS/ARCH",
    convert=to_platform,
    help="Compare for this platform alone, such as linux/arm64 [default: all platforms that both have]",
)


@command(
    Argument("before", metavar="A", explanation=_SIDE),
    Argument("after", metavar="B", explanation="What it is compared with: the same."),
    options.JSON,
    Option("--markdown", is_flag=True, help="Print tables in Markdown, as for a pull request."),
    Option("--exit-code", is_flag=True, help="End with exit code 1 where anything differs."),
    _PLATFORM,
    options.ACCESS,
    examples=_EXAMPLES,
)
def diff(
    output: Output,
    before: str,
    after: str,
    json: bool,
    markdown: bool,
    exit_code: bool,
    platform: Platform | None,
    access: Access,
) -> int:
    """Show what differs between images, lock files and environments.

    Packages are compared, and the layers of two images as well. Each of A and B may be an image, a lock file, another
    environment file (which is solved), or an environment's folder. Of images, only manifests and configs are read; no
    layer is downloaded. Images and lock files for several platforms are compared on each that both have.
    """
    if json and markdown:
        raise click.UsageError("give one of --json and --markdown")
    from dataclasses import asdict

    from conda_docker.cli.terminal.reports.diff import diff_markdown, diff_text
    from conda_docker.comparison.platforms import compare_platforms
    from conda_docker.comparison.side import open_side
    from python_docker.errors import InvalidReference

    try:
        with open_side(before, registry=access.to) as first, open_side(after, registry=access.to) as second:
            found = compare_platforms(first, second, platform)
    except InvalidReference as error:
        raise click.UsageError(str(error)) from error
    for each in found.platforms:
        if each.before_platform != each.after_platform:
            output.note(f"note: {before} is for {each.before_platform}, {after} for {each.after_platform}")
    if json:
        output.json(asdict(found))
    else:
        output.result(diff_markdown(found) if markdown else diff_text(found))
    return int(exit_code and found.differs)
