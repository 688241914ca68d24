"""Environment files of real projects, where a collection of them lies beside this repository. No test needs them."""

from __future__ import annotations

from pathlib import Path

COLLECTION = Path(__file__).resolve().parents[4] / "shared" / "data" / "environments"


def real_files(kind: str) -> list[Path]:
    """Return the files of a kind, such as `explicit`, or none."""
    return sorted((COLLECTION / kind).glob("*"))
