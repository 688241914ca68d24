"""Credentials for packages: in a URL itself or in a channel's that the configuration names, in the stores of rattler,
conda and mamba, and in netrc.

What only rattler can read (keyrings, tokens that must be renewed first) is left to it.
"""

from __future__ import annotations

import base64
import json
import logging
import netrc
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.channels.tokens import anaconda_tokens, with_anaconda_token
from conda_docker.redaction import public_url
from python_docker.errors import CredentialsError, reason_of
from python_docker.files.home import home_folder
from python_docker.files.regular import read_regular_file
from python_docker.http.url import origin

_LARGEST = 1 << 20
"""Bytes of a file with credentials."""

_log = logging.getLogger("conda_docker")


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """How to ask for a URL: with a token in its path, perhaps, and a header for this URL's host alone."""

    url: str
    authorization: str | None = None

    def authorization_at(self, url: str) -> str | None:
        """Return the header for a URL that redirects led to: none for another host than the one it is meant for."""
        return self.authorization if origin(url) == origin(self.url) else None


class Credentials:
    """The user's credentials for channels; each store is read once, when it is first needed."""

    def __init__(
        self, configuration: CondaConfiguration | None = None, environ: Mapping[str, str] | None = None
    ) -> None:
        """Take what a `configuration` says of channels (None: nothing), and stores as `environ` names them."""
        self._configuration = configuration or CondaConfiguration()
        self._environ = os.environ if environ is None else environ
        self._home = home_folder(self._environ)

    def access(self, url: str) -> Access:
        """Return how to ask for `url`, which is http or https; just so, where there are no credentials for it.

        Credentials in the URL win; then come those of a configured channel that it is in, of rattler (also pixi's),
        conda, mamba and netrc. Raises `CredentialsError` for a store that is there but cannot be read.
        """
        if found := _own_access(url):
            return found
        stores = (self._from_channels, self._from_rattler, self._from_anaconda, self._from_mamba, self._from_netrc)
        return next((found for store in stores if (found := store(url)) is not None), Access(url))

    def channel_url(self, url: str) -> str:
        """Return the URL of a channel, with credentials for it in it that rattler does not find by itself.

        What rattler stores, it finds; a bearer token has no place in a URL. It reads netrc too, but neither `default`
        nor quotes nor comments, and of a file that it does not understand nothing. Raises `CredentialsError`.
        """
        if urlsplit(url).scheme not in ("http", "https") or _own_access(url):
            return url
        if (access := self._from_channels(url)) is None:
            access = self._from_anaconda(url) or self._from_mamba(url) or self._from_netrc(url)
            if access is None or self._from_rattler(url) is not None:
                return url
        if (access.authorization or "").startswith("Basic "):
            name, _, password = base64.b64decode(str(access.authorization)[6:]).decode().partition(":")
            parts = urlsplit(url)
            return urlunsplit(
                parts._replace(netloc=f"{quote(name, safe='')}:{quote(password, safe='')}@{parts.netloc}")
            )
        return access.url

    # -- channels in conda's configuration: conda finds the credentials of any URL within one of these ---------------

    @cached_property
    def _channels(self) -> list[tuple[str, str]]:
        """Beginnings of URLs, each with the same with credentials, the longest first."""
        places = {public_url(place): place for place in map(_folder, configured_places(self._configuration))}
        with_credentials = [(public, place) for public, place in places.items() if public != place]
        return sorted(with_credentials, key=lambda pair: len(pair[0]), reverse=True)

    def _from_channels(self, url: str) -> Access | None:
        for public, place in self._channels:
            if _folder(url).startswith(public):
                whole = place.rstrip("/") + url[len(public) - 1 :]
                return _own_access(whole) or Access(whole)
        return None

    # -- rattler: rattler_networking, authentication_storage -------------------------------------------------------

    @cached_property
    def _rattler(self) -> list[Mapping[str, Any]]:
        places = [self._home / ".rattler" / "credentials.json"]
        if self._environ.get("RATTLER_AUTH_FILE"):
            places.insert(0, Path(self._environ["RATTLER_AUTH_FILE"]))
        return [_read_json(place) for place in places]

    def _from_rattler(self, url: str) -> Access | None:
        host = urlsplit(url).hostname or ""
        for key in _rattler_keys(host):
            for store in self._rattler:
                found = store.get(key)
                if isinstance(found, Mapping):
                    return _rattler_access(url, found)
        return None

    # -- conda -----------------------------------------------------------------------------------------------------

    @cached_property
    def _anaconda_tokens(self) -> Mapping[str, str]:
        return anaconda_tokens(self._environ) if self._configuration.add_anaconda_token else {}

    def _from_anaconda(self, url: str) -> Access | None:
        with_token = with_anaconda_token(url, self._anaconda_tokens)
        return None if with_token == url else Access(with_token)

    # -- mamba: libmamba, context.cpp ------------------------------------------------------------------------------

    @cached_property
    def _mamba(self) -> Mapping[str, Any]:
        return _read_json(self._home / ".mamba" / "auth" / "authentication.json")

    def _from_mamba(self, url: str) -> Access | None:
        parts = urlsplit(url)
        place = f"{parts.netloc}{parts.path}/"
        # The longest, which is the most particular, first.
        for key in sorted(self._mamba, key=len, reverse=True):
            bare = key.rpartition("://")[2].rstrip("/")
            if place.startswith(f"{bare}/") and isinstance(self._mamba[key], Mapping):
                return _mamba_access(url, self._mamba[key])
        return None

    # -- netrc -----------------------------------------------------------------------------------------------------

    @cached_property
    def _netrc(self) -> netrc.netrc | None:
        named = self._environ.get("NETRC")
        places = [Path(named)] if named else [self._home / ".netrc", self._home / "_netrc"]
        for place in places:
            try:
                read_regular_file(place, _LARGEST)  # what `netrc` opens, it waits for
                return netrc.netrc(place)
            except FileNotFoundError:
                continue
            except (OSError, UnicodeDecodeError, netrc.NetrcParseError) as error:
                # Other programs' logins: whether any is needed is not known.
                reason = "it is not a .netrc" if isinstance(error, netrc.NetrcParseError) else reason_of(error)
                _log.warning("%s cannot be read: %s", place, reason)
        return None

    def _from_netrc(self, url: str) -> Access | None:
        found = self._netrc.authenticators(urlsplit(url).hostname or "") if self._netrc is not None else None
        return None if found is None else Access(url, _basic(found[0] or "", found[2] or ""))


def configured_places(configuration: CondaConfiguration) -> Iterator[str]:
    """Yield the URLs of a configuration that credentials may stand in: of channels, and of places with several.

    conda takes credentials from there for any package within (conda/models/channel.py, `_read_channel_configuration`).
    """
    members = configuration.custom_multichannels.values()
    yield from (url for urls in (configuration.channels, configuration.default_channels, *members) for url in urls)
    for name, place in configuration.custom_channels.items():
        yield f"{place.rstrip('/')}/{name}"
    if configuration.channel_alias:
        yield configuration.channel_alias


def _own_access(url: str) -> Access | None:
    """Return how to ask for a URL that holds credentials itself, None for any other."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None  # whoever asks for it hears of that
    user, at, host = parts.netloc.rpartition("@")
    if at:
        name, _, password = user.partition(":")
        return Access(urlunsplit(parts._replace(netloc=host)), _basic(unquote(name), unquote(password)))
    return Access(url) if parts.path.startswith("/t/") else None


def _folder(url: str) -> str:
    return url.rstrip("/") + "/"


def _rattler_keys(host: str) -> Iterator[str]:
    """Yield what credentials for a host may be stored under: it, and `*.` before each domain that it lies in."""
    yield host
    domain = host
    while domain:
        yield f"*.{domain}"
        domain = domain.partition(".")[2]


def _rattler_access(url: str, stored: Mapping[str, Any]) -> Access:
    kind, value = next(iter(stored.items()), ("", None))
    if kind == "CondaToken" and isinstance(value, str):
        return Access(_with_token(url, value))
    if kind == "BearerToken" and isinstance(value, str):
        return Access(url, _bearer(value))
    if kind == "BasicHTTP" and isinstance(value, Mapping):
        return Access(url, _basic(str(value.get("username", "")), str(value.get("password", ""))))
    if kind == "OAuth" and isinstance(value, Mapping):
        expires = value.get("expires_at")
        if isinstance(value.get("access_token"), str) and (not isinstance(expires, int) or expires > time.time() + 60):
            return Access(url, _bearer(value["access_token"]))
    return Access(url)


def _mamba_access(url: str, stored: Mapping[str, Any]) -> Access:
    kind, token, password = (str(stored.get(key, "")) for key in ("type", "token", "password"))
    if kind == "CondaToken":
        return Access(_with_token(url, token))
    if kind == "BearerToken":
        return Access(url, _bearer(token))
    if kind == "BasicHTTPAuthentication":
        try:
            return Access(url, _basic(str(stored.get("user", "")), base64.b64decode(password).decode()))
        except ValueError:
            raise CredentialsError("a password in ~/.mamba/auth/authentication.json is not base64") from None
    return Access(url)


def _with_token(url: str, token: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/t/{token}{parts.path}"))


def _basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def _bearer(token: str) -> str:
    if not token.isascii() or not token.isprintable():
        raise CredentialsError("a stored bearer token holds characters that no token has")
    return f"Bearer {token}"


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(read_regular_file(path, _LARGEST))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except PermissionError as error:
        # Of another user, as in a container whose HOME is root's: most channels need none.
        _log.warning("the credentials in %s cannot be read (%s); going on without them", path, reason_of(error))
        return {}
    except (OSError, ValueError, RecursionError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it is not JSON"
        raise CredentialsError(f"the credentials in {path} cannot be read: {reason}") from None
    if not isinstance(content, dict):
        raise CredentialsError(f"the credentials in {path} cannot be read: it is not a JSON object")
    return content
