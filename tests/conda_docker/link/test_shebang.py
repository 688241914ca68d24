"""First lines of scripts: what Linux runs, and what `sh` must start instead."""

from __future__ import annotations

import pytest

from conda_docker.link.shebang import python_shebang


def test_a_path_that_fits_is_the_interpreter() -> None:
    path = "/" + 124 * "p"
    assert python_shebang(path) == f"#!{path}"


@pytest.mark.parametrize("path", ["/" + 125 * "p", "/" + 63 * "é", "/opt/my env/bin/python"])
def test_sh_starts_an_interpreter_that_linux_would_not_find(path: str) -> None:
    assert python_shebang(path) == f"#!/bin/sh\n'''exec' \"{path}\" \"$0\" \"$@\" #'''"
