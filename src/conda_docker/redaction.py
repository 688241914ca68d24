"""URLs and other text without the credentials that they carried."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

# A token of anaconda.org, Artifactory and others stands in the path: https://HOST/t/TOKEN/CHANNEL
_TOKEN = re.compile(r"/t/[^/?#\s]+")
_QUERY = r"(?<=[^\s?\"'])\?[^\s\"'<>]+"
_WORD = re.compile(r"[^\s\"'<>()\\]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_SCHEME_BEFORE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}$")
# What can be a host, so that an @ further on is not the end of a user name and password.
_HOST = re.compile(r"(?:localhost|\[[0-9a-fA-F:.]+\]|[^.:@]+(?:\.[^.:@]+)+)(?::\d{0,5})?\.?")
_DIGEST = re.compile(r"sha(?:256|512):")
# A URL that was taken for a path, which has one slash where there were two.
_AS_A_PATH = re.compile(r"(?<![A-Za-z0-9+.-])((?:[a-z]{2,4}\+)?(?:https?|ftp|gs|s3):)/(?=[^/])")
# A name that says that its value is a secret, and the value, as shells, headers and configuration files write them.
_SECRET_NAME = r"(?:secret|token|passw|credential|api_?key|access_?key|private_?key)"  # noqa: S105
_ASSIGNED = (
    rf"(?i)([\w-]{{0,40}}{_SECRET_NAME}[\w-]{{0,40}}[\"']?\s{{0,4}}[=:]\s{{0,4}})"
    r"(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s\"',;)]+)"
)
_AUTHORIZATION = r"(?i)(authorization[\"']?\s{0,4}[=:]\s{0,4}[\"']?(?:(?:basic|bearer|token)\s{1,4})?)[^\s\"']+"
_NAMES_A_SECRET = rf"(?i){_SECRET_NAME}"
_SHORTEST_SECRET = 6  # characters; what is shorter occurs by chance
_HIDDEN = "***"
_VERSION_CONTROL = ("git+", "hg+", "svn+", "bzr+")


def public_url(url: str) -> str:
    """Return `url` without user name, password, `/t/TOKEN` in its path, query and fragment.

    The whole query goes: what stands there in a package's or a channel's URL is a signature or a key. Malformed URLs
    lose whatever may be a password. What is not a URL (a channel's name, a path) comes back as it is, and so does the
    path of a `file:` URL.

    >>> public_url("https://me:secret@conda.example.org/t/tk-123/team/linux-64/a-1.0-0.conda?sig=abc")
    'https://conda.example.org/team/linux-64/a-1.0-0.conda'
    >>> public_url("conda-forge"), public_url("me:secret@host/team")
    ('conda-forge', 'host/team')
    """
    scheme, separator, rest = url.partition("://")
    if not separator or not _SCHEME.fullmatch(scheme):
        return _without_password(url)
    rest = _without_user(scheme.lower(), rest)
    if scheme.lower() != "file":
        rest = _TOKEN.sub("", re.split(r"[?#]", rest, maxsplit=1)[0])
    return f"{scheme}://{rest}"


def _without_user(scheme: str, rest: str) -> str:
    """Return what follows the scheme without user name and password, which end at the last @ that can be their end."""
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    had_user = "@" in host
    if had_user:
        rest = rest[host.rindex("@") + 1 :]
        host = host.rpartition("@")[2]
    if scheme == "file" or "@" not in rest:
        return rest
    is_host = _HOST.fullmatch(host) is not None
    if scheme.startswith(_VERSION_CONTROL) and (is_host or had_user):
        return rest  # git+https://host/a.git@main
    if is_host:
        path = re.split(r"[?#]", rest, maxsplit=1)[0]
    else:
        path = rest  # the part before the @ may hold any character
    position = path.rfind("@")
    return rest if position < 0 or _DIGEST.match(path, position + 1) else rest[position + 1 :]


def _without_password(text: str) -> str:
    """Return what has no scheme without what may be a password, as in `me:secret@host` or `a/secret@host`.

    Absolute paths and names of images with digests stay as they are.
    """
    before, separator, after = text.rpartition("@")
    is_path = text.startswith(("/", ".", "~")) and not text.startswith("//")
    if not separator or is_path or _DIGEST.match(after) or not (":" in before or "/" in before):
        return text
    return after


def public_text(text: str) -> str:
    """Return `text`, such as another program's error message, with every URL in it made public.

    >>> public_text("GET https://a:b@host/x failed")
    'GET https://host/x failed'
    >>> public_text("there is no file https:/host/x?key=abc")
    'there is no file https://host/x'
    """
    text = _AS_A_PATH.sub(r"\1//", text)
    return _WORD.sub(_public_word, text) if "://" in text or "@" in text else text


def _public_word(found: re.Match[str]) -> str:
    word = found[0]
    position = word.find("://")
    if position < 0:
        return _without_password(word) if "@" in word else word
    scheme = _SCHEME_BEFORE.search(word, max(0, position - 31), position)
    start = scheme.start() if scheme else position
    return word[:start] + public_url(word[start:])


def public_log(text: str) -> str:
    """Return `text`, such as a line of another library's log or a traceback, without credentials.

    Paths of requests stand there without their hosts, so that tokens go wherever they may be, and queries too.

    >>> public_log('http://host:80 "GET /t/tk-123/team/a.conda?sig=abc HTTP/1.1" 200')
    'http://host:80 "GET /team/a.conda HTTP/1.1" 200'
    """
    return re.sub(_QUERY, "", _TOKEN.sub("", public_text(text)))


def public_output(text: str, variables: Mapping[str, str] | None = None) -> str:
    """Return what a program printed without credentials: those of URLs, and values whose names say what they are.

    The values of such `variables`, those that the program had, are hidden wherever they stand.

    >>> public_output("+ curl -H 'Authorization: Bearer abc' https://me:pw@host/x?sig=1 --token=t0k3n")
    "+ curl -H 'Authorization: Bearer ***' https://host/x --token=***"
    >>> public_output("signed in with hunter22", {"DB_PASSWORD": "hunter22"})
    'signed in with ***'
    """
    for name, value in (variables or {}).items():
        if len(value) >= _SHORTEST_SECRET and re.search(_NAMES_A_SECRET, name):
            text = text.replace(value, _HIDDEN)
    return public_log(re.sub(_ASSIGNED, rf"\1{_HIDDEN}", re.sub(_AUTHORIZATION, rf"\1{_HIDDEN}", text)))


def exposed_variable(url: str, variables: Mapping[str, str]) -> str | None:
    """Return the name of a variable whose value is a secret, by that name, and would be public with a URL.

    Some servers take tokens in places where nothing says that they are such. None where there is none.

    >>> exposed_variable("https://host/t0k3n-1/team", {"TEAM_TOKEN": "t0k3n-1"})
    'TEAM_TOKEN'
    >>> exposed_variable("https://me:t0k3n-1@host/team", {"TEAM_TOKEN": "t0k3n-1"})
    """
    parts = set(public_url(url).split("/"))
    secrets = (name for name, value in variables.items() if len(value) >= _SHORTEST_SECRET and value in parts)
    return next((name for name in secrets if re.search(_NAMES_A_SECRET, name)), None)


def public_value(value: Any) -> Any:
    """Return a JSON value in which every text that is a URL is public. Deeper than 50 levels nothing is kept."""
    return _public_value(value, 50)


def _public_value(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        return public_text(value) if "://" in value else value
    if levels == 0:
        return None
    if isinstance(value, Mapping):
        return {key: _public_value(item, levels - 1) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_public_value(item, levels - 1) for item in value]
    return value
