"""survey_prefix: what of an environment's folder its packages do not account for."""

from __future__ import annotations

import hashlib
import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.environment.inputs.prefix import record_files
from conda_docker.errors import InvalidEnvironment
from conda_docker.prefix.editable import Source, editable_sources
from conda_docker.prefix.folder import Found, Kind, is_development, walk
from conda_docker.prefix.owned import OwnedFile, check_whole, files_of_distribution, files_of_record
from conda_docker.prefix.secrets import (
    BEGINNING,
    LARGEST,
    begins_as_private_key,
    holds_credentials,
    holds_credentials_by_name,
    may_hold_credentials,
)
from python_docker.errors import reason_of
from python_docker.files.regular import read_beginning, read_regular_file

if TYPE_CHECKING:
    from conda_docker.environment.installed_prefix import InstalledPrefix
    from conda_docker.environment.locked import LockedEnvironment
    from conda_docker.link.filter import FileFilter

# Of conda-meta, which is made anew, the files in which users say something.
_OF_USERS = ("conda-meta/pinned", "conda-meta/frozen")
# Folders of a conda installation that are not part of its own environment; caches of packages hold a list of URLs.
_CACHES = ("pkgs", "conda-bld")


class Share(StrEnum):
    """Why a file is carried from the prefix to the image."""

    PIP = "pip"
    """It is part of a package that pip installed, and that has no wheel."""
    EDITABLE = "editable"
    """It is in the folder of sources of a package that pip installed in place."""
    CHANGED = "changed"
    """It is not as its package has it."""
    OWN = "own"
    """No package brings it."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file on this machine, and its place in the image, relative to the prefix there."""

    place: str
    path: Path
    kind: Kind
    share: Share


@dataclass(frozen=True, slots=True)
class Survey:
    """What is carried from a prefix, by place. Places are relative to the prefix.

    `deleted` are files of packages that are gone, `emptied` the folders that went with them, `withheld` those left out
    for the credentials in them, `skipped` the folders that are other environments, `compiled` the modules that had a
    `.pyc` file. `sources` are folders of packages that pip installed in place.
    """

    root: Path
    given: Path
    files: tuple[LocalFile, ...]
    deleted: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    compiled: frozenset[str] = frozenset()
    sources: tuple[Source, ...] = ()
    pip: tuple[str, ...] = ()
    """What pip installed and has no wheel, as `NAME==VERSION`."""

    def of(self, *shares: Share) -> list[LocalFile]:
        """Return the files with one of these shares."""
        return [file for file in self.files if file.share in shares]


def survey_prefix(environment: LockedEnvironment, filter: FileFilter) -> Survey | None:
    """Return what goes into the image of an environment's folder beyond packages; None where it has no folder here.

    Every file that a package's record has a hash of is compared with it. `filter` leaves files out, by their places.
    Raises `InvalidEnvironment` for a prefix that is broken or cannot be read.
    """
    installed = environment.installed
    if installed is None:
        return None
    root = installed.root
    sources = editable_sources(installed)
    owned = _owned(installed)
    pip = {
        path
        for each in installed.distributions
        for path in (
            *files_of_distribution(root, each.metadata, each.name),
            *_old_metadata(root, each.metadata),
        )
    }
    found, skipped = _walked(root, lambda path: _is_skipped(root, path))
    found |= {path: Found(path, Kind.FILE, (root / path).lstat()) for path in _OF_USERS if (root / path).is_file()}
    missing = _missing(root, owned, found)
    check_whole(root, owned.items(), missing)
    compiled = _compiled_modules(found)
    shares = dict.fromkeys(pip & found.keys(), Share.PIP)
    if installed.whole:
        emptied = {posixpath.dirname(path) for path in missing}
        rest = [each for path, each in found.items() if path not in pip and path not in emptied]
        shares |= {each.path: Share.OWN for each in rest if each.path not in owned}
        mine = [each for each in rest if each.path in owned]
        shares |= dict.fromkeys(_changed(root, mine, owned), Share.CHANGED)
    files = [
        LocalFile(path, root / path, found[path].kind, share)
        for path, share in shares.items()
        if not _has_module(path, found)
    ]
    for source in sources:
        walked, others = _walked(source.folder, is_development)
        skipped += others
        compiled |= {f"{source.place}/{path}" for path in _compiled_modules(walked)}
        files += [
            LocalFile(f"{source.place}/{path}", source.folder / path, each.kind, Share.EDITABLE)
            for path, each in walked.items()
        ]
    kept = [file for file in files if filter.keeps(file.place)]
    withheld = {file.place for file in kept if file.share is not Share.PIP and _holds_credentials(file)}
    replaced = {distribution.package for distribution in environment.replaced}
    deleted = tuple(
        path
        for path in sorted(missing)
        # What a wheel replaces is left out of the conda package's layer already.
        if installed.whole and filter.keeps(path) and not _is_bytecode(path) and owned[path].owner not in replaced
    )
    # A project is not in the prefix, and may have files in any folder.
    projects = any(wheel.project for wheel in environment.wheels)
    staying = [file.place for file in kept] + [path for path in owned.keys() - {*deleted} if not _is_bytecode(path)]
    return Survey(
        root=root,
        given=installed.given,
        files=tuple(sorted((file for file in kept if file.place not in withheld), key=lambda file: file.place)),
        deleted=deleted,
        emptied=() if projects else tuple(sorted(_gone_folders(root, deleted, staying))),
        withheld=tuple(sorted(withheld)),
        skipped=tuple(sorted(skipped)),
        compiled=frozenset(compiled),
        sources=sources,
        pip=tuple(f"{each.name}=={each.version}" for each in installed.distributions if each.version),
    )


def _walked(root: Path, skip: Callable[[str], bool]) -> tuple[dict[str, Found], list[str]]:
    """Return what is in a folder, by its paths, and the paths of other environments in it."""
    found = {each.path: each for each in walk(root, skip)}
    others = [path for path, each in found.items() if each.kind is Kind.ENVIRONMENT]
    return {path: each for path, each in found.items() if each.kind is not Kind.ENVIRONMENT}, others


def _owned(installed: InstalledPrefix) -> dict[str, OwnedFile]:
    """Return the files of packages that are layers of their own; of two owners, the one that was installed last."""
    owned: dict[str, OwnedFile] = {}
    for file in record_files(installed.root):
        owned |= files_of_record(file)
    for each in installed.as_wheels:
        owned |= files_of_distribution(installed.root, each.metadata, each.name)
    return owned


def _old_metadata(root: Path, metadata: str) -> Iterator[str]:
    """Yield the files of metadata that no RECORD lists: of eggs and links to folders of sources."""
    if metadata.endswith(".egg-link"):
        yield metadata
    elif metadata.endswith(".egg-info"):
        folder = root / metadata
        names = os.listdir(folder) if folder.is_dir() else []
        yield from (f"{metadata}/{name}" for name in names) if names else (metadata,)


def _is_skipped(root: Path, path: str) -> bool:
    if path == "conda-meta":
        return True
    if path in _CACHES:
        return any((root / path / name).exists() for name in ("urls.txt", "urls", "cache", "noarch"))
    return False


def _missing(root: Path, owned: dict[str, OwnedFile], found: Mapping[str, Found]) -> frozenset[str]:
    """Return the files of packages that are gone. Those behind linked folders are noted under their real paths."""
    missing = set()
    for path in owned.keys() - found.keys():
        if not os.path.lexists(root / path):
            missing.add(path)
            continue
        folder, _, name = path.rpartition("/")
        real = os.path.relpath(os.path.realpath(root / folder), root)
        if not real.startswith(".."):
            owned.setdefault(f"{real}/{name}".removeprefix("./"), owned[path])
    return frozenset(missing)


def _gone_folders(root: Path, deleted: Sequence[str], staying: Iterable[str]) -> set[str]:
    """Return the folders that went with deleted files and that nothing in the image is in, but for those in others."""
    if not deleted:
        return set()
    occupied = {folder for path in staying for folder in _folders_of(path)}
    gone = set()
    for path in deleted:
        folders = [
            folder for folder in _folders_of(path) if folder not in occupied and not os.path.lexists(root / folder)
        ]
        gone.update(folders[-1:])
    return gone


def _folders_of(path: str) -> Iterator[str]:
    """Yield the folders that a path is in, the innermost first."""
    while path := posixpath.dirname(path):
        yield path


def _is_bytecode(path: str) -> bool:
    return path.endswith(".pyc")


def _module_of(path: str) -> str:
    """Return the module that a `.pyc` file is of, wherever that may be (PEP 3147)."""
    folder, name = posixpath.split(path)
    if posixpath.basename(folder) == "__pycache__":
        return posixpath.join(posixpath.dirname(folder), f"{name.partition('.')[0]}.py")
    return path.removesuffix("c")


def _has_module(path: str, found: Mapping[str, Found]) -> bool:
    """Return whether a file is made from another that is there: it is made again, or not wanted."""
    return _is_bytecode(path) and _module_of(path) in found


def _compiled_modules(found: Mapping[str, Found]) -> set[str]:
    return {_module_of(path) for path in found if _has_module(path, found)}


def _changed(root: Path, files: Sequence[Found], owned: Mapping[str, OwnedFile]) -> Iterator[str]:
    """Yield the paths of those files that are not as they were installed."""

    def differs(file: Found) -> bool:
        mine = owned[file.path]
        if file.kind is Kind.FOLDER or _is_bytecode(file.path):
            return False
        path = root / file.path
        if file.kind is Kind.LINK and mine.link:
            text = hashlib.sha256(os.readlink(path).encode("utf-8", "surrogateescape")).hexdigest()  # noqa: PTH115
            if not mine.hashes or text in mine.hashes or not os.path.realpath(path).startswith(f"{root}/"):
                return False
        elif file.kind is Kind.LINK and not mine.hashes:
            return True
        # Some clients link to their cache of packages rather than copy: what is there counts.
        return bool(mine.hashes) and _hash(path) not in {*mine.hashes, None}

    with ThreadPoolExecutor() as pool:
        for file, changed in zip(files, pool.map(differs, files, chunksize=64), strict=True):
            if changed:
                yield file.path


def _hash(path: Path) -> str | None:
    """Return the SHA-256 of a file, None for a folder and for a link that leads nowhere."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (IsADirectoryError, FileNotFoundError):
        return None
    except OSError as error:
        raise InvalidEnvironment(
            f"cannot read {path}: {reason_of(error)}; make it readable, or put the prefix's packages alone into "
            "the image with --only-packages"
        ) from error


def _holds_credentials(file: LocalFile) -> bool:
    if file.kind is not Kind.FILE:
        return False
    if holds_credentials_by_name(file.place):
        return True
    name = file.path.name
    try:
        if begins_as_private_key(read_beginning(file.path, BEGINNING)):
            return True
        return may_hold_credentials(name) and holds_credentials(name, read_regular_file(file.path, LARGEST))
    except OSError:
        return False  # larger than any configuration; what cannot be read is reported when it is carried
