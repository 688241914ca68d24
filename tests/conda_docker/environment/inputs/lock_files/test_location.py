"""Where a lock file says that a package is."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.environment.inputs.lock_files.location import locate
from conda_docker.errors import InvalidEnvironment


@pytest.mark.parametrize("hidden", ["<TOKEN>", "%3CTOKEN%3E", "********"])
def test_a_hidden_token_is_left_out(hidden: str) -> None:
    found = locate(f"https://example.org/t/{hidden}/c/a-1-0.conda", folder=Path(), where="line 1")
    assert found.url == "https://example.org/c/a-1-0.conda"


def test_variables_are_expanded_where_credentials_stand() -> None:
    url = "https://$USER:${PASSWORD}@example.org/$USER/a-1-0.conda"
    found = locate(url, folder=Path(), where="line 1", environ={"USER": "me", "PASSWORD": "p@ss"})
    assert found.url == "https://me:p%40ss@example.org/$USER/a-1-0.conda"
    assert found.public == "https://example.org/$USER/a-1-0.conda"


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(InvalidEnvironment, match=r"line 1: .* environment variable TOKEN"):
        locate("https://example.org/t/$TOKEN/c/a-1-0.conda", folder=Path(), where="line 1", environ={})


def test_a_path_is_relative_to_the_folder_and_must_exist(tmp_path: Path) -> None:
    (tmp_path / "a-1-0.conda").touch()
    found = locate("./a-1-0.conda", folder=tmp_path, where="line 1")
    assert found.source == tmp_path / "a-1-0.conda"
    assert found.url == (tmp_path / "a-1-0.conda").as_uri()
    with pytest.raises(InvalidEnvironment, match="line 2"):
        locate("b-1-0.conda", folder=tmp_path, where="line 2")
