"""Errors of the server, each with the code and the status that registries answer with (distribution-spec, "Errors")."""

from __future__ import annotations

from conda_docker.errors import (
    CacheError,
    ChannelError,
    DownloadError,
    InvalidEnvironment,
    InvalidPackage,
    PolicyViolated,
    ScriptFailed,
    Unsolvable,
    UnsupportedInput,
    WrongPackage,
)
from python_docker.errors import (
    Error,
    InvalidDigest,
    InvalidPlatform,
    NotFound,
    OutOfTime,
    PlatformNotFound,
    RegistryError,
    UnsupportedFormat,
)


class ServerError(Error):
    """An error that is answered with a `code` of the distribution specification and an HTTP `status`."""

    code = "UNKNOWN"
    status = 500


class NoSuchName(ServerError, ValueError):
    """A name or a tag that cannot mean an image here; the message says what names look like."""

    code, status = "NAME_INVALID", 400


class NameUnknown(ServerError, NotFound):
    """An environment or a lock file that is not here."""

    code, status = "NAME_UNKNOWN", 404


class ManifestUnknown(ServerError, NotFound):
    """A manifest that is not here, or an environment that cannot be solved."""

    code, status = "MANIFEST_UNKNOWN", 404


class BlobUnknown(ServerError, NotFound):
    """A blob that no image of that name has."""

    code, status = "BLOB_UNKNOWN", 404


class InvalidLock(ServerError, ValueError):
    """A lock file that was posted and cannot be read."""

    code, status = "MANIFEST_INVALID", 400


class TooLarge(ServerError, ValueError):
    """A lock file that was posted and has more bytes than the server allows."""

    code, status = "SIZE_INVALID", 413


class TooSlow(ServerError):
    """A request whose body did not come in time."""

    code, status = "REQUEST_TIMEOUT", 408


class Unauthorized(ServerError):
    """A token is needed, or is not known."""

    code, status = "UNAUTHORIZED", 401


class Denied(ServerError):
    """Something that whoever asks may not have, or that is larger than the server's limits."""

    code, status = "DENIED", 403


class TooMany(ServerError):
    """More requests than somebody may make at a time, or a queue that is full. `retry_after` is in seconds."""

    code, status = "TOOMANYREQUESTS", 429

    def __init__(self, message: str, retry_after: int = 30) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StillBuilding(TooMany):
    """A build that takes longer than a request may; it goes on.

    With the status of `TooMany`, not 503: Docker shows the message of the one, and only the number of the other.
    """


class BuildTooLong(TooMany):
    """A build that was ended, since it took longer than it may; another try goes on with what it has downloaded.

    With the status of `StillBuilding`, for the same reason.
    """


class Unavailable(ServerError):
    """A channel, a registry or a disk that the server depends on, and that fails."""

    code, status = "UNAVAILABLE", 503


_OF_THE_IMAGE = (
    InvalidDigest,
    InvalidEnvironment,
    InvalidPackage,
    PlatformNotFound,
    ScriptFailed,
    Unsolvable,
    UnsupportedFormat,
    UnsupportedInput,
)
"""Errors that say why what was asked for cannot be an image."""


def answer_to(error: Exception) -> ServerError:
    """Return the error to answer with; what clients should not see of an error that nobody expects is left out.

    >>> answer_to(Unsolvable("nothing provides numpy")).code
    'MANIFEST_UNKNOWN'
    >>> str(answer_to(KeyError("secret")))
    'the server failed; its log says why'
    """
    if isinstance(error, ServerError):
        return error
    if isinstance(error, InvalidPlatform):
        return NoSuchName(str(error))
    if isinstance(error, PolicyViolated):
        return Denied(str(error))
    if isinstance(error, OutOfTime):
        return BuildTooLong(
            "making this takes longer than this server allows: a channel or a registry does not answer in time, or "
            "there is much to download; what has come is kept, so that another try gets further",
            60,
        )
    if isinstance(error, WrongPackage):
        # Its text has the hash of the file that is there, which may be nobody's to know.
        return ManifestUnknown("a package is not what it should be: its channel has one with another hash or size")
    if isinstance(error, _OF_THE_IMAGE):
        return ManifestUnknown(str(error))
    if isinstance(error, ChannelError | DownloadError | RegistryError):
        return Unavailable("a channel or a registry that this server depends on cannot be read; its log says why")
    if isinstance(error, CacheError):
        return Unavailable("the server cannot write to its disk")
    return ServerError("the server failed; its log says why")
