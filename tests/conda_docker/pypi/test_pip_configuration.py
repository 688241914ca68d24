from __future__ import annotations

import os
from pathlib import Path

import pytest

from conda_docker.errors import InvalidEnvironment
from conda_docker.pypi.pip_configuration import PipConfiguration, configuration_files, read_pip_configuration


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path / "xdg")}


@pytest.mark.skipif(os.name == "nt", reason="other folders on Windows")
def test_the_users_file_wins_over_everybodys(environ: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path / "xdg/pip/pip.conf", "[global]\nindex-url = https://all\ntrusted-host = a\n  b\n")
    write(tmp_path / ".config/pip/pip.conf", "[global]\nindex_url = https://user\n[install]\nfind-links = /x\n")
    found = read_pip_configuration(environ | {"PIP_CERT": ""})
    assert found.index_url == "https://user"
    assert found.trusted_hosts == ("a", "b")
    assert found.find_links == ("/x",)


def test_variables_win_over_files(environ: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path / "own.conf", "[global]\nindex-url = https://file\nextra-index-url = https://one https://two\n")
    named = {"PIP_CONFIG_FILE": str(tmp_path / "own.conf"), "PIP_INDEX_URL": "https://variable", "PIP_NO_INDEX": "1"}
    found = read_pip_configuration(environ | named)
    assert found.index_url == "https://variable"
    assert found.extra_index_urls == ("https://one", "https://two")
    assert found.no_index


def test_no_file_is_read_when_the_configuration_file_is_the_null_device(environ: dict[str, str]) -> None:
    assert list(configuration_files(environ | {"PIP_CONFIG_FILE": os.devnull})) == []


def test_what_a_requirements_file_says_is_added_or_wins() -> None:
    configuration = PipConfiguration(index_url="https://a", extra_index_urls=("https://b",))
    found = configuration.with_options({"index-url": ("https://c",), "extra-index-url": ("https://d",), "pre": ("",)})
    assert (found.index_url, found.index_is_asked_for, found.pre) == ("https://c", True, True)
    assert found.extra_index_urls == ("https://b", "https://d")


def test_a_file_that_cannot_be_read_is_named_and_none_of_its_lines(environ: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path / "own.conf", "index-url = https://me:secret@host\n")
    with pytest.raises(InvalidEnvironment, match=r"own\.conf") as caught:
        read_pip_configuration(environ | {"PIP_CONFIG_FILE": str(tmp_path / "own.conf")})
    assert "secret" not in str(caught.value)


def test_a_pipe_is_not_waited_for(environ: dict[str, str], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "own.conf")
    with pytest.raises(InvalidEnvironment, match="cannot read pip's configuration"):
        read_pip_configuration(environ | {"PIP_CONFIG_FILE": str(tmp_path / "own.conf")})
