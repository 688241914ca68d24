"""What is on this machine already: packages in the caches of rattler and pixi, conda and mamba, and in our own.

A package counts as found only when its hash says that it is the very one: several channels publish different packages
under the same name, version and build.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from conda_docker.cache.folder import CacheFolder
from conda_docker.errors import InvalidPackage
from conda_docker.redaction import public_url
from python_docker.errors import ContentMismatch
from python_docker.files.home import home_folder
from python_docker.files.regular import read_regular_file
from python_docker.spec.strict_json import parse_loose_json

if TYPE_CHECKING:
    from conda_docker.channels.configuration import CondaConfiguration
    from conda_docker.package.fetch.published import PublishedFile

_READ_SIZE: Final = 1 << 20
_LOOKERS: Final = 4  # packages that are looked for at once, which hashes their archives
_LARGEST_NOTE: Final = 16 << 20  # bytes of what a client notes of a package
_LOCK_REVISION: Final = 8  # bytes, before the 32 of the hash (rattler_cache, cache_lock.rs)
_SUFFIXES: Final = (".conda", ".tar.bz2")


def find_package(
    record: PublishedFile, cache_dir: Path | None = None, *, caches: Sequence[Path] | None = None
) -> Path | None:
    """Return an archive, or else an extracted folder, that is this very package; None when this machine has none.

    Looks into our own downloads in `cache_dir`, at `record.source` and its `file:` URL, and into `caches` (None: those
    of the user, see `package_caches`). An archive's hash is computed, and the files of a folder are held against its
    manifest. Where only one of the two sides knows a SHA-256, the MD5 decides; where no hash is known, the URL.
    """
    caches = package_caches() if caches is None else caches
    return find_archive(record, cache_dir, caches) or find_folder(record, caches)


def find_packages(
    records: Sequence[PublishedFile], cache_dir: Path | None = None, *, extracted: bool = False
) -> list[Path | None]:
    """Return where each package is on this machine, None for those that would be downloaded, and download none.

    That is an archive, and with `extracted`, where there is none, a folder; see `find_package`.
    """
    if not records:
        return []
    from concurrent.futures import ThreadPoolExecutor

    caches = package_caches()

    def find(record: PublishedFile) -> Path | None:
        return (find_package if extracted else find_archive)(record, cache_dir, caches=caches)

    with ThreadPoolExecutor(_LOOKERS, thread_name_prefix="find") as pool:
        return list(pool.map(find, records))


def find_archive(record: PublishedFile, cache_dir: Path | None, caches: Sequence[Path]) -> Path | None:
    """Return an archive on this machine that is this very package; see `find_package`."""
    return next((path for path in _archives(record, cache_dir, caches) if is_archive_of(path, record)), None)


def find_folder(record: PublishedFile, caches: Sequence[Path]) -> Path | None:
    """Return an extracted folder on this machine that is this very package; see `find_package`."""
    return next((folder for folder in _folders(record, caches) if is_folder_of(folder, record)), None)


def download_path(record: PublishedFile, cache_dir: Path) -> Path:
    """Return where this package's archive is kept when we download it.

    A package without any hash is known by its URL: what is published under a name does not change (CEP 26).
    """
    return next(_kept_paths(record, cache_dir))


def _kept_paths(record: PublishedFile, cache_dir: Path) -> Iterator[Path]:
    """Yield where our download of this package may be: it is named after what was known when it was downloaded.

    The rest of what is known now may come from that very archive, as it does for explicit lists.
    """
    cache = CacheFolder(cache_dir)
    for key in (record.sha256, record.md5):
        if key is not None:
            yield cache.package(f"{key}-{record.file_name}")
    url = hashlib.sha256(record.public_url.encode()).hexdigest()[:32]
    yield cache.package(f"url{url}-{record.file_name}")


def local_path(url: str) -> Path | None:
    """Return the path that a `file:` URL names, None for other URLs."""
    parts = urlsplit(url)
    if parts.scheme != "file":
        return None
    if os.name == "nt":
        from urllib.request import url2pathname  # takes long to import

        return Path(url2pathname(parts.path))
    return Path(unquote(parts.path))


def package_caches(
    environ: Mapping[str, str] | None = None, configuration: CondaConfiguration | None = None
) -> tuple[Path, ...]:
    """Return the folders that exist of those in which rattler, pixi, conda, mamba and micromamba keep packages."""
    environ = os.environ if environ is None else environ
    if configuration is None:
        from conda_docker.channels.configuration import read_conda_configuration

        configuration = read_conda_configuration(environ)
    # Two names of one folder would have each archive in it hashed twice.
    folders = dict.fromkeys(_real(folder) for folder in _cache_folders(environ, configuration))
    return tuple(folder for folder in folders if folder is not None)


def _cache_folders(environ: Mapping[str, str], configuration: CondaConfiguration) -> Iterator[Path]:
    home = home_folder(environ)
    yield from configuration.pkgs_dirs
    for name in ("PIXI_CACHE_DIR", "RATTLER_CACHE_DIR"):
        if environ.get(name):
            yield Path(environ[name]) / "pkgs"
    user_cache = _user_cache(environ, home)
    yield from (user_cache / "rattler" / "cache" / "pkgs", user_cache / "pixi" / "pkgs")
    yield from (root / "pkgs" for root in configuration.root_prefixes)
    for name in ("MAMBA_ROOT_PREFIX", "CONDA_PREFIX"):
        if environ.get(name):
            prefix = Path(environ[name])
            yield prefix / "pkgs"
            if prefix.parent.name == "envs":
                yield prefix.parent.parent / "pkgs"
    yield from (home / ".conda" / "pkgs", home / ".mamba" / "pkgs")


def _user_cache(environ: Mapping[str, str], home: Path) -> Path:
    """Return where rattler looks for the folder of all programs' caches (the crate `dirs`)."""
    if sys.platform == "darwin":
        return home / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    return Path(environ.get("XDG_CACHE_HOME") or home / ".cache")


def _real(folder: Path) -> Path | None:
    try:
        return folder.resolve() if folder.is_dir() else None
    except OSError:
        return None


def _archives(record: PublishedFile, cache_dir: Path | None, caches: Sequence[Path]) -> Iterator[Path]:
    if cache_dir is not None:
        yield from _kept_paths(record, cache_dir)
    if record.source is not None:
        yield record.source
    local = local_path(record.url)
    if local is not None:
        yield local
    elif record.sha256 is None and record.md5 is None:
        return  # nothing could tell it from another of the same name
    for cache in caches:
        yield cache / record.file_name
        yield cache / _mamba_folder(record) / record.file_name


def _folders(record: PublishedFile, caches: Sequence[Path]) -> Iterator[Path]:
    if record.source is not None:
        yield record.source
    name = next(
        (record.file_name.removesuffix(suffix) for suffix in _SUFFIXES if record.file_name.endswith(suffix)),
        record.stem,
    )
    for cache in caches:
        for stem in dict.fromkeys((name, record.stem)):
            yield cache / stem
            yield cache / _mamba_folder(record) / stem
        for origin in _origins(record):
            yield cache / f"{record.stem}-{hashlib.sha256(origin.encode()).hexdigest()}"


def _mamba_folder(record: PublishedFile) -> str:
    """Return where mamba 2 keeps packages of this URL within its cache (libmamba, package_cache.cpp)."""
    folder = record.public_url.rpartition("/")[0]
    return folder.replace("://", "/").replace(":", "_").replace("\\", "_").lstrip("/")


def _origins(record: PublishedFile) -> Iterator[str]:
    """Yield what rattler's caches that keep origins apart put a hash of into the folder's name (cache_key.rs)."""
    local = local_path(record.url)
    if local is not None:
        yield str(local)
        return
    yield record.public_url
    parts = urlsplit(record.url)
    yield parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def is_archive_of(path: Path, record: PublishedFile) -> bool:
    """Return whether the file at `path` is the archive of this package, by its size and hash, where they are
    known.

    Whether it is there at all, where neither is.
    """
    try:
        if not path.is_file() or record.size not in {None, path.stat().st_size}:
            return False
        known = known_hash(record)
        return known is None or hash_file(path, known[0]) == known[1]
    except OSError:
        return False


def known_hash(record: PublishedFile) -> tuple[str, str] | None:
    """Return the algorithm and the hexadecimal digits of the hash to check an archive by; None when none is known."""
    if record.sha256 is not None:
        return "sha256", record.sha256
    return ("md5", record.md5) if record.md5 is not None else None


def new_hash(algorithm: str) -> hashlib._Hash:
    """Return a fresh hash object; MD5 too where a policy forbids it for security: here it tells packages apart."""
    return hashlib.new(algorithm, usedforsecurity=False)


def hash_file(path: Path, algorithm: str) -> str:
    """Return the hash of a file's content, as hexadecimal digits."""
    hash_ = new_hash(algorithm)
    with path.open("rb", buffering=0) as file:
        while data := file.read(_READ_SIZE):
            hash_.update(data)
    return hash_.hexdigest()


def is_folder_of(folder: Path, record: PublishedFile) -> bool:
    """Return whether the folder at `folder` is this package, extracted: by what the client noted, and by its own
    manifest.

    Environments share a cache's files by hard links, so a file that was edited in one has changed here too.
    """
    if record.file_name.endswith(".whl"):
        return folder == record.source and folder.is_dir()  # whoever found it has checked it
    try:
        # The notes before the files: the wrong package need not be read.
        return folder.is_dir() and any(note(folder, record) for note in _NOTES) and _is_whole(folder)
    except OSError:
        return False


def _noted_by_rattler(folder: Path, record: PublishedFile) -> bool:
    """Return whether the `.lock` file next to the folder holds the SHA-256 of this package's archive."""
    try:
        note = read_regular_file(folder.with_name(f"{folder.name}.lock"), _LARGEST_NOTE)
    except OSError:
        return False
    digest = note[_LOCK_REVISION:]
    return record.sha256 is not None and digest.hex() == record.sha256


def _noted_by_conda(folder: Path, record: PublishedFile) -> bool:
    """Return whether `info/repodata_record.json`, which conda and mamba write, is about this package."""
    try:
        note = parse_loose_json(read_regular_file(folder / "info" / "repodata_record.json", _LARGEST_NOTE))
        noted = {key: str(value).lower() for key, value in note.items() if key in ("sha256", "md5") and value}
        url = public_url(str(note.get("url")))
    except (OSError, ValueError, AttributeError, RecursionError):
        return False
    if record.sha256 and "sha256" in noted:
        return noted["sha256"] == record.sha256
    if record.md5 and "md5" in noted:
        return noted["md5"] == record.md5
    return not (record.sha256 or record.md5) and url == record.public_url


_NOTES: Final[tuple[Callable[[Path, PublishedFile], bool], ...]] = (_noted_by_rattler, _noted_by_conda)


def _is_whole(folder: Path) -> bool:
    """Return whether every file of the manifest is there, with the content that the manifest says."""
    from conda_docker.package.archive import open_package

    try:
        package = open_package(folder)
        missing = {entry.path for entry in package.metadata.paths}
        for entry, content in package.entries():
            missing.discard(entry.path)
            while content.read(_READ_SIZE):
                pass
    except (InvalidPackage, ContentMismatch):
        return False
    return not missing
