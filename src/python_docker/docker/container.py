"""Running a container over the Engine API: create, attach, start, read what it prints, wait, remove."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from python_docker.docker.names import is_image_id
from python_docker.docker.process import Process
from python_docker.errors import EngineError, NotFound
from python_docker.spec.reference import ImageReference

if TYPE_CHECKING:
    from python_docker.docker.answer import Answer
    from python_docker.docker.api import EngineApi

_STDERR = 2
_PIECE = 1 << 16


def run_container(
    engine: EngineApi,
    name: str,
    process: Process,
    stdout: Callable[[bytes], object],
    stderr: Callable[[bytes], object],
) -> int:
    """Run a process in a new container of an image, pulled when it is not there, and give its exit code.

    The container is gone afterwards. Raises `EngineError` when the process cannot be started, `NotFound` when there is
    no such image.
    """
    what = f"run {name}"
    host_config: dict[str, Any] = {}
    while True:
        container = _create(engine, name, process, host_config)
        try:
            streams = {"stream": "1", "stdout": "1", "stderr": "1"}
            # Attached before it starts, so that nothing is missed. It may be silent for as long as it likes.
            with engine.ask("POST", f"{container}/attach", streams, what=what, timeout=None) as printed:
                try:
                    with engine.ask("POST", f"{container}/start", what=what):
                        pass
                except (EngineError, NotFound) as error:
                    if not host_config and not _has_network(engine):
                        # Some versions start nothing when they have no bridge to connect it to.
                        host_config = {"NetworkMode": "none"}
                        continue
                    raise EngineError(str(error)) from None
                _read_frames(printed, stdout, stderr)
            with engine.ask("POST", f"{container}/wait", what=what, timeout=None) as answer:
                code = answer.document().get("StatusCode")
            if not isinstance(code, int):
                raise EngineError(f"{engine.name} could not {what}: it did not say how the container ended")
            return code
        finally:
            _remove(engine, container)


def _create(engine: EngineApi, name: str, process: Process, host_config: dict[str, Any]) -> str:
    """Make a container, and give its path in the API."""
    settings: dict[str, Any] = {"Image": name, "AttachStdout": True, "AttachStderr": True, "HostConfig": host_config}
    if process.arguments:
        settings["Cmd"] = list(process.arguments)
    if process.entrypoint:
        settings["Entrypoint"] = [process.entrypoint]

    def create() -> str:
        with engine.ask("POST", "/containers/create", what=f"run {name}", content=settings) as answer:
            return f"/containers/{answer.document().get('Id')}"

    try:
        return create()
    except NotFound:
        if is_image_id(name):
            raise
    engine.pull(ImageReference.parse(name))
    return create()


def _remove(engine: EngineApi, container: str) -> None:
    with (
        # A container that cannot be removed is no reason to hide what it printed, or the error that came before.
        suppress(EngineError, NotFound),
        engine.ask("DELETE", container, {"force": "1", "v": "1"}, what="remove the container"),
    ):
        pass


def _read_frames(printed: Answer, stdout: Callable[[bytes], object], stderr: Callable[[bytes], object]) -> None:
    """Take the two streams apart: one byte that tells which, three that are 0, the size in four, and so many bytes.

    Source: Docker Engine API, "Attach to a container", "Stream format".
    """
    while header := printed.read_exactly(8):
        sink = stderr if header[0] == _STDERR else stdout
        left = int.from_bytes(header[4:], "big")
        while left:
            data = printed.read(min(left, _PIECE))
            if not data:
                raise EngineError("the engine hung up in the middle of what the container printed")
            sink(data)
            left -= len(data)


def _has_network(engine: EngineApi) -> bool:
    """Whether the engine has a network of the kind that containers are connected to when nothing is said."""
    with engine.ask("GET", "/networks", what="list its networks") as answer:
        networks = answer.value()
    drivers = [network.get("Driver") for network in networks if isinstance(network, dict)] if networks else []
    return any(driver not in ("host", "null") for driver in drivers)
