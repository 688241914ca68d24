"""What containers run with, and what the image says of itself: the runtime config over that of the base."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import takewhile
from typing import TYPE_CHECKING

from conda_docker.image.runtime.activation import DEFAULT_PATH, ENTRYPOINT_NAME, Activation
from conda_docker.image.runtime.annotations import MANIFEST, annotations_for
from conda_docker.image.runtime.declared import declared_variables
from conda_docker.provenance.base import BASE_DIGEST, BASE_NAME
from python_docker.errors import InvalidReference
from python_docker.spec.limits import MAX_VARIABLE

if TYPE_CHECKING:
    from conda_docker.build_options import BuildOptions
    from conda_docker.image.base.system import BaseSystem
    from conda_docker.image.runtime.users import ContainerUser
    from python_docker.image import Image
    from python_docker.spec.documents.runtime_config import RuntimeConfig


def configure(
    image: Image,
    base: Image | None,
    prefix: str,
    options: BuildOptions,
    activation: Activation,
    gpu: Mapping[str, str],
    user: ContainerUser | None,
    *,
    has_python: bool,
) -> None:
    """Set the runtime config of `image`: what activation sets, then what the options say, over what the base has.

    What activation scripts set comes last, as in a shell that is activated.

    `gpu` are the variables for NVIDIA's runtime. The `user` is set as numbers, which Kubernetes can check. With
    `has_python` a container without a command of its own starts the environment's Python.
    """
    config = image.config
    own = variables_over_base(activation, gpu, options, config.environment)
    config.set_variables({**own, **activation.scripted})
    if options.entrypoint is not None:
        config["Entrypoint"] = list(options.entrypoint)
    elif activation.entrypoint is not None:
        config["Entrypoint"] = _entrypoint(f"{prefix}/bin/{ENTRYPOINT_NAME}", config["Entrypoint"])
    if options.cmd is not None:
        config["Cmd"] = list(options.cmd)
    elif options.entrypoint is not None:
        config["Cmd"] = []  # the base's were arguments of another entrypoint
    elif not config["Cmd"] and not (base and base.config["Entrypoint"]) and has_python:
        config["Cmd"] = [f"{prefix}/bin/python"]
    if user is not None:
        config["User"] = user.number
    elif options.user is not None:
        config["User"] = options.user
    if options.workdir is not None:
        config["WorkingDir"] = options.workdir
    for port in sorted(port if "/" in port else f"{port}/tcp" for port in options.expose):
        config["ExposedPorts"][port] = {}


def _entrypoint(own: str, base: Sequence[str]) -> list[str]:
    """Return the entrypoint `own` in front of the base's, which then runs with everything set.

    Those of environments in the base come first: what is activated last wins.
    """
    earlier = list(takewhile(lambda word: posixpath.basename(word) == ENTRYPOINT_NAME, base))
    return [*(word for word in earlier if word != own), own, *base[len(earlier) :]]


def variables_over_base(
    activation: Activation, gpu: Mapping[str, str], options: BuildOptions, base_variables: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables that an image gets over its base's, and that activation scripts start with."""
    path = activation.variables.get("PATH") or base_variables.get("PATH") or DEFAULT_PATH
    # Sorted: the order of options means nothing, and the same image is asked for.
    return {**activation.variables, **gpu, **declared_variables(options.env, path)}


def notes_on_config(
    config: RuntimeConfig, system: BaseSystem | None = None, is_file: Callable[[str], bool] = lambda path: False
) -> Iterator[str]:
    """Yield what of a finished runtime config keeps containers from starting.

    `system` is that of the base image, where all of it is known; then `is_file` says whether the image has a file at an
    absolute path.

    >>> from python_docker.spec.documents.runtime_config import RuntimeConfig
    >>> list(notes_on_config(RuntimeConfig({"Env": ["A=1"]})))
    []
    """
    for name in config.too_long_variables:
        yield (
            f"the variable {name[:80]} is longer than the {MAX_VARIABLE} bytes that Linux takes: no program can start "
            "in a container of this image"
        )
    malformed = [text for text in config["Env"] if text.startswith("=") or "=" not in text]
    if malformed:
        shown = ", ".join(repr(text[:80]) for text in malformed)
        yield f"Env of the base image holds what is not NAME=VALUE ({shown}): some engines and tools refuse the image"
    folder, user = str(config["WorkingDir"] or ""), str(config["User"] or "").partition(":")[0]
    if folder and not folder.startswith("/"):
        yield (
            f"the working folder of the base image is {folder[:200]!r}, which is not an absolute path: runtimes start "
            "nothing there; --workdir gives another"
        )
    elif system is not None and (system.real_path(folder)[1:] in system.files or is_file(folder)):
        yield f"the working folder {folder[:200]} is a file in the image: no container of this image can start"
    if system is not None and user and not user.isdecimal() and user not in {"root", *system.users}:
        yield (
            f"the base image runs as the user {user[:80]!r}, whom its /etc/passwd does not have: no container of this "
            "image can start; --user gives another"
        )


def describe(image: Image, base: Image | None, options: BuildOptions, created: str) -> None:
    """Set the labels and annotations of `image`, which was `created` then (RFC 3339), on `base`."""
    described: dict[str, str] = {}
    if base is not None:
        described[BASE_DIGEST] = base.digest
        with suppress(InvalidReference):  # an image may be called anything while it is in memory
            described[BASE_NAME] = str(base.reference)
    image.annotations = (
        described | {"org.opencontainers.image.created": created} | annotations_for(MANIFEST, options.annotations)
    )
    image.config["Labels"].update(described | dict(sorted(options.labels.items())))
    image.created = created
