"""How clients of a registry log in: its challenges, and tokens of those who may come without one.

Docker sends no credentials unless it is asked for them, and asks for nothing without any where it is asked by Basic
authentication. Where some may come without a token and others have one, clients are therefore sent to fetch a token
(distribution, "Token Authentication Specification"): with credentials it is the one that they have, which they send
again; without, one that is no secret and gives nothing. Nothing is kept, so that any server takes what another gave.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from conda_docker.serve.configuration import ServerConfiguration

TOKEN_PATH = "/v2/token"  # noqa: S105 -- below /v2/, which proxies that log people in let through
ANONYMOUS = "anonymous"
_BASIC = 'Basic realm="conda-docker", charset="UTF-8"'
_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?")
_LOCAL = re.compile(r"localhost|127\.[0-9.]+|\[::1\]")


def asks_for_tokens(request: HTTPConnection, configuration: ServerConfiguration) -> bool:
    """Return whether a request must have a token, which anybody can fetch."""
    path = str(request.scope.get("path", ""))
    is_mixed = configuration.anonymous is not None and bool(configuration.access)
    return is_mixed and path.startswith("/v2/") and path != TOKEN_PATH


def challenge(request: HTTPConnection, configuration: ServerConfiguration) -> str:
    """Return the `WWW-Authenticate` header of an answer to a request that is refused (RFC 9110, section 11.6.1)."""
    if not asks_for_tokens(request, configuration):
        return _BASIC
    realm = _realm(request, configuration.public_url)
    return _BASIC if realm is None else f'Bearer realm="{realm}",service="conda-docker"'


def _realm(request: HTTPConnection, public_url: str | None) -> str | None:
    """Return where a client fetches a token: on the host that it asks, or the public one; None for what is no host."""
    host, _, prefix = (public_url or "").partition("/")
    host = host or request.headers.get("host", "")
    found = _HOST.fullmatch(host)
    if found is None:
        return None
    is_local = _LOCAL.fullmatch(found[1]) is not None
    forwarded = request.headers.get("x-forwarded-proto", "").lower()
    # Whoever connects by TLS must not be sent to send a password without.
    by_tls = "https" in (forwarded, request.scope.get("scheme")) or (public_url is not None and not is_local)
    path = TOKEN_PATH if not prefix else f"/v2/{prefix.strip('/')}/token"
    return f"http{'s' if by_tls else ''}://{host}{path}"
