"""Names of environments become names of folders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.environment.folder_name import folder_name


@pytest.mark.parametrize("name", ["base", "my-env_2.0", "größe", "c++"])
def test_names_that_are_kept(name: str) -> None:
    assert folder_name(name) == name


@given(st.text())
def test_any_name(name: str) -> None:
    usable = folder_name(name)
    if usable is not None:
        assert "/" not in usable
        assert usable not in ("", ".", "..")
        assert len(usable.encode()) <= 100
        assert folder_name(usable) == usable
