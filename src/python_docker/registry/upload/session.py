"""Upload sessions: where a registry wants the content of a blob, or that it has it already."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from python_docker.errors import ConnectionFailed, RegistryError, TooManyRequests
from python_docker.http.body import Body
from python_docker.http.headers import header_number
from python_docker.http.response import Response
from python_docker.http.url import is_inner_address, origin, public_url
from python_docker.registry.auth.scope import repository_scope
from python_docker.spec.digest import Digest

if TYPE_CHECKING:
    from python_docker.registry.client import RegistryClient

_UPLOAD = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class Session:
    """An upload that has begun: where to go on with it, and the least bytes that a chunk must have but for the last."""

    url: str
    min_chunk: int = 1


def start_upload(client: RegistryClient, path: str) -> Session:
    """Begin an upload into a repository."""
    response = client.session.request(
        "POST",
        f"/v2/{path}/blobs/uploads/",
        action=f"upload into {path}",
        scopes=[repository_scope(path, "pull", "push")],
        body=Body.of(b""),
        accept={202},
    )
    return session_of(client, response)


def mount_blob(client: RegistryClient, path: str, digest: Digest, source: str) -> Session | bool:
    """Mount in a repository a blob that `source`, another of the same registry, has.

    True when that was done. When it was not: False, or an upload that the registry began instead. It is tried once, for
    an upload does as well; a registry that fails at it is not asked for mounts any more (`UploadLimits.mounts`).
    """
    target = f"/v2/{path}/blobs/uploads/?mount={digest}&from={source}"
    try:
        response = client.session.request(
            "POST",
            target,
            action=f"mount a blob of {source} in {path}",
            scopes=[repository_scope(path, "pull", "push"), repository_scope(source, "pull")],
            body=Body.of(b""),
            accept={201, 202},
            retry=False,
        )
        return True if response.status == 201 else session_of(client, response)
    except RegistryError as error:
        # Not every registry can, and not every token may; what it takes to upload is asked for then.
        if isinstance(error, ConnectionFailed | TooManyRequests) or error.status >= 500:
            client.upload_limits.mounts = False
        return False


def session_of(client: RegistryClient, response: Response) -> Session:
    """Return the upload that an answer speaks of. Raises `RegistryError` when it names no safe place for it."""
    host = client.address.host
    location = response.headers.get("location", "")
    upload = response.headers.get("docker-upload-uuid", "")
    if not location and _UPLOAD.fullmatch(upload) and urlsplit(response.url).path.endswith("/blobs/uploads/"):
        # distribution says it twice; a proxy may have taken the Location away.
        location = upload
    if not location:
        raise RegistryError(
            f"{host}: cannot upload: it began an upload without saying where (HTTP {response.status}, no Location); "
            "a proxy in between may have removed the header",
            status=response.status,
        )
    url = client.session.resolve(response, location)
    scheme, place, _ = origin(url)
    own_scheme, own, _ = origin(client.session.base_url)
    if not client.options.insecure and (
        (own_scheme == "https" and scheme == "http")
        or (place != own and is_inner_address(place) and not is_inner_address(own))
    ):
        raise RegistryError(f"{host} wants the upload at {public_url(url)}, which is not safe")
    return Session(url, header_number(response.headers.get("oci-chunk-min-length")) or 1)
