"""A token server as registries use: gives signed tokens for what its users may do (distribution, spec/auth)."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.peers import TokenAuth
from tests.python_docker.registry.certificates import self_signed
from tests.python_docker.registry.stub_server import Answer, Asked, StubServer

ANYBODY = ""


class TokenServer(StubServer):
    """Signs tokens (ES256, with the certificate in `x5c`) for `users`, a map of names to passwords.

    `rights` maps a user's name, or `ANYBODY` for those without one, to the actions that are theirs on every
    repository. `lifetime` (seconds) is what tokens are good for, `told` what the answer says that it is. With `get`
    or `post` off it knows no such requests. `refresh_tokens` maps identity tokens to users.
    """

    def __init__(self, folder: Path, users: Mapping[str, str], rights: Mapping[str, str] | None = None) -> None:
        self.users = users
        self.rights = dict(rights) if rights is not None else dict.fromkeys(users, "pull,push,delete,*")
        self.refresh_tokens: dict[str, str] = {}
        self.lifetime = 300.0
        self.told: int | None = 300
        self.key_name = "token"
        self.get = self.post = True
        self._certified = self_signed(folder, "token-server")
        self.given: list[str] = []
        """All tokens that it gave."""
        super().__init__(self._answer)

    @property
    def auth(self) -> TokenAuth:
        """What a registry must know to trust it."""
        return TokenAuth(f"{self.url}/token?from=realm", "tests, and more", "tests", self._certified.certificate)

    def _answer(self, asked: Asked) -> Answer:
        if asked.method == "GET" and self.get:
            scopes = parse_qs(asked.raw_query).get("scope", [])
            return self._token(self._basic_user(asked), scopes)
        if asked.method == "POST" and self.post:
            form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
            if form.get("grant_type") == "refresh_token":
                user = self.refresh_tokens.get(form["refresh_token"])
            else:
                user = self._checked(form.get("username", ""), form.get("password", ""))
            return self._token(user, form.get("scope", "").split())
        return Answer(405)

    def _basic_user(self, asked: Asked) -> str | None:
        login = asked.headers.get("authorization", "")
        if not login:
            return ANYBODY
        user, _, password = base64.b64decode(login.removeprefix("Basic ")).decode().partition(":")
        return self._checked(user, password)

    def _checked(self, user: str, password: str) -> str | None:
        return user if self.users.get(user) == password else None

    def _token(self, user: str | None, scopes: list[str]) -> Answer:
        if user is None:
            return Answer(401, json.dumps({"details": "incorrect username or password"}).encode())
        allowed = set(self.rights.get(user, "").split(","))
        access = []
        for scope in scopes:
            kind, _, rest = scope.partition(":")
            name, _, actions = rest.rpartition(":")
            granted = [action for action in actions.split(",") if action in allowed]
            access.append({"type": kind, "name": name, "actions": granted})
        token = self._sign(user, access)
        self.given.append(token)
        answer: dict[str, Any] = {self.key_name: token}
        if self.told is not None:
            answer["expires_in"] = self.told
        return Answer(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _sign(self, user: str, access: list[dict[str, Any]]) -> str:
        now = time.time()
        header = {"typ": "JWT", "alg": "ES256", "x5c": [base64.b64encode(self._certified.der).decode()]}
        claims = {
            "iss": "tests",
            "sub": user,
            "aud": "tests, and more",
            "exp": int(now + self.lifetime),
            "nbf": int(now) - 10,
            "iat": int(now),
            "jti": uuid.uuid4().hex,
            "access": access,
        }
        signed = f"{_base64url(json.dumps(header).encode())}.{_base64url(json.dumps(claims).encode())}"
        r, s = decode_dss_signature(self._certified.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
