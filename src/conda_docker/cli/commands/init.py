"""`conda-docker init`: a file that declares a build, from what is in the folder."""

from __future__ import annotations

from pathlib import Path

import click

from conda_docker.cli.parameters import Option
from conda_docker.cli.parser import command
from conda_docker.cli.terminal.output import Output

_EXAMPLES = """
# Write conda-docker.toml, look at it, and build what it says
conda-docker init
conda-docker build
# Only show it
conda-docker init --print
"""


@command(
    Option("--force", is_flag=True, help="Replace a conda-docker.toml that is there."),
    Option("--print", "show", is_flag=True, help="Print the file instead of writing it."),
    examples=_EXAMPLES,
)
def init(console: Output, *, force: bool, show: bool) -> None:
    """Write a file that declares the build of the current folder.

    The file is conda-docker.toml. It names the file that describes the environment most exactly, a lock file if there
    is one, and the project itself where there is a pyproject.toml with one. `conda-docker build` then needs no options.
    """
    from conda_docker.cli.declared.find import OWN_FILE
    from conda_docker.cli.declared.starter import starter
    from python_docker.transports.output import write_file

    text = starter(Path())
    if show:
        console.result(text.rstrip())
        return
    path = Path(OWN_FILE)
    if path.exists() and not force:
        raise click.UsageError(f"{path} is there already; --force replaces it")
    write_file(path, text.encode())
    console.result(str(path))
