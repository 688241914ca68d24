"""URLs and texts without the credentials that they carried."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

# A token of anaconda.org, Artifactory and others stands in the path: https://HOST/t/TOKEN/CHANNEL
_TOKEN = re.compile(r"/t/[^/?#\s]+(?=/|$)")
_USER_INFORMATION = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/?#\s]*@")
_QUERY = re.compile(r"(?<=[^\s?\"'])\?[^\s\"'<>]+")
_URL = re.compile(r"(?i)\b[a-z][a-z0-9+.-]*://[^\s\"'<>()\\]+")


def public_url(url: str) -> str:
    """Return `url` without user name, password, `/t/TOKEN` in its path, query and fragment.

    The whole query goes: what stands there in a package's or a channel's URL is a signature or a key. What is no URL
    (a channel's name, a path) comes back as it is, and so does the path of a `file:` URL.

    >>> public_url("https://me:secret@conda.example.org/t/tk-123/team/linux-64/a-1.0-0.conda?sig=abc")
    'https://conda.example.org/team/linux-64/a-1.0-0.conda'
    >>> public_url("conda-forge")
    'conda-forge'
    """
    scheme, separator, rest = url.partition("://")
    if not separator or not scheme:
        return url
    end = min((rest.find(mark) for mark in "/?#" if mark in rest), default=len(rest))
    authority, path = rest[:end], rest[end:]
    if scheme.lower() != "file":
        path = _TOKEN.sub("", re.split(r"[?#]", path, maxsplit=1)[0])
    # The user and password end at the last @, which a password may hold too.
    return f"{scheme}://{authority.rpartition('@')[2]}{path}"


def public_text(text: str) -> str:
    """Return `text`, such as another program's error message, with every URL in it made public.

    >>> public_text("GET https://a:b@host/x failed")
    'GET https://host/x failed'
    """
    return _URL.sub(lambda match: public_url(match[0]), _USER_INFORMATION.sub(r"\1", text))


def public_log(text: str) -> str:
    """Return `text`, such as a line of another library's log or a traceback, without credentials.

    Paths of requests stand there without their hosts, so that tokens go wherever they may be, and queries too.

    >>> public_log('http://host:80 "GET /t/tk-123/team/a.conda?sig=abc HTTP/1.1" 200')
    'http://host:80 "GET /team/a.conda HTTP/1.1" 200'
    """
    return _QUERY.sub("", _TOKEN.sub("", public_text(text)))


def public_value(value: Any) -> Any:
    """Return a JSON value in which every text that is a URL is public. Deeper than 50 levels nothing is kept."""
    return _public_value(value, 50)


def _public_value(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        return public_url(value) if "://" in value else value
    if levels == 0:
        return None
    if isinstance(value, Mapping):
        return {key: _public_value(item, levels - 1) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_public_value(item, levels - 1) for item in value]
    return value
