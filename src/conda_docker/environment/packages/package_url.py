"""What the URL of a package says: its file name, its subdir, its channel, and where it is on this machine."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from conda_docker.redaction import public_url
from conda_docker.user_files import is_there

_HIDDEN_TOKEN = re.compile(r"/t/(?:<TOKEN>|%3CTOKEN%3E|\*+)(?=/)")


def file_name_of(url: str) -> str:
    """Return the last part of a URL's path: the archive's file name."""
    return unquote(re.split(r"[?#]", url, maxsplit=1)[0].rpartition("/")[2])


def channel_of_url(url: str) -> str | None:
    """Return the public URL of the channel that a package's URL is in, or None where it is in none.

    >>> channel_of_url("https://conda.anaconda.org/conda-forge/noarch/tzdata-2025b-h78e105d_0.conda")
    'https://conda.anaconda.org/conda-forge/'
    """
    parent = public_url(url).rpartition("/")[0]
    channel, _, subdir = parent.rpartition("/")
    return f"{channel}/" if _is_subdir(subdir) else None


def subdir_of_url(url: str) -> str | None:
    """Return the subdir that a package's URL is in, or None where it is in none."""
    subdir = public_url(url).rpartition("/")[0].rpartition("/")[2]
    return subdir if _is_subdir(subdir) else None


def without_hidden_token(url: str) -> str:
    """Return a URL without the stars or the word that conda and mamba write in the place of a token.

    Credentials for the server are found when it is asked.

    >>> without_hidden_token("https://conda.example.org/t/<TOKEN>/team/noarch/a-1.0-0.conda")
    'https://conda.example.org/team/noarch/a-1.0-0.conda'
    """
    return _HIDDEN_TOKEN.sub("", url)


def local_path(url: str) -> Path | None:
    """Return the path that a `file:` URL names if there is something, else None."""
    if not url.startswith("file:///"):
        return None
    path = unquote(url.removeprefix("file://"))
    if os.name == "nt":
        path = path.lstrip("/")  # file:///C:/channel
    return Path(path) if is_there(Path(path)) else None


def check_url(url: str) -> None:
    """Raise `ValueError` for what is not a URL, without the credentials that may be in it."""
    try:
        url.encode()
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and not parts.hostname:
            raise ValueError("it names no host")
        parts.port  # noqa: B018 -- a property that checks
    except ValueError:
        raise ValueError(f"{public_url(url)[:200]!r} is not a URL") from None


def _is_subdir(text: str) -> bool:
    return text == "noarch" or re.fullmatch(r"[a-z]+-[a-z0-9]+", text) is not None
