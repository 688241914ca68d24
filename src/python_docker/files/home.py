"""The user's home folder: one rule for settings, credentials and caches."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_NONE = Path("/nonexistent")
"""The home of accounts that have none (Debian's policy manual, 9.2.3)."""


def home_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the user's home folder: HOME, USERPROFILE, else what the system's accounts say.

    An empty HOME counts as none: programs that take it at its word use the root folder. A user without any, such as
    that of a container under an unknown user ID, gets a folder that does not exist: nothing is found in it, and nothing
    can be written to it. So does one whose home is another user's and closed, such as root's in a container that is
    started with another user: each look into it would be an error of its own.

    >>> home_folder({"HOME": "/home/ada"}).as_posix()
    '/home/ada'
    """
    named = environ.get("HOME") or environ.get("USERPROFILE")
    if named:
        closed = os.path.isdir(named) and not os.access(named, os.X_OK)  # noqa: PTH112 -- Path.is_dir() may raise
        return _NONE if closed else Path(named)
    found = Path(_expanded("~"))
    return found if found.is_absolute() else _NONE


def expand_home(path: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Return a path in which a leading `~` stands for the user's home folder, and `~name` for that of a known user.

    >>> expand_home("~/x", {"HOME": "/home/ada"}).as_posix()
    '/home/ada/x'
    """
    if path == "~" or path.startswith(("~/", "~\\")):
        return home_folder(environ) / path[2:]
    return Path(_expanded(path))


def xdg_folder(variable: str, default: str) -> Path:
    """Return a folder of the XDG Base Directory Specification: what `variable` names, else `default`.

    It is where platformdirs has it, whose import takes longer than some commands; it is below `~` for a user without a
    home.
    """
    named = os.environ.get(variable, "").strip()
    return Path(named or _expanded(default))


def _expanded(path: str) -> str:
    """Return a path with its `~` replaced, or as it is where there is no home or no such user."""
    if os.environ.get("HOME") == "" and path.partition("/")[0] == "~" and os.name == "posix":
        import pwd

        try:
            return pwd.getpwuid(os.getuid()).pw_dir + path[1:]
        except KeyError:
            return path
    # Path.expanduser() and Path.home() raise for users that are not known.
    return os.path.expanduser(path)  # noqa: PTH111
