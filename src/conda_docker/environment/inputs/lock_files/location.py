"""Where a lock file says that a package is: a URL, perhaps with variables or hidden tokens, or a path."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from conda_docker.environment.packages.package_url import local_path, without_hidden_token
from conda_docker.errors import InvalidEnvironment
from conda_docker.redaction import public_url
from conda_docker.user_files import is_there, user_path

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
# Where credentials stand in a URL: before an @, or after /t/.
_CREDENTIALS = re.compile(r"(?<=://)[^/?#]*@|(?<=/t/)[^/?#]+")


@dataclass(frozen=True, slots=True)
class Location:
    """A URL, and the local file or folder that it stands for, if there is one here."""

    url: str
    source: Path | None = None

    @property
    def public(self) -> str:
        """The URL without credentials."""
        return public_url(self.url)


def locate(text: str, *, folder: Path, where: str, environ: Mapping[str, str] | None = None) -> Location:
    """Return where `text`, a URL or a path, points to. Paths are relative to `folder`, and must exist.

    Variables are expanded where credentials stand (`https://$USER:$PASSWORD@HOST/`, `/t/$TOKEN/`), as conda-lock
    writes them (conda_lock/models/channel.py); a token that conda or mamba hid is left out. `where` says in messages
    what names the location. Raises `InvalidEnvironment` for a path that is not there, and for a variable that is not
    set.

    >>> locate("https://host/t/$TOKEN/c/a-1-0.conda", folder=Path(), where="line 1", environ={"TOKEN": "tk-1"}).url
    'https://host/t/tk-1/c/a-1-0.conda'
    """
    if _URL.match(text):
        url = _with_credentials(without_hidden_token(text), os.environ if environ is None else environ, where)
        return Location(url, local_path(url))
    path = folder / user_path(text)
    if not is_there(path):
        raise InvalidEnvironment(
            f"{where}: {public_url(text)[:200]!r} is neither the URL of a package nor a file that exists"
        )
    source = path.absolute()
    return Location(source.as_uri(), source)


def _with_credentials(url: str, environ: Mapping[str, str], where: str) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if not environ.get(name):
            raise InvalidEnvironment(
                f"{where}: the URL {public_url(url)} needs the environment variable {name}, which is not set"
            )
        # What is percent-encoded already stays so.
        return quote(environ[name], safe="%")

    return _CREDENTIALS.sub(lambda part: _VARIABLE.sub(value, part[0]), url)
