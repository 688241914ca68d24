"""PublishedFile: what is known of a file that a package is published as, a conda package's archive or a wheel."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class PublishedFile(Protocol):
    """What it takes to find a package's file on this machine, to download it and to check it.

    `url` may carry credentials, `public_url` does not; `sha256` and `md5` are hexadecimal digits, None where they are
    not known, `size` is in bytes. `source` is a file or extracted folder on this machine, where one is known.
    """

    @property
    def stem(self) -> str: ...
    @property
    def file_name(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def public_url(self) -> str: ...
    @property
    def sha256(self) -> str | None: ...
    @property
    def md5(self) -> str | None: ...
    @property
    def size(self) -> int | None: ...
    @property
    def source(self) -> Path | None: ...
