"""Provenance: from what, how and by whom an image was built (SLSA 1.0, https://slsa.dev/spec/v1.0/provenance).

It says what this program knows, and no more: it does not know whether the machine that it ran on was isolated, so that
on its own the statement is worth what its signer is worth.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conda_docker.build_options import SCRATCH
from conda_docker.redaction import public_text, public_url
from python_docker.version import __version__

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage
    from conda_docker.environment.packages.wheels import LockedWheel
    from conda_docker.image.result import BuildResult
    from conda_docker.request import Request

PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "https://github.com/conda-incubator/conda-docker/blob/main/docs/provenance.md#build-type-v1"
"""What the parameters mean: the page of the documentation that says so."""
BUILDER = "https://github.com/conda-incubator/conda-docker"
"""Who built: this program, wherever it ran."""


@dataclass(frozen=True, slots=True)
class Run:
    """Who built an image, and, where the user asks for it, when: `started` and `finished` are times of RFC 3339."""

    builder: str = BUILDER
    started: str | None = None
    finished: str | None = None


Files = Sequence[tuple[str, str]]
"""Names of files, without their folders, with their SHA-256 in hexadecimal digits."""


def input_digests(request: Request) -> Files:
    """Return the files that a request names. To be called before it is resolved: a file may change meanwhile."""
    return [(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in request.files if path.is_file()]


def provenance(result: BuildResult, request: Request, files: Files, run: Run) -> dict[str, Any]:
    """Return the predicate of an image that was just built; `files` are what `input_digests` returned.

    Without times it is the same for the same image. Nothing of the machine and no secret is in it: of files it holds
    names and hashes, of URLs no credentials, and the values of variables are not repeated.
    """
    metadata = {"startedOn": run.started, "finishedOn": run.finished}
    details: dict[str, Any] = {"builder": {"id": run.builder, "version": {"conda-docker": __version__}}}
    stated = {name: value for name, value in metadata.items() if value is not None}
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": _external(request, files),
            "internalParameters": _internal(result),
            "resolvedDependencies": [*_base(result), *_packages(result), *_files(files)],
        },
        "runDetails": details | ({"metadata": stated} if stated else {}),
    }


def _external(request: Request, files: Files) -> dict[str, Any]:
    """Return what the user asked for."""
    options = request.options
    asked: dict[str, Any] = {
        "specs": [_public(public_text(spec)) for spec in request.specs],
        "files": [name for name, _ in files],
        "name": request.name,
        "prefix": None if request.prefix is None else request.prefix.name,
        "environment": request.environment,
        "categories": list(request.categories),
        "platforms": [str(platform) for platform in request.platforms],
        "base": None if request.base is None else _place(request.base),
        "channels": [_public(public_text(channel)) for channel in request.channels],
        "overrideChannels": request.override_channels,
        "channelPriority": None if request.channel_priority is None else str(request.channel_priority),
        "virtualPackages": list(request.virtual_packages),
        "allowSdist": request.allow_sdist,
        "pipMayReplace": request.pip_may_replace,
        "prefixInImage": options.prefix,
        "layering": str(options.layering),
        "maxLayers": options.max_layers,
        "linkScripts": str(options.link_scripts),
        "linkScriptsNetwork": options.link_scripts_network,
        "env": sorted(options.env),
        "labels": sorted(options.labels),
        "entrypoint": None if options.entrypoint is None else list(options.entrypoint),
        "cmd": None if options.cmd is None else list(options.cmd),
        "workdir": options.workdir,
        "expose": list(options.expose),
        "add": [place for _, place in options.add],
        "chown": options.chown,
        "chmod": None if options.chmod is None else f"{options.chmod:o}",
        "frozen": options.frozen,
        "sbomInImage": list(options.sbom_in_image),
        "projects": [folder.absolute().name for folder in request.projects],
        "onlyPackages": request.only_packages,
        "useExtracted": options.use_extracted,
        "cacheFrom": [repository.reference for repository in options.cache_from],
    }
    return {name: value for name, value in asked.items() if value not in (None, [], False)}


def _internal(result: BuildResult) -> dict[str, Any]:
    """Return how the layers were made: what the image's history says of it."""
    from conda_docker.provenance.reading import read_environments

    build = read_environments(result.image)[-1].build
    return {"prefix": result.prefix} | dict(build or {})


def _base(result: BuildResult) -> list[dict[str, Any]]:
    from conda_docker.provenance.base import base_of
    from conda_docker.sbom.purl import image_purl
    from python_docker.errors import InvalidReference
    from python_docker.spec.reference import ImageReference

    name, digest = base_of(result.image)
    if digest is None:
        return []
    algorithm, _, encoded = digest.partition(":")
    try:
        reference = ImageReference.parse(name or "")
        uri = image_purl(reference.name, digest, reference.tag)
    except InvalidReference:
        uri = image_purl("", digest)
    return [{"name": "base image", "uri": uri, "digest": {algorithm: encoded}}]


def _packages(result: BuildResult) -> list[dict[str, Any]]:
    from conda_docker.sbom.purl import conda_purl, pypi_purl

    environment = result.environment
    if environment is None:
        return []
    found = []
    for package in environment.packages:
        uri = conda_purl(package.name, package.version, build=package.build, url=_public(package.public_url, 3))
        found.append(_dependency(package, uri))
    found += [_dependency(wheel, pypi_purl(wheel.name, wheel.version)) for wheel in environment.wheels]
    return sorted(found, key=lambda one: (one["uri"], one["downloadLocation"]))


def _dependency(member: LockedPackage | LockedWheel, uri: str) -> dict[str, Any]:
    digest = {kind: digits for kind, digits in (("sha256", member.sha256), ("md5", member.md5)) if digits}
    # An MD5 proves nothing where there is a SHA-256.
    digest = {"sha256": digest["sha256"]} if "sha256" in digest else digest
    described: dict[str, Any] = {"name": member.stem, "uri": uri}
    if digest:
        described["digest"] = digest
    return described | {"downloadLocation": _public(member.public_url)}


def _public(place: str, parts: int = 1) -> str:
    """Return a URL, or a path, without the folders of this machine: of such a place the last `parts` stay.

    >>> _public("file:///home/me/channel"), _public("./channel"), _public("https://example.com/a"), _public("numpy>=2")
    ('file:///channel', 'channel', 'https://example.com/a', 'numpy>=2')
    """
    head, scheme, path = place.partition("file://")
    if scheme:
        return f"{head}file:///" + "/".join(path.rstrip("/").split("/")[-parts:])
    return Path(place).name if place.startswith(("/", "./", "../", "~")) else place


def _files(files: Files) -> list[dict[str, Any]]:
    return [{"name": name, "digest": {"sha256": digits}} for name, digits in files]


def _place(base: str) -> str:
    """Return where a base is from; of a place on this machine, its kind and the name of the file or folder."""
    if base == SCRATCH:
        return base
    from python_docker.transports import Location

    location = Location.parse(base, default_transport="docker")
    if location.transport == "docker":
        return public_url(base)
    return ":".join(filter(None, [location.transport, Path(location.path).name, location.name]))
