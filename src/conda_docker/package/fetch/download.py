"""Downloading one package: resumed, tried again, checked."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from functools import partial as bound
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conda_docker.channels.mirrors import Mirrors
from conda_docker.errors import DownloadError, WrongPackage
from conda_docker.package.fetch.by_rattler import download_by_rattler
from conda_docker.package.fetch.find import is_archive_of, known_hash
from conda_docker.package.fetch.partial_download import PartialDownload
from conda_docker.redaction import public_url
from python_docker.http.client import HttpClient
from python_docker.http.failure import Cause, HttpError
from python_docker.http.options import HttpOptions
from python_docker.http.response import Response
from python_docker.http.resume import RANGE_REFUSALS, ResumableBody
from python_docker.http.retry import with_retries
from python_docker.progress import SILENT, Progress, Task
from python_docker.time_limit import at_most, check_time

if TYPE_CHECKING:
    from conda_docker.channels.configuration import CondaConfiguration
    from conda_docker.channels.credentials import Access, Credentials
    from conda_docker.package.fetch.published import PublishedFile
    from python_docker.streams.growing import GrowingFile

_READ_SIZE = 256 << 10
_EARLY = 8 << 20  # bytes from which on a package is read while it comes; smaller ones are there soon enough
_MIN_END, _MAX_END = 128 << 10, 4 << 20
_END_SHARE = 32  # of a package; what it says of itself takes less than that of most
_HTTP = frozenset({"http", "https"})
_RATTLER_ONLY = frozenset({"s3", "gcs", "oci"})
# What servers say to those who show no credentials: some do not tell a private package from one that is not there.
_REFUSALS = frozenset({401, 403, 404})

_log = logging.getLogger("conda_docker")


class Stopped(CancelledError):
    """The download was given up because another one failed, or the program is ending."""


class _Refused(DownloadError):
    """The server wants other credentials, perhaps."""


@dataclass(frozen=True, slots=True)
class Downloader:
    """What the downloads of one run have in common. Safe to use from any number of threads.

    After `stop` is set, downloads end with `Stopped` as soon as they notice; what has come of them is kept.
    """

    configuration: CondaConfiguration
    options: HttpOptions
    credentials: Credentials
    http: HttpClient
    progress: Progress = SILENT
    stop: threading.Event = field(default_factory=threading.Event)
    mirrors: Mirrors = field(default_factory=Mirrors)

    def download(
        self, record: PublishedFile, target: Path, begun: Callable[[GrowingFile], object] | None = None
    ) -> Path:
        """Download a package to `target`, and give that. It appears there whole and checked, or not at all.

        `begun` is given a large package as soon as it can be read while it comes: a `.tar.bz2` from its start, where
        clients have what it says of itself; a `.conda` when its end is there, which a server is then asked for first.

        Raises `DownloadError` when the package cannot be had or is another than its record says, `CacheError` when it
        cannot be written.
        """
        task = self.progress.start(record.file_name, record.size)
        known = known_hash(record)
        algorithm = known[0] if known else "sha256"
        early = begun if _may_be_early(record) else None
        is_whole = bound(is_archive_of, record=record)
        with PartialDownload(target, algorithm, early, self._wait, is_whole) as partial:
            if partial.is_there:
                task.finish("known")
                return target
            task.advance(partial.size)
            *others, last = self.mirrors.places(record.url)
            for place in others:
                try:
                    self._complete(record, place, partial, task)
                    break
                except DownloadError as error:
                    _log.info("%s; another mirror is asked", error)
                    self.mirrors.failed(place)
            else:
                self._complete(record, last, partial, task)
            partial.commit()
        task.finish()
        return target

    def _complete(self, record: PublishedFile, url: str, partial: PartialDownload, task: Task) -> None:
        """Have the whole package come from `url`, with what has come before. Raises `DownloadError`."""
        if urlsplit(url).scheme not in _HTTP | _RATTLER_ONLY:
            raise DownloadError(f"cannot download {public_url(url)}: unknown scheme {urlsplit(url).scheme!r}")
        if known_hash(record) is None:
            _restart(partial, task)  # nothing would show whether the two parts fit
        pieced = partial.size > 0
        if not pieced or not _is_right(record, partial):
            pieced = self._receive(record, url, partial, task)
        if pieced and not _is_right(record, partial):
            # What came before, in an earlier process perhaps, was of another file of that name, or damaged.
            _restart(partial, task)
            self._receive(record, url, partial, task)
        problem = _problem(record, partial)
        if problem is not None:
            _restart(partial, task)
            raise WrongPackage(wrong_content(record, problem, url))

    def _receive(self, record: PublishedFile, url: str, partial: PartialDownload, task: Task) -> bool:
        """Have everything come that has not come yet. Return whether the whole is from more than one answer."""
        if urlsplit(url).scheme not in _HTTP:
            _restart(partial, task)
            self._receive_by_rattler(record, url, partial, task)
            return False
        try:
            return self._receive_by_http(record, url, partial, task)
        except _Refused as refusal:
            # Rattler can read keyrings, and renew tokens.
            _restart(partial, task)
            try:
                self._receive_by_rattler(record, url, partial, task)
            except DownloadError:
                raise refusal from None
            return False

    def _receive_by_http(self, record: PublishedFile, url: str, partial: PartialDownload, task: Task) -> bool:
        access = self.credentials.access(url)
        before = partial.size
        body = ResumableBody(
            bound(self._ask, url, access),
            self.options,
            size=record.size,
            position=before,
            sleep=self._wait,
        )
        try:
            for data in _pieces(record, body, partial):
                self._take(data, partial, task)
        except HttpError as error:
            if error.cause is Cause.WRONG_LENGTH:
                if before:
                    return True
                raise WrongPackage(wrong_content(record, error.detail, url)) from None
            raise _failed(url, error) from None
        finally:
            body.close()
        return before > 0 or body.broke

    def _ask(self, url: str, access: Access, headers: Mapping[str, str]) -> Response:
        """Ask for a package, or a part of it, as often as it makes sense."""

        def send() -> Response:
            return self.http.send(
                "GET",
                access.url,
                headers=headers,
                authorization=access.authorization_at,
            )

        response = with_retries(send, self.options, sleep=self._wait)
        if response.status in {200, 206} or ("Range" in headers and response.status in RANGE_REFUSALS):
            return response
        response.close()
        kind = _Refused if response.status in _REFUSALS else DownloadError
        raise kind(f"cannot download {public_url(url)}: {_meaning(response.status)} (HTTP {response.status})")

    def _wait(self, seconds: float) -> None:
        if self.stop.wait(at_most(seconds)):
            raise Stopped
        check_time()

    def _receive_by_rattler(self, record: PublishedFile, url: str, partial: PartialDownload, task: Task) -> None:
        def take(data: bytes) -> None:
            self._take(data, partial, task)
            if record.size is not None and partial.size > record.size:
                raise WrongPackage(f"{record.public_url} is longer than its channel's index says")

        download_by_rattler(url, self.configuration, take)

    def _take(self, data: bytes, partial: PartialDownload, task: Task) -> None:
        """Add what has come. Raises `Stopped` and `CacheError`."""
        if self.stop.is_set():
            raise Stopped
        partial.write(data)
        task.advance(len(data))


def _may_be_early(record: PublishedFile) -> bool:
    """Return whether a package is worth reading while it comes, and all is known of it that its layer says of it."""
    return (record.size or 0) >= _EARLY and record.sha256 is not None and record.md5 is not None


def _pieces(record: PublishedFile, body: ResumableBody, partial: PartialDownload) -> Iterator[bytes]:
    """Yield a package in order, and share it as soon as what is at hand says how to read it.

    That is what the end of a `.conda` holds: the ZIP's directory and, since conda-package-handling 2, its `info-`
    member, which comes after the files.
    """
    end = b""
    if partial.is_wanted_early and record.size is not None:
        if record.file_name.endswith(".conda"):
            end = body.read_end(min(max(_MIN_END, record.size // _END_SHARE), _MAX_END))
        if end or record.file_name.endswith(".tar.bz2"):
            partial.share(record.size, end)
    while data := body.read1(_READ_SIZE):
        yield data
    if end:
        yield end


def _restart(partial: PartialDownload, task: Task) -> None:
    if partial.size:
        task.advance(-partial.size)
        partial.restart()


def _is_right(record: PublishedFile, partial: PartialDownload) -> bool:
    return _problem(record, partial) is None


def _problem(record: PublishedFile, partial: PartialDownload) -> str | None:
    """Return how what came differs from what the record says, None when it does not."""
    known = known_hash(record)
    if record.size is not None and partial.size != record.size:
        return f"it has {partial.size} bytes, and should have {record.size}"
    if known is not None and partial.hexdigest != known[1]:
        return f"its {known[0]} is {partial.hexdigest}, and should be {known[1]}"
    return None


def wrong_content(record: PublishedFile, problem: str, url: str | None = None) -> str:
    """Return the message for a package that is there, or at a mirror's `url`, but is not the one that was locked."""
    where = record.public_url if url is None else public_url(url)
    described = "its package index or lock file" if record.file_name.endswith(".whl") else "its channel or lock file"
    return f"{record.file_name} from {where} is not the package that {described} describes: {problem}"


def _failed(url: str, error: HttpError) -> DownloadError:
    advice = ""
    if error.cause is Cause.CERTIFICATE:
        advice = (
            "; name the certificates to trust with `ssl_verify` in your conda configuration, REQUESTS_CA_BUNDLE or "
            "SSL_CERT_FILE"
        )
    return DownloadError(f"cannot download {public_url(url)}: {error}{advice}")


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
