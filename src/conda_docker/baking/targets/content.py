"""content_of: a digest of what describes an environment, for the names of images."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from conda_docker.resolution.described_in import described_in
from python_docker.errors import Error

if TYPE_CHECKING:
    from conda_docker.request import Request

_DIGITS = 16


def content_of(request: Request) -> str:
    """Return sixteen digits that change with what is asked for: packages, and the contents of files and of what they
    name, such as requirements files.

    Two machines have the same for the same files, whatever their paths and line ends. It says nothing of which packages
    are chosen, nor of the base and the options. Raises `ValueError` for an environment of this machine.
    """
    if request.prefix is not None or request.name is not None:
        raise ValueError("{content} is a digest of files and packages, and this environment is a folder")
    try:
        texts = described_in(request)
    except Error:  # a file that cannot be used is an error of its image, and not of all
        texts = tuple(path.read_text(errors="replace") for path in request.files if path.is_file())
    asked = [
        list(request.specs),
        request.environment,
        list(request.categories),
        list(request.channels),
        ["\n".join(text.splitlines()) for text in texts],
    ]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:_DIGITS]
