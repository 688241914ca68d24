"""Packages whose records conda wrote once, and those records: `files/conda-records.json`.

Real conda is not to be had everywhere, so what it writes is kept. To write it again, with a conda of this machine:

    CONDA_DOCKER_TEST_CONDA=/opt/miniforge3/bin/conda python -m tests.conda_docker.link.conda_records
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.conda_docker.channel import SyntheticChannel
from tests.conda_docker.packages import File, Folder, HardLink, Symlink, SyntheticPackage
from tests.conda_docker.real_conda import conda_in, find_conda
from tests.peers.program import Program

RECORDS = Path(__file__).with_name("files") / "conda-records.json"
PREFIX = "/tmp/conda-docker-records/env"
"""Where conda installed them: the prefix is in rewritten files, and so in their hashes."""

_LONG = "/build/" + "placehold_" * 24
_TEXT = f"#!{_LONG}/bin/sh\nexport HOME={_LONG}\n".encode()

PACKAGES = [
    SyntheticPackage(
        name="python",
        version="3.12.1",
        build="h0_cpython",
        timestamp=1_700_000_000_000,
        # It compiles nothing: conda says so, and goes on.
        files={"bin/python3.12": File(b"#!/bin/sh\nexit 0\n", mode=0o755), "bin/python": Symlink("python3.12")},
    ),
    SyntheticPackage(
        name="files",
        build_number=3,
        depends=("python >=3.12",),
        index={
            "arch": "x86_64",
            "platform": "linux",
            "constrains": ["other >=2"],
            "license": "BSD-3-Clause",
            "license_family": "BSD",
        },
        files={
            "bin/tool": File(b"tool", mode=0o755),
            "bin/second": HardLink("bin/tool", mode=0o755),
            "lib/libfiles.so.1": File(f"head\0{_LONG}/lib\0tail".encode(), placeholder=_LONG, file_mode="binary"),
            "lib/libfiles.so": Symlink("libfiles.so.1"),
            "lib64": Symlink("lib"),
            "etc/files.conf": File(_TEXT, placeholder=_LONG),
            "etc/copied": File(b"copied", no_link=True),
            "share/empty": Folder(),
            "share/doc/files": "text",
        },
    ),
    SyntheticPackage(name="features", index={"track_features": "nomkl", "timestamp": 1_600_000_000}),
    SyntheticPackage(name="generic", noarch="generic", files={"share/generic": "generic"}),
    SyntheticPackage(
        name="modules",
        noarch="python",
        depends=("python",),
        files={
            "site-packages/modules/__init__.py": "A = 1\n",
            "site-packages/modules/data.txt": "data",
            "python-scripts/modules-script": File(_TEXT, mode=0o755, placeholder=_LONG),
        },
        entry_points=("modules = modules:main",),
    ),
    SyntheticPackage(name="listed", legacy_paths=True, files={"f": "f", "p": File(_TEXT, placeholder=_LONG)}),
]

ABOUT_THE_MACHINE = {
    "extracted_package_dir",
    "indexed_timestamp",
    "link",
    "package_tarball_full_path",
    "requested_spec",
    "requested_specs",
}
"""Fields that say where and when, or what was asked for: they belong to no package's layer."""


def add_packages(channel: SyntheticChannel) -> list[Path]:
    """Write the packages into a channel, `features` in the older format, and return their archives in their order."""
    for package in PACKAGES:
        if package.name == "features":
            channel.add(package, suffix=".tar.bz2")
        else:
            channel.add(package)
    return [channel.path(package, suffix_of(package)) for package in PACKAGES]


def suffix_of(package: SyntheticPackage) -> str:
    """Return the format that a package is in."""
    return ".tar.bz2" if package.name == "features" else ".conda"


def record_with(conda: Program, folder: Path, prefix: Path) -> dict[str, Any]:
    """Install the packages into `prefix` with conda, and return what it records of each: name -> fields, paths."""
    channel = SyntheticChannel(folder / "channel")
    archives = dict(zip([package.name for package in PACKAGES], add_packages(channel), strict=True))
    conda("create", "--quiet", "--override-channels", "--channel", channel.url, "--prefix", prefix, *archives)
    records = {path.name.split("-")[0]: json.loads(path.read_text()) for path in prefix.glob("conda-meta/*.json")}
    return {name: facts(records[name], channel.url, archive) for name, archive in archives.items()}


def facts(record: Mapping[str, Any], channel: str, archive: Path) -> dict[str, Any]:
    """Return a record without what depends on the machine, its paths in order.

    That of an archive which depends on the version of a compression library is replaced by a word, if it is right.
    """
    content = archive.read_bytes()
    right = {
        "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
    }
    facts = {name: value for name, value in sorted(record.items()) if name not in ABOUT_THE_MACHINE}
    facts |= {name: "of the archive" for name, value in right.items() if facts[name] == value}
    for name in ("channel", "url"):
        facts[name] = facts[name].replace(channel, "CHANNEL")
    facts["files"] = sorted(facts["files"])
    facts["paths_data"]["paths"] = sorted(facts["paths_data"]["paths"], key=lambda row: row["_path"])
    return facts


def main() -> None:
    """Write `RECORDS` anew."""
    program = find_conda()
    if program is None:
        sys.exit("there is no conda 23.5 or later here")
    prefix = Path(PREFIX)
    shutil.rmtree(prefix.parent, ignore_errors=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            records = record_with(conda_in(program, Path(folder)), Path(folder), prefix)
    finally:
        shutil.rmtree(prefix.parent, ignore_errors=True)
    RECORDS.parent.mkdir(exist_ok=True)
    RECORDS.write_text(json.dumps(records, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
