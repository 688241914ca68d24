"""What a new lock file may replace: a lock file of its own form with the same environments, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from conda_docker.environment.inputs.kind import InputFile
from conda_docker.environment.inputs.lock_files import conda_lock, pixi_lock
from conda_docker.errors import InvalidEnvironment
from conda_docker.lock_files.inputs import read_lock
from conda_docker.user_files import is_there
from conda_docker.yaml_document import parse_document


def check_replaceable(path: Path, form: str, environment: str, sources: Iterable[Path]) -> None:
    """Raise `InvalidEnvironment` if a lock file of `form` at `path` would replace something else.

    That is one of `sources`, which it is made from, a file of another kind, and a pixi.lock with environments other
    than `environment`.
    """
    if not is_there(path):
        return
    if any(is_there(source) and source.samefile(path) for source in sources):
        raise _refusal(f"{path} is what is to be locked")
    if not path.is_file():
        return  # such as /dev/stdout
    if form == "conda-docker":
        if read_lock(path) is None:
            raise _refusal(f"{path} is not a lock file of conda-docker")
        return
    file = InputFile.read(path)
    kind = (pixi_lock if form == "pixi" else conda_lock).KIND
    if not kind.detect(file) or not {"package", "packages"} & file.keys:
        raise _refusal(f"{path} is not {kind.name}")
    if form == "pixi":
        others = [
            name for name in parse_document(file.text, str(path)).mapping("environments") or () if name != environment
        ]
        if others:
            raise _refusal(f"{path} has other environments: {', '.join(others)}")


def _refusal(reason: str) -> InvalidEnvironment:
    return InvalidEnvironment(f"{reason}; name another file with -o, or replace it with --force")
