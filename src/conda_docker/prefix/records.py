"""RECORD of a distribution whose files were rewritten on their way into an image."""

from __future__ import annotations

import csv
import io
import posixpath
from collections.abc import Mapping
from typing import NamedTuple


class Hashed(NamedTuple):
    """The SHA-256 of a file, and its size in bytes."""

    sha256: bytes
    size: int


def rewritten_record(content: bytes, site_packages: str, rewritten: Mapping[str, Hashed]) -> bytes:
    """Return the content of a RECORD with the hashes and sizes that files have now, by places relative to the prefix.

    One that cannot be read stays as it is.
    """
    from conda_docker.pypi.wheel.record import record_hash

    try:
        rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    except (UnicodeDecodeError, csv.Error):
        return content
    changed = False
    for row in rows:
        now = rewritten.get(posixpath.normpath(posixpath.join(site_packages, row[0]))) if len(row) == 3 else None
        if now is not None and row[1]:
            row[1:] = [record_hash(now.sha256), str(now.size)]
            changed = True
    if not changed:
        return content
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
