"""send_unknown: blobs that a registry said it has, and does not know when a manifest names them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from python_docker.errors import Error, RegistryError
from python_docker.parallel import in_parallel
from python_docker.progress import SILENT
from python_docker.registry.client import MISSING_BLOB
from python_docker.registry.upload.blob import upload_blob

if TYPE_CHECKING:
    from python_docker.http.response import Response
    from python_docker.image.blob import Blob
    from python_docker.registry.client import RegistryClient
    from python_docker.spec.documents.manifest import Manifest

_AT_ONCE = 5
_SHOWN = 3
_log = logging.getLogger("python_docker")


def send_unknown(
    client: RegistryClient, path: str, reference: str, manifest: Manifest, blobs: Sequence[Blob], error: RegistryError
) -> Response:
    """Upload `blobs`, which a registry claimed to have until `error`, and store the manifest that names them.

    A registry that remembers what it had is not asked again: where blobs were removed beneath it, as by hand or in a
    garbage collection, its memory still has them. Raises `RegistryError` that names the blobs when they cannot be read
    here, or are not known to the registry even then.
    """
    host = client.address.host
    number = f"{len(blobs)} blob{'' if len(blobs) == 1 else 's'}"
    _log.warning("%s said that it has %s of %s, and does not know them now: they are uploaded", host, number, path)
    try:
        in_parallel([partial(upload_blob, client, path, blob, SILENT.start("", None)) for blob in blobs], _AT_ONCE)
        return client.put_manifest(path, reference, manifest)
    except Error as failure:
        if isinstance(failure, RegistryError) and failure.codes and MISSING_BLOB.isdisjoint(failure.codes):
            raise
        digests = ", ".join(blob.descriptor.digest for blob in blobs[:_SHOWN])
        more = f" and {len(blobs) - _SHOWN} more" if len(blobs) > _SHOWN else ""
        known = isinstance(failure, RegistryError) and not MISSING_BLOB.isdisjoint(failure.codes)
        then = "uploading them has not helped" if known else f"they cannot be uploaded: {failure}"
        raise RegistryError(
            f"{error}; it said before that it has {digests}{more}, and {then}; restart the registry or clear its cache "
            "of blobs, or push to another repository",
            status=error.status,
            codes=error.codes,
        ) from failure
