"""What a layer's blob holds, read once: size, digests, compression, tar."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import BinaryIO

from python_docker.errors import Error, InvalidDigest, InvalidLayer, NotFound
from python_docker.image.blob import Blob
from python_docker.spec.digest import Digest, HashingReader
from python_docker.spec.media_types import FOREIGN_LAYERS, layer_compression
from python_docker.streams.compression import Compression, open_decompressed, sniff_stream
from python_docker.streams.stream import ReadStream
from python_docker.tar import TarReader
from python_docker.validation.report import Finding, error, warning
from python_docker.validation.tar_rules import TarRules

_READ_SIZE = 1 << 20
_WRITTEN = (Compression.NONE, Compression.GZIP, Compression.ZSTD)


@dataclass(frozen=True, slots=True)
class LayerContent:
    """What was found in a blob, the paths in it, and the hard links to what is not in it (pairs of path and target)."""

    findings: tuple[Finding, ...] = ()
    paths: Collection[str] = ()
    links: tuple[tuple[str, str], ...] = ()


class _Bounded(ReadStream):
    """A stream of which at most `limit` bytes are read; reports them to `advance`."""

    def __init__(self, stream: BinaryIO, limit: int, advance: Callable[[int], object]) -> None:
        super().__init__(stream)
        self._stream = stream
        self._left = limit
        self._advance = advance

    def read(self, size: int | None = -1) -> bytes:
        size = self._left if size is None or size < 0 else min(size, self._left)
        data = self._stream.read(size) if size else b""
        self._left -= len(data)
        self._advance(len(data))
        return data


def read_blob(blob: Blob, advance: Callable[[int], object]) -> LayerContent:
    """Check a blob that is not a layer: its size and digest."""

    def look(stream: BinaryIO) -> LayerContent:
        _drain(stream)
        return LayerContent()

    return _read(blob, advance, look)


def missing_foreign(missing: NotFound) -> LayerContent:
    """Return what is found of a foreign layer that is elsewhere."""
    return LayerContent((warning(f"its content is not here, as is usual for its type: {missing}"),))


def read_layer(blob: Blob, diff_id: Digest | None, advance: Callable[[int], object]) -> LayerContent:
    """Check a layer: size, digest, compression, diff ID (None when it is not known) and what is in the tar."""
    return _read(blob, advance, lambda stream: _read_tar(stream, blob.descriptor.media_type, diff_id))


def _drain(stream: BinaryIO) -> None:
    while stream.read(_READ_SIZE):
        pass


def _computable(digest: Digest | None) -> str | None:
    """Return the algorithm of a digest that can be computed here."""
    try:
        return digest.algorithm if digest is not None and digest.new_hash() else None
    except InvalidDigest:
        return None


def _read(blob: Blob, advance: Callable[[int], object], look: Callable[[BinaryIO], LayerContent]) -> LayerContent:
    """Check a blob while `look` reads all of it."""
    descriptor = blob.descriptor
    findings: list[Finding] = []
    algorithm = _computable(descriptor.digest)
    if algorithm is None:
        findings.append(warning(f"digests of {descriptor.digest.algorithm} cannot be checked here"))
    try:
        # One byte more than promised shows whether there is more; the rest of what may be endless is not read.
        stream = _Bounded(blob.opener(), descriptor.size + 1, advance)
        with HashingReader(stream, algorithm or "sha256") as stored:
            content = look(stored)
            size, digest = stored.size, stored.digest
    except NotFound as missing:
        if descriptor.media_type in FOREIGN_LAYERS:
            return missing_foreign(missing)
        return LayerContent((*findings, error(str(missing))))
    except (Error, OSError) as failure:
        return LayerContent((*findings, error(f"it cannot be read: {failure}")))
    if size > descriptor.size:
        # What was found in the part that was read is about a cut that we made.
        too_long = error(f"it has more than {descriptor.size} bytes, the size in its descriptor")
        return LayerContent((*findings, too_long))
    if size < descriptor.size:
        findings.append(error(f"it has {size} bytes; its descriptor says {descriptor.size}"))
    elif algorithm is not None and digest != descriptor.digest:
        findings.append(error(f"its digest is {digest}"))
    return LayerContent((*findings, *content.findings), content.paths, content.links)


def _read_tar(stored: BinaryIO, media_type: str, diff_id: Digest | None) -> LayerContent:
    findings: list[Finding] = []
    compression, whole = sniff_stream(stored)
    named = layer_compression(media_type)
    if compression not in _WRITTEN:
        findings.append(error(f"it is compressed with {compression}, which layers may not be"))
    elif named is not None and compression is not named:
        findings.append(error(f"its media type says {named}, but its content is {_describe(compression)}"))
    rules = TarRules()
    algorithm = _computable(diff_id)
    with HashingReader(open_decompressed(whole), algorithm or "sha256") as plain:
        damage = _read_entries(plain, rules)
        if damage is not None:
            findings.append(error(damage))
        try:
            _drain(plain)
        except InvalidLayer as error_:
            if str(error_) != damage:
                findings.append(error(str(error_)))
        else:
            if algorithm is not None and plain.digest != diff_id:
                findings.append(error(f"the digest of its tar is {plain.digest}; the image's config says {diff_id}"))
        # While `plain` is open: closing it closes what is beneath.
        _drain(stored)
    return LayerContent((*findings, *rules.findings()), rules.types.keys(), tuple(rules.links))


def _read_entries(plain: BinaryIO, rules: TarRules) -> str | None:
    """Check the members of a tar; gives what is wrong when it is damaged."""
    try:
        reader = TarReader(plain, lenient=True)
        for entry, _ in reader:
            rules.add(entry)
        for what, path in reader.rare.items():
            rules.add_rare(what, path)
    except InvalidLayer as damage:
        return str(damage)
    finally:
        rules.finish()
    return None


def _describe(compression: Compression) -> str:
    return "not compressed" if compression is Compression.NONE else str(compression)
