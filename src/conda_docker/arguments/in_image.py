"""What is said of the inside of an image: folders, homes, modes, ports, files to add; in the form of `values`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from conda_docker.arguments.values import BILL_FORMATS, to_optional_number, to_path, to_text, to_texts, wrong_type
from python_docker.errors import InvalidPath

_SYSTEM_FOLDERS = frozenset({"bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "root", "sbin", "sys"})
_SHARED_FOLDERS = frozenset({"home", "media", "mnt", "opt", "run", "srv", "tmp", "usr", "var"})
_ACCOUNT = r"[^\s:/-][^\s:/]{0,255}"
LARGEST_ID = 2**32 - 2
"""The largest number of a user or a group: credentials(7), the last one means "no change"."""
_PORT = r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp|sctp))?"


def to_home(name: str, value: object) -> str | None:
    """Return the home folder of a user as `/etc/passwd` has it (passwd(5)), or None.

    Raises `InvalidPath` for a relative path, for a folder of the system, which would become the user's own, and for
    what a line of that file cannot hold.

    >>> to_home("home", "/home//app/")
    '/home/app'
    """
    text = to_text(name, value)
    if text is None:
        return None
    if not text.startswith("/") or ":" in text or not text.isprintable():
        raise InvalidPath(f"{name} must be an absolute path without ':', such as /home/app, not {text[:200]!r}")
    from python_docker.tar import clamped_path, contained_path

    top, _, below = clamped_path(text).partition("/")
    if not top or top in _SYSTEM_FOLDERS or (top in _SHARED_FOLDERS and not below):
        raise InvalidPath(f"{name} cannot be {text[:200]!r}, a folder of the system; choose one such as /home/app")
    return f"/{contained_path(text)}"


def to_user(name: str, value: object) -> str | None:
    """Return `USER[:GROUP]`, each a name or a number, or None. Whether the image has them is not known yet.

    >>> to_user("user", 1000), to_user("user", "app:staff"), to_user("user", "0100")
    ('1000', 'app:staff', '100')
    """
    text = to_text(name, value)
    if text is None:
        return None
    parts = text.split(":")
    if len(parts) > 2 or not text.isprintable() or not all(re.fullmatch(_ACCOUNT, part) for part in parts):
        raise ValueError(f"{name} must be a name or a number, such as 1000, 1000:100 or app, not {text[:80]!r}")
    if any(part.isdecimal() and int(part) > LARGEST_ID for part in parts):
        raise ValueError(f"{name} cannot be {text[:80]!r}: the largest number of a user or a group is {LARGEST_ID}")
    # One number has one spelling in the image, as runtimes read it.
    return ":".join(str(int(part)) if re.fullmatch(r"[0-9]+", part) else part for part in parts)


def to_user_name(name: str, value: object) -> str | None:
    """Return the name of a user, or None. Whether a base has it, which may have any, is not known yet.

    >>> to_user_name("user_name", "jovyan")
    'jovyan'
    """
    text = to_text(name, value)
    if text is not None and not re.fullmatch(_ACCOUNT, text):
        raise ValueError(f"{name} cannot be {text[:80]!r}; use lower-case letters, digits, '_' and '-'")
    return text


def to_folder(name: str, value: object) -> str | None:
    """Return the absolute path of a folder in the image, or None. Raises `InvalidPath` for a relative one.

    Runtimes start nothing in a relative folder (runtime-spec, config.md, `cwd`). Whatever the spelling, the path is the
    same, as with a Dockerfile's WORKDIR.

    >>> to_folder("workdir", "/srv//app/./")
    '/srv/app'
    """
    text = to_text(name, value)
    if text is not None and (not text.startswith("/") or "\0" in text):
        raise InvalidPath(f"{name} must be an absolute path in the image, such as /srv, not {text[:200]!r}")
    return None if text is None else posixpath.normpath(f"/{text.lstrip('/')}")


def to_mode(name: str, value: object) -> int | None:
    """Return the mode of a file, or None: a string is octal, as chmod(1) takes it.

    >>> to_mode("chmod", "644") == to_mode("chmod", 0o644)
    True
    """
    if isinstance(value, str):
        try:
            value = int(value, 8)
        except ValueError:
            raise ValueError(f"{name} must be an octal mode such as 644 or 0755, not {str(value)[:80]!r}") from None
    mode = to_optional_number(name, value)
    if mode is not None and not 0 <= mode <= 0o777:
        raise ValueError(f"{name} must be from 0 to 777, in octal digits")
    return mode


def to_ports(name: str, value: object) -> tuple[str, ...]:
    """Return ports as images have them, such as `8080/tcp`; a range gives each of its ports.

    >>> to_ports("expose", 80), to_ports("expose", ["5000-5001/udp"])
    (('80/tcp',), ('5000/udp', '5001/udp'))
    """
    if isinstance(value, int) or (isinstance(value, Iterable) and not isinstance(value, str | bytes)):
        numbers = [value] if isinstance(value, int) else list(value)
        value = [to_text(name, number) for number in numbers]
    ports = []
    for text in to_texts(name, value):
        match = re.fullmatch(_PORT, text.lower())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if match is None or not 1 <= first <= last <= 65535:
            raise ValueError(f"{name}: {text[:80]!r} is not a valid port; write 8080, 53/udp or 9000-9010")
        ports += [f"{port}/{match[3] or 'tcp'}" for port in range(first, last + 1)]
    return tuple(ports)


def to_additions(name: str, value: object) -> tuple[tuple[Path, str], ...]:
    """Return pairs of a path on this machine and one in the image: pairs, or strings `SRC:DST`.

    >>> to_additions("add", "app:/srv/app")
    ((PosixPath('app'), '/srv/app'),)
    """
    if value is None:
        return ()
    if isinstance(value, Mapping):
        value = value.items()
    if isinstance(value, str) or not isinstance(value, Iterable):
        value = [value]
    additions = []
    for item in value:
        source, target = _addition(name, item)
        if not target.startswith("/"):
            raise ValueError(f"{name}: the place in the image must be an absolute path, not {target[:200]!r}")
        if ".." in target.split("/"):
            raise ValueError(f"{name}: the place in the image may not hold '..': {target[:200]!r}")
        additions.append((source, target))
    return tuple(additions)


def _addition(name: str, item: object) -> tuple[Path, str]:
    if isinstance(item, str):
        source, colon, target = item.rpartition(":")
        if not colon or not source:
            raise ValueError(f"{name}: expected SRC:DST, got {item[:200]!r}")
        return Path(source), target
    if isinstance(item, tuple | list) and len(item) == 2:
        path, place = to_path(name, item[0]), to_text(name, item[1])
        if path is not None and place is not None:
            return path, place
    raise wrong_type(name, "pairs of a path on this machine and one in the image", item)


def to_bill_formats(name: str, value: object) -> tuple[str, ...]:
    """Return names of formats, each once and in the order of `BILL_FORMATS`: the order that is asked in means nothing.

    Raises `ValueError` for a format that there is not.
    """
    given = to_texts(name, value)
    for text in given:
        if text not in BILL_FORMATS:
            raise ValueError(f"{name} must be {' or '.join(map(repr, BILL_FORMATS))}, not {text[:80]!r}")
    return tuple(known for known in BILL_FORMATS if known in given)
