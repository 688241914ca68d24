"""A Python compiles to the same bytes on any processor: on arm64, and on one without fused multiplication.

No Python of macOS runs here. That it agrees follows from what was seen: `marshal` writes the same on all systems, and
the compiler asks the system for nothing but constant powers, which are what exact arithmetic has (see `powers`).
"""

from __future__ import annotations

import platform
import sys

import pytest

from conda_docker.link.bytecode.python_program import PythonProgram, exact_version, find_on_machine, probe_python
from tests import peers
from tests.conda_docker.link.bytecode.test_worker import compile_all, modules, pythons
from tests.peers.availability import ARM64

SLOWER = "glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2,-FMA_Usable,-AVX2_Usable"


@pytest.fixture(scope="module")
def on_arm64() -> PythonProgram:
    """Return a Python for arm64, whose version a Python of this machine has."""
    qemu = peers.require("qemu-aarch64")
    found = probe_python((str(qemu), "-L", str(ARM64), str(ARM64 / "usr/bin/python3")))
    assert found is not None
    if found.version not in pythons():
        pytest.skip(f"there is no Python {found.version} here")
    return found


def test_arm64_compiles_to_the_same_bytes(on_arm64: PythonProgram) -> None:
    [here, *_] = pythons()[on_arm64.version]
    assert here.command != on_arm64.command
    assert compile_all(on_arm64, modules()) == compile_all(here, modules())


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="glibc of x86-64 alone can be told to be slower"
)
def test_a_processor_without_fused_multiplication_compiles_to_the_same_bytes() -> None:
    here = find_on_machine(exact_version())
    assert here is not None
    slower = PythonProgram(here.command, here.version, here.tag, {**here.environ, "GLIBC_TUNABLES": SLOWER})
    assert compile_all(slower, modules()) == compile_all(here, modules())
