"""find_targets: a target for each file that describes an environment, and each variant of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from conda_docker.arguments.values import to_paths, to_texts
from conda_docker.baking.targets.content import content_of
from conda_docker.baking.targets.environments import find_environments
from conda_docker.baking.targets.target import Target
from conda_docker.baking.targets.variants import read_matrix
from conda_docker.build_options import BuildOptions
from conda_docker.request import Request, to_platforms
from python_docker.argument_types import check_optional, check_type
from python_docker.transports import Location

NAME = "{name}:{tag}"
"""What images are called unless it is said."""


def find_targets(
    inputs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    image: str = NAME,
    base: str | None = None,
    platforms: Any = (),
    matrix: Sequence[str] = (),
    push: bool = False,
    load: bool = False,
    output: str | os.PathLike[str] | None = None,
    options: BuildOptions | None = None,
    insecure: Sequence[str] = (),
    ca_bundle: Path | None = None,
    reuse_replaced: bool = False,
    **request: Any,
) -> list[Target]:
    """Return a target for each environment that files, folders and patterns describe, ready for `bake`.

    `image` is the name of each image, with `{name}` for the environment's and `{tag}` for the variant's, which is
    `latest` without a `matrix`, and `{content}` for a digest of what describes the environment. A matrix is such as
    `["python=3.11,3.12", "base=debian:stable-slim,ubuntu:24.04"]`. With `push` images go to the registries in their
    names, with `load` into Docker or Podman; `output` is a folder that gets an OCI layout for each. With
    `reuse_replaced`, layers of the images that are replaced there are used again. All else are fields of `Request`.

    Raises `EnvironmentNotFound` where there is nothing, `ValueError` for a matrix or a name that cannot be.

        targets = find_targets("envs", image="ghcr.io/org/{name}:{tag}", base="debian:stable-slim", push=True)
    """
    try:
        variants = read_matrix(to_texts("matrix", matrix))
    except ValueError as error:
        raise ValueError(f"matrix: {error}") from None
    check_type("inputs", inputs, (str, os.PathLike, Iterable))
    given = to_paths("inputs", inputs)
    check_type("image", image, str)
    check_type("push", push, bool)
    check_type("load", load, bool)
    check_optional("output", output, (str, os.PathLike))
    check_optional("options", options, BuildOptions)
    targets = []
    for file in find_environments(given):
        for variant in variants:
            asked = Request(
                specs=(f"python={variant.python}",) if variant.python is not None else (),
                files=(file.path,),
                base=variant.base or base,
                platforms=to_platforms("platforms", variant.platform or platforms),
                options=options or BuildOptions(),
                **request,
            )
            reference = variant.fill(image, file.name, partial(content_of, asked))
            places = [Location.in_registry(reference)] if push else []
            places += [Location("docker-daemon", "", reference)] if load else []
            places += [] if output is None else [Location("oci", str(Path(output) / variant.name(file.name)))]
            targets.append(
                Target(
                    name=variant.name(file.name),
                    request=asked,
                    image=reference,
                    outputs=places,
                    insecure=insecure,
                    ca_bundle=ca_bundle,
                    source=str(file.path),
                    reuse_replaced=reuse_replaced,
                )
            )
    return targets
