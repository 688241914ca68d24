"""BlobReader: a blob as a stream that goes on after the connection broke."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from python_docker.errors import ContentMismatch, NotFoundInRegistry
from python_docker.files.stream import ReadStream
from python_docker.http.failure import Cause, HttpError
from python_docker.http.headers import content_type
from python_docker.http.response import Response
from python_docker.http.resume import ResumableBody
from python_docker.registry.failures import registry_error
from python_docker.spec.documents import Descriptor

if TYPE_CHECKING:
    from python_docker.registry.client import RegistryClient

_READ_SIZE = 1 << 20


class BlobReader(ReadStream):
    """A blob of a repository, read from its registry as it comes. Gives exactly as many bytes as `descriptor` says.

    What comes is not verified here: `Blob.open` does that. Each answer is asked of the registry anew, never of the
    place that it redirected to before. Reading raises `RegistryError`, as `ConnectionFailed` when the attempts that the
    options allow are used up; `ContentMismatch` when the registry announces another size.
    """

    def __init__(self, client: RegistryClient, path: str, descriptor: Descriptor) -> None:
        super().__init__()
        self._client = client
        self._path = path
        self._descriptor = descriptor
        self._is_page = False
        self._body = ResumableBody(self._ask, client.options, size=descriptor.size)

    def read(self, size: int | None = -1) -> bytes:
        """Return at most `size` bytes, as soon as there are any; empty at the end."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(_READ_SIZE), b""))
        try:
            return self._body.read1(size)
        except HttpError as error:
            what = f"blob {self._descriptor.digest}"
            if error.cause is Cause.WRONG_LENGTH:
                page = ", and is a web page, as a proxy or a login page sends" if self._is_page else ""
                raise ContentMismatch(f"{error.host}: {what} has the wrong length: {error.detail}{page}") from None
            raise registry_error(error, f"read {what} of {self._path}") from None

    def _ask(self, headers: Mapping[str, str]) -> Response:
        digest, urls = self._descriptor.digest, self._descriptor.urls
        try:
            response = self._client.open_blob(self._path, digest, headers)
        except NotFoundInRegistry:
            if not urls:
                raise
            # A foreign layer is kept elsewhere (image-spec, descriptor.md, `urls`).
            response = self._client.session.open_elsewhere(urls, headers, f"read blob {digest}")
        self._is_page = "html" in content_type(response.headers)
        return response

    def close(self) -> None:
        self._body.close()
        super().close()
