"""The server's part for people and programs: the page, plans, posted lock files, health and metrics."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from conda_docker.serve.errors import Denied, InvalidLock, NoSuchName, ServerError, TooLarge, TooSlow
from conda_docker.serve.making.environments import environment_files
from conda_docker.serve.making.planning import PublicPlan, public_plan
from conda_docker.serve.making.posted_locks import accept_lock
from conda_docker.serve.metrics import CONTENT_TYPE
from conda_docker.serve.names import ENVIRONMENT, LATEST, LOCK, RULES, channel_alias, name_of, parse_name, parse_spec
from python_docker.spec.platform import Platform

if TYPE_CHECKING:
    from starlette.requests import Request

    from conda_docker.serve.access import Client
    from conda_docker.serve.configuration import Limits
    from conda_docker.serve.server import Server

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_SAFE = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_FILES = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}


def page_routes(server: Server) -> list[BaseRoute]:
    """Return the routes of the page and of what it asks for."""
    return [
        *(Route(path, _page) for path in _FILES),
        Route("/v1/about", partial(_about, server)),
        Route("/v1/plan", partial(_plan, server)),
        Route("/v1/images", partial(_recent, server)),
        Route("/v1/locks", partial(_post_lock, server), methods=["POST"]),
        Route("/healthz", _health),
        Route("/metrics", partial(_metrics, server)),
    ]


async def _page(request: Request) -> Response:
    name, media_type = _FILES[request.url.path]
    content = files("conda_docker.serve.http").joinpath(name).read_bytes()
    return Response(content, headers=_SAFE, media_type=media_type)


async def _about(server: Server, request: Request) -> Response:
    client = server.client(request)
    configuration = server.configuration
    allowed = [name for name, _ in environment_files(configuration.environments) if client.may_use(name)]
    return _json(
        {
            # Where it is on this machine is nobody's business.
            "base": configuration.base if ":/" not in configuration.base else "a base image that this server keeps",
            "channels": list(map(channel_alias, client.channels)),
            "platforms": list(map(str, configuration.platforms)),
            "environments": allowed,
            "failed": [name for name in allowed if _has_failed(server, client, name)],
            "rules": RULES,
            "host": configuration.public_url or request.headers.get("host", ""),
        }
    )


def _has_failed(server: Server, client: Client, environment: str) -> bool:
    """Return whether the last try to make the image of an environment failed; one that no name fits never was tried."""
    with suppress(ServerError):
        return server.images.failure(client.asks(parse_name(f"{ENVIRONMENT}/{environment}"))) is not None
    return False


async def _plan(server: Server, request: Request) -> Response:
    client = server.client(request)
    query = request.query_params
    tag = query.get("tag", LATEST)
    if "name" in query:
        asked = parse_name(query["name"], tag)
    else:
        packages = [parse_spec(text) for text in query.getlist("package")]
        if not packages:
            raise NoSuchName(f"no package was named: {RULES}")
        asked = parse_name(name_of(packages), tag)
    asked = client.asks(asked)
    platform = Platform.parse(query.get("platform", str(server.configuration.platforms[0])))
    if platform not in server.configuration.platforms:
        raise NoSuchName(f"this server has no images for {platform}")
    server.begun.take(client.name)
    work = partial(public_plan, server.requests, server.configuration.limits, asked, platform)
    key = "plan", asked.name, asked.tag, asked.channels, platform
    found: PublicPlan = await server.builds.run(key, client.name, work, server.configuration.limits.wait_seconds)
    failure = server.images.failure(asked)
    return _json(asdict(found) | {"failure": None if failure is None else server.public(failure)})


async def _recent(server: Server, request: Request) -> Response:
    client = server.client(request)
    return _json(
        [
            {
                "name": image.name,
                "tag": image.tag,
                "digest": str(image.root),
                "size": image.size,
                "packages": len(image.packages),
                "made": image.made,
            }
            for asked, image in server.catalogue.recent(client.channels)
            if asked.lock is None and (asked.environment is None or client.may_use(asked.environment))
        ]
    )


async def _post_lock(server: Server, request: Request) -> Response:
    client = server.client(request)
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        # A page of somebody else's, in the browser of somebody who may reach this server.
        raise Denied("lock files are not taken from pages of other sites")
    if not client.grant.locks:
        raise client.refusal("you may not post lock files")
    server.begun.take(client.name)
    text = await _text(request, server.configuration.limits)
    work = partial(accept_lock, text, client.channels, server.configuration)
    key = "lock", hashlib.sha256(text.encode()).hexdigest(), client.channels
    await server.builds.run(key, client.name, work, server.configuration.limits.wait_seconds)
    sha256 = await asyncio.to_thread(server.images.add_lock, text, client)
    return _json({"name": f"{LOCK}/{sha256}", "tag": LATEST}, 201)


async def _health(request: Request) -> Response:
    return _json({"status": "ok"})


async def _metrics(server: Server, request: Request) -> Response:
    return Response(server.metrics.text(), media_type=CONTENT_TYPE)


def _json(value: object, status: int = 200) -> Response:
    return JSONResponse(value, status, headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"})


async def _text(request: Request, limits: Limits) -> str:
    """Return the body of a request. Raises `TooLarge`, `TooSlow`, and `InvalidLock` for what is not text."""
    body = bytearray()
    try:
        async with asyncio.timeout(limits.stall_seconds):
            async for piece in request.stream():
                body += piece
                if len(body) > limits.lock_bytes:
                    raise TooLarge(f"a lock file may be at most {limits.lock_bytes} bytes long")
    except TimeoutError:
        raise TooSlow(f"the lock file did not come within {limits.stall_seconds} s") from None
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise InvalidLock("a lock file is text, in UTF-8") from None
