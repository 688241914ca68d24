"""FileSystem: what a container sees, the layers of an image merged (image-spec, layer.md, "Applying Changesets")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from python_docker.errors import InvalidLayer, NotFound
from python_docker.layer import Layer
from python_docker.tar import EntryType, TarEntry, clamped_path

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
# Left by a driver that is gone; they mean nothing (moby, pkg/archive).
_AUFS = (".wh..wh.aufs", ".wh..wh.orph", ".wh..wh.plnk")
_MAX_LINKS = 40  # as the Linux kernel, path_resolution(7)


class Member(NamedTuple):
    """A path of the merged file system: its entry, and the layer (bottom is 0) that it is from."""

    entry: TarEntry
    layer: int


class FileSystem:
    """The merged file system of `layers`, bottom first. All layers are read once, when it is made.

    Paths are relative to the root. Raises `InvalidLayer` or `ContentMismatch` for damaged layers.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = layers
        self._members: dict[str, Member] = {}
        self._children: dict[str, set[str]] = {"": set()}
        for number, layer in enumerate(layers):
            self._apply(number, (entry for entry, _ in layer.entries()))

    def _apply(self, number: int, entries: Iterable[TarEntry]) -> None:
        for entry in entries:
            path = clamped_path(entry.path)
            parent, _, name = path.rpartition("/")
            if not path or name.startswith(_AUFS):
                continue
            if name == _OPAQUE:
                self._remove_children(parent, below=number)
            elif name.startswith(_WHITEOUT):
                hidden = name.removeprefix(_WHITEOUT)
                if not hidden:
                    raise InvalidLayer(f"layer {self._layers[number].digest} holds a whiteout without a name")
                self._remove(f"{parent}/{hidden}" if parent else hidden, below=number)
            else:
                self._place(path, Member(entry._replace(path=path), number))

    def _place(self, path: str, member: Member) -> None:
        self._make_parents(path, member.layer)
        old = self._members.get(path)
        if old is not None and not (old.entry.type is member.entry.type is EntryType.DIRECTORY):
            self._remove(path)
        self._members[path] = member
        parent = path.rpartition("/")[0]
        self._children[parent].add(path)
        if member.entry.type is EntryType.DIRECTORY:
            self._children.setdefault(path, set())

    def _make_parents(self, path: str, layer: int) -> None:
        parent = path.rpartition("/")[0]
        if parent in self._children:
            return
        self._place(parent, Member(TarEntry(parent, EntryType.DIRECTORY, 0o755), layer))

    def _remove(self, path: str, below: int | None = None) -> None:
        """Remove a path and what lies in it; with `below`, only what comes from lower layers."""
        self._remove_children(path, below=below)
        member = self._members.get(path)
        if member is None or self._children.get(path) or (below is not None and member.layer >= below):
            return
        del self._members[path]
        self._children.pop(path, None)
        self._children[path.rpartition("/")[0]].discard(path)

    def _remove_children(self, path: str, below: int | None = None) -> None:
        for child in list(self._children.get(path, ())):
            self._remove(child, below)

    def __contains__(self, path: str) -> bool:
        return clamped_path(path) in self._members

    def __iter__(self) -> Iterator[str]:
        """All paths, sorted."""
        return iter(sorted(self._members))

    def __len__(self) -> int:
        return len(self._members)

    def get(self, path: str) -> Member | None:
        """The member at a path, links in its folders not followed."""
        return self._members.get(clamped_path(path))

    def resolve(self, path: str, *, follow_last: bool = True) -> str:
        """`path` with every symbolic link on the way followed, within the root; it need not exist.

        Raises `NotFound` for links that lead in a circle.
        """
        todo = [part for part in reversed(path.split("/")) if part and part != "."]
        done: list[str] = []
        links = 0
        while todo:
            part = todo.pop()
            if part == "..":
                if done:
                    done.pop()
                continue
            if part in ("", "."):
                continue
            member = self._members.get("/".join([*done, part]))
            if member is None or member.entry.type is not EntryType.SYMLINK or (not todo and not follow_last):
                done.append(part)
                continue
            links += 1
            if links > _MAX_LINKS:
                raise NotFound(f"{path!r} cannot be resolved: its symbolic links lead in a circle")
            target = member.entry.link_target
            if target.startswith("/"):
                done = []
            todo.extend(reversed(target.split("/")))
        return "/".join(done)

    def read(self, path: str, limit: int = 64 << 20) -> bytes:
        """The content of a file, links followed. Reads its layer anew up to the file.

        Raises `NotFound` when there is no such file, `InvalidLayer` when it has more than `limit` bytes.
        """
        resolved = self.resolve(path)
        member = self._members.get(resolved)
        for _ in range(_MAX_LINKS):
            if member is None or member.entry.type is not EntryType.HARDLINK:
                break
            resolved = clamped_path(member.entry.link_target)
            member = self._members.get(resolved)
        if member is None or member.entry.type is not EntryType.FILE:
            raise NotFound(f"the image has no file {path!r}")
        if member.entry.size > limit:
            raise InvalidLayer(f"{path!r} has {member.entry.size} bytes; at most {limit} are read at once")
        found: bytes | None = None
        # To the end of the layer: only there are its digests known to be right.
        for entry, content in self._layers[member.layer].entries():
            if entry.type is EntryType.FILE and clamped_path(entry.path) == resolved:
                found = content.read()
        if found is None:
            raise NotFound(f"the image has no file {path!r}")
        return found
