"""BuildResult: an image, and what is worth knowing of how it came about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from conda_docker.arguments.listing import first_of
from conda_docker.image.base.system import LOADERS

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment
    from conda_docker.image.base.system import BaseSystem
    from conda_docker.layers.clobbers import Clobber
    from conda_docker.layers.made import MadeLayer
    from conda_docker.layers.member import Member
    from python_docker.image import Image
    from python_docker.image.layer import Layer
    from python_docker.spec.digest import Digest


_SHOWN = 3
"""How many of a kind are named in a note."""


class LayerReport(NamedTuple):
    """One layer of a build: names of its packages (none for the environment's own), sizes in bytes, time in seconds.

    `always` says that every build makes it, so that it is never `cached`.
    """

    packages: tuple[str, ...]
    digest: Digest
    diff_id: Digest
    size: int
    cached: bool
    seconds: float
    always: bool = False
    content: str = "environment"
    """What is in a layer without packages."""


@dataclass(frozen=True, slots=True)
class BuildResult:
    """An image, and what is worth knowing of how it came about.

    `layers` are the new ones, bottom first, without the base's. `post_link` names packages whose post-link scripts
    were not run; `trimmed_files` and `trimmed_bytes` count what the filter left out of them.
    """

    image: Image
    prefix: str
    layers: tuple[LayerReport, ...]
    post_link: tuple[str, ...] = ()
    trimmed_files: int = 0
    trimmed_bytes: int = 0
    notes: tuple[str, ...] = ()
    starts: bool = True
    """False where the image has no command, or the base lacks what the programs of the environment need to start."""
    environment: LockedEnvironment | None = None
    """What the image was built from, with everything known of its packages."""
    stated: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What packages say of their license and of where they were built from, by their stems."""


def report_layer(
    layer: Layer,
    members: Sequence[Member] = (),
    cached: bool = False,
    seconds: float = 0.0,
    *,
    always: bool = False,
    content: str = "environment",
) -> LayerReport:
    """Return what is reported of a layer."""
    names = tuple(member.name for member in members)
    return LayerReport(names, layer.digest, layer.diff_id, layer.size, cached, seconds, always, content)


def layer_notes(made: Sequence[MadeLayer]) -> Iterator[str]:
    """Yield what the user should hear about the layers of packages."""
    for layer in made:
        yield from layer.facts.notes
    pre_link = [name for layer in made for name in layer.facts.pre_link]
    if pre_link:
        yield (
            f"the pre-link scripts of {', '.join(pre_link)} are not run, whatever --link-scripts says: conda "
            "deprecates them, and rattler runs none"
        )
    extracted = sum(len(layer.members) for layer in made if layer.extracted)
    if extracted:
        were = (
            "package was read from an unpacked folder" if extracted == 1 else "packages were read from unpacked folders"
        )
        yield f"{extracted} {were}; built from archives, the image may have another digest"
    for layer in made:
        for stem, number in layer.overwritten.items():
            files, are = ("files", "are") if number > 1 else ("file", "is")
            yield f"{number} {files} of the conda package {stem} {are} overwritten by pip packages"
        for folder in layer.outside:
            yield f"{folder} is a folder in one package and a link out of the environment in another; the last one wins"
        for path in layer.met:
            yield f"{path} is a folder in one package and a file in another; the last one wins"
    if clobbers := [clobber for layer in made for clobber in layer.clobbers]:
        yield _note_on_clobbers(clobbers)
    uncompiled = [name for layer in made for name in layer.facts.uncompiled]
    if uncompiled:
        yield f"modules without a .pyc file, since they do not compile: {first_of(uncompiled, _SHOWN)}"


def _note_on_clobbers(clobbers: Sequence[Clobber]) -> str:
    """Return one note on files of packages that others have with different contents, those with the most first."""
    number = sum(clobber.number for clobber in clobbers)
    pairs = []
    for winner, loser, count, example in sorted(clobbers, key=lambda clobber: -clobber.number)[:_SHOWN]:
        more = f" and {count - 1} more" if count > 1 else ""
        pairs.append(f"{winner} over {loser} ({example[:200]}{more})")
    others = f" and {len(clobbers) - _SHOWN} more pairs" if len(clobbers) > _SHOWN else ""
    files, are = ("files", "are") if number > 1 else ("file", "is")
    return (
        f"{number} {files} of packages {are} replaced by another package's with different contents, since the last one "
        f"wins: {', '.join(pairs)}{others}"
    )


def system_notes(environment: LockedEnvironment, system: BaseSystem, made: Sequence[MadeLayer]) -> Iterator[str]:
    """Yield what the base lacks that the environment's programs need."""
    loader = LOADERS.get(environment.subdir)
    if system.problem is not None or loader is None or loader in system.loaders:
        return
    if any(layer.facts.programs for layer in made):
        yield (
            f"the programs of this environment cannot start: they need {loader}, which is part of glibc, and the base "
            "image has none; use a base with glibc, such as debian:stable-slim"
        )
