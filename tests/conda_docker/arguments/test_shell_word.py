"""Paths as they are typed in a shell."""

from __future__ import annotations

import os
import subprocess

import pytest

from conda_docker.arguments.shell_word import shell_word
from tests.archives import only_linux


@only_linux
@pytest.mark.parametrize("path", [b"a b.tar", b"it's \xc3\xbc.tar", b"it's \xc3\xbc\xff1.tar", b"\xff\\n'"])
def test_what_is_pasted_is_the_path(path: bytes) -> None:
    word = shell_word(os.fsdecode(path))
    word.encode()
    assert subprocess.check_output(["bash", "-c", f"printf %s {word}"]) == path
