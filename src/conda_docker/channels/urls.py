"""From the names of channels to their URLs, as conda's configuration has them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.errors import ChannelError
from conda_docker.redaction import exposed_variable, public_url
from conda_docker.user_files import is_folder, user_path

DEFAULT_CHANNEL = "conda-forge"
"""Where packages come from when nobody names a channel."""

_CHANNEL_ALIAS = "https://conda.anaconda.org"
_DEFAULT_CHANNELS = ("https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r")
_CUSTOM_CHANNELS = {"pkgs/pro": "https://repo.anaconda.com"}
_LONGEST = 8000  # characters of a URL; servers take as many, and rattler breaks down at 65,000
_TOKEN = re.compile(r"/t/[^/]+(?=/)")
_SUBDIR = r"/(?:noarch|(?:linux|osx|win|emscripten|wasi|freebsd|zos)-[a-z0-9]+)/?$"


def choose_channels(
    named: Sequence[str], configuration: CondaConfiguration, *, override: bool = False, fallback: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the names of the channels to use, the first with the highest priority.

    `named` (by options or a file) come first, then those of the configuration, as conda does it. `override`, or
    `nodefaults` among the names, leaves the configuration out. When that gives none, `fallback` or conda-forge are
    used.

    >>> choose_channels(["bioconda"], CondaConfiguration(channels=("conda-forge",)))
    ('bioconda', 'conda-forge')
    >>> choose_channels([], CondaConfiguration())
    ('conda-forge',)
    """
    names = [name for name in named if name != "nodefaults"]
    if not override and "nodefaults" not in named:
        names += [name for name in configuration.channels if name != "nodefaults"]
    return tuple(dict.fromkeys(names)) or tuple(fallback) or (DEFAULT_CHANNEL,)


def channel_urls(names: Iterable[str], configuration: CondaConfiguration) -> tuple[str, ...]:
    """Return the URLs of channels, in order, each once; they may carry credentials. Raises `ChannelError`.

    A name stands for several URLs when it is `defaults` or a multichannel, else for one: of `custom_channels`, or in
    the place that `channel_alias` names. Paths of folders and URLs are taken as they are.

    >>> channel_urls(["conda-forge", "https://conda.example.org/team/linux-64"], CondaConfiguration())
    ('https://conda.anaconda.org/conda-forge', 'https://conda.example.org/team')
    """
    urls = tuple(dict.fromkeys(url for name in names for url in _urls(name, configuration)))
    for url in urls:
        if "://" in url and (name := exposed_variable(url, os.environ)):
            raise ChannelError(
                f"the channel {public_url(url).replace(os.environ[name], f'${name}')[:200]} holds a token where images "
                "and lock files would show it: put it before an @ or after /t/, log in with `pixi auth login` or "
                "~/.netrc, or name this place as a mirror of a channel (mirrored_channels in ~/.condarc)"
            )
    check_channels(urls, configuration)
    if not any(url.startswith(("http:", "https:")) for url in urls):
        return urls  # none needs the stores of credentials
    from conda_docker.channels.credentials import Credentials

    return tuple(map(Credentials(configuration).channel_url, urls))


def _urls(name: str, configuration: CondaConfiguration) -> list[str]:
    text = name.strip()
    if not text or text == "<unknown>" or any(character in text for character in "\n\r\0"):
        raise ChannelError(f"{name[:80]!r} is not a channel: give a name such as conda-forge, a URL or a folder")
    if len(text) > _LONGEST:
        raise ChannelError(f"{public_url(text[:_LONGEST])[:80]!r}... is not a channel: it has {len(text)} characters")
    if "://" in text:
        return [_checked(_without_subdir(text))]
    if text.startswith((".", "/", "~", "\\\\")) or re.match(r"[A-Za-z]:[\\/]", text):
        folder = user_path(text)
        if not is_folder(folder):
            raise ChannelError(f"there is no folder {text} to be the channel")
        return [_without_subdir(folder.resolve().as_uri())]
    text = _without_subdir(text)
    if text in configuration.custom_multichannels:
        return [_url(item, configuration) for item in configuration.custom_multichannels[text]]
    if text == "defaults":
        return [_url(item, configuration) for item in configuration.default_channels or _DEFAULT_CHANNELS]
    if text == "local":
        return [_local_builds(configuration)]
    return [_url(text, configuration)]


def _url(name: str, configuration: CondaConfiguration) -> str:
    if "://" in name:
        return _without_subdir(name)
    custom = _custom_channels(configuration)
    # For "team/label/dev": the place of team/label/dev, else of team/label, else of team.
    prefix = name
    while prefix:
        if prefix in custom:
            return f"{custom[prefix].rstrip('/')}/{name}"
        prefix = prefix.rpartition("/")[0]
    return f"{_alias(configuration)}/{name}"


def _alias(configuration: CondaConfiguration) -> str:
    alias = configuration.channel_alias or _CHANNEL_ALIAS
    return (alias if "://" in alias else f"https://{alias}").rstrip("/")


def _custom_channels(configuration: CondaConfiguration) -> dict[str, str]:
    """Name of a channel -> URL of the place that it is in.

    Each member of a multichannel can be named alone too: `pkgs/main` is the one of `defaults`, wherever that is
    (conda/base/context.py, `custom_channels`; conda/models/channel.py, `make_simple_channel`).
    """
    alias = _alias(configuration)
    members = [url for urls in configuration.custom_multichannels.values() for url in urls]
    members += configuration.default_channels or _DEFAULT_CHANNELS
    custom: dict[str, str] = {}
    for url in members:
        if "://" not in url:
            continue  # a name, which is looked up like any other
        parts = urlsplit(_checked(url))
        token = _TOKEN.match(parts.path)
        place = (
            alias
            if f"{url}/".startswith(f"{alias}/")
            else f"{parts.scheme}://{parts.netloc}{token[0] if token else ''}"
        )
        custom[_without_subdir(url).removeprefix(place).strip("/")] = place
    return {**custom, **_CUSTOM_CHANNELS, **configuration.custom_channels}


def _checked(url: str) -> str:
    try:
        urlsplit(url)
    except ValueError as error:
        raise ChannelError(f"{public_url(url)[:200]!r} is not a URL: {error}") from error
    return url


def _without_subdir(channel: str) -> str:
    return re.sub(_SUBDIR, "", channel.rstrip("/"))


def _local_builds(configuration: CondaConfiguration) -> str:
    """Return the folder that conda-build puts packages in."""
    candidates = [Path(os.environ["CONDA_BLD_PATH"])] if os.environ.get("CONDA_BLD_PATH") else []
    candidates += [root / "conda-bld" for root in configuration.root_prefixes]
    candidates.append(user_path("~/conda-bld"))
    for folder in candidates:
        if is_folder(folder):
            return folder.resolve().as_uri()
    raise ChannelError("the channel 'local' is conda-build's output folder, and there is none here; give its path")


def check_channels(urls: Iterable[str], configuration: CondaConfiguration) -> None:
    """Raise `ChannelError` for the URL of a channel that the configuration forbids (conda, `validate_channels`)."""

    def public(names: Sequence[str]) -> set[str]:
        return {public_url(url) for name in names for url in _urls(name, configuration)}

    if not configuration.denylist_channels and not configuration.allowlist_channels:
        return
    denied = public(configuration.denylist_channels)
    allowed = public(configuration.allowlist_channels)
    for url in (public_url(url).rstrip("/") for url in urls):
        if url in denied or (allowed and url not in allowed):
            raise ChannelError(
                f"the conda configuration does not allow the channel {url} (denylist_channels or allowlist_channels)"
            )
