"""Credentials for a registry: those that Docker, Podman and skopeo keep, in their files and by their helpers.

Formats: Docker's config.json (docker/cli, cli/config) and containers-auth.json(5).
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from python_docker.errors import CredentialsError
from python_docker.files.home import home_folder
from python_docker.registry.auth.credential_helper import ask_helper
from python_docker.spec.reference import DOCKER_HUB

_log = logging.getLogger("python_docker.registry")
_MAX_FILE = 8 << 20
_DOCKER_HUB_KEY = "https://index.docker.io/v1/"
_DOCKER_HUB_HOSTS = ("index.docker.io", "docker.io", "registry-1.docker.io")
_IDENTITY_TOKEN_USER = "<token>"  # noqa: S105 -- what helpers give as the user's name beside an identity token


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What to log in with: a user name and password, an OAuth2 refresh token (identity token), or a bearer token.

    Its `repr` tells nothing.
    """

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""

    @classmethod
    def of_user(cls, username: str, password: str) -> Credentials:
        """Those of a user; the name `<token>` says that the password is an identity token."""
        if username == _IDENTITY_TOKEN_USER:
            return cls(identity_token=password)
        return cls(username=username, password=password)

    @property
    def basic(self) -> str | None:
        """The value of an `Authorization` header (RFC 7617), None without a user."""
        if not self.username and not self.password:
            return None
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode("ascii")

    def __bool__(self) -> bool:
        return bool(self.username or self.password or self.identity_token or self.registry_token)

    def __repr__(self) -> str:
        return "<Credentials>"


def find_credentials(domain: str, path: str, environ: Mapping[str, str]) -> Credentials | None:
    """The credentials for a repository, by its registry's domain (`docker.io`, `localhost:5000`) and its path.

    Looked for in `DOCKER_AUTH_CONFIG`, then in the files `REGISTRY_AUTH_FILE`, `DOCKER_CONFIG`'s or
    `~/.docker/config.json`, `containers/auth.json` in `XDG_RUNTIME_DIR` and `XDG_CONFIG_HOME` (or `~/.config`), and
    `~/.dockercfg`; the first that has any wins. Within one file, a helper for the host (`credHelpers`) goes before
    the general one (`credsStore`), and that before what the file itself holds (`auths`), where the longest path
    counts. Raises `CredentialsError` for a malformed file or a failing helper.
    """
    inline = environ.get("DOCKER_AUTH_CONFIG")
    if inline:
        document = _parse(inline, "the environment variable DOCKER_AUTH_CONFIG")
        found = _find_in(document, domain, path, environ, "the environment variable DOCKER_AUTH_CONFIG")
        if found:
            return found
    for file, has_auths in _files(environ):
        text = _read(file)
        if text is None or not text.strip():
            continue
        document = _parse(text, str(file))
        found = _find_in(document if has_auths else {"auths": document}, domain, path, environ, str(file))
        if found:
            return found
    return None


def _files(environ: Mapping[str, str]) -> Iterator[tuple[Path, bool]]:
    """The files that may hold credentials, and whether theirs are below `auths`."""
    home = home_folder(environ)
    if environ.get("REGISTRY_AUTH_FILE"):
        yield Path(environ["REGISTRY_AUTH_FILE"]), True
    docker = environ.get("DOCKER_CONFIG")
    yield (Path(docker) if docker else home / ".docker") / "config.json", True
    if environ.get("XDG_RUNTIME_DIR"):
        yield Path(environ["XDG_RUNTIME_DIR"]) / "containers" / "auth.json", True
    config = environ.get("XDG_CONFIG_HOME")
    yield (Path(config) if config else home / ".config") / "containers" / "auth.json", True
    yield home / ".dockercfg", False


def _read(file: Path) -> str | None:
    try:
        with file.open("rb") as stream:
            content = stream.read(_MAX_FILE + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        # As Docker does: most images need no credentials.
        _log.warning("the credentials in %s cannot be read (%s); going on without them", file, error.strerror)
        return None
    if len(content) > _MAX_FILE:
        raise CredentialsError(f"{file} is too large for a file of credentials")
    return content.decode("utf-8-sig", "replace")


def _parse(text: str, place: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise CredentialsError(f"{place} is not JSON; it should be as `docker login` writes it") from None
    if not isinstance(document, dict):
        raise CredentialsError(f"{place} is no JSON object; it should be as `docker login` writes it")
    return document


def _find_in(
    document: Mapping[str, Any], domain: str, path: str, environ: Mapping[str, str], place: str
) -> Credentials | None:
    helpers = _section(document, "credHelpers", place)
    hosts = _DOCKER_HUB_HOSTS if domain == DOCKER_HUB else (domain,)
    server = _DOCKER_HUB_KEY if domain == DOCKER_HUB else domain
    for key in (server, *hosts):
        helper = helpers.get(key)
        if isinstance(helper, str) and helper:
            answer = ask_helper(helper, server, environ, must_exist=True)
            if answer is not None:
                return Credentials.of_user(*answer)
    store = document.get("credsStore")
    if isinstance(store, str) and store:
        answer = ask_helper(store, server, environ, must_exist=False)
        if answer is not None:
            return Credentials.of_user(*answer)
    auths = _section(document, "auths", place)
    for key in _keys(hosts, path, auths):
        found = _entry(auths[key], key, place)
        if found:
            return found
    return None


def _section(document: Mapping[str, Any], name: str, place: str) -> Mapping[str, Any]:
    section = document.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise CredentialsError(f"{place} is malformed: {name} is no JSON object")
    return section


def _keys(hosts: tuple[str, ...], path: str, auths: Mapping[str, Any]) -> Iterator[str]:
    """The keys of `auths` that are for a repository, the best first."""
    # containers-auth.json(5): a key may go on with a path, and the longest match counts.
    parts = path.split("/") if path else []
    for length in range(len(parts), -1, -1):
        for host in hosts:
            key = "/".join((host, *parts[:length]))
            if key in auths:
                yield key
    # `docker login` of old wrote URLs, and for Docker Hub still does.
    for key in auths:
        scheme, colon, rest = key.partition("://")
        if colon and scheme in {"http", "https"} and rest.partition("/")[0].lower() in hosts:
            yield key


def _entry(entry: Any, key: str, place: str) -> Credentials | None:
    if not isinstance(entry, dict):
        raise CredentialsError(f"{place} is malformed: the entry for {key} is no JSON object")

    def text(name: str) -> str:
        value = entry.get(name)
        return value if isinstance(value, str) else ""

    username, password = text("username"), text("password")
    encoded = text("auth")
    if encoded:
        try:
            decoded = base64.b64decode(encoded, validate=True).decode("utf-8").rstrip("\0")
        except (binascii.Error, ValueError):
            raise CredentialsError(f"{place} is malformed: auth of {key} is not in base64") from None
        # The password may hold colons, the user name may not.
        username, colon, password = decoded.partition(":")
        if not colon:
            raise CredentialsError(f"{place} is malformed: auth of {key} is not user:password")
    found = Credentials.of_user(username, password)
    return Credentials(
        username=found.username,
        password=found.password,
        identity_token=text("identitytoken") or found.identity_token,
        registry_token=text("registrytoken"),
    )
