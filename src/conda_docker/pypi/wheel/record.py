"""RECORD: which files a distribution has installed, with their hashes and sizes (PEP 376, as PEP 627 amends it)."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import posixpath
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from conda_docker.errors import InvalidPackage
from python_docker.streams.stream import ReadStream

if TYPE_CHECKING:
    from hashlib import _Hash

_READ_SIZE = 1 << 20

_ALGORITHMS = frozenset({"sha256", "sha384", "sha512"})  # what PEP 427 accepts


class RecordedFile(NamedTuple):
    """A row: `place` relative to the prefix; `hash` as `sha256=...`, None for what is made on the machine."""

    place: str
    hash: str | None = None
    size: int | None = None


class ExpectedHash(NamedTuple):
    """What a wheel's own RECORD says of a member."""

    algorithm: str
    value: str


def record_hash(digest: bytes) -> str:
    """Return a SHA-256 as RECORD spells it.

    >>> record_hash(hashlib.sha256(b"").digest())
    'sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU'
    """
    return f"sha256={_encoded(digest)}"


def hashed(content: bytes) -> str:
    """Return the hash of `content` as RECORD spells it."""
    return record_hash(hashlib.sha256(content).digest())


def _encoded(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def read_record(text: str, what: str) -> Mapping[str, ExpectedHash]:
    """Return what a wheel's RECORD expects of its members, by their paths; rows without a strong hash are ignored.

    Raises `InvalidPackage`, naming `what`.
    """
    expected = {}
    try:
        for row in csv.reader(io.StringIO(text, newline="")):
            if not row:
                continue
            path, hash_, _ = row
            algorithm, _, value = hash_.partition("=")
            if algorithm in _ALGORITHMS and value:
                expected[path.replace("\\", "/")] = ExpectedHash(algorithm, value.rstrip("="))
    except (csv.Error, ValueError) as error:
        raise InvalidPackage(f"{what}: its RECORD cannot be read: {error}") from error
    return expected


def matches(expected: ExpectedHash, digest: bytes) -> bool:
    """Return whether `digest` (of the algorithm that is expected) is the one that RECORD names."""
    return _encoded(digest) == expected.value


def hex_digest(expected: ExpectedHash | None) -> str | None:
    """Return the SHA-256 that RECORD states, as hexadecimal digits; None where it states none.

    >>> hex_digest(ExpectedHash("sha256", "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"))[:12]
    'e3b0c44298fc'
    """
    if expected is None or expected.algorithm != "sha256":
        return None
    try:
        digest = base64.urlsafe_b64decode(f"{expected.value}=")
    except ValueError:
        return None
    return digest.hex() if matches(expected, digest) else None


def write_record(rows: Iterable[RecordedFile], site_packages: str, record: str) -> bytes:
    """Return the content of the RECORD at `record`; its own row has neither hash nor size.

    Paths are relative to `site_packages`, and sorted as uv sorts them.
    """
    lines = [
        (posixpath.relpath(row.place, site_packages), row.hash or "", "" if row.size is None else str(row.size))
        for row in rows
    ]
    lines.append((posixpath.relpath(record, site_packages), "", ""))
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(sorted(lines))
    return text.getvalue().encode()


class CheckedContent(ReadStream):
    """A stream that is hashed on its way, by SHA-256 and by what RECORD expects."""

    def __init__(self, content: ReadStream, expected: ExpectedHash | None) -> None:
        super().__init__(content)
        self._content = content
        self._sha256 = hashlib.sha256()
        other = expected is not None and expected.algorithm != "sha256"
        self._expected: _Hash = hashlib.new(expected.algorithm) if other and expected is not None else self._sha256
        self._ahead = b""

    def peek(self) -> bytes:
        """Return the first bytes without taking them."""
        self._ahead = self._ahead or self._content.read(_READ_SIZE)
        return self._ahead

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(_READ_SIZE), b""))
        data = self._ahead[:size] if self._ahead else self._content.read(size)
        self._ahead = self._ahead[len(data) :]
        self._sha256.update(data)
        if self._expected is not self._sha256:
            self._expected.update(data)
        return data

    def digest(self) -> bytes:
        """Return the SHA-256 of what was read."""
        return self._sha256.digest()

    def expected_digest(self) -> bytes:
        """Return the digest of what was read by the algorithm that RECORD names."""
        return self._expected.digest()
