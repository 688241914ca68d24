"""What might have been meant by specs that no package satisfies: versions that there are, names that are near."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from conda_docker.arguments.listing import first_of
from conda_docker.channels.rattler_engine import run
from conda_docker.environment.solve.match_specs import RequestedSpec

if TYPE_CHECKING:
    from rattler import Channel, Gateway, Subdir

_SHOWN = 6
"""Versions and names that are listed."""


_OTHER_SYSTEMS = {
    "Windows": re.compile(
        r"vc|vc14_runtime|vcomp14|vs20\d\d_.*|ucrt|icc_rt|wincertstore|win_inet_pton|win32.*|pywin32.*|pywinpty|winpty|"
        r"winreg.*|m2w64-.*|msys2-.*|m2-.*|console_shortcut.*|comtypes|pywinauto|xlwings"
    ),
    "macOS": re.compile(r"appnope|pyobjc-.*|cctools_osx.*|ld64_osx.*|clang_osx.*|clangxx_osx.*|tapi|python\.app"),
}
"""Packages that environments have which were exported on another system, and Linux never."""


def suggestions(requested: Sequence[RequestedSpec], channels: Sequence[str], subdir: str, way: Gateway) -> list[str]:
    """Return a line for each spec that no package in the channels satisfies, on its own.

    `channels` are URLs, `way` is where their indexes come from. Empty where each spec has packages and only all of them
    together have none.
    """
    from rattler import Channel, Subdir

    lines: list[str] = []
    platforms = [Subdir(subdir), Subdir("noarch")]
    for spec in requested:
        sources = [Channel(url) for url in spec.channels or channels]
        lines += _suggest(spec, sources, platforms, way)
    return lines


def _suggest(
    spec: RequestedSpec, sources: Sequence[Channel], platforms: Sequence[Subdir], way: Gateway
) -> Iterator[str]:
    from rattler import MatchSpec, VersionSpec

    found = run(lambda: way.query(sources, platforms, [spec.name], recursive=False, channel_relations="disabled"))
    records = [record for part in found for record in part]
    if not records:
        near = _near(spec.name, sources, platforms, way)
        system = next((system for system, names in _OTHER_SYSTEMS.items() if names.fullmatch(spec.name)), None)
        if system is not None:
            hint = f", which is a package of {system}; `conda env export --from-history` names no such packages"
        else:
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
        yield f"there is no package named {spec.name!r}{hint}"
        return
    wanted = MatchSpec(spec.spec, strict=False)
    if any(wanted.matches(record) for record in records):
        return
    versions = VersionSpec(wanted.version or "*")
    of_version = [record for record in records if versions.matches(record.version)]
    if of_version:
        builds = _listed([str(record.build) for record in of_version])
        yield f"there is no {spec.text}: builds of that version are {builds}"
    else:
        newest = sorted(records, key=lambda record: record.version, reverse=True)
        yield f"there is no {spec.text}; available: {_listed([str(record.version) for record in newest])}"


def _listed(texts: Sequence[str]) -> str:
    return first_of(list(dict.fromkeys(texts)), _SHOWN)


def _near(name: str, sources: Sequence[Channel], platforms: Sequence[Subdir], way: Gateway) -> list[str]:
    names = run(lambda: way.names(sources, platforms, channel_relations="disabled"))
    known = {known.normalized for known in names if abs(len(known.normalized) - len(name)) <= 3}
    known.discard(name)  # all packages of that name are unreadable, or were removed
    return difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.75)
