"""Users and groups, as a system lists them."""

from __future__ import annotations

from conda_docker.image.base.accounts import User, groups_of, users_of


def test_users() -> None:
    passwd = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\nbroken\n"
    assert dict(users_of(passwd)) == {"root": User(0, 0, "/root"), "nobody": User(65534, 65534, "/nonexistent")}


def test_groups() -> None:
    assert dict(groups_of("root:x:0:\nusers:x:100:a,b\n:x:x:\n")) == {"root": 0, "users": 100}


def test_what_is_no_number_names_nobody() -> None:
    large = "9" * 5000
    assert not dict(users_of(f"a:x:{large}:1::/:/bin/sh\nb:x:1:{large}::/:/bin/sh\nc:x:\u0661:1::/:/bin/sh\n"))
