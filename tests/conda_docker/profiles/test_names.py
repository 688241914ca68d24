"""The names of the profiles are those of the table."""

from __future__ import annotations

from conda_docker.profiles import PROFILES
from conda_docker.profiles.names import PROFILE_NAMES


def test_the_names_are_those_of_the_table() -> None:
    assert tuple(PROFILES) == PROFILE_NAMES
