"""Solving with a conda, mamba or micromamba that is installed: `create --dry-run --json`, which creates nothing."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from conda_docker.channels.configuration import CondaConfiguration, read_conda_configuration
from conda_docker.channels.urls import choose_channels
from conda_docker.environment.locked import LockedEnvironment, package_from_record
from conda_docker.environment.packages.topological_order import topological_order
from conda_docker.environment.solve.match_specs import read_specs
from conda_docker.environment.solve.request import SolveRequest
from conda_docker.environment.virtual_packages import override_variables
from conda_docker.errors import ChannelError, SolverFailed, SolverNotFound, Unsolvable, UnsupportedInput
from conda_docker.redaction import public_text, public_url
from conda_docker.user_files import user_path
from python_docker.errors import reason_of
from python_docker.files.regular import read_regular_file
from python_docker.programs import find_program, program_environment, run_program

_LARGEST_RECORD = 16 << 20
"""Bytes of a package's record in a cache."""

# conda's and mamba's names for "these packages cannot be had together" and "there is no such channel".
_UNSOLVABLE = ("Unsatisfiable", "PackagesNotFound", "ResolvePackageNotFound", "SpecsConfigurationConflict")
_CHANNEL = ("UnavailableInvalidChannel", "CondaHTTPError", "ChannelNotAllowed", "ChannelDenied", "CondaSSLError")


def solve_externally(
    executable: str | os.PathLike[str], request: SolveRequest, configuration: CondaConfiguration | None = None
) -> LockedEnvironment:
    """Return the packages that the program `executable` would install for what is asked for.

    The program reads its own configuration and knows its own credentials; platform, channels and virtual packages are
    given to it. `configuration` is the program's (None: it is read).

    Raises `SolverNotFound`, `SolverFailed` for a program that gives no answer, `Unsolvable` with its explanation,
    `ChannelError`, `InvalidEnvironment`, and `UnsupportedInput` for what only rattler can be asked.
    """
    program = find_program(user_path(os.path.expandvars(executable)))
    if program is None:
        raise SolverNotFound(
            f"there is no program {os.fspath(executable)!r} to solve with; give the path of a conda or mamba"
        )
    for what, value in (
        ("constraints", request.constraints),
        ("a strategy", request.strategy),
        ("a date before which packages count", request.exclude_newer),
    ):
        if value:
            raise UnsupportedInput(f"--solver cannot handle {what}, which the input needs; leave it out")
    configuration = configuration or read_conda_configuration(conda_exe=program)
    requested = read_specs(request.specs, configuration)
    named = choose_channels(request.channels, configuration, override=request.override_channels)
    variables = {
        **program_environment(),
        **override_variables(request.virtual_packages),
        "CONDA_SUBDIR": request.subdir,
        "MAMBA_NO_BANNER": "1",
    }
    if priority := request.channel_priority:
        variables |= {"CONDA_CHANNEL_PRIORITY": priority, "MAMBA_CHANNEL_PRIORITY": priority}
    with tempfile.TemporaryDirectory(prefix="conda-docker-") as folder:
        command = [program, "create", "--dry-run", "--json", "--yes", "--prefix", str(Path(folder, "environment"))]
        command += ["--offline"] if request.offline or configuration.offline else []
        command += ["--override-channels", *(option for name in named for option in ("--channel", name))]
        answer = _ask([*command, *(spec.typed for spec in requested)], variables)
    packages = topological_order(package_from_record(record) for record in _records(answer, program, variables))
    return LockedEnvironment(
        subdir=request.subdir,
        packages=tuple(packages),
        requested=tuple(spec.text for spec in requested),
        channels=tuple(map(public_url, named)),
    )


def _ask(command: Sequence[str], variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the program's answer as JSON. Raises for one that says that it failed."""
    try:
        done = run_program(command, environ=variables)
    except OSError as error:
        raise SolverFailed(f"{command[0]} cannot be run: {reason_of(error)}") from error
    answer = _json_object(done.stdout.decode("utf-8", "replace"))
    errors = done.stderr.decode("utf-8", "replace")
    if done.returncode == 0 and answer is not None and answer.get("success", True):
        return answer
    words = public_text(_words(answer or {}, errors)).strip()
    kind = str((answer or {}).get("exception_name", ""))
    if (answer or {}).get("solver_problems") or any(name in kind for name in _UNSOLVABLE):
        raise Unsolvable(f"{command[0]} found no packages that satisfy the request: {words}")
    if any(name in kind for name in _CHANNEL):
        raise ChannelError(f"{command[0]} could not read a channel: {words}")
    silent = done.returncode == 0 and answer is None
    failed = "gave no answer in JSON" if silent else f"failed with exit code {done.returncode}"
    raise SolverFailed(f"{command[0]} {failed}: {words or 'it said nothing'}")


def _json_object(text: str) -> dict[str, Any] | None:
    """Return the first JSON object in the output; some versions print a line or a banner before it."""
    start = text.find("{")
    while start != -1:
        try:
            value, _ = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            start = text.find("\n{", start)
            start = start + 1 if start != -1 else -1
            continue
        return value if isinstance(value, dict) else None
    return None


def _words(answer: Mapping[str, Any], errors: str) -> str:
    problems = answer.get("solver_problems")
    if isinstance(problems, list) and problems:
        # micromamba explains itself on standard error, and lists the bare facts in its answer.
        return errors.strip() or "\n".join(map(str, problems))
    return str(answer.get("message") or answer.get("error") or errors)[:20_000]


def _records(answer: Mapping[str, Any], program: str, variables: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """Yield the full record of each package to install.

    mamba and newer condas print them; older condas print only names, and records of what is not in their caches yet.
    """
    actions = answer.get("actions")
    if isinstance(actions, list) and actions:
        actions = actions[0]
    if not isinstance(actions, Mapping):
        raise SolverFailed(f"{program} gave an answer without actions")
    links, fetched = (
        _objects(actions.get("LINK")),
        {_identity(record): record for record in _objects(actions.get("FETCH"))},
    )
    caches: list[Path] | None = None
    for link in links:
        record = link if link.get("url") else fetched.get(_identity(link))
        if record is None:
            caches = _package_caches(program, variables) if caches is None else caches
            record = _cached_record(link, caches)
        yield {**record, "build": record.get("build", record.get("build_string"))}


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _identity(record: Mapping[str, Any]) -> tuple[str, str, str]:
    build = record.get("build_string", record.get("build"))
    return (str(record.get("name")), str(record.get("version")), str(build))


def _package_caches(program: str, variables: Mapping[str, str]) -> list[Path]:
    info = _ask([program, "info", "--json"], variables)
    folders = info.get("pkgs_dirs") or info.get("package cache") or []
    return [Path(folder) for folder in folders if isinstance(folder, str)]


def _cached_record(link: Mapping[str, Any], caches: Iterable[Path]) -> Mapping[str, Any]:
    """Return what the cache of packages says of one that need not be downloaded any more."""
    stem = "-".join(_identity(link))
    base = public_url(str(link.get("base_url") or ""))
    for cache in caches:
        try:
            record = json.loads(read_regular_file(cache / stem / "info" / "repodata_record.json", _LARGEST_RECORD))
        except (OSError, ValueError, RecursionError):
            continue
        # Packages of one name, version and build from two channels share the folder.
        if isinstance(record, dict) and public_url(str(record.get("url"))).startswith(base):
            return record
    raise SolverFailed(f"the solver chose {stem}, and neither it nor its package cache says where that comes from")
