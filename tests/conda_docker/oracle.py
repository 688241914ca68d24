"""The oracle: what rattler installs is what the layers of an image must come to, file by file.

`Rattler.install` puts packages into a folder, `link` puts them into a layer, and `differences` compares the two: path,
type, mode, link target, bytes. What may differ is said here and nowhere else, each with its reason.
"""

from __future__ import annotations

import difflib
import hashlib
import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conda_docker.environment.locked import LockedPackage, package_from_record
from conda_docker.link.bytecode.compiler import Compiler
from conda_docker.link.filter import KEEP_ALL, FileFilter
from conda_docker.link.link import link_package
from conda_docker.link.prefix import Prefix
from conda_docker.package.archive import Package, UnsurveyedPackage, open_package
from python_docker.tar import EntryType, LayerWriter, TarReader

PREFIX = "/opt/conda"

ENVIRONMENT_FILES = {
    "CACHEDIR.TAG": "some archivers and backup programs skip folders with it, and an image is no cache",
    "conda-meta/history": "belongs to an environment, not to a package; the image's last layer has it",
}
"""Files that rattler makes in every prefix and that no package's layer has."""

MACHINE_FIELDS = {
    "extracted_package_dir": "names a folder of the machine that links",
    "link": "names a folder of the machine that links",
}
"""Fields of a record that are left out."""

CLOBBERS = "__clobbers__/"
"""Where rattler keeps the files that lost their path to another package. In an image they would only take room."""


@dataclass(frozen=True, slots=True)
class Installed:
    """One path of a prefix."""

    type: EntryType
    mode: int = 0
    target: str = ""
    content: bytes = b""

    def __str__(self) -> str:
        shown = self.target or (self.content if len(self.content) < 200 else hashlib.sha256(self.content).hexdigest())
        return f"{self.type.name} {self.mode:o} {shown!r}"


Tree = dict[str, Installed]


class RattlerFailed(Exception):
    """What rattler says of packages that it does not install."""


class Rattler:
    """A process that installs, started when it is first needed and after each crash."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._jobs = 0
        self._process: subprocess.Popen[str] | None = None

    def install(self, archives: Iterable[Path], *, prefix: str = PREFIX) -> tuple[Tree, Path]:
        """What is in the prefix after installing, and the folder of extracted packages. Raises `RattlerFailed`."""
        self._jobs += 1
        folder = self._folder / str(self._jobs)
        target, cache = folder / "prefix", folder / "cache"
        target.mkdir(parents=True)
        job = {
            "archives": [str(path) for path in archives],
            "target": str(target),
            "cache": str(cache),
            "prefix": prefix,
        }
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, Path(__file__).with_name("rattler_installer.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            error = self.close()
            raise RattlerFailed(f"rattler ended: {error}")
        if (problem := json.loads(answer)) is not None:
            raise RattlerFailed(problem)
        return read_folder(target), cache

    def close(self) -> str:
        if self._process is None:
            return ""
        _, error = self._process.communicate()
        self._process = None
        return error


def read_folder(folder: Path) -> Tree:
    """Everything below a folder."""
    tree: Tree = {}
    for current, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(current, name)
            status = path.lstat()
            mode = stat.S_IMODE(status.st_mode)
            relative = path.relative_to(folder).as_posix()
            if stat.S_ISLNK(status.st_mode):
                tree[relative] = Installed(EntryType.SYMLINK, 0o777, str(path.readlink()))
            elif stat.S_ISDIR(status.st_mode):
                tree[relative] = Installed(EntryType.DIRECTORY, mode)
            else:
                tree[relative] = Installed(EntryType.FILE, mode, content=path.read_bytes())
    return tree


def read_layer(tar: bytes, prefix: str = PREFIX) -> Tree:
    """Everything below the prefix in a layer's tar; a hard link is the file that it is a name of."""
    root = prefix.strip("/") + "/"
    tree: Tree = {}
    for entry, content in TarReader(io.BytesIO(tar)):
        if not entry.path.startswith(root):
            continue
        path = entry.path.removeprefix(root)
        if entry.type is EntryType.HARDLINK:
            tree[path] = tree[entry.link_target.removeprefix(root)]
        else:
            tree[path] = Installed(entry.type, entry.mode, entry.link_target, content.read())
    return tree


def locked(archive: Path, **fields: Any) -> LockedPackage:
    """The package that an archive is, as a solver would tell of it; `fields` win over those of its index.json."""
    content = archive.read_bytes()
    known = {"url": archive.as_uri(), "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    return package_from_record({**open_package(archive).metadata.index, **known, **fields})


def link(
    package: Package,
    record: LockedPackage,
    prefix: Prefix | None = None,
    *,
    filter: FileFilter = KEEP_ALL,
    compiler: Compiler | None = None,
    without: Collection[str] = (),
) -> bytes:
    """The tar of a layer with this package alone."""
    for _ in range(2):
        place = prefix or Prefix(PREFIX)
        linked = link_package(package, record, place, filter=filter, compiler=compiler, without=without)
        pieces: list[bytes] = []
        try:
            with LayerWriter(pieces.append) as layer:
                for entry, content in linked:
                    layer.add(entry, content)
        except UnsurveyedPackage as unsurveyed:
            unsurveyed.package.survey()
            continue
        return b"".join(pieces)
    raise AssertionError("a surveyed package must be linked or refused")


def link_archives(archives: Sequence[Path], prefix: str = PREFIX) -> Tree:
    """What these packages, in the order they are linked, come to."""
    records = [locked(path) for path in archives]
    python = next((record for record in records if record.name == "python"), None)
    place = Prefix(
        prefix,
        python.version if python is not None else None,
        python.python_site_packages_path if python is not None else None,
    )
    tree: Tree = {}
    for path, record in zip(archives, records, strict=True):
        tree |= read_layer(link(open_package(path), record, place), prefix)
    return tree


def normalized(installed: Mapping[str, Installed]) -> Tree:
    """What rattler installed, less what may differ."""
    tree: Tree = {}
    for path, item in installed.items():
        if path in ENVIRONMENT_FILES or path.startswith(CLOBBERS) or path == CLOBBERS.rstrip("/"):
            continue
        if item.type is EntryType.FILE:
            # The umask of whoever packed the archive is none of a container's business (rattler keeps modes such as
            # 0664 and 0600, conda applies the installer's umask); entry points get 0775 from rattler, 0755 from conda,
            # and records 0600, which a container's users could not read.
            item = replace(item, mode=0o755 if item.mode & 0o100 else 0o644)  # noqa: PLW2901
        elif item.type is EntryType.DIRECTORY:
            item = replace(item, mode=0o755)  # noqa: PLW2901
        if path.startswith("conda-meta/") and path.endswith(".json"):
            record = {name: value for name, value in json.loads(item.content).items() if name not in MACHINE_FIELDS}
            rows = record["paths_data"]["paths"]
            for row in rows:
                # A path that another package wins: conda records it all the same, rattler where it moved it.
                row["_path"] = row.pop("original_path", row["_path"])
            rows.sort(key=lambda row: row["_path"].split("/"))
            # rattler records a path twice when a package names it twice, as a file and an entry point, say.
            once = {row["_path"]: row for row in rows}
            record["paths_data"]["paths"] = [recorded_by_conda(row) for row in once.values()]
            record["files"] = list(once)
            if noarch := record.get("noarch"):
                # conda's own field, after those that rattler knows.
                at_end = {name: record.pop(name) for name in ("files", "paths_data")}
                record |= {"package_type": "noarch_python" if noarch == "python" else "noarch_generic"} | at_end
            content = json.dumps(record, indent=2, ensure_ascii=False).encode()
            item = replace(item, content=content)  # noqa: PLW2901
        tree[path] = item
    return tree


def recorded_by_conda(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a record with the `sha256_in_prefix` that conda writes: of every regular file, and of no link."""
    digest = row.get("sha256_in_prefix") or row.get("sha256") if row["path_type"] == "hardlink" else None
    fields = {name: value for name, value in row.items() if name != "sha256_in_prefix"}
    if digest is None:
        return fields
    order = ("_path", "path_type", "no_link", "sha256")
    before = {name: fields.pop(name) for name in order if name in fields}
    return before | {"sha256_in_prefix": digest} | fields


def differences(installed: Mapping[str, Installed], linked: Mapping[str, Installed]) -> list[str]:
    """What is not as rattler installed it, one line a path; empty when all is well."""
    expected = normalized(installed)
    return list(_differences(expected, linked))


def _differences(expected: Mapping[str, Installed], linked: Mapping[str, Installed]) -> Iterator[str]:
    for path in sorted(expected.keys() | linked.keys()):
        theirs, ours = expected.get(path), linked.get(path)
        if theirs == ours:
            continue
        if theirs is None or ours is None:
            yield f"{path}: only {'here' if theirs is None else 'in rattler'}: {theirs or ours}"
        elif path.startswith("conda-meta/") and theirs.type is ours.type:
            one, other = (item.content.decode().splitlines() for item in (theirs, ours))
            lines = difflib.unified_diff(one, other, lineterm="", n=1)
            yield "\n".join([f"{path}: {theirs.mode:o} in rattler, {ours.mode:o} here", *lines])
        else:
            yield f"{path}: {theirs} in rattler, {ours} here"
