"""The user's home folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from python_docker.files.home import expand_home, home_folder, xdg_folder


@pytest.mark.parametrize(
    ("environ", "home"),
    [
        ({"HOME": "/a", "USERPROFILE": "/b"}, "/a"),
        ({"HOME": "", "USERPROFILE": "/b"}, "/b"),
    ],
)
def test_the_environment_names_it(environ: dict[str, str], home: str) -> None:
    assert home_folder(environ) == Path(home)


def test_else_the_account_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda _: "/accounts/ada")
    assert home_folder({}) == Path("/accounts/ada")


def test_a_user_without_one_gets_a_folder_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert home_folder({}).is_absolute()
    assert not home_folder({}).exists()


@pytest.mark.parametrize(
    ("path", "expanded"), [("~", "/h"), ("~/a/b", "/h/a/b"), ("~ada/x", "~ada/x"), ("a/~", "a/~"), ("/x", "/x")]
)
def test_a_leading_tilde_stands_for_it(path: str, expanded: str) -> None:
    assert expand_home(path, {"HOME": "/h"}) == Path(expanded)


@pytest.mark.skipif(os.name != "posix", reason="Windows knows no HOME")
def test_an_empty_home_is_none_and_not_the_root_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    monkeypatch.setenv("HOME", "")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    account = pwd.getpwuid(os.getuid()).pw_dir
    assert home_folder({}) == Path(account)
    assert expand_home("~/x", {}) == Path(account, "x")
    assert xdg_folder("XDG_CACHE_HOME", "~/.cache") == Path(account, ".cache")
