"""FileSystem: what a container sees, the layers of an image merged (image-spec, layer.md, "Applying Changesets")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from python_docker.errors import InvalidLayer, NotFound
from python_docker.files.links import follow_links
from python_docker.image.layer import Layer
from python_docker.tar import WHITEOUT, EntryType, TarEntry, clamped_path

OPAQUE = ".wh..wh..opq"
# Of a driver that is gone; what else has this prefix means nothing (moby, pkg/archive).
AUFS = ".wh..wh."
_MAX_MEMBERS = 4_000_000  # some 500 bytes of memory each; the largest images have a tenth of this


class Member(NamedTuple):
    """A path of the merged file system: its entry, and the layer (bottom is 0) that it is from.

    `content` says where the content of a file is: in which layer, and under which number there. A hard link has that
    of its target, whatever becomes of the target's own path in higher layers.
    """

    entry: TarEntry
    layer: int
    content: tuple[int, int] | None = None


class FileSystem:
    """The merged file system of `layers`, bottom first. All layers are read once, when it is made.

    Paths are relative to the root. An entry whose folder is a symbolic link goes where that leads, within the root.
    Raises `InvalidLayer` or `ContentMismatch` for damaged layers.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = layers
        self._members: dict[str, Member] = {}
        self._children: dict[str, set[str]] = {"": set()}
        for number, layer in enumerate(layers):
            self._apply(number, (entry for entry, _ in layer.entries()))

    def _apply(self, layer: int, entries: Iterable[TarEntry]) -> None:
        for number, entry in enumerate(entries):
            path = clamped_path(entry.path)
            if not path:
                continue
            parent, name = self._place_of(path, layer)
            if name == OPAQUE:
                self._remove_below(parent, layer)
            elif name.startswith(AUFS):
                continue
            elif name.startswith(WHITEOUT):
                hidden = name.removeprefix(WHITEOUT)
                if hidden in ("", ".", ".."):
                    raise InvalidLayer(f"layer {self._layers[layer].digest} holds a whiteout of {hidden!r}")
                self._remove(_join(parent, hidden), layer)
            else:
                path = _join(parent, name)
                self._make_folders(parent, layer)
                content: tuple[int, int] | None = (layer, number)
                if entry.type is EntryType.HARDLINK:
                    target = self._members.get(_join(*self._place_of(clamped_path(entry.link_target), layer)))
                    content = target.content if target is not None else None
                self._place(path, Member(entry._replace(path=path), layer, content))

    def _place_of(self, path: str, layer: int) -> tuple[str, str]:
        """Return the folder that a path is really in, and its name there."""
        parent, _, name = path.rpartition("/")
        if parent not in self._children:
            try:
                parent = self.resolve(parent)
            except NotFound as error:
                raise InvalidLayer(f"layer {self._layers[layer].digest} is damaged: {error}") from None
        return parent, name

    def _place(self, path: str, member: Member) -> None:
        old = self._members.get(path)
        is_folder = member.entry.type is EntryType.DIRECTORY
        if old is not None and not (is_folder and old.entry.type is EntryType.DIRECTORY):
            # Another kind of thing takes the place of all that was there.
            self._remove(path, member.layer + 1)
        if len(self._members) >= _MAX_MEMBERS:
            raise InvalidLayer(f"the image has more than {_MAX_MEMBERS} files")
        self._members[path] = member
        self._children[path.rpartition("/")[0]].add(path)
        if is_folder:
            self._children.setdefault(path, set())

    def _make_folders(self, path: str, layer: int) -> None:
        """Make the folders on the way to `path` that are not there yet."""
        missing: list[str] = []
        while path not in self._children:
            missing.append(path)
            path = path.rpartition("/")[0]
        for folder in reversed(missing):
            self._place(folder, Member(TarEntry(folder, EntryType.DIRECTORY, 0o755), layer))

    def _remove(self, path: str, below: int) -> None:
        """Remove what layers under number `below` have at a path and in it."""
        self._remove_below(path, below)
        self._remove_member(path, below)

    def _remove_below(self, path: str, below: int) -> None:
        """Remove what layers under number `below` have in a folder."""
        found: list[str] = []
        todo = list(self._children.get(path, ()))
        while todo:
            child = todo.pop()
            found.append(child)
            todo.extend(self._children.get(child, ()))
        # What is in a folder goes before the folder: that stays while anything is left in it.
        for child in reversed(found):
            self._remove_member(child, below)

    def _remove_member(self, path: str, below: int) -> None:
        member = self._members.get(path)
        if member is None or member.layer >= below or self._children.get(path):
            return
        del self._members[path]
        self._children.pop(path, None)
        self._children[path.rpartition("/")[0]].discard(path)

    def __contains__(self, path: str) -> bool:
        return clamped_path(path) in self._members

    def __iter__(self) -> Iterator[str]:
        """Return all paths, sorted."""
        return iter(sorted(self._members))

    def __len__(self) -> int:
        return len(self._members)

    def get(self, path: str) -> Member | None:
        """Return the member at a path, links in its folders not followed."""
        return self._members.get(clamped_path(path))

    def has_file(self, path: str) -> bool:
        """Return whether a path leads to a file, links in it followed within the root."""
        with suppress(NotFound):
            member = self.get(self.resolve(path))
            return (
                member is not None
                and member.content is not None
                and member.entry.type in (EntryType.FILE, EntryType.HARDLINK)
            )
        return False

    def resolve(self, path: str, *, follow_last: bool = True) -> str:
        """Return `path` with every symbolic link on the way followed, within the root; it need not exist.

        Raises `NotFound` for links that lead in a circle.
        """
        found = follow_links(path, self._target, follow_last=follow_last)
        if found is None:
            raise NotFound(f"{path!r} cannot be resolved: its symbolic links lead in a circle")
        return found

    def _target(self, path: str) -> str | None:
        member = self._members.get(path)
        return member.entry.link_target if member is not None and member.entry.type is EntryType.SYMLINK else None

    def read(self, path: str, limit: int = 64 << 20) -> bytes:
        """Return the content of a file, links followed. Reads its layer anew up to the file.

        Raises `NotFound` when there is no such file, `InvalidLayer` when it has more than `limit` bytes.
        """
        member = self._members.get(self.resolve(path))
        if member is None or member.content is None:
            raise NotFound(f"the image has no file {path!r}")
        layer, wanted = member.content
        found: bytes | None = None
        # To the end of the layer: only there are its digests known to be right.
        for number, (entry, content) in enumerate(self._layers[layer].entries()):
            if number == wanted and entry.type is EntryType.FILE:
                if entry.size > limit:
                    raise InvalidLayer(f"{path!r} has {entry.size} bytes; at most {limit} are read at once")
                found = content.read()
        if found is None:
            raise NotFound(f"the image has no file {path!r}")
        return found


def _join(parent: str, name: str) -> str:
    return f"{parent}/{name}" if parent else name
