"""LayerWriter: the tar stream of a layer, the same bytes for the same entries on every machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, BinaryIO

from python_docker.errors import InvalidPath
from python_docker.tar.entry import EntryType, TarEntry, contained_path
from python_docker.tar.header import encode_header

if TYPE_CHECKING:
    from types import TracebackType

_BLOCK = 512
_READ_SIZE = 1 << 20
# All is handed on in pieces of this size: a call for each header and small file would take most of the time, and who
# compresses in blocks of this size need not put them together again.
_WRITE_SIZE = 1 << 20
# From this size on, a call costs less than a copy.
_UNCOPIED = 64 << 10
_ZEROS = bytes(_BLOCK)

# Directories of every Linux file system that are not root's 0755 (Filesystem Hierarchy Standard). A layer's entry for
# a directory replaces the attributes that lower layers gave it, so a parent must be named with the right ones.
PARENT_MODES = {"tmp": 0o1777, "var/tmp": 0o1777, "root": 0o700}
"""The modes of folders that a layer names because something of it is in them; those of others are 0755."""


class LayerWriter:
    """Writes a layer's tar to `write`, which is called with `bytes` in order.

    Every parent directory of an entry is written before it, root's with mode 0755, since engines differ in what they
    make of parents that a layer does not name (image-spec, layer.md); `/tmp`, `/var/tmp` and `/root` get the modes
    that they have everywhere. Entries come in the order they are added; a path can be added once, and a hard link's
    target before the link. Owner and group are 0:0 unless an entry says otherwise, user names empty.

    `write` gets blocks of 1 MiB but for the last, or, without `in_blocks`, content as it was read: one copy less.

    >>> pieces = []
    >>> with LayerWriter(pieces.append) as layer:
    ...     layer.add(TarEntry("opt/hello", size=2, mode=0o755), b"hi")
    >>> import io, tarfile
    >>> tarfile.open(fileobj=io.BytesIO(b"".join(pieces))).getnames()
    ['opt', 'opt/hello']
    """

    def __init__(
        self,
        write: Callable[[bytes], object],
        *,
        parent_mtime: int = 0,
        parent_modes: Mapping[str, int] | None = None,
        in_blocks: bool = True,
    ) -> None:
        self._write = write
        self._in_blocks = in_blocks
        self._parent_mtime = parent_mtime
        self._parent_modes = PARENT_MODES | dict(parent_modes or {})
        self._types: dict[str, EntryType] = {}
        self._pending: list[bytes | memoryview] = []
        self._pending_size = 0
        self._size = 0

    @property
    def size(self) -> int:
        """How many bytes the tar has so far."""
        return self._size + self._pending_size

    def __contains__(self, path: str) -> bool:
        return path in self._types

    def add(self, entry: TarEntry, content: bytes | BinaryIO | None = None) -> None:
        """Write one entry; a file's `content` has exactly `entry.size` bytes.

        A directory that was written as a parent already is passed over. Raises `InvalidPath` for a path that leaves
        the root, that was added before, or that lies below a file, and for a hard link to what is not there yet;
        `ValueError` for numbers that no tar can hold; `OSError` when the content is shorter than it should be.
        """
        path = contained_path(entry.path)
        kind = entry.type
        types = self._types
        known = types.get(path)
        if known is not None:
            if known is EntryType.DIRECTORY and kind is EntryType.DIRECTORY:
                return
            raise InvalidPath(f"the layer has {path!r} twice")
        if kind is EntryType.HARDLINK:
            entry = entry._replace(link_target=self._earlier(entry))
        header = encode_header(entry, path)
        cut = path.rfind("/")
        if cut >= 0 and types.get(path[:cut]) is not EntryType.DIRECTORY:
            self._add_parents(path)
        types[path] = kind
        if kind is not EntryType.FILE:
            self._emit(header)
        elif content is None or isinstance(content, bytes):
            self._add_bytes(header, content or b"", entry.size, path)
        else:
            self._emit(header)
            self._add_content(content, entry.size, path)

    def _earlier(self, link: TarEntry) -> str:
        """Return the target of a hard link. Raises `InvalidPath` when it is not there yet, or a directory."""
        target = contained_path(link.link_target)
        kind = self._types.get(target)
        if kind is None:
            raise InvalidPath(f"the hard link {link.path!r} comes before its target {target!r}")
        if kind is EntryType.DIRECTORY:
            raise InvalidPath(f"the hard link {link.path!r} leads to {target!r}, which is a directory")
        return target

    def _add_parents(self, path: str) -> None:
        missing: list[str] = []
        cut = path.rfind("/")
        while cut >= 0:
            parent = path[:cut]
            known = self._types.get(parent)
            if known is EntryType.DIRECTORY:
                break
            if known is not None:
                raise InvalidPath(f"{path!r} is below {parent!r}, which is not a directory")
            missing.append(parent)
            cut = path.rfind("/", 0, cut)
        for parent in reversed(missing):
            mode = self._parent_modes.get(parent, 0o755)
            header = encode_header(TarEntry(parent, EntryType.DIRECTORY, mode, 0, self._parent_mtime), parent)
            self._types[parent] = EntryType.DIRECTORY
            self._emit(header)

    def _add_bytes(self, header: bytes, content: bytes, size: int, path: str) -> None:
        if len(content) != size:
            raise ValueError(f"{path}: {len(content)} bytes of content, {size} in its entry")
        padding = _ZEROS[: -size % _BLOCK]
        whole = len(header) + size + len(padding)
        if self._pending_size + whole < _WRITE_SIZE:
            self._pending += (header, content, padding)
            self._pending_size += whole
            return
        for piece in (header, content, padding):
            self._emit(piece)

    def _add_content(self, content: BinaryIO, size: int, path: str) -> None:
        left = size
        read = getattr(content, "read1", content.read)  # pieces of any size will do
        while left:
            data = read(min(left, _READ_SIZE))
            if not data:
                raise OSError(f"{path} became shorter while it was read: {left} bytes of {size} are missing")
            self._emit(data)
            left -= len(data)
        self._emit(_ZEROS[: -size % _BLOCK])

    def _emit(self, data: bytes) -> None:
        if not self._in_blocks and len(data) >= _UNCOPIED:
            self._flush()
            self._write(data)
            self._size += len(data)
            return
        self._pending.append(data)
        self._pending_size += len(data)
        if self._pending_size >= _WRITE_SIZE:
            self._write_blocks()

    def _write_blocks(self) -> None:
        """Hand on all whole pieces; only the last of what is pending reaches beyond one."""
        pieces = self._pending
        last = pieces.pop()
        rest = memoryview(last)
        wanted = _WRITE_SIZE - (self._pending_size - len(last))
        while len(rest) >= wanted:
            pieces.append(rest[:wanted])
            self._write(b"".join(pieces))
            self._size += _WRITE_SIZE
            rest = rest[wanted:]
            pieces, wanted = [], _WRITE_SIZE
        self._pending = [rest]
        self._pending_size = len(rest)

    def close(self) -> None:
        """Write the end of the archive: two blocks of zeros."""
        self._emit(bytes(2 * _BLOCK))
        self._flush()

    def _flush(self) -> None:
        if self._pending:
            self._write(b"".join(self._pending))
            self._size += self._pending_size
            self._pending, self._pending_size = [], 0

    def __enter__(self) -> LayerWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
