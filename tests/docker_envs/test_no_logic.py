"""The first release's names are names, and nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import docker_envs

MODULES = sorted(Path(docker_envs.__file__).parent.rglob("*.py"))


def is_guard(node: ast.stmt) -> bool:
    """Whether this is `if __name__ == "__main__": main()`."""
    return (
        isinstance(node, ast.If)
        and ast.unparse(node.test) == "__name__ == '__main__'"
        and len(node.body) == 1
        and isinstance(node.body[0], ast.Expr)
        and isinstance(node.body[0].value, ast.Call)
    )


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(MODULES[0].parent).as_posix())
def test_it_only_names_what_is_elsewhere(module: Path) -> None:
    for node in ast.parse(module.read_text()).body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_export = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        allowed = isinstance(node, ast.Import | ast.ImportFrom) or is_docstring or is_export or is_guard(node)
        assert allowed, ast.unparse(node)
