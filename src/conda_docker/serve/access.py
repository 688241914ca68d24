"""Who asks, what they may use, and how often they may ask."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from conda_docker.serve.errors import Denied, ServerError, TooMany, Unauthorized
from conda_docker.serve.tokens import ANONYMOUS, asks_for_tokens

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from conda_docker.serve.configuration import Grant, Proxy, ServerConfiguration
    from conda_docker.serve.names import Asked

_CLIENTS = 10_000
"""Whose requests are counted; whoever was not seen for longest is forgotten first."""


@dataclass(frozen=True, slots=True)
class Client:
    """Whoever sends a request: a name to count by, the channels that may be used, and the grant itself.

    `could_log_in` is for those who sent no token, where a token may be good for more.
    """

    name: str
    channels: tuple[str, ...]
    grant: Grant
    could_log_in: bool = False

    def may_use(self, environment: str) -> bool:
        """Return whether an environment of the server may be used."""
        patterns = self.grant.environments
        if patterns is None:
            return self.grant.channels is None
        return any(fnmatchcase(environment, pattern) for pattern in patterns)

    def refusal(self, message: str) -> ServerError:
        """Return the error for what this client may not do: `Unauthorized` for those who could log in, or `Denied`."""
        return Unauthorized(f"{message} without a token") if self.could_log_in else Denied(message)

    def asks(self, asked: Asked) -> Asked:
        """Return what is asked for with the channels that this client may use. Raises `Denied` and `Unauthorized`."""
        if asked.environment is not None and not self.may_use(asked.environment):
            raise self.refusal(f"you may not use the environment {asked.environment!r}")
        if not self.channels:
            raise self.refusal("you may use none of this server's channels")
        return asked.for_channels(self.channels)


def client_of(request: HTTPConnection, configuration: ServerConfiguration) -> Client:
    """Return who sends a request: whom a proxy in front names, or who has a token (Basic or Bearer), or else anybody.

    Raises `Unauthorized` for a token that is not known, and where one is needed.
    """
    user = _user(request, configuration.proxy)
    if user is not None:
        for grant in configuration.access:
            if grant.user is not None and fnmatchcase(user, grant.user):
                return _client(grant, f"user {user}", configuration)
    token = token_of(request)
    if token is not None:
        found = hashlib.sha256(token.encode()).hexdigest()
        for grant in configuration.access:
            if grant.token_sha256 is not None and hmac.compare_digest(grant.token_sha256, found):
                return _client(grant, f"token {grant.name}", configuration)
        if configuration.anonymous is None or request.headers.get("Authorization") != f"Bearer {ANONYMOUS}":
            raise Unauthorized("this token is not known here")
    if configuration.everybody is None or (token is None and asks_for_tokens(request, configuration)):
        raise Unauthorized("a token is needed: docker login, with any user name and the token as password")
    client = _client(configuration.everybody, f"address {address_of(request, configuration.proxy)}", configuration)
    return replace(client, could_log_in=bool(configuration.access))


def token_of(request: HTTPConnection) -> str | None:
    """Return the token that a request has; of Basic authentication the password. Raises `Unauthorized`."""
    return _token(request.headers.get("Authorization", ""))


def address_of(request: HTTPConnection, proxy: Proxy | None) -> str:
    """Return the address that a request comes from; behind a proxy, the one that the proxy saw."""
    address = _peer(request)
    if proxy is None or address not in proxy.addresses:
        return address
    # What stands before the last one may be anybody's invention. Some proxies add a header of their own.
    seen = ",".join(request.headers.getlist("X-Forwarded-For")).rpartition(",")[2].strip()
    return seen or address


def _peer(request: HTTPConnection) -> str:
    return "unknown" if request.client is None else request.client.host


def _user(request: HTTPConnection, proxy: Proxy | None) -> str | None:
    """Return whom a proxy names. Raises `Unauthorized` where somebody sent the proxy's header too."""
    if proxy is None or _peer(request) not in proxy.addresses:
        return None
    users = request.headers.getlist(proxy.user_header)
    if len(users) > 1:
        raise Unauthorized(
            f"the header {proxy.user_header} came more than once: the proxy must replace what clients send"
        )
    return users[0] if users and users[0] else None


def _client(grant: Grant, name: str, configuration: ServerConfiguration) -> Client:
    allowed = configuration.channels if grant.channels is None else grant.channels
    return Client(name, tuple(channel for channel in configuration.channels if channel in allowed), grant)


def _token(authorization: str) -> str | None:
    """Return the token of a header. Raises `Unauthorized` for a broken one."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        raise Unauthorized("the Authorization header cannot be read") from None


class Rate:
    """How often each client may do something: `per_minute` times, as many of them at once."""

    def __init__(self, per_minute: int, what: str) -> None:
        self._per_minute = per_minute
        self._what = what
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str, now: float | None = None) -> None:
        """Count one. Raises `TooMany`, which says when to come again."""
        now = time.monotonic() if now is None else now
        left, seen = self._left.pop(client, (float(self._per_minute), now))
        left = min(self._per_minute, left + (now - seen) * self._per_minute / 60)
        self._left[client] = (left - 1 if left >= 1 else left, now)
        if len(self._left) > _CLIENTS:
            self._left.popitem(last=False)
        if left < 1:
            wait = max(1, round((1 - left) * 60 / self._per_minute))
            raise TooMany(f"this server allows {self._per_minute} {self._what} a minute; wait {wait} s", wait)
