"""Engine: what Docker and Podman are asked for, however they are reached; and finding one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from python_docker.errors import EngineError, EngineNotFound
from python_docker.transports.output import Output

if TYPE_CHECKING:
    from python_docker.docker.endpoint import Endpoint
    from python_docker.docker.process import Process
    from python_docker.spec.digest import Digest
    from python_docker.spec.reference import ImageReference

_COMMANDS = ("docker", "podman")
_ADVICE = (
    "Install and start Docker (https://docs.docker.com/get-started/get-docker/) or Podman "
    "(https://podman.io/docs/installation), or set DOCKER_HOST to where an engine listens"
)


class Loading(Output, Protocol):
    """A docker archive on its way into an engine; `commit` raises `EngineError` when the engine could not load it.

    `loaded` has the names of the images after that, where the engine reports them, the IDs of nameless ones.
    """

    loaded: list[str]


class Engine(Protocol):
    """Docker or Podman. Images are called as `engine_name` gives it; all raise `EngineError`."""

    name: str

    def loading(self) -> Loading:
        """Begin to load a docker archive."""

    def save(self, name: str, write: Callable[[bytes], object]) -> None:
        """Pass an image to `write`, piece by piece, as a docker archive. Raises `NotFound` when it is not there."""

    def pull(self, reference: ImageReference) -> None:
        """Pull an image from its registry. Raises `NotFound` when the registry has none."""

    def push(self, reference: ImageReference) -> Digest | None:
        """Push an image to its registry; gives the digest of the manifest there, if the engine reports it."""

    def tag(self, name: str, reference: ImageReference) -> None:
        """Tag an image with another name. Raises `NotFound` when there is no image `name`."""

    def inspect(self, name: str) -> dict[str, Any]:
        """Return what the engine knows of an image, in its words: Id, RepoTags, Config, RootFS... Raises `NotFound`."""

    def run(
        self, name: str, process: Process, stdout: Callable[[bytes], object], stderr: Callable[[bytes], object]
    ) -> int:
        """Run a process in a new container, which is removed afterwards, and give its exit code.

        What it prints goes to `stdout` and `stderr` piece by piece. The image is pulled when it is not there.
        """


def find_engine(*, patience: float | None = None) -> Engine:
    """Return the engine that the user's settings name, else the first that answers where engines listen, else a
    command.

    `patience` are the seconds that one may take to answer, and no command is then started, which may take long and
    leave files where it runs first; None: as long as one that is busy may need.

    `python_docker.docker.endpoint` says which settings and places these are. Raises `EngineNotFound`, which says
    where it was looked for.
    """
    from python_docker.docker.endpoint import chosen_endpoint, usual_endpoints

    chosen = chosen_endpoint()
    looked: list[str] = []
    if chosen is not None:
        engine = _reach(chosen, looked, patience)
        if engine is None:
            raise EngineNotFound(f"no Docker or Podman answers: {looked[0] if looked else chosen}. {_ADVICE}")
        return engine
    for endpoint in usual_endpoints():
        engine = _reach(endpoint, looked, patience)
        if engine is not None:
            return engine
    for command in _COMMANDS if patience is None else ():
        engine = _command(command, looked)
        if engine is not None:
            return engine
    raise EngineNotFound("no Docker or Podman was found. Looked for:\n  " + "\n  ".join(looked) + f"\n{_ADVICE}.")


def _reach(endpoint: Endpoint, looked: list[str], patience: float | None) -> Engine | None:
    from python_docker.docker.api import EngineApi

    if not endpoint.has_api:
        return _command(endpoint.command, looked) if patience is None else None
    if endpoint.scheme == "unix" and not os.path.exists(endpoint.path):  # noqa: PTH110 -- the SDK takes long to import
        looked.append(f"no engine at {endpoint}: it is not there")
        return None
    try:
        return EngineApi(endpoint) if patience is None else EngineApi(endpoint, greeting=patience)
    except EngineError as error:
        looked.append(str(error))
        return None


def _command(program: str, looked: list[str]) -> Engine | None:
    from python_docker.docker.command import EngineCommand

    if shutil.which(program, path=os.environ.get("PATH")) is None:
        looked.append(f"the command {program}: it is not there")
        return None
    try:
        return EngineCommand(program)
    except EngineNotFound as error:
        looked.append(f"the command {program}: {error}")
        return None
