"""Tokens of anaconda.org and servers of its kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.channels.tokens import anaconda_tokens, with_anaconda_token

TOKENS = {"https://conda.example.org/base": "tk-1"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of tokens below BINSTAR_CONFIG_DIR, which is `tmp_path`."""
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def test_the_token_of_the_api_is_for_the_channels_too(folder: Path, tmp_path: Path) -> None:
    (folder / "https%3A%2F%2Fapi.example.org.token").write_text("tk-1\n")
    found = anaconda_tokens({"BINSTAR_CONFIG_DIR": str(tmp_path)})
    assert found == {"https://api.example.org": "tk-1", "https://conda.example.org": "tk-1"}


def test_a_token_that_is_not_text_is_passed_over(folder: Path, tmp_path: Path) -> None:
    (folder / "https%3A%2F%2Fapi.example.org.token").write_bytes(b"\xff")
    assert anaconda_tokens({"BINSTAR_CONFIG_DIR": str(tmp_path)}) == {}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://conda.example.org/base/team", "https://conda.example.org/t/tk-1/base/team"),
        ("https://conda.example.org/baseline", "https://conda.example.org/baseline"),
        ("http://conda.example.org/base", "http://conda.example.org/base"),
        ("https://other.example.org/base", "https://other.example.org/base"),
        ("https://me:secret@conda.example.org/base", "https://me:secret@conda.example.org/base"),
        ("https://conda.example.org/t/tk-2/base", "https://conda.example.org/t/tk-2/base"),
        ("file:///base", "file:///base"),
    ],
)
def test_a_token_goes_to_its_own_server_alone(url: str, expected: str) -> None:
    assert with_anaconda_token(url, TOKENS) == expected
