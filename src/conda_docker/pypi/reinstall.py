"""reinstall: wheels in the place of what pip installed into an environment that exists, where they can be had.

A wheel stands for a distribution when it holds the very files that were installed: the index may have another build of
the same version, or the installed one may have been built here.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.cache.folder import CacheFolder, NoteKind
from conda_docker.environment.packages.wheels import LockedWheel, PipRequirements
from conda_docker.errors import DownloadError, InvalidEnvironment, InvalidPackage, Unsolvable, UnsupportedInput
from conda_docker.package.fetch.fetch import fetch_packages
from conda_docker.package.fetch.find import find_package
from conda_docker.pypi.pip_cache import with_cached
from conda_docker.pypi.resolve.resolution import PipOptions
from conda_docker.pypi.resolve.resolve import resolve_wheels
from conda_docker.pypi.wheel.archive import open_wheel
from conda_docker.pypi.wheel.record import ExpectedHash, read_record
from python_docker.files.regular import read_regular_file
from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from conda_docker.environment.installed_prefix import InstalledDistribution
    from conda_docker.environment.locked import LockedEnvironment

_AT_ONCE = 4  # runs of uv, each of which asks the index for one package
_LARGEST = 64 << 20  # bytes of RECORD
# Written on installing, or by tools that sign wheels: not part of what a wheel installs.
_OWN = frozenset({"RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", "direct_url.json"})
_NOT_HAD = (DownloadError, InvalidEnvironment, InvalidPackage, Unsolvable, UnsupportedInput)


def reinstall(
    environment: LockedEnvironment,
    *,
    cache_dir: Path,
    glibc: str | None = None,
    allow_sdist: bool = False,
    offline: bool = False,
    download: bool = True,
    progress: Progress = SILENT,
) -> LockedEnvironment:
    """Return `environment` with wheels for those of its installed distributions that can be had again.

    The others stay in `installed.distributions`, and go into the image as they are. Nothing is resolved anew: each has
    the version that is installed, and no dependencies are added. Wheels that are not on this machine are downloaded to
    be compared; without `download` (a dry run) they are taken for the right ones. What conda packages bring in another
    version gives way to them, as it did when they were installed. `allow_sdist` lets uv build what has no wheel, to
    compare it.
    """
    installed = environment.installed
    if installed is None or environment.python is None:
        return environment
    candidates = [each for each in installed.distributions if _may_be_had(each, allow_sdist)]
    if not candidates:
        return environment

    def resolved(wanted: Sequence[InstalledDistribution]) -> LockedEnvironment:
        lines = tuple(each.requirement for each in wanted if each.requirement is not None)
        return resolve_wheels(
            replace(environment, pip=PipRequirements(requirements=lines, origin=str(installed.given)), warnings=()),
            cache_dir=cache_dir,
            glibc=glibc,
            options=PipOptions(allow_sdist=allow_sdist, may_replace=True, dependencies=False),
            offline=offline,
            download=download,
            progress=progress,
        )

    found = _resolved_together_or_alone(candidates, resolved)
    by_name = {each.name: each for each in candidates}
    wheels: dict[str, LockedWheel] = {}
    for wheel in (wheel for each in found for wheel in each.wheels):
        distribution = by_name.get(wheel.name)
        if distribution is not None:
            wheels[wheel.name] = wheel
    same = set(_same(wheels, by_name, installed.root, cache_dir, offline=offline, download=download))
    kept = [
        # Whether the user asked for it, or another package did, is what the installer has noted (PEP 376).
        replace(wheel, requested=(installed.root / by_name[name].metadata / "REQUESTED").is_file())
        for name, wheel in wheels.items()
        if name in same
    ]
    names = {wheel.name for wheel in kept}
    replaced = {each.name: each for one in found for each in one.replaced if each.name in names}
    return replace(
        environment,
        wheels=tuple(sorted(kept, key=lambda wheel: (wheel.requested, wheel.name))),
        replaced=tuple(replaced[name] for name in sorted(replaced)),
        installed=replace(
            installed,
            distributions=tuple(each for each in installed.distributions if each.name not in names),
            as_wheels=tuple(each for each in installed.distributions if each.name in names),
        ),
    )


def _resolved_together_or_alone(
    candidates: Sequence[InstalledDistribution], resolve: Callable[[Sequence[InstalledDistribution]], LockedEnvironment]
) -> list[LockedEnvironment]:
    """Return what the candidates resolve to: at once where all of them can be had, else one by one."""
    try:
        return [resolve(candidates)]
    except _NOT_HAD:
        pass
    if len(candidates) < 2:
        return []

    def alone(candidate: InstalledDistribution) -> LockedEnvironment | None:
        try:
            return resolve([candidate])
        except _NOT_HAD:
            return None

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [found for found in pool.map(alone, candidates) if found is not None]


def _may_be_had(distribution: InstalledDistribution, allow_sdist: bool) -> bool:
    """Return whether it is worth asking for a wheel: an index may have one, or the user gave the URL of one."""
    wanted = distribution.requirement
    return wanted is not None and (allow_sdist or " @ " not in wanted or wanted.endswith(".whl"))


def _same(
    wheels: Mapping[str, LockedWheel],
    installed: Mapping[str, InstalledDistribution],
    root: Path,
    cache_dir: Path,
    *,
    offline: bool,
    download: bool,
) -> Iterator[str]:
    """Yield the names of the wheels that hold what is installed."""
    cache = CacheFolder(cache_dir)
    unknown: dict[str, LockedWheel] = {}
    for name, wheel in wheels.items():
        note = None if wheel.sha256 is None else cache.read_note(NoteKind.RECORDS, wheel.sha256)
        if note is None:
            unknown[name] = wheel
        elif note.decode("ascii", "replace") == _installed_digest(root, installed[name]):
            yield name
    for wheel, path in _files(list(with_cached(unknown.values())), cache_dir, offline=offline, download=download):
        if path is None:
            if not download:
                yield wheel.name
            continue
        try:
            digest = _wheel_digest(path, wheel.file_name)
        except InvalidPackage:
            continue
        if wheel.sha256 is not None:
            cache.remember(NoteKind.RECORDS, wheel.sha256, digest.encode())
        if digest == _installed_digest(root, installed[wheel.name]):
            yield wheel.name


def _files(
    wheels: Sequence[LockedWheel], cache_dir: Path, *, offline: bool, download: bool
) -> Iterator[tuple[LockedWheel, Path | None]]:
    """Yield each wheel with its file on this machine, None for one that is not to be had."""
    missing = []
    for wheel in wheels:
        path = find_package(wheel, cache_dir)
        if path is not None:
            yield wheel, path
        elif offline or not download:
            yield wheel, None
        else:
            missing.append(wheel)
    try:
        fetched = {wheel.stem: path for wheel, path in fetch_packages(missing, cache_dir)}
    except DownloadError:
        fetched = {}
    for wheel in missing:
        yield wheel, fetched.get(wheel.stem)


def _wheel_digest(path: Path, file_name: str) -> str:
    """Return the digest of what a wheel's RECORD says of the files that go to site-packages."""
    wheel = open_wheel(path, file_name)
    with wheel.reading() as reader:
        rows = read_record(reader.metadata("RECORD"), wheel.what)
    data = wheel.dist_info.removesuffix(".dist-info") + ".data/"
    found = {}
    for row, expected in rows.items():
        if not row.startswith(data):
            found[row] = expected
        elif row.startswith((f"{data}purelib/", f"{data}platlib/")):
            found[row.removeprefix(data).partition("/")[2]] = expected
    return _digest(found, wheel.dist_info)


def _installed_digest(root: Path, distribution: InstalledDistribution) -> str | None:
    """Return the same digest for what is installed; None where nothing says what was."""
    record = root / distribution.metadata / "RECORD"
    try:
        text = read_regular_file(record, _LARGEST).decode()
        rows = read_record(text, str(record))
    except (OSError, UnicodeDecodeError, InvalidPackage):
        return None
    inside = {row: expected for row, expected in rows.items() if not row.startswith(("../", "/"))}
    return _digest(inside, posixpath.basename(distribution.metadata))


def _digest(rows: Mapping[str, ExpectedHash], dist_info: str) -> str:
    digest = hashlib.sha256()
    for path, expected in sorted(rows.items()):
        folder, _, name = path.rpartition("/")
        own = folder == dist_info and (name in _OWN or name.startswith("uv_"))
        if not own and not path.endswith(".pyc"):
            digest.update(f"{path}\0{expected.algorithm}={expected.value}\n".encode())
    return digest.hexdigest()
