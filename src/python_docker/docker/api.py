"""EngineApi: a Docker Engine, or Podman's service, spoken to over its HTTP API with the Docker SDK.

Source: the Docker Engine API reference, and what Docker 20.10 was seen to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from python_docker.docker.container import run_container
from python_docker.docker.endpoint import SCHEMES, Endpoint
from python_docker.docker.failure import engine_errors
from python_docker.docker.loading import ArchiveUpload, messages
from python_docker.docker.process import Process
from python_docker.docker.registry_auth import registry_auth
from python_docker.errors import EngineError, InvalidDigest, reason_of
from python_docker.files.regular import read_regular_file
from python_docker.spec.digest import Digest
from python_docker.spec.reference import ImageReference

if TYPE_CHECKING:
    from docker.tls import TLSConfig

    from python_docker.docker.client import BoundedClient

_OLDEST_VERSION = (1, 24)
_SILENCE = 1800
"""Seconds that an engine may be silent at work: it unpacks whole archives before it says a word."""
_GREETING = 30
"""Seconds that it may take to say who it is."""
_MAX_SETTINGS = 8 << 20  # bytes of Docker's config.json
_COPY_SIZE = 1 << 20
_END_OF_TAR = 1024


class EngineApi:
    """An engine at an endpoint. `name` is what it calls itself, `version` the version of the API that is spoken."""

    def __init__(self, endpoint: Endpoint, *, silence: float = _SILENCE, greeting: float = _GREETING) -> None:
        """Say hello. Raises `EngineNotFound` when nothing answers, `EngineError` for what is not an engine, or is too
        old.
        """
        self.endpoint = endpoint
        with engine_errors(f"no engine at {endpoint}: it", "say who it is"):
            with closing(_client(endpoint, _dotted(_OLDEST_VERSION), greeting)) as client:
                greeted = client.greet()
            offered = _version(str(greeted["ApiVersion"]))
            parts = {part.get("Name") for part in greeted.get("Components") or () if isinstance(part, dict)}
        if offered is None:
            raise EngineError(f"no engine at {endpoint}: the server is not a Docker Engine")
        self.name = "Podman" if "Podman Engine" in parts else "Docker"
        self.version = _dotted(offered)
        if offered < _OLDEST_VERSION:
            raise EngineError(
                f"{self.name} at {endpoint} is too old: it speaks version {self.version} of the API; "
                f"at least {_dotted(_OLDEST_VERSION)} is needed"
            )
        self._silence = silence

    def __repr__(self) -> str:
        return f"<EngineApi {self.name} at {self.endpoint}, version {self.version}>"

    def _open(self) -> closing[BoundedClient]:
        """Return a client for one operation, with connections of its own."""
        return closing(_client(self.endpoint, self.version, self._silence))

    # -- images ----------------------------------------------------------------------------------------------------

    def loading(self) -> ArchiveUpload:
        """Begin to load a docker archive."""
        return ArchiveUpload(self._open, self.name)

    def save(self, name: str, write: Callable[[bytes], object]) -> None:
        """Pass an image to `write`, piece by piece, as a docker archive. Raises `NotFound` when it is not there."""
        tail = b""
        with self._open() as client:
            with engine_errors(self.name, f"save {name}"):
                pieces = iter(client.get_image(name, _COPY_SIZE))
            while True:
                with engine_errors(self.name, f"save {name}"):
                    data = next(pieces, b"")
                if not data:
                    break
                write(data)
                tail = (tail + data)[-_END_OF_TAR:]
        if tail != bytes(_END_OF_TAR):
            # What fails on the engine's side after the first byte just ends the archive.
            raise EngineError(f"{self.name} could not save {name}: the archive was cut off")

    def pull(self, reference: ImageReference) -> None:
        """Have the engine pull an image from its registry. Raises `NotFound` when the registry has none."""
        what = f"pull {reference.familiar}"
        auth = registry_auth(reference)
        with engine_errors(self.name, what), self._open() as client:
            answer = client.pull(reference.name, tag=reference.identifier, stream=True, decode=True, auth_config=auth)
            for _ in messages(answer, self.name, what):
                pass

    def push(self, reference: ImageReference) -> Digest | None:
        """Have the engine push an image to its registry; return the manifest's digest there, if that is reported."""
        digest = None
        what = f"push {reference.familiar}"
        auth = registry_auth(reference)
        with engine_errors(self.name, what), self._open() as client:
            answer = client.push(
                reference.name, tag=reference.tag or "latest", stream=True, decode=True, auth_config=auth
            )
            for message in messages(answer, self.name, what):
                told = message.get("aux")
                if isinstance(told, dict) and isinstance(told.get("Digest"), str):
                    try:
                        digest = Digest(told["Digest"])
                    except InvalidDigest:
                        raise EngineError(f"{self.name} could not {what}: it reported {told['Digest']!r}") from None
        return digest

    def tag(self, name: str, reference: ImageReference) -> None:
        """Tag an image with another name. Raises `NotFound` when there is no image `name`."""
        with engine_errors(self.name, f"tag {name} as {reference.familiar}"), self._open() as client:
            client.tag(name, reference.familiar_name, reference.tag or "latest")

    def inspect(self, name: str) -> dict[str, Any]:
        """Return what the engine knows of an image, in its words: Id, RepoTags, Config, RootFS... Raises `NotFound`."""
        with engine_errors(self.name, f"inspect {name}"), self._open() as client:
            found: Any = client.inspect_image(name)  # type: ignore[no-untyped-call]
        if not isinstance(found, dict):
            raise EngineError(f"{self.name} could not inspect {name}: the server is not a Docker Engine")
        return found

    # -- containers ------------------------------------------------------------------------------------------------

    def run(
        self, name: str, process: Process, stdout: Callable[[bytes], object], stderr: Callable[[bytes], object]
    ) -> int:
        """Run a process in a new container, which is removed afterwards, and give its exit code.

        What it prints goes to `stdout` and `stderr` piece by piece. The image is pulled when it is not there. Raises
        `EngineError` when the process cannot be started, `NotFound` when there is no such image.
        """
        with self._open() as client:
            return run_container(self, client, name, process, stdout, stderr)


def _client(endpoint: Endpoint, version: str, timeout: float) -> BoundedClient:
    """Return the SDK's client for an endpoint. Raises `EngineError` for an address of no known form."""
    import docker
    import urllib3

    from python_docker.docker.client import BoundedClient

    if endpoint.scheme not in SCHEMES:
        raise EngineError(f"cannot talk to {endpoint}: an address begins with one of {', '.join(SCHEMES)}")
    tls = _tls(endpoint)
    settings = _settings()
    try:
        client = BoundedClient(
            _address(endpoint),
            version=version,
            timeout=timeout,  # type: ignore[arg-type]
            tls=tls or False,
            use_ssh_client=True,
        )
    except (docker.errors.DockerException, ValueError, OSError) as error:
        raise EngineError(f"cannot talk to {endpoint}: {error}") from None
    except (AttributeError, TypeError, KeyError, RecursionError):
        raise EngineError(f"cannot talk to {endpoint}: {settings} does not hold Docker's settings") from None
    if tls is not None and not tls.verify:
        # The user's settings say so; a warning for each request would say nothing new.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    # Neither proxies nor a netrc of other hosts' credentials are for an engine.
    client.trust_env = False
    return client


def _settings() -> Path | None:
    """Return the file of settings that the SDK reads. Raises `EngineError` for one that it would wait for."""
    from docker.utils.config import find_config_file

    found = find_config_file()
    if not isinstance(found, str):
        return None
    try:
        read_regular_file(Path(found), _MAX_SETTINGS)
    except OSError as error:
        raise EngineError(f"cannot read Docker's settings in {found}: {reason_of(error)}") from None
    return Path(found)


def _address(endpoint: Endpoint) -> str:
    """Return the address with the port that Docker takes for granted."""
    if endpoint.scheme not in ("tcp", "http", "https"):
        return endpoint.address
    address = endpoint.address if "://" in endpoint.address else f"tcp://{endpoint.address}"
    url = urlsplit(address)
    if url.port is None:
        secured = endpoint.tls is not None or endpoint.scheme == "https"
        url = url._replace(netloc=f"{url.netloc or 'localhost'}:{2376 if secured else 2375}")
    return url.geturl().rstrip("/")


def _tls(endpoint: Endpoint) -> TLSConfig | None:
    from docker.tls import TLSConfig

    tls = endpoint.tls
    if tls is None and endpoint.scheme != "https":
        return None
    if tls is None:
        return TLSConfig(verify=True)
    certificate = (str(tls.certificate), str(tls.key)) if tls.certificate and tls.key else None
    return TLSConfig(certificate, str(tls.authority) if tls.authority else None, verify=tls.verify)


def _version(text: str) -> tuple[int, int] | None:
    match = re.fullmatch(r"(\d{1,4})\.(\d{1,4})", text)
    return (int(match[1]), int(match[2])) if match else None


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
