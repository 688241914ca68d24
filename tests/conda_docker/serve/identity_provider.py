"""A small provider of OpenID Connect, which logs one person in without asking for anything."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlencode, urlsplit


@dataclass(slots=True)
class IdentityProvider:
    """A provider (OpenID Connect Core 1.0, section 3.1) at `url`, for one client. Whoever logs in is `email`."""

    url: str
    client: str
    secret: str
    email: str
    nonces: dict[str, str] = field(default_factory=dict)

    def configuration(self) -> dict[str, object]:
        """Return what a client is told (OpenID Connect Discovery 1.0, section 3)."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["HS256"],
        }

    def authorize(self, query: Mapping[str, str]) -> str:
        """Return where the browser goes next: back to the client, with a code."""
        code = f"code-{len(self.nonces)}"
        self.nonces[code] = query.get("nonce", "")
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, code: str) -> dict[str, object]:
        """Return the tokens of a code, once."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": "1",
            "aud": self.client,
            "iat": now,
            "exp": now + 300,
            "nonce": self.nonces.pop(code),
            "email": self.email,
        }
        signed = ".".join(map(_part, ({"alg": "HS256", "typ": "JWT"}, claims)))
        signature = hmac.new(self.secret.encode(), signed.encode(), hashlib.sha256).digest()
        return {"access_token": "none", "token_type": "Bearer", "id_token": f"{signed}.{_encoded(signature)}"}


@contextmanager
def identity_provider(client: str, secret: str, email: str) -> Iterator[IdentityProvider]:
    """Run a provider for as long as the block does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self._answer(302, {}, Location=provider.authorize(query))
            elif parts.path == "/keys":
                self._answer(200, {"keys": []})
            else:
                self._answer(200, provider.configuration())

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self._answer(200, provider.token(form["code"][0]))

        def _answer(self, status: int, value: object, **headers: str) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            for name, text in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name.replace("_", "-"), text)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = IdentityProvider(f"http://127.0.0.1:{server.server_port}", client, secret, email)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _part(value: object) -> str:
    return _encoded(json.dumps(value).encode())


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
