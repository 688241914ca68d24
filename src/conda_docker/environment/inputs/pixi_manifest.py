"""`pixi.toml`, and `pyproject.toml` with `[tool.pixi]`: their lock file where that is up to date, else a solve."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.environment.inputs.kind import Choice, InputFile, InputKind, ReadRequest
from conda_docker.environment.inputs.lock_files.pixi_lock import parse_pixi_lock
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.environment.packages.wheels import normalize_name
from conda_docker.environment.spec import EnvironmentSpec
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.user_files import read_text

if TYPE_CHECKING:
    from conda_docker.environment.inputs.pixi.manifest import Environment, Manifest
    from conda_docker.environment.inputs.pixi.platforms import Platform

_TABLES = re.compile(r"^\[(?:tool\.pixi\b|workspace\]|project\](?:.*\n(?!\[))+?platforms\s*=)", re.MULTILINE)
_LOCK_FILE = "pixi.lock"


def parse_pixi_manifest(
    text: str,
    file_name: str = "pixi.toml",
    *,
    subdir: str | None = None,
    environment: str | None = None,
    folder: Path | None = None,
    alone: bool = True,
) -> LockedEnvironment | EnvironmentSpec:
    """Return one environment of a pixi workspace: exact packages where its lock file is up to date, else what to solve.

    `subdir` is what the environment is wanted for; None: Linux on this machine's processor, or the one Linux platform
    of the workspace. `environment` is its name (None: `default`). The lock file is looked for in `folder`, where the
    manifest lies, unless packages will be added (not `alone`); a warning says whether it was used. Tasks, and what
    concerns building, are passed over.

    Raises `InvalidEnvironment` for files that are damaged, and for an environment or platform that there is not, and
    `UnsupportedInput` for packages that are built from source.
    """
    from conda_docker.environment.inputs.pixi.compose import choose_platform, compose
    from conda_docker.environment.inputs.pixi.current import outdated
    from conda_docker.environment.inputs.pixi.manifest import DEFAULT, parse_manifest

    folder = (folder or Path()).absolute()
    manifest = parse_manifest(text, file_name, folder)
    chosen = manifest.environment(environment)
    platform, notes = choose_platform(manifest, chosen, subdir)
    if (
        chosen.name == DEFAULT
        and len(manifest.environments) > 1
        and _is_empty(compose(manifest, chosen, platform, to_solve=False))
    ):
        others = ", ".join(name for name in manifest.environments if name != DEFAULT)
        raise InvalidEnvironment(
            f"{file_name}: the environment {DEFAULT!r} has no packages; name another with --environment: {others}"
        )
    lock_file = folder / _LOCK_FILE
    if not alone or not lock_file.is_file():
        spec = compose(manifest, chosen, platform)
        return replace(spec, warnings=(*notes, *spec.warnings))
    spec = compose(manifest, chosen, platform, to_solve=False)
    try:
        locked = parse_pixi_lock(
            read_text(lock_file),
            str(lock_file),
            subdir=platform.subdir,
            environment=chosen.name,
            folder=folder,
            declared=platform.virtual,
        )
        reason = outdated(spec, locked, whole=_is_whole(manifest, chosen, platform))
    except InvalidEnvironment as error:
        reason = str(error)
    else:
        if reason is None:
            asked = {normalize_name(re.split(r"[^\w.-]", text, maxsplit=1)[0]) for text in _requirements(spec)}
            used = f"{lock_file} is up to date with {file_name}: its packages are used"
            return replace(
                locked,
                wheels=tuple(replace(wheel, requested=wheel.name in asked) for wheel in locked.wheels),
                requested=spec.specs,
                variables=spec.variables,
                scripts=spec.scripts,
                name=spec.name,
                warnings=(used, *notes, *locked.warnings, *spec.warnings),
            )
    passed_over = f"{lock_file} is not up to date with {file_name} ({reason}); the environment was solved again"
    spec = compose(manifest, chosen, platform)
    return replace(spec, warnings=(passed_over, *notes, *spec.warnings))


def _is_whole(manifest: Manifest, environment: Environment, platform: Platform) -> bool:
    """Return whether a manifest's environment has nothing that is built from source, whose needs are not known here."""
    from conda_docker.environment.inputs.pixi.compose import compose

    try:
        compose(manifest, environment, platform)
    except UnsupportedInput:
        return False
    return True


def _is_empty(spec: EnvironmentSpec) -> bool:
    return not spec.specs and spec.pip is None


def _requirements(spec: EnvironmentSpec) -> tuple[str, ...]:
    return spec.pip.requirements if spec.pip is not None else ()


def _is_pixi_manifest(file: InputFile) -> bool:
    if file.path.suffix not in (".toml", ""):  # what comes from a stream has none
        return False
    return file.path.name.endswith(("pixi.toml", "mojoproject.toml")) or _TABLES.search(file.text) is not None


def _read(request: ReadRequest) -> LockedEnvironment | EnvironmentSpec:
    return parse_pixi_manifest(
        request.text,
        request.file_name,
        subdir=request.subdir,
        environment=request.environment,
        folder=request.folder,
        alone=request.alone,
    )


KIND = InputKind("a pixi manifest", _is_pixi_manifest, _read, frozenset({Choice.ENVIRONMENT}))
