"""Folders of one package that are links in another: files go where the link leads, as when a client installs them.

conda and rattler write files through whatever is there. A layer that named the link as a folder would replace it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from python_docker.files.links import MAX_LINKS, follow_links

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
    final = _placed({path: target for own in links for path, target in own.items()}, prefix)
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


def _placed(links: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return links by where they are really: a folder on the way to one may be a link, too."""
    placed = dict(links)
    for _ in range(MAX_LINKS):
        found = {}
        for path, target in placed.items():
            folder, slash, name = path.rpartition("/")
            real = _resolve(folder, placed, prefix) if folder else ""
            found[path if real is None else f"{real}{slash}{name}".lstrip("/")] = target
        if found == placed:
            break
        placed = found
    return placed


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
