"""EngineApi: a Docker Engine, or Podman's service, spoken to over its HTTP API.

Source: the Docker Engine API reference, and what Docker 20.10 was seen to do. Success is never read off the status
alone: load, pull and push answer 200 at once and tell of failures later.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

from python_docker.docker.answer import Answer, reason
from python_docker.docker.connection import open_connection
from python_docker.docker.container import run_container
from python_docker.docker.endpoint import Endpoint
from python_docker.docker.process import Process
from python_docker.docker.registry_auth import registry_auth
from python_docker.docker.upload import ArchiveUpload
from python_docker.errors import EngineError, EngineNotFound, InvalidDigest, NotFound
from python_docker.spec.digest import Digest
from python_docker.spec.reference import ImageReference

NEWEST_VERSION = (1, 44)
"""The newest version of the API that is spoken here; Docker 29 takes none that is older."""

_OLDEST_VERSION = (1, 24)
_SILENCE = 1800.0
"""Seconds that an engine may be silent at work: it unpacks whole archives before it says a word."""
_GREETING = 30.0
"""Seconds that it may take to say who it is."""
_COPY_SIZE = 1 << 20
_END_OF_TAR = 1024


class EngineApi:
    """An engine at an endpoint. `name` is what it calls itself, `version` the version of the API that is spoken."""

    def __init__(self, endpoint: Endpoint, *, silence: float = _SILENCE, greeting: float = _GREETING) -> None:
        """Say hello. Raises `EngineNotFound` when nothing answers, `EngineError` when it is none or too old or new."""
        self.endpoint = endpoint
        self.name = "it"
        self.version = ""
        self._silence = silence
        try:
            with self.ask("GET", "/_ping", what="say who it is", timeout=greeting) as answer:
                offered = _version(answer.header("Api-Version"))
                self.name = "Podman" if answer.header("Libpod-API-Version") else "Docker"
        except EngineNotFound:
            raise
        except (EngineError, NotFound) as error:
            raise EngineError(f"no Docker Engine at {endpoint}: {error}") from None
        if offered is None:
            raise EngineError(f"no Docker Engine at {endpoint}: what answers names no version of the API")
        if offered < _OLDEST_VERSION:
            raise EngineError(
                f"{self.name} at {endpoint} is too old: it speaks version {_dotted(offered)} of the API, "
                f"at least {_dotted(_OLDEST_VERSION)} is needed"
            )
        self.version = _dotted(min(offered, NEWEST_VERSION))
        if offered > NEWEST_VERSION:
            with self.ask("GET", "/version", what="tell its version", timeout=greeting) as answer:
                oldest = _version(str(answer.document().get("MinAPIVersion", "")))
            self.version = _dotted(max(oldest or NEWEST_VERSION, NEWEST_VERSION))

    def __repr__(self) -> str:
        return f"<EngineApi {self.name} at {self.endpoint}, version {self.version}>"

    @contextmanager
    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        what: str,
        content: object = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = -1,
    ) -> Iterator[Answer]:
        """Send a request, and give the answer when its status is one of success; `what` it is for, in messages.

        `content` goes along as JSON. `timeout` is how many seconds the engine may be silent, None for ever. Raises
        `EngineNotFound` when nothing listens, `NotFound` for status 404, else `EngineError`.
        """
        connection, prefix = open_connection(self.endpoint, self._silence if timeout == -1 else timeout)
        sent = dict(headers or {})
        body = None
        if content is not None:
            body, sent["Content-Type"] = json.dumps(content).encode(), "application/json"
        try:
            self._connect(connection)
            try:
                connection.request(method, self._target(prefix, path, query), body, sent)
                response = connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                raise EngineError(f"{self.name} could not {what}: {reason(error)}") from None
            with response:
                answer = Answer(response, self.name, what)
                answer.check()
                yield answer
        finally:
            connection.close()

    def _connect(self, connection: http.client.HTTPConnection) -> None:
        try:
            connection.connect()
        except OSError as error:
            raise EngineNotFound(f"no engine at {self.endpoint}: {reason(error)}") from None

    def _target(self, prefix: str, path: str, query: Mapping[str, str] | None) -> str:
        version = f"/v{self.version}" if self.version else ""
        return f"{prefix}{version}{path}" + (f"?{urlencode(query)}" if query else "")

    # -- images ----------------------------------------------------------------------------------------------------

    def loading(self) -> ArchiveUpload:
        """Begin to load a docker archive."""
        connection, prefix = open_connection(self.endpoint, self._silence)
        try:
            self._connect(connection)
            return ArchiveUpload(connection, self._target(prefix, "/images/load", {"quiet": "0"}), self.name)
        except BaseException:
            connection.close()
            raise

    def save(self, name: str, write: Callable[[bytes], object]) -> None:
        """Give an image to `write`, piece by piece, as a docker archive. Raises `NotFound` when it is not there."""
        tail = b""
        with self.ask("GET", f"/images/{_in_path(name)}/get", what=f"save {name}") as answer:
            while data := answer.read(_COPY_SIZE):
                write(data)
                tail = (tail + data)[-_END_OF_TAR:]
        if tail != bytes(_END_OF_TAR):
            # What fails on the engine's side after the first byte just ends the archive.
            raise EngineError(f"{self.name} could not save {name}: the archive was cut off")

    def pull(self, reference: ImageReference) -> None:
        """Let the engine pull an image from its registry. Raises `NotFound` when the registry has none."""
        query = {"fromImage": reference.name, "tag": reference.identifier}
        what = f"pull {reference.familiar}"
        with self.ask("POST", "/images/create", query, what=what, headers=registry_auth(reference)) as answer:
            for _ in answer.messages():
                pass

    def push(self, reference: ImageReference) -> Digest | None:
        """Let the engine push an image to its registry; gives the digest of the manifest there, if it is told."""
        digest = None
        path, query = f"/images/{_in_path(reference.name)}/push", {"tag": reference.tag or "latest"}
        what = f"push {reference.familiar}"
        with self.ask("POST", path, query, what=what, headers=registry_auth(reference)) as answer:
            for message in answer.messages():
                told = message.get("aux")
                if isinstance(told, dict) and isinstance(told.get("Digest"), str):
                    try:
                        digest = Digest(told["Digest"])
                    except InvalidDigest:
                        raise EngineError(f"{self.name} could not {what}: it told of {told['Digest']!r}") from None
        return digest

    def tag(self, name: str, reference: ImageReference) -> None:
        """Give an image another name. Raises `NotFound` when there is no image `name`."""
        query = {"repo": reference.familiar_name, "tag": reference.tag or "latest"}
        with self.ask("POST", f"/images/{_in_path(name)}/tag", query, what=f"tag {name} as {reference.familiar}"):
            pass

    def inspect(self, name: str) -> dict[str, Any]:
        """What the engine knows of an image, in its words: Id, RepoTags, Config, RootFS... Raises `NotFound`."""
        with self.ask("GET", f"/images/{_in_path(name)}/json", what=f"inspect {name}") as answer:
            return answer.document()

    # -- containers ------------------------------------------------------------------------------------------------

    def run(
        self, name: str, process: Process, stdout: Callable[[bytes], object], stderr: Callable[[bytes], object]
    ) -> int:
        """Run a process in a new container, which is removed afterwards, and give its exit code.

        What it prints goes to `stdout` and `stderr` piece by piece. The image is pulled when it is not there.
        """
        return run_container(self, name, process, stdout, stderr)


def _in_path(name: str) -> str:
    return quote(name, safe="/:@")


def _version(text: str) -> tuple[int, int] | None:
    match = re.fullmatch(r"(\d{1,4})\.(\d{1,4})", text)
    return (int(match[1]), int(match[2])) if match else None


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
