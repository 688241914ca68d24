"""Methods of python-docker 0.2's `Registry`, for programs that were written for it (docs/earlier-releases.md)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from email.message import Message
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import parse_qs, urlencode, urlsplit

from python_docker.argument_types import check_method, check_optional, check_type
from python_docker.errors import AccessDenied, ContentMismatch
from python_docker.http.body import Body
from python_docker.image.blob import Blob
from python_docker.progress import SILENT
from python_docker.registry.auth.scope import repository_scope
from python_docker.registry.refusal import refusal_error
from python_docker.registry.upload.blob import upload_blob
from python_docker.registry.upload.session import start_upload
from python_docker.spec.digest import Digest
from python_docker.spec.documents.manifest import parse_manifest

if TYPE_CHECKING:
    from python_docker.http.response import Response
    from python_docker.registry.client import RegistryClient

_ANY_STATUS = range(100, 600)
_LIMIT = 64 << 20  # bytes of an answer that is held in memory
_REPOSITORY = re.compile(r"/v2/(.+)/(?:manifests|blobs|tags)/")
_PUSH = ("pull", "push")
_ACTIONS: Mapping[str, tuple[str, ...]] = {"GET": ("pull",), "HEAD": ("pull",), "DELETE": ("pull", "push", "delete")}


class EarlierResponse:
    """An answer, with those attributes of `requests.Response` that talking to a registry needs.

    Bodies of more than 64 MiB are not read: see `Registry.pull_image` for layers.
    """

    def __init__(self, response: Response, action: str, hide: Callable[[str], str]) -> None:
        self._response = response
        self._action = action
        self._hide = hide
        self.status_code = response.status
        self.headers = Message()  # takes names in any case
        for name, value in response.headers.items():
            self.headers[name] = value
        self.url = response.url

    @property
    def ok(self) -> bool:
        """Whether the registry did what was asked."""
        return self.status_code < 400

    @property
    def content(self) -> bytes:
        """The body."""
        return self._response.content(_LIMIT) if self.ok else self._response.error_content()

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body as the JSON that it is."""
        return json.loads(self.content)

    def raise_for_status(self) -> None:
        """Raise a `RegistryError` for a refusal (python-docker 0.2: `requests.HTTPError`)."""
        if not self.ok:
            raise refusal_error(self._response, self._action, hide=self._hide)


class EarlierCalls:
    """What `Registry` inherits for earlier programs. New ones have `RegistryClient`, and `Registry`'s other methods."""

    _client: RegistryClient

    def _repository(self, image: str) -> tuple[RegistryClient, str]:
        """Return the registry that the name of a repository belongs to, and its path there."""
        raise NotImplementedError

    def request(
        self,
        url: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, object] | None = None,
        data: bytes | str | BinaryIO | None = None,
        *,
        image: str | None = None,
        action: str | None = None,
        **ignored: object,
    ) -> EarlierResponse:
        """Send a request to a path of the registry such as `/v2/_catalog`, logged in as needed; return any answer.

        `image` and `action` (`pull`, `push`) say what it is about, where the path does not.
        """
        check_type("url", url, str)
        check_type("method", method, str)
        check_optional("params", params, Mapping)
        check_optional("action", action, str)
        client = self._client
        if params:
            url += ("&" if "?" in url else "?") + urlencode(params, doseq=True)
        if isinstance(data, str):
            data = data.encode()
        elif data is not None and not isinstance(data, bytes):
            check_method("data", data, "read")
            data = data.read()
        body = None if data is None and method in {"GET", "HEAD", "DELETE"} else Body.of(data or b"")
        found = _REPOSITORY.match(url)
        path = self._repository(image)[1] if image is not None else found[1] if found else None
        actions = _PUSH if action is not None and "push" in action else _ACTIONS.get(method, _PUSH)
        what = f"{method} {url.partition('?')[0]}"
        response = client.session.request(
            method,
            url if url.startswith("/") else f"/{url}",
            action=what,
            scopes=[] if path is None else [repository_scope(path, *actions)],
            headers=headers,
            body=body,
            accept=_ANY_STATUS,
            retry=method != "PATCH",
            limit=_LIMIT,
        )
        return EarlierResponse(response, what, client.session.hide)

    def authenticated(self) -> bool:
        """Return whether the registry lets us in."""
        try:
            self._client.check_access()
        except AccessDenied:
            return False
        return True

    def detect_authentication(self) -> None:
        """Find out how the registry wants to be logged in to; every other method does so by itself."""
        _ = self._client.session.base_url

    def begin_upload(self, image: str) -> tuple[str, dict[str, list[str]]]:
        """Begin an upload into a repository; return the path and the query of the place for it."""
        client, path = self._repository(image)
        place = urlsplit(start_upload(client, path).url)
        return place.path, parse_qs(place.query)

    def upload_blob(self, image: str, digest: bytes, checksum: str) -> None:
        """Upload `digest`, which is the content of a blob in spite of its name, of this SHA-256 in hexadecimal."""
        check_type("digest", digest, bytes, "the content of the blob")
        check_type("checksum", checksum, str)
        client, path = self._repository(image)
        blob = Blob.from_bytes(digest, "application/octet-stream")
        wanted = Digest(f"sha256:{checksum.removeprefix('sha256:')}")
        if blob.descriptor.digest != wanted:
            raise ContentMismatch(f"the blob has the digest {blob.descriptor.digest} instead of {wanted}")
        upload_blob(client, path, blob, SILENT.start(wanted.short, len(digest)))

    def upload_manifest(self, image: str, tag: str, manifest: Mapping[str, tuple[bytes, str]]) -> None:
        """Store a manifest under a tag, and its config where that is missing: `Image.manifest_v2` has both.

        `manifest` maps `config` and `manifest` to their bytes and these' SHA-256.
        """
        check_type("image", image, str)
        check_type("tag", tag, str)
        check_type("manifest", manifest, Mapping)
        if missing := {"config", "manifest"} - manifest.keys():
            raise ValueError(f"manifest has no {' and no '.join(sorted(missing))}: Image.manifest_v2 has both")
        client, path = self._repository(image)
        config, checksum = manifest["config"]
        if not client.has_blob(path, Digest(f"sha256:{checksum}"), to_push=True):
            self.upload_blob(image, config, checksum)
        client.put_manifest(path, tag, parse_manifest(manifest["manifest"][0]))
