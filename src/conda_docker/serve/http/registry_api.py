"""The registry's part of the server: `/v2/`, as the distribution specification has it, for reading alone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from conda_docker.serve.access import token_of
from conda_docker.serve.errors import BlobUnknown, ManifestUnknown
from conda_docker.serve.names import parse_name
from conda_docker.serve.tokens import ANONYMOUS, TOKEN_PATH
from python_docker.spec.digest import Digest
from python_docker.spec.media_types import INDEXES, MANIFESTS, OCI_INDEX
from python_docker.spec.reference import ImageReference

if TYPE_CHECKING:
    from starlette.requests import Request

    from conda_docker.serve.access import Client
    from conda_docker.serve.making.served_image import ServedImage
    from conda_docker.serve.names import Asked
    from conda_docker.serve.server import Server

_TOKEN_SECONDS = 300  # after which clients fetch it again
VERSION_HEADER = {"Docker-Distribution-Api-Version": "registry/2.0"}


def registry_routes(server: Server) -> list[BaseRoute]:
    """Return the routes of a registry that can be pulled from."""
    reading = ["GET", "HEAD"]
    return [
        Route("/v2/", partial(_version, server), methods=reading),
        Route(TOKEN_PATH, partial(_token, server)),
        Route("/v2/{name:path}/manifests/{reference}", partial(_manifest, server), methods=reading),
        Route("/v2/{name:path}/blobs/{digest}", partial(_blob, server), methods=reading),
        Route("/v2/{name:path}/tags/list", partial(_tags, server), methods=reading),
        Route("/v2/{name:path}/referrers/{digest}", partial(_referrers, server), methods=reading),
    ]


async def _version(server: Server, request: Request) -> Response:
    server.client(request)
    return _json({})


async def _token(server: Server, request: Request) -> Response:
    server.client(request)
    value = token_of(request) or ANONYMOUS
    return _json({"token": value, "access_token": value, "expires_in": _TOKEN_SECONDS})


async def _manifest(server: Server, request: Request) -> Response:
    client = server.client(request)
    reference = request.path_params["reference"]
    if ":" in reference:
        digest = Digest(reference)
        held = await server.images.holding(_asked(request, client), digest)
        if held is None:
            raise ManifestUnknown(f"there is no manifest {digest} of {request.path_params['name']} here")
        image = held
    else:
        image = await server.images.named(client, _asked(request, client, reference))
        digest = image.root
    document = image.documents.get(digest)
    if document is None or document.media_type not in MANIFESTS | INDEXES:
        raise ManifestUnknown(f"{digest} is not a manifest of {image.name}")
    headers = _headers(digest, document.media_type)
    headers["Cache-Control"] = _kept(server, for_ever=":" in reference)
    return _content(request, document.raw, headers)


async def _blob(server: Server, request: Request) -> Response:
    client = server.client(request)
    digest = Digest(request.path_params["digest"])
    image = await server.images.holding(_asked(request, client), digest)
    if image is None:
        raise BlobUnknown(f"no image {request.path_params['name']} here has {digest}")
    headers = _headers(digest, "application/octet-stream") | {"Cache-Control": _kept(server, for_ever=True)}
    document = image.documents.get(digest)
    if document is not None:
        return _content(request, document.raw, headers)
    if _is_known(request, headers):
        return Response(status_code=304, headers=headers)
    if request.method == "HEAD":
        return Response(status_code=200, headers=headers | {"Content-Length": str(image.sizes[digest])})
    elsewhere = await _elsewhere(server, client, image, digest)
    if elsewhere is not None:
        server.metrics.blobs.labels("redirected").inc()
        return RedirectResponse(elsewhere, 307, headers=VERSION_HEADER)
    path = await server.images.path_of(client, image, digest)
    return FileResponse(path, headers=headers, media_type="application/octet-stream")


async def _tags(server: Server, request: Request) -> Response:
    client = server.client(request)
    asked = _asked(request, client)
    found = _page_of(server.catalogue.tags(asked), request)
    return _json({"name": request.path_params["name"], "tags": found})


async def _referrers(server: Server, request: Request) -> Response:
    server.client(request)
    Digest(request.path_params["digest"])
    return _json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}, OCI_INDEX)


def _kept(server: Server, *, for_ever: bool) -> str:
    """Return how long caches may keep an answer. One in front of the server knows nothing of who may use what."""
    whose = "public" if server.configuration.is_open else "private"
    return f"{whose}, max-age=31536000, immutable" if for_ever else f"{whose}, no-cache"


def _asked(request: Request, client: Client, tag: str = "latest") -> Asked:
    return client.asks(parse_name(request.path_params["name"], tag))


async def _elsewhere(server: Server, client: Client, image: ServedImage, digest: Digest) -> str | None:
    """Return where a client can get a layer that is not on this machine, if it is to be sent there."""
    configuration = server.configuration
    if not configuration.redirect or server.images.is_here(image, digest):
        return None
    origin = await server.images.origin_of(client, image, digest)
    repositories = [ImageReference.parse(name) for name in configuration.cache_from]
    for repository in repositories:
        if origin == repository.name:
            return f"https://{repository.api_host}/v2/{repository.path}/blobs/{digest}"
    return None


def _headers(digest: Digest, media_type: str) -> dict[str, str]:
    return {
        **VERSION_HEADER,
        "Docker-Content-Digest": str(digest),
        "ETag": f'"{digest}"',
        "Content-Type": media_type,
        "X-Content-Type-Options": "nosniff",
    }


def _content(request: Request, raw: bytes, headers: Mapping[str, str]) -> Response:
    """Return a document; a HEAD request hears its length alone, and whoever has it already that it is the same."""
    if _is_known(request, headers):
        return Response(status_code=304, headers=headers)
    return Response(raw, headers=dict(headers))


def _is_known(request: Request, headers: Mapping[str, str]) -> bool:
    """Return whether a client has this already (RFC 9110, section 13.1.2)."""
    tags = {tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")}
    return headers["ETag"] in tags or "*" in tags


def _page_of(tags: list[str], request: Request) -> list[str]:
    """Return the tags after `last`, `n` of them at most (distribution-spec, "Listing tags")."""
    last, number = request.query_params.get("last", ""), request.query_params.get("n", "")
    found = [tag for tag in tags if tag > last]
    return found[: int(number)] if re.fullmatch(r"[0-9]{1,9}", number) else found


def _json(value: object, media_type: str = "application/json") -> Response:
    headers = {**VERSION_HEADER, "Cache-Control": "no-store", "Content-Type": media_type}
    return Response(json.dumps(value), headers=headers)
