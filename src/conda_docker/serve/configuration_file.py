"""read_configuration: the configuration of a server, from a TOML file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from conda_docker.arguments.amounts import to_size
from conda_docker.arguments.spelling import did_you_mean
from conda_docker.arguments.toml_document import toml_document
from conda_docker.build_options import BuildOptions
from conda_docker.errors import InvalidEnvironment
from conda_docker.redaction import public_url
from conda_docker.serve.configuration import Grant, InvalidConfiguration, Limits, Proxy, ServerConfiguration
from conda_docker.serve.names import channel_alias
from conda_docker.user_files import read_text
from python_docker.errors import Error
from python_docker.spec.platform import Platform

_SHA256 = re.compile(r"[0-9a-f]{64}")
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::\d+)?(?:/[a-z0-9._/-]+)?")
# What is about the machine that builds, or would have its files in images.
_NOT_FOR_SERVERS = frozenset(
    {"add", "cache_dir", "cache_from", "cache_to", "chmod", "chown", "offline", "use_cache", "use_extracted", "workers"}
)
_BUILD_FIELDS = {
    item.name.replace("_", "-"): item.name for item in fields(BuildOptions) if item.name not in _NOT_FOR_SERVERS
}
BUILD_KEYS = frozenset(_BUILD_FIELDS)
"""Fields of `BuildOptions` that `build` may have; the command line takes its own names of them too."""
T = TypeVar("T")


def read_configuration(path: Path) -> ServerConfiguration:
    """Return the configuration in a TOML file, whose keys have dashes.

    Paths are relative to the file. Raises `InvalidConfiguration` for keys that are not known and for values that cannot
    be used, and `InvalidEnvironment` for a file that cannot be read.

        base = "debian:stable-slim"
        channels = ["conda-forge", "bioconda"]
        environments = "envs"

        [limits]
        packages = 200
        disk-bytes = "50GB"

        [[access]]
        name = "ci"
        token-sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    """
    try:
        return configuration_of(read_document(path), path.absolute().parent)
    except InvalidConfiguration as error:
        raise InvalidConfiguration(f"{path}: {error}") from None


def read_document(path: Path) -> dict[str, Any]:
    """Return what is in a TOML file. Raises `InvalidConfiguration` and `InvalidEnvironment`."""
    text = read_text(path)
    try:
        return toml_document(text, str(path))
    except InvalidEnvironment as error:
        raise InvalidConfiguration(str(error)) from None


def configuration_of(document: Mapping[str, Any], folder: Path) -> ServerConfiguration:
    """Return the configuration of a TOML document, with paths relative to `folder`. Raises `InvalidConfiguration`."""
    table = dict(document)
    values: dict[str, Any] = {}
    values["build"] = _build_options(table.pop("build", {}))
    values["limits"] = _table(Limits, table.pop("limits", {}), "limits")
    access = table.pop("access", [])
    if not isinstance(access, list):
        raise InvalidConfiguration("access must be tables, as [[access]]")
    values["access"] = tuple(_grant(entry) for entry in access)
    if "anonymous" in table:
        values["anonymous"] = _table(Grant, table.pop("anonymous"), "anonymous")
    if "proxy" in table:
        values["proxy"] = _table(Proxy, table.pop("proxy"), "proxy")
    if "environments" in table:
        values["environments"] = folder / _text(table.pop("environments"), "environments")
        if not values["environments"].is_dir():
            raise InvalidConfiguration(f"environments: there is no folder {values['environments']}")
    if "platforms" in table:
        values["platforms"] = _platforms(table.pop("platforms"))
    configuration = _table(ServerConfiguration, table, "", values)
    names = [grant.name for grant in configuration.access]
    if len(set(names)) < len(names):
        raise InvalidConfiguration("access: each entry needs a name of its own")
    for grant in configuration.access:
        if grant.user is not None and configuration.proxy is None:
            raise InvalidConfiguration(f"access {grant.name!r} is for a user, whom only a proxy can name: add [proxy]")
    _check_channels(configuration.channels)
    if configuration.redirect and not configuration.cache_from:
        raise InvalidConfiguration("redirect sends clients to a layer repository: name one in cache-from")
    if configuration.public_url is not None and not _HOST.fullmatch(configuration.public_url):
        raise InvalidConfiguration(f"public-url must be a host, as in docker pull; got {configuration.public_url!r}")
    for grant in (*configuration.access, *filter(None, [configuration.anonymous])):
        for channel in grant.channels or ():
            if channel not in configuration.channels:
                raise InvalidConfiguration(
                    f"{grant.name} may use the channel {channel!r}, which is not one of the server's channels"
                )
    return configuration


def _check_channels(channels: Sequence[str]) -> None:
    """Raise `InvalidConfiguration` for two channels that names of images could not tell apart."""
    called: dict[str, str] = {}
    for channel in channels:
        other = called.setdefault(channel_alias(channel), channel)
        if other != channel:
            raise InvalidConfiguration(
                f"channels: {public_url(other)} and {public_url(channel)} would both be called "
                f"{channel_alias(channel)!r} in names of images; serve one of them, or each by a server of its own"
            )


def _grant(entry: object) -> Grant:
    grant = _table(Grant, entry, "access")
    if grant.name == "anonymous":
        raise InvalidConfiguration("access: each entry needs a name; what anybody may use is in [anonymous]")
    if (grant.token_sha256 is None) == (grant.user is None):
        raise InvalidConfiguration(f"access {grant.name!r} needs either token-sha256 or user")
    if grant.token_sha256 is not None and not _SHA256.fullmatch(grant.token_sha256):
        raise InvalidConfiguration(
            f"access {grant.name!r}: token-sha256 must be the SHA-256 of the token, as `printf %s TOKEN | sha256sum` "
            "prints it, and never the token"
        )
    return grant


def _build_options(table: object) -> Mapping[str, Any]:
    if not isinstance(table, Mapping):
        raise InvalidConfiguration("build must be a table")
    values = {}
    for key, value in table.items():
        if key not in BUILD_KEYS:
            raise InvalidConfiguration(f"build has no key {key!r}{_hint(key, sorted(BUILD_KEYS))}")
        values[_BUILD_FIELDS[key]] = value
    try:
        BuildOptions(**values)
    except (TypeError, ValueError, Error) as error:
        raise InvalidConfiguration(f"build: {error}") from None
    return values


def _table(kind: type[T], table: object, where: str, values: Mapping[str, Any] | None = None) -> T:
    """Return a value of a dataclass from a TOML table, with `values` that are read already."""
    prefix = f"{where}." if where else ""
    if not isinstance(table, Mapping):
        raise InvalidConfiguration(f"{where} must be a table")
    hints = get_type_hints(kind)
    found = dict(values or {})
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in hints or name in found or "_" in key:
            raise InvalidConfiguration(
                f"there is no key {prefix}{key}{_hint(key, [known.replace('_', '-') for known in hints])}"
            )
        found[name] = _converted(value, hints[name], f"{prefix}{key}")
    try:
        return kind(**found)
    except TypeError as error:
        missing = ", ".join(re.findall(r"'(\w+)'", str(error))).replace("_", "-")
        raise InvalidConfiguration(f"{where} needs {missing}") from None


def _converted(value: object, hint: object, key: str) -> object:
    """Return a value of the type that a field has: an amount, a flag, a string, or strings."""
    if hint in (int, int | None):
        return _amount(value, key)
    if hint is bool:
        if not isinstance(value, bool):
            raise InvalidConfiguration(f"{key} must be true or false")
        return value
    if hint in (str, str | None):
        return _text(value, key)
    return _texts(value, key)


def _amount(value: object, key: str) -> int:
    """Return a number, or the bytes that `50GB` is; `5m` of seconds would be five million of them."""
    amount, sizes = value, "bytes" in key
    if isinstance(value, str) and sizes:
        try:
            amount = to_size(key, value)
        except ValueError as error:
            raise InvalidConfiguration(str(error)) from None
    if not isinstance(amount, int) or isinstance(amount, bool) or amount < 1:
        kind = "a number above 0, or a size such as 500MB" if sizes else "a whole number above 0"
        raise InvalidConfiguration(f"{key} must be {kind}; got {value!r}")
    return amount


def _text(value: object, key: str) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidConfiguration(f"{key} must be a string; got {value!r}")
    return value


def _texts(value: object, key: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise InvalidConfiguration(f"{key} must be a list of strings; got {value!r}")
    return tuple(value)


def _platforms(value: object) -> tuple[Platform, ...]:
    from conda_docker.request import to_platforms

    try:
        platforms = to_platforms("platforms", _texts(value, "platforms"))
    except Error as error:
        raise InvalidConfiguration(f"platforms: {error}") from None
    if not platforms:
        raise InvalidConfiguration("platforms must name at least one, such as linux/amd64")
    return platforms


def _hint(key: str, known: Sequence[str]) -> str:
    return did_you_mean(key, known, otherwise=f"; there are: {', '.join(sorted(known))}")
