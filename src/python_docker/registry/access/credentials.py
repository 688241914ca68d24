"""Credentials: what to log in to a registry with."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

_IDENTITY_TOKEN_USER = "<token>"  # noqa: S105 -- what helpers give as the user's name of an identity token


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """A user name and password, an OAuth2 refresh token (identity token), or a bearer token; or nothing.

    `place` says where they were found, for messages. The `repr` shows nothing.
    """

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""
    place: str = field(default="", compare=False)

    @classmethod
    def of_user(cls, username: str, password: str, place: str = "") -> Credentials:
        """Return those of a user; the name `<token>` says that the password is an identity token."""
        if username == _IDENTITY_TOKEN_USER:
            return cls(identity_token=password, place=place)
        return cls(username=username, password=password, place=place)

    @property
    def basic(self) -> str | None:
        """The value of an `Authorization` header (RFC 7617), None without a user."""
        if not self.username and not self.password:
            return None
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode("ascii")

    def __bool__(self) -> bool:
        return bool(self.username or self.password or self.identity_token or self.registry_token)

    def __repr__(self) -> str:
        return "<Credentials>"
