"""Strategies for stacks of layers, one upon the other: files, folders, links, whiteouts."""

from __future__ import annotations

import io
import tarfile

from hypothesis import strategies as st

Member = tuple[str, bytes, str | bytes]
"""A path, a type flag of tar, and a link's target or a file's content."""

PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join)
TARGETS = st.one_of(
    PATHS, PATHS.map(lambda path: f"/{path}"), st.sampled_from(["..", "../b", ".", "b/../c", "nowhere"])
)


@st.composite
def layer_members(draw: st.DrawFn) -> list[Member]:
    """The members of one layer, which holds no path twice, and nothing below what is not a folder."""
    members: dict[str, Member] = {}
    for chosen in draw(st.lists(PATHS, max_size=6, unique=True)):
        path = chosen
        kind = draw(st.sampled_from(["file", "file", "folder", "symlink", "hard link", "whiteout", "opaque"]))
        parent, _, name = chosen.rpartition("/")
        folders = [path[:place] for place, letter in enumerate(path) if letter == "/"]
        if any(members.get(folder, ("", tarfile.DIRTYPE, ""))[1] != tarfile.DIRTYPE for folder in folders):
            continue
        if kind != "folder" and any(other.startswith(f"{path}/") for other in members):
            continue
        files = [other for other, member in members.items() if member[1] == tarfile.REGTYPE and ".wh." not in other]
        if kind == "opaque":
            path, kind = f"{path}/.wh..wh..opq", "empty"
            folders.append(path.rpartition("/")[0])
            if members.get(folders[-1], ("", tarfile.DIRTYPE, ""))[1] != tarfile.DIRTYPE:
                continue
        elif kind == "whiteout":
            path, kind = f"{parent}/.wh.{name}".lstrip("/"), "empty"
        if draw(st.integers(0, 3)):
            # As engines write layers: with an entry for each folder on the way.
            for folder in folders:
                members.setdefault(folder, (folder, tarfile.DIRTYPE, ""))
        members.pop(path, None)
        if kind == "file":
            members[path] = (path, tarfile.REGTYPE, draw(st.sampled_from([b"", b"one", b"two"])))
        elif kind == "empty":
            members[path] = (path, tarfile.REGTYPE, b"")
        elif kind == "folder":
            members[path] = (path, tarfile.DIRTYPE, "")
        elif kind == "symlink":
            members[path] = (path, tarfile.SYMTYPE, draw(TARGETS))
        elif files:
            members[path] = (path, tarfile.LNKTYPE, draw(st.sampled_from(files)))
    return list(members.values())


STACKS = st.lists(layer_members(), min_size=1, max_size=4)


def tar_of(members: list[Member]) -> bytes:
    """The tar of a layer, as the standard library writes it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, flag, value in members:
            info = tarfile.TarInfo(path)
            info.type = flag
            info.mode = 0o755 if flag == tarfile.DIRTYPE else 0o644
            if isinstance(value, bytes):
                info.size = len(value)
                tar.addfile(info, io.BytesIO(value))
            else:
                info.linkname = value
                tar.addfile(info)
    return buffer.getvalue()
