"""Profiles fill in what is not given, and leave nothing else of themselves."""

from __future__ import annotations

from typing import Any

import pytest

from conda_docker.build_options import BuildOptions
from conda_docker.profiles import PROFILES
from conda_docker.profiles.profile import Account, Profile

PROFILE = Profile(
    name="example",
    summary="an example",
    account=Account(name="someone", gid=100, variables={"WHO": "$name:$uid:$gid"}, labels={"home": "$home"}),
    prefix="/srv/env",
    cmd=("serve",),
    expose=("80",),
    env={"WHERE": "$prefix"},
    needs=("server", "other-server"),
)


def test_all_that_is_not_given_is_filled_in() -> None:
    assert PROFILE.fields_over({}) == {
        "user": "1000:100",
        "user_name": "someone",
        "workdir": "/home/someone",
        "prefix": "/srv/env",
        "cmd": ("serve",),
        "expose": ("80",),
        "env": {"WHO": "someone:1000:100", "WHERE": "/srv/env"},
        "labels": {"home": "/home/someone"},
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"cmd": ("other",)}, {"cmd": None}),
        ({"cmd": ()}, {"cmd": ("serve",)}),
        ({"expose": ("90",)}, {"expose": None}),
        ({"prefix": "/x"}, {"prefix": None, "env": {"WHO": "someone:1000:100", "WHERE": "/x"}}),
        ({"env": {"A": "1"}}, {"env": {"WHO": "someone:1000:100", "WHERE": "/srv/env", "A": "1"}}),
        ({"env": {"WHO": "me"}}, {"env": {"WHO": "me", "WHERE": "/srv/env"}}),
        ({"labels": {"home": "none"}}, {"labels": {"home": "none"}}),
        ({"user_name": "me"}, {"workdir": "/home/me", "labels": {"home": "/home/me"}}),
        ({"home": "/srv/me"}, {"workdir": "/srv/me", "labels": {"home": "/srv/me"}}),
        ({"workdir": "/data"}, {"workdir": None, "labels": {"home": "/home/someone"}}),
    ],
    ids=str,
)
def test_what_is_given_wins(given: dict[str, Any], expected: dict[str, Any]) -> None:
    found = PROFILE.fields_over(given)
    assert {name: found.get(name) for name in expected} == expected


def test_a_user_that_is_given_takes_the_place_of_the_account() -> None:
    found = PROFILE.fields_over({"user": "0"})
    assert found.keys() == {"prefix", "cmd", "expose", "env"}
    assert found["env"] == {"WHERE": "/srv/env"}


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_short_for_options(name: str) -> None:
    short = BuildOptions(profile=name)
    written = PROFILES[name].fields_over({})
    long = BuildOptions(**written)
    for field in written:
        assert getattr(short, field) == getattr(long, field)


@pytest.mark.parametrize("name", PROFILES)
def test_users_are_numbers_and_not_root(name: str) -> None:
    user, _, group = str(BuildOptions(profile=name).user).partition(":")
    assert int(user) > 0
    assert int(group) > 0


def test_an_environment_without_the_command_is_noted() -> None:
    assert PROFILE.lacks(["python", "other-server"]) is None
    note = PROFILE.lacks(["python"])
    assert note is not None
    assert "server or other-server" in note
    assert PROFILES["kubernetes"].lacks([]) is None
