"""The parts of one requirement as pip takes it: its marker, its extras, and whether it is a name or a location."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from conda_docker.environment.packages.wheels import normalize_name
from conda_docker.errors import InvalidEnvironment
from conda_docker.user_files import is_there, user_path

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
"""What a URL begins with."""

_SCHEME_WITHIN = re.compile(r"[A-Za-z0-9+.-]{2}:/")  # its end, which takes no second look at what comes before it
_NAME_AND_URL = re.compile(r"[A-Za-z0-9._-]+\s*(?:\[[^\]]*\]\s*)?@")
_ARCHIVES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip", ".tar")


def without_marker(text: str) -> tuple[str, str]:
    """Return a requirement and its environment marker as written.

    A URL may hold a semicolon, so there the marker's needs a space in front.
    """
    position = text.find(" ;") if _SCHEME_WITHIN.search(text) else text.find(";")
    return (text, "") if position < 0 else (text[:position].strip(), f" ;{text[position:].lstrip(' ;')}")


def without_extras(text: str) -> tuple[str, str]:
    """Return a requirement and its extras with their brackets, or an empty string.

    >>> without_extras("./project[cli,test]")
    ('./project', '[cli,test]')
    """
    match = re.fullmatch(r"(.*?)(\[[A-Za-z0-9._, -]*\])", text)
    return (match[1].strip(), match[2]) if match else (text, "")


def is_location(text: str, folder: Path) -> bool:
    """Return whether a requirement is a URL or a path rather than a name; paths are relative to `folder`."""
    if _NAME_AND_URL.match(text):
        return False
    if SCHEME.match(text) or text.startswith((".", "/", "~")):
        return True
    location = without_extras(text)[0]
    is_archive = location.endswith((".whl", *_ARCHIVES))
    return is_archive or (("/" in location or os.sep in location) and is_there(folder / user_path(location)))


def file_url(path: Path, where: str) -> str:
    """Return the URL of a file. Raises `InvalidEnvironment`, which says `where` it is asked for, if there is none."""
    if not is_there(path):
        raise InvalidEnvironment(f"{where}: there is nothing at {path}")
    return path.absolute().as_uri()


def wheel_name(url: str) -> str | None:
    """Return the distribution that a wheel's URL names, None for other files."""
    file_name = unquote(urlsplit(url).path.rpartition("/")[2])
    return normalize_name(file_name.partition("-")[0]) if file_name.endswith(".whl") else None
