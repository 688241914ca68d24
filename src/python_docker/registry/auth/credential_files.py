"""Credential files: those that Docker, Podman and skopeo keep, and the helpers that these name.

Formats: Docker's config.json (docker/cli, cli/config) and containers-auth.json(5).
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from python_docker.errors import CredentialsError, reason_of
from python_docker.files.home import home_folder
from python_docker.files.regular import read_regular_file
from python_docker.http.url import public_url
from python_docker.registry.access.credentials import Credentials
from python_docker.spec.docker_hub import DOCKER_HUB, HOSTS, LOGIN_KEY

_log = logging.getLogger("python_docker.registry")
_MAX_FILE = 8 << 20


def find_credentials(domain: str, path: str, environ: Mapping[str, str]) -> Credentials | None:
    """Return the credentials for a repository, by its registry's domain (`docker.io`, `localhost:5000`) and its path.

    Looked for in `DOCKER_AUTH_CONFIG`, then in the files `REGISTRY_AUTH_FILE`, `DOCKER_CONFIG`'s or
    `~/.docker/config.json`, `containers/auth.json` in `XDG_RUNTIME_DIR` and `XDG_CONFIG_HOME` (or `~/.config`), and
    `~/.dockercfg`; the first that has any wins. Within one file, a helper for the host (`credHelpers`) goes before
    the general one (`credsStore`), and that before what the file itself holds (`auths`), where the longest path
    counts. An entry that cannot be used is warned of and passed over. Raises `CredentialsError` for a malformed file
    or a failing helper.
    """
    for place, document in _documents(environ):
        found = _find_in(document, domain, path, environ, place)
        if found:
            return found
    return None


def known_registries(environ: Mapping[str, str]) -> list[str]:
    """Return the domains of registries that these places name, each once, in order.

    A `credsStore` names none. Raises `CredentialsError` for a malformed file.
    """
    keys = [
        key
        for place, document in _documents(environ)
        for section in ("credHelpers", "auths")
        for key in _section(document, section, place)
    ]
    domains = (key.partition("://")[2] or key for key in keys)
    hosts = (domain.partition("/")[0] for domain in domains)
    return list(dict.fromkeys(DOCKER_HUB if host in HOSTS else host for host in hosts if host))


def _documents(environ: Mapping[str, str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    inline = environ.get("DOCKER_AUTH_CONFIG")
    if inline:
        place = "the environment variable DOCKER_AUTH_CONFIG"
        yield place, _parse(inline, place)
    for file, has_auths in _files(environ):
        text = _read(file)
        if text is not None and text.strip():
            document = _parse(text, str(file))
            yield str(file), document if has_auths else {"auths": document}


def _files(environ: Mapping[str, str]) -> Iterator[tuple[Path, bool]]:
    """Yield the files that may hold credentials, and whether theirs are below `auths`."""
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
        return read_regular_file(file, _MAX_FILE).decode("utf-8-sig", "replace")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        # As Docker does: most images need no credentials.
        _log.warning("the credentials in %s cannot be read (%s); going on without them", file, reason_of(error))
        return None


def _parse(text: str, place: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise CredentialsError(f"{place} is not JSON; expected a file as `docker login` writes it") from None
    if not isinstance(document, dict):
        raise CredentialsError(f"{place} is not a JSON object; expected a file as `docker login` writes it")
    return document


def _find_in(
    document: Mapping[str, Any], domain: str, path: str, environ: Mapping[str, str], place: str
) -> Credentials | None:
    helpers = _section(document, "credHelpers", place)
    hosts = HOSTS if domain == DOCKER_HUB else (domain,)
    server = LOGIN_KEY if domain == DOCKER_HUB else domain
    for key in (server, *hosts):
        helper = helpers.get(key)
        if isinstance(helper, str) and helper:
            found = _ask(helper, server, environ, must_exist=True)
            if found is not None:
                return found
    store = document.get("credsStore")
    if isinstance(store, str) and store:
        found = _ask(store, server, environ, must_exist=False)
        if found is not None:
            return found
    auths = _section(document, "auths", place)
    for key in _keys(hosts, path, auths):
        try:
            found = _entry(auths[key], place)
        except ValueError as error:
            # Docker ignores it, too; most images need no credentials.
            _log.warning("%s: the entry for %s cannot be used (%s); going on without it", place, public_url(key), error)
            continue
        if found:
            return found
    return None


def _ask(helper: str, server: str, environ: Mapping[str, str], *, must_exist: bool) -> Credentials | None:
    # Programs are started by few: most have no helper.
    from python_docker.registry.auth.credential_helper import ask_helper

    answer = ask_helper(helper, server, environ, must_exist=must_exist)
    return None if answer is None else Credentials.of_user(*answer, f"docker-credential-{helper}")


def _section(document: Mapping[str, Any], name: str, place: str) -> Mapping[str, Any]:
    section = document.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise CredentialsError(f"{place} is malformed: {name} is not a JSON object")
    return section


def _keys(hosts: tuple[str, ...], path: str, auths: Mapping[str, Any]) -> list[str]:
    """Return the keys of `auths` that are for a repository, the best first.

    The longest path that the repository lies in counts (containers-auth.json(5)). Docker compares hosts alone, with
    what `docker login` of its time wrote: URLs, and paths of the API such as `example.org/v2/`.
    """
    found: list[tuple[int, int, str]] = []
    for key in auths:
        scheme, mark, rest = key.partition("://")
        bare = rest if mark and scheme.lower() in {"http", "https"} else key
        host, _, place = bare.partition("/")
        place = place.rstrip("/")
        if host.lower() not in hosts:
            continue
        if mark or place in {"v1", "v2"}:
            # After the host alone, which is how Docker finds it, too.
            found.append((1, hosts.index(host.lower()), key))
        elif not place or f"{path}/".startswith(f"{place}/"):
            found.append((-len(place), hosts.index(host.lower()), key))
    return [key for _, _, key in sorted(found)]


def _entry(entry: Any, place: str) -> Credentials | None:
    """Return what an entry of `auths` holds, None for nothing. Raises `ValueError` that says what is wrong."""
    if entry is None:
        return None
    if not isinstance(entry, dict):
        raise ValueError("it is not a JSON object")

    def text(name: str) -> str:
        value = entry.get(name)
        if value is not None and not isinstance(value, str):
            raise ValueError(f"`{name}` is not a string")
        return value or ""

    username, password = text("username"), text("password")
    if text("auth"):
        username, password = _user_and_password(text("auth"))
    found = Credentials.of_user(username, password)
    return Credentials(
        username=found.username,
        password=found.password,
        identity_token=text("identitytoken") or found.identity_token,
        registry_token=text("registrytoken"),
        place=place,
    )


def _user_and_password(auth: str) -> tuple[str, str]:
    # Lines of 76 characters, as `base64` writes them, and no padding, as some tools do.
    encoded = "".join(auth.split()).rstrip("=")
    try:
        decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise ValueError("`auth` is not in base64") from None
    # The password may hold colons, the user name may not.
    username, colon, password = decoded.rstrip("\0").partition(":")
    if not colon:
        raise ValueError("`auth` does not hold user:password")
    return username, password
