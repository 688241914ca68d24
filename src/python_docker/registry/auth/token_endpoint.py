"""Token servers: where bearer tokens come from (distribution, docs/content/spec/auth/token.md and oauth.md)."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from python_docker.errors import RegistryError
from python_docker.http.body import Body
from python_docker.http.client import HttpClient
from python_docker.http.failure import HttpError
from python_docker.http.response import Response
from python_docker.http.retry import with_retries
from python_docker.http.url import origin, public_url
from python_docker.registry.access.credentials import Credentials
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.auth.scope import permissions
from python_docker.registry.failures import registry_error
from python_docker.registry.refusal import refusal_error

_CLIENT_ID = "conda-docker"
_MAX_ANSWER = 1 << 20
_MIN_LIFETIME = 60.0  # seconds: the specification's default, and less is not to be believed
_TOKEN = re.compile(r"[\x21-\x7e]+")
_WITHOUT_POST = {400, 404, 405, 501}
_WITHOUT_GET = {404, 405, 501}


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """A bearer token, the permissions that were asked for with it, and its time, in seconds of the monotonic clock."""

    text: str
    allows: frozenset[tuple[str, str]]
    issued: float
    lifetime: float

    def seconds_left(self, now: float) -> float:
        """Return how many seconds it may still be used: until a little before its end."""
        return self.issued + self.lifetime * 0.9 - now

    def __repr__(self) -> str:
        return "<Token>"


class TokenEndpoint:
    """A token server: its address (the `realm` of a challenge) and the name that the registry has there."""

    def __init__(self, realm: str, service: str | None, http: HttpClient, options: RegistryOptions) -> None:
        self._realm = realm
        self._service = service
        self._http = http
        self._options = options

    def token(self, credentials: Credentials, scopes: Sequence[str], *, hide: Callable[[str], str]) -> Token:
        """Return a token for `scopes`, by OAuth2 where the credentials are an identity token, else by GET.

        Without credentials, one for anybody. Raises `AccessDenied` when the server refuses, `RegistryError` for
        answers that make no sense, `ConnectionFailed`.
        """
        issued = time.monotonic()
        response: Response
        if credentials.identity_token:
            form = {"grant_type": "refresh_token", "refresh_token": credentials.identity_token}
            response = self._post(form, scopes)
            if response.status in _WITHOUT_POST and credentials.basic:
                response = self._get(credentials, scopes)
        else:
            response = self._get(credentials, scopes)
            if response.status in _WITHOUT_GET and credentials.basic:
                form = {
                    "grant_type": "password",
                    "username": credentials.username,
                    "password": credentials.password,
                }
                response = self._post(form, scopes)
        if response.status != 200:
            who = "with these credentials" if credentials else "without credentials"
            raise refusal_error(response, f"get a token {who}", hide=hide, credentials=credentials)
        return self._read(response, issued, scopes)

    def _get(self, credentials: Credentials, scopes: Sequence[str]) -> Response:
        # A scope for each resource; some servers read only the first.
        query = [("service", self._service)] if self._service else []
        query += [("scope", scope) for scope in scopes]
        # The realm may have a query of its own.
        separator = "&" if urlsplit(self._realm).query else "?"
        url = self._realm.partition("#")[0] + (separator + urlencode(query) if query else "")
        return self._send("GET", url, None, credentials.basic)

    def _post(self, form: dict[str, str], scopes: Sequence[str]) -> Response:
        fields = {**form, "client_id": _CLIENT_ID, "service": self._service or "", "scope": " ".join(scopes)}
        return self._send("POST", self._realm.partition("#")[0], Body.of(urlencode(fields).encode()), None)

    def _send(self, method: str, url: str, body: Body | None, authorization: str | None) -> Response:
        realm = origin(self._realm)
        headers = {} if body is None else {"Content-Type": "application/x-www-form-urlencoded"}

        def send() -> Response:
            response = self._http.send(
                method,
                url,
                headers=headers,
                body=body,
                # The body of a POST holds the credentials: its redirects are followed by nobody.
                follow=body is None,
                authorization=lambda target: authorization if origin(target) == realm else None,
            )
            with response:
                # While the connection is watched for breaks.
                _ = response.content(_MAX_ANSWER) if response.status == 200 else response.error_content()
            return response

        try:
            return with_retries(send, self._options)
        except HttpError as error:
            raise registry_error(error, "get a token") from None

    def _read(self, response: Response, issued: float, scopes: Sequence[str]) -> Token:
        try:
            answer: Any = json.loads(response.content(_MAX_ANSWER))
            text = answer.get("token") or answer.get("access_token")
            lifetime = answer.get("expires_in")
        except (ValueError, AttributeError, RecursionError):
            text = None
        if not isinstance(text, str) or not _TOKEN.fullmatch(text):
            raise RegistryError(f"the token server {public_url(self._realm)} answered without a token")
        if not isinstance(lifetime, int | float) or not lifetime > _MIN_LIFETIME:
            lifetime = _MIN_LIFETIME
        return Token(text, permissions(scopes), issued, float(lifetime))
