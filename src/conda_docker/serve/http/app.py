"""create_app: the server as an ASGI application."""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conda_docker.serve.errors import Denied, ServerError, TooMany, Unauthorized, answer_to
from conda_docker.serve.http.page_api import page_routes
from conda_docker.serve.http.registry_api import VERSION_HEADER, registry_routes
from conda_docker.serve.server import Server
from conda_docker.serve.tokens import challenge
from python_docker.errors import Error

if TYPE_CHECKING:
    from conda_docker.cache.folder import CacheFolder
    from conda_docker.serve.configuration import ServerConfiguration
    from conda_docker.serve.metrics import Metrics

_log = logging.getLogger("conda_docker")
_CODES = {404: "NAME_UNKNOWN", 405: "UNSUPPORTED"}
_LONGEST_MESSAGE = 8000  # characters
_MOST_SAID = 100  # paths


def create_app(configuration: ServerConfiguration, cache: CacheFolder) -> Starlette:
    """Return the application that serves images on demand; layers and facts are kept in `cache`.

    app = create_app(ServerConfiguration(channels=("conda-forge",)), CacheFolder(Path("/var/cache/images")))
    uvicorn.run(app)
    """
    server = Server(configuration, cache)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        server.close()

    said: OrderedDict[str, str] = OrderedDict()  # by path, what was logged of a HEAD request

    async def failed(request: Request, error: Exception) -> Response:
        answer = answer_to(error)
        path = quote(request.url.path)  # which may have lines of its own
        if type(answer) is ServerError:
            _log.error("%s %s failed", request.method, path, exc_info=error)
        elif answer is not error:
            # Clients look before they pull, and what they see is one failure.
            if said.pop(path, None) != str(error):
                _log.warning("%s %s: %s", request.method, path, error)
            if request.method == "HEAD":
                said[path] = str(error)
                if len(said) > _MOST_SAID:
                    said.popitem(last=False)
        elif isinstance(answer, Denied | Unauthorized) and "Authorization" in request.headers:
            _log.warning("%s %s is refused: %s", request.method, path, server.public(str(answer)))
        response = error_response(answer, server.public(str(answer)))
        if isinstance(answer, Unauthorized):
            response.headers["WWW-Authenticate"] = challenge(request, configuration)
        return response

    async def gone(request: Request, error: Exception) -> Response:
        return Response(status_code=400)  # which nobody hears

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        method_only = error.status_code == 405
        answer = ServerError("images can only be pulled from here" if method_only else "there is no such address here")
        answer.status, answer.code = error.status_code, _CODES.get(error.status_code, "UNKNOWN")
        return error_response(answer, str(answer))

    app = Starlette(
        routes=[*registry_routes(server), *page_routes(server)],
        middleware=[Middleware(_Counting, metrics=server.metrics)],
        exception_handlers={HTTPException: refused, ClientDisconnect: gone, Error: failed, Exception: failed},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # to the host that a client claims to ask
    return app


def error_response(error: ServerError, message: str) -> Response:
    """Return an error as registries answer it (distribution-spec, "Error Codes"), with a message for clients."""
    headers = {**VERSION_HEADER, "Cache-Control": "no-store"}
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after)
    entry = {"code": error.code, "message": message[:_LONGEST_MESSAGE], "detail": None}
    body = json.dumps({"errors": [entry]})
    return Response(body, error.status, {**headers, "Content-Type": "application/json"})


class _Counting:
    """Counts requests by kind and status, and refuses those of which a proxy may have read another length.

    A request with both `Content-Length` and `Transfer-Encoding` may be one for us and two for what stands in front
    (RFC 9112, section 6.1).
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.requests.labels(_kind(scope["path"]), str(message["status"])).inc()
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}:
            await Response(status_code=400, headers={"Connection": "close"})(scope, receive, counted)
        else:
            await self._app(scope, receive, counted)


def _kind(path: str) -> str:
    for kind in ("manifests", "blobs", "tags", "referrers"):
        if path.startswith("/v2/") and f"/{kind}/" in path:
            return kind
    return "version" if path == "/v2/" else "page"
