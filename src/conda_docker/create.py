"""create_image: one call from what is wanted to an image."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from conda_docker.build_options import BuildOptions
from python_docker.progress import SILENT, Progress
from python_docker.spec.platform import Platform

if TYPE_CHECKING:
    from python_docker.http.options import RegistryOptions
    from python_docker.image import Image

DEFAULT_BASE = "debian:stable-slim"


def create_image(
    specs: Sequence[str] = (),
    *,
    file: str | os.PathLike[str] | None = None,
    name: str | None = None,
    prefix: str | os.PathLike[str] | None = None,
    base: str = DEFAULT_BASE,
    image: str = "conda-docker:latest",
    platform: Platform | str | None = None,
    channels: Sequence[str] = (),
    override_channels: bool = False,
    virtual_packages: Sequence[str] = (),
    options: BuildOptions | None = None,
    registry: RegistryOptions | None = None,
    progress: Progress = SILENT,
) -> Image:
    """The image of an environment: of `specs`, of a `file`, or of an environment that exists, by `name` or `prefix`.

    `base` is any place that images are read from, or `scratch`; `image` is the name of the result, `platform` what it
    is for (None: Linux on this machine's processor). `channels` come before those of the user's conda configuration,
    which `override_channels` leaves out. `virtual_packages` are such as `__cuda=12.4`; the version of glibc is read
    from the base. `options` say everything else.

    Gives an image that can be changed, and written by `python_docker.write_image` or pushed. Raises `Error` of many
    kinds, each with a message for whoever asked (`conda_docker.errors`, `python_docker.errors`).

        image = create_image(["python=3.12", "numpy"], image="demo:1.0")
        write_image(image, "demo.tar")
    """
    from conda_docker.description import Description, prepare
    from conda_docker.image.assemble import build_image

    options = options or BuildOptions()
    description = Description(
        specs=specs,
        file=file,
        name=name,
        prefix=prefix,
        base=base,
        base_registry=registry,
        channels=channels,
        override_channels=override_channels,
        virtual=virtual_packages,
    )
    wanted = Platform.parse(platform) if isinstance(platform, str) else platform
    environment, opened = prepare(
        description, wanted, cache_dir=options.cache_dir, offline=options.offline, progress=progress
    )
    built = build_image(environment, opened, options, progress=progress).image
    built.name, built.tag = split_name(image)
    return built


def split_name(name: str) -> tuple[str, str]:
    """Name and tag of `NAME[:TAG]`; the tag is `latest` where there is none. Checks neither.

    >>> split_name("localhost:5000/app:1")
    ('localhost:5000/app', '1')
    """
    cut = name.find(":", name.rfind("/") + 1)
    return (name, "latest") if cut < 0 else (name[:cut], name[cut + 1 :])
