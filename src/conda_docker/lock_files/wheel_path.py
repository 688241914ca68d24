"""The path of a local wheel, as lock files name it that may be moved with their folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conda_docker.environment.packages.wheels import LockedWheel


def wheel_path(wheel: LockedWheel, folder: Path) -> str | None:
    """Return the path of a local wheel relative to `folder`, such as `./wheels/a-1.0-py3-none-any.whl`.

    None for a wheel that is not in the folder, and for one that is downloaded.
    """
    if wheel.source is None or not wheel.url.startswith("file:"):
        return None
    path, folder = wheel.source.absolute(), folder.absolute()
    return f"./{path.relative_to(folder).as_posix()}" if path.is_relative_to(folder) else None
