"""The server's part for people and programs: the page, plans, posted lock files, health and metrics."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from conda_docker.serve.errors import Denied, InvalidLock, NoSuchName, TooLarge
from conda_docker.serve.making.environments import environment_files
from conda_docker.serve.making.maker import channel_alias
from conda_docker.serve.making.planning import ImagePlan, plan_image
from conda_docker.serve.making.posted_locks import accept_lock
from conda_docker.serve.metrics import CONTENT_TYPE
from conda_docker.serve.names import LATEST, LOCK, RULES, name_of, parse_name, parse_spec
from python_docker.spec.platform import Platform

if TYPE_CHECKING:
    from starlette.requests import Request

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

    async def page(request: Request) -> Response:
        name, media_type = _FILES[request.url.path]
        content = files("conda_docker.serve").joinpath(name).read_bytes()
        return Response(content, headers=_SAFE, media_type=media_type)

    async def about(request: Request) -> Response:
        client = server.client(request)
        configuration = server.configuration
        allowed = [name for name, _ in environment_files(configuration.environments) if client.may_use(name)]
        return JSONResponse(
            {
                # Where it is on this machine is nobody's business.
                "base": configuration.base if ":/" not in configuration.base else "a base image of this server",
                "channels": list(map(channel_alias, client.channels)),
                "platforms": list(map(str, configuration.platforms)),
                "environments": allowed,
                "rules": RULES,
                "host": configuration.public_url or request.headers.get("host", ""),
            }
        )

    async def plan(request: Request) -> Response:
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
        work = partial(plan_image, server.maker, asked, platform)
        key = "plan", asked.name, asked.tag, asked.channels, platform
        found: ImagePlan = await server.builds.run(key, client.name, work, server.configuration.limits.wait_seconds)
        return JSONResponse(asdict(found))

    async def recent(request: Request) -> Response:
        client = server.client(request)
        return JSONResponse(
            [
                {
                    "name": image.name,
                    "tag": image.tag,
                    "digest": str(image.root),
                    "size": image.size,
                    "packages": len(image.packages),
                    "made": image.made,
                }
                for image in server.catalogue.recent(client.channels)
            ]
        )

    async def post_lock(request: Request) -> Response:
        client = server.client(request)
        if not client.grant.locks:
            raise Denied("you may not post lock files")
        server.begun.take(client.name)
        text = await _text(request, server.configuration.limits.lock_bytes)
        work = partial(accept_lock, text, client.channels, server.configuration)
        await server.builds.run(("lock", text), client.name, work, server.configuration.limits.wait_seconds)
        sha256 = await asyncio.to_thread(server.images.add_lock, text, client)
        return JSONResponse({"name": f"{LOCK}/{sha256}", "tag": LATEST}, 201)

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def metrics(request: Request) -> Response:
        return Response(server.metrics.text(), media_type=CONTENT_TYPE)

    return [
        *(Route(path, page) for path in _FILES),
        Route("/v1/about", about),
        Route("/v1/plan", plan),
        Route("/v1/images", recent),
        Route("/v1/locks", post_lock, methods=["POST"]),
        Route("/healthz", health),
        Route("/metrics", metrics),
    ]


async def _text(request: Request, limit: int) -> str:
    """Return the body of a request. Raises `Denied` for more than `limit` bytes, and for what is not text."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise TooLarge(f"a lock file may have {limit} bytes here")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise InvalidLock("a lock file is text, in UTF-8") from None
