"""What a build reads of this machine, by the options that name it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conda_docker.cli.options import attest, policy
from conda_docker.cli.options.build import OPTIONS
from conda_docker.cli.parameters import shown_name
from conda_docker.user_files import is_stream, user_path

if TYPE_CHECKING:
    from conda_docker.request import Request
    from python_docker.transports import Location

_WRITTEN = frozenset({"sbom_output", "metadata_file", "iidfile", "cache_dir"})


def inputs_of(given: Mapping[str, Any], request: Request) -> Iterator[tuple[str, Location | Path]]:
    """Yield the files, folders and images of this machine that a build reads, each with the option that names it."""
    from python_docker.transports import Location

    for param in (*OPTIONS, *policy.OPTIONS, *attest.OPTIONS):
        value = given.get(str(param.name)) if isinstance(param.type, click.Path) else None
        if param.name in _WRITTEN or value is None:
            continue
        for path in value if isinstance(value, tuple) else (value,):
            if not is_stream(path):
                yield f"{shown_name(param)} {path}", user_path(path)
    for folder in request.projects:
        yield f"--project {folder}", folder / "pyproject.toml"
    for source, target in request.options.add:
        yield f"--add {source}:{target}", source
    if request.base not in (None, "scratch"):
        base = Location.parse(request.base, default_transport="docker")
        yield f"--base {request.base}", base
    for advisories in given["advisories"]:
        if advisories.place is not None and advisories.with_path(lambda path: "") != advisories:
            yield f"--advisories {advisories}", user_path(advisories.place)
    if rules := os.environ.get(policy.POLICY_VARIABLE):
        yield f"{policy.POLICY_VARIABLE}={rules}", user_path(rules)


def named_inputs(request: Request) -> Iterator[tuple[str, Path]]:
    """Yield the files that those of a request name in their turn, such as requirements files, each with its name.

    Nothing is known of what streams name, which can be read once. Raises `InvalidEnvironment` and `UnsupportedInput` as
    reading them does.
    """
    from conda_docker.resolution.described_in import described_in
    from conda_docker.user_files import read_once

    if any(map(is_stream, request.files)):
        return
    with read_once() as texts:
        described_in(request)
    own = {str(path) for path in request.files}
    for name in texts:
        if name not in own and os.path.exists(name):  # noqa: PTH110
            yield f"{name}, which --file {request.files[0]} names", Path(name)
