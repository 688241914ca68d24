"""RegistryClient: the operations of the registry protocol (distribution-spec), one method each."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_docker.errors import ContentMismatch, InvalidDigest, NotFoundInRegistry, RegistryError
from python_docker.http.body import Body
from python_docker.http.headers import content_type
from python_docker.http.response import Response
from python_docker.http.resume import RANGE_REFUSALS
from python_docker.http.retry import backoff
from python_docker.image.blob import Blob
from python_docker.registry.access.address import RegistryAddress
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.auth.scope import repository_scope
from python_docker.registry.session import RegistrySession
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Index, Manifest, parse_manifest
from python_docker.spec.limits import MAX_DOCUMENT_SIZE
from python_docker.spec.media_types import DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST

if TYPE_CHECKING:
    from python_docker.registry.download import BlobReader

# All of them in one header: a registry that misses one converts the image, or says that there is none.
ACCEPT_MANIFESTS = ", ".join((OCI_INDEX, OCI_MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST))
# What files are served as that nobody gave a type.
_UNTYPED = {"application/json", "text/plain", "application/octet-stream", "binary/octet-stream", ""}
_WITHOUT_HEAD = {400, 405, 406, 415, 501}
_UNASKED = {403, 405, 501}
_SHA256 = re.compile(r"sha256:[a-f0-9]{64}")
# distribution-spec, "Error Codes": what a manifest names is not there.
MISSING_BLOB = frozenset({"BLOB_UNKNOWN", "MANIFEST_BLOB_UNKNOWN"})
_SETTLING = 3  # attempts


@dataclass(slots=True)
class UploadLimits:
    """What a registry was found not to take: ways to upload (see `python_docker.registry.upload`), and more.

    It is learned once, and from then on spared.
    """

    refused: set[str] = field(default_factory=set)
    chunk_size: int | None = None
    """The largest chunk that it takes."""
    mounts: bool = True
    """Whether it has not failed at a mount."""


class RegistryClient:
    """Talks to one registry. Nothing is sent before the first operation; any number of threads may use it.

    Every operation raises `AccessDenied`, `NotFoundInRegistry`, `TooManyRequests`, `ConnectionFailed` or another
    `RegistryError`; what is safe to repeat has been tried again before, as often as the options say.

    >>> RegistryClient("docker.io").domain
    'docker.io'
    """

    def __init__(self, address: str | RegistryAddress, options: RegistryOptions | None = None) -> None:
        self.address = RegistryAddress.parse(address) if isinstance(address, str) else address
        self.options = options or RegistryOptions()
        self.session = RegistrySession(self.address, self.options)
        self.upload_limits = UploadLimits()

    @property
    def domain(self) -> str:
        """The registry's name in references."""
        return self.address.domain

    # -- manifests -------------------------------------------------------------------------------------------------

    def manifest(self, path: str, reference: str) -> Manifest | Index:
        """Return the manifest or index of a tag or digest.

        Raises `InvalidDocument`, `UnsupportedFormat` or `ContentMismatch` for an answer that is not one, too.
        """
        what = f"the manifest of {_name(path, reference)}"
        for attempt in range(1, self.options.attempts + 1):
            response = self.session.request(
                "GET",
                f"/v2/{path}/manifests/{reference}",
                action=f"read {what}",
                scopes=[repository_scope(path, "pull")],
                headers={"Accept": ACCEPT_MANIFESTS},
            )
            raw = response.content(MAX_DOCUMENT_SIZE)
            served = content_type(response.headers)
            self._check_no_page(raw, served, f"read {what}")
            try:
                self._check_digest(raw, response, reference, what)
            except ContentMismatch:
                # Damaged on its way; what comes next time may not be.
                if attempt == self.options.attempts:
                    raise
                continue
            return parse_manifest(raw, None if served in _UNTYPED else served, f"{what} from {self.address.host}")
        raise AssertionError("unreachable")

    def _check_no_page(self, raw: bytes, served: str, action: str) -> None:
        """Raise for a web page, which is never what a registry answers."""
        start = raw[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
        if start.startswith(b"<") or ("html" in served and not start.startswith(b"{")):
            raise RegistryError(
                f"{self.address.host}: cannot {action}: it sent a web page ({served or 'without a type'}), as a "
                "proxy or a login page does",
                status=200,
            )

    def _check_digest(self, raw: bytes, response: Response, reference: str, what: str) -> None:
        """Raise `ContentMismatch` for another document than was asked for, or than the registry says it sends."""
        stated = response.headers.get("docker-content-digest", "")
        if ":" in reference:
            Digest(reference).check(raw, what)
        elif "prettyjws" not in content_type(response.headers):
            # The digest of a schema 1 document is of a part of it; it is refused by its type.
            with suppress(InvalidDigest):  # some registries say nonsense
                Digest(stated).check(raw, what)

    def manifest_digest(self, path: str, reference: str) -> Digest:
        """Return the digest of what a tag names now, where possible without what Docker Hub counts as a pull."""
        try:
            response = self.session.request(
                "HEAD",
                f"/v2/{path}/manifests/{reference}",
                action=f"find {_name(path, reference)}",
                scopes=[repository_scope(path, "pull")],
                headers={"Accept": ACCEPT_MANIFESTS},
            )
        except RegistryError as error:
            if error.status not in _WITHOUT_HEAD:
                raise
            return self.manifest(path, reference).digest
        stated = response.headers.get("docker-content-digest", "")
        if not _SHA256.fullmatch(stated) or "manifest.v1" in response.headers.get("content-type", ""):
            return self.manifest(path, reference).digest
        return Digest(stated)

    def put_manifest(self, path: str, reference: str, document: Manifest | Index) -> Response:
        """Store a manifest or index under a tag or its digest; what it names must be there already.

        A registry may miss for a moment what it has just taken, or what another client sends as well: it is asked
        again then.
        """
        action = f"write the manifest of {_name(path, reference)}"
        for attempt in range(1, _SETTLING + 1):
            try:
                answer = self.session.request(
                    "PUT",
                    f"/v2/{path}/manifests/{reference}",
                    action=action,
                    scopes=[repository_scope(path, "pull", "push")],
                    headers={"Content-Type": document.media_type},
                    body=Body.of(document.raw),
                    accept={200, 201, 202, 204},
                )
                break
            except RegistryError as error:
                if attempt == min(_SETTLING, self.options.attempts) or MISSING_BLOB.isdisjoint(error.codes):
                    raise
                time.sleep(backoff(attempt, self.options))
        if answer.status == 200:
            # A login page takes anything, and has "had" every blob before.
            self._check_no_page(answer.content(MAX_DOCUMENT_SIZE), content_type(answer.headers), action)
        self._check_stored(answer, path, reference, document)
        return answer

    def _check_stored(self, answer: Response, path: str, reference: str, document: Manifest | Index) -> None:
        """Raise `ContentMismatch` for a registry that keeps another document than it was sent."""
        stated = answer.headers.get("docker-content-digest", "")
        if not _SHA256.fullmatch(stated) or stated == document.digest:
            return
        try:  # some registries say nonsense, and have it all the same
            self.manifest_digest(path, str(document.digest))
        except NotFoundInRegistry:
            raise ContentMismatch(
                f"{self.address.host}: it has stored the manifest of {_name(path, reference)} as {stated}, and has no "
                f"{document.digest}, which it was sent: it, or a proxy in front of it, changes manifests"
            ) from None

    def delete_manifest(self, path: str, digest: Digest) -> None:
        """Remove a manifest, and with it all tags that name it."""
        self.session.request(
            "DELETE",
            f"/v2/{path}/manifests/{digest}",
            action=f"delete {_name(path, digest)}",
            scopes=[repository_scope(path, "pull", "push", "delete")],
            accept={200, 202, 204},
        )

    # -- blobs -----------------------------------------------------------------------------------------------------

    def has_blob(self, path: str, digest: Digest, *, to_push: bool = False) -> bool:
        """Return whether a repository has a blob; `to_push` asks with the token for uploads, to save another.

        Who may push may not always ask: before a push, a refusal of the question counts as a no.
        """
        try:
            self.blob_size(path, digest, to_push=to_push)
        except NotFoundInRegistry:
            return False
        return True

    def blob_size(self, path: str, digest: Digest, *, to_push: bool = False) -> int | None:
        """Return how many bytes a blob has, None when the registry does not say; see `has_blob`."""
        try:
            response = self.session.request(
                "HEAD",
                f"/v2/{path}/blobs/{digest}",
                action=f"push to {path}" if to_push else f"find blob {digest} in {path}",
                scopes=[repository_scope(path, "pull", "push") if to_push else repository_scope(path, "pull")],
            )
        except RegistryError as error:
            if to_push and error.status in _UNASKED:
                raise NotFoundInRegistry(str(error), status=error.status, codes=error.codes) from error
            raise
        return response.length

    def check_blob(self, path: str, descriptor: Descriptor, *, to_push: bool = False) -> None:
        """Ask whether a repository has a blob of that digest and size, and read nothing of it; see `has_blob`.

        Raises `NotFoundInRegistry`, and `ContentMismatch` for another size.
        """
        size = self.blob_size(path, descriptor.digest, to_push=to_push)
        if size is not None and size != descriptor.size:
            raise ContentMismatch(
                f"blob {descriptor.digest} in {self.domain}/{path} has {size} bytes instead of {descriptor.size}"
            )

    def open_blob(self, path: str, digest: Digest, headers: Mapping[str, str] | None = None) -> Response:
        """Return the answer whose body is a blob; the caller closes it.

        With a `Range` header it is a part (status 206), the whole (200) or a refusal of the range (`RANGE_REFUSALS`).
        """
        return self.session.request(
            "GET",
            f"/v2/{path}/blobs/{digest}",
            action=f"read blob {digest} of {path}",
            scopes=[repository_scope(path, "pull")],
            headers=headers,
            accept={200, 206} | (RANGE_REFUSALS if headers and "Range" in headers else set()),
            stream=True,
        )

    def blob(self, path: str, descriptor: Descriptor) -> Blob:
        """Return a blob that is downloaded each time it is opened, and resumed when the connection breaks."""

        def ask(headers: Mapping[str, str]) -> Response:
            try:
                return self.open_blob(path, descriptor.digest, headers)
            except NotFoundInRegistry:
                if not descriptor.urls:
                    raise
                # A foreign layer is kept elsewhere (image-spec, descriptor.md, `urls`).
                return self.session.open_elsewhere(descriptor.urls, headers, f"read blob {descriptor.digest}")

        def read() -> BlobReader:
            from python_docker.registry.download import BlobReader

            return BlobReader(ask, self.options, path, descriptor)

        return Blob(descriptor, read, origin=f"{self.domain}/{path}")

    def check_access(self, path: str | None = None, actions: tuple[str, ...] = ("pull",)) -> None:
        """Raise `AccessDenied` when the registry does not let us in, or refuses a token for actions on a repository."""
        scopes = [] if path is None else [repository_scope(path, *actions)]
        self.session.request("GET", "/v2/", action="log in", scopes=scopes)

    # -- lists -----------------------------------------------------------------------------------------------------

    def tags(self, path: str, *, page_size: int | None = None, last: str | None = None) -> Iterator[list[str]]:
        """Yield the tags of a repository after `last`, in pages of `page_size` (the registry's own when it is None)."""
        from python_docker.registry.lists import pages, tags_of

        return pages(self.session, tags_of(path), page_size, last)

    def repositories(self, *, page_size: int | None = None, last: str | None = None) -> Iterator[list[str]]:
        """Yield the registry's repositories after `last`, in pages; many registries refuse that."""
        from python_docker.registry.lists import REPOSITORIES, pages

        return pages(self.session, REPOSITORIES, page_size, last)

    def close(self) -> None:
        """Close idle connections. The client, and blobs that it gave, can still be used."""
        self.session.close()


def _name(path: str, reference: str) -> str:
    return f"{path}@{reference}" if ":" in reference else f"{path}:{reference}"
