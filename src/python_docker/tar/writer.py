"""LayerWriter: the tar stream of a layer, the same bytes for the same entries on every machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, BinaryIO

from python_docker.errors import InvalidPath
from python_docker.tar.entry import EntryType, TarEntry, contained_path

if TYPE_CHECKING:
    from types import TracebackType

_BLOCK = 512
_READ_SIZE = 1 << 20
_MAX_OCTAL_7 = 0o7777777
_MAX_OCTAL_11 = 0o77777777777
_USTAR = b"ustar\x0000"
_ZEROS = bytes(_BLOCK)

# Directories of every Linux file system that are not root's 0755 (Filesystem Hierarchy Standard). A layer's entry for
# a directory replaces the attributes that lower layers gave it, so a parent must be named with the right ones.
_PARENT_MODES = {"tmp": 0o1777, "var/tmp": 0o1777, "root": 0o700}


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _header(
    name: bytes,
    mode: int,
    uid: int,
    gid: int,
    size: int,
    mtime: int,
    flag: bytes,
    link: bytes,
    prefix: bytes = b"",
    device: tuple[int, int] = (0, 0),
) -> bytes:
    # POSIX.1-2017, pax, "ustar Interchange Format"; the checksum counts its own field as spaces.
    head = name.ljust(100, b"\0") + b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (mode, uid, gid, size, mtime)
    tail = (
        flag
        + link.ljust(100, b"\0")
        + _USTAR
        + bytes(64)
        + b"%07o\0%07o\0" % device
        + prefix.ljust(155, b"\0")
        + bytes(12)
    )
    return head + b"%06o\0 " % (sum(head) + sum(tail) + 256) + tail


def _split(name: bytes) -> tuple[bytes, bytes] | None:
    """Cut a long name at a slash into ustar's prefix and name; None when it does not fit."""
    cut = name.rfind(b"/", 0, 156)
    if cut <= 0 or not 0 < len(name) - cut - 1 <= 100:
        return None
    return name[:cut], name[cut + 1 :]


def _pax_record(key: bytes, value: bytes) -> bytes:
    # "%d %s=%s\n", where the number is the length of the whole record, its own digits included.
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    if len(str(length)) != len(str(rest)):
        length = rest + len(str(length))
    return b"%d %b=%b\n" % (length, key, value)


def _is_plain(name: bytes) -> bool:
    """Whether a name needs no pax record for its characters: ASCII, or bytes that pax could not carry either."""
    if name.isascii():
        return True
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def encode_header(entry: TarEntry, path: str) -> bytes:
    """The header blocks of an entry under `path`: one of 512 bytes, with a pax header before it where one is needed."""
    name = _encode(path)
    if entry.type is EntryType.DIRECTORY:
        name += b"/"
    link = _encode(entry.link_target) if entry.link_target else b""
    mtime = entry.mtime if entry.mtime > 0 else 0
    uid, gid, size = entry.uid, entry.gid, entry.size
    records: list[bytes] = []
    prefix = b""
    if len(name) > 100 or not _is_plain(name):
        split = _split(name) if name.isascii() else None
        if split is not None:
            prefix, name = split
        else:
            records.append(_pax_record(b"path", name))
            name = name[:100]
    if len(link) > 100 or not _is_plain(link):
        records.append(_pax_record(b"linkpath", link))
        link = link[:100]
    if size > _MAX_OCTAL_11:
        records.append(_pax_record(b"size", b"%d" % size))
        size = 0
    if mtime > _MAX_OCTAL_11:
        records.append(_pax_record(b"mtime", b"%d" % mtime))
        mtime = 0
    if uid > _MAX_OCTAL_7:
        records.append(_pax_record(b"uid", b"%d" % uid))
        uid = 0
    if gid > _MAX_OCTAL_7:
        records.append(_pax_record(b"gid", b"%d" % gid))
        gid = 0
    for key, value in sorted(entry.xattrs.items()):
        records.append(_pax_record(b"SCHILY.xattr." + _encode(key), value))
    header = _header(name, entry.mode & 0o7777, uid, gid, size, mtime, entry.type.value, link, prefix, entry.device)
    if not records:
        return header
    body = b"".join(records)
    pax = _header(b"././@PaxHeader", 0o644, 0, 0, len(body), 0, b"x", b"")
    return pax + body + bytes(-len(body) % _BLOCK) + header


class LayerWriter:
    """Writes a layer's tar to `write`, which is called with `bytes` in order.

    Every parent directory of an entry is written before it, root's with mode 0755, since engines differ in what they
    make of parents that a layer does not name (image-spec, layer.md); `/tmp`, `/var/tmp` and `/root` get the modes
    that they have everywhere. Entries come in the order they are added; a path can be added once, and a hard link's
    target before the link. Owner and user names are 0:0 and empty unless an entry says otherwise.

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
    ) -> None:
        self._write = write
        self._parent_mtime = parent_mtime
        self._parent_modes = _PARENT_MODES | dict(parent_modes or {})
        self._types: dict[str, EntryType] = {}
        self.size = 0

    def __contains__(self, path: str) -> bool:
        return path in self._types

    def add(self, entry: TarEntry, content: bytes | BinaryIO | None = None) -> None:
        """Write one entry; a file's `content` has exactly `entry.size` bytes.

        A directory that was written as a parent already is passed over. Raises `InvalidPath` for a path that leaves
        the root, that was added before, or that lies below a file.
        """
        path = contained_path(entry.path)
        known = self._types.get(path)
        if known is not None:
            if known is EntryType.DIRECTORY and entry.type is EntryType.DIRECTORY:
                return
            raise InvalidPath(f"the layer has {path!r} twice")
        if entry.type is EntryType.HARDLINK:
            target = contained_path(entry.link_target)
            if target not in self._types:
                raise InvalidPath(f"the hard link {path!r} comes before its target {target!r}")
            entry = entry._replace(link_target=target)
        self._add_parents(path)
        self._types[path] = entry.type
        self._emit(encode_header(entry, path))
        if entry.type is EntryType.FILE:
            self._add_content(content if content is not None else b"", entry.size, path)

    def _add_parents(self, path: str) -> None:
        cut = path.rfind("/")
        if cut < 0:
            return
        parent = path[:cut]
        known = self._types.get(parent)
        if known is EntryType.DIRECTORY:
            return
        if known is not None:
            raise InvalidPath(f"{path!r} lies below {parent!r}, which is no directory")
        self._add_parents(parent)
        self._types[parent] = EntryType.DIRECTORY
        mode = self._parent_modes.get(parent, 0o755)
        self._emit(encode_header(TarEntry(parent, EntryType.DIRECTORY, mode, 0, self._parent_mtime), parent))

    def _add_content(self, content: bytes | BinaryIO, size: int, path: str) -> None:
        if isinstance(content, bytes):
            if len(content) != size:
                raise ValueError(f"{path}: {len(content)} bytes of content, {size} in its entry")
            if content:
                self._emit(content)
        else:
            left = size
            while left:
                data = content.read(min(left, _READ_SIZE))
                if not data:
                    raise OSError(f"{path} became shorter while it was read: {left} bytes of {size} are missing")
                self._emit(data)
                left -= len(data)
        if size % _BLOCK:
            self._emit(_ZEROS[: -size % _BLOCK])

    def _emit(self, data: bytes) -> None:
        self._write(data)
        self.size += len(data)

    def close(self) -> None:
        """Write the end of the archive: two blocks of zeros."""
        self._emit(bytes(2 * _BLOCK))

    def __enter__(self) -> LayerWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
