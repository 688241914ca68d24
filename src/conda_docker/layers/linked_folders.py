"""Folders of one package that are links in another: files go where the link leads, as when a client installs them.

conda and rattler write files through whatever is there. A layer that named the link as a folder would replace it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from python_docker.files.links import follow_links

Moves = Mapping[str, str]
"""Folders, relative to the prefix, with the folders that they really are."""


def find_moves(
    paths: Sequence[Sequence[str]], links: Sequence[Mapping[str, str]], prefix: str
) -> tuple[list[dict[str, str]], list[str]]:
    """Return which folders of each package are somewhere else, and which lead out of the environment.

    `paths` are those of each package, in topological order; `links` map those of them that are symbolic links to their
    targets. Whatever the order, the link stays and the files follow it; of two links at one path the last one counts.
    Links of a package itself are its own affair, and a link that leads nowhere or out of `prefix` is not followed.

    >>> find_moves([["x/lib"], ["x/lib/a.so"]], [{"x/lib": "lib64"}, {}], "/opt/conda")
    ([{}, {'x/lib': 'x/lib64'}], [])
    """
    final: dict[str, str] = {}
    for own in links:
        final |= own
    moves: list[dict[str, str]] = []
    outside: dict[str, None] = {}
    for mine, own in zip(paths, links, strict=True):
        moved: dict[str, str] = {}
        for folder in sorted(_folders(mine)):
            if not any(part in final and part not in own for part in _ancestors(folder)):
                continue
            real = _resolve(folder, final, prefix)
            if real is None:
                outside.setdefault(folder)
            else:
                moved[folder] = real
        moves.append(moved)
    return moves, list(outside)


def move(path: str, moved: Moves) -> str:
    """Return where a path is really.

    >>> move("x/lib/a.so", {"x/lib": "x/lib64"})
    'x/lib64/a.so'
    """
    folder, slash, name = path.rpartition("/")
    return f"{moved[folder]}{slash}{name}".lstrip("/") if folder in moved else path


def _folders(paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        found.update(_ancestors(path.rpartition("/")[0]))
    return found


def _ancestors(folder: str) -> Iterable[str]:
    """Yield a folder and all that it lies in, but the root."""
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def _resolve(folder: str, links: Mapping[str, str], prefix: str) -> str | None:
    """Return where a folder is, with all links followed; None when that is not in the environment."""
    return follow_links(
        folder,
        links.get,
        clamp=False,
        absolute=lambda target: target[len(prefix) :] if f"{target}/".startswith(f"{prefix}/") else None,
    )
