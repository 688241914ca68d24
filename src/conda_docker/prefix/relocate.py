"""Relocation: paths of this machine in files become paths in the image, in text files, programs and links.

Unlike the placeholder of a package, which is long and found nowhere else, a prefix may begin the name of another
folder: /srv/env is not in /srv/env-old. So what follows is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from conda_docker.errors import PlaceholderTooLong
from conda_docker.link.placeholder import replace_binary, replace_shebang

# What would make a path that starts with a prefix the path of something else: env-old, env2, env.bak.
_GOES_ON = rb"(?![A-Za-z0-9_-]|\.[A-Za-z0-9_])"


@dataclass(frozen=True)
class Relocation:
    """Folders of this machine, each with the path that it has in the image.

    >>> Relocation((("/home/me/env", "/opt/conda"),)).text(b"/home/me/env/bin /home/me/env-old")
    b'/opt/conda/bin /home/me/env-old'
    """

    moves: tuple[tuple[str, str], ...]

    @cached_property
    def _new(self) -> dict[bytes, bytes]:
        return dict(_spellings(self.moves))

    @cached_property
    def _pattern(self) -> re.Pattern[bytes]:
        # The longer first: a folder of sources may be in the prefix, or the prefix in it.
        old = sorted(self._new, key=len, reverse=True)
        return re.compile(b"(" + b"|".join(map(re.escape, old)) + b")" + _GOES_ON)

    @property
    def longest(self) -> int:
        """How many bytes the longest path has that is looked for, and what follows it."""
        return max(map(len, self._new)) + 2

    def concerns(self, content: bytes) -> bool:
        """Return whether a content names one of the folders."""
        return self._pattern.search(content) is not None

    def moves_in(self, content: bytes) -> list[tuple[str, str]]:
        """Return the moves of those folders that a content names."""
        return [move for move in self.moves if re.search(re.escape(_bytes(move[0])) + _GOES_ON, content)]

    def text(self, content: bytes) -> bytes:
        """Return a string with every occurrence replaced, and a first line that Linux can run."""
        line, rest = b"", content
        if content.startswith(b"#!"):
            end = content.find(b"\n")
            line, rest = (content, b"") if end < 0 else (content[:end], content[end:])
            found = self._pattern.search(line)
            if found is not None:
                line = replace_shebang(line, found[1], self._new[found[1]])
        return line + self._pattern.sub(lambda found: self._new[found[1]], rest)

    def binary(self, content: bytes, what: str) -> bytes:
        """Return a program or a library with its C strings replaced, of the same size.

        Raises `PlaceholderTooLong`, naming `what`, where a path in the image is longer than the one that is there.
        """
        for old, new in self.moves_in(content):
            if len(_bytes(new)) > len(_bytes(old)):
                raise PlaceholderTooLong(f"{what} holds the path {old}, which has no room for {new}")
            content = replace_binary(content, old, new, what)
        return content

    def link(self, target: str) -> str:
        """Return the target of a symbolic link, which is another one if it leads into one of the folders."""
        for old, new in sorted(self.moves, key=lambda move: len(move[0]), reverse=True):
            if target == old or target.startswith(f"{old}/"):
                return new + target[len(old) :]
        return target


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _spellings(moves: Iterable[tuple[str, str]]) -> Iterable[tuple[bytes, bytes]]:
    """Yield each move as it stands in text files, and as it does in URLs where that is different."""
    for old, new in moves:
        yield _bytes(old), _bytes(new)
        if quote(old) != old:
            yield quote(old).encode(), quote(new).encode()
