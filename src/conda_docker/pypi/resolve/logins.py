"""Logins for the files of package indexes, as the user has them for the indexes themselves.

uv resolves with its own; the files it names are downloaded here. Logins in netrc files are known to the downloader.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from conda_docker.pypi.pip_configuration import PipConfiguration
from python_docker.files.home import home_folder
from python_docker.files.regular import read_regular_file
from python_docker.programs import find_program, run_program

_LARGEST = 1 << 20  # bytes of a uv.toml
_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
_NAMED = re.compile(r"(?:(?P<name>[A-Za-z0-9._-]+)=)?(?P<url>[a-z]+://.+)")
_SECONDS = 60


def index_logins(configuration: PipConfiguration, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return logins as URLs hold them (`user:password`), by the host and port that they are for.

    They stand in the URLs of indexes: of pip's configuration and of uv's (its variables, its uv.toml), or in variables
    such as `UV_INDEX_PRIVATE_PASSWORD`. For a user without a password the keyring is asked, if pip or uv is configured
    to do so.
    """
    environ = os.environ if environ is None else environ
    logins: dict[str, str] = {}
    for name, url in _indexes(configuration, environ):
        login, _, host = urlsplit(url).netloc.rpartition("@")
        user, _, password = login.partition(":")
        prefix = f"UV_INDEX_{re.sub('[^A-Z0-9]', '_', name.upper())}"
        user = user or quote(environ.get(f"{prefix}_USERNAME", ""), safe="")
        password = password or quote(environ.get(f"{prefix}_PASSWORD", ""), safe="")
        if user and not password and (configuration.keyring or environ.get("UV_KEYRING_PROVIDER") == "subprocess"):
            password = quote(_from_keyring(url, host, user), safe="")
        if user or password:
            logins[host] = f"{user}:{password}" if password else user
    return logins


def with_login(url: str, logins: Mapping[str, str]) -> str:
    """Return `url` with the login for its host, if there is one.

    >>> with_login("https://example.com/a.whl", {"example.com": "me:secret"})
    'https://me:secret@example.com/a.whl'
    """
    parts = urlsplit(url)
    login = logins.get(parts.netloc)
    return parts._replace(netloc=f"{login}@{parts.netloc}").geturl() if login else url


def _indexes(configuration: PipConfiguration, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Give the names (of those that have one) and URLs of indexes, the strongest last."""
    yield from _of_uv_toml(environ)
    for variable in _VARIABLES:
        for word in re.split(r"[\s,]+", environ.get(variable, "")):
            if match := _NAMED.fullmatch(word):
                yield match["name"] or "", match["url"]
    for url in (*configuration.find_links, *configuration.extra_index_urls, configuration.index_url or ""):
        yield "", url


def _of_uv_toml(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if environ.get("UV_NO_CONFIG"):
        return
    for path in _uv_tomls(environ):
        try:
            document = tomllib.loads(read_regular_file(path, _LARGEST).decode())
        except (OSError, ValueError, RecursionError):
            continue  # uv says what is wrong with it
        pip = document.get("pip")
        for table in (document, pip if isinstance(pip, dict) else {}):
            for key in ("index", "index-url", "extra-index-url", "find-links"):
                value = table.get(key)
                for item in value if isinstance(value, list) else [value]:
                    row = item if isinstance(item, dict) else {"url": item}
                    url = row.get("url")
                    if isinstance(url, str):
                        yield str(row.get("name", "")), url


def _uv_tomls(environ: Mapping[str, str]) -> Iterator[Path]:
    if environ.get("UV_CONFIG_FILE"):
        yield Path(environ["UV_CONFIG_FILE"])
        return
    if sys.platform == "win32":
        yield Path(environ.get("PROGRAMDATA", r"C:\ProgramData")) / "uv" / "uv.toml"
        if environ.get("APPDATA"):
            yield Path(environ["APPDATA"]) / "uv" / "uv.toml"
        return
    yield Path("/etc/uv/uv.toml")
    yield Path(environ.get("XDG_CONFIG_HOME") or home_folder(environ) / ".config") / "uv" / "uv.toml"


def _from_keyring(url: str, host: str, user: str) -> str:
    """Return the password that the program `keyring` has, as uv asks for it: by the URL, then by the host."""
    keyring = find_program("keyring")
    if keyring is None:
        return ""
    for service in (urlsplit(url)._replace(netloc=host).geturl(), host):
        try:
            done = run_program([keyring, "get", service, unquote(user)], timeout=_SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            return ""
        if done.returncode == 0:
            return done.stdout.decode("utf-8", "replace").strip()
    return ""
