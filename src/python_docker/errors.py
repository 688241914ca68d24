"""The one tree of exceptions. Everything that this project raises on purpose is an `Error`.

A message is written for the person who typed the command: what was asked, what was found, what to do.
No message ever holds a password, a token or an `Authorization` header.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager


class Error(Exception):
    """Root of every error of `python_docker` and `conda_docker`.

    Its message can always be written: half a surrogate pair, as broken files have them, is spelled out.
    """

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(_writable(argument) if isinstance(argument, str) else argument for argument in arguments))

    def __reduce__(self) -> tuple[object, ...]:
        """Have a copy in another process be as it is here, whatever its class takes to be made."""
        return _copied, (type(self), self.args, self.__dict__)


class InvalidReference(Error, ValueError):
    """A string that is not an image reference, name, tag or location."""


class InvalidDigest(Error, ValueError):
    """A string that is not a digest, or a digest of an algorithm that cannot be computed here."""


class InvalidPlatform(Error, ValueError):
    """A string that is not a platform such as `linux/arm64/v8`."""


class InvalidVariable(Error, ValueError):
    """An environment variable with a value that cannot be used."""


class InvalidPath(Error, ValueError):
    """A path that may not go into a layer: empty, leaving its root, or holding a NUL."""


class InvalidDocument(Error, ValueError):
    """A manifest, index, config or other JSON document that is malformed or too large."""


class InvalidArchive(Error):
    """An archive or a layout that is truncated, damaged or not an image at all, or that cannot be read."""


class InvalidLayer(Error):
    """A layer whose compressed stream or tar is damaged."""


class ContentMismatch(Error):
    """Content that is not what its digest or size says."""


class UnsupportedFormat(Error):
    """A media type, a compression or a format that cannot be used for what was asked."""


class NotFound(Error, LookupError):
    """An image, a tag, a manifest or a blob that is not there."""


class OutOfTime(Error):
    """Work that was given some time, which is over (`python_docker.time_limit`)."""


class PlatformNotFound(NotFound):
    """An index that holds no image for the platform that was asked for."""


class RegistryError(Error):
    """A registry that refused or failed.

    `status` is the HTTP status (0 when no answer came), `codes` the error codes of the distribution specification
    that the answer named, such as `MANIFEST_UNKNOWN`. `image` is the name of the image that could not be read, where it
    is the image as a whole that was asked for.
    """

    image: str | None = None

    def __init__(self, message: str, *, status: int = 0, codes: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.codes = codes


class NotFoundInRegistry(RegistryError, NotFound):
    """The registry has no such repository, manifest or blob."""


class AccessDenied(RegistryError, ValueError):
    """The registry wants other credentials, or these may not do what was asked (a ValueError in earlier releases)."""


class TooManyRequests(RegistryError):
    """The registry's rate limit is reached. `retry_after` is in seconds, or None when it did not say."""

    def __init__(
        self, message: str, *, status: int = 429, codes: tuple[str, ...] = (), retry_after: float | None = None
    ) -> None:
        super().__init__(message, status=status, codes=codes)
        self.retry_after = retry_after


class ConnectionFailed(RegistryError):
    """No connection, a broken one, or one that could not be trusted (TLS).

    `cause` says why, by the values of `python_docker.http.failure.Cause` such as `refused`; empty when nobody knows.
    """

    def __init__(self, message: str, *, status: int = 0, codes: tuple[str, ...] = (), cause: str = "") -> None:
        super().__init__(message, status=status, codes=codes)
        self.cause = cause


class CredentialsError(Error):
    """A credentials file or helper that is there but cannot be used."""


class InvalidKey(Error, ValueError):
    """A file that is not a key, for signatures or TLS, cannot be read, or whose password is wrong.

    Says nothing of what is in it.
    """


class InvalidSignature(Error):
    """A signature that is malformed, of something else, or not by who it should be."""


class NotSigned(Error):
    """Something that should be signed and has no signature at all."""


class SigningFailed(Error):
    """A signature that could not be made, for want of an identity, a service or a library."""


class EngineError(Error):
    """Docker or Podman refused or failed."""


class ContainerFailed(EngineError):
    """A container that ended with another exit code than 0. `output` is what it printed on its standard output."""

    def __init__(self, message: str, *, exit_code: int, output: bytes) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.output = output


class EngineNotFound(EngineError):
    """No Docker or Podman could be found."""


def _copied(kind: type[Error], arguments: tuple[object, ...], fields: Mapping[str, object]) -> Error:
    error = kind.__new__(kind)
    Exception.__init__(error, *arguments)
    error.__dict__.update(fields)
    return error


def _writable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@contextmanager
def noted(notes: Collection[str]) -> Iterator[None]:
    """Add to an `Error` what was noticed before it, which may well be its cause; `notes` may grow meanwhile.

    >>> try:
    ...     with noted(["`requirements:` is not read"]):
    ...         raise Error("no packages are asked for")
    ... except Error as error:
    ...     print(error, notes_of(error))
    no packages are asked for ['`requirements:` is not read']
    """
    try:
        yield
    except Error as error:
        for note in dict.fromkeys(notes):
            if note not in notes_of(error):
                error.add_note(note)
        raise


def reason_of(error: BaseException) -> str:
    """Return what an exception of Python's says, without what only a programmer can use: numbers, calls, settings.

    >>> reason_of(FileNotFoundError(2, "No such file or directory", "/x"))
    'No such file or directory'
    """
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "it holds a number with too many digits" if "int_max_str_digits" in str(error) else str(error)


def is_lack_of_memory(error: BaseException) -> bool:
    """Return whether an exception of Python's says that there is no memory left.

    >>> is_lack_of_memory(MemoryError()), is_lack_of_memory(OSError(12, "Cannot allocate memory"))
    (True, True)
    """
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    # Without memory for its stack a thread cannot start, for which Python has no class of errors.
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "start new thread" in str(error))


def notes_of(error: BaseException) -> list[str]:
    """Return the notes on an error, and on those that it was raised from."""
    found: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        found += [note for note in getattr(cause, "__notes__", ()) if note not in found]
        cause = cause.__cause__
    return found
