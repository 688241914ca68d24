"""Digests: the names of content, and readers that hash or check while they read."""

from __future__ import annotations

import hashlib
import re
from typing import BinaryIO, Protocol

from python_docker.argument_types import check_type
from python_docker.errors import ContentMismatch, InvalidDigest
from python_docker.streams.stream import ReadStream

# image-spec, descriptor.md, "Digests"
_GRAMMAR = re.compile(r"(?P<algorithm>[a-z0-9]+(?:[+._-][a-z0-9]+)*):(?P<encoded>[a-zA-Z0-9=_-]+)")
_HEX_LENGTH = {"sha256": 64, "sha512": 128}
_MAX_LENGTH = 255  # the encoded part becomes a file name


class Hash(Protocol):
    """What `hashlib` gives back: the part that is used here."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None: ...
    def hexdigest(self) -> str: ...


class Digest(str):
    """A digest, `sha256:` and 64 hexadecimal digits as a rule; a checked `str`.

    Digests of algorithms that are not known here can be held and compared, not computed.
    Raises `InvalidDigest` for anything outside the grammar of the image specification (descriptor.md).

    >>> Digest("sha256:" + 64 * "0").encoded[:4]
    '0000'
    >>> Digest.of(b"{}")
    'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Digest:
        if isinstance(text, Digest):
            return text
        check_type("text", text, str, "Digest.of(content) computes one")
        match = _GRAMMAR.fullmatch(text) if len(text) <= _MAX_LENGTH else None
        if match is None:
            raise InvalidDigest(f"not a digest: {text[:80]!r} (a digest looks like sha256:<64 hexadecimal digits>)")
        length = _HEX_LENGTH.get(match["algorithm"])
        if length is not None and not re.fullmatch(f"[a-f0-9]{{{length}}}", match["encoded"]):
            raise InvalidDigest(
                f"not a {match['algorithm']} digest: {text[:160]!r} ({length} lower-case hexadecimal digits)"
            )
        return super().__new__(cls, text)

    @classmethod
    def of(cls, content: bytes | bytearray | memoryview) -> Digest:
        """Return the SHA-256 digest of `content`."""
        check_type("content", content, (bytes, bytearray, memoryview), "text needs .encode()")
        return cls.from_hash(hashlib.sha256(content))

    @classmethod
    def from_hash(cls, sha256: Hash) -> Digest:
        """Return the digest that a SHA-256 object has reached."""
        return cls("sha256:" + sha256.hexdigest())

    @property
    def algorithm(self) -> str:
        """The part before the colon."""
        return self.partition(":")[0]

    @property
    def encoded(self) -> str:
        """The part after the colon."""
        return self.partition(":")[2]

    @property
    def short(self) -> str:
        """The first 12 digits, as Docker prints an image ID."""
        return self.encoded[:12]

    def new_hash(self) -> Hash:
        """Return a fresh hash object of this digest's algorithm. Raises `InvalidDigest` when there is none here."""
        if self.algorithm not in _HEX_LENGTH:
            raise InvalidDigest(f"cannot compute digests of algorithm {self.algorithm!r}: {self}")
        return hashlib.new(self.algorithm)

    def check(self, content: bytes, what: str) -> None:
        """Raise `ContentMismatch` unless this is the digest of `content`; `what` names it in the message."""
        hash_ = self.new_hash()
        hash_.update(content)
        if hash_.hexdigest() != self.encoded:
            raise ContentMismatch(f"{what} is damaged: its digest is {self.algorithm}:{hash_.hexdigest()}, not {self}")


class HashingReader(ReadStream):
    """A reader that hashes and counts what passes. Closing it closes `stream`."""

    def __init__(self, stream: BinaryIO, algorithm: str = "sha256") -> None:
        super().__init__(stream)
        self._stream = stream
        self._algorithm = algorithm
        self._hash: Hash = hashlib.new(algorithm)
        self.size = 0

    @property
    def digest(self) -> Digest:
        """The digest of all that was read so far."""
        return Digest(f"{self._algorithm}:{self._hash.hexdigest()}")

    def read(self, size: int | None = -1) -> bytes:
        data = self._stream.read(-1 if size is None else size)
        self._hash.update(data)
        self.size += len(data)
        return data


class VerifyingReader(ReadStream):
    """A reader that gives the last byte of its content only when size and digest are right.

    Raises `ContentMismatch` for content that is shorter, longer or other than `digest` and `size` say; `size` None
    means that only the digest is known (then the check comes at the end of the stream). `what` names the content in
    messages. Closing it closes the stream beneath.

    >>> import io
    >>> VerifyingReader(io.BytesIO(b"{}"), Digest.of(b"{}"), 2, "example").read()
    b'{}'
    """

    def __init__(self, stream: BinaryIO, digest: Digest, size: int | None, what: str) -> None:
        super().__init__(stream)
        self._stream = stream
        self._hash = digest.new_hash()
        self._digest = digest
        self._size = size
        self._what = what
        self._position = 0
        self._verified = False

    @property
    def beneath(self) -> BinaryIO:
        """The stream whose content is verified."""
        return self._stream

    def tell(self) -> int:
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        if size == 0:
            return b""
        if self._size is not None:
            if self._position == self._size:
                return self._finish()
            # Never hash more than was promised: an endless answer must not cost endless work.
            size = min(size, self._size - self._position)
        data = self._stream.read(size)
        if not data:
            if self._size is not None:
                raise ContentMismatch(f"{self._what} is truncated: {self._position} bytes of {self._size}")
            return self._finish()
        self._hash.update(data)
        self._position += len(data)
        if self._position == self._size:
            self._check()
        return data

    def _finish(self) -> bytes:
        if self._size is not None and self._stream.read(1):
            raise ContentMismatch(f"{self._what} is longer than the {self._size} bytes it should have")
        self._check()
        return b""

    def _check(self) -> None:
        if not self._verified and self._hash.hexdigest() != self._digest.encoded:
            raise ContentMismatch(
                f"{self._what} is damaged: its digest is {self._digest.algorithm}:{self._hash.hexdigest()}, "
                f"not {self._digest}"
            )
        self._verified = True
