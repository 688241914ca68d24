"""Which of the platforms that a file describes is taken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from conda_docker.environment.subdirs import host_subdir
from conda_docker.errors import InvalidEnvironment

# What every Linux system has in some version.
_COMMON = frozenset({"__unix", "__linux", "__glibc", "__archspec"})


def choose_subdir(subdirs: Iterable[str], wanted: str | None, file_name: str, of: str = "") -> str:
    """Return the subdir of a lock file to take: the one `wanted`, this machine's, or the one for Linux that there is.

    `of` says of what the file holds them, such as an environment. Raises `InvalidEnvironment` with the list.

    >>> choose_subdir(["osx-64", "linux-aarch64"], None, "conda-lock.yml")
    'linux-aarch64'
    """
    known = sorted(set(subdirs))
    if wanted is not None:
        candidates = [wanted]
    else:
        linux = [subdir for subdir in known if subdir.startswith("linux-")]
        candidates = [host_subdir(), *(linux if len(linux) == 1 else ())]
    for candidate in candidates:
        if candidate in known:
            return candidate
    missing = candidates[0]
    advice = f"; add {missing} to its platforms" if known else ""
    if any(subdir.startswith("linux-") for subdir in known):
        advice += ", or choose another with --platform"
    elif known:
        advice = f", which no Linux image can run{advice}"
    raise InvalidEnvironment(f"{file_name} has no platform {missing}{of}; it has {', '.join(known) or 'none'}{advice}")


def least_demanding(virtual: Sequence[Mapping[str, str]]) -> int:
    """Return the index of the platform that asks least of the system, which most systems can run."""
    return min(range(len(virtual)), key=lambda index: (len(virtual[index].keys() - _COMMON), _demands(virtual[index])))


def _demands(virtual: Mapping[str, str]) -> list[tuple[str, list[int]]]:
    return [(name, [int(part) for part in re.findall(r"[0-9]+", virtual[name])]) for name in sorted(virtual)]
