"""Saving an image of an engine to a file: whole, or no file at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from python_docker.docker.engine import Engine


def save_to_file(engine: Engine, name: str, filename: str | os.PathLike[str]) -> None:
    """Write an image to a docker archive. Raises `NotFound` when the engine has no such image."""
    path = Path(filename)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with partial.open("xb") as file:
            engine.save(name, file)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
