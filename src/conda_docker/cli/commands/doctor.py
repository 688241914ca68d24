"""`conda-docker doctor`: what builds depend on, examined on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from click.exceptions import Exit

from conda_docker.cli.options import common as options
from conda_docker.cli.parameters import Option
from conda_docker.cli.parser import command
from conda_docker.cli.terminal.output import Output

if TYPE_CHECKING:
    from conda_docker.cli.options.registries import Access

_EXAMPLES = """
conda-docker doctor
conda-docker doctor --registry ghcr.io --channel bioconda
conda-docker doctor --offline --json
"""


@command(
    Option("-c", "--channel", "channels", metavar="URL", multiple=True, help="Examine this channel too; repeatable."),
    Option("--registry", "registries", metavar="HOST", multiple=True, help="Examine this registry too; repeatable."),
    Option("--offline", is_flag=True, help="Examine only this machine, and use no network."),
    options.CACHE_DIR,
    options.ACCESS,
    options.JSON,
    examples=_EXAMPLES,
)
def doctor(
    output: Output,
    channels: tuple[str, ...],
    registries: tuple[str, ...],
    offline: bool,
    cache_dir: Path | None,
    access: Access,
    json: bool,
) -> None:
    """Check this machine, its programs, channels and registries.

    Each line is ok, a warning or an error, with what to do about it. The exit code is 1 if there is an error. The
    report contains no secrets: add it to bug reports.
    """
    from dataclasses import asdict

    from conda_docker.cache.folder import CacheFolder
    from conda_docker.cache.location import default_cache_dir
    from conda_docker.doctor.check import Status
    from conda_docker.doctor.examination import examine

    checks = []
    cache = CacheFolder(cache_dir or default_cache_dir(create=False))
    for check in examine(cache, channels=channels, registries=registries, options_of=access.to_host, offline=offline):
        checks.append(check)
        if not json:
            output.result(f"{check.status.value:<8}{check.subject}: {check.found}")
            if check.advice:
                output.result(f"{'':<8}  {check.advice}")
    if json:
        output.json([asdict(check) for check in checks])
    if any(check.status is Status.ERROR for check in checks):
        raise Exit(1)
