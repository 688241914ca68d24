"""GNU tar, where it is."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache

import pytest


@cache
def _is_there() -> bool:
    if shutil.which("tar") is None:
        return False
    return b"GNU" in subprocess.run(["tar", "--version"], capture_output=True, check=False).stdout


def gnu_tar(*arguments: str, stdin: bytes = b"") -> bytes:
    """Return what GNU tar prints; without it the calling test is skipped."""
    if not _is_there():
        pytest.skip("there is no GNU tar")
    return subprocess.run(["tar", *arguments], input=stdin, check=True, capture_output=True).stdout
