"""A channel with one package of another channel, a little changed and one build number higher."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rattler.index import index_fs

from conda_docker.channels.rattler_engine import run

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_ADDED = "share/changed/notice.txt"
_NOTICE = b"This file is new.\n"
_LEVEL = 7


def make_changed(archive: Path, folder: Path) -> Path:
    """Make the channel `folder`, unless it is there, with the package of `archive` and one more file in it."""
    if folder.is_dir():
        return folder
    partial = folder.with_name(f".{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    subdir = partial / archive.parent.name
    subdir.mkdir(parents=True)
    (partial / "noarch").mkdir(exist_ok=True)
    stem, _, build = archive.stem.rpartition("-")
    stem = f"{stem}-{build.rpartition('_')[0] or 'changed'}_1"
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(subdir / f"{stem}.conda", "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name.startswith("pkg-"):
                content = _repacked(content, _add_file)
            elif name.startswith("info-"):
                content = _repacked(content, lambda tar: None, _edited(stem))
            new.writestr(zipfile.ZipInfo(name.replace(archive.stem, stem)), content)
    run(lambda: index_fs(partial, write_zst=True, write_shards=False, force=True))
    partial.replace(folder)
    return folder


def _repacked(
    content: bytes, add: Callable[[tarfile.TarFile], None], edit: Callable[[str, bytes], bytes] = lambda _, data: data
) -> bytes:
    target = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(zstd.decompress(content))) as old,
        tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in old:
            data = b""
            if member.isreg():
                stream = old.extractfile(member)
                assert stream is not None
                data = edit(member.name, stream.read())
                member.size = len(data)
            new.addfile(member, io.BytesIO(data))
        add(new)
    return zstd.compress(target.getvalue(), _LEVEL)


def _add_file(tar: tarfile.TarFile) -> None:
    member = tarfile.TarInfo(_ADDED)
    member.size = len(_NOTICE)
    tar.addfile(member, io.BytesIO(_NOTICE))


def _edited(stem: str) -> Callable[[str, bytes], bytes]:
    def edit(name: str, data: bytes) -> bytes:
        if name not in ("info/index.json", "info/paths.json"):
            return data
        document: dict[str, Any] = json.loads(data)
        if name == "info/index.json":
            document |= {"build": stem.rpartition("-")[2], "build_number": document["build_number"] + 1}
        else:
            document["paths"].append(
                {
                    "_path": _ADDED,
                    "path_type": "hardlink",
                    "sha256": hashlib.sha256(_NOTICE).hexdigest(),
                    "size_in_bytes": len(_NOTICE),
                }
            )
        return json.dumps(document).encode()

    return edit
