"""Which peers there are, what brings each, and whether this machine can use it."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

REQUIRE_PEERS = "CONDA_DOCKER_REQUIRE_PEERS"
"""The environment variable that, set to 1, turns the skip of a test whose peer is missing into a failure."""

ARM64 = Path(__file__).parents[2] / ".peers" / "arm64"
"""A Debian for arm64 with nothing but a Python, which `qemu-aarch64` runs."""

OPENIDC = Path("/usr/lib/apache2/modules/mod_auth_openidc.so")
"""Apache's module for OpenID Connect, where Debian has it."""

_ADMIN_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


@dataclass(frozen=True, slots=True)
class Peer:
    """A program that tests need: what it is called, what brings it, and what else must be true before it can be used.

    `obstacle` gets the program's path and returns a reason why it cannot be used here, or None.
    """

    program: str
    package: str
    version: tuple[str, ...]
    obstacle: Callable[[Path], str | None] = lambda _program: None


def find_program(name: str) -> Path | None:
    """Return where a program is, looking also into the administrator's folders, which a plain user's PATH may lack."""
    found = shutil.which(name, path=search_path())
    return Path(found) if found else None


def search_path() -> str:
    """Return the PATH that peers are looked for and run with."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *_ADMIN_FOLDERS])


def _needs_root(program: Path) -> str | None:
    if os.geteuid() != 0:
        return f"{program.name} needs root"
    probe = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "true"]
    if (
        find_program("unshare") is None
        or subprocess.run(probe, capture_output=True, timeout=30, check=False).returncode
    ):
        return f"{program.name} needs new mount and process namespaces, which this machine refuses"
    return None


def _needs_client(program: Path) -> str | None:
    if find_program("docker") is None:
        return "the program docker (Debian packages docker.io, docker-cli) is missing"
    return _needs_root(program)


def _needs_runc(program: Path) -> str | None:
    if find_program("runc") is None:
        return f"the program runc (Debian package runc) is missing, with which {program.name} starts containers"
    return _needs_root(program)


def _needs_namespaces(program: Path) -> str | None:
    probe = [str(program), "--ro-bind", "/", "/", "--unshare-all", "true"]
    ended = subprocess.run(probe, capture_output=True, text=True, timeout=30, check=False)
    return f"{program.name} cannot make namespaces here: {ended.stderr.strip()}" if ended.returncode else None


def _needs_openidc(program: Path) -> str | None:
    if not OPENIDC.exists():
        return "Apache's module for OpenID Connect (Debian package libapache2-mod-auth-openidc) is missing"
    return None


def _needs_fuse(program: Path) -> str | None:
    if find_program("mkntfs") is None:
        return "the program mkntfs (Debian package ntfs-3g) is missing"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return f"{program.name} needs /dev/fuse, which this machine does not have"
    return _needs_root(program)


def _needs_python(program: Path) -> str | None:
    if not (ARM64 / "usr/bin/python3").exists():
        return f"there is no Python for arm64 in {ARM64.relative_to(ARM64.parents[1])} (`make peers` puts one there)"
    return None


def _needs_static(program: Path) -> str | None:
    return None if is_static(program) else f"{program} is linked to shared libraries"


def is_static(program: Path) -> bool:
    """Tell whether a 64-bit little-endian ELF program runs without a loader: whether it has no PT_INTERP segment."""
    with program.open("rb") as file:
        header = file.read(64)
        if header[:6] != b"\x7fELF\x02\x01":
            return False
        (table_offset,) = struct.unpack_from("<Q", header, 32)
        entry_size, entries = struct.unpack_from("<HH", header, 54)
        file.seek(table_offset)
        table = file.read(entry_size * entries)
    interpreter_segment = 3
    return all(struct.unpack_from("<I", table, i * entry_size)[0] != interpreter_segment for i in range(entries))


PEERS = {
    "docker-registry": Peer("docker-registry", "docker-registry", ("--version",)),
    "skopeo": Peer("skopeo", "skopeo", ("--version",)),
    "umoci": Peer("umoci", "umoci", ("--version",)),
    "dockerd": Peer("dockerd", "docker.io", ("--version",), _needs_client),
    "containerd": Peer("containerd", "containerd", ("--version",), _needs_runc),
    "ctr": Peer("ctr", "containerd", ("--version",)),
    "podman": Peer("podman", "podman", ("--version",), _needs_runc),
    "catatonit": Peer("catatonit", "catatonit", ()),
    "bwrap": Peer("bwrap", "bubblewrap", ("--version",), _needs_namespaces),
    "runc": Peer("runc", "runc", ("--version",), _needs_root),
    "busybox": Peer("busybox", "busybox-static", (), _needs_static),
    "apache2": Peer("apache2", "libapache2-mod-auth-openidc", (), _needs_openidc),
    "htpasswd": Peer("htpasswd", "apache2-utils", ()),
    "lowntfs-3g": Peer("lowntfs-3g", "ntfs-3g", (), _needs_fuse),
    "chromium": Peer("chromium", "chromium", ("--version",)),
    "qemu-aarch64": Peer("qemu-aarch64", "qemu-user", ("--version",), _needs_python),
    "unshare": Peer("unshare", "util-linux", ("--version",), _needs_root),
}

used: set[str] = set()
"""The peers that tests of this process asked for and got."""


@cache
def missing(name: str) -> str | None:
    """Return in one plain sentence why a peer cannot be used on this machine, or None when it can."""
    peer = PEERS[name]
    program = find_program(peer.program)
    if program is None:
        return f"the program {peer.program} (Debian package {peer.package}) is missing"
    return peer.obstacle(program)


def require(name: str) -> Path:
    """Return a peer's program; without it the calling test is skipped, or fails where `REQUIRE_PEERS` is 1."""
    reason = missing(name)
    if reason is not None:
        if os.environ.get(REQUIRE_PEERS) == "1":
            pytest.fail(f"{reason}, and {REQUIRE_PEERS}=1 asks for it", pytrace=False)
        pytest.skip(reason)
    used.add(name)
    program = find_program(PEERS[name].program)
    assert program is not None
    return program


def version(name: str) -> str:
    """Return a peer's name and the version that it prints of itself."""
    peer = PEERS[name]
    program = find_program(peer.program)
    if program is None or not peer.version:
        return name
    printed = subprocess.run([program, *peer.version], capture_output=True, text=True, timeout=30, check=False).stdout
    numbers = [word.rstrip(",") for word in printed.split() if word[0].isdigit() or word[:2] in ("v1", "v2")]
    return f"{name} {numbers[0]}" if numbers else name
