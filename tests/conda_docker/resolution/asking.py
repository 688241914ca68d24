"""Requests as tests make them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conda_docker.build_options import BuildOptions
from conda_docker.request import Request
from conda_docker.resolution.resolve import Resolved, resolve
from python_docker.spec.platform import Platform

AMD64 = Platform.parse("linux/amd64")


OLD_GLIBC = b"\x7fELF GNU C Library (Debian GLIBC 2.17-1) stable release version 2.17.\n"


def resolve_one(tmp_path: Path, **fields: Any) -> Resolved:
    [resolved] = resolve(Request(options=BuildOptions(cache_dir=tmp_path / "cache"), **fields))
    return resolved


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
