"""Where a path leads in a tree that is not on disk: a layer, an archive, a package."""

from __future__ import annotations

from collections.abc import Callable

MAX_LINKS = 40
"""How many links are followed on the way to one path, as the Linux kernel does (path_resolution(7))."""


def _from_root(target: str) -> str | None:
    return target


def follow_links(
    path: str,
    target_of: Callable[[str], str | None],
    *,
    clamp: bool = True,
    absolute: Callable[[str], str | None] = _from_root,
    follow_last: bool = True,
) -> str | None:
    """Return where a path leads, relative to the root of its tree, whether there is something or not.

    `target_of` gives what the link at a path leads to, None when there is no link; it is asked for paths relative to
    the root. `..` goes no further up than the root, as in a container; without `clamp`, a path that leaves the tree is
    None. So is one whose links lead in a circle. `absolute` says where in the tree an absolute target is, None when it
    is outside. With `follow_last` False a link at the very end is not followed.

    >>> links = {"lib": "usr/lib", "usr/lib/a.so": "../../etc/./a.so", "etc": "/srv/etc"}
    >>> follow_links("/lib/a.so", links.get)
    'srv/etc/a.so'
    >>> follow_links("../x", links.get, clamp=False) is None
    True
    """
    todo = path.split("/")[::-1]
    done: list[str] = []
    links = 0
    while todo:
        part = todo.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if not done and not clamp:
                return None
            del done[-1:]
            continue
        target = target_of("/".join([*done, part])) if todo or follow_last else None
        if target is None:
            done.append(part)
            continue
        links += 1
        if links > MAX_LINKS:
            return None
        if target.startswith("/"):
            inside = absolute(target)
            if inside is None:
                return None
            done, target = [], inside
        todo.extend(target.split("/")[::-1])
    return "/".join(done)
