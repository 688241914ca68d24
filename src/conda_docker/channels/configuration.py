"""The user's conda and mamba configuration: where packages come from, which are chosen, and where environments are."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conda_docker.channels.search_path import configuration_files, root_prefixes
from conda_docker.errors import InvalidEnvironment
from conda_docker.user_files import is_there, read_text
from conda_docker.yaml_document import parse_yaml
from python_docker.files.home import expand_home

_LISTS = (
    "channels",
    "default_channels",
    "envs_dirs",
    "pkgs_dirs",
    "allowlist_channels",
    "denylist_channels",
    "pinned_packages",
    "disallowed_packages",
    "create_default_packages",
)
TRUSTSTORE = "truststore"
"""What `ssl_verify` says for the authorities that the system trusts."""
_OWN = "conda_docker"  # what conda and mamba pass over
OWN_KEYS = ("cache_from", "cache_to")
_MAPPINGS = (
    "custom_channels",
    "custom_multichannels",
    "mirrored_channels",
    "proxy_servers",
    "exclude_newer_package",
    _OWN,
)
_VALUES = ("channel_alias", "channel_priority", "ssl_verify", "offline", "add_anaconda_token", "exclude_newer")
# What separates items in a variable, where that is not a comma (conda/base/context.py, `string_delimiter`).
_SEPARATORS = {"envs_dirs": os.pathsep, "pinned_packages": "&", "disallowed_packages": "&"}
# Earlier names that conda still reads.
_ALIASES = {
    "channel": "channels",
    "envs_path": "envs_dirs",
    "whitelist_channels": "allowlist_channels",
    "verify_ssl": "ssl_verify",
    "insecure": "ssl_verify",
    "disallow": "disallowed_packages",
    "cooldown": "exclude_newer",
    "cooldown_exclude": "exclude_newer_package",
}


@dataclass(frozen=True, slots=True)
class CondaConfiguration:
    """What was found; None or empty where nobody said anything."""

    channels: tuple[str, ...] = ()
    default_channels: tuple[str, ...] = ()
    """What the channel named `defaults` stands for."""
    custom_channels: Mapping[str, str] = field(default_factory=dict)
    """Name of a channel -> URL of the place that it is in."""
    custom_multichannels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mirrored_channels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name of a channel -> URLs of places that have the same, as mamba 2 reads it."""
    channel_alias: str | None = None
    channel_priority: str | None = None
    """ "strict", "flexible" or "disabled"."""
    allowlist_channels: tuple[str, ...] = ()
    denylist_channels: tuple[str, ...] = ()
    pinned_packages: tuple[str, ...] = ()
    """Match specs that packages must satisfy which a solver brings in."""
    disallowed_packages: tuple[str, ...] = ()
    """Match specs of packages that must not be in an environment."""
    create_default_packages: tuple[str, ...] = ()
    """Match specs of what conda adds to each new environment."""
    exclude_newer: str | None = None
    """A day, a moment or a duration: packages that were published later do not count."""
    exclude_newer_package: Mapping[str, str] = field(default_factory=dict)
    """Name of a package -> what holds for it in place of `exclude_newer`."""
    ssl_verify: bool | str | None = None
    """Whether to verify certificates, or the path of a bundle of authorities, or "truststore"."""
    proxy_servers: Mapping[str, str] = field(default_factory=dict)
    """ "http" or "https" -> URL of a proxy; may carry credentials."""
    offline: bool = False
    add_anaconda_token: bool = True
    envs_dirs: tuple[Path, ...] = ()
    pkgs_dirs: tuple[Path, ...] = ()
    cache_from: tuple[str, ...] = ()
    """Layer repositories to look in: `cache_from` below `conda_docker`, which conda passes over."""
    cache_to: tuple[str, ...] = ()
    """Layer repositories to keep layers in."""
    root_prefixes: tuple[Path, ...] = ()
    """Where conda and mamba are installed, the likeliest first."""
    files: tuple[Path, ...] = ()
    """What was read, the lowest precedence first."""


def read_conda_configuration(
    environ: Mapping[str, str] | None = None, *, conda_exe: str | os.PathLike[str] | None = None
) -> CondaConfiguration:
    """Read the configuration files that conda and mamba would read, and their environment variables.

    Files are searched and merged as conda does (conda/base/constants.py, `SEARCH_PATH`): the nearest to the user comes
    first in lists and wins elsewhere. The `#!top`, `#!bottom` and `#!final` marks are not known here. Raises
    `InvalidEnvironment` for a file that cannot be read.
    """
    environ = os.environ if environ is None else environ
    roots = root_prefixes(environ, conda_exe)
    files = configuration_files(environ, roots)
    layers = [_read(file, environ) for file in files]
    layers.append(_from_environment(environ))

    lists: dict[str, tuple[str, ...]] = {
        key: tuple(dict.fromkeys(item for layer in reversed(layers) for item in layer.get(key, ()))) for key in _LISTS
    }
    mappings: dict[str, dict[str, Any]] = {
        key: {name: value for layer in layers for name, value in layer.get(key, {}).items()} for key in _MAPPINGS
    }
    values: dict[str, Any] = {key: layer[key] for layer in layers for key in _VALUES if key in layer}
    return CondaConfiguration(
        channels=lists["channels"],
        default_channels=lists["default_channels"],
        custom_channels={name: str(url) for name, url in mappings["custom_channels"].items()},
        custom_multichannels={name: _texts(urls) for name, urls in mappings["custom_multichannels"].items()},
        mirrored_channels={
            name: _texts(urls, f"mirrored_channels: {name}") for name, urls in mappings["mirrored_channels"].items()
        },
        channel_alias=values.get("channel_alias"),
        channel_priority=_priority(values.get("channel_priority")),
        allowlist_channels=lists["allowlist_channels"],
        denylist_channels=lists["denylist_channels"],
        pinned_packages=lists["pinned_packages"],
        disallowed_packages=lists["disallowed_packages"],
        create_default_packages=lists["create_default_packages"],
        exclude_newer=values.get("exclude_newer", "").strip() or None,
        exclude_newer_package={name: str(value) for name, value in mappings["exclude_newer_package"].items()},
        ssl_verify=_ssl_verify(_boolean_or_text(values.get("ssl_verify")), environ),
        proxy_servers={scheme: str(url) for scheme, url in mappings["proxy_servers"].items() if url},
        offline=_boolean_or_text(values.get("offline", False)) is True,
        add_anaconda_token=_boolean_or_text(values.get("add_anaconda_token", True)) is not False,
        envs_dirs=tuple(expand_home(path, environ) for path in lists["envs_dirs"]),
        pkgs_dirs=tuple(expand_home(path, environ) for path in lists["pkgs_dirs"]),
        cache_from=_texts(mappings[_OWN].get("cache_from") or (), f"{_OWN}: cache_from"),
        cache_to=_texts(mappings[_OWN].get("cache_to") or (), f"{_OWN}: cache_to"),
        root_prefixes=roots,
        files=files,
    )


def authorities(configuration: CondaConfiguration) -> Path | None:
    """Return the file or folder of certificates that a configuration names to verify servers by, None for the usual.

    Raises `InvalidEnvironment` where it is not there: others would be trusted in its place.
    """
    named = configuration.ssl_verify
    if not isinstance(named, str) or named == TRUSTSTORE:
        return None
    if not is_there(Path(named)):
        raise InvalidEnvironment(
            f"ssl_verify of the conda configuration (or REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE) names {named[:200]!r}, "
            "which is not there; it should be true, false, truststore, or a file or folder of certificates"
        )
    return Path(named)


def _read(file: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    text = read_text(file)
    if not _has_settings(text):
        return {}
    # conda expands variables in the text before it parses it.
    expanded = re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda match: environ.get(match[1] or match[2], match[0]), text)
    document = parse_yaml(expanded, str(file))
    if document is None:
        return {}
    if not isinstance(document, Mapping):
        raise InvalidEnvironment(f"{file} is not a conda configuration file: it holds no settings")
    settings: dict[str, Any] = {}
    for key, value in document.items():
        name = _ALIASES.get(key, key)
        if value is None:
            continue
        if name in _LISTS:
            settings[name] = _texts(value, f"{key} in {file}")
        elif name in _MAPPINGS:
            if not isinstance(value, Mapping):
                raise InvalidEnvironment(f"{key} in {file} should be names with values")
            if name == _OWN and (unknown := value.keys() - OWN_KEYS):
                raise InvalidEnvironment(
                    f"{key} in {file} has no setting {sorted(map(str, unknown))[0][:80]!r}; there are "
                    f"{' and '.join(OWN_KEYS)}"
                )
            settings[name] = dict(value)
        elif name in _VALUES:
            if not isinstance(value, str):
                raise InvalidEnvironment(f"{key} in {file} should be one value")
            settings[name] = _boolean_or_text(value) is not True if key == "insecure" else value
    return settings


def _has_settings(text: str) -> bool:
    """Return whether a file says anything that matters here: most do not, and reading YAML costs start-up time."""
    wanted = (*_LISTS, *_MAPPINGS, *_VALUES, *_ALIASES)
    return any(name in text for name in wanted)


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for name in (*_LISTS, *_VALUES):
        value = environ.get(f"CONDA_{name.upper()}")
        if value:
            settings[name] = _split(name, value) if name in _LISTS else value
    if environ.get("CONDA_ENVS_PATH"):
        settings.setdefault("envs_dirs", _split("envs_dirs", environ["CONDA_ENVS_PATH"]))
    return settings


def _split(name: str, value: str) -> tuple[str, ...]:
    separator = _SEPARATORS.get(name, ",")
    return tuple(item.strip() for item in value.split(separator) if item.strip())


def _texts(value: object, what: str = "a list of channels") -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise InvalidEnvironment(f"{what} should be a list of strings")


def _priority(value: object) -> str | None:
    if value is None:
        return None
    # `true` and `false` are older than the names (conda/base/context.py)
    text = {True: "flexible", False: "disabled"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    text = {"true": "flexible", "false": "disabled"}.get(text.lower(), text.lower())
    if text not in ("strict", "flexible", "disabled"):
        raise InvalidEnvironment(f"channel_priority is {text[:80]!r}; it should be strict, flexible or disabled")
    return text


def _ssl_verify(setting: bool | str | None, environ: Mapping[str, str]) -> bool | str | None:
    # conda's HTTP library takes these in place of a plain "yes".
    bundle = environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE")
    chosen = bundle if bundle and setting in (None, True) else setting
    return chosen if not isinstance(chosen, str) or chosen == TRUSTSTORE else str(expand_home(chosen, environ))


def _boolean_or_text(value: object) -> bool | str | None:
    if value is None or isinstance(value, bool):
        return value
    text = str(value).strip()
    if text.lower() in ("true", "yes", "on", "1"):
        return True
    if text.lower() in ("false", "no", "off", "0", ""):
        return False
    return text
