"""What pip's own configuration says of where packages come from: files called pip.conf and variables PIP_*.

uv reads neither, so what they say is handed to it as variables of its own. The rules are pip's: files for everybody,
then the user's, then that of `PIP_CONFIG_FILE`, then variables; sections `[global]` and `[install]`.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from conda_docker.errors import InvalidEnvironment
from python_docker.files.home import home_folder
from python_docker.files.regular import read_regular_file

_LARGEST = 1 << 20  # bytes of a configuration
_SECTIONS = ("global", "install")
_TRUE = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PipConfiguration:
    """Where pip takes packages from. URLs may carry credentials, so nothing of it is shown."""

    index_url: str | None = None
    index_is_asked_for: bool = False
    """Whether a requirements file names the index, rather than pip's configuration."""
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    constraints: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    pre: bool = False
    cert: str | None = None
    proxy: str | None = None
    keyring: bool = False

    def with_options(self, options: Mapping[str, tuple[str, ...]]) -> PipConfiguration:
        """Return this configuration with the options of a requirements file, which win where there can be only one.

        `options` maps pip's long names without dashes in front, such as `extra-index-url`, to their values.
        """
        index_url = options.get("index-url")
        return replace(
            self,
            index_url=index_url[-1] if index_url else self.index_url,
            index_is_asked_for=bool(index_url),
            extra_index_urls=(*self.extra_index_urls, *options.get("extra-index-url", ())),
            find_links=(*self.find_links, *options.get("find-links", ())),
            no_index=self.no_index or "no-index" in options,
            trusted_hosts=(*self.trusted_hosts, *options.get("trusted-host", ())),
            pre=self.pre or "pre" in options,
        )


def read_pip_configuration(environ: Mapping[str, str] | None = None) -> PipConfiguration:
    """Return what the user's pip is configured to do. Raises `InvalidEnvironment` for a file that cannot be read."""
    environ = os.environ if environ is None else environ
    values: dict[str, str] = {}
    for path in configuration_files(environ):
        values |= _read_file(path)
    for name, value in environ.items():
        if name.startswith("PIP_") and value:
            values[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    return PipConfiguration(
        index_url=values.get("index-url"),
        extra_index_urls=tuple(values.get("extra-index-url", "").split()),
        find_links=tuple(values.get("find-links", "").split()),
        no_index=values.get("no-index", "").lower() in _TRUE,
        constraints=tuple(values.get("constraint", "").split()),
        trusted_hosts=tuple(values.get("trusted-host", "").split()),
        pre=values.get("pre", "").lower() in _TRUE,
        cert=values.get("cert"),
        proxy=values.get("proxy"),
        keyring=values.get("keyring-provider") == "subprocess",
    )


def configuration_files(environ: Mapping[str, str]) -> Iterator[Path]:
    """Give the files that pip reads on this system, whether they are there or not, the strongest last."""
    if environ.get("PIP_CONFIG_FILE") == os.devnull:
        return
    home = home_folder(environ)
    if sys.platform == "win32":
        yield Path(environ.get("PROGRAMDATA", r"C:\ProgramData")) / "pip" / "pip.ini"
        yield home / "pip" / "pip.ini"
        if environ.get("APPDATA"):
            yield Path(environ["APPDATA"]) / "pip" / "pip.ini"
    else:
        if sys.platform == "darwin":
            yield Path("/Library/Application Support/pip/pip.conf")
        for folder in environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":"):
            yield Path(folder) / "pip" / "pip.conf"
        yield Path("/etc/pip.conf")
        yield home / ".pip" / "pip.conf"
        yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
        if sys.platform == "darwin":
            yield home / "Library" / "Application Support" / "pip" / "pip.conf"
    if environ.get("PIP_CONFIG_FILE"):
        yield Path(environ["PIP_CONFIG_FILE"])


def _read_file(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(read_regular_file(path, _LARGEST).decode())
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}
    except (OSError, ValueError, configparser.Error) as error:
        # The message of a parser shows lines, and lines may hold passwords.
        raise InvalidEnvironment(f"cannot read pip's configuration {path}: {type(error).__name__}") from None
    return {
        name.removeprefix("--").replace("_", "-").lower(): value
        for section in _SECTIONS
        if parser.has_section(section)
        for name, value in parser.items(section)
    }
