"""What the user should hear about a survey of a prefix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from conda_docker.arguments.listing import first_of
from conda_docker.prefix.survey import LocalFile, Share, Survey


def notes_of(survey: Survey) -> Iterator[str]:
    """Yield what was found beyond packages and what becomes of it, a note for each kind."""
    yield from _listed(
        survey.of(Share.OWN),
        "of the prefix that no package brings is copied",
        "of the prefix that no package brings are copied",
    )
    yield from _listed(
        survey.of(Share.CHANGED),
        "that differs from its package is copied as it is",
        "that differ from their packages are copied as they are",
    )
    copied = [each for each in survey.pip if each.partition("==")[0] not in {source.name for source in survey.sources}]
    if copied:
        yield f"pip packages that are copied as they are, since no wheel holds the same files: {_shown(copied)}"
    for source in survey.sources:
        yield f"{source.name} is installed in place: its folder {source.folder} is copied to {source.place}"
    if survey.deleted:
        yield f"deleted, as they are missing from the environment: {_shown(survey.deleted)}"
    if survey.withheld:
        # All of them: whoever misses one must see why, and whoever has one that does not belong there, too.
        yield f"left out for the credentials in them: {', '.join(survey.withheld)}; --add can add them"
    if survey.skipped:
        yield f"left out, as other environments: {_shown(survey.skipped)}"


def _listed(files: Sequence[LocalFile], one: str, many: str) -> Iterator[str]:
    if files:
        number = f"1 file {one}" if len(files) == 1 else f"{len(files)} files {many}"
        yield f"{number}: {_shown([file.place for file in files])}"


def _shown(paths: Iterable[str]) -> str:
    return first_of(list(paths), 5)
