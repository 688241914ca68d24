"""BlobTar: a tar of blobs and small files, each once; the same content in the same order gives the same bytes."""

from __future__ import annotations

from collections.abc import Callable

from python_docker.errors import Error, reason_of
from python_docker.image.blob import Blob
from python_docker.image.blob_store import blob_path
from python_docker.streams.read_ahead import READ_SIZE, ReadAhead
from python_docker.streams.stream import AdvancingReader
from python_docker.tar import LayerWriter, TarEntry
from python_docker.transports.output import Output


class BlobTar:
    """Writes members with mode 0644, owner 0 and time 0; folders are named before what is in them.

    Ends with `commit` or `abort`.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._tar = LayerWriter(output.write, in_blocks=False)

    def __contains__(self, path: str) -> bool:
        return path in self._tar

    def put_blob(self, blob: Blob, advance: Callable[[int], object], path: str | None = None) -> str:
        """Write a blob, checked on the way, at the place that its digest gives it, or at `path`.

        Gives `exists` when there is a member of that name already, else an empty text. Raises `ContentMismatch`.
        """
        descriptor = blob.descriptor
        path = path or blob_path(descriptor.digest)
        if path in self._tar:
            return "exists"
        opened = blob.open()
        if descriptor.size > READ_SIZE:
            # Received and checked while the piece before is written.
            opened = ReadAhead(opened)
        with AdvancingReader(opened, advance) as content:
            try:
                self._tar.add(TarEntry(path, size=descriptor.size), content)
            except OSError as error:
                raise Error(f"cannot read blob {descriptor.digest}: {reason_of(error)}") from error
            # The end is read as well: only then is an empty blob checked, and a connection free for the next one.
            content.read(1)
        return ""

    def put_file(self, path: str, content: bytes) -> None:
        """Write a small file, unless there is a member of that name already."""
        if path not in self._tar:
            self._tar.add(TarEntry(path, size=len(content)), content)

    def commit(self) -> None:
        """End the archive."""
        self._tar.close()
        self._output.commit()

    def abort(self) -> None:
        """Take back what was written, where the output can."""
        self._output.abort()
