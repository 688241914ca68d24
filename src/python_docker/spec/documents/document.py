"""Document: a typed view of JSON that keeps its raw bytes and every field that is not known here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from python_docker.errors import InvalidDocument
from python_docker.spec.digest import Digest
from python_docker.spec.documents.fields import Fields, read_document
from python_docker.spec.limits import MAX_DOCUMENT_SIZE
from python_docker.spec.strict_json import dump_json, parse_json


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Document(Fields):
    """A document with the bytes it was read from, or was first written as."""

    what: ClassVar[str] = "document"

    raw: bytes = field(default=b"", repr=False)
    """The document's bytes."""

    @classmethod
    def parse(cls, raw: bytes, what: str | None = None) -> Self:
        """Read a document, keeping `raw`. Raises `InvalidDocument`; `what` names the document in messages."""
        return cls.from_value(parse_json(raw, what or cls.what), raw, what or cls.what)

    @classmethod
    def from_value(cls, value: Any, raw: bytes, what: str) -> Self:
        return replace(read_document(cls.read, value, what), raw=raw)

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
    def digest(self) -> Digest:
        """The digest of the bytes."""
        return Digest.of(self.raw)

    @property
    def size(self) -> int:
        """How many bytes the document has."""
        return len(self.raw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Document) and type(self) is type(other) and self._said() == other._said()

    def __hash__(self) -> int:
        return hash(self._said())

    def _said(self) -> tuple[bytes, str | None]:
        return self.raw, getattr(self, "media_type", None)

    def value(self) -> Any:
        """Return a fresh copy of the document as JSON values."""
        return json.loads(self.raw)
