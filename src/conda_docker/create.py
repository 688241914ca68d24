"""create_image: one call from what is wanted to an image."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from conda_docker.arguments.values import to_path, to_paths
from conda_docker.build_options import BuildOptions
from conda_docker.policy.rules import Policy
from conda_docker.request import Request, to_one_platform
from python_docker.argument_types import check_method
from python_docker.progress import SILENT, Progress
from python_docker.spec.platform import Platform

if TYPE_CHECKING:
    from python_docker.image import Image
    from python_docker.registry.access.options import RegistryOptions

_FILES = (".yml", ".yaml", ".toml", ".lock", ".txt", ".json")
"""How names of files end that describe environments; those of packages do not."""

_log = logging.getLogger("conda_docker")


def create_image(
    specs: Sequence[str] = (),
    *,
    file: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    name: str | None = None,
    prefix: str | os.PathLike[str] | None = None,
    environment: str | None = None,
    categories: Sequence[str] = (),
    base: str | None = None,
    image: str = "conda-docker:latest",
    platform: Platform | str | None = None,
    channels: Sequence[str] = (),
    override_channels: bool = False,
    virtual_packages: Sequence[str] = (),
    policy: Policy | None = None,
    options: BuildOptions | None = None,
    registry: RegistryOptions | None = None,
    progress: Progress = SILENT,
) -> Image:
    """Return the image of an environment: of `specs`, of a `file` or several, or of one that exists.

    An environment that exists is given by `name` or `prefix`; `environment` and `categories` choose within a file that
    describes several. `base` is any place that images are read from, or `scratch`; None:
    that of a lock file, else `debian:stable-slim`; `image` is the name of the result,
    `platform` what it is for (None: Linux on this machine's processor). `channels` come before those of the user's
    conda configuration, which `override_channels` leaves out. `virtual_packages` are such as `__cuda=12.4`; the version
    of glibc is read from the base. `policy` are rules that the packages must obey; `options` say everything else.

    The image can be changed, and written by `python_docker.write_image` or pushed. What the user should know about it
    is logged as warnings of the logger `conda_docker`; `build_image` returns it as a value. Raises `Error` of many
    kinds, each with a message for whoever asked (`conda_docker.errors`, `python_docker.errors`), and `TypeError` or
    `ValueError` for arguments that cannot be used.

        image = create_image(["python=3.12", "numpy"], image="demo:1.0")
        write_image(image, "demo.tar")
    """
    from conda_docker.image.assemble import build_image
    from conda_docker.resolution.resolve import resolve

    if isinstance(specs, str) and specs.lower().endswith(_FILES):
        raise ValueError(f"specs must be packages, and {specs[:200]!r} is a file: give it as file={specs[:200]!r}")
    request = Request(
        specs=specs,
        files=to_paths("file", file),
        name=name,
        prefix=to_path("prefix", prefix),
        environment=environment,
        categories=categories,
        platforms=to_one_platform("platform", platform),
        base=base,
        base_registry=registry,
        channels=channels,
        override_channels=override_channels,
        virtual_packages=virtual_packages,
        policy=Policy() if policy is None else policy,
        options=BuildOptions() if options is None else options,
    )
    _check_name(image)
    check_method("progress", progress, "start")
    [resolved] = resolve(request, progress=progress)
    result = build_image(resolved.environment, resolved.base, request.options, progress=progress)
    for note in result.notes:
        _log.warning("%s", note)
    result.image.name, result.image.tag = split_name(image)
    return result.image


def _check_name(image: str) -> None:
    """Raise `TypeError` or `InvalidReference` for what cannot be the name of a new image, before it is built."""
    from python_docker.errors import InvalidReference
    from python_docker.spec.reference import ImageReference

    if not isinstance(image, str):
        raise TypeError(f"image must be a name such as 'demo:1.0'; got {type(image).__name__}")
    try:
        digest = ImageReference.parse(image).digest
    except InvalidReference as error:
        raise InvalidReference(f"image: {error}") from None
    if digest is not None:
        raise InvalidReference(f"image: {image[:200]!r} has a digest, and that of a new image is not known yet")


def split_name(name: str) -> tuple[str, str]:
    """Return name and tag of `NAME[:TAG]`, without checking them; the tag is `latest` where there is none.

    >>> split_name("localhost:5000/app:1")
    ('localhost:5000/app', '1')
    """
    from python_docker.spec.reference import split_reference

    bare, tag, _ = split_reference(name)
    return bare, "latest" if tag is None else tag
