"""Who containers run as, on bases with and without that user."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conda_docker.errors import UnsupportedInput
from conda_docker.image.base.accounts import User
from conda_docker.image.base.folder import Folder
from conda_docker.image.base.system import BaseSystem
from conda_docker.image.runtime.users import ContainerUser, container_user, home_of, note_on_home, user_files

PASSWD = "root:x:0:0:root:/root:/bin/bash\njovyan:x:1000:100::/home/jovyan:/bin/bash"
DEBIAN = BaseSystem(
    shells=("/bin/sh",),
    users={"root": User(0, 0, "/root"), "jovyan": User(1000, 100, "/home/jovyan")},
    groups={"root": 0, "users": 100},
    passwd=PASSWD,
    group="root:x:0:\nusers:x:100:\n",
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jovyan", ContainerUser("jovyan", 1000, 100, "/home/jovyan", False)),
        ("1000", ContainerUser("jovyan", 1000, 100, "/home/jovyan", False)),
        ("1000:0", ContainerUser("jovyan", 1000, 0, "/home/jovyan", False)),
        ("jovyan:root", ContainerUser("jovyan", 1000, 0, "/home/jovyan", False)),
        ("root", ContainerUser("root", 0, 0, "/root", False)),
        ("2000", ContainerUser("app", 2000, 2000, "/home/app", True)),
        ("2000:users", ContainerUser("app", 2000, 100, "/home/app", True)),
        ("me", ContainerUser("me", 1001, 1001, "/home/me", True)),
    ],
)
def test_users(text: str, expected: ContainerUser) -> None:
    assert container_user(text, DEBIAN) == expected


def test_a_name_and_a_home_are_chosen() -> None:
    user = container_user("2000:100", DEBIAN, name="dask", home="/srv/dask")
    assert user == ContainerUser("dask", 2000, 100, "/srv/dask", True)
    assert user.number == "2000:100"


def test_root_needs_no_line_in_an_empty_image() -> None:
    assert container_user("0", BaseSystem()).added is False


@pytest.mark.parametrize(
    "text", ["", ":", "A b", "x/y", "-1", "1000:", "1000:nosuch", "4294967295", "9" * 5000, "a\nb"]
)
def test_what_is_not_a_user(text: str) -> None:
    with pytest.raises(UnsupportedInput):
        container_user(text, DEBIAN)


def test_a_name_that_the_base_has_for_another() -> None:
    with pytest.raises(UnsupportedInput, match="has a user 'jovyan' already, with the number 1000"):
        container_user("2000", DEBIAN, name="jovyan")


def test_a_user_is_added_to_the_files_of_the_base() -> None:
    files = user_files(container_user("2000", DEBIAN), DEBIAN)
    assert files["/etc/passwd"].decode() == f"{PASSWD}\napp:x:2000:2000::/home/app:/bin/sh\n"
    assert files["/etc/group"].decode() == "root:x:0:\nusers:x:100:\napp:x:2000:\n"


def test_files_that_need_nothing_stay_as_they_are() -> None:
    assert user_files(container_user("jovyan", DEBIAN), DEBIAN) == {}
    assert user_files(None, DEBIAN) == {}
    assert set(user_files(container_user("2000:100", DEBIAN), DEBIAN)) == {"/etc/passwd"}


def test_an_empty_image_gets_root() -> None:
    assert user_files(None, BaseSystem()) == {
        "/etc/passwd": b"root:x:0:0:root:/root:/sbin/nologin\n",
        "/etc/group": b"root:x:0:\n",
    }


def test_the_lines_that_are_there_keep_their_bytes() -> None:
    latin = b"root:x:0:0:Ren\xe9:/root:/bin/sh\n"
    system = BaseSystem(users={"root": User(0, 0, "/root")}, passwd=latin.decode("utf-8", "surrogateescape"))
    files = user_files(container_user("1000", system), system)
    assert files["/etc/passwd"] == latin + b"app:x:1000:1000::/home/app:/sbin/nologin\n"


def test_a_user_of_the_base_keeps_its_home_unless_it_gets_another() -> None:
    assert not container_user("jovyan", DEBIAN, home="/home/jovyan").has_new_home
    user = container_user("jovyan", DEBIAN, home="/srv/x")
    assert user == ContainerUser("jovyan", 1000, 100, "/srv/x", added=False, moved=True)
    files = user_files(user, DEBIAN)
    assert files["/etc/passwd"].decode() == PASSWD.replace("/home/jovyan", "/srv/x")
    assert "/etc/group" not in files


@pytest.mark.parametrize(
    ("folder", "can_write"),
    [
        (None, False),
        (Folder(0o750, 0, 0, 1), False),
        (Folder(0o700, 1000, 100, 1), True),
        (Folder(0o500, 1000, 100, 1), False),
        (Folder(0o770, 0, 100, 1), True),
        (Folder(0o777, 0, 0, 1), True),
    ],
)
def test_a_home_that_its_user_cannot_write_to_is_noted(folder: Folder | None, can_write: bool) -> None:
    system = replace(DEBIAN, folders={} if folder is None else {"home/jovyan": folder})
    note = note_on_home(container_user("1000", system), system)
    assert can_write == (note is None)
    assert note is None or "jovyan of the base image cannot write to its home folder /home/jovyan" in note


@pytest.mark.parametrize(
    ("text", "home"), [("", "/root"), ("jovyan", "/home/jovyan"), ("1000:5", "/home/jovyan"), ("7", "/")]
)
def test_the_home_of_the_user_that_a_config_names(text: str, home: str) -> None:
    assert home_of(text, DEBIAN) == home


def test_only_ascii_digits_are_numbers() -> None:
    with pytest.raises(UnsupportedInput, match="is not a user"):
        container_user("\u0661", DEBIAN)


def test_a_new_user_and_a_new_group_may_have_one_name() -> None:
    system = BaseSystem(users={"root": User(0, 0, "/root")}, groups={"root": 0, "users": 100})
    user = container_user("app:app", system)
    assert user == ContainerUser("app", 1000, 1000, "/home/app", added=True)
    assert user_files(user, system)["/etc/group"].endswith(b"app:x:1000:\n")
    assert container_user("1000:users", system).gid == 100
