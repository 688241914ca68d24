"""What a report says, and images that are wrong in one way."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from typing import Any

from python_docker.streams.compression import Compression
from python_docker.validation import Report, Severity
from tests.python_docker.making import HELLO, Made, compress


def told(report: Report) -> list[str]:
    return [str(problem) for problem in report.problems]


def has(report: Report, severity: Severity, text: str) -> bool:
    return any(problem.severity is severity and text in str(problem) for problem in report.problems)


ERROR, WARNING = Severity.ERROR, Severity.WARNING


def change(**fields: Any) -> Callable[[Made], None]:
    def apply(made: Made) -> None:
        made.value |= fields

    return apply


def replaced(content: bytes, made: Made) -> None:
    """Give the lowest layer's blob another content, under its old name."""
    made.blobs[made.value["layers"][0]["digest"]] = content


STORED = compress(HELLO, Compression.GZIP)


FILE, FOLDER, SYMLINK, HARDLINK = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
