"""Users of a container: what `--user` means, and the files that give a user a name and a home."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from conda_docker.arguments.in_image import LARGEST_ID
from conda_docker.errors import UnsupportedInput
from conda_docker.image.base.accounts import User
from conda_docker.image.base.system import DEEPEST, BaseSystem

ROOT = User(0, 0, "/root")
_NAME = r"[a-z_][a-z0-9_.-]{0,31}"  # useradd(8), with the dot that Debian allows
_NUMBER = r"[0-9]{1,10}"
_FIRST_USER = 1000
_NOBODY = 65534
DEFAULT_NAME = "app"


class ContainerUser(NamedTuple):
    """The user that containers run as. `added` says that the base image does not have it, `moved` that it has, with
    another home folder.
    """

    name: str
    uid: int
    gid: int
    home: str
    added: bool
    moved: bool = False

    @property
    def number(self) -> str:
        """`UID:GID`: Kubernetes' `runAsNonRoot` proves nothing of names (kubelet, `verifyRunAsNonRoot`)."""
        return f"{self.uid}:{self.gid}"

    @property
    def has_new_home(self) -> bool:
        """Whether the home folder is to be made, and `/etc/passwd` to name it."""
        return self.added or self.moved


def container_user(text: str, system: BaseSystem, *, name: str | None = None, home: str | None = None) -> ContainerUser:
    """Return the user that `USER[:GROUP]` means on a base image, each a name or a number as in a Dockerfile's `USER`.

    One that the base does not have is added: as `name` (else the name in `text`, else "app"), with the home folder
    `home` (else /home/NAME), a group of its own unless another is given and, for a name without a number, the first
    number from 1000 that is free. One that the base has keeps its name, number and home folder, unless `home` is
    another one. Raises `UnsupportedInput` for what cannot be a user or a group.

    >>> container_user("1000", BaseSystem())
    ContainerUser(name='app', uid=1000, gid=1000, home='/home/app', added=True, moved=False)
    """
    user, separator, group = text.partition(":")
    known = _known(user, system)
    if known is not None and (name is None or known[0] == name):
        found_name, found = known
        gid = _group(group, text, system) if separator else found.gid
        moved = home is not None and home != found.home
        return ContainerUser(found_name, found.uid, gid, home or found.home, added=False, moved=moved)
    if re.fullmatch(_NUMBER, user):
        uid, chosen = _identifier(user, text), name or _free_name(system)
    elif re.fullmatch(_NAME, user):
        uid, chosen = _free_uid(system), name or user
    else:
        raise UnsupportedInput(f"{text!r} is not a user: expected a name or a number, such as 1000, 1000:1000 or app")
    if not re.fullmatch(_NAME, chosen):
        raise UnsupportedInput(f"{chosen!r} cannot be a user's name; use lower-case letters, digits, '_' and '-'")
    if chosen in system.users:
        raise UnsupportedInput(
            f"the base image has a user {chosen!r} already, with the number {system.users[chosen].uid}; "
            "choose another name with --user-name"
        )
    own_group = not separator or (group == chosen and group not in system.groups)
    gid = uid if own_group else _group(group, text, system)
    return ContainerUser(chosen, uid, gid, home or f"/home/{chosen}", added=True)


def home_of(text: str, system: BaseSystem) -> str:
    """Return the home folder of the user that an image's config names, as runtimes find it in `/etc/passwd`.

    >>> home_of("", BaseSystem()), home_of("1000:1000", BaseSystem())
    ('/root', '/')
    """
    known = _known(text.partition(":")[0] or "root", system)
    return known[1].home if known is not None else "/"


def note_on_home(user: ContainerUser, system: BaseSystem) -> str | None:
    """Return a note where a user of the base image has no home folder to write to: `nobody` has none as a rule.

    >>> note_on_home(ContainerUser("root", 0, 0, "/root", added=False), BaseSystem())
    """
    path = system.real_path(user.home)[1:]
    if user.uid == 0 or user.has_new_home or path.count("/") >= DEEPEST:
        return None
    folder = system.folders.get(path)
    if folder is not None and folder.can_be_written_by(user.uid, user.gid):
        return None
    return (
        f"the user {user.name} of the base image cannot write to its home folder {user.home[:200]}, where programs "
        "keep caches and settings; --home PATH gives it another"
    )


def user_files(user: ContainerUser | None, system: BaseSystem) -> Mapping[str, bytes]:
    """Return `/etc/passwd` and `/etc/group` where a user must be added to them or changed, or where there are none.

    A base image without any, such as an empty one, gets root, without whom programs cannot tell who they are.

    >>> user_files(None, BaseSystem())["/etc/passwd"]
    b'root:x:0:0:root:/root:/sbin/nologin\\n'
    """
    shell = system.shells[0] if system.shells else "/sbin/nologin"
    passwd, group = system.passwd, system.group
    if not system.users:
        passwd = f"root:x:0:0:root:/root:{shell}\n"
    if not system.groups:
        group = "root:x:0:\n"
    if user is not None and user.added:
        passwd = f"{_ended(passwd)}{user.name}:x:{user.uid}:{user.gid}::{user.home}:{shell}\n"
        if user.gid != 0 and user.gid not in system.groups.values():
            group = f"{_ended(group)}{user.name}:x:{user.gid}:\n"
    if user is not None and user.moved:
        passwd = "\n".join(_with_home(line, user) for line in passwd.split("\n"))
    files = {"/etc/passwd": passwd, "/etc/group": group}
    before = {"/etc/passwd": system.passwd, "/etc/group": system.group}
    # What is there already stays as it is, in whatever encoding.
    return {
        path: content.encode("utf-8", "surrogateescape") for path, content in files.items() if content != before[path]
    }


def _with_home(line: str, user: ContainerUser) -> str:
    fields = line.split(":")
    return ":".join([*fields[:5], user.home, *fields[6:]]) if fields[0] == user.name and len(fields) >= 6 else line


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _known(user: str, system: BaseSystem) -> tuple[str, User] | None:
    if user in system.users:
        return user, system.users[user]
    if user in ("root", "0"):
        return "root", ROOT
    if re.fullmatch(_NUMBER, user):
        return next(((name, found) for name, found in system.users.items() if found.uid == int(user)), None)
    return None


def _identifier(number: str, text: str) -> int:
    if int(number) > LARGEST_ID:
        raise UnsupportedInput(f"{text!r} is not a user: the largest number of a user or a group is {LARGEST_ID}")
    return int(number)


def _group(group: str, text: str, system: BaseSystem) -> int:
    if group in system.groups:
        return system.groups[group]
    if group == "root":
        return 0
    if re.fullmatch(_NUMBER, group):
        return _identifier(group, text)
    raise UnsupportedInput(f"{text!r}: the base image has no group {group!r}; give its number instead")


def _free_uid(system: BaseSystem) -> int:
    taken = {user.uid for user in system.users.values()} | set(system.groups.values())
    return next(number for number in range(_FIRST_USER, _NOBODY) if number not in taken)


def _free_name(system: BaseSystem) -> str:
    names = (DEFAULT_NAME, *(f"{DEFAULT_NAME}{number}" for number in range(2, 1000)))
    return next(name for name in names if name not in system.users)
