"""The modules of a package go through the compiler in batches, and come out in their order."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, cast

import pytest

from conda_docker.link.bytecode import modules
from conda_docker.link.bytecode.compiler import Compiler, DoesNotCompile, Module
from conda_docker.link.bytecode.modules import CompiledModules
from conda_docker.link.prefix import Prefix


class Echo:
    """A compiler whose `.pyc` files are the sources; what begins with `!` does not compile."""

    tag = "cpython-312"

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def compile(self, batch: Sequence[Module]) -> Future[list[bytes | DoesNotCompile]]:
        self.batches.append([module.path for module in batch])
        done: Future[list[bytes | DoesNotCompile]] = Future()
        done.set_result(
            [DoesNotCompile("odd") if module.source.startswith(b"!") else module.source for module in batch]
        )
        return done


def compiled(compiler: Echo, keeps: Any = lambda place: True) -> CompiledModules:
    return CompiledModules(cast("Compiler", compiler), Prefix("/opt/conda", "3.12"), 7, keeps)


def test_pyc_files_come_in_the_order_of_their_sources() -> None:
    found = compiled(Echo())
    entries = [*found.add("a.py", b"1"), *found.add("b/c.py", b"22"), *found.rest()]
    assert [(entry.path, entry.size, entry.mtime, content) for entry, content in entries] == [
        ("opt/conda/__pycache__/a.cpython-312.pyc", 1, 7, b"1"),
        ("opt/conda/b/__pycache__/c.cpython-312.pyc", 2, 7, b"22"),
    ]
    assert [(row.path, row.size) for row in found.rows] == [
        ("__pycache__/a.cpython-312.pyc", 1),
        ("b/__pycache__/c.cpython-312.pyc", 2),
    ]


def test_what_does_not_compile_is_said() -> None:
    found = compiled(Echo())
    assert [*found.add("a.py", b"!"), *found.rest()] == []
    assert found.failed == {"a.py": "odd"}


def test_a_module_that_is_too_large_is_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modules, "MAX_SOURCE", 3)
    compiler = Echo()
    found = compiled(compiler)
    assert [*found.add("a.py", b"1234"), *found.rest()] == []
    assert (found.failed, compiler.batches) == ({"a.py": "it has 4 bytes"}, [])


def test_what_the_package_has_or_nobody_wants_is_not_made() -> None:
    compiler = Echo()
    found = compiled(compiler, keeps=lambda place: "b" not in place)
    found.shipped = {"__pycache__/a.cpython-312.pyc"}
    assert [*found.add("a.py", b"1"), *found.add("b.py", b"1"), *found.rest()] == []
    assert compiler.batches == []


def test_batches_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modules, "_BATCH_MODULES", 2)
    monkeypatch.setattr(modules, "_MAX_BATCHES", 2)
    compiler = Echo()
    found = compiled(compiler)
    given = [[entry.path.rpartition("/")[2][0] for entry, _ in found.add(f"{name}.py", b"1")] for name in "abcdef"]
    assert given == [[], [], [], ["a", "b"], [], ["c", "d"]]
    assert [len(batch) for batch in compiler.batches] == [2, 2, 2]
