"""Small files of each kind, which lie beside the tests."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "files"
A, B, C = "a" * 64, "b" * 64, "c" * 32
"""The hashes in the files: two SHA-256 and an MD5."""


def example(name: str) -> str:
    """Return the text of a file."""
    return (FOLDER / name).read_text(encoding="utf-8")
