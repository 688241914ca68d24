"""Logging in: which `Authorization` header a registry gets, from its challenges and the credentials at hand."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from python_docker.errors import AccessDenied, RegistryError
from python_docker.http.client import HttpClient
from python_docker.http.response import Response
from python_docker.http.url import is_inner_address, is_loopback, origin, public_url
from python_docker.registry.access.credentials import Credentials
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.auth.scope import merge_scopes, permissions

if TYPE_CHECKING:
    from python_docker.registry.auth.challenge import Challenge
    from python_docker.registry.auth.token_endpoint import Token

_log = logging.getLogger("python_docker.registry")


class Authenticator:
    """Knows one registry's way of logging in, and keeps its tokens. Safe to use from any number of threads.

    `credentials` go to the registry at `url` and to the token server that this names, and to nobody else.
    """

    def __init__(self, url: str, http: HttpClient, options: RegistryOptions, credentials: Credentials) -> None:
        self._url = url
        self._http = http
        self._options = options
        self.credentials = credentials
        self._lock = threading.RLock()
        self._challenge: Challenge | None = None
        self._extra_scopes: list[str] = []
        self._tokens: list[Token] = []
        self._secrets = {
            credentials.username,
            credentials.password,
            credentials.identity_token,
            credentials.registry_token,
            (credentials.basic or "").removeprefix("Basic "),
        }

    def hide(self, text: str) -> str:
        """Return a string by others without any credentials or tokens that it may repeat."""
        with self._lock:
            secrets = sorted(self._secrets, key=len, reverse=True)
        for secret in filter(None, secrets):
            # A user's name may be any word: it is not cut out of other words.
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(secret)}(?![A-Za-z0-9])", "***", text)
        return text

    def meet(self, challenges: Sequence[Challenge]) -> None:
        """Learn from the registry's challenges how to log in; empty when it wants none.

        Raises `AccessDenied` when there is none that we know how to meet.
        """
        if not challenges:
            return
        known = [challenge for challenge in challenges if self._can_meet(challenge)]
        if not known:
            schemes = ", ".join(dict.fromkeys(challenge.scheme[:40] for challenge in challenges))
            raise AccessDenied(f"{self._host} wants a login of an unknown kind: {schemes}", status=401)
        # Tokens first, as Docker and containerd have it: a registry that offers both may not mean every basic login.
        with self._lock:
            self._challenge = min(known, key=lambda one: one.scheme != "bearer")

    @staticmethod
    def _can_meet(challenge: Challenge) -> bool:
        return challenge.scheme == "basic" or (challenge.scheme == "bearer" and bool(challenge.parameters.get("realm")))

    @property
    def _host(self) -> str:
        return urlsplit(self._url).netloc

    def header(self, scopes: Sequence[str], *, long: bool = False) -> str | None:
        """Return the `Authorization` header for requests that need `scopes`, None to send none.

        `long` says that the request may take so long that its token should not be about to expire. Raises
        `AccessDenied` when the token server refuses.
        """
        if self.credentials.registry_token:
            return f"Bearer {self.credentials.registry_token}"
        with self._lock:
            challenge = self._challenge
            if challenge is None or challenge.scheme == "basic":
                # A registry that lets anybody in may show more to those who log in.
                return self.credentials.basic
            return f"Bearer {self._token(challenge, scopes, long=long).text}"

    def judged_by(self, response: Response) -> Credentials | None:
        """Return the credentials that a 401 refuses, None where it refuses what their holder may do."""
        if self.credentials.registry_token:
            return self.credentials if "invalid_token" in response.headers.get("www-authenticate", "") else None
        with self._lock:
            by_token = self._challenge is not None and self._challenge.scheme == "bearer"
        return None if by_token else self.credentials

    def refused(self, challenges: Sequence[Challenge], sent: str | None, scopes: Sequence[str], since: float) -> bool:
        """Learn from a 401 to a request with the header `sent`; return whether another header can be had now.

        `since` is when the request was begun, in seconds of the monotonic clock.
        """
        with self._lock:
            if self.credentials.registry_token:
                return False
            # When one has expired before its time, so may have the others of then; another thread may have new ones.
            self._tokens = [token for token in self._tokens if token.issued >= since and f"Bearer {token.text}" != sent]
            before = self._challenge
            self.meet(challenges)
            now = self._challenge
            if now is None:
                return False
            if now.scheme == "basic":
                return self.credentials.basic is not None and self.credentials.basic != sent
            wanted = now.parameters.get("scope")
            if wanted and permissions([wanted]) - permissions(scopes):
                # It knows better what it needs, such as `*` to delete.
                self._extra_scopes = [*self._extra_scopes[-20:], wanted]
            # A token that was good until now has expired; one that came fresh was too little, as the scope shows.
            return sent is None or sent.startswith("Bearer ") or before != now

    def _token(self, challenge: Challenge, scopes: Sequence[str], *, long: bool) -> Token:
        wanted = permissions(scopes)
        resources = {resource for resource, _ in wanted}
        extra = [
            scope for scope in self._extra_scopes if {resource for resource, _ in permissions([scope])} <= resources
        ]
        wanted |= permissions(extra)
        now = time.monotonic()
        self._tokens = [token for token in self._tokens if token.seconds_left(now) > 0]
        for token in self._tokens:
            if wanted <= token.allows and (not long or token.seconds_left(now) >= token.lifetime / 2):
                return token
        from python_docker.registry.auth.token_endpoint import TokenEndpoint

        realm = challenge.parameters["realm"]
        self._check_realm(realm)
        endpoint = TokenEndpoint(realm, challenge.parameters.get("service"), self._http, self._options)
        _log.debug("asking %s for a token", public_url(realm))
        token = endpoint.token(self.credentials, merge_scopes([*scopes, *extra]), hide=self.hide)
        self._secrets.add(token.text)
        self._tokens = [*self._tokens[-50:], token]
        return token

    def _check_realm(self, realm: str) -> None:
        """Raise `RegistryError` for a token server that must not see credentials."""
        try:
            scheme, host, _ = origin(realm)
            registry_scheme, registry_host, _ = origin(self._url)
        except ValueError:
            raise RegistryError(f"{self._host} names a token server whose address cannot be used") from None
        if self._options.insecure:
            return
        if scheme == "http" and registry_scheme == "https" and not (is_loopback(host) and is_loopback(registry_host)):
            raise RegistryError(
                f"{self._host} names a token server that is not encrypted, {public_url(realm)}; "
                "use --insecure (RegistryOptions.insecure) if this is wanted"
            )
        if host != registry_host and is_inner_address(host) and not is_inner_address(registry_host):
            raise RegistryError(
                f"{self._host} names a token server inside this network, {public_url(realm)}; "
                "use --insecure (RegistryOptions.insecure) if this is wanted"
            )
