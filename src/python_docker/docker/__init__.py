"""Docker and Podman: load, save, pull, push, tag, inspect and run images with the engine that is there.

The engine is found by `find_engine`: the one that `DOCKER_HOST`, `DOCKER_CONTEXT` or the docker command's settings
name, else one that listens where engines do, else the `docker` or `podman` command. Every function raises
`EngineNotFound` when there is none, `EngineError` when it fails, and `InvalidReference` for what is not an image name.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from python_docker.docker.engine import Engine, find_engine
from python_docker.docker.names import engine_name
from python_docker.docker.process import Process
from python_docker.errors import ContainerFailed, Error, NotFound, reason_of
from python_docker.spec.reference import ImageReference

if TYPE_CHECKING:
    from python_docker.image import Image
    from python_docker.spec.digest import Digest

__all__ = [
    "Engine",
    "find_engine",
    "inspect",
    "load",
    "load_image",
    "pull",
    "push",
    "run",
    "run_image",
    "save",
    "tag",
]

_COPY_SIZE = 1 << 20
_KEPT = 4000


def load(filename: str | os.PathLike[str]) -> list[str]:
    """Load a docker archive, as `docker load -i` does; gives the names of the images in it, the IDs of nameless ones.

    Docker before version 29 also loads archives of the layout before Docker 1.10, and names none of their images.
    Raises `NotFound` when there is no such file.
    """
    try:
        file = open(filename, "rb")  # noqa: PTH123, SIM115
    except FileNotFoundError:
        raise NotFound(f"there is no file {os.fspath(filename)}") from None
    except OSError as error:
        raise Error(f"cannot read {os.fspath(filename)}: {reason_of(error)}") from None
    with file:
        loading = find_engine().loading()
        try:
            while data := file.read(_COPY_SIZE):
                loading.write(data)
            loading.commit()
        except BaseException:
            loading.abort()
            raise
    return loading.loaded


def save(image: str, tag: str | None, filename: str | os.PathLike[str]) -> None:
    """Write an image to a docker archive, as `docker save -o` does. The file appears whole or not at all.

    Raises `NotFound` when the engine has no such image.
    """
    from python_docker.transports.output import FileOutput

    engine, name = find_engine(), engine_name(image, tag)
    output = FileOutput(filename)
    try:
        engine.save(name, output.write)
        output.commit()
    except BaseException:
        output.abort()
        raise


def pull(image: str, tag: str | None = None) -> None:
    """Have the engine pull an image from its registry. Raises `NotFound` when that has none of the name."""
    find_engine().pull(ImageReference.parse(engine_name(image, tag)))


def push(image: str, tag: str | None = None) -> Digest | None:
    """Have the engine push an image to the registry in its name; return the digest there, if that is reported."""
    return find_engine().push(ImageReference.parse(engine_name(image, tag)))


def tag(image: str, tag: str | None, new_image: str, new_tag: str | None = None) -> None:
    """Tag an image of the engine with another name. Raises `NotFound` when the engine has no such image."""
    find_engine().tag(engine_name(image, tag), ImageReference.parse(engine_name(new_image, new_tag)))


def inspect(image: str, tag: str | None = None) -> dict[str, Any]:
    """Return what the engine knows of an image, in its words: Id, RepoTags, Config, RootFS... Raises `NotFound`."""
    return find_engine().inspect(engine_name(image, tag))


def run(image: str, tag: str | None = None, cmd: Sequence[str] | str | None = None) -> bytes:
    """Run `cmd` in a new container, which is removed afterwards; gives what it prints on its standard output.

    The image is pulled when the engine does not have it. `cmd` is read as `Image.run` reads it. What the container
    prints on standard error is printed here. Raises `ContainerFailed` when its exit code is not 0.
    """
    return _run(find_engine(), engine_name(image, tag), cmd)


def load_image(image: Image) -> str:
    """Load an image into the engine, and give the name that the engine knows it by, its ID when it has no name."""
    return _load(find_engine(), image)


def run_image(image: Image, cmd: Sequence[str] | str | None = None) -> bytes:
    """Load an image and run `cmd` in a new container of it, which is removed afterwards.

    Prints what the container prints on its standard output and standard error, as it comes, and gives the former. The
    rule for `cmd`:

    - None or nothing: what the image runs by itself.
    - A text, or a list of one text that holds white space, such as `["cat /this/is/a/test1"]`: a line for `/bin/sh -c`,
      which is run instead of the image's entrypoint, if it has one.
    - Any other list, such as `["cat", "/this/is/a/test1"]`: arguments, for the image's entrypoint if it has one, and
      else a program and its arguments, as the docker command takes them.

    Raises `ContainerFailed` when the container's exit code is not 0.
    """
    from python_docker.docker.standard_streams import printer

    engine = find_engine()
    return _run(engine, _load(engine, image), cmd, printer(sys.stdout))


def _load(engine: Engine, image: Image) -> str:
    from python_docker.copying.copy import put_image
    from python_docker.transports.docker.engine import EngineDestination

    destination = EngineDestination(engine, image.reference if image.name else None)
    try:
        put_image(image, destination)
        destination.commit()
    except BaseException:
        destination.abort()
        raise
    return destination.loaded


def _run(
    engine: Engine,
    name: str,
    cmd: Sequence[str] | str | None,
    echo: Callable[[bytes], object] = lambda data: None,
) -> bytes:
    from python_docker.docker.standard_streams import printer

    output, errors = bytearray(), bytearray()
    echo_error = printer(sys.stderr)

    def take_output(data: bytes) -> None:
        output.extend(data)
        echo(data)

    def take_error(data: bytes) -> None:
        errors.extend(data)
        del errors[:-_KEPT]
        echo_error(data)

    code = engine.run(name, Process.of(cmd), take_output, take_error)
    if code != 0:
        said = bytes(errors or output[-_KEPT:]).decode(errors="replace").strip()
        raise ContainerFailed(
            f"{_shown(cmd)} in {name} ended with exit code {code}" + (f": {said}" if said else ""),
            exit_code=code,
            output=bytes(output),
        )
    return bytes(output)


def _shown(cmd: Sequence[str] | str | None) -> str:
    if not cmd:
        return "what the image runs"
    return f"`{cmd if isinstance(cmd, str) else ' '.join(cmd)}`"[:200]
