"""Document: a typed view of JSON that keeps its raw bytes and every field that is not known here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import PrivateAttr, ValidationError

from python_docker.errors import InvalidDocument
from python_docker.spec.descriptor import Fields
from python_docker.spec.digest import Digest
from python_docker.spec.limits import MAX_DOCUMENT_SIZE
from python_docker.spec.strict_json import dump_json, parse_json

MAX_ITEMS = 10_000
"""How many layers an image, or images an index, may have."""


def none_is_empty(value: Any) -> Any:
    """Go writes a list without elements as null."""
    return () if value is None else value


class Document(Fields):
    """A document with the bytes it was read from, or was first written as."""

    _raw: bytes = PrivateAttr(default=b"")
    _digest: Digest | None = PrivateAttr(default=None)
    what: ClassVar[str] = "document"

    @classmethod
    def parse(cls, raw: bytes, what: str | None = None) -> Self:
        """Read a document, keeping `raw`. Raises `InvalidDocument`; `what` names the document in messages."""
        return cls.from_value(parse_json(raw, what or cls.what), raw, what or cls.what)

    @classmethod
    def from_value(cls, value: Any, raw: bytes, what: str) -> Self:
        try:
            document = cls.from_json(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "the top"
            raise InvalidDocument(f"{what} is malformed at {place[:120]!r}: {first['msg']}") from None
        document._raw = raw
        return document

    @classmethod
    def build(cls, value: Mapping[str, Any]) -> Self:
        """Make a document of JSON values; its bytes are their compact form.

        Raises `InvalidDocument` for one that registries, and the readers here, would refuse for its size.
        """
        raw = dump_json(value)
        if len(raw) > MAX_DOCUMENT_SIZE:
            raise InvalidDocument(f"{cls.what} would have {len(raw)} bytes; at most {MAX_DOCUMENT_SIZE} are taken")
        return cls.from_value(value, raw, cls.what)

    @property
    def raw(self) -> bytes:
        """The document's bytes."""
        return self._raw

    @property
    def digest(self) -> Digest:
        """The digest of the bytes."""
        if self._digest is None:
            self._digest = Digest.of(self._raw)
        return self._digest

    @property
    def size(self) -> int:
        """How many bytes the document has."""
        return len(self._raw)

    def __eq__(self, other: object) -> bool:
        # Not pydantic's, to which a digest that was worked out before makes a difference.
        return isinstance(other, Document) and type(self) is type(other) and self._said() == other._said()

    def __hash__(self) -> int:
        return hash(self._said())

    def _said(self) -> tuple[bytes, str | None]:
        return self._raw, getattr(self, "media_type", None)

    def value(self) -> Any:
        """Return a fresh copy of the document as JSON values."""
        return json.loads(self._raw)
