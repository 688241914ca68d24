"""`conda-lock.yml`, the unified lock file of conda-lock (CEP 37; conda_lock/lockfile/v1), and early pixi.lock files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from conda_docker.environment.inputs.kind import Choice, InputFile, InputKind, ReadRequest
from conda_docker.environment.inputs.lock_files.index_record import described_package
from conda_docker.environment.inputs.lock_files.location import locate
from conda_docker.environment.inputs.lock_files.locked_entries import (
    SourceEntry,
    in_order,
    missing_hashes,
    pip_entry,
    pip_packages,
    unique,
)
from conda_docker.environment.inputs.platform_choice import choose_subdir
from conda_docker.environment.locked import LockedEnvironment, LockedPackage, package_from_url
from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.errors import InvalidEnvironment
from conda_docker.redaction import public_url
from conda_docker.yaml_document import YamlMapping, parse_document

DEFAULT_CATEGORIES = ("main",)
"""What is installed when no category is named."""

_VERSION = "1"


def parse_conda_lock(
    text: str,
    file_name: str = "conda-lock.yml",
    *,
    subdir: str | None = None,
    categories: Sequence[str] = (),
    folder: Path | None = None,
) -> LockedEnvironment:
    """Return the packages that a conda-lock file holds for one platform; they are not `complete`.

    `subdir` is what the environment is wanted for; None: Linux on this machine's processor, or the one Linux platform
    of the file. `categories` are those to install (empty: `main`); paths are relative to `folder`.

    Raises `InvalidEnvironment` for a file that is damaged or of another version, for a platform or category that it
    lacks or has no packages of, and for two packages of one name.
    """
    document = parse_document(text, file_name)
    if (version := document.text("version") or _VERSION) != _VERSION:
        raise InvalidEnvironment(
            f"{file_name} is a conda-lock file of version {version[:20]}; only version {_VERSION} is known"
        )
    return read_package_list(document, subdir=subdir, categories=categories or DEFAULT_CATEGORIES, folder=folder)


def read_package_list(
    document: YamlMapping, *, subdir: str | None, categories: Sequence[str] | None, folder: Path | None
) -> LockedEnvironment:
    """Return the packages that `document` lists for one platform, of any category where `categories` is None."""
    file_name = document.file_name
    if "package" not in document:
        raise InvalidEnvironment(f"{file_name} is not a lock file: it has no list `package`")
    metadata = document.mapping("metadata") or YamlMapping(file_name, 1)
    entries = list(document.mappings("package"))
    target = choose_subdir(_platforms(metadata, entries), subdir, file_name)
    chosen = [entry for entry in entries if entry.required("platform") == target]
    if entries and not chosen:
        others = ", ".join(sorted({entry.required("platform") for entry in entries}))
        raise InvalidEnvironment(
            f"{file_name} has no packages for {target}, only for {others}; lock it for {target} too"
        )
    if categories is not None:
        chosen = _of_categories(chosen, categories, file_name)
    folder = folder or Path()
    packages, pip_entries = [], []
    for entry in chosen:
        manager = entry.required("manager")
        if manager == "conda":
            # conda-lock lists what it assumed of the system among the packages.
            if not entry.required("name").startswith("__"):
                packages.append((_package(entry, target, folder), entry.where))
        elif manager in ("pip", "pypi"):
            pip_entries.append((_pip_entry(entry, folder), entry.where))
        else:
            raise entry.invalid(f"the package manager {manager[:80]!r} is not known")
    locked = unique(packages, "package")
    wheels, pip = pip_packages(pip_entries, file_name, folder)
    return LockedEnvironment(
        subdir=target,
        packages=locked,
        wheels=in_order(wheels),
        pip=pip,
        channels=tuple(_channels(metadata)),
        warnings=(*_emptiness(entries, file_name), *missing_hashes(locked, wheels, file_name)),
    )


def _emptiness(entries: Sequence[YamlMapping], file_name: str) -> tuple[str, ...]:
    return () if entries else (f"{file_name} lists no packages",)


def listed_subdirs(document: YamlMapping) -> frozenset[str]:
    """Return the subdirs that a list of packages is for."""
    metadata = document.mapping("metadata") or YamlMapping(document.file_name, 1)
    return frozenset(_platforms(metadata, list(document.mappings("package"))))


def _platforms(metadata: YamlMapping, entries: Sequence[YamlMapping]) -> Iterator[str]:
    """Yield the platforms of a file. One that it names may have no packages, and files by hand may name none."""
    yield from metadata.texts("platforms")
    yield from (entry.required("platform") for entry in entries)


def _channels(metadata: YamlMapping) -> Iterator[str]:
    """Yield the channels, which conda-lock writes with the variables that they need, or by name alone."""
    channels = metadata.get("channels")
    if isinstance(channels, list) and all(isinstance(channel, str) for channel in channels):
        yield from map(public_url, metadata.texts("channels"))
    else:
        yield from (public_url(channel.required("url")) for channel in metadata.mappings("channels"))


def _of_categories(entries: Sequence[YamlMapping], wanted: Sequence[str], file_name: str) -> list[YamlMapping]:
    named = {id(entry): _categories(entry) for entry in entries}
    known = {category for categories in named.values() for category in categories}
    for category in wanted:
        if category not in known and category not in DEFAULT_CATEGORIES:
            raise InvalidEnvironment(
                f"{file_name} has no category {category[:80]!r}; it has {', '.join(sorted(known)) or 'none'}"
            )
    chosen = [entry for entry in entries if not named[id(entry)].isdisjoint(wanted)]
    if entries and not chosen:
        raise InvalidEnvironment(
            f"{file_name} has no packages of the category {' or '.join(wanted)} for this platform; choose another with "
            f"--category: {', '.join(sorted(known))}"
        )
    return chosen


def _categories(entry: YamlMapping) -> frozenset[str]:
    """Return the categories of a package: `main` unless it names others."""
    named = entry.texts("categories") if "categories" in entry else (entry.text("category"),)
    return frozenset(category for category in named if category) or frozenset(DEFAULT_CATEGORIES)


def _package(entry: YamlMapping, subdir: str, folder: Path) -> LockedPackage:
    hashes = _hashes(entry)
    md5, sha256 = hashes.text("md5") or None, hashes.text("sha256") or None
    found = locate(entry.required("url"), folder=folder, where=entry.where)
    try:
        package = package_from_url(found.url, md5=md5, sha256=sha256, source=found.source)
        if "build_number" in entry:  # pixi says everything of a package
            package = described_package(entry, package, depends=_dependencies(entry), sha256=sha256, md5=md5)
    except InvalidEnvironment as error:
        raise entry.invalid(str(error)) from error
    named = (entry.required("name"), entry.required("version"))
    if named != (package.name, package.version):
        raise entry.invalid(f"{'-'.join(named)} has the URL of another package: {found.public}")
    if package.subdir not in (subdir, "noarch"):
        raise entry.invalid(f"{package.name} is for {subdir}, but its URL names a package for {package.subdir}")
    return package


def _pip_entry(entry: YamlMapping, folder: Path) -> LockedWheel | SourceEntry:
    source = entry.get("source")
    # What was asked for by its URL, which `url` may lead to.
    asked = source.text("url") if isinstance(source, YamlMapping) else None
    return pip_entry(
        entry.required("name"),
        entry.required("version"),
        asked or entry.required("url"),
        sha256=_hashes(entry).text("sha256") or None,
        requires=_dependencies(entry),
        direct=asked is not None,
        folder=folder,
        where=entry.where,
    )


def _hashes(entry: YamlMapping) -> YamlMapping:
    return entry.mapping("hash") or YamlMapping(entry.file_name, entry.line)


def _dependencies(entry: YamlMapping) -> tuple[str, ...]:
    """Return what a pip package needs, from a list of requirements or from a mapping of names to versions."""
    for key in ("requires_dist", "dependencies"):
        value = entry.get(key)
        if isinstance(value, YamlMapping):
            return tuple(f"{name} {version}" if version != "*" else name for name, version in _specs(value))
        if value is not None:
            return entry.texts(key)
    return ()


def _specs(dependencies: YamlMapping) -> Iterator[tuple[str, str]]:
    for name in dependencies:
        yield name, dependencies.text(name) or "*"


def _is_conda_lock(file: InputFile) -> bool:
    return "package" in file.keys and not file.keys.isdisjoint({"metadata", "version"})


def _read(request: ReadRequest) -> LockedEnvironment:
    return parse_conda_lock(
        request.text,
        request.file_name,
        subdir=request.subdir,
        categories=request.categories,
        folder=request.folder,
    )


def _subdirs(file: InputFile) -> frozenset[str]:
    return listed_subdirs(parse_document(file.text, str(file.path)))


KIND = InputKind("a conda-lock lock file", _is_conda_lock, _read, frozenset({Choice.CATEGORIES}), _subdirs)
