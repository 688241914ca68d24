"""A member's header as a `TarEntry`: ustar's fields, GNU's long names, pax records."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from python_docker.errors import InvalidLayer
from python_docker.spec.limits import MAX_PATH
from python_docker.tar.entry import NO_XATTRS, EntryType, TarEntry
from python_docker.tar.fields import mode_and_owner, number, text, time
from python_docker.tar.pax import SPARSE, XATTR, pax_number

TYPES = {member.value: member for member in EntryType} | {b"\0": EntryType.FILE, b"7": EntryType.FILE}
"""The kinds of members by their type flag."""
GNU_SPARSE = b"S"

_LINKS = (EntryType.SYMLINK, EntryType.HARDLINK)
_DEVICES = (EntryType.CHARACTER_DEVICE, EntryType.BLOCK_DEVICE)
# What other tars hold besides members (GNU tar manual, "Extensions"; Solaris tar).
_RARE = {b"V": "a volume label", b"M": "the rest of a file on another volume", b"D": "a list of a folder's files"}


def is_sparse(pax: Mapping[str, bytes]) -> bool:
    """Return whether pax records describe a sparse file of GNU's."""
    return any(key.startswith(SPARSE) for key in pax)


def describe_rare(flag: bytes) -> str:
    """Return what a member is that layers do not hold."""
    return "a GNU sparse file" if flag in TYPES or flag == GNU_SPARSE else _RARE.get(flag, f"a member of type {flag!r}")


def sparse_entry(entry: TarEntry, block: bytes, pax: Mapping[str, bytes]) -> TarEntry:
    """Return the entry of a sparse file with its real name and size; `block` is its header."""
    if not is_sparse(pax):
        return entry._replace(size=number(block[483:495], "a size"))
    size = pax.get("GNU.sparse.realsize") or pax.get("GNU.sparse.size") or b"0"
    name = pax.get("GNU.sparse.name")
    path = name.decode("utf-8", "surrogateescape") if name else entry.path
    return entry._replace(path=path, size=pax_number(size, "a size"))


def decode_entry(
    fields: tuple[bytes, ...],
    size: int,
    pax: Mapping[str, bytes],
    long_name: bytes | None,
    long_link: bytes | None,
) -> TarEntry:
    """Return the entry of a header's fields and what extends them. Raises `InvalidLayer` for what is not a member."""
    name, mode_, uid_, gid_, _, mtime, _, flag, link, magic, major, minor, prefix = fields
    if flag == b"0" and not pax and long_name is None and prefix[0] == 0 and size >= 0:
        path = name.partition(b"\0")[0].decode("utf-8", "surrogateescape")
        if path[-1:] != "/":
            # The way of nearly all members.
            mode, uid, gid = mode_and_owner(mode_, uid_, gid_)
            return TarEntry(path, EntryType.FILE, mode, size, time(mtime), "", uid, gid)
    kind = TYPES.get(flag)
    if flag == GNU_SPARSE or (pax and is_sparse(pax)):
        raise InvalidLayer("the tar holds GNU sparse files, which layers may not")
    if kind is None:
        raise InvalidLayer(f"the tar holds a member of unknown type {flag!r}")
    # GNU's own format, recognised by its magic number, keeps other things where ustar has the prefix.
    prefix = prefix if prefix[0] and magic == b"ustar\0" else b""
    path = _path(name, prefix, long_name, pax.get("path"))
    target = _path(link, b"", long_link, pax.get("linkpath")) if kind in _LINKS else ""
    mode, uid, gid = mode_and_owner(mode_, uid_, gid_)
    xattrs: Mapping[str, bytes] = NO_XATTRS
    if pax:
        if pax.get("size"):
            size = pax_number(pax["size"], "a size")
        xattrs = {key.removeprefix(XATTR): value for key, value in pax.items() if key.startswith(XATTR)}
        uid = pax_number(pax["uid"], "a user ID") if pax.get("uid") else uid
        gid = pax_number(pax["gid"], "a group ID") if pax.get("gid") else gid
    if size < 0:
        raise InvalidLayer("damaged tar: a negative size")
    if path.endswith("/"):
        if flag == b"\0":
            # So did tar before it had a flag for folders.
            kind = EntryType.DIRECTORY
            if size:
                raise InvalidLayer(f"damaged tar: the folder {path[:200]!r} has content")
        path = path.rstrip("/") or "/"
    return TarEntry(
        path,
        kind,
        mode,
        # A link's header may state its target's size, but no content follows.
        size if kind is EntryType.FILE else 0,
        pax_number(pax["mtime"], "a time") if pax.get("mtime") else time(mtime),
        target,
        uid,
        gid,
        (number(major, "a device"), number(minor, "a device")) if kind in _DEVICES else (0, 0),
        xattrs,
    )


def without_times_and_owners(
    fields: tuple[bytes, ...], pax: Mapping[str, bytes]
) -> tuple[tuple[bytes, ...], Mapping[str, bytes]]:
    """Return a header's fields and records less those times and owners that are not numbers."""

    def is_number(value: bytes, read: Callable[[bytes, str], int]) -> bool:
        try:
            read(value, "a number")
        except InvalidLayer:
            return False
        return True

    _, _, uid, gid, _, mtime, *_ = fields
    uid, gid = (field if is_number(field, number) else b"0" for field in (uid, gid))
    mtime = mtime if is_number(mtime, lambda field, _: time(field)) else b"0"
    wrong = {key for key in ("mtime", "uid", "gid") if pax.get(key) and not is_number(pax[key], pax_number)}
    plain = {key: value for key, value in pax.items() if key not in wrong}
    return (*fields[:2], uid, gid, fields[4], mtime, *fields[6:]), plain


def _path(field: bytes, prefix: bytes, long: bytes | None, record: bytes | None) -> str:
    """Return a path from a pax record (an empty one says nothing), GNU's long form, or the header itself."""
    raw = record or long
    if raw is None:
        path = text(field)
        return f"{text(prefix)}/{path}" if prefix else path
    if len(raw) > MAX_PATH:
        raise InvalidLayer(f"a path of {len(raw)} bytes in the tar; at most {MAX_PATH} are read")
    if b"\0" in raw:
        raise InvalidLayer("damaged tar: a NUL in a path")
    return raw.decode("utf-8", "surrogateescape")
