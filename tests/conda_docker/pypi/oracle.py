"""The oracle: what `uv pip install` installs is what the layers of wheels must come to, file by file.

What may differ is said here and nowhere else, each with its reason.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import uv

from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.link.bytecode.compiler import Compiler
from conda_docker.link.filter import KEEP_ALL, FileFilter
from conda_docker.link.prefix import Prefix
from conda_docker.pypi.wheel.archive import open_wheel
from conda_docker.pypi.wheel.wheel import LinkedWheel, link_wheel
from python_docker.tar import EntryType, LayerWriter
from tests.conda_docker.oracle import Installed, Tree, read_folder, read_layer

PYTHON = ".".join(map(str, sys.version_info[:2]))

LEFT_OUT = {
    ".lock": "uv's lock of an environment while it installs",
    "uv_cache.json": "uv's note of when a local file was changed, which no two machines have in common",
}
"""Files, by name, that uv writes and that no layer has."""

COMPILED = "__pycache__"
"""Compiled modules that come in a wheel may be of any origin: they are left out, and made from their sources."""

VIRTUAL_HEADERS = ("include/site/", "include/")
"""Headers go to another folder in a virtual environment, which uv installs to here, than in an environment of conda."""


def virtual_environment(folder: Path) -> Path:
    """Make an environment with nothing in it, and give its path."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder


def installed_by_uv(environment: Path, wheels: Sequence[Path | str]) -> Tree:
    """Return what `uv pip install` puts into an environment, without what was there."""
    before = read_folder(environment)
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--link-mode", "copy"]
    subprocess.run([*command, "--python", environment / "bin" / "python", *wheels], check=True)
    return {path: item for path, item in read_folder(environment).items() if path not in before}


def linked(
    path: Path,
    wheel: LockedWheel,
    prefix: Prefix,
    *,
    filter: FileFilter = KEEP_ALL,
    compiler: Compiler | None = None,
    without: Sequence[str] = (),
) -> tuple[Tree, LinkedWheel]:
    """Return what a wheel's layer holds below the prefix, and how it was linked."""
    link = link_wheel(
        open_wheel(path, wheel.file_name), wheel, prefix, filter=filter, compiler=compiler, without=without
    )
    pieces: list[bytes] = []
    with LayerWriter(pieces.append) as layer:
        for entry, content in link:
            layer.add(entry, content)
    return read_layer(b"".join(pieces), prefix.path), link


def normalized(tree: Mapping[str, Installed]) -> Tree:
    """Return the files of `tree` less what may differ."""
    files: Tree = {}
    for path, item in tree.items():
        folder, _, name = path.rpartition("/")
        if item.type is EntryType.DIRECTORY or name in LEFT_OUT or folder.rpartition("/")[2] == COMPILED:
            continue
        content = item.content
        if name == "direct_url.json":
            # A local wheel is named without its folder, and always with its hash.
            document = json.loads(content)
            document["url"] = document["url"].rpartition("/")[2]
            document["archive_info"] = {}
            content = json.dumps(document).encode()
        elif name == "RECORD" and folder.endswith(".dist-info"):
            content = _record(content)
        files[path.replace(*VIRTUAL_HEADERS)] = replace(item, content=content)
    return files


def _record(content: bytes) -> bytes:
    """Return a RECORD without rows about what may differ.

    uv leaves rows about files that it moves from `.data` and then does not use (scripts that an entry point replaces),
    and both rows where it writes INSTALLER over one that the wheel brings.
    """
    kept = {}
    for path, hash_, size in csv.reader(content.decode().splitlines()):
        name = path.rpartition("/")[2]
        if name in LEFT_OUT or COMPILED in path.split("/") or ".data/scripts/" in path:
            continue
        if name in ("direct_url.json", "INSTALLER"):
            hash_, size = "", ""  # noqa: PLW2901
        kept[path.replace(*VIRTUAL_HEADERS)] = f"{path.replace(*VIRTUAL_HEADERS)},{hash_},{size}"
    return "\n".join(sorted(kept.values())).encode()


def differences(theirs: Mapping[str, Installed], ours: Mapping[str, Installed]) -> list[str]:
    """Return what is not as uv installed it, a line for each path; empty when all is well."""
    expected, found = normalized(theirs), normalized(ours)
    return [
        f"{path}: {expected.get(path)} by uv, {found.get(path)} here"
        for path in sorted(expected.keys() | found.keys())
        if expected.get(path) != found.get(path)
    ]
