"""The names of conda-docker 0.0 and 0.1 and of docker_envs, with their calling conventions.

New code does better with `conda_docker.lock`, `conda_docker.build_image` and `conda_docker.BuildOptions`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conda_docker.build_options import BuildOptions, Layering
from conda_docker.conda_records import PackageCacheRecord, locked_environment
from conda_docker.create import split_name
from conda_docker.errors import InvalidEnvironment
from conda_docker.link.filter import conda_file_filter
from python_docker.errors import reason_of
from python_docker.programs import find_program, run_program

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment
    from python_docker.image import Image

__all__ = [
    "build_docker_environment",
    "build_docker_environment_image",
    "conda_file_filter",
    "conda_info",
    "fetch_precs",
    "find_precs",
    "find_solver_conda",
    "find_user_conda",
    "parse_image_name",
    "precs_from_environment_name",
    "precs_from_environment_prefix",
    "precs_from_package_specs",
    "pull_container_image",
]

PathLike = str | os.PathLike[str]
_SECONDS = 60
"""What a conda may take to say where its things are."""


def find_user_conda(conda_exe: str = "conda") -> str:
    """Return the user's conda: `$CONDA_EXE`, else `conda_exe`."""
    return os.environ.get("CONDA_EXE") or conda_exe


def find_solver_conda(solver: str | None, user_conda: str) -> str:
    """Return what solves: `solver`, else a mamba on PATH, else `user_conda`."""
    return os.path.expandvars(solver) if solver else shutil.which("mamba") or user_conda


def conda_info(user_conda: str) -> dict[str, Any]:
    """Return what `CONDA info --json` prints; where there is no such conda, the part of it that an image needs.

    Raises `InvalidEnvironment` when there is one that fails.
    """
    program = find_program(user_conda)
    if program is None:
        from conda_docker.cache.location import default_cache_dir
        from conda_docker.channels.configuration import read_conda_configuration
        from conda_docker.channels.urls import choose_channels

        root = os.environ.get("CONDA_ROOT", sys.prefix)
        return {
            "pkgs_dirs": [str(default_cache_dir())],
            "default_prefix": root,
            "root_prefix": root,
            "channels": list(choose_channels((), read_conda_configuration())),
            "env_vars": {"CONDA_ROOT": root},
        }
    try:
        done = run_program([program, "info", "--json"], timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise InvalidEnvironment(f"`{user_conda} info --json` has not ended after {_SECONDS} seconds") from None
    except OSError as error:
        raise InvalidEnvironment(f"`{user_conda} info --json` cannot be run: {reason_of(error)}") from None
    try:
        info: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        errors = done.stderr.decode(errors="replace").strip()[-500:]
        raise InvalidEnvironment(f"`{user_conda} info --json` failed: {errors}") from None
    return info


def precs_from_environment_prefix(
    environment: PathLike, download_dir: PathLike | None = None, user_conda: str | None = None
) -> list[PackageCacheRecord]:
    """Return the packages of the environment in a folder. `download_dir` and `user_conda` are not needed any more."""
    from conda_docker.resolution.lock import lock

    return _precs(lock(prefix=environment, pip_packages="warn"))


def precs_from_environment_name(
    environment: str, download_dir: PathLike | None = None, user_conda: str | None = None
) -> list[PackageCacheRecord]:
    """Return the packages of a named environment of `user_conda`."""
    from conda_docker.resolution.lock import lock

    return _precs(lock(name=environment, conda_exe=_existing(user_conda), pip_packages="warn"))


def precs_from_package_specs(
    package_specs: Sequence[str],
    solver: str | None = None,
    download_dir: PathLike | None = None,
    user_conda: str | None = None,
    channels: Sequence[str] = (),
    conda_default_channels: Sequence[str] = (),
    channels_remap: Sequence[Mapping[str, str]] = (),
) -> list[PackageCacheRecord]:
    """Return the packages that specs come to. A `solver` that is there solves, else this program does."""
    from conda_docker.resolution.lock import lock

    return _precs(lock(list(package_specs), channels=list(channels), solver=_existing(solver)))


def find_precs(
    user_conda: str | None = None,
    download_dir: PathLike | None = None,
    name: str | None = None,
    prefix: PathLike | None = None,
    package_specs: Sequence[str] | None = None,
    solver: str | None = None,
    channels: Sequence[str] = (),
    conda_default_channels: Sequence[str] = (),
    channels_remap: Sequence[Mapping[str, str]] = (),
) -> list[PackageCacheRecord]:
    """Return the packages of an environment by name, else by prefix, else by specs.

    Raises `RuntimeError` for none of them.
    """
    if name is not None:
        return precs_from_environment_name(name, download_dir, user_conda)
    if prefix is not None:
        return precs_from_environment_prefix(prefix, download_dir, user_conda)
    if package_specs is not None:
        return precs_from_package_specs(package_specs, solver, download_dir, user_conda, channels)
    raise RuntimeError("could not determine package list")


def fetch_precs(download_dir: PathLike, precs: Sequence[PackageCacheRecord]) -> list[PackageCacheRecord]:
    """Return the same packages, in order, with archives on this machine: downloaded to `download_dir` where missing."""
    from conda_docker.package.fetch.fetch import fetch_packages

    places = {
        package.url: path for package, path in fetch_packages([prec.package for prec in precs], Path(download_dir))
    }
    return [PackageCacheRecord(replace(prec.package, source=places[prec.package.url])) for prec in precs]


def parse_image_name(name: str) -> tuple[str, str]:
    """Name and tag of `NAME[:TAG]`; the tag is `latest` where there is none. Checks neither.

    >>> parse_image_name("localhost:5000/app:1")
    ('localhost:5000/app', '1')
    """
    return split_name(name)


def pull_container_image(base_image: str) -> Image:
    """Return the image of that name in a registry (`CONDA_DOCKER_REGISTRY_URL`, else Docker Hub); `scratch`: an empty
    one.
    """
    from python_docker.image import Image
    from python_docker.registry import pull_image

    if base_image == "scratch":
        return Image("scratch", "latest")
    return pull_image(*parse_image_name(base_image))


def build_docker_environment_image(
    base_image: str | Image,
    output_image: str,
    records: Sequence[PackageCacheRecord] | Sequence[str] | None = None,
    default_prefix: PathLike | None = None,
    download_dir: PathLike | None = None,
    user_conda: str | None = None,
    channels_remap: Sequence[Mapping[str, str]] = (),
    layering_strategy: str = "layered",
    *,
    packages: Sequence[str] | Sequence[PackageCacheRecord] | None = None,
) -> Image:
    """Return the image of an environment at `/opt/conda` on a base image, named `output_image`, which may be any text.

    `records` (or `packages`) are what `fetch_precs` gave, or specs to solve. `channels_remap` holds mappings with `src`
    and `dest`: URLs of packages that begin with the one are recorded as beginning with the other. `default_prefix` and
    `user_conda` make no difference. Raises `ValueError` for a layering strategy other than `layered` and `single`.
    """
    from conda_docker.image.assemble import build_image

    if layering_strategy not in set(Layering):
        raise ValueError(f"layering strategy not recognized: {layering_strategy}")
    base = _base(base_image)
    environment = _environment(packages if records is None else records, channels_remap)
    options = BuildOptions(prefix="/opt/conda", layering=Layering(layering_strategy))
    image = build_image(environment, base, options).image
    image.name, image.tag = parse_image_name(output_image)
    return image


def build_docker_environment(
    base_image: str | Image,
    output_image: str,
    records: Sequence[PackageCacheRecord] | Sequence[str] | None = None,
    output_filename: PathLike = "",
    default_prefix: PathLike | None = None,
    download_dir: PathLike | None = None,
    user_conda: str | None = None,
    channels_remap: Sequence[Mapping[str, str]] = (),
    layering_strategy: str = "layered",
    *,
    packages: Sequence[str] | Sequence[PackageCacheRecord] | None = None,
) -> None:
    """As `build_docker_environment_image`, written to `output_filename` as an archive for `docker load`."""
    if not os.fspath(output_filename):
        raise TypeError("build_docker_environment needs an output_filename")
    image = build_docker_environment_image(
        base_image,
        output_image,
        records,
        default_prefix,
        download_dir,
        user_conda,
        channels_remap,
        layering_strategy,
        packages=packages,
    )
    image.write_filename(output_filename)


def _base(base_image: str | Image) -> Image | None:
    if not isinstance(base_image, str):
        return base_image
    from conda_docker.cache.location import default_cache_dir
    from conda_docker.image.base.opening import open_base
    from python_docker.spec.platform import Platform

    return open_base(base_image, Platform.host(), default_cache_dir())


def _environment(
    records: Sequence[PackageCacheRecord] | Sequence[str] | None, channels_remap: Sequence[Mapping[str, str]]
) -> LockedEnvironment:
    if not records:
        raise TypeError("say which packages the environment has: specs, or records from fetch_precs")
    specs = [record for record in records if isinstance(record, str)]
    if specs:
        from conda_docker.resolution.lock import lock

        return lock(specs)
    return locked_environment([record for record in records if not isinstance(record, str)], channels_remap)


def _existing(program: str | None) -> str | None:
    return program if program and shutil.which(program) else None


def _precs(environment: LockedEnvironment) -> list[PackageCacheRecord]:
    return [PackageCacheRecord(package) for package in environment.packages]
