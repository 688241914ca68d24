"""Names of environments, which become names of folders in images."""

from __future__ import annotations

import re

_LONGEST = 100
# Bytes. A prefix must fit the placeholder in binary files, which has 255.
_UNUSABLE = re.compile(r"[^\w.+-]+")


def folder_name(name: str) -> str | None:
    """Return a name that can be that of a folder in an image, near to `name`; None where nothing is left of it.

    conda refuses spaces, slashes, colons and number signs in names of environments (conda/base/context.py).

    >>> folder_name("my env"), folder_name("a/b:c"), folder_name("..")
    ('my-env', 'a-b-c', None)
    """
    usable = _UNUSABLE.sub("-", name).lstrip("-.")
    return usable.encode()[:_LONGEST].decode(errors="ignore").rstrip("-") or None
