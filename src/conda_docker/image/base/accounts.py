"""Accounts: the users and groups of a system, as /etc/passwd and /etc/group list them (passwd(5), group(5))."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

ACCOUNTS = ("etc/passwd", "etc/group")
_NUMBER = r"[0-9]{1,10}"


class User(NamedTuple):
    """A line of `/etc/passwd` (passwd(5))."""

    uid: int
    gid: int
    home: str


def users_of(passwd: str) -> Iterator[tuple[str, User]]:
    """Yield the users of an /etc/passwd with their names; a line that is not of its form is passed over.

    >>> dict(users_of("root:x:0:0:root:/root:/bin/sh"))
    {'root': User(uid=0, gid=0, home='/root')}
    """
    for line in passwd.split("\n"):
        fields = line.split(":")
        if len(fields) >= 6 and fields[0] and re.fullmatch(_NUMBER, fields[2]) and re.fullmatch(_NUMBER, fields[3]):
            yield fields[0], User(int(fields[2]), int(fields[3]), fields[5])


def groups_of(group: str) -> Iterator[tuple[str, int]]:
    """Yield the groups of an /etc/group with their names and numbers; a line that is not of its form is passed over.

    >>> dict(groups_of("staff:x:50:"))
    {'staff': 50}
    """
    for line in group.split("\n"):
        fields = line.split(":")
        if len(fields) >= 3 and fields[0] and re.fullmatch(_NUMBER, fields[2]):
            yield fields[0], int(fields[2])
