"""A profile: what one system expects of images, as fields of `BuildOptions`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from string import Template
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The user that a system expects.

    `variables` and `labels` are what its rules say of the user; `$name`, `$uid`, `$gid` and `$home` in them stand for
    the user's own.
    """

    name: str
    uid: int = 1000
    gid: int = 1000
    variables: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    def fields_over(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of the user. A name and a home that are `given` are this user's."""
        name = given.get("user_name") or self.name
        home = given.get("home") or f"/home/{name}"
        known = {"name": name, "uid": self.uid, "gid": self.gid, "home": home}
        return {
            "user": f"{self.uid}:{self.gid}",
            "user_name": name,
            "workdir": home,
            "env": {key: Template(text).substitute(known) for key, text in self.variables.items()},
            "labels": {key: Template(text).substitute(known) for key, text in self.labels.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one system expects of images; what is not set here is left as it is.

    `$prefix` in `env` stands for where the environment is. `needs` are alternatives: the command runs when one of these
    packages is in the environment.
    """

    name: str
    summary: str
    account: Account
    prefix: str | None = None
    cmd: Sequence[str] | None = None
    expose: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    needs: Sequence[str] = ()

    def fields_over(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of `BuildOptions` that differ from what is `given`, which wins.

        Variables and labels are merged name by name. A user that is given takes the place of the account, with all that
        follows from it.

        >>> from conda_docker.profiles import PROFILES
        >>> PROFILES["kubernetes"].fields_over({"user": "2000"})
        {'env': {'PYTHONUNBUFFERED': '1', 'PYTHONDONTWRITEBYTECODE': '1'}}
        """
        prefix = given.get("prefix") or self.prefix
        found: dict[str, Any] = {
            "prefix": self.prefix,
            "cmd": self.cmd,
            "expose": tuple(self.expose),
            "env": {key: Template(text).substitute(prefix=prefix) for key, text in self.env.items()},
            "labels": {},
        }
        if given.get("user") is None:
            account = self.account.fields_over(given)
            found |= account | {"env": account["env"] | found["env"]}
        for name in ("env", "labels"):
            found[name] = found[name] | dict(given.get(name) or {})
        return {
            name: value
            for name, value in found.items()
            if value and (name in ("env", "labels") or given.get(name) in (None, ()))
        }

    def lacks(self, packages: Iterable[str]) -> str | None:
        """Return a note about an environment of these `packages` that cannot run the command; None for others."""
        if not self.needs or not set(self.needs).isdisjoint(packages):
            return None
        wanted = " or ".join(self.needs)
        return f"the profile {self.name} needs a package that this environment does not have: {wanted}"
