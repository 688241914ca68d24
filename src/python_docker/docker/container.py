"""Running a container with the Docker SDK: create, attach, start, read what it prints, wait, remove."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Protocol

from python_docker.docker.failure import engine_errors
from python_docker.docker.names import is_image_id
from python_docker.docker.process import Process
from python_docker.errors import EngineError, NotFound
from python_docker.spec.reference import ImageReference

if TYPE_CHECKING:
    from docker import APIClient

Sink = Callable[[bytes], object]


class Puller(Protocol):
    """The part of the engine that matters here."""

    name: str

    def pull(self, reference: ImageReference) -> None:
        """Pull an image."""


class _NotStarted(EngineError):
    """A container that was made and could not be started."""


def run_container(engine: Puller, client: APIClient, name: str, process: Process, stdout: Sink, stderr: Sink) -> int:
    """Run a process in a new container of an image, pulled when it is not there, and give its exit code.

    The container is gone afterwards. Raises `EngineError` when the process cannot be started, `NotFound` when there is
    no such image.
    """
    what = f"run {name}"
    container = _create(engine, client, name, process)
    try:
        try:
            _pass_on(engine.name, client, container, what, stdout, stderr)
        except _NotStarted as error:
            if _has_network(engine.name, client):
                raise EngineError(str(error)) from None
            # Some versions start nothing when they have no bridge to connect it to.
            _remove(engine.name, client, container)
            container = _create(engine, client, name, process, network="none")
            _pass_on(engine.name, client, container, what, stdout, stderr)
        with engine_errors(engine.name, what):
            code: Any = client.wait(container).get("StatusCode")
    finally:
        _remove(engine.name, client, container)
    if not isinstance(code, int):
        raise EngineError(f"{engine.name} could not {what}: it did not say how the container ended")
    return code


def _pass_on(engine: str, client: APIClient, container: str, what: str, stdout: Sink, stderr: Sink) -> None:
    """Start a container, and take what it prints until it ends. It may be silent for as long as it likes."""
    from docker.utils.socket import STDERR, frames_iter

    with engine_errors(engine, what):
        # Attached before it starts, so that nothing is missed.
        streams = {"stream": 1, "stdout": 1, "stderr": 1}
        printed: Any = client.attach_socket(container, params=streams)
    # The SDK keeps the response at the socket, which stays open until both are closed.
    with closing(printed), closing(printed._response):
        try:
            with engine_errors(engine, what):
                client.start(container)
        except (EngineError, NotFound) as error:
            raise _NotStarted(str(error)) from None
        frames = iter(frames_iter(printed, tty=False))  # type: ignore[no-untyped-call]
        while True:
            with engine_errors(engine, what):
                stream, data = next(frames, (0, b""))
            if not data:
                return
            (stderr if stream == STDERR else stdout)(data)


def _create(engine: Puller, client: APIClient, name: str, process: Process, network: str | None = None) -> str:
    def create() -> str:
        with engine_errors(engine.name, f"run {name}"):
            created = client.create_container(
                name,
                command=list(process.arguments) or None,
                entrypoint=[process.entrypoint] if process.entrypoint else None,
                host_config=client.create_host_config(network_mode=network) if network else None,
            )
            return str(created["Id"])

    try:
        return create()
    except NotFound:
        if is_image_id(name):
            raise
    engine.pull(ImageReference.parse(name))
    return create()


def _remove(engine: str, client: APIClient, container: str) -> None:
    # A container that cannot be removed does not justify hiding what it printed, or the error that came before.
    with suppress(EngineError, NotFound), engine_errors(engine, "remove the container"):
        client.remove_container(container, v=True, force=True)


def _has_network(engine: str, client: APIClient) -> bool:
    """Return whether the engine has a network of the kind that containers are connected to when nothing is said."""
    with engine_errors(engine, "list its networks"):
        drivers = [network.get("Driver") for network in client.networks()]
    return any(driver not in ("host", "null") for driver in drivers)
