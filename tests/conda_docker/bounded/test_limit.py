"""What a process may take, and what holds again afterwards."""

from __future__ import annotations

import subprocess
import sys

import pytest

from conda_docker.bounded.limit import usual_bounds

SCRIPT = """
import resource
from conda_docker.bounded.limit import Bounds, bounded, is_limited_by_user
kinds = resource.RLIMIT_DATA, resource.RLIMIT_FSIZE
def soft():
    return [resource.getrlimit(kind)[0] for kind in kinds]
before = soft()
with bounded(Bounds(1 << 30, 1 << 20)):
    assert soft() == [1 << 30, 1 << 20], soft()
    with bounded(Bounds(2 << 30, 2 << 20)):
        assert soft() == [1 << 30, 1 << 20], "the lower limit stays"
    assert soft() == [1 << 30, 1 << 20], soft()
assert soft() == before, soft()
assert not is_limited_by_user()
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
assert is_limited_by_user()
"""


def test_bounds_depend_on_the_machine_within_reason() -> None:
    assert 1 << 30 <= usual_bounds().memory <= 4 << 30


@pytest.mark.skipif(sys.platform != "linux", reason="nothing enforces a limit elsewhere")
def test_limits_hold_within_the_block() -> None:
    assert subprocess.run([sys.executable, "-c", SCRIPT], check=False).returncode == 0
