"""fetch_packages: where the archives of packages are, downloading those that are not on this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from conda_docker.cache.folder import CacheFolder, mark_used
from conda_docker.errors import CacheError, DownloadError, WrongPackage
from conda_docker.package.fetch.find import download_path, find_package, package_caches
from conda_docker.package.fetch.missing import check_found, check_local, not_here
from python_docker.errors import Error
from python_docker.http.url import host_of
from python_docker.parallel import Stop, Threads
from python_docker.progress import SILENT, Progress
from python_docker.streams.growing import GrowingFile

if TYPE_CHECKING:
    from conda_docker.channels.configuration import CondaConfiguration
    from conda_docker.channels.mirrors import Mirrors
    from conda_docker.package.fetch.download import Downloader
    from conda_docker.package.fetch.published import PublishedFile
    from python_docker.http.options import HttpOptions

File = TypeVar("File", bound="PublishedFile")

DOWNLOADS = 8
"""How many packages are looked for or downloaded from a host at once, unless it is said."""
_MOST_DOWNLOADS = 10  # as many as there are connections to one host


def fetch_packages(
    records: Sequence[File],
    cache_dir: Path,
    *,
    offline: bool = False,
    extracted: bool = False,
    progress: Progress = SILENT,
    options: HttpOptions | None = None,
) -> Iterator[tuple[File, Path]]:
    """Yield each package or wheel with its file, or the folder that it is extracted in, as they become ready, in any
    order.

    Archives in a cache of conda, mamba, rattler or pixi, or downloaded before, are used where they are. Extracted
    folders in these caches are used with `extracted` or `offline` alone: their hash cannot be computed any more, and
    they do not keep the order of an archive, so layers made from them are other bytes than those of other machines.
    The rest is downloaded to `cache_dir` and checked by its SHA-256 (MD5 where the index has no other) and size. A
    download that was cut goes on where it stopped, in this run or the next.
    `options` say how to talk HTTP (None: as the user's conda configuration and environment variables say).

    Raises `DownloadError` for a package that cannot be had, or is not what its record says; with `offline`, before
    the first is given, one that lists all that is missing. Raises `CacheError` when a download cannot be written.

    >>> list(fetch_packages([], Path("cache")))
    []
    """
    for record, place in fetch_early(
        records, cache_dir, offline=offline, extracted=extracted, progress=progress, options=options, early=False
    ):
        if not isinstance(place, GrowingFile):
            yield record, place


def fetch_early(
    records: Sequence[File],
    cache_dir: Path,
    *,
    offline: bool = False,
    extracted: bool = False,
    workers: int | None = None,
    progress: Progress = SILENT,
    options: HttpOptions | None = None,
    smallest_first: bool = False,
    stop: Stop | None = None,
    failed: Callable[[File, Error], object] | None = None,
    early: bool = True,
) -> Iterator[tuple[File, Path | GrowingFile]]:
    """Yield what `fetch_packages` does and, before that, large packages as soon as they can be read while they come.

    Such a package is yielded twice: as a `GrowingFile`, which is of use only if its `wait` returns, and once it is
    whole; with `early` false, then alone.
    Up to `workers` (at most 10) are downloaded at once from each host. The largest come first, which ends soonest where
    layers stay on this machine; `smallest_first` is for those that are uploaded as soon as they are made. `stop` gives
    up, with `CancelledError`, what is not there yet. `failed` is called for each package that cannot be had, in place
    of an error, and the others are still given.
    """
    if not records:
        return
    from conda_docker.channels.configuration import read_conda_configuration

    downloads = _Downloads(read_conda_configuration(), options, progress, CacheFolder(cache_dir), extracted)
    given_up = (stop or Stop()).future
    given_up.add_done_callback(lambda _: downloads.give_up())
    pools = _Pools(min(workers or DOWNLOADS, _MOST_DOWNLOADS))
    try:
        if offline:
            yield from _here(records, list(pools.of("").map(downloads.find, records)), failed)
            return
        events: SimpleQueue[Future[Any] | tuple[File, GrowingFile]] = SimpleQueue()

        def begun(record: File, growing: GrowingFile) -> None:
            downloads.note_begun(growing)
            events.put((record, growing))

        # Johnson's rule for two machines in a row: jobs in ascending order of the first step where that is the shorter
        # one, as downloading is next to uploading; else in descending order of the second. What is begun last is the
        # only work that the other machine has to wait for, or that is awaited alone.
        ordered = sorted(records, key=lambda record: record.size or 0, reverse=not smallest_first)
        futures: dict[Future[Path], File] = {}
        for record in ordered:
            heard = partial(begun, record) if early else None
            futures[pools.of(downloads.host(record)).submit(downloads.fetch, record, heard)] = record
        awaited: list[Future[Any]] = [*futures, given_up]
        for future in awaited:
            future.add_done_callback(events.put)
        while futures:
            event = events.get()
            if isinstance(event, tuple):
                yield event
                continue
            if event is given_up:
                raise CancelledError
            record = futures.pop(event)
            error = event.exception()
            if failed is not None and isinstance(error, Error) and not isinstance(error, CacheError):
                failed(record, error)
            else:
                yield record, event.result()
    finally:
        # Nobody waits for the others any more: not for a server that says nothing, in particular.
        downloads.give_up()
        pools.shutdown()
        downloads.close()


def _here(
    records: Sequence[File], found: Sequence[Path | None], failed: Callable[[File, Error], object] | None
) -> Iterator[tuple[File, Path]]:
    """Yield the packages that are on this machine, with where they are; see `fetch_early`."""
    if failed is None:
        check_found(records, found)
    else:
        for record in (record for record, path in zip(records, found, strict=True) if path is None):
            failed(record, not_here(record))
    yield from ((record, path) for record, path in zip(records, found, strict=True) if path is not None)


class _Pools:
    """Threads for each host of its own, so that a slow one holds nobody else up."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pools: dict[str, Threads] = {}

    def of(self, host: str) -> Threads:
        pool = self._pools.get(host)
        if pool is None:
            pool = self._pools[host] = Threads(self._workers, thread_name_prefix="fetch")
        return pool

    def shutdown(self) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)


class _Downloads:
    """Packages of one run: found on this machine, else downloaded.

    The downloader is made when there is something to download: an HTTP client takes long to import.
    """

    def __init__(
        self,
        configuration: CondaConfiguration,
        options: HttpOptions | None,
        progress: Progress,
        cache: CacheFolder,
        extracted: bool,
    ) -> None:
        self._stop = threading.Event()
        self._growing: list[GrowingFile] = []
        self._extracted = extracted
        self._caches = package_caches(configuration=configuration)
        self._configuration = configuration
        self._options = options
        self._progress = progress
        self._cache = cache
        self._lock = threading.Lock()
        self._mirrors: Mirrors | None = None
        self._downloader: Downloader | None = None

    def find(self, record: PublishedFile) -> Path | None:
        """Return where a package is on this machine, None where it is not."""
        found = find_package(record, self._cache.root, caches=self._caches)
        if found is not None and found.parent == download_path(record, self._cache.root).parent:
            mark_used(found)
        return found

    def fetch(self, record: PublishedFile, begun: Callable[[GrowingFile], object] | None) -> Path:
        """Return where a package is, once it is on this machine; `begun` hears of it while it comes, if it can be read.

        Raises `DownloadError`, `CacheError`, and `CancelledError` after `give_up`.
        """
        if self._stop.is_set():
            raise CancelledError
        found = self.find(record)
        if found is not None and (self._extracted or found.is_file()):
            return found
        try:
            check_local(record)
            with self._cache.writing():
                return self._made_downloader().download(record, download_path(record, self._cache.root), begun)
        except WrongPackage:
            raise
        except DownloadError as error:
            if found is None:
                raise
            raise type(error)(f"{error}; it is unpacked in {found}, and --use-extracted reads it there") from error

    def note_begun(self, growing: GrowingFile) -> None:
        """Note a package that is read while it comes: who waits for more of it hears when that is given up."""
        self._growing.append(growing)
        if self._stop.is_set():  # who has just given up the others did not know of it
            growing.abandon()

    def host(self, record: PublishedFile) -> str:
        """Return the host that is asked for a package first."""
        return host_of(self.mirrors.places(record.url)[0])

    @property
    def mirrors(self) -> Mirrors:
        if self._mirrors is None:
            from conda_docker.channels.rattler_client import mirrors_of

            self._mirrors = mirrors_of(self._configuration)
        return self._mirrors

    def _made_downloader(self) -> Downloader:
        with self._lock:
            if self._downloader is None:
                from conda_docker.cache.upkeep import remove_stopped_downloads
                from conda_docker.channels.credentials import Credentials
                from conda_docker.channels.http_options import http_options
                from conda_docker.package.fetch.download import Downloader
                from python_docker.http.client import HttpClient

                remove_stopped_downloads(self._cache)
                options = self._options or http_options(self._configuration)
                credentials = Credentials(self._configuration)
                http = HttpClient(options)
                self._downloader = Downloader(
                    self._configuration, options, credentials, http, self._progress, self._stop, self.mirrors
                )
            return self._downloader

    def give_up(self) -> None:
        """Have what is not there yet never come."""
        self._stop.set()
        for growing in list(self._growing):
            growing.abandon()

    def close(self) -> None:
        with self._lock:
            if self._downloader is not None:
                self._downloader.http.close()
