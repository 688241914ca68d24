"""described_in: the contents of all files that describe what a request asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conda_docker.environment.inputs.kind import InputFile
from conda_docker.environment.subdirs import subdir_of_platform
from conda_docker.resolution.describe import describe
from conda_docker.user_files import check_streams, note_read, read_once

if TYPE_CHECKING:
    from conda_docker.request import Request


def described_in(request: Request) -> tuple[str, ...]:
    """Return the contents of all files that describe what a request asks for: its own, and those that these name.

    Such are requirements files (`-r`), scripts of a pixi workspace, and its pixi.lock. Nothing is solved. Raises
    `InvalidEnvironment` and `UnsupportedInput` as reading them does.
    """
    if not request.files:
        return ()
    check_streams(request.files)
    with read_once() as texts:
        files = [InputFile.read(path) for path in request.files]
        for platform in request.platforms or (None,):
            describe(request, files, None if platform is None else subdir_of_platform(platform))
    for name, text in texts.items():
        note_read(name, text)
    return tuple(texts.values())
