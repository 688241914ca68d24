"""What uv says when it cannot resolve, as one message for whoever wrote the requirements."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from conda_docker.arguments.amounts import format_size
from conda_docker.bounded.limit import NO_MEMORY, usual_bounds
from conda_docker.environment.packages.wheels import Distribution, normalize_name
from conda_docker.errors import DownloadError, InvalidPackage, Unsolvable
from conda_docker.pypi.resolve.target import Target
from conda_docker.redaction import public_text
from python_docker.errors import Error

if TYPE_CHECKING:
    from conda_docker.environment.packages.wheels import PipRequirements

_MOST_LINES = 10
_LONGEST = 2000  # characters of uv's own explanation
_NOT_FOUND = re.compile(
    r"(?:Because )?(?<!\S)(\S+) was not found in (?:the package registry|the provided package locations)"
)
_NO_VERSION = re.compile(r"\bthere is no version of (([A-Za-z0-9][\w.-]*)\S*)")
_NO_WHEELS = re.compile(
    r"(?<![\w.-])([A-Za-z][\w.-]*)(?:\{[^}]{0,200}\})?(?:[=<>~!]\S{0,200})? "
    r"(?:has|have) no (?:usable wheels|wheels with)"
)
_WHEELS_REQUIRED = re.compile(r"Wheels are required for `([^`]+)`")
_UNREACHABLE = re.compile(
    r"Failed to (?:fetch|download)|Request failed after|could not be queried|Could not resolve host"
)
_DAMAGED = re.compile(r"Failed to (?:read metadata|read from zip file|extract archive)")
_FIRST_INDEX = re.compile(r"hint: `([^`]+)` was found on (\S+), but not at the requested version")
_SKIPPED = re.compile(r"hint: (?:Wheels are required|.* was found on ).*")


def unresolvable(
    output: str, pip: PipRequirements, target: Target, provided: Sequence[Distribution], *, sdists: bool
) -> Error:
    """Return the error for what uv wrote: `Unsolvable`, or `DownloadError` where an index or a repository cannot be
    read, or `InvalidPackage` for a wheel that is damaged.

    `pip` is what was asked for, `provided` what conda packages bring, and `sdists` whether source distributions were
    allowed.
    """
    origin = pip.origin
    explanation = _explanation(output)
    if NO_MEMORY in output:
        return DownloadError(
            f"finding wheels for the pip requirements of {origin} takes more than "
            f"{format_size(usual_bounds().memory)} of memory: an answer of a package index may be damaged, or made to "
            "exhaust it; check the indexes, or name versions and fewer packages"
        )
    if _UNREACHABLE.search(output):
        return DownloadError(f"cannot query the package index for the pip requirements of {origin}:\n{explanation}")
    if _DAMAGED.search(output):
        return InvalidPackage(f"a file that the pip requirements of {origin} name is damaged:\n{explanation}")
    advice = list(islice(_blamed_lines(pip, explanation), _MOST_LINES))
    first: list[str] = []
    if in_the_way := conflicting(output, provided):
        # uv sees one version alone of what conda brings: that there are no others is not for the reader.
        first += map(_about_conda, in_the_way)
        explanation = _without_denials(explanation, {distribution.name for distribution in in_the_way})
        advice.append(
            "conda packages come first: change one of the two, or let the wheel replace the files of the conda package "
            "with --pip-may-replace"
        )
    if missing := sorted(set(_NOT_FOUND.findall(explanation))):
        advice.append(
            f"no package index that is configured has {', '.join(missing)}: check the name, or name the index with "
            "--extra-index-url"
        )
    advice += [
        f"{name} is on {public_text(index)}, in other versions, and no later index was asked, as pixi has it: "
        '`index-strategy = "unsafe-best-match"` in [pypi-options] asks all of them'
        for name, index in sorted(set(_FIRST_INDEX.findall(output)))
    ]
    without = {normalize_name(name) for name in (*_NO_WHEELS.findall(explanation), *_WHEELS_REQUIRED.findall(output))}
    if without and not sdists:
        advice.append(
            f"{', '.join(sorted(without))} has no wheel for {target}: ask for a version that has one, take it from a "
            "conda channel, or allow building it from source with --allow-sdist"
        )
    return Unsolvable(
        "\n".join([f"the pip requirements of {origin} cannot be met for {target}:", *first, explanation, *advice])
    )


def conflicting(output: str, provided: Sequence[Distribution]) -> list[Distribution]:
    """Return what conda packages bring that uv's explanation names."""
    words = _names(_explanation(output))
    # Version specifiers follow names without a space; `file:` URLs end in the stand-in's name.
    return [distribution for distribution in provided if distribution.name in words]


def _names(explanation: str) -> Collection[str]:
    return {normalize_name(word) for word in re.findall(r"[A-Za-z0-9][\w.-]*", explanation)}


def _blamed_lines(pip: PipRequirements, explanation: str) -> Iterator[str]:
    """Yield the lines that name packages of the explanation, each with its place, where that is known."""
    names = _names(explanation)
    for text, place in pip.places.items():
        if normalize_name(re.split(r"[^\w.-]", text, maxsplit=1)[0]) in names:
            yield f"{place}: {public_text(text)[:200]}"


def _without_denials(explanation: str, names: Collection[str]) -> str:
    """Return the explanation without "there is no version of" what conda packages bring another version of.

    >>> _without_denials("Because there is no version of six==1 and you require six==1, ...", {"six"})
    'Because the conda package contradicts six==1 and you require six==1, ...'
    """

    def said(found: re.Match[str]) -> str:
        return f"the conda package contradicts {found[1]}" if normalize_name(found[2]) in names else found[0]

    return _NO_VERSION.sub(said, explanation)


def _about_conda(distribution: Distribution) -> str:
    return f"{distribution.name} {distribution.version} comes with the conda package {distribution.package}"


def _explanation(output: str) -> str:
    """Return uv's reason, without its warnings and hints about its own options, on one line each."""
    lines = [re.sub(r"^\s*(?:error|cause): ", "", line).strip() for line in output.splitlines()]
    kept = [
        line
        for line in lines
        if line and not line.startswith(("warning:", "No solution found", "Resolved ")) and not _SKIPPED.match(line)
    ]
    text = public_text("\n".join(dict.fromkeys(kept)))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
