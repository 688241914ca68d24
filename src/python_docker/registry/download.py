"""Downloads: a blob as a stream that goes on after the connection broke, and layers into temporary files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from python_docker.errors import ContentMismatch
from python_docker.http.failure import Cause, HttpError
from python_docker.http.headers import content_type
from python_docker.http.options import HttpOptions
from python_docker.http.response import Response
from python_docker.http.resume import ResumableBody
from python_docker.image.blob import Blob
from python_docker.image.blob_store import temporary_writer
from python_docker.parallel import in_parallel
from python_docker.progress import Progress
from python_docker.registry.failures import registry_error
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.streams.stream import ReadStream

if TYPE_CHECKING:
    from python_docker.image.image import Image

Ask = Callable[[Mapping[str, str]], Response]
"""Asks the registry for the blob, or with a `Range` header for a part of it."""

_READ_SIZE = 1 << 20


class BlobReader(ReadStream):
    """A blob of a repository, read from its registry as it comes. Gives exactly as many bytes as `descriptor` says.

    What comes is not verified here: `Blob.open` does that. Each answer is asked of the registry anew, never of the
    place that it redirected to before. Reading raises `RegistryError`, as `ConnectionFailed` when the attempts that the
    options allow are used up; `ContentMismatch` when the registry announces another size.
    """

    def __init__(self, ask: Ask, options: HttpOptions, path: str, descriptor: Descriptor) -> None:
        super().__init__()
        self._ask = ask
        self._path = path
        self._descriptor = descriptor
        self._is_page = False
        self._body = ResumableBody(self._asked, options, size=descriptor.size)

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

    def _asked(self, headers: Mapping[str, str]) -> Response:
        response = self._ask(headers)
        self._is_page = "html" in content_type(response.headers)
        return response

    def close(self) -> None:
        self._body.close()
        super().close()


def download_layers(image: Image, parallel: int, progress: Progress) -> None:
    """Replace the layers of an image by such whose content is here, `parallel` of them at a time.

    They are in temporary files, which are there for as long as the layers are. Raises what reading a blob raises.
    """
    unique = {layer.digest: layer.blob for layer in image.layers}

    def download(blob: Blob) -> Blob:
        task = progress.start(blob.descriptor.digest.short, blob.descriptor.size)
        with temporary_writer() as writer, blob.open() as stream:
            while data := stream.read(_READ_SIZE):
                writer.write(data)
                task.advance(len(data))
            kept = writer.commit(blob.descriptor.media_type)
        task.finish()
        # Where it came from stays known, so that a push back to there need not upload it.
        return replace(kept, descriptor=blob.descriptor, origin=blob.origin)

    blobs = in_parallel([partial(download, blob) for blob in unique.values()], parallel)
    here = dict(zip(unique, blobs, strict=True))
    image.layers[:] = [layer.with_blob(here[layer.digest].describe(layer.descriptor)) for layer in image.layers]
