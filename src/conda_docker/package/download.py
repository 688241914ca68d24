"""Downloading one package: resumed, tried again, checked."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conda_docker.errors import CacheError, DownloadError
from conda_docker.package.find import known_hash
from conda_docker.package.partial_download import PartialDownload
from conda_docker.redaction import public_text
from python_docker.errors import ConnectionFailed, RegistryError
from python_docker.http.client import HttpClient, Response
from python_docker.http.failure import TransientFailure
from python_docker.http.options import RegistryOptions
from python_docker.http.retry import backoff, is_passing, wait_before_retry
from python_docker.progress import SILENT, Progress, Task
from python_docker.registry.address import origin

if TYPE_CHECKING:
    from conda_docker.channels.configuration import CondaConfiguration
    from conda_docker.channels.credentials import Access, Credentials
    from conda_docker.environment.locked import LockedPackage

_CONTENT_RANGE = re.compile(r"bytes\s+(\d+)-(\d+)/(\d+|\*)")
_READ_SIZE = 256 << 10
_PROGRESS = 1 << 20  # bytes after which a new failure is a first one
_MIN_RATE = 64  # bytes in a second; less than that counts as nothing
_HTTP = frozenset({"http", "https"})
_RATTLER_ONLY = frozenset({"s3", "gcs", "oci"})
# What servers say to those who show no credentials: some do not tell a private package from one that is not there.
_REFUSALS = frozenset({401, 403, 404})


class Stopped(Exception):
    """The download was given up because another one failed, or the program is ending."""


class _Refused(DownloadError):
    """The server wants other credentials, perhaps."""


@dataclass(frozen=True, slots=True)
class Downloader:
    """What the downloads of one run have in common. Safe to use from any number of threads.

    After `stop` is set, downloads end with `Stopped` as soon as they notice; what has come of them is kept.
    """

    configuration: CondaConfiguration
    options: RegistryOptions
    credentials: Credentials
    http: HttpClient
    progress: Progress = SILENT
    stop: threading.Event = field(default_factory=threading.Event)

    def download(self, record: LockedPackage, target: Path) -> Path:
        """Download a package to `target`, and give that. It appears there whole and checked, or not at all.

        Raises `DownloadError` when the package cannot be had or is another than its record says, `CacheError` when it
        cannot be written.
        """
        scheme = urlsplit(record.url).scheme
        if scheme not in _HTTP | _RATTLER_ONLY:
            raise DownloadError(f"cannot download {record.public_url}: {scheme or 'a path'} is no way to download")
        task = self.progress.start(record.file_name, record.size)
        known = known_hash(record)
        with PartialDownload(target, known[0] if known else "sha256") as partial:
            task.advance(partial.size)
            if known is None:
                _restart(partial, task)  # nothing would tell whether the two parts fit
            resumed = partial.size > 0
            if not resumed or not _is_right(record, partial):
                self._receive(record, partial, task)
            if resumed and not _is_right(record, partial):
                # What an earlier process left may have been of another file of that name, or damaged.
                _restart(partial, task)
                self._receive(record, partial, task)
            problem = _problem(record, partial)
            if problem is not None:
                partial.discard()
                raise DownloadError(wrong_content(record, problem))
            partial.commit()
        task.finish()
        return target

    def _receive(self, record: LockedPackage, partial: PartialDownload, task: Task) -> None:
        """Have everything come that has not come yet."""
        if urlsplit(record.url).scheme not in _HTTP:
            _restart(partial, task)
            self._receive_by_rattler(record, partial, task)
            return
        try:
            self._receive_by_http(record, partial, task)
        except _Refused as refusal:
            # Rattler can read keyrings, and renew tokens.
            _restart(partial, task)
            try:
                self._receive_by_rattler(record, partial, task)
            except DownloadError:
                raise refusal from None

    def _receive_by_http(self, record: LockedPackage, partial: PartialDownload, task: Task) -> None:
        access = self.credentials.access(record.url)
        failures, failed_at = 0, partial.size
        while True:
            wait: float | None
            try:
                wait = self._attempt(record, access, partial, task, failures + 1)
                if wait is None:
                    return
                failures += 1
            except TransientFailure as failure:
                failures = 1 if partial.size - failed_at >= _PROGRESS else failures + 1
                if failures >= self.options.attempts:
                    raise _failed(record, failure) from None
                wait = backoff(failures, self.options)
            except ConnectionFailed as failure:
                raise _failed(record, failure) from None
            except RegistryError as error:  # a redirect that must not be followed
                raise DownloadError(f"cannot download {record.public_url}: {str(error).partition('; ')[0]}") from None
            failed_at = partial.size
            if self.stop.wait(wait):
                raise Stopped

    def _attempt(
        self, record: LockedPackage, access: Access, partial: PartialDownload, task: Task, number: int
    ) -> float | None:
        """Ask once, and take what comes: None when that was all, else the seconds to wait before asking again."""
        headers = {"Range": f"bytes={partial.size}-"} if partial.size else {}
        own = origin(access.url)
        with self.http.send(
            "GET",
            access.url,
            headers=headers,
            authorization=lambda url: access.authorization if origin(url) == own else None,
        ) as response:
            if response.status == 206 and _starts_at(response, partial.size):
                self._take(record, response, partial, task)
                return None
            if response.status in {200, 206, 416}:
                # All of it, another part, or nothing: what is here is of no use.
                started = partial.size
                _restart(partial, task)
                if response.status == 200:
                    self._take(record, response, partial, task)
                    return None
                if started:
                    return 0.0
            if is_passing(response) and number < self.options.attempts:
                wait = wait_before_retry(response, number, self.options)
                if wait is not None:
                    return wait
            kind = _Refused if response.status in _REFUSALS else DownloadError
            raise kind(f"cannot download {record.public_url}: {_meaning(response.status)} (HTTP {response.status})")

    def _take(self, record: LockedPackage, response: Response, partial: PartialDownload, task: Task) -> None:
        expected = None if response.length is None else partial.size + response.length
        waited, came = 0.0, 0
        while True:
            before = time.monotonic()
            data = response.read1(_READ_SIZE)
            waited += time.monotonic() - before
            if self.stop.is_set():
                raise Stopped
            if not data:
                break
            partial.write(data)
            task.advance(len(data))
            came += len(data)
            if record.size is not None and partial.size > record.size:
                raise DownloadError(
                    f"{record.public_url} is longer than the {record.size} bytes that its channel's index says"
                )
            if waited > self.options.read_timeout:
                # A server that trickles would otherwise keep us for days.
                if came < _MIN_RATE * waited:
                    raise TransientFailure(f"{urlsplit(response.url).hostname} answers too slowly")
                waited, came = 0.0, 0
        if expected is not None and partial.size < expected:
            raise TransientFailure(f"the connection to {urlsplit(response.url).hostname} broke: it ended too early")

    def _receive_by_rattler(self, record: LockedPackage, partial: PartialDownload, task: Task) -> None:
        """Have rattler download, which knows object stores, registries and keyrings."""
        from rattler.package_streaming import download_to_writer

        from conda_docker.channels.rattler_client import rattler_client, rattler_configuration
        from conda_docker.channels.rattler_engine import run

        writer = _Writer(record, partial, task, self.stop)
        client = rattler_client(rattler_configuration(self.configuration))
        try:
            run(lambda: download_to_writer(client, record.url, writer))
        except Exception as error:
            if writer.failure is not None:
                raise writer.failure from None
            raise DownloadError(f"cannot download {record.public_url}: {public_text(str(error))[:500]}") from None


class _Writer:
    """Takes what rattler downloads. The error that stopped it is kept: rattler passes on its text alone."""

    def __init__(self, record: LockedPackage, partial: PartialDownload, task: Task, stop: threading.Event) -> None:
        self._record = record
        self._partial = partial
        self._task = task
        self._stop = stop
        self.failure: Exception | None = None

    def write(self, data: bytes) -> int:
        try:
            if self._stop.is_set():
                raise Stopped
            self._partial.write(data)
            if self._record.size is not None and self._partial.size > self._record.size:
                raise DownloadError(f"{self._record.public_url} is longer than its channel's index says")
        except (CacheError, DownloadError, Stopped) as error:
            self.failure = error
            raise
        self._task.advance(len(data))
        return len(data)


def _restart(partial: PartialDownload, task: Task) -> None:
    if partial.size:
        task.advance(-partial.size)
        partial.restart()


def _starts_at(response: Response, position: int) -> bool:
    match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", "").strip())
    return match is not None and int(match[1]) == position


def _is_right(record: LockedPackage, partial: PartialDownload) -> bool:
    return _problem(record, partial) is None


def _problem(record: LockedPackage, partial: PartialDownload) -> str | None:
    """How what came differs from what the record says."""
    known = known_hash(record)
    if record.size is not None and partial.size != record.size:
        return f"it has {partial.size} bytes, and should have {record.size}"
    if known is not None and partial.hexdigest != known[1]:
        return f"its {known[0]} is {partial.hexdigest}, and should be {known[1]}"
    return None


def wrong_content(record: LockedPackage, problem: str) -> str:
    """The message for a package that is there but not the one that was locked."""
    return (
        f"{record.file_name} from {record.public_url} is not the package that its channel's index describes: {problem}"
    )


def _failed(record: LockedPackage, failure: ConnectionFailed) -> DownloadError:
    reason, _, advice = str(failure).partition("; ")
    if "certificate" in reason and advice:
        # The advice there is for registries.
        reason += (
            "; name the certificates to trust with `ssl_verify` in your conda configuration, REQUESTS_CA_BUNDLE or "
            "SSL_CERT_FILE"
        )
    return DownloadError(f"cannot download {record.public_url}: {reason}")


def _meaning(status: int) -> str:
    if status in {401, 403}:
        return (
            "access is denied; log in with `pixi auth login`, `rattler auth login` or `anaconda login`, or keep a "
            "login for this host in ~/.netrc"
        )
    if status == 404:
        return "it is not there, or only for those who are logged in"
    if status == 429:
        return "the server asks to come back later"
    return "the server failed" if status >= 500 else "the server refuses"
