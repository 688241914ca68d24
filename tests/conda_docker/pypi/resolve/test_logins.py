from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conda_docker.pypi.pip_configuration import PipConfiguration
from conda_docker.pypi.resolve.logins import index_logins

NONE = {"UV_NO_CONFIG": "1"}


def test_urls_of_pip_and_uv_hold_logins_and_pips_win() -> None:
    configuration = PipConfiguration(
        index_url="https://a:1@one.example.com/simple", extra_index_urls=("https://b:2@two.example.com:8080/simple",)
    )
    variables = {"UV_INDEX": "corp=https://c:3@three.example.com/x https://z:z@one.example.com/y", **NONE}
    assert index_logins(configuration, variables) == {
        "one.example.com": "a:1",
        "two.example.com:8080": "b:2",
        "three.example.com": "c:3",
    }


def test_variables_hold_the_login_of_an_index_with_a_name() -> None:
    variables = {
        "UV_INDEX": "my-corp=https://example.com/simple",
        "UV_INDEX_MY_CORP_USERNAME": "me",
        "UV_INDEX_MY_CORP_PASSWORD": "p@ss",
        **NONE,
    }
    assert index_logins(PipConfiguration(), variables) == {"example.com": "me:p%40ss"}


def test_uvs_own_file_holds_logins(tmp_path: Path) -> None:
    file = tmp_path / "uv.toml"
    file.write_text(
        '[[index]]\nname = "x"\nurl = "https://a:1@one.example.com"\n[pip]\nindex-url = "https://b:2@two"\n'
    )
    variables = {"UV_CONFIG_FILE": str(file)}
    assert index_logins(PipConfiguration(), variables) == {"one.example.com": "a:1", "two": "b:2"}


@pytest.mark.parametrize("text", ["[", "index = 3", "index = [[1]]\npip = 2"])
def test_a_file_that_uv_would_refuse_holds_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "uv.toml"
    file.write_text(text)
    assert index_logins(PipConfiguration(), {"UV_CONFIG_FILE": str(file)}) == {}


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for keyring")
def test_the_keyring_is_asked_for_a_user_without_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = tmp_path / "keyring"
    keyring.write_text('#!/bin/sh\n[ "$1 $2 $3" = "get https://example.com/simple me" ] && echo s3cret\n')
    keyring.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    configuration = PipConfiguration(index_url="https://me@example.com/simple")
    assert index_logins(configuration, NONE) == {"example.com": "me"}
    assert index_logins(configuration, {"UV_KEYRING_PROVIDER": "subprocess", **NONE}) == {"example.com": "me:s3cret"}
