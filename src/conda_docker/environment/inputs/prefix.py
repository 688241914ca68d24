"""An environment that exists: its packages, read from `conda-meta`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from conda_docker.arguments.listing import first_of
from conda_docker.environment.folder_name import folder_name
from conda_docker.environment.inputs.installed import installed_distributions
from conda_docker.environment.inputs.pip_installed import Editable, PipPackages
from conda_docker.environment.installed_prefix import InstalledDistribution, InstalledPrefix
from conda_docker.environment.locked import LockedEnvironment, LockedPackage, package_from_record
from conda_docker.environment.packages.topological_order import match_spec_name, topological_order
from conda_docker.errors import EnvironmentNotFound, InvalidEnvironment, UnsupportedInput
from conda_docker.redaction import public_url
from conda_docker.user_files import is_folder
from python_docker.errors import reason_of
from python_docker.files.regular import read_regular_file
from python_docker.spec.strict_json import parse_loose_json

_LARGEST_RECORD = 256 << 20
# Bytes. It lists every file; the largest packages have some hundred thousand of them.
# conda/history.py; a neutered spec is one whose version was let go.
_UPDATE_SPECS = re.compile(r"#\s*(?:update|install|create|neutered)\s+specs: *(\[.*\])")
_REMOVE_SPECS = re.compile(r"#\s*(?:remove|uninstall)\s+specs: *(\[.*\])")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_UNSET = "***unset***"
_PARTS = ("bin", "conda-meta", "lib", "Library", "Scripts")


def read_prefix(
    prefix: Path,
    *,
    subdir: str | None = None,
    pip_packages: PipPackages = PipPackages.INSTALL,
    editable: Editable = Editable.COPY,
    only_packages: bool = False,
) -> LockedEnvironment:
    """Return the packages of the environment at `prefix`, in topological order, and what else is in it.

    `source` of a package is its archive or extracted folder in the cache that it was installed from, if that is still
    there. `subdir` is what the environment is wanted for; None: what it is made of. What the user once asked for comes
    from the records or from `conda-meta/history`, the variables from `conda-meta/state`. `installed` of the result is
    the prefix itself, with what pip installed; `only_packages` leaves out files that do not belong to a package.

    Raises `EnvironmentNotFound` where there is nothing, `InvalidEnvironment` for a folder that is not an environment, a
    damaged record or packages for another platform, and `UnsupportedInput` for packages that pip installed next to
    conda's, if `pip_packages` says so, and for those that it installed in place, if `editable` says so.
    """
    meta = prefix / "conda-meta"
    try:
        if not prefix.exists():
            hint = "" if len(prefix.parts) > 1 else ": -p takes the folder of an environment; packages need no option"
            raise EnvironmentNotFound(f"there is no folder {prefix}{hint}")
        if not meta.is_dir():
            raise InvalidEnvironment(_not_an_environment(prefix))
        os.scandir(meta).close()  # a glob would find nothing in a folder that may not be read
    except PermissionError as error:
        raise InvalidEnvironment(f"cannot read {error.filename or prefix}: {reason_of(error)}") from error
    records = [_record(file) for file in record_files(prefix)]
    packages = tuple(topological_order(_package(record) for record in records))
    warnings = []
    installed = installed_distributions(_pip_installed(prefix, records), prefix)
    if installed and pip_packages is not PipPackages.INSTALL:
        found = sorted({_shown(distribution) for distribution in installed})
        shown = first_of(found, 10)
        if pip_packages is PipPackages.REFUSE:
            raise UnsupportedInput(
                f"{prefix} holds packages that pip installed ({shown}), which were not to be put into an image; "
                "install them as conda packages, or remove them with pip"
            )
        warnings.append(f"packages that pip installed are left out: {shown}")
    in_place = [distribution.name for distribution in installed if distribution.editable is not None]
    if in_place and editable is Editable.REFUSE and pip_packages is PipPackages.INSTALL:
        raise UnsupportedInput(
            f"{prefix} holds packages that pip installed in place ({', '.join(in_place)}), which --editable refuse "
            "does not allow; install them without -e, or let their folders be copied with --editable copy"
        )
    return LockedEnvironment(
        subdir=_subdir(packages, subdir, prefix),
        packages=packages,
        requested=_requested(records, meta),
        channels=tuple(dict.fromkeys(package.channel for package in packages if package.channel)),
        variables=_variables(meta / "state"),
        name=folder_name(prefix.name),
        warnings=tuple(warnings),
        installed=InstalledPrefix(
            root=prefix.resolve(),
            given=prefix.absolute(),
            distributions=installed if pip_packages is PipPackages.INSTALL else (),
            # What pip installed is files that no conda package brings: left out, they are not carried as such.
            whole=not only_packages and pip_packages is PipPackages.INSTALL,
        ),
    )


def record_files(prefix: Path) -> list[Path]:
    """Return the records of the packages in an environment, sorted."""
    return [file for file in sorted((prefix / "conda-meta").glob("*.json")) if not file.name.startswith(".")]


def _not_an_environment(prefix: Path) -> str:
    around = next((folder for folder in prefix.absolute().parents if is_folder(folder / "conda-meta")), None)
    if around is not None and prefix.absolute().relative_to(around).parts[0] in _PARTS:
        return f"{prefix} is not a conda environment, but something in one: the environment is {around}"
    if not prefix.is_dir():
        return f"{prefix} is not a conda environment: it is a file"
    why = f"{prefix} is not a conda environment: it has no folder conda-meta"
    if (prefix / "pyvenv.cfg").is_file():
        return (
            f"{why}; it is a virtual environment of Python (venv or uv), whose Python and libraries are elsewhere. "
            "List its packages with `pip freeze`, and name them under `pip:` in an environment.yml"
        )
    inside = [path.parent for path in sorted(prefix.glob(".pixi/envs/*/conda-meta"))]
    inside += [path.parent for path in sorted(prefix.glob("envs/*/conda-meta"))]
    if inside:
        return f"{why}; there are environments in it: {', '.join(map(str, inside[:10]))}"
    return why


def _record(file: Path) -> Mapping[str, Any]:
    try:
        record = parse_loose_json(read_regular_file(file, _LARGEST_RECORD))
    except OSError as error:
        raise InvalidEnvironment(f"cannot read {file}: {reason_of(error)}") from error
    except ValueError as error:
        raise InvalidEnvironment(f"{file} is damaged: {reason_of(error)}") from error
    if not isinstance(record, dict):
        raise InvalidEnvironment(f"{file} is not the record of a package")
    return record


def _package(record: Mapping[str, Any]) -> LockedPackage:
    if not record.get("url") and record.get("name"):
        raise UnsupportedInput(
            f"the package {public_url(str(record['name']))[:80]} of this environment has no URL in conda-meta, so it "
            "cannot be found again: it was built or installed by hand"
        )
    return package_from_record(record, source=_source(record))


def _source(record: Mapping[str, Any]) -> Path | None:
    """Return what the package was installed from. The archive is better: its hash can be checked."""
    link = record.get("link")
    archive = record.get("package_tarball_full_path")
    if isinstance(archive, str) and archive.endswith((".conda", ".tar.bz2")) and Path(archive).is_file():
        return Path(archive)
    for folder in (record.get("extracted_package_dir"), link.get("source") if isinstance(link, Mapping) else None):
        # Another package may have taken the folder's place since.
        if isinstance(folder, str) and folder and _is_extracted(Path(folder), record):
            return Path(folder)
    return None


def _is_extracted(folder: Path, record: Mapping[str, Any]) -> bool:
    try:
        index = parse_loose_json(read_regular_file(folder / "info" / "index.json", _LARGEST_RECORD))
        return all(str(index[key]) == str(record[key]) for key in ("name", "version", "build"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _subdir(packages: Sequence[LockedPackage], wanted: str | None, prefix: Path) -> str:
    subdirs = sorted({package.subdir for package in packages} - {"noarch"})
    if len(subdirs) > 1:
        raise InvalidEnvironment(f"{prefix} mixes packages for {', '.join(subdirs)}")
    if wanted and subdirs and subdirs[0] != wanted:
        raise InvalidEnvironment(
            f"{prefix} holds packages for {subdirs[0]}, and {wanted} was asked for; "
            "give package names or an environment.yml instead, so that they can be solved for it"
        )
    if subdirs and not subdirs[0].startswith("linux-"):
        raise UnsupportedInput(
            f"{prefix} holds packages for {subdirs[0]}, which do not run in a Linux image; give package names or an "
            "environment.yml instead, so that they can be solved for Linux"
        )
    if wanted or subdirs:
        return wanted or subdirs[0]
    from conda_docker.environment.subdirs import host_subdir

    return host_subdir()


def _requested(records: Sequence[Mapping[str, Any]], meta: Path) -> tuple[str, ...]:
    """Return what the user asked for: rattler and pixi keep it in the records, conda and mamba in their history."""
    specs: dict[str, None] = {}
    for record in records:
        listed = record.get("requested_specs")
        if isinstance(listed, list):
            specs |= dict.fromkeys(spec for spec in listed if isinstance(spec, str) and spec)
    if specs:
        return tuple(sorted(map(public_url, specs)))
    try:
        history = read_regular_file(meta / "history", _LARGEST_RECORD).decode(errors="replace")
    except OSError:
        return ()
    wanted: dict[str, str] = {}
    for line in history.splitlines():
        if found := _UPDATE_SPECS.match(line):
            for spec in _texts(found[1]):
                wanted[match_spec_name(spec.rpartition("::")[2])] = spec
        elif found := _REMOVE_SPECS.match(line):
            for spec in _texts(found[1]):
                wanted.pop(match_spec_name(spec.rpartition("::")[2]), None)
    names = {str(record.get("name")) for record in records}
    return tuple(sorted(public_url(spec) for name, spec in wanted.items() if name in names))


def _texts(literal: str) -> list[str]:
    """Return the strings of a Python list literal."""
    return [single or double for single, double in _QUOTED.findall(literal)]


def _variables(state: Path) -> dict[str, str]:
    try:
        document = parse_loose_json(read_regular_file(state, _LARGEST_RECORD))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InvalidEnvironment(
            f"{state}, which holds the environment's variables, cannot be read: {reason_of(error)}"
        ) from error
    variables = document.get("env_vars") if isinstance(document, dict) else None
    if not isinstance(variables, dict):
        return {}
    return {name: str(value) for name, value in variables.items() if value not in (None, _UNSET)}


def _pip_installed(prefix: Path, records: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Return the metadata of the Python packages in site-packages that no record knows of."""
    known: set[str] = set()
    for record in records:
        files = record.get("files")
        if isinstance(files, list):
            known.update(file for file in files if isinstance(file, str) and ("-info/" in file or ".egg" in file))
    owned = {file[: end.end() - 1] for file in known if (end := re.search(r"\.(?:dist|egg)-info/", file))} | known
    return [
        path
        for folder in _site_packages(prefix)
        for path in folder.iterdir()
        if path.name.endswith((".dist-info", ".egg-info", ".egg-link"))
        and path.relative_to(prefix).as_posix() not in owned
    ]


def _site_packages(prefix: Path) -> Iterator[Path]:
    for pattern in ("lib/python*/site-packages", "Lib/site-packages"):
        yield from (folder for folder in prefix.glob(pattern) if folder.is_dir() and not folder.parent.is_symlink())


def _shown(distribution: InstalledDistribution) -> str:
    return f"{distribution.name}=={distribution.version}" if distribution.version else distribution.name
