"""What tells programs which environment is active."""

from __future__ import annotations

import pytest

from conda_docker.environment.active import active_variables


@pytest.mark.parametrize(
    ("prefix", "is_root_prefix", "name"),
    [
        ("/opt/conda", True, "base"),
        ("/opt/conda", False, "/opt/conda"),
        ("/opt/conda/envs/app", False, "app"),
        ("/envs", False, "/envs"),
    ],
)
def test_the_name_of_an_environment(prefix: str, is_root_prefix: bool, name: str) -> None:
    assert active_variables(prefix, is_root_prefix=is_root_prefix) == {
        "CONDA_PREFIX": prefix,
        "CONDA_SHLVL": "1",
        "CONDA_DEFAULT_ENV": name,
    }
