"""What a lock file cannot hold of an environment that exists: packages without a wheel, and files of its folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conda_docker.errors import UnsupportedInput

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment
    from conda_docker.link.filter import FileFilter


def check_lockable(environment: LockedEnvironment) -> None:
    """Raise `UnsupportedInput` where pip installed what no wheel is to be had of, and more than packages is wanted.

    A build copies such a package from the prefix. A lock file has nothing to name, and its image would lack it.
    """
    installed = environment.installed
    if installed is None or not installed.distributions or not installed.whole:
        return
    raise UnsupportedInput(
        f"{installed.given} holds packages that pip installed, and of which no wheel with the same files is to be had: "
        f"{_names(environment)}. Install them from wheels (`pip wheel`, then `pip install` of the file) and lock "
        "again; or build from the prefix (`build -p`), which copies them; or lock without them, with --only-packages"
    )


def notes_of_lock(environment: LockedEnvironment, filter: FileFilter) -> Iterator[str]:
    """Yield what of an environment's folder is not in its lock file: each package, and how many files of each kind.

    `filter` leaves out what the image would not hold either. Raises `InvalidEnvironment` for a prefix that is broken or
    cannot be read.
    """
    installed = environment.installed
    if installed is None:
        return
    if not installed.whole:
        if installed.distributions:
            yield f"not in the lock file, since no wheel of them is to be had: {_names(environment)}"
        return
    from conda_docker.prefix.survey import Share, survey_prefix

    survey = survey_prefix(environment, filter)
    if survey is None:
        return
    numbers = (
        (len(survey.of(Share.OWN)), "that no package brings"),
        (len(survey.of(Share.CHANGED)), "changed since the installation"),
        (len(survey.deleted), "deleted since the installation"),
    )
    found = [f"{number} {'file' if number == 1 else 'files'} {what}" for number, what in numbers if number]
    if found:
        yield (
            f"the lock file holds packages alone, and not what else is in {installed.given}: {', '.join(found)}; "
            "`build -p` copies the environment as it is"
        )


def _names(environment: LockedEnvironment) -> str:
    assert environment.installed is not None
    listed = environment.installed.distributions
    return ", ".join(f"{each.name}=={each.version}" if each.version else each.name for each in listed)
